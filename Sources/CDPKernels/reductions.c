#include <string.h>

#include "formats.h"

typedef struct {
    const void *x;
    float *scratch;
    ptrdiff_t rows, columns;
} ck_rows;

CK_INLINE void ck_sum_rows_of(const ck_rows *r, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_range range = ck_share(r->rows, 1, thread, threads);
    const ptrdiff_t columns = r->columns;
    float *total = r->scratch + thread * columns;
    memset(total, 0, (size_t)columns * sizeof(float));
    // Four rows at a time read and write the totals once.
    ptrdiff_t row = range.begin;
    for (; row + 4 <= range.end; row += 4) {
        const void *x = ck_from(r->x, row * columns, format);
        for (ptrdiff_t c = 0; c < columns; c++)
            total[c] += (ck_load(x, c, format) + ck_load(x, c + columns, format))
                + (ck_load(x, c + 2 * columns, format) + ck_load(x, c + 3 * columns, format));
    }
    for (; row < range.end; row++) {
        const void *x = ck_from(r->x, row * columns, format);
        for (ptrdiff_t c = 0; c < columns; c++) total[c] += ck_load(x, c, format);
    }
}

CK_INLINE void ck_sum_rows_float32(void *context, int thread, int threads) {
    ck_sum_rows_of(context, thread, threads, ck_float32);
}
CK_LEVELS(ck_sum_rows_float32)

CK_INLINE void ck_sum_rows_bfloat16(void *context, int thread, int threads) {
    ck_sum_rows_of(context, thread, threads, ck_bfloat16);
}
CK_LEVELS(ck_sum_rows_bfloat16)

void ck_sum_rows(
    const void *x, ck_format format, float *out, ptrdiff_t rows, ptrdiff_t columns, float *scratch, int threads) {
    ck_rows r = {x, scratch, rows, columns};
    const ck_body body = format == ck_bfloat16 ? CK_BODY(ck_sum_rows_bfloat16) : CK_BODY(ck_sum_rows_float32);
    threads = ck_useful_threads(rows * columns, threads);
    ck_parallel(body, &r, threads);
    memcpy(out, scratch, (size_t)columns * sizeof(float));
    for (int thread = 1; thread < threads; thread++)
        for (ptrdiff_t c = 0; c < columns; c++) out[c] += scratch[thread * columns + c];
}

void ck_sum_strided(
    const float *x, float *out, const ptrdiff_t extents[4], const ptrdiff_t out_strides[4], ptrdiff_t out_count) {
    memset(out, 0, (size_t)out_count * sizeof(float));
    for (ptrdiff_t i = 0; i < extents[0]; i++)
        for (ptrdiff_t j = 0; j < extents[1]; j++)
            for (ptrdiff_t k = 0; k < extents[2]; k++) {
                float *row = out + i * out_strides[0] + j * out_strides[1] + k * out_strides[2];
                for (ptrdiff_t l = 0; l < extents[3]; l++) row[l * out_strides[3]] += *x++;
            }
}

typedef struct {
    const char *x;
    char *out;
    ptrdiff_t x_stride, out_stride, rows, length;
} ck_copy;

static void ck_copy_body(void *context, int thread, int threads) {
    const ck_copy *c = context;
    const ck_range range = ck_share(c->rows, 1, thread, threads);
    for (ptrdiff_t row = range.begin; row < range.end; row++)
        memcpy(c->out + row * c->out_stride, c->x + row * c->x_stride, (size_t)c->length);
}

void ck_copy_rows(
    const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t length, int threads) {
    ck_copy copy = {x, out, x_stride, out_stride, rows, length};
    ck_parallel(ck_copy_body, &copy, ck_useful_threads(rows * length / 16, threads));
}

void ck_fill(float *out, float value, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) out[i] = value;
}
