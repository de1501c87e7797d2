// Numbers of other formats than float32.
#ifndef CK_FORMATS_H
#define CK_FORMATS_H

#include "vector.h"

CK_INLINE ptrdiff_t ck_size_of(ck_format format) { return format == ck_float32 ? 4 : format == ck_bfloat16 ? 2 : 1; }

CK_INLINE float ck_widened(uint16_t bits) {
    const union { uint32_t bits; float value; } wide = {(uint32_t)bits << 16};
    return wide.value;
}

/// The nearest bf16, the even one of two; a NaN stays one.
CK_INLINE uint16_t ck_narrowed(float value) {
    const union { float value; uint32_t bits; } wide = {value};
    const uint32_t rounded = (wide.bits + 0x7fff + ((wide.bits >> 16) & 1)) >> 16;
    return (uint16_t)(value == value ? rounded : (wide.bits >> 16) | 0x40);
}

#endif
