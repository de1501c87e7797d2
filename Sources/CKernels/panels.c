#include <math.h>

#include "formats.h"
#include "vector.h"

static ptrdiff_t ck_stored_inputs(const ck_panels *panels) {
    return panels->pairs ? (panels->inputs + 1) / 2 * 2 : panels->inputs;
}

ptrdiff_t ck_panels_size(const ck_panels *panels) {
    const ptrdiff_t count = (panels->outputs + ck_panel_width - 1) / ck_panel_width * ck_panel_width;
    return count * ck_stored_inputs(panels) * panels->taps * ck_size_of(panels->format);
}

typedef struct {
    const ck_panels *panels;
    const float *weights;
    const ptrdiff_t *strides;
    void *packed;
    float *scales;
} ck_packing;

/// The largest magnitude among the weights of an output; NaN if one of them is.
static float ck_largest(const ck_panels *panels, const float *weights, const ptrdiff_t *strides) {
    float largest = 0;
    for (ptrdiff_t k = 0; k < panels->inputs; k++)
        for (ptrdiff_t tap = 0; tap < panels->taps; tap++) {
            const float magnitude = fabsf(weights[k * strides[1] + tap * strides[2]]);
            if (magnitude > largest || magnitude != magnitude) largest = magnitude;
        }
    return largest;
}

static void ck_pack_body(void *context, int thread, int threads) {
    const ck_packing *p = context;
    const ck_panels *panels = p->panels;
    const ptrdiff_t stored = ck_stored_inputs(panels), taps = panels->taps;
    const ptrdiff_t columns = (panels->outputs + ck_panel_width - 1) / ck_panel_width * ck_panel_width;
    const ck_range range = ck_share(columns, ck_panel_width, thread, threads);
    // A few inputs at a time, so that what is written stays in the cache until its lines are full.
    const ptrdiff_t chunk = 64;
    float reciprocals[ck_panel_width];
    for (ptrdiff_t first = range.begin; first < range.end; first += ck_panel_width) {
        const ptrdiff_t there = panels->outputs - first < ck_panel_width ? panels->outputs - first : ck_panel_width;
        if (panels->format == ck_int8)
            for (ptrdiff_t o = 0; o < there; o++) {
                const float largest = ck_largest(panels, p->weights + (first + o) * p->strides[0], p->strides);
                p->scales[first + o] = largest / 127;
                reciprocals[o] = largest > 0 ? 127 / largest : 0;
            }
        for (ptrdiff_t begin = 0; begin < stored; begin += chunk)
            for (ptrdiff_t o = 0; o < ck_panel_width; o++)
                for (ptrdiff_t tap = 0; tap < taps; tap++)
                    for (ptrdiff_t k = begin; k < begin + chunk && k < stored; k++) {
                        const ptrdiff_t source = (first + o) * p->strides[0] + k * p->strides[1] + tap * p->strides[2];
                        const float value = o < there && k < panels->inputs ? p->weights[source] : 0;
                        const ptrdiff_t line = first * stored * taps + (tap * stored + k) * ck_panel_width;
                        const ptrdiff_t place =
                            panels->pairs ? line - (k % 2) * ck_panel_width + 2 * o + k % 2 : line + o;
                        switch (panels->format) {
                        case ck_float32: ((float *)p->packed)[place] = value; break;
                        case ck_bfloat16: ((uint16_t *)p->packed)[place] = ck_narrowed(value); break;
                        case ck_int8: {
                            const float scaled = o < there ? rintf(value * reciprocals[o]) : 0;
                            // A NaN makes the whole output one by its scale.
                            ((int8_t *)p->packed)[place] =
                                (int8_t)(scaled > -127 ? (scaled < 127 ? scaled : 127) : -127);
                        }
                        }
                    }
    }
}

void ck_pack_panels(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[3], void *packed, float *scales, int threads) {
    ck_packing packing = {panels, weights, strides, packed, scales};
    ck_parallel(ck_pack_body, &packing, ck_useful_threads(panels->outputs * panels->inputs * panels->taps, threads));
}
