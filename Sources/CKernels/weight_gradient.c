#include <string.h>

#include "formats.h"
#include "vector.h"

// dw[o, c, k] = Σ over items and windows of x[item, window · stride + k − padding, c] · dy[item, window, o]: for each tap k a product of
// matrices, summed over items and those windows whose tap lies inside of the sequence. Nothing is gathered and no zero is multiplied: x and dy are
// packed with the times outermost, so that a shift in time is another beginning.
//
// Packed, an operand is [panel][time][row][channel of the panel] in lanes of 32 bits: a lane is one float32 of one item, or two bf16 of
// two neighbouring items, whose products one instruction sums. One operand gives vectors, panels of 32 channels; the other, with the fewer channels
// if one has few, gives single lanes that are broadcast, panels of up to 8.

#define CK_VECTOR_CHANNELS 32
#define CK_LANE_CHANNELS 8

typedef struct {
    const void *x;
    uint32_t *packed;
    ptrdiff_t times, channels, width;
    /// Sums over the rows of each time [time, channel]; null without.
    float *sums;
} ck_operand;

typedef struct {
    ck_convolution shape;
    ck_format format;
    /// Lanes of an operand for one time and channel.
    ptrdiff_t rows;
    ck_operand vectors, lanes;
    /// Whether x gives the vectors; otherwise dy.
    int x_is_vectors;
    float *dw, *db;
} ck_weight_gradient;

CK_INLINE ptrdiff_t ck_panel_count(const ck_operand *o) { return (o->channels + o->width - 1) / o->width; }

/// Packs one time of `count` channels from `first` of an operand in the panel that they belong to.
CK_INLINE void ck_pack(const ck_weight_gradient *g, const ck_operand *o, ptrdiff_t panel, ptrdiff_t time) {
    CK_FAST
    const ptrdiff_t width = o->width, first = panel * width, items = g->shape.batch;
    const ptrdiff_t count = o->channels - first < width ? o->channels - first : width;
    const ptrdiff_t stride = o->times * o->channels;
    uint32_t *out = o->packed + (panel * o->times + time) * g->rows * width;
    float sums[CK_VECTOR_CHANNELS] = {0};
    for (ptrdiff_t row = 0; row < g->rows; row++, out += width) {
        if (g->format == ck_bfloat16) {
            static const uint16_t zeros[CK_VECTOR_CHANNELS];
            const uint16_t *low = (const uint16_t *)o->x + 2 * row * stride + time * o->channels + first;
            const uint16_t *high = 2 * row + 1 < items ? low + stride : zeros;
            for (ptrdiff_t c = 0; c < count; c++) out[c] = (uint32_t)low[c] | (uint32_t)high[c] << 16;
            if (o->sums)
                for (ptrdiff_t c = 0; c < count; c++) sums[c] += ck_widened(low[c]) + ck_widened(high[c]);
        } else {
            const float *x = (const float *)o->x + row * stride + time * o->channels + first;
            memcpy(out, x, (size_t)count * sizeof(float));
            if (o->sums)
                for (ptrdiff_t c = 0; c < count; c++) sums[c] += x[c];
        }
        for (ptrdiff_t c = count; c < width; c++) out[c] = 0;
    }
    if (o->sums) memcpy(o->sums + time * o->channels + first, sums, (size_t)count * sizeof(float));
}

CK_INLINE void ck_pack_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    const ptrdiff_t vectors = ck_panel_count(&g->vectors) * g->vectors.times;
    const ptrdiff_t lanes = ck_panel_count(&g->lanes) * g->lanes.times;
    const ck_range v = ck_share(vectors, 1, thread, threads), l = ck_share(lanes, 1, thread, threads);
    for (ptrdiff_t i = v.begin; i < v.end; i++) ck_pack(g, &g->vectors, i / g->vectors.times, i % g->vectors.times);
    for (ptrdiff_t i = l.begin; i < l.end; i++) ck_pack(g, &g->lanes, i / g->lanes.times, i % g->lanes.times);
}
CK_LEVELS(ck_pack_body)

#if defined(__x86_64__)
#include <immintrin.h>

