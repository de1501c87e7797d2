#include <string.h>

#include "formats.h"
#include "require.h"
#include "vector.h"

// dw[o, c, k] = Σ over items and windows of x[item, the pixel that tap k of the window reads, c] ·
// dy[item, window, o]: for each tap a matrix product, summed over items and those windows whose tap lies inside the
// image. Nothing is gathered and no zero is multiplied: in packed x and dy, the pixel axis is outside the item
// axis, so a shift in the image is a different start.
//
// A packed operand is [chunk][panel][pixel][item][channel of the panel] in lanes of 32 bits: a lane is one float32
// of one item, or two bf16 of two neighboring items, whose products one instruction sums. One operand provides
// vectors, in panels of 32 channels; the other, which has fewer channels if one has few, provides single lanes that
// are broadcast, in panels of up to 8. The pixels that the windows of a row read for one tap are contiguous,
// whatever the stride.
//
// Threads divide the tiles of the result, 32 channels by 8. A thread sums all taps and chunks of a tile; a chunk
// then has so few items that one panel of each operand stays in the L2 cache. If images are large and the result is
// small, each thread instead takes its own chunks, so small that they are packed in that cache and never leave it,
// and the sums of the threads are added at the end. So do linear layers with many rows: their packed data is as
// large as the data that they compute with, so it should not go to memory.

#define CK_VECTOR_CHANNELS 32
#define CK_LANE_CHANNELS 8
#define CK_TILE_SIZE (CK_LANE_CHANNELS * CK_VECTOR_CHANNELS)
/// Rows of a linear layer in a chunk; a panel of vectors of them stays in the L1 cache.
#define CK_CHUNK_ROWS 256
/// Number of these rows that are packed at once: enough to write whole cache lines to each panel.
#define CK_PACKED_ROWS 16
/// Size of the L2 cache of many processors.
#define CK_CACHE_BYTES 1048576
/// Maximum bytes of the tiles of all threads where each thread sums its own chunks into all tiles, however large a
/// linear layer is.
#define CK_MOST_TILE_BYTES 67108864

typedef struct {
    const void *x;
    /// Extents in pixels, and distance in columns between packed neighbors.
    ptrdiff_t rows, columns, stride;
    ptrdiff_t channels, width;
    /// Sums over the items of each chunk, [chunk, pixel, channel]; null without.
    float *sums;
} ck_operand;

typedef struct {
    ck_convolution shape;
    ck_format format;
    /// Lanes of an operand for one pixel and channel, in total and per chunk, and number of chunks; the last chunks
    /// may have fewer lanes.
    ptrdiff_t items, chunk_items, chunks;
    /// Items of a pixel that are packed at once, in all their panels before the next ones.
    ptrdiff_t packed_items;
    ck_operand vectors, lanes;
    /// Whether x provides the vectors; otherwise dy does.
    int x_is_vectors;
    /// Whether threads divide chunks, and number of threads that do; otherwise they divide tiles.
    int shares_chunks, team;
    float *dw, *db;
    /// All chunks, or one per thread.
    uint32_t *packed;
    /// Sums of tiles between chunks, or those of each thread.
    float *tiles;
} ck_weight_gradient;

/// A chunk of packed items.
typedef struct {
    ptrdiff_t index, items;
    uint32_t *vectors, *lanes;
} ck_chunk;

CK_INLINE ptrdiff_t ck_panel_count(const ck_operand *o) { return (o->channels + o->width - 1) / o->width; }
CK_INLINE ptrdiff_t ck_pixels(const ck_operand *o) { return o->rows * o->columns; }
CK_INLINE ptrdiff_t ck_taps(const ck_weight_gradient *g) { return g->shape.rows.kernel * g->shape.columns.kernel; }
CK_INLINE ptrdiff_t ck_tile_count(const ck_weight_gradient *g) { return ck_panel_count(&g->vectors) * ck_panel_count(&g->lanes); }

/// Rounds a number of lanes up to whole cache lines.
CK_INLINE ptrdiff_t ck_lines(ptrdiff_t count) { return (count + 15) / 16 * 16; }
CK_INLINE ptrdiff_t ck_operand_lanes(const ck_operand *o, ptrdiff_t items) {
    return ck_lines(ck_panel_count(o) * ck_pixels(o) * items * o->width);
}
CK_INLINE ptrdiff_t ck_chunk_lanes(const ck_weight_gradient *g) {
    return ck_operand_lanes(&g->vectors, g->chunk_items) + ck_operand_lanes(&g->lanes, g->chunk_items);
}

