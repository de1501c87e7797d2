#include "vector.h"

typedef struct {
    ck_adamw update;
    float *p;
    const float *g;
    float *m, *v, *average;
    ptrdiff_t count;
} ck_update;

CK_INLINE void ck_adamw_body(void *context, int thread, int threads) {
    // Not reassociated: the order of operations is PyTorch's.
    const ck_update *u = context;
    const ck_adamw k = u->update;
    const ck_range range = ck_share(u->count, 16, thread, threads);
    float *p = u->p, *m = u->m, *v = u->v, *average = u->average;
    const float *g = u->g;
    // The five arrays never overlap; checking each pair would be too much for the compiler to vectorize the loop.
#pragma clang loop vectorize(assume_safety)
    for (ptrdiff_t i = range.begin; i < range.end; i++) {
        const float gradient = g[i] * k.gradient_scale;
        const float first = m[i] + k.one_minus_beta1 * (gradient - m[i]);
        const float second = k.beta2 * v[i] + k.one_minus_beta2 * gradient * gradient;
        const float weight =
            p[i] * k.decay_factor
            - k.step_size * first / (__builtin_elementwise_sqrt(second) * k.inverse_root_correction + k.epsilon);
        m[i] = first;
        v[i] = second;
        p[i] = weight;
        average[i] = k.average_decay * average[i] + k.one_minus_average_decay * weight;
    }
}
CK_LEVELS(ck_adamw_body)

void ck_adamw_update(
    const ck_adamw *update, float *parameters, const float *gradients, float *first_moment, float *second_moment,
    float *average, ptrdiff_t count, int threads) {
    ck_update u = {*update, parameters, gradients, first_moment, second_moment, average, count};
    ck_parallel(CK_BODY(ck_adamw_body), &u, ck_useful_threads(count, threads));
}

typedef struct {
    const float *x;
    float *total;
    float factor;
    ptrdiff_t count;
    double partial[ck_max_threads];
} ck_sum;

CK_INLINE void ck_sum_of_squares_body(void *context, int thread, int threads) {
    CK_FAST
    ck_sum *s = context;
    const ck_range range = ck_share(s->count, 16, thread, threads);
    double total = 0;
    // Blocks in float32, their sums in double.
    for (ptrdiff_t begin = range.begin; begin < range.end; begin += 4096) {
        const ptrdiff_t end = begin + 4096 < range.end ? begin + 4096 : range.end;
        float block = 0;
        for (ptrdiff_t i = begin; i < end; i++) block += s->x[i] * s->x[i];
        total += (double)block;
    }
    s->partial[thread] = total;
}
CK_LEVELS(ck_sum_of_squares_body)

double ck_sum_of_squares(const float *x, ptrdiff_t count, int threads) {
    ck_sum s = {.x = x, .count = count};
    threads = ck_useful_threads(count, threads);
    ck_parallel(CK_BODY(ck_sum_of_squares_body), &s, threads);
    double total = 0;
    for (int thread = 0; thread < threads; thread++) total += s.partial[thread];
    return total;
}

CK_INLINE void ck_accumulate_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_sum *s = context;
    const ck_range range = ck_share(s->count, 16, thread, threads);
    for (ptrdiff_t i = range.begin; i < range.end; i++) s->total[i] += s->factor * s->x[i];
}
CK_LEVELS(ck_accumulate_body)

void ck_accumulate(const float *x, float factor, float *total, ptrdiff_t count, int threads) {
    ck_sum s = {.x = x, .total = total, .factor = factor, .count = count};
    ck_parallel(CK_BODY(ck_accumulate_body), &s, ck_useful_threads(count, threads));
}
