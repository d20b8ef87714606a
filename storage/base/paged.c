/* An array that grows without moving; see paged.h. */
#include "storage/base/paged.h"

#include "storage/base/memory.h"

#include <assert.h>

static size_t segment_bytes(const struct paged *paged, unsigned segment)
{
    return ((size_t)paged->item_bytes << PAGED_FIRST_BITS) << segment;
}

void paged_init(struct paged *paged, size_t item_bytes)
{
    for (unsigned i = 0; i < PAGED_SEGMENTS; i++) atomic_init(&paged->segments[i], NULL);
    paged->item_bytes = (uint32_t)item_bytes;
}

void paged_release(struct paged *paged)
{
    for (unsigned i = 0; i < PAGED_SEGMENTS; i++) {
        uint8_t *memory = atomic_load_explicit(&paged->segments[i], memory_order_relaxed);
        memory_unmap(memory, segment_bytes(paged, i));
        atomic_store_explicit(&paged->segments[i], NULL, memory_order_relaxed);
    }
}

void paged_reserve(struct paged *paged, uint32_t count)
{
    uint32_t offset;

    if (count == 0) return;
    unsigned last = paged_segment_(count - 1, &offset);
    assert(last < PAGED_SEGMENTS);
    for (unsigned i = last + 1; i-- > 0;) {
        if (atomic_load_explicit(&paged->segments[i], memory_order_relaxed)) break;
        atomic_store_explicit(&paged->segments[i], memory_map(segment_bytes(paged, i)), memory_order_release);
    }
}

size_t paged_bytes(const struct paged *paged)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < PAGED_SEGMENTS; i++) {
        if (atomic_load_explicit(&paged->segments[i], memory_order_relaxed)) bytes += segment_bytes(paged, i);
    }
    return bytes;
}
