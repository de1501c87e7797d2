#include "chunks.h"

CK_INLINE void ck_dropout_body(void *context, int thread, int threads) {
    const ck_dropout_sum *s = context;
    const ck_range range = ck_share(s->count, CK_CHUNK_COUNT, thread, threads);
    const uint64_t state = ck_dropout_state(&s->dropout);
    float x_buffer[CK_CHUNK_COUNT], residual_buffer[CK_CHUNK_COUNT], kept[CK_CHUNK_COUNT], out_buffer[CK_CHUNK_COUNT];
    for (ptrdiff_t first = range.begin; first < range.end; first += CK_CHUNK_COUNT) {
        const ptrdiff_t rest = range.end - first, count = rest < CK_CHUNK_COUNT ? rest : CK_CHUNK_COUNT;
        const float *x = ck_chunk(s->x, first, count, s->x_format, x_buffer);
        float *out = ck_chunk_for(s->out, first, s->out_format, out_buffer);
        if (s->dropout.key) {
            ck_drop(&s->dropout, state, first, count, x, kept);
            x = kept;
        }
        if (s->residual) {
            const float *residual = ck_chunk(s->residual, first, count, s->out_format, residual_buffer);
            for (ptrdiff_t i = 0; i < count; i++) out[i] = x[i] + residual[i];
        } else {
            for (ptrdiff_t i = 0; i < count; i++) out[i] = x[i];
        }
        ck_finish_chunk(out, s->out, first, count, s->out_format);
    }
}
CK_LEVELS(ck_dropout_body)

void ck_dropout_sum_forward(const ck_dropout_sum *sum, int threads) {
    ck_parallel(CK_BODY(ck_dropout_body), (void *)sum, ck_useful_threads(sum->count, threads));
}
