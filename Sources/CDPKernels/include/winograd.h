// 3 × 3 convolutions of images with fewer multiplications (Lavin & Gray 2016).
#ifndef CK_WINOGRAD_H
#define CK_WINOGRAD_H

#include "convolution.h"

/// Number of elements of a transformed 4 × 4 tile (one tile gives 2 × 2 results), called points. Each has its own
/// transformed weights.
enum { ck_winograd_points = 16 };

/// Like `ck_blocked_gemm` in float32, for windows of 3 × 3 with a stride of 1 and multiples of 16 channels. x and
/// out have the shapes described there.
typedef struct {
    /// With 16 taps, one per point.
    ck_panels panels;
    const float *weights;
    /// [outputs]; null if there is no bias.
    const float *bias;
    const float *x;
    float *out;
    ck_convolution shape;
    int is_transposed;
    /// `ck_winograd_scratch` floats, aligned to 64 bytes.
    float *scratch;
} ck_winograd;

/// Returns whether the current level has the instructions and the convolution has a supported geometry.
int ck_has_winograd(const ck_convolution *shape);
/// Packs weights of 9 taps, whose elements are at output · strides[0] + input · strides[1] + tap, for a convolution
/// or its transpose. `packed` is [panels of 32 outputs, 16, inputs, 32].
void ck_pack_winograd(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[2], int is_transposed, float *packed, int threads);
/// Returns the number of floats of scratch memory that a product needs.
ptrdiff_t ck_winograd_scratch(const ck_winograd *product, int threads);
/// Computes out [batch, pixels of out, outputs] from x [batch, pixels of x, inputs].
void ck_winograd_multiply(const ck_winograd *product, int threads);

#endif