// A tile of `count` broadcast lanes by two vectors, one tap, all rows: `sum[lane][vector] += lane · vector`.
#define CK_TILE(name, target, multiply)                                                                                \
    CK_INLINE target void name##_of(                                                                                   \
        const ck_weight_gradient *g, ptrdiff_t v_panel, ptrdiff_t l_panel, ptrdiff_t tap, int count,                   \
        float sums[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {                                                            \
        const ck_convolution *s = &g->shape;                                                                           \
        const ptrdiff_t width = g->lanes.width;                                                                        \
        __m512 sum[CK_LANE_CHANNELS][2];                                                                               \
        for (int l = 0; l < count; l++) sum[l][0] = sum[l][1] = _mm512_setzero_ps();                                   \
        for (ptrdiff_t window = 0; window < s->windows; window++) {                                                    \
            const ptrdiff_t time = window * s->stride + tap - s->padding;                                              \
            if (time < 0 || time >= s->time) continue;                                                                 \
            const ptrdiff_t v_time = g->x_is_vectors ? time : window, l_time = g->x_is_vectors ? window : time;        \
            const uint32_t *v =                                                                                        \
                g->vectors.packed + (v_panel * g->vectors.times + v_time) * g->rows * CK_VECTOR_CHANNELS;              \
            const uint32_t *lane = g->lanes.packed + (l_panel * g->lanes.times + l_time) * g->rows * width;            \
            for (ptrdiff_t row = 0; row < g->rows; row++, v += CK_VECTOR_CHANNELS, lane += width) {                    \
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
        const ck_weight_gradient *g, ptrdiff_t v_panel, ptrdiff_t l_panel, ptrdiff_t tap,                              \
        float sums[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {                                                            \
        switch (g->lanes.width) {                                                                                      \
        case 1: name##_of(g, v_panel, l_panel, tap, 1, sums); break;                                                   \
        case 2: name##_of(g, v_panel, l_panel, tap, 2, sums); break;                                                   \
        case 4: name##_of(g, v_panel, l_panel, tap, 4, sums); break;                                                   \
        default: name##_of(g, v_panel, l_panel, tap, 8, sums); break;                                                  \
        }                                                                                                              \
    }

#define CK_MULTIPLY_F32(sum, a, b) _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum)
#define CK_MULTIPLY_BF16(sum, a, b) _mm512_dpbf16_ps(sum, (__m512bh)(a), (__m512bh)(b))
CK_TILE(ck_tile_f32, CK_TARGET_AVX512, CK_MULTIPLY_F32)
CK_TILE(ck_tile_bf16, CK_TARGET_AVX512_BF16, CK_MULTIPLY_BF16)

#endif

/// Writes a tile of all taps to its places in dw.
CK_INLINE void ck_store_taps(
    const ck_weight_gradient *g, ptrdiff_t v_panel, ptrdiff_t l_panel, const ptrdiff_t kernel,
    float (*sums)[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {
    const ptrdiff_t row = g->shape.inputs * kernel, v_first = v_panel * CK_VECTOR_CHANNELS;
    const ptrdiff_t l_first = l_panel * g->lanes.width, l_step = g->x_is_vectors ? row : kernel;
    const ptrdiff_t left = g->vectors.channels - v_first;
    const ptrdiff_t count = left < CK_VECTOR_CHANNELS ? left : CK_VECTOR_CHANNELS;
    for (ptrdiff_t l = 0; l < g->lanes.width && l_first + l < g->lanes.channels; l++) {
        float *out = g->dw + (l_first + l) * l_step;
        if (g->x_is_vectors)
            for (ptrdiff_t v = 0; v < count; v++)
                for (ptrdiff_t k = 0; k < kernel; k++) out[(v_first + v) * kernel + k] = sums[k][l][v];
        else
            for (ptrdiff_t v = 0; v < count; v++)
                for (ptrdiff_t k = 0; k < kernel; k++) out[(v_first + v) * row + k] = sums[k][l][v];
    }
}

/// The same, with code of its own for the kernels that networks have.
static void ck_store_tile(
    const ck_weight_gradient *g, ptrdiff_t v_panel, ptrdiff_t l_panel,
    float (*sums)[CK_LANE_CHANNELS][CK_VECTOR_CHANNELS]) {
    switch (g->shape.kernel) {
    case 1: ck_store_taps(g, v_panel, l_panel, 1, sums); break;
    case 3: ck_store_taps(g, v_panel, l_panel, 3, sums); break;
    case 4: ck_store_taps(g, v_panel, l_panel, 4, sums); break;
    case 5: ck_store_taps(g, v_panel, l_panel, 5, sums); break;
    default: ck_store_taps(g, v_panel, l_panel, g->shape.kernel, sums); break;
    }
}

static void ck_weight_gradient_body(void *context, int thread, int threads) {
    const ck_weight_gradient *g = context;
    const ptrdiff_t l_panels = ck_panel_count(&g->lanes);
    const ck_range range = ck_share(ck_panel_count(&g->vectors) * l_panels, 1, thread, threads);
    const ptrdiff_t kernel = g->shape.kernel;
    float sums[kernel][CK_LANE_CHANNELS][CK_VECTOR_CHANNELS];
    for (ptrdiff_t i = range.begin; i < range.end; i++) {
        const ptrdiff_t v = i / l_panels, l = i % l_panels;
        for (ptrdiff_t tap = 0; tap < kernel; tap++)
            (g->format == ck_bfloat16 ? ck_tile_bf16 : ck_tile_f32)(g, v, l, tap, sums[tap]);
        ck_store_tile(g, v, l, sums);
    }
    const ck_range outputs = ck_share(g->shape.outputs, 16, thread, threads);
    if (g->db)
        for (ptrdiff_t o = outputs.begin; o < outputs.end; o++) {
            float total = 0;
            const float *partial = g->x_is_vectors ? g->lanes.sums : g->vectors.sums;
            for (ptrdiff_t window = 0; window < g->shape.windows; window++)
                total += partial[window * g->shape.outputs + o];
            g->db[o] = total;
        }
}

CK_INLINE ck_weight_gradient ck_describe(const ck_convolution *shape, ck_format format) {
    ck_weight_gradient g = {.shape = *shape, .format = format};
    g.rows = format == ck_bfloat16 ? (shape->batch + 1) / 2 : shape->batch;
    g.x_is_vectors = shape->inputs >= CK_VECTOR_CHANNELS || shape->inputs >= shape->outputs;
    const ck_operand x = {.times = shape->time, .channels = shape->inputs};
    const ck_operand dy = {.times = shape->windows, .channels = shape->outputs};
    g.vectors = g.x_is_vectors ? x : dy;
    g.lanes = g.x_is_vectors ? dy : x;
    g.vectors.width = CK_VECTOR_CHANNELS;
    g.lanes.width = 1;
    while (g.lanes.width < g.lanes.channels && g.lanes.width < CK_LANE_CHANNELS) g.lanes.width *= 2;
    return g;
}

CK_INLINE ptrdiff_t ck_operand_lanes(const ck_weight_gradient *g, const ck_operand *o) {
    return (ck_panel_count(o) * o->times * g->rows * o->width + 15) / 16 * 16;
}

ptrdiff_t ck_weight_gradient_scratch(const ck_convolution *shape, ck_format format) {
    const ck_weight_gradient g = ck_describe(shape, format);
    return (ck_operand_lanes(&g, &g.vectors) + ck_operand_lanes(&g, &g.lanes) + shape->windows * shape->outputs)
        * (ptrdiff_t)sizeof(uint32_t);
}

int ck_has_weight_gradient(ck_format format) { return ck_current_level() >= (format == ck_bfloat16 ? ck_avx512_bf16 : ck_avx512); }

void ck_convolution_weight_gradient(
    const ck_convolution *shape, ck_format format, const void *x, const void *dy, float *dw, float *db, void *scratch,
    int threads) {
    ck_weight_gradient g = ck_describe(shape, format);
    g.vectors.packed = scratch;
    g.lanes.packed = g.vectors.packed + ck_operand_lanes(&g, &g.vectors);
    float *sums = (float *)(g.lanes.packed + ck_operand_lanes(&g, &g.lanes));
    ck_operand *of_x = g.x_is_vectors ? &g.vectors : &g.lanes, *of_dy = g.x_is_vectors ? &g.lanes : &g.vectors;
    of_x->x = x;
    of_dy->x = dy;
    of_dy->sums = db ? sums : 0;
    g.dw = dw;
    g.db = db;
    ck_parallel(CK_BODY(ck_pack_body), &g, threads);
    ck_parallel(ck_weight_gradient_body, &g, threads);
}
