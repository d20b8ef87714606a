/* An array that grows without moving its items.
 *
 * Segment k holds `first << k` items, so 2^32 items need a table of few pointers, and an item's address is a shift and
 * two loads. New items are zero; memory that was never touched costs nothing. One thread grows it while many read items
 * whose index reached them by a release-acquire pair (a count, an id in another structure).
 */
#ifndef VARVE_STORAGE_BASE_PAGED_H
#define VARVE_STORAGE_BASE_PAGED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGED_SEGMENTS = 25, PAGED_FIRST_BITS = 8 };

struct paged {
    _Atomic(uint8_t *) segments[PAGED_SEGMENTS];
    uint32_t item_bytes;
};

void paged_init(struct paged *paged, size_t item_bytes);
void paged_release(struct paged *paged);

/* Makes items 0 to count - 1 usable. Not thread-safe against itself. */
void paged_reserve(struct paged *paged, uint32_t count);

/* Bytes of the segments; memory not touched yet included. */
size_t paged_bytes(const struct paged *paged);

static inline unsigned paged_segment_(uint32_t index, uint32_t *offset)
{
    uint64_t place = (uint64_t)index + (1u << PAGED_FIRST_BITS);
    unsigned segment = (unsigned)(63 - __builtin_clzll(place)) - PAGED_FIRST_BITS;
    *offset = (uint32_t)(place - ((uint64_t)1 << (segment + PAGED_FIRST_BITS)));
    return segment;
}

/* The item; its segment must exist. */
static inline void *paged_at(const struct paged *paged, uint32_t index)
{
    uint32_t offset;
    unsigned segment = paged_segment_(index, &offset);
    return atomic_load_explicit(&paged->segments[segment], memory_order_relaxed) + (size_t)offset * paged->item_bytes;
}

/* The item, or NULL if its segment was never made. */
static inline void *paged_try(const struct paged *paged, uint32_t index)
{
    uint32_t offset;
    uint8_t *base = atomic_load_explicit(&paged->segments[paged_segment_(index, &offset)], memory_order_acquire);
    return base ? base + (size_t)offset * paged->item_bytes : NULL;
}

#endif
