// Preconditions that kernels check when they are called, not per element.
#ifndef CK_REQUIRE_H
#define CK_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

/// Stops the program, with the kernel's name and the condition, unless the condition holds.
#define CK_REQUIRE(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s: %s does not hold\n", __func__, #condition);                                           \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
