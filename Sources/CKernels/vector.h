// What every family of kernels needs: the clones for each vector width, the split of work and the exponential function.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_CLONES
#endif

#define CK_INLINE static inline __attribute__((always_inline))
/// Lets the compiler contract a·b + c and reorder sums inside a function.
#define CK_FAST _Pragma("clang fp contract(fast) reassociate(on)")

#define CK_MAXIMUM_THREADS 64

/// Below this many elements, waking another thread costs more than it saves.
#define CK_SERIAL_COUNT 8192

typedef struct {
    ptrdiff_t begin, end;
} ck_range;

/// The part of `count` items that a thread works on, in multiples of `granule` but for the end.
CK_INLINE ck_range ck_share(ptrdiff_t count, ptrdiff_t granule, int thread, int threads) {
    ptrdiff_t granules = (count + granule - 1) / granule;
    ptrdiff_t begin = granules * thread / threads * granule;
    ptrdiff_t end = granules * (thread + 1) / threads * granule;
    ck_range range = {begin < count ? begin : count, end < count ? end : count};
    return range;
}

CK_INLINE int ck_useful_threads(ptrdiff_t count, int threads) {
    if (count < CK_SERIAL_COUNT) return 1;
    return threads < CK_MAXIMUM_THREADS ? threads : CK_MAXIMUM_THREADS;
}

/// eˣ for x in [−87, 88], relative error below 2e-7: 2^n · p(r), with r = x − n·ln 2 in two parts and the Taylor polynomial of degree 7.
CK_INLINE float ck_exp(float x) {
    CK_FAST
    const float bounded = x > -87.0f ? (x < 88.0f ? x : 88.0f) : -87.0f;
    const float n = __builtin_rintf(bounded * 1.44269504088896341f);
    // A NaN is bounded for the exponent and goes on in the remainder.
    float r = __builtin_fmaf(n, -0.693359375f, x != x ? x : bounded);
    r = __builtin_fmaf(n, 2.12194440e-4f, r);
    float p = 1.0f / 5040.0f;
    p = __builtin_fmaf(p, r, 1.0f / 720.0f);
    p = __builtin_fmaf(p, r, 1.0f / 120.0f);
    p = __builtin_fmaf(p, r, 1.0f / 24.0f);
    p = __builtin_fmaf(p, r, 1.0f / 6.0f);
    p = __builtin_fmaf(p, r, 0.5f);
    p = __builtin_fmaf(p, r, 1.0f);
    p = __builtin_fmaf(p, r, 1.0f);
    union {
        uint32_t bits;
        float value;
    } power = {(uint32_t)((int32_t)n + 127) << 23};
    return p * power.value;
}

/// x · tanh(ln(1 + eˣ)) = x · n / (n + 2) with e = eˣ and n = e² + 2e; beyond 20 it is x.
CK_INLINE float ck_mish_value(float x) {
    CK_FAST
    const float e = ck_exp(x < 20.0f ? x : 20.0f);
    const float n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

/// The derivative of Mish: n/d + 4x·e(e + 1)/d² with d = n + 2.
CK_INLINE float ck_mish_slope(float x) {
    CK_FAST
    const float bounded = x < 20.0f ? x : 20.0f;
    const float e = ck_exp(bounded);
    const float n = e * (e + 2.0f);
    const float inverse = 1.0f / (n + 2.0f);
    return inverse * (n + 4.0f * bounded * (e * (e + 1.0f) * inverse));
}

#endif
