// Convolutions of images with 3 × 3 windows in fewer multiplications (Lavin & Gray 2016).
#ifndef CK_WINOGRAD_H
#define CK_WINOGRAD_H

#include "convolution.h"

/// Points in which a tile of 2 × 2 results is multiplied; each has weights of its own.
enum { ck_winograd_points = 16 };

/// As `ck_many_rows` in float32, for windows of 3 × 3 at a stride of 1 and multiples of 16 channels.
typedef struct {
    /// With 16 taps, one a point.
    ck_panels panels;
    const float *weights;
    /// Null without.
    const float *bias;
    const float *x;
    float *out;
    ck_convolution shape;
    int is_transposed;
    /// `ck_winograd_scratch` floats, aligned to 64 bytes.
    float *scratch;
} ck_winograd;

/// Whether the level in use has the instructions, and the convolution is such a one.
int ck_has_winograd(const ck_convolution *shape);
/// Packs weights of 9 taps, whose elements lie at output · strides[0] + input · strides[1] + tap, as a convolution or its transpose wants them.
void ck_pack_winograd(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[2], int is_transposed, float *packed, int threads);
/// The floats that a product needs beside its result.
ptrdiff_t ck_winograd_scratch(const ck_winograd *product, int threads);
void ck_winograd_multiply(const ck_winograd *product, int threads);

#endif
