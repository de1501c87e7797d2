// Products with few rows: what a network is made of when it denoises one sequence.
#ifndef CK_FEW_ROWS_H
#define CK_FEW_ROWS_H

#include <stddef.h>
#include <stdint.h>

/// The most rows of a result.
enum { ck_most_rows = 32 };
/// Outputs that a panel of packed weights holds.
enum { ck_panel_width = 32 };
/// The most rows that are multiplied at once.
enum { ck_tile_rows = 8 };

/// Rows of x that one tap's weights multiply, and the rows of the result that they are added to.
typedef struct {
    int32_t tap, count;
    int32_t from[ck_tile_rows], to[ck_tile_rows];
} ck_tile;

/// Weights of taps [outputs, inputs] in the order in which a product reads them: panels of 32 outputs, in a panel tap by tap, in a tap input by
/// input, and there 32 neighbouring outputs; with `pairs`, two inputs at once, [32][2], as products of bf16 pairs want them. Missing outputs and
/// the missing half of a pair are 0.
typedef struct {
    ptrdiff_t outputs, inputs, taps;
    /// How the weights lie in memory.
    ck_format format;
    /// Whether they are arranged for products of bf16 pairs.
    int pairs;
} ck_panels;

/// The bytes that packed weights take.
ptrdiff_t ck_panels_size(const ck_panels *panels);
/// Packs weights whose elements lie at output · strides[0] + input · strides[1] + tap · strides[2]; several taps lie beside each other. With int8, a
/// weight is a whole number from −127 to 127 times the scale of its output, max |w| / 127, which is written to scales [outputs].
void ck_pack_panels(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[3], void *packed, float *scales, int threads);

/// out[to, :] = bias + Σ over tiles of x[from, :] · W[tap], times the outputs' scales if the weights are 8-bit.
///
/// A convolution, its transpose and a linear layer differ in their tiles alone. Each weight is read once, in the order in which it lies in memory.
typedef struct {
    ck_panels panels;
    const void *weights;
    /// Null if the weights are not 8-bit.
    const float *scales;
    /// Null without.
    const float *bias;
    /// Float32 or bf16; pairs need bf16.
    const void *x;
    ck_format x_format;
    /// Float32 or bf16.
    void *out;
    ck_format out_format;
    /// Numbers from one row of x and of the result to the next.
    ptrdiff_t x_stride, out_stride;
    /// Rows of the result; those that no tile adds to are the bias.
    ptrdiff_t rows;
    /// Sorted by tap.
    const ck_tile *tiles;
    ptrdiff_t tile_count;
    /// Threads share the outputs in multiples of this, a multiple of the width of a panel.
    ptrdiff_t granule;
} ck_few_rows;

/// The call that computes a product, for the level of vector instructions in use; `product` must stay where it is.
///
/// Pairs need the level `ck_avx512_bf16`, of the processor if not in use.
ck_call ck_few_rows_call(ck_few_rows *product);

#endif
