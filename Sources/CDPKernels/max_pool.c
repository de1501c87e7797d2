#include "formats.h"
#include "require.h"

/// Returns the kernel positions of a window along an axis that lie inside the image.
CK_INLINE ck_range ck_window(const ck_max_pool *pool, int axis, ptrdiff_t window) {
    const ptrdiff_t first = window * pool->stride[axis] - pool->padding[axis], end = pool->extent[axis] - first;
    return (ck_range){first < 0 ? -first : 0, end < pool->kernel[axis] ? end : pool->kernel[axis]};
}

/// Returns the offset of a window's position (0, 0) in the image of an item; it may be outside.
CK_INLINE ptrdiff_t ck_window_origin(const ck_max_pool *pool, ptrdiff_t row, ptrdiff_t column) {
    return (row * pool->stride[0] - pool->padding[0]) * pool->extent[1] + column * pool->stride[1] - pool->padding[1];
}

/// Number of channels that are compared at once, in registers; the last ones of a pixel may be fewer.
#define CK_POOLED_CHANNELS 32

/// Calls body(first channel, number of channels) for all channels of a pixel.
#define CK_FOR_CHANNELS(channels, body)                                                                                \
    {                                                                                                                  \
        ptrdiff_t c = 0;                                                                                               \
        for (; c + CK_POOLED_CHANNELS <= (channels); c += CK_POOLED_CHANNELS) body(c, CK_POOLED_CHANNELS);             \
        if (c < (channels)) body(c, (channels) - c);                                                                   \
    }

// MARK: Forward

/// Writes the largest elements of `count` channels of a window, at most CK_POOLED_CHANNELS.
CK_INLINE void ck_pool_window(
    const ck_max_pool *pool, const void *x, ck_range rows, ck_range columns, ptrdiff_t count, void *out, ck_format format) {
    float largest[CK_POOLED_CHANNELS];
    for (ptrdiff_t c = 0; c < count; c++) largest[c] = -__builtin_inff();
    for (ptrdiff_t i = rows.begin; i < rows.end; i++)
        for (ptrdiff_t j = columns.begin; j < columns.end; j++) {
            const void *pixel = ck_from(x, (i * pool->extent[1] + j) * pool->channels, format);
            for (ptrdiff_t c = 0; c < count; c++) {
                const float value = ck_load(pixel, c, format);
                largest[c] = value <= largest[c] ? largest[c] : value;
            }
        }
    for (ptrdiff_t c = 0; c < count; c++) ck_store(largest[c], out, c, format);
}

CK_INLINE void ck_pool_forward(const void *context, int thread, int threads, ck_format format) {
    const ck_max_pool *pool = context;
    const ptrdiff_t channels = pool->channels;
    const ck_range range = ck_share(pool->batch * pool->windows[0], 1, thread, threads);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t item = index / pool->windows[0], row = index % pool->windows[0];
        const void *x = ck_from(pool->x, item * pool->extent[0] * pool->extent[1] * channels, format);
        const ck_range rows = ck_window(pool, 0, row);
        for (ptrdiff_t column = 0; column < pool->windows[1]; column++) {
            const ck_range columns = ck_window(pool, 1, column);
            const ptrdiff_t origin = ck_window_origin(pool, row, column);
            const ptrdiff_t place = (index * pool->windows[1] + column) * channels;
#define CK_WINDOW(first, count)                                                                                        \
    ck_pool_window(                                                                                                    \
        pool, ck_from(x, origin * channels + (first), format), rows, columns, count,                                   \
        ck_from(pool->out, place + (first), format), format)
            CK_FOR_CHANNELS(channels, CK_WINDOW)
        }
    }
}

CK_LEVELS_OF_FORMATS(ck_pool_forward)

ck_call ck_max_pool_call(ck_max_pool *pool) {
    return (ck_call){.body = CK_BODY_FOR(ck_pool_forward, pool->format), .context = pool};
}

/// Every window has to contain an element, and its positions have to fit into a byte.
static void ck_require_pool(const ck_max_pool *pool) {
    for (int axis = 0; axis < 2; axis++) {
        const ptrdiff_t last = (pool->windows[axis] - 1) * pool->stride[axis] - pool->padding[axis];
        CK_REQUIRE(pool->windows[axis] > 0 && pool->stride[axis] > 0);
        CK_REQUIRE(pool->padding[axis] >= 0 && pool->padding[axis] < pool->kernel[axis]);
        CK_REQUIRE(last < pool->extent[axis]);
    }
    CK_REQUIRE(pool->kernel[0] * pool->kernel[1] <= 256);
    CK_REQUIRE(pool->format != ck_int8);
}

void ck_max_pool_forward(const ck_max_pool *pool, int threads) {
    ck_require_pool(pool);
    threads = ck_useful_threads(pool->batch * pool->extent[0] * pool->extent[1] * pool->channels, threads);
    ck_parallel(CK_BODY_FOR(ck_pool_forward, pool->format), (void *)pool, threads);
}

// MARK: Backward

CK_INLINE ptrdiff_t ck_places(const ck_max_pool *pool) { return pool->windows[0] * pool->windows[1] * pool->channels; }

ptrdiff_t ck_max_pool_scratch(const ck_max_pool *pool, int threads) { return threads * ck_places(pool); }

