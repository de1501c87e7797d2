#define _GNU_SOURCE
#include "gate.h"

#include <time.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/// Pauses before a waiting thread reads the clock: 15 to 50 µs, depending on the processor.
#define CK_PAUSES 1024
/// Maximum time for which a thread spins.
#define CK_SPIN_NANOSECONDS 400000

static int64_t ck_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int64_t ck_now(void) { return ck_nanoseconds(CLOCK_MONOTONIC); }
int64_t ck_processor_time(void) { return ck_nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

/// Sleeps while the gate is below a number and is not opened, for at most `nanoseconds` if that is not 0.
static void ck_sleep(ck_gate *gate, uint32_t number, long nanoseconds) {
    const uint32_t found = atomic_load(&gate->number);
    if ((int32_t)(found - number) >= 0) return;
    const struct timespec time = {.tv_nsec = nanoseconds};
#if defined(__linux__)
    syscall(SYS_futex, &gate->number, FUTEX_WAIT_PRIVATE, found, nanoseconds ? &time : 0, 0, 0);
#else
    const struct timespec moment = {.tv_nsec = 50000};
    nanosleep(nanoseconds ? &time : &moment, 0);
#endif
}

static void ck_wake(ck_gate *gate) {
#if defined(__linux__)
    syscall(SYS_futex, &gate->number, FUTEX_WAKE_PRIVATE, INT32_MAX, 0, 0, 0);
#else
    (void)gate;
#endif
}

// Sequentially consistent, like the operations of sleepers: either this thread observes the sleeper, or the sleeper
// observes the number.
void ck_gate_open(ck_gate *gate, uint32_t number) {
    atomic_store(&gate->number, number);
    if (atomic_load(&gate->sleepers) || atomic_load(&gate->nappers)) ck_wake(gate);
}

void ck_gate_open_quietly(ck_gate *gate, uint32_t number) {
    atomic_store(&gate->number, number);
    if (atomic_load(&gate->sleepers)) ck_wake(gate);
}

void ck_gate_nap(ck_gate *gate, uint32_t number, long nanoseconds) {
    atomic_fetch_add(&gate->nappers, 1);
    ck_sleep(gate, number, nanoseconds);
    atomic_fetch_sub(&gate->nappers, 1);
}

void ck_gate_wait_asleep(ck_gate *gate, uint32_t number) {
    atomic_fetch_add(&gate->sleepers, 1);
    while (!ck_gate_has_reached(gate, number)) ck_sleep(gate, number, 0);
    atomic_fetch_sub(&gate->sleepers, 1);
}

/// Spins for `pauses` pauses; returns whether the gate has reached the number.
static int ck_spin(ck_gate *gate, uint32_t number, int pauses) {
    for (int i = 0; i < pauses; i++) {
        if (ck_gate_has_reached(gate, number)) return 1;
        ck_pause();
    }
    return ck_gate_has_reached(gate, number);
}

void ck_gate_wait_patiently(ck_gate *gate, uint32_t number) {
    if (!ck_spin(gate, number, CK_PAUSES)) ck_gate_wait_asleep(gate, number);
}

int64_t ck_gate_wait(ck_gate *gate, uint32_t number) {
    if (ck_spin(gate, number, CK_PAUSES)) return 0;
    const int64_t begin = ck_now();
    while (ck_now() - begin < CK_SPIN_NANOSECONDS)
        if (ck_spin(gate, number, 32)) return ck_now() - begin;
    ck_gate_wait_asleep(gate, number);
    return CK_SPIN_NANOSECONDS;
}
