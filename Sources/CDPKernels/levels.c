#include <stdatomic.h>

#include "vector.h"

static _Atomic ck_level ck_cap = ck_avx512_bf16;
static _Thread_local ck_level ck_cap_of_thread = ck_avx512_bf16;

ck_level ck_processor_level(void) {
#if defined(__x86_64__) && defined(__linux__)
    if (!__builtin_cpu_supports("x86-64-v3")) return ck_baseline;
    if (!__builtin_cpu_supports("x86-64-v4")) return ck_avx2;
    return __builtin_cpu_supports("avx512bf16") ? ck_avx512_bf16 : ck_avx512;
#else
    return ck_baseline;
#endif
}

int ck_multiplies_bfloat16_faster(void) {
#if defined(__x86_64__) && defined(__linux__)
    return !__builtin_cpu_is("intel");
#else
    return 1;
#endif
}

void ck_cap_level(ck_level level) { atomic_store_explicit(&ck_cap, level, memory_order_relaxed); }
void ck_cap_level_of_thread(ck_level level) { ck_cap_of_thread = level; }

ck_level ck_current_level(void) {
    const ck_level cap = atomic_load_explicit(&ck_cap, memory_order_relaxed);
    const ck_level processor = ck_processor_level();
    const ck_level shared = cap < processor ? cap : processor;
    return shared < ck_cap_of_thread ? shared : ck_cap_of_thread;
}
