#include <string.h>

#include "formats.h"
#include "pairs.h"
#include "require.h"
#include "vector.h"

// The sums of a panel stay in the L1 cache and pass through registers for each tap and chunk of inputs, so only the
// rows that a tap reaches are multiplied, and a chunk of weights is still cached when the next tile needs it.
// Weights are read in address order, so the processor prefetches them by itself; with many weights, or on
// processors with shorter vectors, some prefetch faster when instructions reach further ahead.

typedef float ck_vector __attribute__((vector_size(64)));

/// Inputs that are unpacked, converted or used by several tiles at once: their weights fit into the L1 cache with
/// all other data.
#define CK_CHUNK 128
/// Weights of more bytes than this are prefetched far ahead: Intel processors then read them faster by a third.
/// Smaller ones come from a cache, and with AVX-512, prefetching makes them slower.
#define CK_MANY (2 << 20)
/// Prefetch distance in bytes of smaller weights without AVX-512: on Zen 3 a pass takes 4 to 25 % less time.
#define CK_NEAR 2048

/// Functions that depend on the level of vector instructions.
typedef struct {
    /// sums[to[r], :] += x[r][0 ..< n] · w over float32 or, for even n, pairs in a format. With two panels, the
    /// sums of the second start `ck_max_rows` rows further and its weights `panel_size` bytes further. Prefetches
    /// weights `ahead` bytes ahead: `CK_FAR`, or for 0 the distance of the level.
    void (*multiply)(
        ck_format format, int rows, int panels, float *sums, const int32_t *to, const void *const *x, const void *w,
        ptrdiff_t panel_size, ptrdiff_t ahead, ptrdiff_t n);
    /// Maximum number of panels that `multiply` takes at once.
    int most_panels;
    /// Converts `count` packed numbers to the format that `multiply` takes for many tiles.
    void (*unpack)(ck_format format, const void *packed, void *out, ptrdiff_t count);
    /// Writes one row of sums [count] to the result, with scales and bias.
    void (*finish)(const float *sums, const float *scales, const float *bias, ck_format format, void *out, ptrdiff_t count);
} ck_skinny_gemm_kernels;

// MARK: Float32

/// Keeps `unroll` sums per element, so that additions do not wait for each other with few rows.
CK_INLINE void ck_multiply_rows(
    const int rows, const int unroll, float *sums, const int32_t *to, const float *const *x, const float *w,
    const ptrdiff_t ahead, ptrdiff_t n) {
    CK_FAST
    ck_vector sum[8][2] = {0};
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 2; v++) sum[r * unroll][v] = *(const ck_vector *)(sums + to[r] * ck_panel_width + v * 16);
    ptrdiff_t k = 0;
#pragma clang loop unroll(disable)
    for (; k + unroll <= n; k += unroll)
#pragma clang loop unroll(full)
        for (int u = 0; u < unroll; u++) {
            const ck_vector *line = (const ck_vector *)(w + (k + u) * ck_panel_width);
            for (int v = 0; ahead > 0 && v < 2; v++) __builtin_prefetch((const char *)(line + v) + ahead);
            for (int r = 0; r < rows; r++)
                for (int v = 0; v < 2; v++) sum[r * unroll + u][v] += x[r][k + u] * line[v];
        }
#pragma clang loop unroll(disable)
    for (; k < n; k++)
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < 2; v++) sum[r * unroll][v] += x[r][k] * ((const ck_vector *)(w + k * ck_panel_width))[v];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 2; v++) {
            for (int u = 1; u < unroll; u++) sum[r * unroll][v] += sum[r * unroll + u][v];
            *(ck_vector *)(sums + to[r] * ck_panel_width + v * 16) = sum[r * unroll][v];
        }
}

/// Splits the rows so that the sums of `most` rows fit into the registers.
CK_INLINE void ck_multiply_float32(
    const int most, int rows, float *sums, const int32_t *to, const void *const *x, const void *w,
    const ptrdiff_t ahead, ptrdiff_t n) {
    const float *const *from = (const float *const *)x;
    while (rows > 0) {
        const int part = rows < most ? rows : most;
        switch (part) {
        case 1: ck_multiply_rows(1, most < 4 ? 1 : 4, sums, to, from, w, ahead, n); break;
        case 2: ck_multiply_rows(2, most < 4 ? 1 : 2, sums, to, from, w, ahead, n); break;
        case 3: ck_multiply_rows(3, most < 4 ? 1 : 2, sums, to, from, w, ahead, n); break;
        case 4: ck_multiply_rows(4, 1, sums, to, from, w, ahead, n); break;
        case 5: ck_multiply_rows(5, 1, sums, to, from, w, ahead, n); break;
        case 6: ck_multiply_rows(6, 1, sums, to, from, w, ahead, n); break;
        case 7: ck_multiply_rows(7, 1, sums, to, from, w, ahead, n); break;
        case 8: ck_multiply_rows(8, 1, sums, to, from, w, ahead, n); break;
        }
        rows -= part, to += part, from += part;
    }
}

