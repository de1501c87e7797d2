// Skinny GEMM: products with few rows, as in denoising a single sequence.
#ifndef CK_FEW_ROWS_H
#define CK_FEW_ROWS_H

#include <stddef.h>
#include <stdint.h>

/// Maximum number of rows of a result.
enum { ck_max_rows = 32 };
/// Number of outputs in a panel of packed weights.
enum { ck_panel_width = 32 };
/// Maximum number of rows that are multiplied at once.
enum { ck_max_tap_rows = 8 };

/// Rows of x that are multiplied by one tap's weights, and the rows of the result that the products are added to.
typedef struct {
    int32_t tap, count;
    int32_t from[ck_max_tap_rows], to[ck_max_tap_rows];
} ck_tap_rows;

/// Layout of packed weights, in the order in which a product reads them: panels of 32 outputs; within a panel, tap
/// by tap; within a tap, input by input with 32 neighboring outputs each, [panel, tap, input, 32]. With `pairs`,
/// two inputs are interleaved, [panel, tap, input / 2, 32, 2], as products of bf16 pairs require. Missing outputs
/// and the missing half of a pair are 0.
typedef struct {
    ptrdiff_t outputs, inputs, taps;
    /// Storage format of the weights.
    ck_format format;
    /// Whether they are arranged for products of bf16 pairs.
    int pairs;
} ck_panels;

/// Returns the bytes of packed weights.
ptrdiff_t ck_panels_size(const ck_panels *panels);
/// Packs weights whose elements are at output · strides[0] + input · strides[1] + tap · strides[2] into
/// `ck_panels_size` bytes; several taps must be contiguous. With int8, a weight is an integer from −127 to 127
/// times the scale of its output, max |w| / 127, which is written to scales [outputs].
void ck_pack_panels(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[3], void *packed, float *scales, int threads);

/// out[to, :] = bias + Σ over tiles of x[from, :] · W[tap], where the sum is multiplied by the outputs' scales if
/// the weights are 8-bit.
///
/// A convolution, its transpose and a linear layer differ only in their tiles. Each weight is read once, in the
/// order in memory.
typedef struct {
    ck_panels panels;
    const void *weights;
    /// [outputs]; null if the weights are not 8-bit.
    const float *scales;
    /// [outputs]; null if there is no bias.
    const float *bias;
    /// Rows [inputs], `x_stride` apart, in float32 or bf16; pairs need bf16.
    const void *x;
    ck_format x_format;
    /// [rows, outputs] with rows `out_stride` apart, in float32 or bf16.
    void *out;
    ck_format out_format;
    /// Numbers from the start of one row of x and of the result to the next.
    ptrdiff_t x_stride, out_stride;
    /// Rows of the result; those that no tile adds to contain the bias.
    ptrdiff_t rows;
    /// [tile_count], sorted by tap.
    const ck_tap_rows *tiles;
    ptrdiff_t tile_count;
    /// Threads divide the outputs in multiples of this, which is a multiple of ck_panel_width.
    ptrdiff_t grain;
} ck_skinny_gemm;

/// Returns the call that computes a product at the current level of vector instructions; `product` must remain at
/// its address.
///
/// Pairs need a processor with `ck_avx512_bf16`, even if the current level is lower.
ck_call ck_skinny_gemm_call(ck_skinny_gemm *product);

#endif
