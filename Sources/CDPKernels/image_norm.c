#include <string.h>

#include "formats.h"
#include "require.h"

// An item takes up to a megabyte, so each pass over it reads from the L2 cache or beyond. Statistics take one pass,
// normalization another, and the gradient two, which recompute intermediate values from x and dy instead of storing
// them.

/// Computes the mean and reciprocal deviation of the groups of `count` channels of an item, [groups, 2], from sums
/// over its pixels.
///
/// In one pass: sums the differences from the first pixel, which is close enough to the mean that the difference of
/// squares loses no digits that matter.
CK_INLINE void ck_image_statistics(
    const ck_image_norm *norm, const void *x, ptrdiff_t count, ck_format format, float *sum, float *square, float *statistics) {
    CK_FAST
    const ptrdiff_t channels = norm->channels, pixels = norm->pixels, width = channels / norm->groups;
    for (ptrdiff_t c = 0; c < count; c++) sum[c] = square[c] = 0;
    for (ptrdiff_t p = 1; p < pixels; p++) {
        const void *row = ck_from(x, p * channels, format);
        for (ptrdiff_t c = 0; c < count; c++) {
            const float difference = ck_load(row, c, format) - ck_load(x, c, format);
            sum[c] += difference;
            square[c] += difference * difference;
        }
    }
    const float pixel_share = 1.0f / (float)pixels, channel_share = 1.0f / (float)width;
    for (ptrdiff_t group = 0; group * width < count; group++) {
        const ptrdiff_t first = group * width;
        float mean = 0, variance = 0;
        for (ptrdiff_t c = first; c < first + width; c++) mean += ck_load(x, c, format) + sum[c] * pixel_share;
        mean *= channel_share;
        for (ptrdiff_t c = first; c < first + width; c++) {
            const float inner = sum[c] * pixel_share, outer = ck_load(x, c, format) + inner - mean;
            variance += square[c] * pixel_share - inner * inner + outer * outer;
        }
        statistics[2 * group] = mean;
        statistics[2 * group + 1] = 1.0f / __builtin_elementwise_sqrt(variance * channel_share + norm->epsilon);
    }
}

// MARK: Forward

CK_INLINE void ck_image_rows(
    const ck_image_norm *norm, const void *x, const void *residual, void *out, ptrdiff_t count, const float *factor,
    const float *offset, ck_format format, int relu, int adds) {
    CK_FAST
    for (ptrdiff_t p = 0; p < norm->pixels; p++) {
        const ptrdiff_t row = p * norm->channels;
        const void *from = ck_from(x, row, format), *other = adds ? ck_from(residual, row, format) : 0;
        void *to = ck_from(out, row, format);
        for (ptrdiff_t c = 0; c < count; c++) {
            float y = ck_load(from, c, format) * factor[c] + offset[c];
            if (adds) y += ck_load(other, c, format);
            // Written so that NaN stays NaN.
            if (relu) y = y < 0 ? 0 : y;
            ck_store(y, to, c, format);
        }
    }
}

CK_INLINE void ck_image_forward(const void *context, int thread, int threads, ck_format format) {
    const ck_image_norm *norm = context;
    const ptrdiff_t channels = norm->channels, size = norm->pixels * channels, width = channels / norm->groups;
    const ptrdiff_t grain = norm->grain ? norm->grain : channels, parts = (channels + grain - 1) / grain;
    const ck_range range = ck_share(norm->batch * parts, 1, thread, threads);
    // At most two statistics for each channel.
    float *factor = CK_FLOATS(0, 3, 2 * grain), *offset = CK_FLOATS(1, 3, 2 * grain), *own = CK_FLOATS(2, 3, 2 * grain);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t item = index / parts, first = index % parts * grain, begin = item * size + first;
        const ptrdiff_t count = grain < channels - first ? grain : channels - first;
        float *statistics = norm->statistics ? norm->statistics + 2 * (item * norm->groups + first / width) : own;
        const void *x = ck_from(norm->x, begin, format);
        const void *residual = norm->residual ? ck_from(norm->residual, begin, format) : 0;
        void *out = ck_from(norm->out, begin, format);
        ck_image_statistics(norm, x, count, format, factor, offset, statistics);
        for (ptrdiff_t c = 0; c < count; c++) {
            const float *group = statistics + 2 * (c / width);
            factor[c] = group[1] * norm->gain[first + c];
            offset[c] = norm->bias[first + c] - group[0] * factor[c];
        }
        if (norm->relu && residual) ck_image_rows(norm, x, residual, out, count, factor, offset, format, 1, 1);
        else if (norm->relu) ck_image_rows(norm, x, residual, out, count, factor, offset, format, 1, 0);
        else if (residual) ck_image_rows(norm, x, residual, out, count, factor, offset, format, 0, 1);
        else ck_image_rows(norm, x, residual, out, count, factor, offset, format, 0, 0);
    }
}

