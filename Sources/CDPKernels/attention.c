#include <string.h>

#include "chunks.h"
#include "require.h"

// A thread works on one head of one item at a time. It gathers the head's queries, keys and values, widens them to
// float32 and pads them with zeros to whole vectors, so that all work in between is small products of arrays that
// stay in the L1 cache. Long sequences are processed in tiles of queries. The backward pass recomputes the weights.

typedef float ck_lanes __attribute__((vector_size(64)));

/// Maximum number of queries processed at once.
#define CK_TILE 64

CK_INLINE ptrdiff_t ck_padded(ptrdiff_t count) { return (count + 15) / 16 * 16; }
CK_INLINE ptrdiff_t ck_least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// MARK: Small products

/// c[m, n] (+)= Σₖ a[m, k] · b[k, n], with element (m, k) of a at m · a_row + k · a_column. Keeps `rows` sums of 16
/// columns in registers; m is a multiple of `rows` and n of 16.
CK_INLINE void ck_product(
    const int rows, int adds, float *c, ptrdiff_t c_row, const float *a, ptrdiff_t a_row, ptrdiff_t a_column, const float *b,
    ptrdiff_t b_row, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k) {
    CK_FAST
    for (ptrdiff_t j = 0; j < n; j += 16)
        for (ptrdiff_t i = 0; i < m; i += rows) {
            ck_lanes sum[8];
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                if (adds) sum[r] = *(const ck_lanes *)(c + (i + r) * c_row + j);
                else sum[r] = (ck_lanes){0};
            }
#pragma clang loop unroll(disable)
            for (ptrdiff_t l = 0; l < k; l++) {
                const ck_lanes line = *(const ck_lanes *)(b + l * b_row + j);
                const float *column = a + i * a_row + l * a_column;
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) sum[r] += column[r * a_row] * line;
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) *(ck_lanes *)(c + (i + r) * c_row + j) = sum[r];
        }
}

/// out[column, row] = x[row, column]; both extents are multiples of 16.
CK_INLINE void ck_transpose(const float *x, ptrdiff_t rows, ptrdiff_t columns, float *out) {
    for (ptrdiff_t i = 0; i < rows; i += 16)
        for (ptrdiff_t j = 0; j < columns; j += 16) {
            ck_lanes a[16], b[16];
#pragma clang loop unroll(full)
            for (int r = 0; r < 16; r++) a[r] = *(const ck_lanes *)(x + (i + r) * columns + j);
            // Interleaving the upper and lower halves four times exchanges the four bits of the row with those of
            // the column.
#define CK_INTERLEAVE(from, to)                                                                                        \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < 8; r++) {                                                   \
        to[2 * r] = __builtin_shufflevector(                                                                           \
            from[r], from[r + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);                             \
        to[2 * r + 1] = __builtin_shufflevector(                                                                       \
            from[r], from[r + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);                       \
    }
            CK_INTERLEAVE(a, b)
            CK_INTERLEAVE(b, a)
            CK_INTERLEAVE(a, b)
            CK_INTERLEAVE(b, a)
#pragma clang loop unroll(full)
            for (int r = 0; r < 16; r++) *(ck_lanes *)(out + (j + r) * rows + i) = a[r];
        }
}

// MARK: Rows of a head

/// Returns the factor of an element.
CK_INLINE float ck_dropout_factor(const ck_dropout *dropout, uint32_t bits) {
    return bits >= dropout->threshold ? dropout->scale : 0.0f;
}

/// Copies the columns of a head in some rows, as float32 times a factor, to out [padded_rows, padded columns],
/// padded with zeros.
CK_INLINE void ck_collect(
    const void *x, ptrdiff_t first, ptrdiff_t stride, ck_format format, float factor, ptrdiff_t rows, ptrdiff_t columns,
    ptrdiff_t padded_rows, float *out) {
    const ptrdiff_t width = ck_padded(columns);
    for (ptrdiff_t row = 0; row < rows; row++) {
        float *line = out + row * width;
        const ptrdiff_t begin = first + row * stride;
        if (format == ck_bfloat16)
            for (ptrdiff_t c = 0; c < columns; c++) line[c] = ck_load(x, begin + c, ck_bfloat16) * factor;
        else
            for (ptrdiff_t c = 0; c < columns; c++) line[c] = ck_load(x, begin + c, ck_float32) * factor;
        for (ptrdiff_t c = columns; c < width; c++) line[c] = 0;
    }
    memset(out + rows * width, 0, (size_t)((padded_rows - rows) * width) * sizeof(float));
}

/// Inverse of ck_collect: copies x [rows, padded columns] times a factor to the columns of a head.
CK_INLINE void ck_distribute(
    const float *x, ptrdiff_t rows, ptrdiff_t columns, float factor, void *out, ptrdiff_t first, ptrdiff_t stride,
    ck_format format) {
    const ptrdiff_t width = ck_padded(columns);
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float *line = x + row * width;
        const ptrdiff_t begin = first + row * stride;
        if (format == ck_bfloat16)
            for (ptrdiff_t c = 0; c < columns; c++) ((uint16_t *)out + begin)[c] = ck_narrowed(line[c] * factor);
        else
            for (ptrdiff_t c = 0; c < columns; c++) ((float *)out + begin)[c] = line[c] * factor;
    }
}

