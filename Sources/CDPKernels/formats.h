// Storage formats other than float32.
#ifndef CK_FORMATS_H
#define CK_FORMATS_H

#include <string.h>

#include "vector.h"

CK_INLINE ptrdiff_t ck_size_of(ck_format format) { return format == ck_float32 ? 4 : format == ck_bfloat16 ? 2 : 1; }

CK_INLINE float ck_widened(uint16_t bits) {
    const union { uint32_t bits; float value; } wide = {(uint32_t)bits << 16};
    return wide.value;
}

/// Returns the nearest bf16, ties to even; NaN stays NaN.
CK_INLINE uint16_t ck_narrowed(float value) {
    const union { float value; uint32_t bits; } wide = {value};
    const uint32_t rounded = (wide.bits + 0x7fff + ((wide.bits >> 16) & 1)) >> 16;
    return (uint16_t)(value == value ? rounded : (wide.bits >> 16) | 0x40);
}

// Elements of arrays whose format is a compile-time constant: float32, bf16, or bf16 rounded by the processor's own
// instruction.

/// Read like `ck_bfloat16`. `ck_store` uses the instruction, which rounds alike except for numbers below 2⁻¹²⁶,
/// which become 0.
#define CK_CONVERTED ((ck_format)(ck_int8 + 1))

CK_INLINE float ck_load(const void *x, ptrdiff_t index, ck_format format) {
    return format == ck_float32 ? ((const float *)x)[index] : ck_widened(((const uint16_t *)x)[index]);
}

CK_INLINE void ck_store(float value, void *out, ptrdiff_t index, ck_format format) {
    if (format == ck_float32) ((float *)out)[index] = value;
    else if (format == ck_bfloat16) ((uint16_t *)out)[index] = ck_narrowed(value);
#if defined(__x86_64__) && defined(__OPTIMIZE__)
    else {
        // As bytes, because other code reads them as 16-bit integers.
        const __bf16 narrow = (__bf16)value;
        memcpy((uint16_t *)out + index, &narrow, sizeof narrow);
    }
#else
    // Without optimization, the compiler would call a rounding function that its library lacks.
    else ((uint16_t *)out)[index] = ck_narrowed(value);
#endif
}

/// Returns the array from an element on.
CK_INLINE void *ck_from(const void *x, ptrdiff_t index, ck_format format) {
    return (char *)x + index * (format == ck_float32 ? 4 : 2);
}

// CK_LEVELS_OF_FORMATS(body) compiles a body whose last parameter is the format, for each format and level;
// CK_BODY_FOR(body, format) is the code for the current level.
#if defined(__x86_64__) && defined(__linux__)
#define CK_LEVELS_OF_FORMATS(name)                                                                                     \
    CK_COMPILED(name, baseline, , ck_float32)                                                                          \
    CK_COMPILED(name, avx2, CK_TARGET_AVX2, ck_float32)                                                                \
    CK_COMPILED(name, avx512, CK_TARGET_AVX512, ck_float32)                                                            \
    CK_COMPILED(name, baseline_bfloat16, , ck_bfloat16)                                                                \
    CK_COMPILED(name, avx2_bfloat16, CK_TARGET_AVX2, ck_bfloat16)                                                      \
    CK_COMPILED(name, avx512_bfloat16, CK_TARGET_AVX512, ck_bfloat16)                                                  \
    CK_COMPILED(name, avx512_bf16_bfloat16, CK_TARGET_AVX512_BF16, CK_CONVERTED)                                       \
    static const ck_body name##_levels[][4] = {                                                                        \
        {name##_baseline, name##_avx2, name##_avx512, name##_avx512},                                                  \
        {name##_baseline_bfloat16, name##_avx2_bfloat16, name##_avx512_bfloat16, name##_avx512_bf16_bfloat16},         \
    };
#else
#define CK_LEVELS_OF_FORMATS(name)                                                                                     \
    CK_COMPILED(name, baseline, , ck_float32)                                                                          \
    CK_COMPILED(name, baseline_bfloat16, , ck_bfloat16)                                                                \
    static const ck_body name##_levels[][4] = {{name##_baseline}, {name##_baseline_bfloat16}};
#endif

#define CK_BODY_FOR(name, format) (name##_levels[(format) == ck_bfloat16][ck_current_level()])

#endif