/// Returns a chunk that is packed at a position of the memory.
CK_INLINE ck_chunk ck_chunk_at(const ck_weight_gradient *g, ptrdiff_t index, ptrdiff_t place) {
    const ptrdiff_t left = g->items - index * g->chunk_items;
    uint32_t *vectors = g->packed + place * ck_chunk_lanes(g);
    return (ck_chunk){
        index, left < g->chunk_items ? left : g->chunk_items, vectors,
        vectors + ck_operand_lanes(&g->vectors, g->chunk_items)};
}

// MARK: Packing

/// Position of a column in a packed row: columns 0, stride, 2 · stride … first, then 1, stride + 1 …
CK_INLINE ptrdiff_t ck_column_place(const ck_operand *o, ptrdiff_t column) {
    const ptrdiff_t phase = column % o->stride, all = o->columns / o->stride, more = o->columns % o->stride;
    return phase * all + (phase < more ? phase : more) + column / o->stride;
}

/// Returns the address of a pixel of a panel in a packed operand.
CK_INLINE uint32_t *ck_packed_pixel(
    const ck_operand *o, uint32_t *packed, ptrdiff_t items, ptrdiff_t panel, ptrdiff_t row, ptrdiff_t place) {
    return packed + (panel * ck_pixels(o) + row * o->columns + place) * items * o->width;
}

/// Packs `count` channels of a pixel of some items, and adds them to sums [count] if it is not null.
CK_INLINE void ck_pack_items(
    const ck_weight_gradient *g, const ck_operand *o, ck_range items, ptrdiff_t place, const ptrdiff_t count, uint32_t *out,
    float *sums) {
    CK_FAST
    static const uint16_t zeros[CK_VECTOR_CHANNELS];
    const ptrdiff_t width = o->width, stride = ck_pixels(o) * o->channels;
    for (ptrdiff_t item = items.begin; item < items.end; item++, out += width) {
        if (g->format == ck_bfloat16) {
            const uint16_t *low = (const uint16_t *)o->x + 2 * item * stride + place;
            const uint16_t *high = 2 * item + 1 < g->shape.batch ? low + stride : zeros;
            for (ptrdiff_t c = 0; c < count; c++) out[c] = (uint32_t)low[c] | (uint32_t)high[c] << 16;
            if (sums)
                for (ptrdiff_t c = 0; c < count; c++) sums[c] += ck_widened(low[c]) + ck_widened(high[c]);
        } else {
            const float *x = (const float *)o->x + item * stride + place;
            memcpy(out, x, (size_t)count * sizeof(float));
            if (sums)
                for (ptrdiff_t c = 0; c < count; c++) sums[c] += x[c];
        }
        for (ptrdiff_t c = count; c < width; c++) out[c] = 0;
    }
}

/// Packs a pixel of the channels of a panel, for some of a chunk's items.
CK_INLINE void ck_pack_pixel(
    const ck_weight_gradient *g, const ck_operand *o, const ck_chunk *chunk, uint32_t *packed, ptrdiff_t panel, ptrdiff_t pixel,
    ck_range items) {
    const ptrdiff_t first = panel * o->width, place = pixel * o->channels + first, begin = chunk->index * g->chunk_items;
    const ptrdiff_t count = o->channels - first < o->width ? o->channels - first : o->width;
    const ck_range all = {begin + items.begin, begin + items.end};
    uint32_t *out = items.begin * o->width
        + ck_packed_pixel(o, packed, chunk->items, panel, pixel / o->columns, ck_column_place(o, pixel % o->columns));
    float *sums = o->sums ? o->sums + chunk->index * ck_pixels(o) * o->channels + place : 0;
    if (sums && items.begin == 0) memset(sums, 0, (size_t)count * sizeof(float));
    // Specialized code for whole panels.
    switch (count) {
    case CK_VECTOR_CHANNELS: ck_pack_items(g, o, all, place, CK_VECTOR_CHANNELS, out, sums); break;
    case CK_LANE_CHANNELS: ck_pack_items(g, o, all, place, CK_LANE_CHANNELS, out, sums); break;
    default: ck_pack_items(g, o, all, place, count, out, sums); break;
    }
}