/// A thread's memory for one head; queries, keys and columns are padded to multiples of 16.
typedef struct {
    /// Keys and values [keys, columns], their transposes [columns, keys], and the gradients of both
    /// [keys, columns].
    float *k, *v, *k_transposed, *v_transposed, *dk, *dv;
    /// For a tile, [queries, columns]: queries over √columns, and the result or its gradient.
    float *q, *out;
    /// For a tile, [queries, keys]: the weights and the gradients of the scores.
    float *weights, *d_scores;
    uint32_t *bits;
} ck_head_memory;

/// Lays out a thread's memory, unless `start` is null.
/// - Returns: the number of 4-byte numbers that it needs.
CK_INLINE ptrdiff_t ck_lay_out(const ck_attention *a, float *start, int is_backward, ck_head_memory *memory) {
    const ptrdiff_t columns = ck_padded(a->width / a->heads), keys = ck_padded(a->keys);
    const ptrdiff_t queries = ck_padded(ck_least(a->queries, CK_TILE));
    ptrdiff_t next = 0;
#define CK_TAKE(member, count, is_needed)                                                                              \
    memory->member = start ? start + next : 0;                                                                         \
    if (is_needed) next += (count);
    CK_TAKE(k, keys * columns, 1)
    CK_TAKE(v, keys * columns, 1)
    CK_TAKE(k_transposed, keys * columns, 1)
    CK_TAKE(v_transposed, keys * columns, is_backward)
    CK_TAKE(dk, keys * columns, is_backward)
    CK_TAKE(dv, keys * columns, is_backward)
    CK_TAKE(q, queries * columns, 1)
    CK_TAKE(out, queries * columns, 1)
    CK_TAKE(weights, queries * keys, 1)
    CK_TAKE(d_scores, queries * keys, is_backward)
    memory->bits = start ? (uint32_t *)(start + next) : 0;
    return next + (a->dropout.key ? ck_padded(queries * a->keys + 2) : 0);
}

ptrdiff_t ck_attention_scratch(const ck_attention *attention, int is_backward) {
    ck_head_memory memory;
    return ck_lay_out(attention, 0, is_backward, &memory);
}

// MARK: Weights

/// Computes the softmax of a query's scores over its visible keys; the others become 0.
CK_INLINE void ck_softmax(float *scores, ptrdiff_t visible, ptrdiff_t padded) {
    CK_FAST
    float largest = scores[0], sum = 0;
    for (ptrdiff_t s = 1; s < visible; s++) largest = scores[s] > largest ? scores[s] : largest;
    for (ptrdiff_t s = 0; s < padded; s++) {
        const float power = ck_power(scores[s] - largest);
        scores[s] = s < visible ? power : 0.0f;
    }
    for (ptrdiff_t s = 0; s < padded; s++) sum += scores[s];
    const float share = 1.0f / sum;
    for (ptrdiff_t s = 0; s < padded; s++) scores[s] *= share;
}

CK_INLINE ptrdiff_t ck_visible(const ck_attention *a, ptrdiff_t query) {
    return a->lead < 0 ? a->keys : ck_least(query + a->lead + 1, a->keys);
}

/// A tile of a head's queries.
typedef struct {
    ptrdiff_t item, head, first, count, padded_keys, columns;
    /// The tile's first bits; the hash yields bits in pairs, so they may start at the second of a pair.
    const uint32_t *bits;
} ck_query_tile;

