// Kernels of transformers: GELU, dropout, layer normalization and attention, forward and backward.
//
// Formats are ck_float32 or ck_bfloat16; all arithmetic is in float32.
#ifndef CK_TRANSFORMER_H
#define CK_TRANSFORMER_H

#include <stddef.h>
#include <stdint.h>

// MARK: Dropout (dropout.c)

/// Selects the dropped elements: those whose 32 bits are below the threshold, where element i reads half i % 2 of
/// the hash of i / 2. The others are multiplied by `scale`.
typedef struct {
    /// Key of the run, [4]: its 64 bits as four integers of 16 bits, the lowest first; null if nothing is dropped.
    const float *key;
    uint64_t stream;
    uint32_t threshold;
    float scale;
} ck_dropout;

/// out = residual + dropout(x), [count] each.
typedef struct {
    ptrdiff_t count;
    const void *x;
    /// In the format of out; null if there is no residual.
    const void *residual;
    void *out;
    ck_format x_format, out_format;
    ck_dropout dropout;
} ck_dropout_sum;

/// Computes out [count].
void ck_dropout_sum_forward(const ck_dropout_sum *sum, int threads);

// MARK: GELU, then dropout (gelu.c)

/// y = dropout(x · Φ(x)), and dx from the gradient of y, [count] each.
typedef struct {
    ptrdiff_t count;
    const void *x;
    /// The result of the forward pass, or its gradient in the backward pass.
    void *y;
    /// The result of the backward pass, in the format of x.
    void *dx;
    ck_format x_format, y_format;
    ck_dropout dropout;
} ck_gelu;

/// Returns the call of the forward pass; `gelu` must remain at its address.
ck_call ck_gelu_call(ck_gelu *gelu);
/// Computes y [count].
void ck_gelu_forward(const ck_gelu *gelu, int threads);
/// Computes dx [count] from the gradient in y [count].
void ck_gelu_backward(const ck_gelu *gelu, int threads);

// MARK: Layer normalization (layer_norm.c)

/// y = (x − μ) / √(σ² + ε) · gain + bias for each row of channels.
typedef struct {
    ptrdiff_t rows, channels;
    float epsilon;
    /// [rows, channels].
    const void *x;
    /// [channels].
    const float *gain, *bias;
    /// [rows, channels]: the result of the forward pass, or its gradient in the backward pass.
    void *y;
    ck_format x_format, y_format;
} ck_layer_norm;

/// Returns the call of the forward pass; `norm` must remain at its address.
ck_call ck_layer_norm_call(ck_layer_norm *norm);
/// Computes y [rows, channels].
void ck_layer_norm_forward(const ck_layer_norm *norm, int threads);

typedef struct {
    ck_layer_norm norm;
    /// [rows, channels] in the format of x: the gradient that reaches x by other paths, added to dx; null if there is
    /// none.
    const void *residual;
    /// [rows, channels], in the format of x.
    void *dx;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// [threads, 2, channels].
    float *scratch;
} ck_layer_norm_gradient;

/// Computes dx [rows, channels] and the requested gradients of gain and bias [channels].
void ck_layer_norm_backward(const ck_layer_norm_gradient *gradient, int threads);

// MARK: Attention (attention.c)

/// Scaled dot-product attention of each head: columns h · width / heads ..< (h + 1) · width / heads of all arrays
/// belong to head h.
typedef struct {
    ptrdiff_t batch, queries, keys, heads, width;
    /// Query t [width] of item b starts at q + (b · queries + t) · query_stride elements; key s and value s [width]
    /// at k and v + (b · keys + s) · key_stride.
    const void *q, *k, *v;
    ptrdiff_t query_stride, key_stride;
    /// [batch, queries, width]: the result of the forward pass, or its gradient in the backward pass.
    void *out;
    /// Format of queries, keys, values and their gradients, and format of the result.
    ck_format format, out_format;
    /// Query t attends to the keys up to t + lead; to all keys if it is negative.
    ptrdiff_t lead;
    /// Dropout of the weights; element ((b · heads + h) · queries + t) · keys + s.
    ck_dropout dropout;
    /// threads · ck_attention_scratch() floats, aligned to 64 bytes.
    float *scratch;
} ck_attention;

typedef struct {
    ck_attention attention;
    /// Gradients of q, k and v, with the same strides.
    void *dq, *dk, *dv;
} ck_attention_gradient;

/// Returns the number of floats of scratch memory that a thread needs in the forward or backward pass: those of one
/// head, never those of a batch.
ptrdiff_t ck_attention_scratch(const ck_attention *attention, int is_backward);
/// Returns the call of the forward pass; `attention` must remain at its address.
ck_call ck_attention_call(ck_attention *attention);
/// Computes out [batch, queries, width].
void ck_attention_forward(const ck_attention *attention, int threads);
/// Computes dq [batch, queries, width], dk and dv [batch, keys, width] from the gradient in out
/// [batch, queries, width].
void ck_attention_backward(const ck_attention_gradient *gradient, int threads);

#endif
