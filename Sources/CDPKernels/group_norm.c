#include <string.h>

#include "formats.h"
#include "require.h"

// A batch item is a few kilobytes, so every pass over it except the first reads from the cache. Sums run along time
// for all channels at once, which fills the vectors for any group size; the channels of a group are added
// afterward.

/// Returns x at a row and channel, or the square of its difference from the mean if mean is not null.
CK_INLINE float ck_term(const void *x, ptrdiff_t i, ck_format format, const float *mean, ptrdiff_t c) {
    const float value = ck_load(x, i, format), difference = mean ? value - mean[c] : 0;
    return mean ? difference * difference : value;
}

/// Sums terms over the time of an item into sums [count], one per channel; four rows at a time read and write the
/// sums once.
CK_INLINE void ck_sum_terms(
    const ck_group_norm *norm, const void *x, ptrdiff_t count, ck_format format, const float *mean, float *sums) {
    CK_FAST
    const ptrdiff_t channels = norm->channels, time = norm->time;
    for (ptrdiff_t c = 0; c < count; c++) sums[c] = 0;
    ptrdiff_t t = 0;
    for (; t + 4 <= time; t += 4)
        for (ptrdiff_t c = 0; c < count; c++) {
            const ptrdiff_t i = t * channels + c;
            sums[c] += (ck_term(x, i, format, mean, c) + ck_term(x, i + channels, format, mean, c))
                + (ck_term(x, i + 2 * channels, format, mean, c) + ck_term(x, i + 3 * channels, format, mean, c));
        }
    for (; t < time; t++)
        for (ptrdiff_t c = 0; c < count; c++) sums[c] += ck_term(x, t * channels + c, format, mean, c);
}

/// Computes the mean and reciprocal deviation [count] of the group of each of `count` channels of an item, repeated
/// for the channels.
CK_INLINE void ck_statistics(
    const ck_group_norm *norm, const void *x, ptrdiff_t count, ck_format format, float *mean, float *reciprocal_deviation) {
    CK_FAST
    const ptrdiff_t width = norm->channels / norm->groups;
    const float share = 1.0f / (float)(norm->time * width);
    ck_sum_terms(norm, x, count, format, 0, mean);
    for (ptrdiff_t first = 0; first < count; first += width) {
        float sum = 0;
        for (ptrdiff_t c = first; c < first + width; c++) sum += mean[c];
        for (ptrdiff_t c = first; c < first + width; c++) mean[c] = sum * share;
    }
    // The squares of the differences, not the difference of the squares, which loses digits when the mean is large.
    ck_sum_terms(norm, x, count, format, mean, reciprocal_deviation);
    for (ptrdiff_t first = 0; first < count; first += width) {
        float sum = 0;
        for (ptrdiff_t c = first; c < first + width; c++) sum += reciprocal_deviation[c];
        sum = 1.0f / __builtin_elementwise_sqrt(sum * share + norm->epsilon);
        for (ptrdiff_t c = first; c < first + width; c++) reciprocal_deviation[c] = sum;
    }
}

// MARK: Forward

/// The channels of an item that are normalized together, and the operands of the steps that follow.
typedef struct {
    const void *x, *residual;
    void *out;
    ptrdiff_t count;
    const float *factor, *offset, *scale, *bias;
} ck_norm_part;

typedef enum { ck_no_film, ck_film_bias, ck_film_scale_and_bias } ck_film_kind;

/// out = film_scale · mish(x · factor + offset) + film_bias + residual, without the absent terms.
CK_INLINE void ck_norm_rows(
    const ck_group_norm *norm, const ck_norm_part *part, ck_format format, int mish, ck_film_kind film, int adds) {
    CK_FAST
    const float *factor = part->factor, *offset = part->offset, *scale = part->scale, *bias = part->bias;
    const ptrdiff_t count = part->count;
    for (ptrdiff_t t = 0; t < norm->time; t++) {
        const ptrdiff_t row = t * norm->channels;
        const void *x = ck_from(part->x, row, format), *residual = adds ? ck_from(part->residual, row, format) : 0;
        void *out = ck_from(part->out, row, format);
        for (ptrdiff_t c = 0; c < count; c++) {
            float y = ck_load(x, c, format) * factor[c] + offset[c];
            if (mish) y = ck_mish_value(y);
            if (film == ck_film_scale_and_bias) y = y * scale[c] + bias[c];
            if (film == ck_film_bias) y += bias[c];
            if (adds) y += ck_load(residual, c, format);
            ck_store(y, out, c, format);
        }
    }
}