CK_LEVELS_OF_FORMATS(ck_image_forward)

ck_call ck_image_norm_call(ck_image_norm *norm) {
    return (ck_call){.body = CK_BODY_FOR(ck_image_forward, norm->format), .context = norm};
}

static void ck_require_image_norm(const ck_image_norm *norm) {
    CK_REQUIRE(norm->batch > 0 && norm->pixels > 0);
    CK_REQUIRE(norm->groups > 0 && norm->channels % norm->groups == 0);
    CK_REQUIRE(norm->grain % (norm->channels / norm->groups) == 0);
    CK_REQUIRE(norm->format != ck_int8);
}

void ck_image_norm_forward(const ck_image_norm *norm, int threads) {
    ck_require_image_norm(norm);
    ck_image_norm shared = *norm;
    threads = ck_useful_threads(norm->batch * norm->pixels * norm->channels, threads);
    // With fewer items than threads, threads divide the groups too.
    const ptrdiff_t groups = norm->groups;
    if (norm->batch < threads) shared.grain = (groups + threads - 1) / threads * (norm->channels / groups);
    ck_parallel(ck_image_norm_call(&shared).body, &shared, threads);
}

// MARK: Backward

ptrdiff_t ck_image_norm_scratch(const ck_image_norm *norm, int threads) { return threads * 2 * norm->channels; }

/// Returns the gradient before ReLU.
CK_INLINE float ck_before_relu(const void *dy, const void *out, ptrdiff_t index, ck_format format, int relu) {
    const float g = ck_load(dy, index, format);
    return relu && !(ck_load(out, index, format) > 0) ? 0 : g;
}

