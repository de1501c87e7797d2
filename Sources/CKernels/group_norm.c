#include <string.h>

#include "vector.h"

// A batch item is a few kilobytes, so each pass over it but the first finds it in the cache. Sums run along time for every channel at
// once, which fills the vectors whatever the size of a group is; only then are the channels of a group added.

/// Mean and reciprocal deviation of each channel's group, repeated for the channels.
CK_INLINE void ck_statistics(const ck_group_norm *norm, const float *x, float *mean, float *reciprocal_deviation) {
    CK_FAST
    const ptrdiff_t channels = norm->channels, time = norm->time;
    const ptrdiff_t width = channels / norm->groups;
    for (ptrdiff_t c = 0; c < channels; c++) mean[c] = x[c];
    for (ptrdiff_t t = 1; t < time; t++)
        for (ptrdiff_t c = 0; c < channels; c++) mean[c] += x[t * channels + c];
    const float share = 1.0f / (float)(time * width);
    for (ptrdiff_t g = 0; g < norm->groups; g++) {
        float sum = 0;
        for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) sum += mean[c];
        sum *= share;
        for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) mean[c] = sum;
    }
    // The squares of the differences, not the difference of the squares: that loses digits when the mean is large.
    for (ptrdiff_t c = 0; c < channels; c++) reciprocal_deviation[c] = 0;
    for (ptrdiff_t t = 0; t < time; t++)
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float difference = x[t * channels + c] - mean[c];
            reciprocal_deviation[c] += difference * difference;
        }
    for (ptrdiff_t g = 0; g < norm->groups; g++) {
        float sum = 0;
        for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) sum += reciprocal_deviation[c];
        sum = 1.0f / __builtin_elementwise_sqrt(sum * share + norm->epsilon);
        for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) reciprocal_deviation[c] = sum;
    }
}

typedef struct {
    const ck_group_norm *norm;
    float *out;
} ck_norm_forward;

/// One row of channels: y = film_scale · activation(x · factor + offset) + film_bias + residual.
#define CK_ROW(activation)                                                                                             \
    for (ptrdiff_t t = 0; t < norm->time; t++) {                                                                       \
        const float *row = x + t * channels;                                                                           \
        float *y = out + t * channels;                                                                                 \
        if (scale && residual)                                                                                         \
            for (ptrdiff_t c = 0; c < channels; c++)                                                                   \
                y[c] = activation(row[c] * factor[c] + offset[c]) * scale[c] + bias[c] + residual[t * channels + c];   \
        else if (scale)                                                                                                \
            for (ptrdiff_t c = 0; c < channels; c++)                                                                   \
                y[c] = activation(row[c] * factor[c] + offset[c]) * scale[c] + bias[c];                                \
        else if (bias)                                                                                                 \
            for (ptrdiff_t c = 0; c < channels; c++) y[c] = activation(row[c] * factor[c] + offset[c]) + bias[c];      \
        else if (residual)                                                                                             \
            for (ptrdiff_t c = 0; c < channels; c++)                                                                   \
                y[c] = activation(row[c] * factor[c] + offset[c]) + residual[t * channels + c];                        \
        else                                                                                                           \
            for (ptrdiff_t c = 0; c < channels; c++) y[c] = activation(row[c] * factor[c] + offset[c]);                \
    }

#define CK_IDENTITY(x) (x)

CK_INLINE void ck_norm_forward_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_norm_forward *f = context;
    const ck_group_norm *norm = f->norm;
    const ptrdiff_t channels = norm->channels, size = norm->time * channels;
    const ck_range range = ck_share(norm->batch, 1, thread, threads);
    float factor[channels], offset[channels];
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *x = norm->x + item * size;
        float *out = f->out + item * size;
        ck_statistics(norm, x, offset, factor);
        for (ptrdiff_t c = 0; c < channels; c++) {
            factor[c] *= norm->gain[c];
            offset[c] = norm->bias[c] - offset[c] * factor[c];
        }
        const float *scale = norm->film_scale ? norm->film_scale + item * norm->film_stride : 0;
        const float *bias = norm->film_bias ? norm->film_bias + item * norm->film_stride : 0;
        const float *residual = norm->residual ? norm->residual + item * size : 0;
        if (norm->mish) {
            CK_ROW(ck_mish_value)
        } else {
            CK_ROW(CK_IDENTITY)
        }
    }
}
CK_LEVELS(ck_norm_forward_body)

void ck_group_norm_forward(const ck_group_norm *norm, float *out, int threads) {
    ck_norm_forward f = {norm, out};
    threads = ck_useful_threads(norm->batch * norm->time * norm->channels, threads);
    ck_parallel(CK_BODY(ck_norm_forward_body), &f, threads < norm->batch ? threads : (int)norm->batch);
}

typedef struct {
    const ck_group_norm *norm;
    const float *dy;
    float *dx, *d_film_scale, *d_film_bias;
    ptrdiff_t film_gradient_stride;
    float *scratch;
} ck_norm_backward;

