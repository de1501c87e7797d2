#pragma once

/// Allocations counted since `probe_start`, on all threads, by who asked for them.
typedef struct {
    /// By the program's own code, also through the Swift runtime, Foundation or the C library.
    long own, own_bytes;
    /// By the libraries that compute: oneDNN and the OpenMP runtime.
    long library, library_bytes;
} probe_counts;

/// Begins to count from zero. The program that links this has its allocation functions replaced by ones that count.
void probe_start(void);

/// The counts so far.
probe_counts probe_read(void);

/// Ends counting and gives the counts.
probe_counts probe_stop(void);

/// Prints where the first allocations by the program's own code came from to standard error, innermost call first.
void probe_print_origins(void);
