#include "formats.h"
#include "require.h"
#include "rows.h"

// A tile of 2 × 2 results reads 4 × 4 pixels. Transformed along both axes, they are multiplied with the transformed
// weights at 16 points, so a tile takes 16 multiplications per pair of channels, where its windows take 36. For
// each point, the tiles of a block are the rows of a matrix product; a block is so small that its pixels stay in
// the L2 cache for all panels of weights.

#if defined(__x86_64__) && defined(__linux__)

CK_ROWS(ck_winograd_rows, CK_TARGET_AVX512, CK_MULTIPLY_FLOAT32)

/// Maximum bytes of the transformed pixels of a block: half of the L2 cache of many processors.
#define CK_BLOCK_BYTES 524288

/// Extents of x and of the result, the zero padding before x, and the numbers of tiles.
typedef struct {
    ptrdiff_t rows, columns, out_rows, out_columns, top, left, tiles_down, tiles_right, tiles, block;
} ck_tiling;

CK_INLINE ck_tiling ck_tiling_of(const ck_winograd *w) {
    const ck_axis *rows = &w->shape.rows, *columns = &w->shape.columns;
    ck_tiling t = {rows->extent, columns->extent, rows->windows, columns->windows, rows->padding, columns->padding};
    // The transpose is the convolution of the windows with the weights rotated by 180°.
    if (w->is_transposed)
        t = (ck_tiling){
            rows->windows, columns->windows, rows->extent, columns->extent, 2 - rows->padding, 2 - columns->padding};
    t.tiles_down = (t.out_rows + 1) / 2;
    t.tiles_right = (t.out_columns + 1) / 2;
    t.tiles = w->shape.batch * t.tiles_down * t.tiles_right;
    const ptrdiff_t most = CK_BLOCK_BYTES / (ptrdiff_t)sizeof(float) / (ck_winograd_points * w->panels.inputs);
    t.block = most < CK_MOST_ROWS ? CK_MOST_ROWS : most / CK_MOST_ROWS * CK_MOST_ROWS;
    return t;
}

/// Returns where a tile begins: its item, and its first row and column of the result.
CK_INLINE void ck_locate(const ck_tiling *t, ptrdiff_t tile, ptrdiff_t *item, ptrdiff_t *row, ptrdiff_t *column) {
    *item = tile / (t->tiles_down * t->tiles_right);
    *row = tile / t->tiles_right % t->tiles_down * 2;
    *column = tile % t->tiles_right * 2;
}

/// Bᵀ · d for one line of 4.
#define CK_TRANSFORM_PIXELS(out, a, b, c, d)                                                                           \
    out[0] = _mm512_sub_ps(a, c), out[1] = _mm512_add_ps(b, c), out[2] = _mm512_sub_ps(c, b), out[3] = _mm512_sub_ps(b, d)

/// Writes the pixels of a tile at all points, `plane` numbers apart.
CK_TARGET_AVX512 static void ck_transform_pixels(
    const ck_winograd *w, const ck_tiling *t, ptrdiff_t tile, float *points, ptrdiff_t plane) {
    ptrdiff_t item, row, column;
    ck_locate(t, tile, &item, &row, &column);
    const ptrdiff_t channels = w->panels.inputs;
    for (ptrdiff_t c = 0; c < channels; c += 16) {
        __m512 half[4][4];
        for (ptrdiff_t j = 0; j < 4; j++) {
            __m512 d[4];
            const ptrdiff_t x = column + j - t->left;
            for (ptrdiff_t i = 0; i < 4; i++) {
                const ptrdiff_t y = row + i - t->top;
                const int is_inside = y >= 0 && y < t->rows && x >= 0 && x < t->columns;
                d[i] = is_inside ? _mm512_loadu_ps(w->x + ((item * t->rows + y) * t->columns + x) * channels + c)
                                 : _mm512_setzero_ps();
            }
            CK_TRANSFORM_PIXELS(half[j], d[0], d[1], d[2], d[3]);
        }
        for (ptrdiff_t i = 0; i < 4; i++) {
            __m512 line[4];
            CK_TRANSFORM_PIXELS(line, half[0][i], half[1][i], half[2][i], half[3][i]);
            for (ptrdiff_t j = 0; j < 4; j++) _mm512_storeu_ps(points + (4 * i + j) * plane + c, line[j]);
        }
    }
}