#define CK_KIND(mish, film, adds) ((mish) * 6 + (film) * 2 + (adds))
#define CK_NORM_CASES(mish, film)                                                                                      \
    case CK_KIND(mish, film, 0): ck_norm_rows(norm, &part, format, mish, film, 0); break;                              \
    case CK_KIND(mish, film, 1): ck_norm_rows(norm, &part, format, mish, film, 1); break;

CK_INLINE void ck_norm_forward(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_group_norm *norm = context;
    const ptrdiff_t channels = norm->channels, size = norm->time * channels;
    const ptrdiff_t grain = norm->grain ? norm->grain : channels, parts = (channels + grain - 1) / grain;
    const ck_range range = ck_share(norm->batch * parts, 1, thread, threads);
    const ck_film_kind film = norm->film_scale ? ck_film_scale_and_bias : norm->film_bias ? ck_film_bias : ck_no_film;
    float *factor = CK_FLOATS(0, 2, grain), *offset = CK_FLOATS(1, 2, grain);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t item = index / parts, first = index % parts * grain, begin = item * size + first;
        const ptrdiff_t conditions = item * norm->film_stride + first;
        const ck_norm_part part = {
            .x = ck_from(norm->x, begin, format),
            .residual = norm->residual ? ck_from(norm->residual, begin, format) : 0,
            .out = ck_from(norm->out, begin, format),
            .count = grain < channels - first ? grain : channels - first,
            .factor = factor,
            .offset = offset,
            .scale = norm->film_scale ? norm->film_scale + conditions : 0,
            .bias = norm->film_bias ? norm->film_bias + conditions : 0,
        };
        ck_statistics(norm, part.x, part.count, format, offset, factor);
        for (ptrdiff_t c = 0; c < part.count; c++) {
            factor[c] *= norm->gain[first + c];
            offset[c] = norm->bias[first + c] - offset[c] * factor[c];
        }
        switch (CK_KIND(norm->mish != 0, (int)film, norm->residual != 0)) {
            CK_NORM_CASES(0, ck_no_film)
            CK_NORM_CASES(0, ck_film_bias)
            CK_NORM_CASES(0, ck_film_scale_and_bias)
            CK_NORM_CASES(1, ck_no_film)
            CK_NORM_CASES(1, ck_film_bias)
            CK_NORM_CASES(1, ck_film_scale_and_bias)
        }
    }
}

CK_LEVELS_OF_FORMATS(ck_norm_forward)

ck_call ck_group_norm_call(ck_group_norm *norm) {
    CK_REQUIRE(norm->groups > 0 && norm->channels % norm->groups == 0);
    return (ck_call){.body = CK_BODY_FOR(ck_norm_forward, norm->format), .context = norm};
}

void ck_group_norm_forward(const ck_group_norm *norm, int threads) {
    CK_REQUIRE(norm->groups > 0 && norm->channels % norm->groups == 0);
    ck_group_norm shared = *norm;
    threads = ck_useful_threads(norm->batch * norm->time * norm->channels, threads);
    // With fewer items than threads, threads divide the groups too.
    const ptrdiff_t groups = norm->groups;
    if (norm->batch < threads) shared.grain = (groups + threads - 1) / threads * (norm->channels / groups);
    ck_parallel(ck_group_norm_call(&shared).body, &shared, threads);
}

// MARK: Backward

CK_INLINE ptrdiff_t ck_norm_scratch(const ck_group_norm *norm) { return (2 + norm->time) * norm->channels; }

ptrdiff_t ck_group_norm_scratch(const ck_group_norm *norm, int threads) { return threads * ck_norm_scratch(norm); }

/// Sums over the time of an item, [channels] each.
typedef struct {
    float *dz, *dz_normal, *film_scale, *film_bias;
} ck_norm_sums;

/// Computes the gradient dz of the normalized, scaled and shifted z, and its sums over time.
CK_INLINE void ck_norm_backward_rows(
    const ck_group_norm *norm, const void *x, const void *dy, const float *mean, const float *reciprocal_deviation,
    const float *scale, float *dz, ck_norm_sums sums, ck_format format, int mish, int scales) {
    CK_FAST
    const ptrdiff_t channels = norm->channels;
    const float *gain = norm->gain, *bias = norm->bias;
    for (ptrdiff_t t = 0; t < norm->time; t++)
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float normal = (ck_load(x, t * channels + c, format) - mean[c]) * reciprocal_deviation[c];
            const float g = ck_load(dy, t * channels + c, format);
            float z = normal * gain[c] + bias[c], slope = 1;
            if (mish) slope = ck_mish_slope(z, &z);
            const float d = (scales ? g * scale[c] : g) * slope;
            sums.film_bias[c] += g;
            if (scales) sums.film_scale[c] += g * z;
            dz[t * channels + c] = d;
            sums.dz[c] += d;
            sums.dz_normal[c] += d * normal;
        }
}

