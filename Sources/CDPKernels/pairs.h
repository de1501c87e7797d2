// Products of bf16 pairs: two inputs at once, with weights in bf16 or 8-bit integers.
#ifndef CK_PAIRS_H
#define CK_PAIRS_H

#include <string.h>

#include "formats.h"

/// Prefetch distance in bytes of weights that come from memory. The code is compiled separately for these and for
/// weights that come from a cache.
#define CK_FAR 8192

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

// MARK: From 8 bits to bf16

/// Converts 64 integers of 8 bits, from −127 to 127, to bf16 [2][32].
CK_TARGET_AVX512_BF16 CK_INLINE void ck_widen(const void *numbers, __m512i wide[2]) {
    const __m128i *quarters = numbers;
    __m512 floats[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) floats[i] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(quarters[i]));
    for (int i = 0; i < 2; i++) wide[i] = (__m512i)_mm512_cvtne2ps_pbh(floats[2 * i + 1], floats[2 * i]);
}

#define CK_TARGET_TABLE __attribute__((target(CK_AVX512_FEATURES ",avx512bf16,avx512vbmi")))

/// The bits of an integer from 0 to 127 as bf16: the exponent is that of its highest binary digit, and the digits
/// below form the mantissa.
#define CK_BITS(m) ((m) == 0 ? 0u : (158u - __builtin_clz(m)) << 7 | ((uint32_t)(m) << __builtin_clz(m) >> 24 & 127u))
#define CK_LOW_BYTE(m) (uint8_t)(CK_BITS(m) & 255)
#define CK_HIGH_BYTE(m) (uint8_t)(CK_BITS(m) >> 8)
#define CK_FOUR_OF(f, m) f(m), f(m + 1), f(m + 2), f(m + 3)
#define CK_16_OF(f, m) CK_FOUR_OF(f, m), CK_FOUR_OF(f, m + 4), CK_FOUR_OF(f, m + 8), CK_FOUR_OF(f, m + 12)
#define CK_64_OF(f, m) {CK_16_OF(f, m), CK_16_OF(f, m + 16), CK_16_OF(f, m + 32), CK_16_OF(f, m + 48)}

/// Like `ck_widen`, with half as many instructions: reads both bytes of a magnitude from tables, and adds the sign.
CK_TARGET_TABLE CK_INLINE void ck_widen_by_table(const void *numbers, __m512i wide[2]) {
    static const _Alignas(64) uint8_t low_bytes[2][64] = {CK_64_OF(CK_LOW_BYTE, 0), CK_64_OF(CK_LOW_BYTE, 64)};
    static const _Alignas(64) uint8_t high_bytes[2][64] = {CK_64_OF(CK_HIGH_BYTE, 0), CK_64_OF(CK_HIGH_BYTE, 64)};
    const __m512i *lows = (const __m512i *)low_bytes, *highs = (const __m512i *)high_bytes;
    // The bytes are interleaved within quarters of a vector, so each quarter receives eight numbers for either
    // result.
    const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    const __m512i ordered = _mm512_permutexvar_epi64(order, *(const __m512i *)numbers);
    const __m512i magnitude = _mm512_abs_epi8(ordered), sign = _mm512_set1_epi8(INT8_MIN);
    const __m512i low = _mm512_permutex2var_epi8(lows[0], magnitude, lows[1]);
    const __m512i high = _mm512_permutex2var_epi8(highs[0], magnitude, highs[1]);
    const __m512i signed_high = _mm512_or_si512(high, _mm512_and_si512(ordered, sign));
    wide[0] = _mm512_unpacklo_epi8(low, signed_high);
    wide[1] = _mm512_unpackhi_epi8(low, signed_high);
}

// MARK: The product

/// Prefetch distance in bytes of weights that are unpacked for several tiles: the processor does not follow reads
/// with so much work in between.
#define CK_AHEAD 4096

