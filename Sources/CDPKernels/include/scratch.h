// Working memory of a thread for kernel arrays whose length depends on the configuration: a thread's stack may be
// too small for them.
#ifndef CK_SCRATCH_H
#define CK_SCRATCH_H

#include <stddef.h>

/// Size of a cache line.
#define CK_SCRATCH_ALIGNMENT 64

/// Bytes that every thread of a team has from the start: enough for six arrays of 5,000 numbers and their
/// statistics, so no memory is allocated later for networks of common widths.
#define CK_DEFAULT_SCRATCH ((size_t)256 << 10)

/// Ensures that the calling thread has `bytes` bytes of scratch, a multiple of the alignment; previous contents are
/// lost.
void ck_reserve_scratch(size_t bytes);

/// Returns the `index`-th of `count` arrays of `bytes` bytes each. They are not initialized, and belong to the calling
/// thread until it requests arrays again.
///
/// A kernel requests all of its arrays with the same `count` and `bytes`. They do not overlap anything else that it
/// accesses, as the attribute states.
__attribute__((malloc)) void *ck_scratch(int index, int count, size_t bytes);

/// The same for arrays of [floats] floats.
#define CK_FLOATS(index, count, floats) ((float *)ck_scratch(index, count, (size_t)(floats) * sizeof(float)))

#endif