/// Writes the results of a tile from the sums at its points, for the outputs of a panel: Aᵀ · m · A.
CK_TARGET_AVX512 static void ck_transform_sums(
    const ck_winograd *w, const ck_tiling *t, ptrdiff_t tile, ptrdiff_t first, const float *points, ptrdiff_t plane) {
    ptrdiff_t item, row, column;
    ck_locate(t, tile, &item, &row, &column);
    const ptrdiff_t outputs = w->panels.outputs;
    for (ptrdiff_t o = 0; o < ck_panel_width && first + o < outputs; o += 16) {
        const __m512 bias = w->bias ? _mm512_loadu_ps(w->bias + first + o) : _mm512_setzero_ps();
        __m512 half[2][4];
        for (ptrdiff_t j = 0; j < 4; j++) {
            __m512 m[4];
            for (ptrdiff_t i = 0; i < 4; i++) m[i] = _mm512_loadu_ps(points + (4 * i + j) * plane + o);
            const __m512 sum = _mm512_add_ps(m[1], m[2]), difference = _mm512_sub_ps(m[1], m[2]);
            half[0][j] = _mm512_add_ps(m[0], sum);
            half[1][j] = _mm512_sub_ps(difference, m[3]);
        }
        for (ptrdiff_t i = 0; i < 2 && row + i < t->out_rows; i++) {
            const __m512 *m = half[i];
            const __m512 sum = _mm512_add_ps(m[1], m[2]), difference = _mm512_sub_ps(m[1], m[2]);
            float *out = w->out + ((item * t->out_rows + row + i) * t->out_columns + column) * outputs + first + o;
            _mm512_storeu_ps(out, _mm512_add_ps(bias, _mm512_add_ps(m[0], sum)));
            if (column + 1 < t->out_columns)
                _mm512_storeu_ps(out + outputs, _mm512_add_ps(bias, _mm512_sub_ps(difference, m[3])));
        }
    }
}

CK_INLINE ptrdiff_t ck_block_floats(const ck_winograd *w, const ck_tiling *t) {
    return ck_winograd_points * t->block * (w->panels.inputs + ck_panel_width);
}

CK_TARGET_AVX512 static void ck_winograd_body(void *context, int thread, int threads) {
    const ck_winograd *w = context;
    const ck_tiling t = ck_tiling_of(w);
    const ptrdiff_t inputs = w->panels.inputs, panels = (w->panels.outputs + ck_panel_width - 1) / ck_panel_width;
    const ck_range range = ck_share(t.tiles, t.block, thread, threads);
    float *pixels = w->scratch + thread * ck_block_floats(w, &t), *sums = pixels + ck_winograd_points * t.block * inputs;
    const ck_reach all = {0, 0};
    ck_ahead ahead = {(const uint32_t *)w->weights, 0};
    for (ptrdiff_t begin = range.begin; begin < range.end; begin += t.block) {
        const ptrdiff_t count = range.end - begin < t.block ? range.end - begin : t.block;
        for (ptrdiff_t i = 0; i < count; i++)
            ck_transform_pixels(w, &t, begin + i, pixels + i * inputs, t.block * inputs);
        for (ptrdiff_t panel = 0; panel < panels; panel++) {
            for (ptrdiff_t point = 0; point < ck_winograd_points; point++) {
                const float *weights = w->weights + (panel * ck_winograd_points + point) * inputs * ck_panel_width;
                for (ptrdiff_t row = 0; row < count;)
                    row += ck_winograd_rows(
                        count - row, (const uint32_t *)(pixels + (point * t.block + row) * inputs), inputs,
                        (const uint32_t *)weights, inputs, &all, 1, &ahead, sums + (point * t.block + row) * ck_panel_width);
            }
            for (ptrdiff_t i = 0; i < count; i++)
                ck_transform_sums(
                    w, &t, begin + i, panel * ck_panel_width, sums + i * ck_panel_width, t.block * ck_panel_width);
        }
    }
}

