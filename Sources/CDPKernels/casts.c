#include "formats.h"

typedef struct {
    const void *x;
    void *out;
    ptrdiff_t count;
} ck_cast;

CK_INLINE void ck_round_to_bf16_body(void *context, int thread, int threads) {
    const ck_cast *cast = context;
    const ck_range range = ck_share(cast->count, 32, thread, threads);
    const float *x = cast->x;
    uint16_t *out = cast->out;
    for (ptrdiff_t i = range.begin; i < range.end; i++) out[i] = ck_narrowed(x[i]);
}
CK_LEVELS(ck_round_to_bf16_body)

CK_INLINE void ck_widen_bf16_body(void *context, int thread, int threads) {
    const ck_cast *cast = context;
    const ck_range range = ck_share(cast->count, 32, thread, threads);
    const uint16_t *x = cast->x;
    float *out = cast->out;
    for (ptrdiff_t i = range.begin; i < range.end; i++) out[i] = ck_widened(x[i]);
}
CK_LEVELS(ck_widen_bf16_body)

void ck_round_to_bf16(const float *x, uint16_t *out, ptrdiff_t count, int threads) {
    ck_cast cast = {x, out, count};
    ck_parallel(CK_BODY(ck_round_to_bf16_body), &cast, ck_useful_threads(count, threads));
}

void ck_widen_bf16(const uint16_t *x, float *out, ptrdiff_t count, int threads) {
    ck_cast cast = {x, out, count};
    ck_parallel(CK_BODY(ck_widen_bf16_body), &cast, ck_useful_threads(count, threads));
}