/// Packs a thread's part of a chunk's operand.
CK_INLINE void ck_pack_operand(
    const ck_weight_gradient *g, const ck_operand *o, const ck_chunk *chunk, uint32_t *packed, int thread, int threads) {
    const ptrdiff_t panels = ck_panel_count(o);
    const ck_range range = ck_share(ck_pixels(o) * panels, 1, thread, threads);
    ptrdiff_t next;
    for (ptrdiff_t i = range.begin; i < range.end; i = next) {
        const ptrdiff_t pixel = i / panels, begin = pixel * panels;
        next = begin + panels < range.end ? begin + panels : range.end;
        // Panels innermost, so that memory is read sequentially.
        for (ck_range items = {0}; items.begin < chunk->items; items.begin = items.end) {
            items.end = items.begin + g->packed_items < chunk->items ? items.begin + g->packed_items : chunk->items;
            for (ptrdiff_t panel = i - begin; panel < next - begin; panel++)
                ck_pack_pixel(g, o, chunk, packed, panel, pixel, items);
        }
    }
}

CK_INLINE void ck_pack_chunk(const ck_weight_gradient *g, const ck_chunk *chunk, int thread, int threads) {
    ck_pack_operand(g, &g->vectors, chunk, chunk->vectors, thread, threads);
    ck_pack_operand(g, &g->lanes, chunk, chunk->lanes, thread, threads);
}

// MARK: Tiles

/// Returns the windows along an axis whose tap lies inside the extent.
CK_INLINE ck_range ck_windows_inside(const ck_axis *axis, ptrdiff_t tap) {
    const ptrdiff_t before = axis->padding - tap, last = axis->extent - 1 + before;
    const ptrdiff_t begin = before <= 0 ? 0 : (before + axis->stride - 1) / axis->stride;
    const ptrdiff_t end = last < 0 ? 0 : last / axis->stride + 1;
    return (ck_range){begin, end < axis->windows ? end : axis->windows};
}

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

