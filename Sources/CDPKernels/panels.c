#include <math.h>
#include <string.h>

#include "formats.h"
#include "require.h"
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

/// Returns the largest magnitude of the weights of an output; NaN if one of them is NaN.
static float ck_largest(const ck_panels *panels, const float *weights, const ptrdiff_t *strides) {
    float largest = 0;
    for (ptrdiff_t k = 0; k < panels->inputs; k++)
        for (ptrdiff_t tap = 0; tap < panels->taps; tap++) {
            const float magnitude = fabsf(weights[k * strides[1] + tap * strides[2]]);
            if (magnitude > largest || magnitude != magnitude) largest = magnitude;
        }
    return largest;
}

/// Inputs and taps that are packed at once: all that is read and written for them stays in the L1 cache.
#define CK_PACKED_INPUTS 16
#define CK_PACKED_TAPS 9

typedef float ck_line __attribute__((vector_size(64)));

/// Exchanges the upper right and the lower left quarter of each block of `2 · distance` lines on the diagonal.
#define CK_EXCHANGE(lines, distance, upper, lower)                                                                     \
    _Pragma("clang loop unroll(full)") for (int line = 0; line < 16; line++) if (!(line & distance)) {                 \
        const ck_line a = lines[line], b = lines[line | distance];                                                     \
        lines[line] = __builtin_shufflevector(a, b, CK_FOUR upper);                                                    \
        lines[line | distance] = __builtin_shufflevector(a, b, CK_FOUR lower);                                         \
    }
#define CK_FOUR(...) __VA_ARGS__

