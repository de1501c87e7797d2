#include "file_exchange.h"

#include <errno.h>

#if defined(__linux__)
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int fx_exchange(const char *first, const char *second) {
    const unsigned exchange = 2; // RENAME_EXCHANGE of <linux/fs.h>
    return (int)syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, exchange);
}
#elif defined(__APPLE__)
#include <stdio.h>

int fx_exchange(const char *first, const char *second) { return renamex_np(first, second, RENAME_SWAP); }
#else
int fx_exchange(const char *first, const char *second) {
    (void)first;
    (void)second;
    errno = ENOSYS;
    return -1;
}
#endif
