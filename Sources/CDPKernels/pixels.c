#include "formats.h"
#include "require.h"

typedef struct {
    const void *x, *other;
    void *out;
    ptrdiff_t count;
} ck_relu_operands;

CK_INLINE void ck_relu_body(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_relu_operands *r = context;
    const ck_range range = ck_share(r->count, 32, thread, threads);
    // Written so that NaN stays NaN.
    if (r->other) {
        for (ptrdiff_t i = range.begin; i < range.end; i++) {
            const float y = ck_load(r->x, i, format) + ck_load(r->other, i, format);
            ck_store(y < 0 ? 0 : y, r->out, i, format);
        }
    } else {
        for (ptrdiff_t i = range.begin; i < range.end; i++) {
            const float y = ck_load(r->x, i, format);
            ck_store(y < 0 ? 0 : y, r->out, i, format);
        }
    }
}

CK_LEVELS_OF_FORMATS(ck_relu_body)

void ck_relu(const void *x, const void *other, void *out, ptrdiff_t count, ck_format format, int threads) {
    ck_relu_operands operands = {x, other, out, count};
    ck_parallel(CK_BODY_FOR(ck_relu_body, format), &operands, ck_useful_threads(count, threads));
}

CK_INLINE void ck_relu_gradient_body(const void *context, int thread, int threads, ck_format format) {
    const ck_relu_operands *r = context;
    const ck_range range = ck_share(r->count, 32, thread, threads);
    for (ptrdiff_t i = range.begin; i < range.end; i++) {
        const float dy = ck_load(r->other, i, format);
        ck_store(ck_load(r->x, i, format) > 0 ? dy : 0, r->out, i, format);
    }
}

CK_LEVELS_OF_FORMATS(ck_relu_gradient_body)

void ck_relu_gradient(const void *out, const void *dy, void *dx, ptrdiff_t count, ck_format format, int threads) {
    ck_relu_operands operands = {out, dy, dx, count};
    ck_parallel(CK_BODY_FOR(ck_relu_gradient_body, format), &operands, ck_useful_threads(count, threads));
}

// MARK: Pixels

CK_INLINE void ck_crop_body(const void *context, int thread, int threads, ck_format format) {
    CK_FAST
    const ck_crops *crops = context;
    const ptrdiff_t run = crops->part_width * crops->channels;
    const ck_range range = ck_share(crops->count * crops->part_height, 1, thread, threads);
    for (ptrdiff_t index = range.begin; index < range.end; index++) {
        const ptrdiff_t part = index / crops->part_height, row = index % crops->part_height;
        const ptrdiff_t top = crops->corners[part][0], left = crops->corners[part][1];
        const uint8_t *from = crops->images[part] + ((top + row) * crops->width + left) * crops->channels;
        void *to = ck_from(crops->out, index * run, format);
        for (ptrdiff_t i = 0; i < run; i++) ck_store((float)from[i] * (1.0f / 127.5f) - 1.0f, to, i, format);
    }
}

CK_LEVELS_OF_FORMATS(ck_crop_body)

void ck_crop(const ck_crops *crops, int threads) {
    CK_REQUIRE(crops->part_height <= crops->height && crops->part_width <= crops->width);
    for (ptrdiff_t i = 0; i < crops->count; i++) {
        const ptrdiff_t *corner = crops->corners[i];
        CK_REQUIRE(corner[0] >= 0 && corner[0] <= crops->height - crops->part_height);
        CK_REQUIRE(corner[1] >= 0 && corner[1] <= crops->width - crops->part_width);
    }
    const ptrdiff_t count = crops->count * crops->part_height * crops->part_width * crops->channels;
    ck_parallel(CK_BODY_FOR(ck_crop_body, crops->format), (void *)crops, ck_useful_threads(count, threads));
}
