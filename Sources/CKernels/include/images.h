// Kernels on images [batch, height, width, channel] in row-major order; `format` is that of activations, float32 or bf16, and all sums are float32.
//
// Each call is what its function does at once; the descriptor must stay where it is.
#ifndef CK_IMAGES_H
#define CK_IMAGES_H

// MARK: Group normalisation, residual and ReLU over many pixels (image_norm.c)

typedef struct {
    ptrdiff_t batch, pixels, channels, groups;
    float epsilon;
    /// Whether ReLU follows the normalisation and the residual.
    int relu;
    ck_format format;
    const void *x;
    const float *gain, *bias;
    /// Added before ReLU; null without.
    const void *residual;
    /// Written by the forward pass; the backward pass reads where ReLU let through.
    void *out;
    /// Mean and reciprocal deviation of each item's groups, [batch, groups, 2]: left by the forward pass for the backward pass; null if not wanted, or to be
    /// computed again.
    float *statistics;
    /// Channels of an item that one thread takes, in whole groups; 0 for all.
    ptrdiff_t granule;
} ck_image_norm;

ck_call ck_image_norm_call(ck_image_norm *norm);
/// The granule is chosen for the threads.
void ck_image_norm_forward(const ck_image_norm *norm, int threads);

typedef struct {
    ck_image_norm norm;
    const void *dy;
    void *dx;
    /// That of the residual: dy where ReLU let through; null if not wanted.
    void *d_residual;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// `ck_image_norm_scratch` floats.
    float *scratch;
} ck_image_norm_gradient;

/// The floats that the backward pass needs beside its results.
ptrdiff_t ck_image_norm_scratch(const ck_image_norm *norm, int threads);
void ck_image_norm_backward(const ck_image_norm_gradient *gradient, int threads);

// MARK: Max pooling (max_pool.c)

/// Along height and width: extents, windows, and their kernel (at most 255 places in all), stride and padding.
typedef struct {
    ptrdiff_t batch, channels;
    ptrdiff_t extent[2], windows[2], kernel[2], stride[2], padding[2];
    ck_format format;
    const void *x;
    void *out;
} ck_max_pool;

ck_call ck_max_pool_call(ck_max_pool *pool);
void ck_max_pool_forward(const ck_max_pool *pool, int threads);

typedef struct {
    /// As in the forward pass, but without out.
    ck_max_pool pool;
    const void *dy;
    void *dx;
    /// `ck_max_pool_scratch` bytes.
    uint8_t *scratch;
} ck_max_pool_gradient;

/// The bytes that the backward pass needs beside its result.
ptrdiff_t ck_max_pool_scratch(const ck_max_pool *pool, int threads);
/// Of several largest elements of a window the first one has the gradient.
void ck_max_pool_backward(const ck_max_pool_gradient *gradient, int threads);

// MARK: Spatial softmax (spatial_softmax.c)

typedef struct {
    ptrdiff_t batch, height, width, channels;
    ck_format format;
    const void *x;
    /// x and y of each channel, [batch, channels, 2].
    float *out;
} ck_spatial_softmax;

ck_call ck_spatial_softmax_call(ck_spatial_softmax *softmax);
void ck_spatial_softmax_forward(const ck_spatial_softmax *softmax, int threads);

typedef struct {
    /// As in the forward pass, but without out.
    ck_spatial_softmax softmax;
    /// [batch, channels, 2].
    const float *dy;
    void *dx;
} ck_spatial_softmax_gradient;

void ck_spatial_softmax_backward(const ck_spatial_softmax_gradient *gradient, int threads);

// MARK: ReLU and pixels (pixels.c)

/// out = max(x + other, 0); other may be null.
void ck_relu(const void *x, const void *other, void *out, ptrdiff_t count, ck_format format, int threads);
/// dx = dy where out is above 0, else 0.
void ck_relu_gradient(const void *out, const void *dy, void *dx, ptrdiff_t count, ck_format format, int threads);

/// Copies the parts of images that begin at corners (top, left) and brings their pixels from 0 … 255 to −1 … 1.
typedef struct {
    ptrdiff_t count, height, width, part_height, part_width, channels;
    /// One image a part, and where the part begins in it.
    const uint8_t *const *images;
    const ptrdiff_t (*corners)[2];
    ck_format format;
    void *out;
} ck_crops;

void ck_crop(const ck_crops *crops, int threads);

#endif