/// Writes the kernel position of the first largest element for each of `count` channels of a window.
CK_INLINE void ck_pool_place(
    const ck_max_pool *pool, const void *x, ck_range rows, ck_range columns, ptrdiff_t count, uint8_t *place, ck_format format) {
    float largest[CK_POOLED_CHANNELS];
    int32_t chosen[CK_POOLED_CHANNELS];
    for (ptrdiff_t c = 0; c < count; c++) {
        largest[c] = -__builtin_inff();
        chosen[c] = (int32_t)(rows.begin * pool->kernel[1] + columns.begin);
    }
    for (ptrdiff_t i = rows.begin; i < rows.end; i++)
        for (ptrdiff_t j = columns.begin; j < columns.end; j++) {
            const void *pixel = ck_from(x, (i * pool->extent[1] + j) * pool->channels, format);
            const int32_t here = (int32_t)(i * pool->kernel[1] + j);
            for (ptrdiff_t c = 0; c < count; c++) {
                const float value = ck_load(pixel, c, format);
                const int isLarger = value > largest[c];
                largest[c] = isLarger ? value : largest[c];
                chosen[c] = isLarger ? here : chosen[c];
            }
        }
    for (ptrdiff_t c = 0; c < count; c++) place[c] = (uint8_t)chosen[c];
}

/// Writes the positions of all windows of an item, [windows[0], windows[1], channels].
CK_INLINE void ck_pool_places(const ck_max_pool *pool, const void *x, uint8_t *places, ck_format format) {
    const ptrdiff_t channels = pool->channels;
    for (ptrdiff_t row = 0; row < pool->windows[0]; row++)
        for (ptrdiff_t column = 0; column < pool->windows[1]; column++) {
            const ck_range rows = ck_window(pool, 0, row), columns = ck_window(pool, 1, column);
            const ptrdiff_t origin = ck_window_origin(pool, row, column);
            uint8_t *place = places + (row * pool->windows[1] + column) * channels;
#define CK_PLACE(first, count)                                                                                         \
    ck_pool_place(pool, ck_from(x, origin * channels + (first), format), rows, columns, count, place + (first), format)
            CK_FOR_CHANNELS(channels, CK_PLACE)
        }
}

/// Returns the windows along an axis that contain a pixel.
CK_INLINE ck_range ck_windows_at(const ck_max_pool *pool, int axis, ptrdiff_t pixel) {
    const ptrdiff_t padded = pixel + pool->padding[axis], stride = pool->stride[axis];
    const ptrdiff_t first = padded < pool->kernel[axis] ? 0 : (padded - pool->kernel[axis]) / stride + 1;
    const ptrdiff_t end = padded / stride + 1;
    return (ck_range){first, end < pool->windows[axis] ? end : pool->windows[axis]};
}

/// Sums the gradients of `count` channels of a pixel over its windows, so that the sum is rounded once.
CK_INLINE void ck_pool_collect(
    const ck_max_pool *pool, const uint8_t *places, const void *dy, ptrdiff_t y, ptrdiff_t x, ptrdiff_t count, void *dx,
    ck_format format) {
    const ck_range rows = ck_windows_at(pool, 0, y), columns = ck_windows_at(pool, 1, x);
    float sum[CK_POOLED_CHANNELS];
    for (ptrdiff_t c = 0; c < count; c++) sum[c] = 0;
    for (ptrdiff_t row = rows.begin; row < rows.end; row++)
        for (ptrdiff_t column = columns.begin; column < columns.end; column++) {
            const ptrdiff_t window = (row * pool->windows[1] + column) * pool->channels;
            const ptrdiff_t i = y + pool->padding[0] - row * pool->stride[0];
            const ptrdiff_t j = x + pool->padding[1] - column * pool->stride[1];
            const uint8_t here = (uint8_t)(i * pool->kernel[1] + j);
            const void *g = ck_from(dy, window, format);
            for (ptrdiff_t c = 0; c < count; c++) sum[c] += places[window + c] == here ? ck_load(g, c, format) : 0;
        }
    for (ptrdiff_t c = 0; c < count; c++) ck_store(sum[c], dx, c, format);
}

CK_INLINE void ck_pool_backward(const void *context, int thread, int threads, ck_format format) {
    const ck_max_pool_gradient *b = context;
    const ck_max_pool *pool = &b->pool;
    const ptrdiff_t channels = pool->channels, size = pool->extent[0] * pool->extent[1] * channels;
    const ck_range range = ck_share(pool->batch, 1, thread, threads);
    uint8_t *places = b->scratch + thread * ck_places(pool);
    for (ptrdiff_t item = range.begin; item < range.end; item++) {
        ck_pool_places(pool, ck_from(pool->x, item * size, format), places, format);
        const void *dy = ck_from(b->dy, item * ck_places(pool), format);
        for (ptrdiff_t y = 0; y < pool->extent[0]; y++)
            for (ptrdiff_t x = 0; x < pool->extent[1]; x++) {
                void *dx = ck_from(b->dx, item * size + (y * pool->extent[1] + x) * channels, format);
#define CK_COLLECT(first, count)                                                                                       \
    ck_pool_collect(                                                                                                   \
        pool, places + (first), ck_from(dy, first, format), y, x, count, ck_from(dx, first, format), format)
                CK_FOR_CHANNELS(channels, CK_COLLECT)
            }
    }
}

CK_LEVELS_OF_FORMATS(ck_pool_backward)

void ck_max_pool_backward(const ck_max_pool_gradient *gradient, int threads) {
    const ck_max_pool *pool = &gradient->pool;
    ck_require_pool(pool);
    CK_REQUIRE(gradient->scratch);
    threads = ck_useful_threads(pool->batch * pool->extent[0] * pool->extent[1] * pool->channels, threads);
    ck_parallel(CK_BODY_FOR(ck_pool_backward, pool->format), (void *)gradient, threads);
}
