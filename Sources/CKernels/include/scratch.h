// Working memory of a thread for the arrays of a kernel whose length is configured: a thread's stack may be too small for them.
#ifndef CK_SCRATCH_H
#define CK_SCRATCH_H

#include <stddef.h>

/// The distance of cache lines.
#define CK_SCRATCH_ALIGNMENT 64

/// What every thread of a team has from the start: enough for six arrays of 5,000 numbers and their statistics, so that networks of usual widths never allocate later.
#define CK_USUAL_SCRATCH ((size_t)256 << 10)

/// Sees to it that the calling thread has so many bytes, a multiple of the alignment; what was in them is lost.
void ck_reserve_scratch(size_t bytes);

/// One of some arrays of so many bytes each, for the calling thread until it asks for arrays again; not initialised.
///
/// A kernel asks for all of its arrays with the same `of` and `bytes`. They overlap with nothing else that it sees, as the attribute says.
__attribute__((malloc)) void *ck_scratch(int index, int of, size_t bytes);

/// The same for numbers.
#define CK_FLOATS(index, of, count) ((float *)ck_scratch(index, of, (size_t)(count) * sizeof(float)))

#endif