// One sum per element, in the order of taps and inputs as in blocked GEMM: values rounded to bf16 must not depend
// on the number of rows. Additions wait for each other, so with few rows, two panels are multiplied at once.
#define CK_PAIRS(name, target, widen)                                                                                  \
    target CK_INLINE void ck_multiply_rows_of_##name(                                                                  \
        const ck_format format, const int rows, const int panels, float *sums, const int32_t *to,                      \
        const int32_t *const *x, const char *w, ptrdiff_t panel_size, const ptrdiff_t ahead, ptrdiff_t n) {            \
        __m512 sum[8][2];                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows * panels; i++)                                     \
            for (int v = 0; v < 2; v++)                                                                                \
                sum[i][v] = _mm512_load_ps(                                                                            \
                    sums + (i % panels * ck_max_rows + to[i / panels]) * ck_panel_width + v * 16);                     \
        _Pragma("clang loop unroll_count(4)") for (ptrdiff_t k = 0; k < n; k++)                                        \
            _Pragma("clang loop unroll(full)") for (int p = 0; p < panels; p++) {                                      \
                const char *line = w + p * panel_size + k * 2 * ck_panel_width * ck_size_of(format);                   \
                __m512i pairs[2];                                                                                      \
                for (int v = 0; ahead > 0 && v < ck_size_of(format); v++) __builtin_prefetch(line + v * 64 + ahead);    \
                if (format == ck_int8) widen(line, pairs);                                                             \
                else memcpy(pairs, line, sizeof(pairs));                                                               \
                _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                      \
                    for (int v = 0; v < 2; v++)                                                                        \
                        sum[r * panels + p][v] = _mm512_dpbf16_ps(                                                     \
                            sum[r * panels + p][v], (__m512bh)_mm512_set1_epi32(x[r][k]), (__m512bh)pairs[v]);         \
            }                                                                                                          \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < rows * panels; i++)                                     \
            for (int v = 0; v < 2; v++)                                                                                \
                _mm512_store_ps(                                                                                       \
                    sums + (i % panels * ck_max_rows + to[i / panels]) * ck_panel_width + v * 16, sum[i][v]);          \
    }                                                                                                                  \
    target CK_INLINE void ck_multiply_format_of_##name(                                                                \
        const ck_format format, int rows, int panels, float *sums, const int32_t *to, const int32_t *const *x,         \
        const char *w, ptrdiff_t panel_size, const ptrdiff_t ahead, ptrdiff_t n) {                                     \
        if (panels == 2 && rows <= 4) {                                                                                \
            switch (rows) {                                                                                            \
                CK_PAIRS_CASE(name, 1, 2) CK_PAIRS_CASE(name, 2, 2) CK_PAIRS_CASE(name, 3, 2) CK_PAIRS_CASE(name, 4, 2) \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (; panels > 0; panels--, sums += ck_max_rows * ck_panel_width, w += panel_size)                            \
            switch (rows) {                                                                                            \
                CK_PAIRS_CASE(name, 1, 1) CK_PAIRS_CASE(name, 2, 1) CK_PAIRS_CASE(name, 3, 1) CK_PAIRS_CASE(name, 4, 1) \
                CK_PAIRS_CASE(name, 5, 1) CK_PAIRS_CASE(name, 6, 1) CK_PAIRS_CASE(name, 7, 1) CK_PAIRS_CASE(name, 8, 1) \
            }                                                                                                          \
    }                                                                                                                  \
    target static void ck_multiply_##name(                                                                             \
        ck_format format, int rows, int panels, float *sums, const int32_t *to, const void *const *x, const void *w,   \
        ptrdiff_t panel_size, ptrdiff_t ahead, ptrdiff_t n) {                                                          \
        const int32_t *const *from = (const int32_t *const *)x;                                                        \
        if (format == ck_int8 && ahead > 0)                                                                            \
            ck_multiply_format_of_##name(ck_int8, rows, panels, sums, to, from, w, panel_size, CK_FAR, n / 2);         \
        else if (format == ck_int8)                                                                                    \
            ck_multiply_format_of_##name(ck_int8, rows, panels, sums, to, from, w, panel_size, 0, n / 2);              \
        else if (ahead > 0)                                                                                            \
            ck_multiply_format_of_##name(ck_bfloat16, rows, panels, sums, to, from, w, panel_size, CK_FAR, n / 2);     \
        else                                                                                                           \
            ck_multiply_format_of_##name(ck_bfloat16, rows, panels, sums, to, from, w, panel_size, 0, n / 2);          \
    }                                                                                                                  \
    target static void ck_unpack_##name(ck_format format, const void *packed, void *out, ptrdiff_t count) {            \
        (void)format;                                                                                                  \
        for (ptrdiff_t i = 0; i < count; i += 64) {                                                                    \
            __m512i wide[2];                                                                                           \
            _mm_prefetch((const char *)packed + i + CK_AHEAD, _MM_HINT_T0);                                            \
            widen((const int8_t *)packed + i, wide);                                                                   \
            memcpy((uint16_t *)out + i, wide, sizeof(wide));                                                           \
        }                                                                                                              \
    }

#define CK_PAIRS_CASE(name, count, width)                                                                              \
    case count: ck_multiply_rows_of_##name(format, count, width, sums, to, x, w, panel_size, ahead, n); break;

CK_PAIRS(pairs, CK_TARGET_AVX512_BF16, ck_widen)
CK_PAIRS(pairs_by_table, CK_TARGET_TABLE, ck_widen_by_table)

#endif
#endif
