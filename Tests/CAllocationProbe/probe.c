#define _GNU_SOURCE
#include <features.h>

#include "CAllocationProbe.h"

// The sanitizers have their own allocation functions.
#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

// An executable's symbols come before those of its libraries, so all of them allocate through the functions of this
// file.

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

typedef struct {
    uintptr_t begin, end;
} probe_range;

enum { probe_most_ranges = 32, probe_most_origins = 16, probe_most_frames = 24 };

static probe_range probe_program, probe_libraries[probe_most_ranges];
static int probe_library_count;
static atomic_int probe_is_counting;
static atomic_long probe_own, probe_own_bytes, probe_library, probe_library_bytes;
static atomic_int probe_origins;
static uintptr_t probe_frames[probe_most_origins][probe_most_frames];
/// Allocations while a call stack is read do not count.
static __thread int probe_is_inside;

static int probe_is_in(probe_range range, uintptr_t address) { return range.begin <= address && address < range.end; }

// MARK: - Origin of calls

typedef struct {
    uintptr_t caller;
    int has_begun, is_library, count;
    uintptr_t frames[probe_most_frames];
} probe_walk;

/// The innermost frame of the program or of a library that computes is the origin; the Swift runtime, Foundation
/// and the C and C++ libraries only pass requests on.
static _Unwind_Reason_Code probe_visit(struct _Unwind_Context *context, void *state) {
    probe_walk *walk = state;
    const uintptr_t address = _Unwind_GetIP(context);
    if (!walk->has_begun && address != walk->caller) return _URC_NO_REASON;
    walk->has_begun = 1;
    if (walk->count < probe_most_frames) walk->frames[walk->count++] = address;
    if (probe_is_in(probe_program, address)) return walk->count < probe_most_frames ? _URC_NO_REASON : _URC_NORMAL_STOP;
    return _URC_NO_REASON;
}

static int probe_judge(probe_walk *walk) {
    for (int i = 0; i < walk->count; i++) {
        if (probe_is_in(probe_program, walk->frames[i])) return 0;
        for (int j = 0; j < probe_library_count; j++)
            if (probe_is_in(probe_libraries[j], walk->frames[i])) return 1;
    }
    return 0;
}

static void probe_count(size_t size, void *caller) {
    if (!atomic_load_explicit(&probe_is_counting, memory_order_relaxed) || probe_is_inside) return;
    probe_is_inside = 1;
    probe_walk walk = {.caller = (uintptr_t)caller};
    _Unwind_Backtrace(probe_visit, &walk);
    if (probe_judge(&walk)) {
        atomic_fetch_add(&probe_library, 1);
        atomic_fetch_add(&probe_library_bytes, (long)size);
    } else {
        atomic_fetch_add(&probe_own, 1);
        atomic_fetch_add(&probe_own_bytes, (long)size);
        int is_known = 0;
        for (int i = 0; i < probe_origins && i < probe_most_origins && !is_known; i++)
            is_known = memcmp(probe_frames[i], walk.frames, sizeof walk.frames) == 0;
        const int origin = is_known ? probe_most_origins : atomic_fetch_add(&probe_origins, 1);
        if (origin < probe_most_origins) memcpy(probe_frames[origin], walk.frames, sizeof walk.frames);
    }
    probe_is_inside = 0;
}

// MARK: - Allocation functions

#define PROBE_COUNT(size) probe_count(size, __builtin_return_address(0))

void *malloc(size_t size) {
    PROBE_COUNT(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    PROBE_COUNT(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    PROBE_COUNT(size);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    PROBE_COUNT(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    PROBE_COUNT(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    PROBE_COUNT(size);
    void *const found = __libc_memalign(alignment, size);
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    PROBE_COUNT(length);
    return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

// MARK: - Counting

static int probe_note_image(struct dl_phdr_info *image, size_t size, void *state) {
    (void)size;
    int *const index = state;
    const int is_program = (*index)++ == 0;
    if (!is_program && !strstr(image->dlpi_name, "dnnl") && !strstr(image->dlpi_name, "gomp")) return 0;
    for (int i = 0; i < image->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &image->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X)) continue;
        const uintptr_t begin = image->dlpi_addr + header->p_vaddr;
        const probe_range range = {begin, begin + header->p_memsz};
        if (is_program) probe_program = range;
        else if (probe_library_count < probe_most_ranges) probe_libraries[probe_library_count++] = range;
    }
    return 0;
}

/// Reading a call stack for the first time may itself load and allocate.
static void probe_warm_up(void) {
    probe_walk walk = {0};
    probe_is_inside = 1;
    _Unwind_Backtrace(probe_visit, &walk);
    probe_is_inside = 0;
}

void probe_start(void) {
    int index = 0;
    probe_library_count = 0;
    dl_iterate_phdr(probe_note_image, &index);
    probe_warm_up();
    probe_own = probe_own_bytes = probe_library = probe_library_bytes = 0;
    probe_origins = 0;
    probe_is_counting = 1;
}

probe_counts probe_read(void) { return (probe_counts){probe_own, probe_own_bytes, probe_library, probe_library_bytes}; }

probe_counts probe_stop(void) {
    probe_is_counting = 0;
    return probe_read();
}

void probe_print_origins(void) {
    const int count = probe_origins < probe_most_origins ? probe_origins : probe_most_origins;
    for (int origin = 0; origin < count; origin++) {
        fprintf(stderr, "allocation %d:\n", origin);
        for (int i = 0; i < probe_most_frames && probe_frames[origin][i]; i++) {
            Dl_info info = {0};
            const uintptr_t address = probe_frames[origin][i];
            const int isKnown = dladdr((void *)address, &info);
            fprintf(
                stderr, "  %s +0x%lx %s\n", isKnown && info.dli_sname ? info.dli_sname : "?",
                (unsigned long)(address - (uintptr_t)info.dli_fbase), isKnown ? info.dli_fname : "");
        }
    }
}

#else

// Counts nothing where there are no entry points beneath the allocation functions, as the GNU C library has.
void probe_start(void) {}
probe_counts probe_read(void) { return (probe_counts){0, 0, 0, 0}; }
probe_counts probe_stop(void) { return probe_read(); }
void probe_print_origins(void) {}

#endif
