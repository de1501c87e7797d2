// A gate is a number that only increases; threads wait until it reaches their number.
#ifndef CK_GATE_H
#define CK_GATE_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct {
    _Alignas(64) _Atomic uint32_t number;
    /// Threads that must be woken, and napping threads that need not be.
    atomic_int sleepers, nappers;
} ck_gate;

/// Returns whether the gate has reached a number; numbers may wrap around.
static inline int ck_gate_has_reached(ck_gate *gate, uint32_t number) {
    return (int32_t)(atomic_load_explicit(&gate->number, memory_order_acquire) - number) >= 0;
}

/// Sets the gate to a number and wakes the threads that sleep at it.
void ck_gate_open(ck_gate *gate, uint32_t number);
/// The same, but need not wake napping threads.
void ck_gate_open_quietly(ck_gate *gate, uint32_t number);

/// Waits until the gate reaches a number: spins for some hundred microseconds, then sleeps.
/// - Returns: nanoseconds for which it spun, or 0 if it was very short.
int64_t ck_gate_wait(ck_gate *gate, uint32_t number);

/// Waits until the gate reaches a number: spins for less than a tenth of a millisecond, then sleeps.
void ck_gate_wait_patiently(ck_gate *gate, uint32_t number);

/// Waits asleep until the gate reaches a number.
void ck_gate_wait_asleep(ck_gate *gate, uint32_t number);

/// Sleeps until some time has passed or the gate reaches a number, for which it need not be woken.
void ck_gate_nap(ck_gate *gate, uint32_t number, long nanoseconds);

/// Pauses briefly, so that another thread of the core can work.
static inline void ck_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Returns nanoseconds of a monotonic clock.
int64_t ck_now(void);
/// Returns nanoseconds for which the calling thread has had a processor.
int64_t ck_processor_time(void);

#endif
