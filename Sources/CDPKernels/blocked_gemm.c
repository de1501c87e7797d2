#include "formats.h"
#include "require.h"
#include "rows.h"

// A tile is some items at one pixel by the 32 outputs of a panel. Its sums stay in registers over all inputs and
// all taps that reach into the image. Rows of x are read in place, one lane at a time, which every instruction
// broadcasts; a panel of weights stays in the L2 cache for all rows. Only pixels inside the image are multiplied.

#if defined(__x86_64__) && defined(__linux__)

/// Bytes of x that stay in the L2 cache of many processors together with a panel of weights.
#define CK_GROUP_BYTES 131072

/// Returns the position of x that a tap reads along an axis for a position of the result; negative if there is
/// none.
CK_INLINE ptrdiff_t ck_source_place(const ck_axis *axis, int is_transposed, ptrdiff_t place, ptrdiff_t tap) {
    if (!is_transposed) {
        const ptrdiff_t from = place * axis->stride + tap - axis->padding;
        return from < axis->extent ? from : -1;
    }
    const ptrdiff_t distance = place + axis->padding - tap;
    if (distance < 0 || distance % axis->stride) return -1;
    return distance / axis->stride < axis->windows ? distance / axis->stride : -1;
}

/// Returns the extent of x or of the result along an axis.
CK_INLINE ptrdiff_t ck_places(const ck_axis *axis, int are_windows) { return are_windows ? axis->windows : axis->extent; }

/// Collects the taps that reach into the image at a pixel of the result, in order, and returns their number.
CK_INLINE ptrdiff_t ck_reaches(const ck_blocked_gemm *p, ptrdiff_t row, ptrdiff_t column, ck_reach *reaches) {
    const ck_axis *rows = &p->shape.rows, *columns = &p->shape.columns;
    ptrdiff_t count = 0;
    for (ptrdiff_t down = 0; down < rows->kernel; down++) {
        const ptrdiff_t from_row = ck_source_place(rows, p->is_transposed, row, down);
        for (ptrdiff_t right = 0; from_row >= 0 && right < columns->kernel; right++) {
            const ptrdiff_t from = ck_source_place(columns, p->is_transposed, column, right);
            if (from < 0) continue;
            reaches[count++] =
                (ck_reach){down * columns->kernel + right, from_row * ck_places(columns, p->is_transposed) + from};
        }
    }
    return count;
}

CK_ROWS(ck_rows_float32, CK_TARGET_AVX512, CK_MULTIPLY_FLOAT32)
CK_ROWS(ck_rows_pairs, CK_TARGET_AVX512_BF16, CK_MULTIPLY_PAIRS)

/// Adds the bias to sums [count, ck_panel_width] of a tile and writes them: the first to row `row` of the result,
/// and each of the others `stride` rows further.
CK_INLINE void ck_finish_rows(
    const ck_blocked_gemm *p, float *sums, ptrdiff_t first, ptrdiff_t row, ptrdiff_t stride, int count) {
    const ptrdiff_t outputs = p->panels.outputs;
    const ptrdiff_t there = outputs - first < ck_panel_width ? outputs - first : ck_panel_width;
    for (int i = 0; i < count; i++, sums += ck_panel_width) {
        const ptrdiff_t begin = (row + i * stride) * outputs + first;
        if (p->bias)
            for (ptrdiff_t o = 0; o < there; o++) sums[o] += p->bias[first + o];
        if (p->out_format == ck_float32)
            for (ptrdiff_t o = 0; o < there; o++) ((float *)p->out)[begin + o] = sums[o];
        else
            for (ptrdiff_t o = 0; o < there; o++) ((uint16_t *)p->out)[begin + o] = ck_narrowed(sums[o]);
    }
}

