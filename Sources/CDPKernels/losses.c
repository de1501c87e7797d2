#include <math.h>
#include <string.h>

#include "require.h"
#include "vector.h"

void ck_sinusoidal_embedding(const float *steps, float *out, ptrdiff_t batch, ptrdiff_t dimension) {
    CK_REQUIRE(dimension >= 4);
    const ptrdiff_t half = dimension / 2;
    // In float32 throughout, like the reference: the rounding of the frequencies matters at large steps.
    const float rate = (float)(-log(10000.0) / (double)(half - 1));
    for (ptrdiff_t i = 0; i < half; i++) {
        const float frequency = expf((float)i * rate);
        for (ptrdiff_t item = 0; item < batch; item++) {
            const float angle = steps[item] * frequency;
            out[item * dimension + i] = sinf(angle);
            out[item * dimension + half + i] = cosf(angle);
        }
    }
}

void ck_look_up(const float *table, ptrdiff_t rows, const float *indices, float *out, ptrdiff_t batch, ptrdiff_t columns) {
    CK_REQUIRE(rows > 0 && columns >= 0);
    for (ptrdiff_t item = 0; item < batch; item++) {
        const float wanted = indices[item];
        ptrdiff_t row = wanted > 0 ? (wanted < (float)(rows - 1) ? (ptrdiff_t)wanted : rows - 1) : 0;
        memcpy(out + item * columns, table + row * columns, (size_t)columns * sizeof(float));
    }
}

void ck_mean_squared_error(const float *prediction, const float *target, float *out, ptrdiff_t count) {
    double total = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const double difference = (double)prediction[i] - (double)target[i];
        total += difference * difference;
    }
    *out = (float)(total / (double)count);
}

void ck_mean_squared_error_gradient(
    const float *prediction, const float *target, const float *scale, float *out, ptrdiff_t count, int threads) {
    (void)threads;
    const float factor = 2.0f * *scale / (float)count;
    for (ptrdiff_t i = 0; i < count; i++) out[i] = (prediction[i] - target[i]) * factor;
}
