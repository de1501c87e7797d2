// Blocked GEMM: products with many rows, as in training.
#ifndef CK_MANY_ROWS_H
#define CK_MANY_ROWS_H

#include <stddef.h>

#include "convolution.h"

/// out[item, pixel, :] = bias + Σ over taps of x[item, the pixel that the tap reads, :] · W[tap].
///
/// A convolution reads the pixels of x that its windows cover; its transpose reads the windows and writes the
/// pixels that they cover. In `panels`, inputs are the channels of x and outputs those of out in both cases.
typedef struct {
    ck_panels panels;
    /// Packed by ck_pack_panels, in float32 or pairs of bf16, like x.
    const void *weights;
    /// [outputs]; null if there is no bias.
    const float *bias;
    /// [batch, rows, columns, inputs]; [batch, windows of rows, windows of columns, inputs] if transposed.
    const void *x;
    /// [batch, windows of rows, windows of columns, outputs]; [batch, rows, columns, outputs] if transposed.
    void *out;
    ck_format out_format;
    ck_convolution shape;
    int is_transposed;
} ck_blocked_gemm;

/// Returns whether the current level has the instructions for products of x in `format`; bf16 inputs are multiplied
/// in pairs, so their number must be even.
int ck_has_blocked_gemm(ck_format format, ptrdiff_t inputs);
/// Computes out [batch, pixels of out, outputs] from x [batch, pixels of x, inputs].
void ck_blocked_gemm_multiply(const ck_blocked_gemm *product, int threads);

#endif
