// Sums of a few rows times a panel of weights in registers: the inner loop of blocked GEMM.
#ifndef CK_ROWS_H
#define CK_ROWS_H

#include "vector.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

/// Maximum number of rows whose sums fit into the registers.
#define CK_MOST_ROWS 12

/// A tap that reads inside the image, and the pixel of x that it reads.
typedef struct {
    ptrdiff_t tap, pixel;
} ck_reach;

#define CK_MULTIPLY_FLOAT32(sum, a, b) _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum)
#define CK_MULTIPLY_PAIRS(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b))

/// Weights to prefetch: each lane fetches the cache line at `place`, which then advances by `pace`.
typedef struct {
    const uint32_t *place;
    ptrdiff_t pace;
} ck_ahead;

// Sums of `count` rows of x, `stride` apart, over some taps and all inputs, to out [count, ck_panel_width]. A lane
// is a float32 or a pair of bf16.
#define CK_ROWS(name, target, multiply)                                                                                \
    target CK_INLINE void name##_of(                                                                                   \
        const int count, const uint32_t *x, ptrdiff_t stride, const uint32_t *panel, ptrdiff_t lanes,                  \
        const ck_reach *reaches, ptrdiff_t taps, ck_ahead *ahead, float *out) {                                        \
        __m512 sum[CK_MOST_ROWS][2];                                                                                  \
        for (int i = 0; i < count; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();                                   \
        const ptrdiff_t pace = ahead->pace;                                                                            \
        const uint32_t *later = ahead->place;                                                                          \
        for (ptrdiff_t i = 0; i < taps; i++) {                                                                         \
            const uint32_t *w = panel + reaches[i].tap * lanes * ck_panel_width, *x0 = x + reaches[i].pixel * lanes;    \
            const uint32_t *x3 = x0 + 3 * stride, *x6 = x0 + 6 * stride, *x9 = x0 + 9 * stride;                        \
            /* Two lanes at once would need too many registers. */                                                     \
            _Pragma("clang loop unroll(disable)")                                                                      \
            for (ptrdiff_t lane = 0; lane < lanes; lane++, w += ck_panel_width, x0++, x3++, x6++, x9++) {              \
                const __m512i first = _mm512_loadu_si512(w), second = _mm512_loadu_si512(w + 16);                      \
                _mm_prefetch(later, _MM_HINT_T1);                                                                      \
                later += pace;                                                                                         \
                _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++) {                                   \
                    const uint32_t *row = i < 3 ? x0 : i < 6 ? x3 : i < 9 ? x6 : x9;                                   \
                    const __m512i one = _mm512_set1_epi32((int)row[i % 3 * stride]);                                   \
                    sum[i][0] = multiply(sum[i][0], first, one);                                                       \
                    sum[i][1] = multiply(sum[i][1], second, one);                                                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        ahead->place = later;                                                                                          \
        for (int i = 0; i < count; i++) {                                                                              \
            _mm512_store_ps(out + i * ck_panel_width, sum[i][0]);                                                      \
            _mm512_store_ps(out + i * ck_panel_width + 16, sum[i][1]);                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    /* Multiplies one tile of rows, sized so that all tiles are nearly equal; returns its number of rows. */           \
    target static int name(                                                                                            \
        ptrdiff_t left, const uint32_t *x, ptrdiff_t stride, const uint32_t *panel, ptrdiff_t lanes,                   \
        const ck_reach *reaches, ptrdiff_t taps, ck_ahead *ahead, float *out) {                                        \
        const ptrdiff_t tiles = (left + CK_MOST_ROWS - 1) / CK_MOST_ROWS, count = (left + tiles - 1) / tiles;          \
        switch (count) {                                                                                               \
            CK_ROWS_CASE(name, 1) CK_ROWS_CASE(name, 2) CK_ROWS_CASE(name, 3) CK_ROWS_CASE(name, 4)                    \
            CK_ROWS_CASE(name, 5) CK_ROWS_CASE(name, 6) CK_ROWS_CASE(name, 7) CK_ROWS_CASE(name, 8)                    \
            CK_ROWS_CASE(name, 9) CK_ROWS_CASE(name, 10) CK_ROWS_CASE(name, 11) CK_ROWS_CASE(name, 12)                 \
        }                                                                                                              \
        return (int)count;                                                                                             \
    }
#define CK_ROWS_CASE(name, count)                                                                                      \
    case count: name##_of(count, x, stride, panel, lanes, reaches, taps, ahead, out); break;

#endif
#endif
