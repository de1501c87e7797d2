#include "heap.h"
#include <stdlib.h>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>

void heap_unite(void) { mallopt(M_ARENA_MAX, 1); }

void heap_trim(void) { malloc_trim(0); }
#else
void heap_unite(void) {}

void heap_trim(void) {}
#endif
