#include "vector.h"

typedef struct {
    ck_binary operation;
    const float *a, *b;
    float *out;
    ptrdiff_t count;
    float first, second;
} ck_elementwise;

CK_INLINE float ck_apply(ck_binary operation, float a, float b) {
    switch (operation) {
    case ck_add: return a + b;
    case ck_subtract: return a - b;
    case ck_multiply: return a * b;
    }
}

// A function that runs `statement` for each index of a thread's share, and the call that starts it.
#define CK_ELEMENTWISE(name, statement)                                                                                \
    CK_INLINE void name(void *context, int thread, int threads) {                                                      \
        CK_FAST                                                                                                        \
        const ck_elementwise *e = context;                                                                             \
        const ck_range range = ck_share(e->count, 16, thread, threads);                                                \
        const float *a = e->a, *b = e->b;                                                                              \
        float *out = e->out;                                                                                           \
        const float first = e->first, second = e->second;                                                              \
        (void)b, (void)first, (void)second;                                                                            \
        for (ptrdiff_t i = range.begin; i < range.end; i++) { statement; }                                             \
    }                                                                                                                  \
    CK_LEVELS(name)

CK_ELEMENTWISE(ck_add_body, out[i] = a[i] + b[i])
CK_ELEMENTWISE(ck_subtract_body, out[i] = a[i] - b[i])
CK_ELEMENTWISE(ck_multiply_body, out[i] = a[i] * b[i])
CK_ELEMENTWISE(ck_scale_body, out[i] = a[i] * first)
// Written so that a NaN stays one.
CK_ELEMENTWISE(ck_clamp_body, float v = a[i] < first ? first : a[i]; out[i] = v > second ? second : v)
CK_ELEMENTWISE(ck_mish_body, out[i] = ck_mish_value(a[i]))
CK_ELEMENTWISE(ck_mish_gradient_body, float value; out[i] = b[i] * ck_mish_slope(a[i], &value))

static void ck_run(ck_body body, ck_elementwise e, int threads) {
    ck_parallel(body, &e, ck_useful_threads(e.count, threads));
}

void ck_binary_same(ck_binary operation, const float *a, const float *b, float *out, ptrdiff_t count, int threads) {
    const ck_body bodies[] = {CK_BODY(ck_add_body), CK_BODY(ck_subtract_body), CK_BODY(ck_multiply_body)};
    ck_run(bodies[operation], (ck_elementwise){.a = a, .b = b, .out = out, .count = count}, threads);
}

void ck_scale(const float *x, float factor, float *out, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_scale_body), (ck_elementwise){.a = x, .out = out, .count = count, .first = factor}, threads);
}

void ck_clamp(const float *x, float lower, float upper, float *out, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_clamp_body), (ck_elementwise){.a = x, .out = out, .count = count, .first = lower, .second = upper}, threads);
}

void ck_mish(const float *x, float *out, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_mish_body), (ck_elementwise){.a = x, .out = out, .count = count}, threads);
}

void ck_mish_gradient(const float *x, const float *dy, float *dx, ptrdiff_t count, int threads) {
    ck_run(CK_BODY(ck_mish_gradient_body), (ck_elementwise){.a = x, .b = dy, .out = dx, .count = count}, threads);
}

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