/// Gathers the tile's queries and computes their weights without dropout, for which it only generates the bits.
CK_INLINE ck_query_tile ck_begin_tile(
    const int rows, const ck_attention *a, ptrdiff_t item, ptrdiff_t head, ptrdiff_t first, uint64_t state,
    const ck_head_memory *m) {
    ck_query_tile tile = {
        .item = item,
        .head = head,
        .first = first,
        .count = ck_least(CK_TILE, a->queries - first),
        .padded_keys = ck_padded(a->keys),
        .columns = a->width / a->heads,
    };
    const ptrdiff_t padded = ck_padded(tile.columns), queries = ck_padded(tile.count);
    const float scale = 1.0f / __builtin_elementwise_sqrt((float)tile.columns);
    ck_collect(
        a->q, (item * a->queries + first) * a->query_stride + head * tile.columns, a->query_stride, a->format, scale,
        tile.count, tile.columns, queries, m->q);
    ck_product(
        rows, 0, m->weights, tile.padded_keys, m->q, padded, 1, m->k_transposed, tile.padded_keys, queries, tile.padded_keys,
        tile.columns);
    for (ptrdiff_t t = 0; t < tile.count; t++)
        ck_softmax(m->weights + t * tile.padded_keys, ck_visible(a, first + t), tile.padded_keys);
    if (a->dropout.key) {
        const uint64_t begin = (uint64_t)(((item * a->heads + head) * a->queries + first) * a->keys);
        const ptrdiff_t odd = begin % 2;
        ck_dropout_bits(state, begin - (uint64_t)odd, (tile.count * a->keys + odd + 1) & ~(ptrdiff_t)1, m->bits);
        tile.bits = m->bits + odd;
    }
    return tile;
}

/// Gathers a head's keys and values.
CK_INLINE void ck_begin_head(const ck_attention *a, ptrdiff_t item, ptrdiff_t head, const ck_head_memory *m) {
    const ptrdiff_t columns = a->width / a->heads, keys = ck_padded(a->keys);
    const ptrdiff_t first = item * a->keys * a->key_stride + head * columns;
    ck_collect(a->k, first, a->key_stride, a->format, 1, a->keys, columns, keys, m->k);
    ck_collect(a->v, first, a->key_stride, a->format, 1, a->keys, columns, keys, m->v);
    ck_transpose(m->k, keys, ck_padded(columns), m->k_transposed);
}

// MARK: Forward

CK_INLINE void ck_attend(const int rows, const ck_attention *a, int thread, int threads) {
    const ck_range range = ck_share(a->batch * a->heads, 1, thread, threads);
    const uint64_t state = ck_dropout_state(&a->dropout);
    ck_head_memory m;
    ck_lay_out(a, a->scratch + thread * ck_lay_out(a, 0, 0, &m), 0, &m);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t item = index / a->heads, head = index % a->heads;
        ck_begin_head(a, item, head, &m);
        for (ptrdiff_t first = 0; first < a->queries; first += CK_TILE) {
            const ck_query_tile tile = ck_begin_tile(rows, a, item, head, first, state, &m);
            const ptrdiff_t padded = ck_padded(tile.columns);
            if (tile.bits)
                for (ptrdiff_t t = 0; t < tile.count; t++)
                    for (ptrdiff_t s = 0; s < a->keys; s++)
                        m.weights[t * tile.padded_keys + s] *= ck_dropout_factor(&a->dropout, tile.bits[t * a->keys + s]);
            ck_product(
                rows, 0, m.out, padded, m.weights, tile.padded_keys, 1, m.v, padded, ck_padded(tile.count), padded, a->keys);
            ck_distribute(
                m.out, tile.count, tile.columns, 1, a->out, (item * a->queries + first) * a->width + head * tile.columns,
                a->width, a->out_format);
        }
    }
}

// MARK: Backward

/// Computes the gradients of a tile's scores and the weights after dropout, from the gradients of the weights after
/// dropout.
CK_INLINE void ck_score_gradients(const ck_attention *a, const ck_query_tile *tile, const ck_head_memory *m) {
    CK_FAST
    const ptrdiff_t padded = tile->padded_keys;
    for (ptrdiff_t t = 0; t < tile->count; t++) {
        float *weights = m->weights + t * padded, *slopes = m->d_scores + t * padded, mean = 0;
        const uint32_t *bits = tile->bits ? tile->bits + t * a->keys : 0;
        if (bits)
            for (ptrdiff_t s = 0; s < a->keys; s++) slopes[s] *= ck_dropout_factor(&a->dropout, bits[s]);
        for (ptrdiff_t s = 0; s < padded; s++) mean += weights[s] * slopes[s];
        for (ptrdiff_t s = 0; s < padded; s++) slopes[s] = weights[s] * (slopes[s] - mean);
        if (bits)
            for (ptrdiff_t s = 0; s < a->keys; s++) weights[s] *= ck_dropout_factor(&a->dropout, bits[s]);
    }
}

