#include <string.h>

#include "chunks.h"
#include "require.h"

/// Returns the mean of a row and stores its reciprocal deviation. Squares the differences, which keep their digits
/// when the mean is large.
CK_INLINE float ck_row_statistics(const ck_layer_norm *norm, const float *x, float *reciprocal_deviation) {
    CK_FAST
    const ptrdiff_t channels = norm->channels;
    const float share = 1.0f / (float)channels;
    float sum = 0, squares = 0;
    for (ptrdiff_t c = 0; c < channels; c++) sum += x[c];
    const float mean = sum * share;
    for (ptrdiff_t c = 0; c < channels; c++) {
        const float difference = x[c] - mean;
        squares += difference * difference;
    }
    *reciprocal_deviation = 1.0f / __builtin_elementwise_sqrt(squares * share + norm->epsilon);
    return mean;
}

CK_INLINE void ck_layer_norm_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_layer_norm *norm = context;
    const ptrdiff_t channels = norm->channels;
    const float *gain = norm->gain, *bias = norm->bias;
    const ck_range range = ck_share(norm->rows, 1, thread, threads);
    float *x_buffer = CK_FLOATS(0, 2, channels), *y_buffer = CK_FLOATS(1, 2, channels);
    for (ptrdiff_t row = range.begin; row < range.end; row++) {
        const ptrdiff_t first = row * channels;
        const float *x = ck_chunk(norm->x, first, channels, norm->x_format, x_buffer);
        float *y = ck_chunk_for(norm->y, first, norm->y_format, y_buffer), reciprocal;
        const float mean = ck_row_statistics(norm, x, &reciprocal);
        for (ptrdiff_t c = 0; c < channels; c++) y[c] = (x[c] - mean) * reciprocal * gain[c] + bias[c];
        ck_finish_chunk(y, norm->y, first, channels, norm->y_format);
    }
}
CK_LEVELS(ck_layer_norm_body)

/// With normal = (x − mean) · reciprocal and d = dy · gain:
/// dx = reciprocal · (d − mean(d) − normal · mean(d · normal)) + residual.
CK_INLINE void ck_layer_norm_gradient_body(void *context, int thread, int threads) {
    CK_FAST
    const ck_layer_norm_gradient *g = context;
    const ck_layer_norm *norm = &g->norm;
    const ptrdiff_t channels = norm->channels;
    const float share = 1.0f / (float)channels, *gain = norm->gain;
    const ck_range range = ck_share(norm->rows, 1, thread, threads);
    float *d_gain = g->scratch + thread * 2 * channels, *d_bias = d_gain + channels;
    float *x_buffer = CK_FLOATS(0, 4, channels), *dy_buffer = CK_FLOATS(1, 4, channels);
    float *residual_buffer = CK_FLOATS(2, 4, channels), *dx_buffer = CK_FLOATS(3, 4, channels);
    memset(d_gain, 0, (size_t)(2 * channels) * sizeof(float));
    for (ptrdiff_t row = range.begin; row < range.end; row++) {
        const ptrdiff_t first = row * channels;
        const float *x = ck_chunk(norm->x, first, channels, norm->x_format, x_buffer);
        const float *dy = ck_chunk(norm->y, first, channels, norm->y_format, dy_buffer);
        float *dx = ck_chunk_for(g->dx, first, norm->x_format, dx_buffer), reciprocal, sum = 0, dot = 0;
        const float mean = ck_row_statistics(norm, x, &reciprocal);
        for (ptrdiff_t c = 0; c < channels; c++) {
            const float normal = (x[c] - mean) * reciprocal;
            d_gain[c] += dy[c] * normal;
            d_bias[c] += dy[c];
            sum += dy[c] * gain[c];
            dot += dy[c] * gain[c] * normal;
        }
        const float slope = -reciprocal * reciprocal * dot * share, offset = -reciprocal * sum * share;
        if (g->residual) {
            const float *residual = ck_chunk(g->residual, first, channels, norm->x_format, residual_buffer);
            for (ptrdiff_t c = 0; c < channels; c++)
                dx[c] = dy[c] * gain[c] * reciprocal + (x[c] - mean) * slope + offset + residual[c];
        } else {
            for (ptrdiff_t c = 0; c < channels; c++)
                dx[c] = dy[c] * gain[c] * reciprocal + (x[c] - mean) * slope + offset;
        }
        ck_finish_chunk(dx, g->dx, first, channels, norm->x_format);
    }
}
CK_LEVELS(ck_layer_norm_gradient_body)

ck_call ck_layer_norm_call(ck_layer_norm *norm) {
    return (ck_call){.body = CK_BODY(ck_layer_norm_body), .context = norm, .waits = 1};
}

static void ck_require_layer_norm(const ck_layer_norm *norm) {
    CK_REQUIRE(norm->rows >= 0 && norm->channels > 0);
    CK_REQUIRE(norm->x_format != ck_int8 && norm->y_format != ck_int8);
}

void ck_layer_norm_forward(const ck_layer_norm *norm, int threads) {
    ck_require_layer_norm(norm);
    ck_parallel(CK_BODY(ck_layer_norm_body), (void *)norm, ck_useful_threads(norm->rows * norm->channels, threads));
}

void ck_layer_norm_backward(const ck_layer_norm_gradient *gradient, int threads) {
    ck_require_layer_norm(&gradient->norm);
    CK_REQUIRE(gradient->scratch);
    const ptrdiff_t channels = gradient->norm.channels;
    threads = ck_useful_threads(gradient->norm.rows * channels, threads);
    ck_parallel(CK_BODY(ck_layer_norm_gradient_body), (void *)gradient, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        float gain = 0, bias = 0;
        for (int thread = 0; thread < threads; thread++) {
            gain += gradient->scratch[thread * 2 * channels + c];
            bias += gradient->scratch[(thread * 2 + 1) * channels + c];
        }
        if (gradient->d_gain) gradient->d_gain[c] = gain;
        if (gradient->d_bias) gradient->d_bias[c] = bias;
    }
}