CK_TARGET_AVX512 static void ck_blocked_gemm_body(void *context, int thread, int threads) {
    const ck_blocked_gemm *p = context;
    const int pairs = p->panels.pairs;
    const ptrdiff_t lanes = pairs ? p->panels.inputs / 2 : p->panels.inputs;
    const ptrdiff_t panels = (p->panels.outputs + ck_panel_width - 1) / ck_panel_width;
    const ck_axis *rows = &p->shape.rows, *columns = &p->shape.columns;
    const ptrdiff_t width = ck_places(columns, !p->is_transposed), pixels = ck_places(rows, !p->is_transposed) * width;
    const ptrdiff_t x_pixels = ck_places(rows, p->is_transposed) * ck_places(columns, p->is_transposed);
    // Threads divide the blocks of items at one pixel. A panel stays in the cache for all blocks of a group, and a
    // block for all its pixels.
    const ptrdiff_t batch = p->shape.batch, block = 4 * CK_MOST_ROWS, blocks = (batch + block - 1) / block;
    // All blocks form one group. For rows without neighbors, as in linear layers, a group has only as many blocks
    // as stay in the cache for all panels.
    const ptrdiff_t fitting = x_pixels > 1 ? blocks : CK_GROUP_BYTES / (block * lanes * (ptrdiff_t)sizeof(uint32_t));
    const ptrdiff_t group = fitting > blocks ? blocks : fitting > 1 ? fitting : 1;
    const ck_range range = ck_share(panels * pixels * blocks, 1, thread, threads);
    _Alignas(64) float sums[CK_MOST_ROWS * ck_panel_width];
    ck_reach *reaches = ck_scratch(0, 1, (size_t)(rows->kernel * columns->kernel) * sizeof(ck_reach));
    // While a panel is multiplied with the rows, the next one is fetched from memory, spread over all tiles; about
    // a third of the taps may miss the image.
    const ptrdiff_t panel_size = p->panels.taps * lanes * ck_panel_width;
    const ptrdiff_t tiles = (batch + CK_MOST_ROWS - 1) / CK_MOST_ROWS * pixels, line = 16;
    const ptrdiff_t pace = 3 * line / tiles < line ? 3 * line / tiles : line;
    ck_ahead ahead = {0};
    ptrdiff_t current = -1;
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t first = index / (panels * pixels * group) * group, place = index - panels * pixels * first;
        const ptrdiff_t here = blocks - first < group ? blocks - first : group;
        const ptrdiff_t panel = place / (pixels * here), pixel = place % pixels;
        const uint32_t *weights = (const uint32_t *)p->weights + panel * panel_size;
        if (panel != current) {
            current = panel;
            ahead = panel + 1 < panels ? (ck_ahead){weights + panel_size, pace} : (ck_ahead){weights, 0};
        }
        const ptrdiff_t taps = ck_reaches(p, pixel / width, pixel % width, reaches);
        ptrdiff_t item = (first + place / pixels % here) * block;
        const ptrdiff_t end = item + block < batch ? item + block : batch;
        while (item < end) {
            const uint32_t *x = (const uint32_t *)p->x + item * x_pixels * lanes;
            const int count = (pairs ? ck_rows_pairs : ck_rows_float32)(
                end - item, x, x_pixels * lanes, weights, lanes, reaches, taps, &ahead, sums);
            if (ahead.place >= weights + 2 * panel_size) ahead.pace = 0;
            ck_finish_rows(p, sums, panel * ck_panel_width, item * pixels + pixel, pixels, count);
            item += count;
        }
    }
}
#endif

int ck_has_blocked_gemm(ck_format format, ptrdiff_t inputs) {
#if defined(__x86_64__) && defined(__linux__)
    return format == ck_float32 ? ck_current_level() >= ck_avx512
                                : ck_current_level() >= ck_avx512_bf16 && inputs % 2 == 0;
#else
    (void)format, (void)inputs;
    return 0;
#endif
}

void ck_blocked_gemm_multiply(const ck_blocked_gemm *product, int threads) {
    CK_REQUIRE(ck_has_blocked_gemm(product->panels.format, product->panels.inputs));
#if defined(__x86_64__) && defined(__linux__)
    ck_parallel(ck_blocked_gemm_body, (void *)product, threads);
#else
    (void)product, (void)threads;
#endif
}
