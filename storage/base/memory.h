/* Allocation that does not fail.
 *
 * Memory is bounded by budgets (accounts, limits on input), so an exhausted malloc means the machine itself is out of
 * memory; the process then logs one line and aborts, and the write-ahead log brings everything acknowledged back.
 * Sizes taken from input are checked against a limit before they come here.
 */
#ifndef VARVE_STORAGE_BASE_MEMORY_H
#define VARVE_STORAGE_BASE_MEMORY_H

#include "storage/base/public.h"

#include <stdbool.h>
#include <stddef.h>

/* Of one size and layout in both languages. */
#ifdef __cplusplus
#include <atomic>
typedef std::atomic<size_t> atomic_bytes;
#else
#include <stdatomic.h>
typedef _Atomic size_t atomic_bytes;
#endif

/* All return memory to be released with free(). A size of zero gives a valid pointer. */
VARVE_PUBLIC void *memory_alloc(size_t bytes);
VARVE_PUBLIC void *memory_zalloc(size_t bytes);
VARVE_PUBLIC void *memory_realloc(void *old, size_t bytes);

/* Lets the system have what was freed; for the end of work that took much. Walks all of malloc's free memory. */
void memory_trim(void);

/* Gives back the pages of code and constants that were mapped so far. A start runs through much that is never needed
 * again, in libraries above all; what still is comes back from the page cache. */
void memory_drop_code(void);

/* Zeroed pages straight from the system, for what is large and goes back at once; resident only where touched. */
void *memory_map(size_t bytes);
void memory_unmap(void *memory, size_t bytes);

/* What one owner (a query, all request bodies) holds. Arenas and buffers charge it in blocks; nobody is refused at the
 * moment of the charge: whoever works for the owner looks at account_over() between pieces of work and stops.
 * Thread-safe. */
struct account {
    atomic_bytes used_bytes, peak_bytes;
    size_t limit_bytes;     /* 0: no limit of its own */
    struct account *parent; /* charged too; may be NULL */
};

VARVE_PUBLIC void account_init(struct account *account, size_t limit_bytes, struct account *parent);
void account_charge(struct account *account, size_t bytes);
void account_return(struct account *account, size_t bytes);

/* Whether this account or one above it holds more than its limit. */
VARVE_PUBLIC bool account_over(const struct account *account);

#endif