// MARK: Weights

typedef struct {
    const ck_panels *panels;
    const float *weights;
    const ptrdiff_t *strides;
    int is_transposed;
    float *packed;
} ck_winograd_packing;

/// G · g for one line of 3.
#define CK_TRANSFORM_WEIGHTS(out, a, b, c)                                                                             \
    out[0] = a, out[1] = 0.5f * (a + b + c), out[2] = 0.5f * (a - b + c), out[3] = c

CK_TARGET_AVX512 static void ck_pack_winograd_body(void *context, int thread, int threads) {
    const ck_winograd_packing *p = context;
    const ptrdiff_t inputs = p->panels->inputs, outputs = p->panels->outputs;
    const ptrdiff_t panels = (outputs + ck_panel_width - 1) / ck_panel_width;
    const ck_range range = ck_share(panels * inputs, 1, thread, threads);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t panel = index / inputs, input = index % inputs, first = panel * ck_panel_width;
        float taps[9][ck_panel_width] = {0}, points[ck_winograd_points][ck_panel_width];
        for (ptrdiff_t o = 0; o < ck_panel_width && first + o < outputs; o++)
            for (int tap = 0; tap < 9; tap++) {
                const float *weight = p->weights + (first + o) * p->strides[0] + input * p->strides[1];
                taps[p->is_transposed ? 8 - tap : tap][o] = weight[tap];
            }
        for (int o = 0; o < ck_panel_width; o++) {
            float half[3][4];
            for (int j = 0; j < 3; j++) CK_TRANSFORM_WEIGHTS(half[j], taps[j][o], taps[3 + j][o], taps[6 + j][o]);
            for (int i = 0; i < 4; i++) {
                float line[4];
                CK_TRANSFORM_WEIGHTS(line, half[0][i], half[1][i], half[2][i]);
                for (int j = 0; j < 4; j++) points[4 * i + j][o] = line[j];
            }
        }
        for (int point = 0; point < ck_winograd_points; point++) {
            float *out = p->packed + ((panel * ck_winograd_points + point) * inputs + input) * ck_panel_width;
            for (int o = 0; o < ck_panel_width; o++) out[o] = points[point][o];
        }
    }
}
#endif

int ck_has_winograd(const ck_convolution *shape) {
    const ck_axis *axes[2] = {&shape->rows, &shape->columns};
    for (int i = 0; i < 2; i++)
        // For smaller images, blocked GEMM has less to do, because it multiplies nothing outside them.
        if (axes[i]->kernel != 3 || axes[i]->stride != 1 || axes[i]->padding > 2 || axes[i]->windows < 5) return 0;
#if defined(__x86_64__) && defined(__linux__)
    return ck_current_level() >= ck_avx512 && shape->inputs % 16 == 0 && shape->outputs % 16 == 0;
#else
    return 0;
#endif
}

void ck_pack_winograd(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[2], int is_transposed, float *packed, int threads) {
#if defined(__x86_64__) && defined(__linux__)
    ck_winograd_packing packing = {panels, weights, strides, is_transposed, packed};
    ck_parallel(ck_pack_winograd_body, &packing, threads);
#else
    (void)panels, (void)weights, (void)strides, (void)is_transposed, (void)packed, (void)threads;
#endif
}

ptrdiff_t ck_winograd_scratch(const ck_winograd *product, int threads) {
#if defined(__x86_64__) && defined(__linux__)
    const ck_tiling tiling = ck_tiling_of(product);
    return threads * ck_block_floats(product, &tiling);
#else
    (void)product, (void)threads;
    return 0;
#endif
}

void ck_winograd_multiply(const ck_winograd *product, int threads) {
    CK_REQUIRE(ck_has_winograd(&product->shape) && product->panels.taps == ck_winograd_points);
#if defined(__x86_64__) && defined(__linux__)
    ck_parallel(ck_winograd_body, (void *)product, threads);
#else
    (void)product, (void)threads;
#endif
}