CK_INLINE void ck_attend_backward(const int rows, const ck_attention_gradient *g, int thread, int threads) {
    const ck_attention *a = &g->attention;
    const ck_range range = ck_share(a->batch * a->heads, 1, thread, threads);
    const uint64_t state = ck_dropout_state(&a->dropout);
    ck_head_memory m;
    ck_lay_out(a, a->scratch + thread * ck_lay_out(a, 0, 1, &m), 1, &m);
    const ptrdiff_t columns = a->width / a->heads, padded = ck_padded(columns), keys = ck_padded(a->keys);
    const float scale = 1.0f / __builtin_elementwise_sqrt((float)columns);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t item = index / a->heads, head = index % a->heads;
        ck_begin_head(a, item, head, &m);
        ck_transpose(m.v, keys, padded, m.v_transposed);
        for (ptrdiff_t first = 0; first < a->queries; first += CK_TILE) {
            const ck_query_tile tile = ck_begin_tile(rows, a, item, head, first, state, &m);
            const ptrdiff_t queries = ck_padded(tile.count), begin = item * a->queries + first;
            ck_collect(
                a->out, begin * a->width + head * columns, a->width, a->out_format, 1, tile.count, columns, queries, m.out);
            ck_product(rows, 0, m.d_scores, keys, m.out, padded, 1, m.v_transposed, keys, queries, keys, columns);
            ck_score_gradients(a, &tile, &m);
            const int adds = first > 0;
            ck_product(rows, adds, m.dv, padded, m.weights, 1, keys, m.out, padded, keys, padded, tile.count);
            ck_product(rows, adds, m.dk, padded, m.d_scores, 1, keys, m.q, padded, keys, padded, tile.count);
            // The gradient of the queries overwrites that of the result.
            ck_product(rows, 0, m.out, padded, m.d_scores, keys, 1, m.k, padded, queries, padded, a->keys);
            ck_distribute(
                m.out, tile.count, columns, scale, g->dq, begin * a->query_stride + head * columns, a->query_stride,
                a->format);
        }
        const ptrdiff_t begin = item * a->keys * a->key_stride + head * columns;
        ck_distribute(m.dk, a->keys, columns, 1, g->dk, begin, a->key_stride, a->format);
        ck_distribute(m.dv, a->keys, columns, 1, g->dv, begin, a->key_stride, a->format);
    }
}

// MARK: Levels

// Eight sums of 16 columns fill half of the 32 registers of AVX-512 and hide the latency of additions; below
// AVX-512, four fill half of the 16.
CK_INLINE void ck_attend_wide(void *context, int thread, int threads) { ck_attend(8, context, thread, threads); }
CK_INLINE void ck_attend_narrow(void *context, int thread, int threads) { ck_attend(4, context, thread, threads); }
CK_INLINE void ck_attend_backward_wide(void *context, int thread, int threads) {
    ck_attend_backward(8, context, thread, threads);
}
CK_INLINE void ck_attend_backward_narrow(void *context, int thread, int threads) {
    ck_attend_backward(4, context, thread, threads);
}
CK_LEVELS(ck_attend_wide)
CK_LEVELS(ck_attend_narrow)
CK_LEVELS(ck_attend_backward_wide)
CK_LEVELS(ck_attend_backward_narrow)

CK_INLINE int ck_is_wide(void) { return ck_current_level() >= ck_avx512; }

/// Returns the number of threads that the size of the products justifies.
CK_INLINE int ck_attention_threads(const ck_attention *a, int threads) {
    return ck_useful_threads(a->batch * a->queries * ck_padded(a->keys) * a->width / 16, threads);
}

ck_call ck_attention_call(ck_attention *attention) {
    return (ck_call){
        .body = ck_is_wide() ? CK_BODY(ck_attend_wide) : CK_BODY(ck_attend_narrow), .context = attention, .waits = 1};
}

static void ck_require_attention(const ck_attention *attention) {
    CK_REQUIRE(attention->batch > 0 && attention->queries > 0 && attention->keys > 0);
    CK_REQUIRE(attention->heads > 0 && attention->width % attention->heads == 0);
    CK_REQUIRE(attention->query_stride >= attention->width && attention->key_stride >= attention->width);
    CK_REQUIRE(attention->format != ck_int8 && attention->out_format != ck_int8);
    CK_REQUIRE(attention->scratch);
}

void ck_attention_forward(const ck_attention *attention, int threads) {
    ck_require_attention(attention);
    ck_parallel(
        ck_is_wide() ? CK_BODY(ck_attend_wide) : CK_BODY(ck_attend_narrow), (void *)attention,
        ck_attention_threads(attention, threads));
}

void ck_attention_backward(const ck_attention_gradient *gradient, int threads) {
    ck_require_attention(&gradient->attention);
    ck_parallel(
        ck_is_wide() ? CK_BODY(ck_attend_backward_wide) : CK_BODY(ck_attend_backward_narrow), (void *)gradient,
        ck_attention_threads(&gradient->attention, threads));
}
