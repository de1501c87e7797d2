// A gate is a number that only grows, and threads that wait until it reaches theirs.
#ifndef CK_GATE_H
#define CK_GATE_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    _Alignas(64) _Atomic uint32_t number;
    /// Threads that are to be woken, and threads that need not be.
    atomic_int sleepers, nappers;
} ck_gate;

/// Whether the gate has reached a number; numbers may wrap around.
static inline int ck_gate_has_reached(ck_gate *gate, uint32_t number) {
    return (int32_t)(atomic_load_explicit(&gate->number, memory_order_acquire) - number) >= 0;
}

/// Moves the gate to a number and wakes the threads that sleep at it.
void ck_gate_open(ck_gate *gate, uint32_t number);
/// The same, but lets threads nap on.
void ck_gate_open_quietly(ck_gate *gate, uint32_t number);

/// Waits until the gate reaches a number: spins for some hundred microseconds, then sleeps.
/// - Returns: nanoseconds for which it spun, or 0 if it was very short.
int64_t ck_gate_wait(ck_gate *gate, uint32_t number);

/// Waits until the gate reaches a number: spins for less than a tenth of a millisecond, then sleeps.
void ck_gate_wait_patiently(ck_gate *gate, uint32_t number);

/// Waits asleep until the gate reaches a number.
void ck_gate_wait_asleep(ck_gate *gate, uint32_t number);

/// Sleeps until some time has passed or the gate has reached a number, of which it need not be told.
void ck_gate_nap(ck_gate *gate, uint32_t number, long nanoseconds);

/// A moment for another thread.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Nanoseconds of a clock that never goes back, and those that the calling thread has had a processor.
int64_t ck_now(void);
int64_t ck_processor_time(void);

#endif