CK_INLINE void ck_image_backward_item(
    const ck_image_norm *norm, const void *x, const void *out, const void *dy, void *dx, void *d_residual, float *statistics,
    float *d_gain, float *d_bias, ck_format format, int relu) {
    CK_FAST
    const ptrdiff_t channels = norm->channels, width = channels / norm->groups;
    float *sum = CK_FLOATS(0, 6, 2 * channels), *dot = CK_FLOATS(1, 6, 2 * channels);
    float *factor = CK_FLOATS(2, 6, 2 * channels), *slope = CK_FLOATS(3, 6, 2 * channels);
    float *mean = CK_FLOATS(4, 6, 2 * channels);
    if (!norm->statistics) ck_image_statistics(norm, x, channels, format, sum, dot, statistics);
    for (ptrdiff_t c = 0; c < channels; c++) {
        mean[c] = statistics[2 * (c / width)];
        sum[c] = dot[c] = 0;
    }
    for (ptrdiff_t p = 0; p < norm->pixels; p++) {
        const ptrdiff_t row = p * channels;
        const void *xs = ck_from(x, row, format), *outs = relu ? ck_from(out, row, format) : 0;
        const void *dys = ck_from(dy, row, format);
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float d = ck_before_relu(dys, outs, c, format, relu);
            sum[c] += d;
            dot[c] += d * (ck_load(xs, c, format) - mean[c]);
        }
    }
    // dx = r · (gain·d − mean(gain·d) − normal · mean(gain·d·normal)), means over the group,
    //    = d · factor[c] + (x − mean) · slope[c] + sum[c], with r the reciprocal deviation
    const float share = 1.0f / (float)(norm->pixels * width);
    for (ptrdiff_t first = 0; first < channels; first += width) {
        const float reciprocal_deviation = statistics[2 * (first / width) + 1];
        float sums = 0, dots = 0;
        for (ptrdiff_t c = first; c < first + width; c++) {
            d_gain[c] += dot[c] * reciprocal_deviation;
            d_bias[c] += sum[c];
            sums += norm->gain[c] * sum[c];
            dots += norm->gain[c] * dot[c];
        }
        const float group_slope = -reciprocal_deviation * reciprocal_deviation * reciprocal_deviation * dots * share;
        for (ptrdiff_t c = first; c < first + width; c++) {
            factor[c] = reciprocal_deviation * norm->gain[c];
            slope[c] = group_slope;
            sum[c] = -reciprocal_deviation * sums * share;
        }
    }
    for (ptrdiff_t p = 0; p < norm->pixels; p++) {
        const ptrdiff_t row = p * channels;
        const void *xs = ck_from(x, row, format), *outs = relu ? ck_from(out, row, format) : 0;
        const void *dys = ck_from(dy, row, format);
        void *dxs = ck_from(dx, row, format);
        if (d_residual) {
            void *residuals = ck_from(d_residual, row, format);
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float d = ck_before_relu(dys, outs, c, format, relu);
                ck_store(d, residuals, c, format);
                ck_store(d * factor[c] + (ck_load(xs, c, format) - mean[c]) * slope[c] + sum[c], dxs, c, format);
            }
        } else {
            for (ptrdiff_t c = 0; c < channels; c++) {
                const float d = ck_before_relu(dys, outs, c, format, relu);
                ck_store(d * factor[c] + (ck_load(xs, c, format) - mean[c]) * slope[c] + sum[c], dxs, c, format);
            }
        }
    }
}

CK_INLINE void ck_image_backward(const void *context, int thread, int threads, ck_format format) {
    const ck_image_norm_gradient *b = context;
    const ck_image_norm *norm = &b->norm;
    const ptrdiff_t size = norm->pixels * norm->channels;
    const ck_range range = ck_share(norm->batch, 1, thread, threads);
    float *d_gain = b->scratch + thread * 2 * norm->channels, *d_bias = d_gain + norm->channels;
    memset(d_gain, 0, (size_t)(2 * norm->channels) * sizeof(float));
    // After the five arrays of an item; at most two statistics for each channel.
    float *own = CK_FLOATS(5, 6, 2 * norm->channels);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const ptrdiff_t begin = item * size;
        float *statistics = norm->statistics ? norm->statistics + 2 * item * norm->groups : own;
        const void *x = ck_from(norm->x, begin, format), *dy = ck_from(b->dy, begin, format);
        void *dx = ck_from(b->dx, begin, format);
        void *d_residual = b->d_residual ? ck_from(b->d_residual, begin, format) : 0;
        if (norm->relu)
            ck_image_backward_item(
                norm, x, ck_from(norm->out, begin, format), dy, dx, d_residual, statistics, d_gain, d_bias, format, 1);
        else ck_image_backward_item(norm, x, 0, dy, dx, d_residual, statistics, d_gain, d_bias, format, 0);
    }
}

CK_LEVELS_OF_FORMATS(ck_image_backward)

void ck_image_norm_backward(const ck_image_norm_gradient *gradient, int threads) {
    const ck_image_norm *norm = &gradient->norm;
    ck_require_image_norm(norm);
    CK_REQUIRE(gradient->scratch);
    const ptrdiff_t channels = norm->channels;
    threads = ck_useful_threads(norm->batch * norm->pixels * channels, threads);
    threads = threads < norm->batch ? threads : (int)norm->batch;
    ck_parallel(CK_BODY_FOR(ck_image_backward, norm->format), (void *)gradient, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        float gain = 0, bias = 0;
        for (int thread = 0; thread < threads; thread++) {
            const float *sums = gradient->scratch + thread * 2 * channels;
            gain += sums[c];
            bias += sums[channels + c];
        }
        if (gradient->d_gain) gradient->d_gain[c] = gain;
        if (gradient->d_bias) gradient->d_bias[c] = bias;
    }
}
