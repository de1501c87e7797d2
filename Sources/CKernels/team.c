#include <sched.h>
#include <stdatomic.h>

#include "vector.h"

// Between two calls a team waits by looking at one number. A thread that has looked for a while lets others run: on a busy machine the thread that it
// waits for may need its processor.

#define CK_LOOKS 2000

typedef struct {
    const ck_call *calls;
    ptrdiff_t count;
    _Alignas(64) atomic_long arrivals;
} ck_team;

CK_INLINE void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void ck_meet(ck_team *team, long everyone) {
    long arrived = atomic_fetch_add_explicit(&team->arrivals, 1, memory_order_acq_rel) + 1;
    for (int looks = 0; arrived < everyone; looks++) {
        if (looks < CK_LOOKS) ck_pause();
        else sched_yield();
        arrived = atomic_load_explicit(&team->arrivals, memory_order_acquire);
    }
}

static void ck_run_body(void *context, int thread, int threads) {
    ck_team *team = context;
    long meetings = 0;
    for (const ck_call *call = team->calls; call < team->calls + team->count; call++) {
        if (call->waits && threads > 1) ck_meet(team, ++meetings * threads);
        if (!call->is_serial) call->body(call->context, thread, threads);
        else if (thread == 0) call->body(call->context, 0, 1);
    }
}

void ck_run_calls(const ck_call *calls, ptrdiff_t count, int threads) {
    ck_team team = {.calls = calls, .count = count};
    ck_parallel(ck_run_body, &team, threads);
}
