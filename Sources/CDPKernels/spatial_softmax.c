#include "formats.h"
#include "require.h"

/// Returns a coordinate of `count` positions from −1 to 1; a single position is at −1.
CK_INLINE float ck_coordinate(ptrdiff_t index, ptrdiff_t count) {
    return count == 1 ? -1.0f : -1.0f + 2.0f * (float)index / (float)(count - 1);
}

/// Intermediate values and results of the softmax over the positions of each channel of an item, [channels] each.
typedef struct {
    /// The largest element, and 1 / Σ e^(element − largest).
    float *largest, *share;
    /// The expected position.
    float *u, *v;
} ck_expectation;

CK_INLINE void ck_expect(const ck_spatial_softmax *softmax, const void *x, ck_expectation e, ck_format format) {
    CK_FAST
    const ptrdiff_t channels = softmax->channels, width = softmax->width, positions = softmax->height * width;
    for (ptrdiff_t c = 0; c < channels; c++) e.largest[c] = ck_load(x, c, format);
    for (ptrdiff_t p = 1; p < positions; p++)
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float value = ck_load(x, p * channels + c, format);
            e.largest[c] = value <= e.largest[c] ? e.largest[c] : value;
        }
    for (ptrdiff_t c = 0; c < channels; c++) e.share[c] = e.u[c] = e.v[c] = 0;
    for (ptrdiff_t p = 0; p < positions; p++) {
        const float u = ck_coordinate(p % width, width), v = ck_coordinate(p / width, softmax->height);
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float power = ck_power(ck_load(x, p * channels + c, format) - e.largest[c]);
            e.share[c] += power;
            e.u[c] += power * u;
            e.v[c] += power * v;
        }
    }
    for (ptrdiff_t c = 0; c < channels; c++) {
        e.share[c] = 1.0f / e.share[c];
        e.u[c] *= e.share[c];
        e.v[c] *= e.share[c];
    }
}

CK_INLINE void ck_softmax_forward(const void *context, int thread, int threads, ck_format format) {
    const ck_spatial_softmax *softmax = context;
    const ptrdiff_t channels = softmax->channels, size = softmax->height * softmax->width * channels;
    const ck_range range = ck_share(softmax->batch, 1, thread, threads);
    float *largest = CK_FLOATS(0, 4, channels), *share = CK_FLOATS(1, 4, channels);
    float *u = CK_FLOATS(2, 4, channels), *v = CK_FLOATS(3, 4, channels);
    const ck_expectation e = {largest, share, u, v};
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        ck_expect(softmax, ck_from(softmax->x, item * size, format), e, format);
        float *out = softmax->out + 2 * item * channels;
        for (ptrdiff_t c = 0; c < channels; c++) {
            out[2 * c] = u[c];
            out[2 * c + 1] = v[c];
        }
    }
}

CK_LEVELS_OF_FORMATS(ck_softmax_forward)

ck_call ck_spatial_softmax_call(ck_spatial_softmax *softmax) {
    return (ck_call){.body = CK_BODY_FOR(ck_softmax_forward, softmax->format), .context = softmax};
}

CK_INLINE ptrdiff_t ck_softmax_count(const ck_spatial_softmax *softmax) {
    return softmax->batch * softmax->height * softmax->width * softmax->channels;
}

static void ck_require_softmax(const ck_spatial_softmax *softmax) {
    CK_REQUIRE(softmax->height > 0 && softmax->width > 0 && softmax->channels > 0);
    CK_REQUIRE(softmax->format != ck_int8);
}

void ck_spatial_softmax_forward(const ck_spatial_softmax *softmax, int threads) {
    ck_require_softmax(softmax);
    threads = ck_useful_threads(ck_softmax_count(softmax), threads);
    ck_parallel(CK_BODY_FOR(ck_softmax_forward, softmax->format), (void *)softmax, threads);
}

// MARK: Backward

/// dx = p · (du · (u − E[u]) + dv · (v − E[v])), where p is the softmax and du, dv are the gradients of the
/// expected position.
CK_INLINE void ck_softmax_backward(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_spatial_softmax_gradient *b = context;
    const ck_spatial_softmax *softmax = &b->softmax;
    const ptrdiff_t channels = softmax->channels, width = softmax->width, positions = softmax->height * width;
    const ck_range range = ck_share(softmax->batch, 1, thread, threads);
    float *largest = CK_FLOATS(0, 6, channels), *share = CK_FLOATS(1, 6, channels);
    float *u = CK_FLOATS(2, 6, channels), *v = CK_FLOATS(3, 6, channels);
    float *du = CK_FLOATS(4, 6, channels), *dv = CK_FLOATS(5, 6, channels);
    const ck_expectation e = {largest, share, u, v};
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const void *x = ck_from(softmax->x, item * positions * channels, format);
        void *dx = ck_from(b->dx, item * positions * channels, format);
        ck_expect(softmax, x, e, format);
        for (ptrdiff_t c = 0; c < channels; c++) {
            du[c] = b->dy[2 * (item * channels + c)] * share[c];
            dv[c] = b->dy[2 * (item * channels + c) + 1] * share[c];
        }
        for (ptrdiff_t p = 0; p < positions; p++) {
            const float here_u = ck_coordinate(p % width, width), here_v = ck_coordinate(p / width, softmax->height);
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float power = ck_exp(ck_load(x, p * channels + c, format) - largest[c]);
                ck_store(power * (du[c] * (here_u - u[c]) + dv[c] * (here_v - v[c])), dx, p * channels + c, format);
            }
        }
    }
}

CK_LEVELS_OF_FORMATS(ck_softmax_backward)

void ck_spatial_softmax_backward(const ck_spatial_softmax_gradient *gradient, int threads) {
    ck_require_softmax(&gradient->softmax);
    threads = ck_useful_threads(ck_softmax_count(&gradient->softmax), threads);
    ck_parallel(CK_BODY_FOR(ck_softmax_backward, gradient->softmax.format), (void *)gradient, threads);
}
