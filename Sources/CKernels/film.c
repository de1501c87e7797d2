#include "formats.h"

typedef struct {
    const float *x, *scale, *bias, *dy;
    float *out, *d_scale, *d_bias;
    ptrdiff_t stride, batch, time, channels;
} ck_modulation;

CK_INLINE void ck_film_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_modulation *m = context;
    const ck_range range = ck_share(m->batch, 1, thread, threads);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *scale = m->scale + item * m->stride, *bias = m->bias + item * m->stride;
        for (ptrdiff_t t = 0; t < m->time; t++) {
            const ptrdiff_t row = (item * m->time + t) * m->channels;
            for (ptrdiff_t c = 0; c < m->channels; c++) m->out[row + c] = m->x[row + c] * scale[c] + bias[c];
        }
    }
}
CK_LEVELS(ck_film_body)

CK_INLINE void ck_film_gradient_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_modulation *m = context;
    const ck_range range = ck_share(m->batch, 1, thread, threads);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *scale = m->scale + item * m->stride;
        float *d_scale = m->d_scale + item * m->channels, *d_bias = m->d_bias + item * m->channels;
        for (ptrdiff_t c = 0; c < m->channels; c++) d_scale[c] = d_bias[c] = 0;
        for (ptrdiff_t t = 0; t < m->time; t++) {
            const ptrdiff_t row = (item * m->time + t) * m->channels;
            for (ptrdiff_t c = 0; c < m->channels; c++) {
                d_scale[c] += m->dy[row + c] * m->x[row + c];
                d_bias[c] += m->dy[row + c];
                m->out[row + c] = m->dy[row + c] * scale[c];
            }
        }
    }
}
CK_LEVELS(ck_film_gradient_body)

void ck_film(
    const float *x, const float *scale, const float *bias, ptrdiff_t film_stride, float *out, ptrdiff_t batch, ptrdiff_t time,
    ptrdiff_t channels, int threads) {
    ck_modulation m = {.x = x, .scale = scale, .bias = bias, .out = out, .stride = film_stride, .batch = batch, .time = time, .channels = channels};
    ck_parallel(CK_BODY(ck_film_body), &m, ck_useful_threads(batch * time * channels, threads));
}

void ck_film_gradient(
    const float *x, const float *scale, ptrdiff_t film_stride, const float *dy, float *dx, float *d_scale, float *d_bias,
    ptrdiff_t batch, ptrdiff_t time, ptrdiff_t channels, int threads) {
    ck_modulation m = {.x = x, .scale = scale, .dy = dy, .out = dx, .d_scale = d_scale, .d_bias = d_bias, .stride = film_stride,
        .batch = batch, .time = time, .channels = channels};
    ck_parallel(CK_BODY(ck_film_gradient_body), &m, ck_useful_threads(batch * time * channels, threads));
}
