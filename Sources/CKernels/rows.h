// Sums of a few rows by a panel of weights in registers: the heart of products with many rows.
#ifndef CK_ROWS_H
#define CK_ROWS_H

#include "vector.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

/// Rows whose sums fit into the registers.
#define CK_MOST_ROWS 12

/// A tap that reaches into the image, and the pixel of x that it reads.
typedef struct {
    ptrdiff_t tap, pixel;
} ck_reach;

#define CK_MULTIPLY_FLOAT32(sum, a, b) _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum)
#define CK_MULTIPLY_PAIRS(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b))

// The sums of `count` rows of x, a stride apart, over some taps and all inputs. A lane is a float32 or a pair of bf16.
#define CK_ROWS(name, target, multiply)                                                                                \
    target CK_INLINE void name##_of(                                                                                   \
        const int count, const uint32_t *x, ptrdiff_t stride, const uint32_t *panel, ptrdiff_t lanes,                  \
        const ck_reach *reaches, ptrdiff_t taps, float *out) {                                                         \
        __m512 sum[CK_MOST_ROWS][2];                                                                                  \
        for (int i = 0; i < count; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();                                   \
        for (ptrdiff_t i = 0; i < taps; i++) {                                                                         \
            const uint32_t *w = panel + reaches[i].tap * lanes * ck_panel_width, *x0 = x + reaches[i].pixel * lanes;    \
            const uint32_t *x3 = x0 + 3 * stride, *x6 = x0 + 6 * stride, *x9 = x0 + 9 * stride;                        \
            /* Two lanes at once would need more registers than there are. */                                          \
            _Pragma("clang loop unroll(disable)")                                                                      \
            for (ptrdiff_t lane = 0; lane < lanes; lane++, w += ck_panel_width, x0++, x3++, x6++, x9++) {              \
                const __m512i first = _mm512_loadu_si512(w), second = _mm512_loadu_si512(w + 16);                      \
                _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++) {                                   \
                    const uint32_t *row = i < 3 ? x0 : i < 6 ? x3 : i < 9 ? x6 : x9;                                   \
                    const __m512i one = _mm512_set1_epi32((int)row[i % 3 * stride]);                                   \
                    sum[i][0] = multiply(sum[i][0], first, one);                                                       \
                    sum[i][1] = multiply(sum[i][1], second, one);                                                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (int i = 0; i < count; i++) {                                                                              \
            _mm512_store_ps(out + i * ck_panel_width, sum[i][0]);                                                      \
            _mm512_store_ps(out + i * ck_panel_width + 16, sum[i][1]);                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    target static int name(                                                                                            \
        ptrdiff_t left, const uint32_t *x, ptrdiff_t stride, const uint32_t *panel, ptrdiff_t lanes,                   \
        const ck_reach *reaches, ptrdiff_t taps, float *out) {                                                         \
        if (left >= 12) return name##_of(12, x, stride, panel, lanes, reaches, taps, out), 12;                         \
        if (left >= 8) return name##_of(8, x, stride, panel, lanes, reaches, taps, out), 8;                            \
        if (left >= 4) return name##_of(4, x, stride, panel, lanes, reaches, taps, out), 4;                            \
        return name##_of(1, x, stride, panel, lanes, reaches, taps, out), 1;                                           \
    }

#endif
#endif
