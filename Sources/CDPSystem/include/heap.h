#ifndef HEAP_H
#define HEAP_H

/// Makes all threads that start after this call allocate memory from one heap. The GNU C library otherwise uses
/// several, and memory freed by one thread is not reused by another. Does nothing with other C libraries.
void heap_unite(void);

/// Returns freed memory that the GNU C library keeps for later use to the system. Does nothing with other C
/// libraries.
void heap_trim(void);

#endif
