#ifndef FILE_EXCHANGE_H
#define FILE_EXCHANGE_H

/// Exchanges the names of two files or folders in one step: `renameat2(2)` with `RENAME_EXCHANGE`, which Swift's
/// import of the C library lacks.
///
/// Returns 0, or −1 with `errno` set.
int fx_exchange(const char *first, const char *second);

#endif
