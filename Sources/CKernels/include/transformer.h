// What transformers are made of: GELU, dropout, layer normalisation and attention, forward and backward.
//
// Formats are ck_float32 or ck_bfloat16; all arithmetic is in float32.
#ifndef CK_TRANSFORMER_H
#define CK_TRANSFORMER_H

#include <stddef.h>
#include <stdint.h>

// MARK: Dropout (dropout.c)

/// Which elements are dropped: those whose 32 bits are below the threshold, element i reading half i % 2 of the hash of i / 2; the others are
/// multiplied by `scale`.
typedef struct {
    /// The key of the run: its 64 bits in four whole numbers of 16 bits, the lowest first; null if nothing is dropped.
    const float *key;
    uint64_t stream;
    uint32_t threshold;
    float scale;
} ck_dropout;

/// out = residual + dropout(x).
typedef struct {
    ptrdiff_t count;
    const void *x;
    /// In the format of out; null without.
    const void *residual;
    void *out;
    ck_format x_format, out_format;
    ck_dropout dropout;
} ck_dropout_sum;

void ck_dropout_sum_forward(const ck_dropout_sum *sum, int threads);

// MARK: GELU, then dropout (gelu.c)

/// y = dropout(x · Φ(x)), and dx from the gradient of y.
typedef struct {
    ptrdiff_t count;
    const void *x;
    /// The result of the forward pass; the gradient of that in the backward pass.
    void *y;
    /// The result of the backward pass, in the format of x.
    void *dx;
    ck_format x_format, y_format;
    ck_dropout dropout;
} ck_gelu;

ck_call ck_gelu_call(ck_gelu *gelu);
void ck_gelu_forward(const ck_gelu *gelu, int threads);
void ck_gelu_backward(const ck_gelu *gelu, int threads);

// MARK: Layer normalisation (layer_norm.c)

/// y = (x − μ) / √(σ² + ε) · gain + bias for each row of channels.
typedef struct {
    ptrdiff_t rows, channels;
    float epsilon;
    const void *x;
    const float *gain, *bias;
    /// The result of the forward pass; the gradient of that in the backward pass.
    void *y;
    ck_format x_format, y_format;
} ck_layer_norm;

ck_call ck_layer_norm_call(ck_layer_norm *norm);
void ck_layer_norm_forward(const ck_layer_norm *norm, int threads);

typedef struct {
    ck_layer_norm norm;
    /// Added to the gradient of x, in the format of x: what comes to x by other ways; null without.
    const void *residual;
    /// In the format of x.
    void *dx;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// threads · 2 · channels floats.
    float *scratch;
} ck_layer_norm_gradient;

void ck_layer_norm_backward(const ck_layer_norm_gradient *gradient, int threads);

// MARK: Attention (attention.c)

/// Scaled dot-product attention of each head: the columns h · width / heads ... of all arrays belong to head h.
typedef struct {
    ptrdiff_t batch, queries, keys, heads, width;
    /// Query t of item b begins at q + (b · queries + t) · query_stride elements; keys and values alike, with key_stride.
    const void *q, *k, *v;
    ptrdiff_t query_stride, key_stride;
    /// [batch, queries, width]: the result of the forward pass; the gradient of that in the backward pass.
    void *out;
    /// The format of queries, keys, values and their gradients, and that of the result.
    ck_format format, out_format;
    /// Query t sees the keys up to t + lead; all keys if it is negative.
    ptrdiff_t lead;
    /// Of the weights; element ((b · heads + h) · queries + t) · keys + s.
    ck_dropout dropout;
    /// threads · ck_attention_scratch() floats, at a multiple of 64 bytes.
    float *scratch;
} ck_attention;

typedef struct {
    ck_attention attention;
    /// The gradients of q, k and v, with their strides.
    void *dq, *dk, *dv;
} ck_attention_gradient;

/// How many floats of scratch a thread needs in the forward or the backward pass: those of one head, never those of a batch.
ptrdiff_t ck_attention_scratch(const ck_attention *attention, int is_backward);
ck_call ck_attention_call(ck_attention *attention);
void ck_attention_forward(const ck_attention *attention, int threads);
void ck_attention_backward(const ck_attention_gradient *gradient, int threads);

#endif
