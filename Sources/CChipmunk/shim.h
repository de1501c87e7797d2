#include <chipmunk/chipmunk.h>
#include <chipmunk/chipmunk_structs.h>
#include <stdio.h>
#if defined(__linux__)
#include <stdio_ext.h>

/// Throws away what was printed to a stream and not written yet.
static inline void cp_discard_output(FILE *stream) { __fpurge(stream); }

/// Whether a stream writes at the end of each line, and how many bytes it keeps until then.
static inline int cp_is_line_buffered(FILE *stream) { return __flbf(stream); }
static inline size_t cp_buffer_size(FILE *stream) { return __fbufsize(stream); }
#else
static inline void cp_discard_output(FILE *stream) { fpurge(stream); }
static inline int cp_is_line_buffered(FILE *stream) { (void)stream; return 0; }
static inline size_t cp_buffer_size(FILE *stream) { (void)stream; return BUFSIZ; }
#endif