CK_INLINE void ck_unpack_float32(ck_format format, const void *packed, void *out, ptrdiff_t count) {
    float *wide = out;
    if (format == ck_bfloat16)
        for (ptrdiff_t i = 0; i < count; i++) wide[i] = ck_widened(((const uint16_t *)packed)[i]);
    else
        for (ptrdiff_t i = 0; i < count; i++) wide[i] = (float)((const int8_t *)packed)[i];
}

CK_INLINE void ck_finish_row(
    const float *sums, const float *scales, const float *bias, ck_format format, void *out, ptrdiff_t count) {
    float row[ck_panel_width];
    for (ptrdiff_t i = 0; i < count; i++) row[i] = sums[i];
    if (scales)
        for (ptrdiff_t i = 0; i < count; i++) row[i] *= scales[i];
    if (bias)
        for (ptrdiff_t i = 0; i < count; i++) row[i] += bias[i];
    if (format == ck_bfloat16)
        for (ptrdiff_t i = 0; i < count; i++) ((uint16_t *)out)[i] = ck_narrowed(row[i]);
    else
        memcpy(out, row, (size_t)count * sizeof(float));
}

// MARK: The product

static void ck_skinny_gemm_multiply(const ck_skinny_gemm *p, const ck_skinny_gemm_kernels *kernels, int thread, int threads) {
    const ptrdiff_t inputs = p->panels.inputs, outputs = p->panels.outputs;
    const ptrdiff_t multiple = p->panels.pairs ? 2 : 1, stored = (inputs + multiple - 1) / multiple * multiple;
    const ptrdiff_t x_size = ck_size_of(p->x_format), out_size = ck_size_of(p->out_format);
    const ptrdiff_t line = ck_panel_width * ck_size_of(p->panels.format), panel_size = p->panels.taps * stored * line;
    const ptrdiff_t ahead = (outputs + ck_panel_width - 1) / ck_panel_width * panel_size > CK_MANY ? CK_FAR : 0;
    const ck_format wanted = p->panels.pairs ? ck_bfloat16 : ck_float32;
    // Pairs are unpacked in registers, unless several tiles need them.
    const int unpacks = p->panels.format != wanted && !(p->panels.pairs && p->rows <= ck_max_tap_rows);
    const ck_format format = unpacks ? wanted : p->panels.format;
    const int converts = p->x_format != wanted || stored != inputs;
    const int divides = unpacks || converts || p->rows > ck_max_tap_rows;
    _Alignas(64) float sums[2 * ck_max_rows * ck_panel_width];
    _Alignas(64) float unpacked[CK_CHUNK * ck_panel_width];
    _Alignas(64) float converted[ck_max_tap_rows][CK_CHUNK];

    const ck_range range = ck_share(outputs, p->grain, thread, threads);
    for (ptrdiff_t first = range.begin, panels; first < range.end; first += panels * ck_panel_width) {
        panels = unpacks || range.end - first <= ck_panel_width ? 1 : kernels->most_panels;
        for (ptrdiff_t i = 0; i < panels; i++)
            memset(sums + i * ck_max_rows * ck_panel_width, 0, (size_t)p->rows * ck_panel_width * sizeof(float));
        const char *panel = (const char *)p->weights + first / ck_panel_width * panel_size;
        for (ptrdiff_t begin = 0, end; begin < p->tile_count; begin = end) {
            const ptrdiff_t tap = p->tiles[begin].tap;
            for (end = begin + 1; end < p->tile_count && p->tiles[end].tap == tap; end++) {}
            const ptrdiff_t most = divides ? CK_CHUNK : stored;
            for (ptrdiff_t k = 0; k < stored; k += most) {
                const ptrdiff_t n = stored - k < most ? stored - k : most;
                const void *w = panel + (tap * stored + k) * line;
                if (unpacks) {
                    kernels->unpack(p->panels.format, w, unpacked, n * ck_panel_width);
                    w = unpacked;
                }
                for (const ck_tap_rows *tile = p->tiles + begin; tile < p->tiles + end; tile++) {
                    const void *x[ck_max_tap_rows];
                    for (int r = 0; r < tile->count; r++) {
                        x[r] = (const char *)p->x + (tile->from[r] * p->x_stride + k) * x_size;
                        if (!converts) continue;
                        const ptrdiff_t there = inputs - k < n ? inputs - k : n;
                        if (p->x_format == wanted) {
                            memcpy(converted[r], x[r], (size_t)(there * x_size));
                            memset((char *)converted[r] + there * x_size, 0, (size_t)((n - there) * x_size));
                        } else {
                            kernels->unpack(p->x_format, x[r], converted[r], there);
                        }
                        x[r] = converted[r];
                    }
                    kernels->multiply(format, tile->count, (int)panels, sums, tile->to, x, w, panel_size, ahead, n);
                }
            }
        }
        for (ptrdiff_t i = 0; i < panels * p->rows; i++) {
            const ptrdiff_t row = i / panels, here = first + i % panels * ck_panel_width;
            const ptrdiff_t count = outputs - here < ck_panel_width ? outputs - here : ck_panel_width;
            kernels->finish(
                sums + (i % panels * ck_max_rows + row) * ck_panel_width, p->scales ? p->scales + here : 0,
                p->bias ? p->bias + here : 0, p->out_format, (char *)p->out + (row * p->out_stride + here) * out_size,
                count);
        }
    }
}

