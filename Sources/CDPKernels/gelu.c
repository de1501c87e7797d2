#include "chunks.h"

/// Returns Φ(x), the distribution function of the normal distribution, and stores φ(x) · √(2π) = e^(−x²/2) in
/// `density`.
///
/// Φ(−|x|) = P(t) · e^(−x²/2) / 2 with t = 1 / (1 + p · |x| / √2), formula 7.1.26 of Abramowitz and Stegun; its
/// error is less than 1e-7, about that of rounding.
CK_INLINE float ck_normal_distribution(float x, float *density) {
#pragma clang fp contract(fast)
    const float size = x < 0 ? -x : x;
    const float t = 1.0f / (1.0f + 0.23164190f * size);
    const float e = ck_exp(-0.5f * x * x);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * e;
    *density = e;
    return x < 0 ? tail : 1.0f - tail;
}

CK_INLINE void ck_gelu_body(void *context, int thread, int threads) {
    const ck_gelu *g = context;
    const ck_range range = ck_share(g->count, CK_CHUNK_COUNT, thread, threads);
    const uint64_t state = ck_dropout_state(&g->dropout);
    float x_buffer[CK_CHUNK_COUNT], y_buffer[CK_CHUNK_COUNT];
    for (ptrdiff_t first = range.begin; first < range.end; first += CK_CHUNK_COUNT) {
        const ptrdiff_t rest = range.end - first, count = rest < CK_CHUNK_COUNT ? rest : CK_CHUNK_COUNT;
        const float *x = ck_chunk(g->x, first, count, g->x_format, x_buffer);
        float *y = ck_chunk_for(g->y, first, g->y_format, y_buffer);
        for (ptrdiff_t i = 0; i < count; i++) {
            float density;
            y[i] = x[i] * ck_normal_distribution(x[i], &density);
        }
        if (g->dropout.key) ck_drop(&g->dropout, state, first, count, y, y);
        ck_finish_chunk(y, g->y, first, count, g->y_format);
    }
}
CK_LEVELS(ck_gelu_body)

/// dx = dropout(dy) · (Φ(x) + x · φ(x)), where φ is the density e^(−x²/2) / √(2π).
CK_INLINE void ck_gelu_gradient_body(void *context, int thread, int threads) {
    const ck_gelu *g = context;
    const ck_range range = ck_share(g->count, CK_CHUNK_COUNT, thread, threads);
    const uint64_t state = ck_dropout_state(&g->dropout);
    float x_buffer[CK_CHUNK_COUNT], dy_buffer[CK_CHUNK_COUNT], kept[CK_CHUNK_COUNT], dx_buffer[CK_CHUNK_COUNT];
    for (ptrdiff_t first = range.begin; first < range.end; first += CK_CHUNK_COUNT) {
        const ptrdiff_t rest = range.end - first, count = rest < CK_CHUNK_COUNT ? rest : CK_CHUNK_COUNT;
        const float *x = ck_chunk(g->x, first, count, g->x_format, x_buffer);
        const float *dy = ck_chunk(g->y, first, count, g->y_format, dy_buffer);
        float *dx = ck_chunk_for(g->dx, first, g->x_format, dx_buffer);
        if (g->dropout.key) {
            ck_drop(&g->dropout, state, first, count, dy, kept);
            dy = kept;
        }
        for (ptrdiff_t i = 0; i < count; i++) {
            float density;
            const float distribution = ck_normal_distribution(x[i], &density);
            dx[i] = dy[i] * (distribution + x[i] * density * 0.39894228f);
        }
        ck_finish_chunk(dx, g->dx, first, count, g->x_format);
    }
}
CK_LEVELS(ck_gelu_gradient_body)

ck_call ck_gelu_call(ck_gelu *gelu) { return (ck_call){.body = CK_BODY(ck_gelu_body), .context = gelu, .waits = 1}; }

void ck_gelu_forward(const ck_gelu *gelu, int threads) {
    ck_parallel(CK_BODY(ck_gelu_body), (void *)gelu, ck_useful_threads(gelu->count, threads));
}

void ck_gelu_backward(const ck_gelu *gelu, int threads) {
    ck_parallel(CK_BODY(ck_gelu_gradient_body), (void *)gelu, ck_useful_threads(gelu->count, threads));
}
