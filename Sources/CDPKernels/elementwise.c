#include "formats.h"

CK_INLINE float ck_apply(ck_binary operation, float a, float b) {
    switch (operation) {
    case ck_add: return a + b;
    case ck_subtract: return a - b;
    case ck_multiply: return a * b;
    }
}

// A body that computes `value` from a[i] and b[i] for each index of a thread's range.
#define CK_ELEMENTWISE(name, value)                                                                                    \
    CK_INLINE void name(void *context, int thread, int threads) {                                                      \
        CK_FAST                                                                                                        \
        const ck_elementwise *e = context;                                                                             \
        const ck_range range = ck_share(e->count, 16, thread, threads);                                                \
        const float *a = e->a, *b = e->b;                                                                              \
        float *out = e->out;                                                                                           \
        const float first = e->first, second = e->second;                                                              \
        (void)b, (void)first, (void)second;                                                                            \
        for (ptrdiff_t i = range.begin; i < range.end; i++) out[i] = value;                                            \
    }                                                                                                                  \
    CK_LEVELS(name)

/// Written so that NaN stays NaN.
CK_INLINE float ck_bounded(float x, float lower, float upper) {
    const float v = x < lower ? lower : x;
    return v > upper ? upper : v;
}

CK_INLINE float ck_slope_of_mish(float x) {
    float value;
    return ck_mish_slope(x, &value);
}

CK_ELEMENTWISE(ck_subtract_body, a[i] - b[i])
CK_ELEMENTWISE(ck_multiply_body, a[i] * b[i])
CK_ELEMENTWISE(ck_scale_body, a[i] * first)
CK_ELEMENTWISE(ck_clamp_body, ck_bounded(a[i], first, second))
CK_ELEMENTWISE(ck_mish_body, ck_mish_value(a[i]))
CK_ELEMENTWISE(ck_mish_gradient_body, b[i] * ck_slope_of_mish(a[i]))

// Sums of float32 and bf16.
#define CK_SUM(name, a_format, b_format, out_format)                                                                   \
    CK_INLINE void name(void *context, int thread, int threads) {                                                      \
        const ck_elementwise *e = context;                                                                             \
        const ck_range range = ck_share(e->count, 32, thread, threads);                                                \
        for (ptrdiff_t i = range.begin; i < range.end; i++)                                                            \
            ck_store(ck_load(e->a, i, a_format) + ck_load(e->b, i, b_format), e->out, i, out_format);                  \
    }                                                                                                                  \
    CK_LEVELS(name)

CK_SUM(ck_sum_of_floats, ck_float32, ck_float32, ck_float32)
CK_SUM(ck_sum_of_floats_rounded, ck_float32, ck_float32, ck_bfloat16)
CK_SUM(ck_sum_of_both, ck_bfloat16, ck_float32, ck_float32)
CK_SUM(ck_sum_of_both_rounded, ck_bfloat16, ck_float32, ck_bfloat16)
CK_SUM(ck_sum_of_halves, ck_bfloat16, ck_bfloat16, ck_float32)
CK_SUM(ck_sum_of_halves_rounded, ck_bfloat16, ck_bfloat16, ck_bfloat16)

static void ck_run(ck_body body, ck_elementwise e, int threads) {
    ck_parallel(body, &e, ck_useful_threads(e.count, threads));
}

void ck_binary_same(ck_binary operation, const float *a, const float *b, float *out, ptrdiff_t count, int threads) {
    const ck_body bodies[] = {CK_BODY(ck_sum_of_floats), CK_BODY(ck_subtract_body), CK_BODY(ck_multiply_body)};
    ck_run(bodies[operation], (ck_elementwise){.a = a, .b = b, .out = out, .count = count}, threads);
}

void ck_scale(const float *x, float factor, float *out, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_scale_body), (ck_elementwise){.a = x, .out = out, .count = count, .first = factor}, threads);
}

void ck_clamp(const float *x, float lower, float upper, float *out, ptrdiff_t count, int threads) {
    const ck_elementwise e = {.a = x, .out = out, .count = count, .first = lower, .second = upper};
    ck_run(CK_BODY(ck_clamp_body), e, threads);
}

void ck_mish(const float *x, float *out, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_mish_body), (ck_elementwise){.a = x, .out = out, .count = count}, threads);
}

void ck_mish_gradient(const float *x, const float *dy, float *dx, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_mish_gradient_body), (ck_elementwise){.a = x, .b = dy, .out = dx, .count = count}, threads);
}

void ck_sum_of_two(const ck_elementwise *e, int threads) {
    const ck_body bodies[][2] = {
        {CK_BODY(ck_sum_of_floats), CK_BODY(ck_sum_of_floats_rounded)},
        {CK_BODY(ck_sum_of_both), CK_BODY(ck_sum_of_both_rounded)},
        {CK_BODY(ck_sum_of_halves), CK_BODY(ck_sum_of_halves_rounded)},
    };
    ck_elementwise sum = *e;
    // With one operand of each format, a is the bf16 one.
    if (e->a_format == ck_float32 && e->b_format == ck_bfloat16) sum.a = e->b, sum.b = e->a;
    const int halves = (e->a_format == ck_bfloat16) + (e->b_format == ck_bfloat16);
    ck_run(bodies[halves][e->out_format == ck_bfloat16], sum, threads);
}

// MARK: Broadcasting

typedef struct {
    ck_binary operation;
    const float *a, *b;
    float *out;
    const ptrdiff_t *extents, *a_strides, *b_strides;
} ck_strided;

CK_INLINE void ck_strided_body(void *context, int thread, int threads) {
    const ck_strided *s = context;
    const ptrdiff_t *n = s->extents;
    const ck_range range = ck_share(n[0] * n[1], 1, thread, threads);
    for (ptrdiff_t outer = range.begin; outer < range.end; outer++) {
        const ptrdiff_t i = outer / n[1], j = outer % n[1];
        for (ptrdiff_t k = 0; k < n[2]; k++) {
            const float *a = s->a + i * s->a_strides[0] + j * s->a_strides[1] + k * s->a_strides[2];
            const float *b = s->b + i * s->b_strides[0] + j * s->b_strides[1] + k * s->b_strides[2];
            float *out = s->out + ((i * n[1] + j) * n[2] + k) * n[3];
            const ptrdiff_t da = s->a_strides[3], db = s->b_strides[3];
            for (ptrdiff_t l = 0; l < n[3]; l++) out[l] = ck_apply(s->operation, a[l * da], b[l * db]);
        }
    }
}
CK_LEVELS(ck_strided_body)

void ck_binary_strided(
    ck_binary operation, const float *a, const float *b, float *out, const ptrdiff_t extents[4], const ptrdiff_t a_strides[4],
    const ptrdiff_t b_strides[4], int threads) {
    ck_strided s = {operation, a, b, out, extents, a_strides, b_strides};
    ck_parallel(CK_BODY(ck_strided_body), &s, ck_useful_threads(extents[0] * extents[1] * extents[2] * extents[3], threads));
}
