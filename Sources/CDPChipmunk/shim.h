#include <chipmunk/chipmunk.h>
#include <chipmunk/chipmunk_structs.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__linux__)
#include <stdio_ext.h>
#endif

/// Returns the buffering mode of standard output: none, by line or full.
static inline int cp_output_mode(void) {
#if defined(__linux__)
    const size_t size = __fbufsize(stdout);
    if (size == 1) return _IONBF;
    // Without a buffer yet, the mode is chosen at the first output.
    return (size == 0 ? isatty(STDOUT_FILENO) : __flbf(stdout)) ? _IOLBF : _IOFBF;
#else
    return isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF;
#endif
}

/// Buffers the output of this thread in `memory` from now on; other threads wait before they print.
/// - Returns: the previous buffering mode of standard output.
static inline int cp_keep_output(char *memory, size_t size) {
    flockfile(stdout);
    fflush(stdout);
    const int mode = cp_output_mode();
    setvbuf(stdout, memory, _IOFBF, size);
    return mode;
}

/// Discards the buffered output, and restores the buffering mode of standard output, which uses `memory` from then
/// on.
static inline void cp_discard_output(char *memory, size_t size, int mode) {
#if defined(__linux__)
    __fpurge(stdout);
#else
    fpurge(stdout);
#endif
    setvbuf(stdout, mode == _IONBF ? NULL : memory, mode, size);
    funlockfile(stdout);
}
