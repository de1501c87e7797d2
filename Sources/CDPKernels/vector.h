// Shared by all kernel families: the code for each level, the split of work and the exponential function.
#ifndef CK_VECTOR_H
#define CK_VECTOR_H

#include "CDPKernels.h"

// Arrays whose length depends on the configuration do not belong on a thread's stack: see scratch.h.
#pragma clang diagnostic error "-Wvla"

#define CK_INLINE static inline __attribute__((always_inline))

// A body is written once, to be inlined. CK_LEVELS(body) compiles it for each level, except that the highest two share
// one function; CK_BODY(body) is the code for the current level.
#define CK_COMPILED(name, level, target, ...)                                                                          \
    target static void name##_##level(void *context, int thread, int threads) {                                        \
        name(context, thread, threads __VA_OPT__(, ) __VA_ARGS__);                                                     \
    }

#if defined(__x86_64__) && defined(__linux__)
#define CK_TARGET_AVX2 __attribute__((target("arch=x86-64-v3")))
// By features instead of arch=x86-64-v4, for which the compiler would use vectors of half the width. Instructions
// ordered for Zen 4 are 7 to 13 % faster on Zen 5 than in the default order.
#define CK_AVX512_FEATURES "avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,tune=znver4"
#define CK_TARGET_AVX512 __attribute__((target(CK_AVX512_FEATURES)))
#define CK_TARGET_AVX512_BF16 __attribute__((target(CK_AVX512_FEATURES ",avx512bf16")))
#define CK_LEVELS(name)                                                                                                \
    CK_COMPILED(name, baseline, )                                                                                      \
    CK_COMPILED(name, avx2, CK_TARGET_AVX2)                                                                            \
    CK_COMPILED(name, avx512, CK_TARGET_AVX512)                                                                        \
    static const ck_body name##_levels[] = {name##_baseline, name##_avx2, name##_avx512, name##_avx512};
#else
#define CK_LEVELS(name)                                                                                                \
    CK_COMPILED(name, baseline, )                                                                                      \
    static const ck_body name##_levels[] = {name##_baseline, name##_baseline, name##_baseline, name##_baseline};
#endif

#define CK_BODY(name) (name##_levels[ck_current_level()])

/// Lets the compiler contract a·b + c and reorder sums inside a function.
#define CK_FAST _Pragma("clang fp contract(fast) reassociate(on)")


typedef struct {
    ptrdiff_t begin, end;
} ck_range;

/// Returns the part of `count` items that a thread works on, in multiples of `grain` except at the end.
CK_INLINE ck_range ck_share(ptrdiff_t count, ptrdiff_t grain, int thread, int threads) {
    ptrdiff_t grains = (count + grain - 1) / grain;
    ptrdiff_t begin = grains * thread / threads * grain;
    ptrdiff_t end = grains * (thread + 1) / threads * grain;
    ck_range range = {begin < count ? begin : count, end < count ? end : count};
    return range;
}

/// Returns the number of threads for `count` elements: 1 below ck_serial_count, and at most ck_max_threads.
CK_INLINE int ck_useful_threads(ptrdiff_t count, int threads) {
    if (count < ck_serial_count) return 1;
    return threads < ck_max_threads ? threads : ck_max_threads;
}

/// Returns eˣ with a relative error below 2e-7, for x clamped to [−87, 88]. It is 2^n · p(r), where p is the Taylor
/// polynomial of degree 7 and r = x − n·ln 2, with ln 2 in two parts. A NaN becomes a number: callers multiply by x,
/// or use ck_power.
CK_INLINE float ck_exp(float x) {
    // Contracted but not reordered: the two parts of ln 2 and the rounding by 1.5 · 2²³ depend on their order. Does
    // not use fmaf or rintf: at the baseline, which lacks the instructions, these would be calls into the math
    // library.
#pragma clang fp contract(fast)
    const float bounded = x > -87.0f ? (x < 88.0f ? x : 88.0f) : -87.0f;
    // The lowest bits of the sum are n, and those of p's exponent begin at the 23rd.
    const union {
        float value;
        uint32_t bits;
    } shifted = {bounded * 1.44269504088896341f + 12582912.0f};
    const float n = shifted.value - 12582912.0f;
    const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
    union {
        float value;
        uint32_t bits;
    } p = {1.0f / 5040.0f};
    p.value = p.value * r + 1.0f / 720.0f;
    p.value = p.value * r + 1.0f / 120.0f;
    p.value = p.value * r + 1.0f / 24.0f;
    p.value = p.value * r + 1.0f / 6.0f;
    p.value = p.value * r + 0.5f;
    p.value = p.value * r + 1.0f;
    p.value = p.value * r + 1.0f;
    p.bits += shifted.bits << 23;
    return p.value;
}

/// Returns eˣ as ck_exp does, and NaN for NaN: a softmax then returns NaN for all weights, because the NaN is in
/// their sum. CK_FAST reorders sums but does not assume that there is no NaN, so the compiler keeps the comparison.
CK_INLINE float ck_power(float x) { return x == x ? ck_exp(x) : x; }

/// Returns x · tanh(ln(1 + eˣ)) = x · n / (n + 2) with e = eˣ and n = e² + 2e; beyond 20 it is x.
CK_INLINE float ck_mish_value(float x) {
    CK_FAST
    const float e = ck_exp(x < 20.0f ? x : 20.0f);
    const float n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

/// Returns the derivative of Mish, n/d + 4x·e(e + 1)/d² with d = n + 2, and stores Mish in `value`.
CK_INLINE float ck_mish_slope(float x, float *value) {
    CK_FAST
    const float bounded = x < 20.0f ? x : 20.0f;
    const float e = ck_exp(bounded);
    const float n = e * (e + 2.0f);
    const float inverse = 1.0f / (n + 2.0f);
    *value = x * n * inverse;
    return inverse * (n + 4.0f * bounded * (e * (e + 1.0f) * inverse));
}

#endif
