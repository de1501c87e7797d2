#pragma once

/// Allocations counted since `probe_start`, on all threads, by origin.
typedef struct {
    /// By the program's own code, including through the Swift runtime, Foundation or the C library.
    long own, own_bytes;
    /// By the libraries that compute: oneDNN and the OpenMP runtime.
    long library, library_bytes;
} probe_counts;

/// Starts counting from zero. In a program that links this, counting functions replace the allocation functions.
void probe_start(void);

/// Returns the counts so far.
probe_counts probe_read(void);

/// Stops counting and returns the counts.
probe_counts probe_stop(void);

/// Prints the call stacks of the first allocations by the program's own code to standard error, innermost call
/// first.
void probe_print_origins(void);