CK_INLINE void ck_norm_backward_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_norm_backward *b = context;
    const ck_group_norm *norm = b->norm;
    const ptrdiff_t channels = norm->channels, time = norm->time, size = time * channels;
    const ptrdiff_t width = channels / norm->groups;
    const float share = 1.0f / (float)(time * width);
    const ck_range range = ck_share(norm->batch, 1, thread, threads);
    const float *gain = norm->gain, *bias = norm->bias;
    float *d_gain = b->scratch + thread * 2 * channels, *d_bias = d_gain + channels;
    memset(d_gain, 0, (size_t)(2 * channels) * sizeof(float));
    float mean[channels], reciprocal_deviation[channels], dz_sum[channels], dz_dot[channels], ds[channels], dt[channels];

    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const float *x = norm->x + item * size, *dy = b->dy + item * size;
        const float *scale = norm->film_scale ? norm->film_scale + item * norm->film_stride : 0;
        float *dx = b->dx + item * size;
        ck_statistics(norm, x, mean, reciprocal_deviation);
        for (ptrdiff_t c = 0; c < channels; c++) dz_sum[c] = dz_dot[c] = ds[c] = dt[c] = 0;

        // First pass: the gradient dz of the normalised, scaled and shifted z goes to dx; its sums over time are collected.
        for (ptrdiff_t t = 0; t < time; t++) {
            const float *row = x + t * channels, *dy_row = dy + t * channels;
            float *dz_row = dx + t * channels;
            if (!norm->mish) {
                for (ptrdiff_t c = 0; c < channels; c++) {
                    const float normal = (row[c] - mean[c]) * reciprocal_deviation[c];
                    const float z = normal * gain[c] + bias[c];
                    const float dz = scale ? dy_row[c] * scale[c] : dy_row[c];
                    dt[c] += dy_row[c];
                    ds[c] += dy_row[c] * z;
                    dz_row[c] = dz;
                    dz_sum[c] += dz;
                    dz_dot[c] += dz * normal;
                }
            } else if (scale) {
                for (ptrdiff_t c = 0; c < channels; c++) {
                    const float normal = (row[c] - mean[c]) * reciprocal_deviation[c];
                    const float z = normal * gain[c] + bias[c];
                    const float bounded = z < 20.0f ? z : 20.0f;
                    const float e = ck_exp(bounded);
                    const float n = e * (e + 2.0f);
                    const float inverse = 1.0f / (n + 2.0f);
                    const float slope = inverse * (n + 4.0f * bounded * (e * (e + 1.0f) * inverse));
                    dt[c] += dy_row[c];
                    ds[c] += dy_row[c] * (z * n * inverse);
                    const float dz = dy_row[c] * scale[c] * slope;
                    dz_row[c] = dz;
                    dz_sum[c] += dz;
                    dz_dot[c] += dz * normal;
                }
            } else {
                for (ptrdiff_t c = 0; c < channels; c++) {
                    const float normal = (row[c] - mean[c]) * reciprocal_deviation[c];
                    const float dz = dy_row[c] * ck_mish_slope(normal * gain[c] + bias[c]);
                    dt[c] += dy_row[c];
                    dz_row[c] = dz;
                    dz_sum[c] += dz;
                    dz_dot[c] += dz * normal;
                }
            }
        }
        for (ptrdiff_t c = 0; c < channels; c++) {
            d_gain[c] += dz_dot[c];
            d_bias[c] += dz_sum[c];
        }
        if (b->d_film_scale)
            memcpy(b->d_film_scale + item * b->film_gradient_stride, ds, (size_t)channels * sizeof(float));
        if (b->d_film_bias)
            memcpy(b->d_film_bias + item * b->film_gradient_stride, dt, (size_t)channels * sizeof(float));

        // Second pass: dx = reciprocal_deviation · (gain·dz − mean(gain·dz) − normal · mean(gain·dz·normal)), means over the group.
        for (ptrdiff_t g = 0; g < norm->groups; g++) {
            float sum = 0, dot = 0;
            for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) {
                sum += gain[c] * dz_sum[c];
                dot += gain[c] * dz_dot[c];
            }
            for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) {
                // dx = dz · ds[c] + x · dt[c] + dz_sum[c]
                const float slope = -reciprocal_deviation[c] * reciprocal_deviation[c] * dot * share;
                ds[c] = reciprocal_deviation[c] * gain[c];
                dt[c] = slope;
                dz_sum[c] = -reciprocal_deviation[c] * sum * share - mean[c] * slope;
            }
        }
        for (ptrdiff_t t = 0; t < time; t++)
            for (ptrdiff_t c = 0; c < channels; c++) {
                const ptrdiff_t i = t * channels + c;
                dx[i] = dx[i] * ds[c] + x[i] * dt[c] + dz_sum[c];
            }
    }
}
CK_LEVELS(ck_norm_backward_body)

void ck_group_norm_backward(
    const ck_group_norm *norm, const float *dy, float *dx, float *d_gain, float *d_bias, float *d_film_scale,
    float *d_film_bias, ptrdiff_t film_gradient_stride, float *scratch, int threads) {
    ck_norm_backward b = {norm, dy, dx, d_film_scale, d_film_bias, film_gradient_stride, scratch};
    const ptrdiff_t channels = norm->channels;
    threads = ck_useful_threads(norm->batch * norm->time * channels, threads);
    threads = threads < norm->batch ? threads : (int)norm->batch;
    threads = ck_parallel(CK_BODY(ck_norm_backward_body), &b, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        float gain = 0, bias = 0;
        for (int thread = 0; thread < threads; thread++) {
            gain += scratch[thread * 2 * channels + c];
            bias += scratch[thread * 2 * channels + channels + c];
        }
        if (d_gain) d_gain[c] = gain;
        if (d_bias) d_bias[c] = bias;
    }
}

// MARK: FiLM alone

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
