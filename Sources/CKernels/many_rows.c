#include "formats.h"
#include "vector.h"

// A tile is some items at one time by the 32 outputs of a panel; its sums stay in registers over all taps that reach into the sequence and all
// inputs. Rows of x are read where they are, one lane at a time, which every instruction broadcasts; a panel of weights stays in the second cache
// for all rows. Only what lies inside of the sequence is multiplied.

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#define CK_MOST_ITEMS 12

/// The time of x that a tap reads for a time of the result; negative if there is none.
CK_INLINE ptrdiff_t ck_source_time(const ck_many_rows *p, ptrdiff_t time, ptrdiff_t tap) {
    if (!p->is_transposed) {
        const ptrdiff_t from = time * p->stride + tap - p->padding;
        return from < p->x_times ? from : -1;
    }
    const ptrdiff_t distance = time + p->padding - tap;
    if (distance < 0 || distance % p->stride) return -1;
    return distance / p->stride < p->x_times ? distance / p->stride : -1;
}

#define CK_MULTIPLY_FLOAT32(sum, a, b) _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum)
#define CK_MULTIPLY_PAIRS(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b))

// The sums of `count` items from `item` at a time. A lane is a float32 or a pair of bf16.
#define CK_ROWS(name, target, multiply)                                                                                \
    target CK_INLINE void name##_of(                                                                                   \
        const int count, const ck_many_rows *p, const uint32_t *panel, ptrdiff_t lanes, ptrdiff_t item, ptrdiff_t time, \
        float *out) {                                                                                                  \
        __m512 sum[CK_MOST_ITEMS][2];                                                                                  \
        for (int i = 0; i < count; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();                                   \
        const ptrdiff_t stride = p->x_times * lanes;                                                                   \
        for (ptrdiff_t tap = 0; tap < p->panels.taps; tap++) {                                                         \
            const ptrdiff_t from = ck_source_time(p, time, tap);                                                       \
            if (from < 0) continue;                                                                                    \
            const uint32_t *w = panel + tap * lanes * ck_panel_width;                                                  \
            const uint32_t *x0 = (const uint32_t *)p->x + item * stride + from * lanes, *x3 = x0 + 3 * stride;          \
            const uint32_t *x6 = x0 + 6 * stride, *x9 = x0 + 9 * stride;                                               \
            for (ptrdiff_t lane = 0; lane < lanes; lane++, w += ck_panel_width, x0++, x3++, x6++, x9++) {              \
                const __m512i first = _mm512_loadu_si512(w), second = _mm512_loadu_si512(w + 16);                      \
                _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++) {                                   \
                    const uint32_t *x = i < 3 ? x0 : i < 6 ? x3 : i < 9 ? x6 : x9;                                     \
                    const __m512i one = _mm512_set1_epi32((int)x[i % 3 * stride]);                                     \
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
        ptrdiff_t left, const ck_many_rows *p, const uint32_t *panel, ptrdiff_t lanes, ptrdiff_t item, ptrdiff_t time,  \
        float *out) {                                                                                                  \
        if (left >= 12) return name##_of(12, p, panel, lanes, item, time, out), 12;                                    \
        if (left >= 8) return name##_of(8, p, panel, lanes, item, time, out), 8;                                       \
        if (left >= 4) return name##_of(4, p, panel, lanes, item, time, out), 4;                                       \
        return name##_of(1, p, panel, lanes, item, time, out), 1;                                                      \
    }

CK_ROWS(ck_rows_float32, CK_TARGET_AVX512, CK_MULTIPLY_FLOAT32)
CK_ROWS(ck_rows_pairs, CK_TARGET_AVX512_BF16, CK_MULTIPLY_PAIRS)

/// Adds the bias to some rows of a tile and writes them.
CK_INLINE void ck_finish_rows(
    const ck_many_rows *p, float *sums, ptrdiff_t first, ptrdiff_t item, ptrdiff_t time, int count) {
    const ptrdiff_t outputs = p->panels.outputs;
    const ptrdiff_t there = outputs - first < ck_panel_width ? outputs - first : ck_panel_width;
    for (int i = 0; i < count; i++, sums += ck_panel_width) {
        const ptrdiff_t row = ((item + i) * p->out_times + time) * outputs + first;
        if (p->bias)
            for (ptrdiff_t o = 0; o < there; o++) sums[o] += p->bias[first + o];
        if (p->out_format == ck_float32)
            for (ptrdiff_t o = 0; o < there; o++) ((float *)p->out)[row + o] = sums[o];
        else
            for (ptrdiff_t o = 0; o < there; o++) ((uint16_t *)p->out)[row + o] = ck_narrowed(sums[o]);
    }
}

CK_TARGET_AVX512 static void ck_many_rows_body(void *context, int thread, int threads) {
    const ck_many_rows *p = context;
    const int pairs = p->panels.pairs;
    const ptrdiff_t lanes = pairs ? p->panels.inputs / 2 : p->panels.inputs;
    const ptrdiff_t panels = (p->panels.outputs + ck_panel_width - 1) / ck_panel_width;
    // A block of items at one time is what threads share; panels are outermost, so that one stays in the cache.
    const ptrdiff_t block = 4 * CK_MOST_ITEMS, blocks = (p->batch + block - 1) / block;
    const ck_range range = ck_share(panels * p->out_times * blocks, 1, thread, threads);
    _Alignas(64) float sums[CK_MOST_ITEMS * ck_panel_width];
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t panel = index / (p->out_times * blocks), time = index / blocks % p->out_times;
        const uint32_t *weights = (const uint32_t *)p->weights + panel * p->panels.taps * lanes * ck_panel_width;
        ptrdiff_t item = index % blocks * block;
        const ptrdiff_t end = item + block < p->batch ? item + block : p->batch;
        while (item < end) {
            const int count =
                (pairs ? ck_rows_pairs : ck_rows_float32)(end - item, p, weights, lanes, item, time, sums);
            ck_finish_rows(p, sums, panel * ck_panel_width, item, time, count);
            item += count;
        }
    }
}
#endif

int ck_has_many_rows(ck_format format, ptrdiff_t inputs) {
#if defined(__x86_64__) && defined(__linux__)
    return format == ck_float32 ? ck_current_level() >= ck_avx512
                                : ck_current_level() >= ck_avx512_bf16 && inputs % 2 == 0;
#else
    (void)format, (void)inputs;
    return 0;
#endif
}

void ck_multiply_many_rows(const ck_many_rows *product, int threads) {
#if defined(__x86_64__) && defined(__linux__)
    ck_parallel(ck_many_rows_body, (void *)product, threads);
#else
    (void)product, (void)threads;
#endif
}
