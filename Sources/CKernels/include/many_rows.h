// Products with many rows: what a network is made of when it learns.
#ifndef CK_MANY_ROWS_H
#define CK_MANY_ROWS_H

#include <stddef.h>

#include "convolution.h"

/// out[item, pixel, :] = bias + Σ over taps of x[item, the tap's pixel, :] · W[tap].
///
/// A convolution reads x where its windows reach; its transpose reads the windows and writes where they reach. In the panels, inputs are the channels of x and
/// outputs those of out, whichever way it goes.
typedef struct {
    ck_panels panels;
    /// Packed, float32 or pairs of bf16, as x is.
    const void *weights;
    /// Null without.
    const float *bias;
    const void *x;
    void *out;
    ck_format out_format;
    ck_convolution shape;
    int is_transposed;
} ck_many_rows;

/// Whether the level in use has the instructions for products of x in a format; bf16 goes in pairs.
int ck_has_many_rows(ck_format format, ptrdiff_t inputs);
void ck_multiply_many_rows(const ck_many_rows *product, int threads);

#endif