// MARK: Levels

#define CK_FEW_ROWS_LEVEL(level, most, near, target)                                                                   \
    target static void ck_multiply_##level(                                                                            \
        ck_format format, int rows, int panels, float *sums, const int32_t *to, const void *const *x, const void *w,   \
        ptrdiff_t panel_size, ptrdiff_t ahead, ptrdiff_t n) {                                                          \
        (void)format, (void)panels, (void)panel_size;                                                                  \
        if (ahead > 0) ck_multiply_float32(most, rows, sums, to, x, w, CK_FAR, n);                                     \
        else ck_multiply_float32(most, rows, sums, to, x, w, near, n);                                                 \
    }                                                                                                                  \
    target static void ck_unpack_##level(ck_format format, const void *packed, void *out, ptrdiff_t count) {           \
        ck_unpack_float32(format, packed, out, count);                                                                 \
    }                                                                                                                  \
    target static void ck_finish_##level(                                                                              \
        const float *sums, const float *scales, const float *bias, ck_format format, void *out, ptrdiff_t count) {     \
        ck_finish_row(sums, scales, bias, format, out, count);                                                         \
    }                                                                                                                  \
    static void ck_skinny_gemm_##level(void *context, int thread, int threads) {                                          \
        static const ck_skinny_gemm_kernels kernels = {ck_multiply_##level, 1, ck_unpack_##level, ck_finish_##level};      \
        ck_skinny_gemm_multiply(context, &kernels, thread, threads);                                                      \
    }

CK_FEW_ROWS_LEVEL(baseline, 1, CK_NEAR, )

static void ck_require_skinny_gemm(const ck_skinny_gemm *product) {
    const ck_panels *panels = &product->panels;
    CK_REQUIRE(product->rows > 0 && product->rows <= ck_max_rows);
    CK_REQUIRE(product->x_stride >= panels->inputs && product->out_stride >= panels->outputs);
    CK_REQUIRE(product->grain > 0 && product->grain % ck_panel_width == 0);
    CK_REQUIRE(!panels->pairs || product->x_format == ck_bfloat16);
    CK_REQUIRE(panels->format != ck_int8 || product->scales);
    for (ptrdiff_t i = 0; i < product->tile_count; i++) {
        const ck_tap_rows *tile = product->tiles + i;
        CK_REQUIRE(tile->tap >= (i ? tile[-1].tap : 0) && tile->tap < panels->taps);
        CK_REQUIRE(tile->count > 0 && tile->count <= ck_max_tap_rows);
        for (int r = 0; r < tile->count; r++) CK_REQUIRE(tile->from[r] >= 0 && tile->to[r] >= 0 && tile->to[r] < product->rows);
    }
}

#if defined(__x86_64__) && defined(__linux__)
CK_FEW_ROWS_LEVEL(avx2, 3, CK_NEAR, CK_TARGET_AVX2)
CK_FEW_ROWS_LEVEL(avx512, 8, 0, CK_TARGET_AVX512)

#define CK_FEW_ROWS_PAIRS(level)                                                                                       \
    static void ck_skinny_gemm_##level(void *context, int thread, int threads) {                                          \
        static const ck_skinny_gemm_kernels kernels = {                                                                    \
            ck_multiply_##level, 2, ck_unpack_##level, ck_finish_avx512};                                              \
        ck_skinny_gemm_multiply(context, &kernels, thread, threads);                                                      \
    }

CK_FEW_ROWS_PAIRS(pairs)
CK_FEW_ROWS_PAIRS(pairs_by_table)

ck_call ck_skinny_gemm_call(ck_skinny_gemm *product) {
    ck_require_skinny_gemm(product);
    static const ck_body bodies[] = {
        ck_skinny_gemm_baseline, ck_skinny_gemm_avx2, ck_skinny_gemm_avx512, ck_skinny_gemm_avx512};
    const ck_body pairs = __builtin_cpu_supports("avx512vbmi") ? ck_skinny_gemm_pairs_by_table : ck_skinny_gemm_pairs;
    return (ck_call){.body = product->panels.pairs ? pairs : bodies[ck_current_level()], .context = product};
}
#else
ck_call ck_skinny_gemm_call(ck_skinny_gemm *product) {
    ck_require_skinny_gemm(product);
    return (ck_call){.body = ck_skinny_gemm_baseline, .context = product};
}
#endif
