#include <chipmunk/chipmunk.h>
#include <chipmunk/chipmunk_structs.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__linux__)
#include <stdio_ext.h>
#endif

/// When standard output writes: at once, at the end of a line, or when its memory is full.
static inline int cp_output_mode(void) {
#if defined(__linux__)
    const size_t size = __fbufsize(stdout);
    if (size == 1) return _IONBF;
    // Without memory yet, it would choose now.
    return (size == 0 ? isatty(STDOUT_FILENO) : __flbf(stdout)) ? _IOLBF : _IOFBF;
#else
    return isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF;
#endif
}

/// Keeps what is printed from now on in some memory, for this thread alone: others wait before they print.
/// - Returns: when standard output wrote before.
static inline int cp_keep_output(char *memory, size_t size) {
    flockfile(stdout);
    fflush(stdout);
    const int mode = cp_output_mode();
    setvbuf(stdout, memory, _IOFBF, size);
    return mode;
}

/// Throws away what was kept, and lets standard output go on as before; it uses the memory from then on.
static inline void cp_discard_output(char *memory, size_t size, int mode) {
#if defined(__linux__)
    __fpurge(stdout);
#else
    fpurge(stdout);
#endif
    setvbuf(stdout, mode == _IONBF ? NULL : memory, mode, size);
    funlockfile(stdout);
}
