// Numbers of any format, a few at a time, as float32 in the L1 cache, and random bits for them.
#ifndef CK_CHUNKS_H
#define CK_CHUNKS_H

#include "formats.h"

/// Number of elements processed at a time.
#define CK_CHUNK_COUNT 512

/// Returns numbers [count] from `first` on as float32: in place, or widened into buffer [count].
CK_INLINE const float *ck_chunk(const void *x, ptrdiff_t first, ptrdiff_t count, ck_format format, float *buffer) {
    if (format == ck_float32) return (const float *)x + first;
    const uint16_t *from = (const uint16_t *)x + first;
    for (ptrdiff_t i = 0; i < count; i++) buffer[i] = ck_widened(from[i]);
    return buffer;
}

/// Returns where to write the float32 numbers of `out` from `first` on: in place, or in a buffer.
CK_INLINE float *ck_chunk_for(void *out, ptrdiff_t first, ck_format format, float *buffer) {
    return format == ck_float32 ? (float *)out + first : buffer;
}

/// Narrows numbers [count] written to the result of `ck_chunk_for` into `out` from `first` on, unless they are in
/// place.
CK_INLINE void ck_finish_chunk(const float *written, void *out, ptrdiff_t first, ptrdiff_t count, ck_format format) {
    if (format == ck_float32) return;
    uint16_t *to = (uint16_t *)out + first;
    for (ptrdiff_t i = 0; i < count; i++) to[i] = ck_narrowed(written[i]);
}

// MARK: Dropout

/// The output function of SplitMix64 (Steele, Lea and Flood 2014).
CK_INLINE uint64_t ck_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/// Returns the state of a run's mask; 0 if nothing is dropped.
CK_INLINE uint64_t ck_dropout_state(const ck_dropout *dropout) {
    if (!dropout->key) return 0;
    uint64_t key = 0;
    for (int piece = 0; piece < 4; piece++) key |= (uint64_t)dropout->key[piece] << (16 * piece);
    return ck_mix(key ^ ck_mix(dropout->stream + 0x6A09E667F3BCC909u));
}

/// Writes the bits [count] of the elements from `first` on; both numbers are even.
CK_INLINE void ck_dropout_bits(uint64_t state, uint64_t first, ptrdiff_t count, uint32_t *bits) {
    for (ptrdiff_t i = 0; i < count / 2; i++) {
        const uint64_t hash = ck_mix(state + (first / 2 + (uint64_t)i + 1) * 0x9E3779B97F4A7C15u);
        bits[2 * i] = (uint32_t)hash;
        bits[2 * i + 1] = (uint32_t)(hash >> 32);
    }
}

/// Multiplies x [count], whose first number is element `first` of the mask (an even one), by 0 or by the scale that
/// keeps the mean, into out [count]; at most CK_CHUNK_COUNT numbers.
CK_INLINE void ck_drop(const ck_dropout *dropout, uint64_t state, ptrdiff_t first, ptrdiff_t count, const float *x, float *out) {
    uint32_t bits[CK_CHUNK_COUNT];
    ck_dropout_bits(state, (uint64_t)first, (count + 1) & ~(ptrdiff_t)1, bits);
    const uint32_t threshold = dropout->threshold;
    const float scale = dropout->scale;
    for (ptrdiff_t i = 0; i < count; i++) out[i] = bits[i] >= threshold ? x[i] * scale : 0.0f;
}

#endif
