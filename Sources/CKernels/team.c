#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "vector.h"

// Between two calls a team waits by looking at one number. On a busy machine a thread may have lost its processor: then the others let other programs
// run, and the first thread computes the rest alone rather than lose its own time at every meeting.

/// Looks before a thread lets others run, and the wait after which a thread counts as lost: longer than threads ever differ by themselves.
#define CK_LOOKS 2000
#define CK_LOST_NANOSECONDS 500000

typedef struct {
    const ck_call *calls;
    ptrdiff_t count;
    int is_alone;
    atomic_int is_crowded;
    _Alignas(64) atomic_long arrivals;
    atomic_long opened;
} ck_team;

CK_INLINE void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long ck_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void ck_wait_until_opened(ck_team *team, long meeting) {
    for (int looks = 0; looks < CK_LOOKS; looks++) {
        if (atomic_load_explicit(&team->opened, memory_order_acquire) >= meeting) return;
        ck_pause();
    }
    const long long begin = ck_nanoseconds();
    while (atomic_load_explicit(&team->opened, memory_order_acquire) < meeting) {
        sched_yield();
        if (ck_nanoseconds() - begin > CK_LOST_NANOSECONDS) atomic_store_explicit(&team->is_crowded, 1, memory_order_relaxed);
    }
}

/// Waits for all threads; the last one decides for all whether the first goes on alone.
static void ck_meet(ck_team *team, long meeting, int threads) {
    if (atomic_fetch_add_explicit(&team->arrivals, 1, memory_order_acq_rel) + 1 < meeting * threads) {
        ck_wait_until_opened(team, meeting);
        return;
    }
    team->is_alone = atomic_load_explicit(&team->is_crowded, memory_order_relaxed);
    atomic_store_explicit(&team->opened, meeting, memory_order_release);
}

static void ck_run_body(void *context, int thread, int threads) {
    ck_team *team = context;
    long meetings = 0;
    for (const ck_call *call = team->calls; call < team->calls + team->count; call++) {
        if (call->waits && threads > 1) {
            ck_meet(team, ++meetings, threads);
            if (team->is_alone) {
                if (thread > 0) return;
                threads = 1;
            }
        }
        if (!call->is_serial) call->body(call->context, thread, threads);
        else if (thread == 0) call->body(call->context, 0, 1);
    }
}

int ck_run_calls(const ck_call *calls, ptrdiff_t count, int threads) {
    ck_team team = {.calls = calls, .count = count};
    ck_parallel(ck_run_body, &team, threads);
    return team.is_alone;
}
