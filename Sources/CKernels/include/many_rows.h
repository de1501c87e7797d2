// Products with many rows: what a network is made of when it learns.
#ifndef CK_MANY_ROWS_H
#define CK_MANY_ROWS_H

#include <stddef.h>

/// out[item, time, :] = bias + Σ over taps of x[item, the tap's time, :] · W[tap].
///
/// A convolution reads time · stride + tap − padding; its transpose writes there what it reads at a time. A linear layer has one time and tap.
typedef struct {
    ck_panels panels;
    /// Packed, float32 or pairs of bf16, as x is.
    const void *weights;
    /// Null without.
    const float *bias;
    const void *x;
    void *out;
    ck_format out_format;
    ptrdiff_t batch, x_times, out_times, stride, padding;
    int is_transposed;
} ck_many_rows;

/// Whether the level in use has the instructions for products of x in a format; bf16 goes in pairs.
int ck_has_many_rows(ck_format format, ptrdiff_t inputs);
void ck_multiply_many_rows(const ck_many_rows *product, int threads);

#endif