// A tile of `count` broadcast lanes by two vectors, for one tap and a chunk's items:
// `sum[lane][vector] += lane · vector`.
#define CK_TILE(name, target, multiply)                                                                                \
    CK_INLINE target void name##_of(                                                                                   \
        const ck_weight_gradient *g, const ck_chunk *chunk, ptrdiff_t tile, ptrdiff_t tap, int count, int is_first,    \
        float sums[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {                                                            \
        const ptrdiff_t v_panel = tile / ck_panel_count(&g->lanes), l_panel = tile % ck_panel_count(&g->lanes);        \
        const ck_axis *rows = &g->shape.rows, *columns = &g->shape.columns;                                            \
        const ptrdiff_t down = tap / columns->kernel, right = tap % columns->kernel, width = g->lanes.width;           \
        const ck_range outer = ck_windows_inside(rows, down), inner = ck_windows_inside(columns, right);               \
        const ptrdiff_t length = (inner.end - inner.begin) * chunk->items;                                             \
        const ck_operand *x = g->x_is_vectors ? &g->vectors : &g->lanes;                                               \
        const ptrdiff_t place =                                                                                        \
            length > 0 ? ck_column_place(x, inner.begin * columns->stride + right - columns->padding) : 0;             \
        const ptrdiff_t v_place = g->x_is_vectors ? place : inner.begin;                                               \
        const ptrdiff_t l_place = g->x_is_vectors ? inner.begin : place;                                               \
        __m512 sum[CK_LANE_CHANNELS][2];                                                                               \
        for (int l = 0; l < count; l++) {                                                                              \
            sum[l][0] = is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums[l]);                                     \
            sum[l][1] = is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums[l] + 16);                                \
        }                                                                                                              \
        for (ptrdiff_t window = outer.begin; window < outer.end; window++) {                                           \
            const ptrdiff_t row = window * rows->stride + down - rows->padding;                                        \
            const ptrdiff_t v_row = g->x_is_vectors ? row : window, l_row = g->x_is_vectors ? window : row;            \
            const uint32_t *v = ck_packed_pixel(&g->vectors, chunk->vectors, chunk->items, v_panel, v_row, v_place);    \
            const uint32_t *lane = ck_packed_pixel(&g->lanes, chunk->lanes, chunk->items, l_panel, l_row, l_place);     \
            _Pragma("clang loop unroll(disable)")                                                                      \
            for (ptrdiff_t i = 0; i < length; i++, v += CK_VECTOR_CHANNELS, lane += width) {                           \
                const __m512i first = _mm512_loadu_si512(v), second = _mm512_loadu_si512(v + 16);                      \
                _Pragma("clang loop unroll(full)") for (int l = 0; l < count; l++) {                                   \
                    const __m512i one = _mm512_set1_epi32((int)lane[l]);                                               \
                    sum[l][0] = multiply(sum[l][0], first, one);                                                       \
                    sum[l][1] = multiply(sum[l][1], second, one);                                                      \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; l < count; l++) {                                                                              \
            _mm512_storeu_ps(sums[l], sum[l][0]);                                                                      \
            _mm512_storeu_ps(sums[l] + 16, sum[l][1]);                                                                 \
        }                                                                                                              \
    }                                                                                                                  \
    target static void name(                                                                                           \
        const ck_weight_gradient *g, const ck_chunk *chunk, ptrdiff_t tile, ptrdiff_t tap, int is_first,               \
        float sums[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {                                                            \
        switch (g->lanes.width) {                                                                                      \
        case 1: name##_of(g, chunk, tile, tap, 1, is_first, sums); break;                                              \
        case 2: name##_of(g, chunk, tile, tap, 2, is_first, sums); break;                                              \
        case 4: name##_of(g, chunk, tile, tap, 4, is_first, sums); break;                                              \
        default: name##_of(g, chunk, tile, tap, 8, is_first, sums); break;                                             \
        }                                                                                                              \
    }

#define CK_MULTIPLY_F32(sum, a, b) _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum)
#define CK_MULTIPLY_BF16(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b))
CK_TILE(ck_tile_f32, CK_TARGET_AVX512, CK_MULTIPLY_F32)
CK_TILE(ck_tile_bf16, CK_TARGET_AVX512_BF16, CK_MULTIPLY_BF16)

/// Adds the products of a chunk to all taps of a tile.
static void ck_multiply_tile(const ck_weight_gradient *g, const ck_chunk *chunk, ptrdiff_t tile, int is_first, float *sums) {
    for (ptrdiff_t tap = 0; tap < ck_taps(g); tap++)
        (g->format == ck_bfloat16 ? ck_tile_bf16 : ck_tile_f32)(
            g, chunk, tile, tap, is_first, (void *)(sums + tap * CK_TILE_SIZE));
}

/// Writes a tile of all taps to its positions in dw.
CK_INLINE void ck_store_taps(
    const ck_weight_gradient *g, ptrdiff_t tile, const ptrdiff_t taps, float (*sums)[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {
    const ptrdiff_t v_panel = tile / ck_panel_count(&g->lanes), l_panel = tile % ck_panel_count(&g->lanes);
    const ptrdiff_t row = g->shape.inputs * taps, v_first = v_panel * CK_VECTOR_CHANNELS;
    const ptrdiff_t l_first = l_panel * g->lanes.width, l_step = g->x_is_vectors ? row : taps;
    const ptrdiff_t left = g->vectors.channels - v_first;
    const ptrdiff_t count = left < CK_VECTOR_CHANNELS ? left : CK_VECTOR_CHANNELS;
    for (ptrdiff_t l = 0; l < g->lanes.width && l_first + l < g->lanes.channels; l++) {
        float *out = g->dw + (l_first + l) * l_step;
        if (g->x_is_vectors)
            for (ptrdiff_t v = 0; v < count; v++)
                for (ptrdiff_t k = 0; k < taps; k++) out[(v_first + v) * taps + k] = sums[k][l][v];
        else
            for (ptrdiff_t v = 0; v < count; v++)
                for (ptrdiff_t k = 0; k < taps; k++) out[(v_first + v) * row + k] = sums[k][l][v];
    }
}

/// The same, with specialized code for the kernel sizes of networks.
static void ck_store_tile(const ck_weight_gradient *g, ptrdiff_t tile, const float *sums) {
    switch (ck_taps(g)) {
    case 1: ck_store_taps(g, tile, 1, (void *)sums); break;
    case 3: ck_store_taps(g, tile, 3, (void *)sums); break;
    case 4: ck_store_taps(g, tile, 4, (void *)sums); break;
    case 5: ck_store_taps(g, tile, 5, (void *)sums); break;
    case 9: ck_store_taps(g, tile, 9, (void *)sums); break;
    default: ck_store_taps(g, tile, ck_taps(g), (void *)sums); break;
    }
}

// MARK: Threads divide tiles

CK_TARGET_AVX512 static void ck_pack_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    for (ptrdiff_t i = 0; i < g->chunks; i++) {
        const ck_chunk chunk = ck_chunk_at(g, i, i);
        ck_pack_chunk(g, &chunk, thread, threads);
    }
}

static void ck_tiles_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    const ck_range range = ck_share(ck_tile_count(g), 1, thread, threads);
    const ptrdiff_t size = ck_taps(g) * CK_TILE_SIZE;
    float *own = CK_FLOATS(0, 1, size);
    for (ptrdiff_t i = 0; i < g->chunks; i++) {
        const ck_chunk chunk = ck_chunk_at(g, i, i);
        for (ptrdiff_t tile = range.begin; tile < range.end; tile++) {
            float *sums = g->chunks == 1 ? own : g->tiles + tile * size;
            ck_multiply_tile(g, &chunk, tile, i == 0, sums);
            if (i == g->chunks - 1) ck_store_tile(g, tile, sums);
        }
    }
}

// MARK: Threads divide chunks

CK_TARGET_AVX512 static void ck_chunks_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    const ck_range range = ck_share(g->chunks, 1, thread, threads);
    const ptrdiff_t size = ck_taps(g) * CK_TILE_SIZE;
    float *tiles = g->tiles + thread * ck_tile_count(g) * size;
    for (ptrdiff_t i = range.begin; i < range.end; i++) {
        const ck_chunk chunk = ck_chunk_at(g, i, thread);
        ck_pack_chunk(g, &chunk, 0, 1);
        for (ptrdiff_t tile = 0; tile < ck_tile_count(g); tile++)
            ck_multiply_tile(g, &chunk, tile, i == range.begin, tiles + tile * size);
    }
}

/// Adds the sums of the threads.
CK_TARGET_AVX512 static void ck_add_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    const ptrdiff_t size = ck_taps(g) * CK_TILE_SIZE;
    const ck_range range = ck_share(ck_tile_count(g), 1, thread, threads);
    for (ptrdiff_t tile = range.begin; tile < range.end; tile++) {
        float *sums = g->tiles + tile * size;
        for (int other = 1; other < g->team; other++) {
            const float *more = sums + other * ck_tile_count(g) * size;
            for (ptrdiff_t i = 0; i < size; i++) sums[i] += more[i];
        }
        ck_store_tile(g, tile, sums);
    }
}

/// Computes the gradient of the bias from the sums of packing.
static void ck_sum_bias(const ck_weight_gradient *g) {
    const ck_operand *dy = g->x_is_vectors ? &g->lanes : &g->vectors;
    memset(g->db, 0, (size_t)g->shape.outputs * sizeof(float));
    for (ptrdiff_t i = 0; i < g->chunks * ck_pixels(dy); i++)
        for (ptrdiff_t o = 0; o < g->shape.outputs; o++) g->db[o] += dy->sums[i * g->shape.outputs + o];
}
#endif

// MARK: Layout

CK_INLINE ck_weight_gradient ck_describe(const ck_convolution *shape, ck_format format, int threads) {
    ck_weight_gradient g = {.shape = *shape, .format = format, .team = threads};
    const ck_axis *rows = &shape->rows, *columns = &shape->columns;
    g.items = format == ck_bfloat16 ? (shape->batch + 1) / 2 : shape->batch;
    g.x_is_vectors = shape->inputs >= CK_VECTOR_CHANNELS || shape->inputs >= shape->outputs;
    const ck_operand x = {
        .rows = rows->extent, .columns = columns->extent, .stride = columns->stride, .channels = shape->inputs};
    const ck_operand dy = {.rows = rows->windows, .columns = columns->windows, .stride = 1, .channels = shape->outputs};
    g.vectors = g.x_is_vectors ? x : dy;
    g.lanes = g.x_is_vectors ? dy : x;
    g.vectors.width = CK_VECTOR_CHANNELS;
    g.lanes.width = 1;
    while (g.lanes.width < g.lanes.channels && g.lanes.width < CK_LANE_CHANNELS) g.lanes.width *= 2;
    // Half of the cache for a thread's own chunk, the other half for the tiles.
    const ptrdiff_t lane = (ptrdiff_t)sizeof(uint32_t), half = CK_CACHE_BYTES / 2;
    const ptrdiff_t item = lane * (ck_operand_lanes(&g.vectors, 1) + ck_operand_lanes(&g.lanes, 1));
    const ptrdiff_t tiles = lane * ck_tile_count(&g) * ck_taps(&g) * CK_TILE_SIZE;
    const int has_blocked_gemm = ck_pixels(&g.vectors) == 1 && ck_pixels(&g.lanes) == 1
        && g.items >= 2 * threads * CK_CHUNK_ROWS && tiles * threads <= CK_MOST_TILE_BYTES;
    g.shares_chunks =
        has_blocked_gemm || (tiles <= half && item * g.items >= 2 * threads * half && g.items >= 2 * threads);
    const ptrdiff_t panels =
        lane * (ck_pixels(&g.vectors) * g.vectors.width + ck_pixels(&g.lanes) * g.lanes.width);
    const ptrdiff_t most = has_blocked_gemm ? CK_CHUNK_ROWS : g.shares_chunks ? half / item : CK_CACHE_BYTES / panels;
    g.chunks = most > 1 ? (g.items + most - 1) / most : g.items;
    g.chunk_items = (g.items + g.chunks - 1) / g.chunks;
    g.chunks = (g.items + g.chunk_items - 1) / g.chunk_items;
    g.packed_items = has_blocked_gemm ? CK_PACKED_ROWS : g.chunk_items;
    return g;
}

CK_INLINE ptrdiff_t ck_packed_lanes(const ck_weight_gradient *g) {
    return (g->shares_chunks ? g->team : g->chunks) * ck_chunk_lanes(g);
}

CK_INLINE ptrdiff_t ck_tile_lanes(const ck_weight_gradient *g) {
    return (g->shares_chunks ? g->team : g->chunks > 1) * ck_tile_count(g) * ck_taps(g) * CK_TILE_SIZE;
}

CK_INLINE ptrdiff_t ck_sum_lanes(const ck_weight_gradient *g) {
    return g->chunks * g->shape.rows.windows * g->shape.columns.windows * g->shape.outputs;
}

ptrdiff_t ck_weight_gradient_scratch(const ck_convolution *shape, ck_format format, int threads) {
    const ck_weight_gradient g = ck_describe(shape, format, threads);
    return (ck_packed_lanes(&g) + ck_tile_lanes(&g) + ck_sum_lanes(&g)) * (ptrdiff_t)sizeof(uint32_t);
}

int ck_has_weight_gradient(ck_format format) { return ck_current_level() >= (format == ck_bfloat16 ? ck_avx512_bf16 : ck_avx512); }

void ck_convolution_weight_gradient(
    const ck_convolution *shape, ck_format format, const void *x, const void *dy, float *dw, float *db, void *scratch,
    int threads) {
#if defined(__x86_64__) && defined(__linux__)
    CK_REQUIRE(ck_has_weight_gradient(format) && scratch);
    ck_weight_gradient g = ck_describe(shape, format, threads);
    g.packed = scratch;
    g.tiles = (float *)(g.packed + ck_packed_lanes(&g));
    ck_operand *of_x = g.x_is_vectors ? &g.vectors : &g.lanes, *of_dy = g.x_is_vectors ? &g.lanes : &g.vectors;
    of_x->x = x;
    of_dy->x = dy;
    of_dy->sums = db ? g.tiles + ck_tile_lanes(&g) : 0;
    g.dw = dw;
    g.db = db;
    if (g.shares_chunks) {
        ck_parallel(ck_chunks_body, &g, threads);
        ck_parallel(ck_add_body, &g, threads);
    } else {
        ck_parallel(ck_pack_body, &g, threads);
        ck_parallel(ck_tiles_body, &g, threads);
    }
    if (db) ck_sum_bias(&g);
#else
    (void)shape, (void)format, (void)x, (void)dy, (void)dw, (void)db, (void)scratch, (void)threads;
#endif
}