CK_INLINE void ck_norm_backward(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_group_norm_gradient *b = context;
    const ck_group_norm *norm = &b->norm;
    const ptrdiff_t channels = norm->channels, time = norm->time, size = time * channels;
    const ptrdiff_t width = channels / norm->groups;
    const float share = 1.0f / (float)(time * width);
    const ck_range range = ck_share(norm->batch, 1, thread, threads);
    float *d_gain = b->scratch + thread * ck_norm_scratch(norm), *d_bias = d_gain + channels, *dz = d_bias + channels;
    memset(d_gain, 0, (size_t)(2 * channels) * sizeof(float));
    float *mean = CK_FLOATS(0, 6, channels), *reciprocal_deviation = CK_FLOATS(1, 6, channels);
    float *dz_sum = CK_FLOATS(2, 6, channels), *dz_dot = CK_FLOATS(3, 6, channels);
    float *ds = CK_FLOATS(4, 6, channels), *dt = CK_FLOATS(5, 6, channels);
    const ck_norm_sums sums = {dz_sum, dz_dot, ds, dt};

    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        const void *x = ck_from(norm->x, item * size, format), *dy = ck_from(b->dy, item * size, format);
        void *dx = ck_from(b->dx, item * size, format);
        const float *scale = norm->film_scale ? norm->film_scale + item * norm->film_stride : 0;
        ck_statistics(norm, x, channels, format, mean, reciprocal_deviation);
        for (ptrdiff_t c = 0; c < channels; c++) dz_sum[c] = dz_dot[c] = ds[c] = dt[c] = 0;
#define CK_ROWS(mish, scales)                                                                                          \
    ck_norm_backward_rows(norm, x, dy, mean, reciprocal_deviation, scale, dz, sums, format, mish, scales)
        if (norm->mish && scale) CK_ROWS(1, 1);
        else if (norm->mish) CK_ROWS(1, 0);
        else if (scale) CK_ROWS(0, 1);
        else CK_ROWS(0, 0);
        for (ptrdiff_t c = 0; c < channels; c++) {
            d_gain[c] += dz_dot[c];
            d_bias[c] += dz_sum[c];
        }
        if (b->d_film_scale)
            memcpy(b->d_film_scale + item * b->film_stride, ds, (size_t)channels * sizeof(float));
        if (b->d_film_bias) memcpy(b->d_film_bias + item * b->film_stride, dt, (size_t)channels * sizeof(float));

        // dx = reciprocal_deviation · (gain·dz − mean(gain·dz) − normal · mean(gain·dz·normal)), means over the group,
        //    = dz · ds[c] + x · dt[c] + dz_sum[c]
        for (ptrdiff_t g = 0; g < norm->groups; g++) {
            float sum = 0, dot = 0;
            for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) {
                sum += norm->gain[c] * dz_sum[c];
                dot += norm->gain[c] * dz_dot[c];
            }
            for (ptrdiff_t c = g * width; c < (g + 1) * width; c++) {
                const float slope = -reciprocal_deviation[c] * reciprocal_deviation[c] * dot * share;
                ds[c] = reciprocal_deviation[c] * norm->gain[c];
                dt[c] = slope;
                dz_sum[c] = -reciprocal_deviation[c] * sum * share - mean[c] * slope;
            }
        }
        for (ptrdiff_t t = 0; t < time; t++)
            for (ptrdiff_t c = 0; c < channels; c++) {
                const ptrdiff_t i = t * channels + c;
                ck_store(dz[i] * ds[c] + ck_load(x, i, format) * dt[c] + dz_sum[c], dx, i, format);
            }
    }
}

CK_LEVELS_OF_FORMATS(ck_norm_backward)

void ck_group_norm_backward(const ck_group_norm_gradient *gradient, int threads) {
    const ck_group_norm *norm = &gradient->norm;
    const ptrdiff_t channels = norm->channels;
    CK_REQUIRE(norm->groups > 0 && channels % norm->groups == 0);
    threads = ck_useful_threads(norm->batch * norm->time * channels, threads);
    threads = threads < norm->batch ? threads : (int)norm->batch;
    ck_parallel(CK_BODY_FOR(ck_norm_backward, norm->format), (void *)gradient, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        float gain = 0, bias = 0;
        for (int thread = 0; thread < threads; thread++) {
            const float *sums = gradient->scratch + thread * ck_norm_scratch(norm);
            gain += sums[c];
            bias += sums[channels + c];
        }
        if (gradient->d_gain) gradient->d_gain[c] = gain;
        if (gradient->d_bias) gradient->d_bias[c] = bias;
    }
}