/// Transposes 16 lines of 16 numbers.
CK_INLINE void ck_transpose(ck_line lines[16]) {
    CK_EXCHANGE(
        lines, 8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
        (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
    CK_EXCHANGE(
        lines, 4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
        (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
    CK_EXCHANGE(
        lines, 2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
    CK_EXCHANGE(
        lines, 1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
        (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
}

/// Copies `columns` neighboring weights of each of up to 16 outputs to lines of outputs, one line per column, and
/// prefetches those `later` numbers further.
CK_INLINE void ck_gather_columns(
    const float *weights, ptrdiff_t stride, ptrdiff_t outputs, const int columns, ptrdiff_t later, float *const lines[16]) {
    ck_line square[16] = {0};
    for (ptrdiff_t o = 0; o < outputs; o++) {
        memcpy(&square[o], weights + o * stride, (size_t)columns * sizeof(float));
        __builtin_prefetch(weights + o * stride + later);
    }
    ck_transpose(square);
    for (int column = 0; column < columns; column++) memcpy(lines[column], &square[column], sizeof(ck_line));
}

/// Copies the weights of a panel's outputs for some inputs and taps to block [taps, inputs, outputs], padded with
/// zeros.
CK_INLINE void ck_gather(
    const ck_packing *p, const float *weights, ptrdiff_t outputs, ptrdiff_t inputs, const int taps,
    float block[CK_PACKED_TAPS][CK_PACKED_INPUTS][ck_panel_width]) {
    const ptrdiff_t *strides = p->strides;
    if (inputs < CK_PACKED_INPUTS) memset(block, 0, sizeof(float) * CK_PACKED_TAPS * CK_PACKED_INPUTS * ck_panel_width);
    for (ptrdiff_t first = 0; first < ck_panel_width; first += 16) {
        const float *from = weights + first * strides[0];
        float *lines[16];
        const ptrdiff_t left = outputs - first < 0 ? 0 : outputs - first < 16 ? outputs - first : 16;
        if (strides[0] == 1 && taps == 1) {
            for (ptrdiff_t k = 0; k < inputs; k++) {
                ck_line line = {0};
                for (ptrdiff_t o = 0; o < left; o++) line[o] = from[k * strides[1] + o];
                memcpy(block[0][k] + first, &line, sizeof(line));
            }
        } else if (strides[1] == taps && inputs == CK_PACKED_INPUTS) {
            // All taps of all inputs of an output are contiguous: 16 · taps numbers.
            for (int begin = 0; begin < CK_PACKED_INPUTS * taps; begin += 16) {
                for (int i = 0; i < 16; i++) lines[i] = block[(begin + i) % taps][(begin + i) / taps] + first;
                ck_gather_columns(from + begin, strides[0], left, 16, 4 * 16, lines);
            }
        } else {
            for (ptrdiff_t k = 0; k < inputs; k++) {
                for (int tap = 0; tap < taps; tap++) lines[tap] = block[tap][k] + first;
                ck_gather_columns(from + k * strides[1], strides[0], left, taps, 2 * strides[1], lines);
            }
        }
    }
}

/// Packs panels in float32 or bf16, a few inputs at a time.
CK_INLINE void ck_pack_floats_body(void *context, int thread, int threads) {
    const ck_packing *p = context;
    const ck_panels *panels = p->panels;
    const ptrdiff_t stored = ck_stored_inputs(panels);
    const ck_range range = ck_share((panels->outputs + ck_panel_width - 1) / ck_panel_width, 1, thread, threads);
    float block[CK_PACKED_TAPS][CK_PACKED_INPUTS][ck_panel_width];
    for (ptrdiff_t panel = range.begin; panel < range.end; panel++) {
        const ptrdiff_t first = panel * ck_panel_width, left = panels->outputs - first;
        const ptrdiff_t outputs = left < ck_panel_width ? left : ck_panel_width;
        for (ptrdiff_t tap = 0; tap < panels->taps; tap += CK_PACKED_TAPS)
            for (ptrdiff_t k = 0; k < stored; k += CK_PACKED_INPUTS) {
                const float *weights = p->weights + first * p->strides[0] + k * p->strides[1] + tap * p->strides[2];
                const ptrdiff_t inputs = panels->inputs - k < CK_PACKED_INPUTS ? panels->inputs - k : CK_PACKED_INPUTS;
                const ptrdiff_t lines = stored - k < CK_PACKED_INPUTS ? stored - k : CK_PACKED_INPUTS;
                const int taps = panels->taps - tap < CK_PACKED_TAPS ? (int)(panels->taps - tap) : CK_PACKED_TAPS;
                switch (taps) {
                case 1: ck_gather(p, weights, outputs, inputs, 1, block); break;
                case 3: ck_gather(p, weights, outputs, inputs, 3, block); break;
                case 4: ck_gather(p, weights, outputs, inputs, 4, block); break;
                case 5: ck_gather(p, weights, outputs, inputs, 5, block); break;
                case 9: ck_gather(p, weights, outputs, inputs, 9, block); break;
                default: ck_gather(p, weights, outputs, inputs, taps, block); break;
                }
                for (int t = 0; t < taps; t++) {
                    const ptrdiff_t place = ((panel * panels->taps + tap + t) * stored + k) * ck_panel_width;
                    const float *line = block[t][0];
                    if (panels->format == ck_float32) {
                        memcpy((float *)p->packed + place, line, (size_t)(lines * ck_panel_width) * sizeof(float));
                    } else if (panels->pairs) {
                        uint32_t *out = (uint32_t *)p->packed + place / 2;
                        for (ptrdiff_t pair = 0; pair < lines / 2; pair++)
                            for (int o = 0; o < ck_panel_width; o++)
                                out[pair * ck_panel_width + o] =
                                    (uint32_t)ck_narrowed(line[2 * pair * ck_panel_width + o])
                                    | (uint32_t)ck_narrowed(line[(2 * pair + 1) * ck_panel_width + o]) << 16;
                    } else {
                        uint16_t *out = (uint16_t *)p->packed + place;
                        for (ptrdiff_t i = 0; i < lines * ck_panel_width; i++) out[i] = ck_narrowed(line[i]);
                    }
                }
            }
    }
}
CK_LEVELS(ck_pack_floats_body)

static void ck_pack_int8_body(void *context, int thread, int threads) {
    const ck_packing *p = context;
    const ck_panels *panels = p->panels;
    const ptrdiff_t stored = ck_stored_inputs(panels), taps = panels->taps;
    const ptrdiff_t columns = (panels->outputs + ck_panel_width - 1) / ck_panel_width * ck_panel_width;
    const ck_range range = ck_share(columns, ck_panel_width, thread, threads);
    // A few inputs at a time, so that cache lines stay in the cache until they are full.
    const ptrdiff_t chunk = 64;
    float reciprocals[ck_panel_width];
    for (ptrdiff_t first = range.begin; first < range.end; first += ck_panel_width) {
        const ptrdiff_t there = panels->outputs - first < ck_panel_width ? panels->outputs - first : ck_panel_width;
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
                        const float scaled = o < there ? rintf(value * reciprocals[o]) : 0;
                        // A NaN makes the whole output NaN through its scale.
                        ((int8_t *)p->packed)[place] = (int8_t)(scaled > -127 ? (scaled < 127 ? scaled : 127) : -127);
                    }
    }
}

void ck_pack_panels(
    const ck_panels *panels, const float *weights, const ptrdiff_t strides[3], void *packed, float *scales, int threads) {
    CK_REQUIRE(panels->outputs > 0 && panels->inputs > 0 && panels->taps > 0);
    CK_REQUIRE(panels->format != ck_int8 || scales);
    ck_packing packing = {panels, weights, strides, packed, scales};
    ck_parallel(panels->format == ck_int8 ? ck_pack_int8_body : CK_BODY(ck_pack_floats_body), &packing, ck_useful_threads(panels->outputs * panels->inputs * panels->taps, threads));
}
