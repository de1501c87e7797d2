#include "formats.h"
#include "require.h"

CK_INLINE void ck_film_body(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_modulation *m = context;
    const ck_range range = ck_share(m->batch, 1, thread, threads);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *scale = m->scale + item * m->film_stride, *bias = m->bias + item * m->film_stride;
        for (ptrdiff_t t = 0; t < m->time; t++) {
            const ptrdiff_t row = (item * m->time + t) * m->channels;
            for (ptrdiff_t c = 0; c < m->channels; c++)
                ck_store(ck_load(m->x, row + c, format) * scale[c] + bias[c], m->out, row + c, format);
        }
    }
}
CK_LEVELS_OF_FORMATS(ck_film_body)

CK_INLINE void ck_film_gradient_body(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_modulation *m = context;
    const ck_range range = ck_share(m->batch, 1, thread, threads);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *scale = m->scale + item * m->film_stride;
        float *d_scale = m->d_scale + item * m->channels, *d_bias = m->d_bias + item * m->channels;
        for (ptrdiff_t c = 0; c < m->channels; c++) d_scale[c] = d_bias[c] = 0;
        for (ptrdiff_t t = 0; t < m->time; t++) {
            const ptrdiff_t row = (item * m->time + t) * m->channels;
            for (ptrdiff_t c = 0; c < m->channels; c++) {
                const float dy = ck_load(m->dy, row + c, format);
                d_scale[c] += dy * ck_load(m->x, row + c, format);
                d_bias[c] += dy;
                ck_store(dy * scale[c], m->out, row + c, format);
            }
        }
    }
}
CK_LEVELS_OF_FORMATS(ck_film_gradient_body)

void ck_film(const ck_modulation *m, int threads) {
    CK_REQUIRE(m->batch == 1 || m->film_stride >= m->channels);
    ck_parallel(
        CK_BODY_FOR(ck_film_body, m->format), (void *)m, ck_useful_threads(m->batch * m->time * m->channels, threads));
}

void ck_film_gradient(const ck_modulation *m, int threads) {
    CK_REQUIRE(m->batch == 1 || m->film_stride >= m->channels);
    ck_parallel(
        CK_BODY_FOR(ck_film_gradient_body, m->format), (void *)m,
        ck_useful_threads(m->batch * m->time * m->channels, threads));
}
