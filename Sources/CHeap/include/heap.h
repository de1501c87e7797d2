#ifndef HEAP_H
#define HEAP_H

/// Lets all threads that begin after this take memory from one heap; the C library of GNU otherwise gives them several, and what one thread frees there
/// does not serve another. Nothing where the C library knows no such thing.
void heap_unite(void);

/// Gives back to the system what was freed and what the C library of GNU has kept for later. Nothing where the C library knows no such thing.
void heap_trim(void);

#endif
