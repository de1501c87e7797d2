#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "scratch.h"

static _Thread_local char *ck_memory;
static _Thread_local size_t ck_memory_size;
static pthread_key_t ck_memory_key;
static pthread_once_t ck_memory_once = PTHREAD_ONCE_INIT;

/// Makes the memory of a thread be freed when the thread ends.
static void ck_make_memory_key(void) { pthread_key_create(&ck_memory_key, free); }

void ck_reserve_scratch(size_t bytes) {
    if (bytes <= ck_memory_size) return;
    pthread_once(&ck_memory_once, ck_make_memory_key);
    free(ck_memory);
    ck_memory = aligned_alloc(CK_SCRATCH_ALIGNMENT, bytes);
    pthread_setspecific(ck_memory_key, ck_memory);
    if (!ck_memory) {
        fprintf(stderr, "kernels: expected %zu bytes of working memory for a thread, found less; use fewer channels or threads\n", bytes);
        abort();
    }
    ck_memory_size = bytes;
}

void *ck_scratch(int index, int count, size_t bytes) {
    bytes = (bytes + CK_SCRATCH_ALIGNMENT - 1) / CK_SCRATCH_ALIGNMENT * CK_SCRATCH_ALIGNMENT;
    ck_reserve_scratch((size_t)count * bytes);
    return ck_memory + (size_t)index * bytes;
}
