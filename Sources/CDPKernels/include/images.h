// Kernels on images [batch, height, width, channel] in row-major order. `format` is that of the activations,
// float32 or bf16; all sums are float32.
//
// A `_call` function returns the computation that the `_forward` function runs immediately as a call; the
// descriptor must remain at its address.
#ifndef CK_IMAGES_H
#define CK_IMAGES_H

// MARK: Group normalization, residual and ReLU over many pixels (image_norm.c)

typedef struct {
    ptrdiff_t batch, pixels, channels, groups;
    float epsilon;
    /// Whether ReLU follows the normalization and the residual.
    int relu;
    ck_format format;
    /// [batch, pixels, channels].
    const void *x;
    /// [channels].
    const float *gain, *bias;
    /// [batch, pixels, channels], added before ReLU; null if there is no residual.
    const void *residual;
    /// [batch, pixels, channels]. The forward pass writes it; the backward pass reads which elements passed ReLU.
    void *out;
    /// Mean and reciprocal deviation of each item's groups, [batch, groups, 2]. The forward pass writes them for
    /// the backward pass; null if not wanted, or if they are to be recomputed.
    float *statistics;
    /// Channels of an item that one thread processes, in whole groups; 0 for all.
    ptrdiff_t grain;
} ck_image_norm;

/// Returns the call of the forward pass.
ck_call ck_image_norm_call(ck_image_norm *norm);
/// Computes out [batch, pixels, channels], with a grain chosen for the threads.
void ck_image_norm_forward(const ck_image_norm *norm, int threads);

typedef struct {
    ck_image_norm norm;
    /// [batch, pixels, channels].
    const void *dy;
    void *dx;
    /// Gradient of the residual, [batch, pixels, channels]: dy where elements passed ReLU; null if not wanted.
    void *d_residual;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// `ck_image_norm_scratch` floats.
    float *scratch;
} ck_image_norm_gradient;

/// Returns the number of floats of scratch memory that the backward pass needs, [threads, 2, channels].
ptrdiff_t ck_image_norm_scratch(const ck_image_norm *norm, int threads);
/// Computes dx [batch, pixels, channels] and the requested gradients of residual [batch, pixels, channels], gain
/// and bias [channels].
void ck_image_norm_backward(const ck_image_norm_gradient *gradient, int threads);

// MARK: Max pooling (max_pool.c)

/// Extents, windows, kernel (at most 255 positions in total), stride and padding, along height and width.
typedef struct {
    ptrdiff_t batch, channels;
    ptrdiff_t extent[2], windows[2], kernel[2], stride[2], padding[2];
    ck_format format;
    /// [batch, extent[0], extent[1], channels].
    const void *x;
    /// [batch, windows[0], windows[1], channels].
    void *out;
} ck_max_pool;

/// Returns the call of the forward pass.
ck_call ck_max_pool_call(ck_max_pool *pool);
/// Writes the largest element of each window and channel to out [batch, windows[0], windows[1], channels].
void ck_max_pool_forward(const ck_max_pool *pool, int threads);

typedef struct {
    /// As in the forward pass, but out is not used.
    ck_max_pool pool;
    /// [batch, windows[0], windows[1], channels].
    const void *dy;
    /// [batch, extent[0], extent[1], channels].
    void *dx;
    /// `ck_max_pool_scratch` bytes.
    uint8_t *scratch;
} ck_max_pool_gradient;

/// Returns the number of bytes of scratch memory that the backward pass needs,
/// [threads, windows[0], windows[1], channels].
ptrdiff_t ck_max_pool_scratch(const ck_max_pool *pool, int threads);
/// Computes dx [batch, extent[0], extent[1], channels]. If several elements of a window are the largest, the first
/// one receives the gradient.
void ck_max_pool_backward(const ck_max_pool_gradient *gradient, int threads);

// MARK: Spatial softmax (spatial_softmax.c)

typedef struct {
    ptrdiff_t batch, height, width, channels;
    ck_format format;
    /// [batch, height, width, channels].
    const void *x;
    /// Expected x and y of each channel, [batch, channels, 2].
    float *out;
} ck_spatial_softmax;

/// Returns the call of the forward pass.
ck_call ck_spatial_softmax_call(ck_spatial_softmax *softmax);
/// Writes the expected positions to out [batch, channels, 2].
void ck_spatial_softmax_forward(const ck_spatial_softmax *softmax, int threads);

typedef struct {
    /// As in the forward pass, but out is not used.
    ck_spatial_softmax softmax;
    /// [batch, channels, 2].
    const float *dy;
    /// [batch, height, width, channels].
    void *dx;
} ck_spatial_softmax_gradient;

/// Computes dx [batch, height, width, channels] from dy [batch, channels, 2].
void ck_spatial_softmax_backward(const ck_spatial_softmax_gradient *gradient, int threads);

// MARK: ReLU and pixels (pixels.c)

/// out = max(x + other, 0), [count] each; other may be null.
void ck_relu(const void *x, const void *other, void *out, ptrdiff_t count, ck_format format, int threads);
/// dx = dy where out is above 0, else 0, [count] each.
void ck_relu_gradient(const void *out, const void *dy, void *dx, ptrdiff_t count, ck_format format, int threads);

/// Crops images at corners (top, left) and scales their pixels from 0 … 255 to −1 … 1.
typedef struct {
    ptrdiff_t count, height, width, part_height, part_width, channels;
    /// One image [height, width, channels] per part, [count], and the corner of the part in it, [count, 2].
    const uint8_t *const *images;
    const ptrdiff_t (*corners)[2];
    ck_format format;
    /// [count, part_height, part_width, channels].
    void *out;
} ck_crops;

/// Writes the crops to out [count, part_height, part_width, channels].
void ck_crop(const ck_crops *crops, int threads);

#endif
