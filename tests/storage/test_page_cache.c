/* Verified pages in memory: shared, counted, within their budget, under many threads. */
#include "storage/page_cache.h"

#include "storage/metrics.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <pthread.h>

enum { PAGE_BYTES = 1000 };

static const void *owner_of(uintptr_t number)
{
    return (const void *)(number * 64); /* any distinct addresses: nothing is read there */
}

static uint8_t content_of(uintptr_t owner, uint64_t offset)
{
    return (uint8_t)(owner * 31 + offset * 7);
}

/* What a block file does: looks for the page, else makes and adds it. */
static const struct page *get(struct page_cache *cache, uintptr_t owner, uint64_t offset, bool *hit)
{
    const struct page *page = page_cache_find(cache, owner_of(owner), offset);

    *hit = page != NULL;
    if (page) return page;
    uint8_t *data = memory_alloc(PAGE_BYTES);
    memset(data, content_of(owner, offset), PAGE_BYTES);
    return page_cache_add(cache, owner_of(owner), offset, data, PAGE_BYTES);
}

static void check_page(const struct page *page, uintptr_t owner, uint64_t offset)
{
    cr_assert(page->bytes == PAGE_BYTES);
    for (size_t i = 0; i < PAGE_BYTES; i += 111) cr_assert(page->data[i] == content_of(owner, offset));
}

Test(page_cache, pages_are_shared)
{
    struct page_cache *cache = page_cache_new(1 << 20);
    bool hit;
    const struct page *first = get(cache, 1, 64, &hit), *second = get(cache, 1, 64, &hit);

    cr_expect(first == second && hit);
    cr_expect(!page_cache_find(cache, owner_of(2), 64) && !page_cache_find(cache, owner_of(1), 65));
    uint8_t *late = memory_alloc(3); /* another thread was first: its page counts, this memory goes */
    cr_expect(page_cache_add(cache, owner_of(1), 64, late, 3) == first && first->bytes == PAGE_BYTES);
    for (int i = 0; i < 3; i++) page_release(first);
    page_cache_drop(cache, owner_of(1));
    cr_expect(!page_cache_find(cache, owner_of(1), 64));
    page_cache_free(cache);
    page_cache_free(NULL);
}

Test(page_cache, forgets_one_owner)
{
    struct page_cache *cache = page_cache_new(10 << 20);
    bool hit;

    for (uintptr_t owner = 1; owner <= 3; owner++) {
        for (uint64_t offset = 0; offset < 500; offset++) page_release(get(cache, owner, offset, &hit));
    }
    page_cache_drop(cache, owner_of(2));
    for (uintptr_t owner = 1; owner <= 3; owner++) {
        for (uint64_t offset = 0; offset < 500; offset++) {
            const struct page *page = get(cache, owner, offset, &hit);
            cr_expect(hit == (owner != 2), "owner %d offset %d", (int)owner, (int)offset);
            check_page(page, owner, offset);
            page_release(page);
        }
    }
    page_cache_free(cache);
    cr_expect(metric_get(&metric_page_cache_bytes) == 0);
}

/* Pages that nobody uses never pass the budget by more than a page a part of the cache; pages in use may. */
Test(page_cache, keeps_to_its_budget)
{
    enum { BUDGET = 200 * PAGE_BYTES, SLACK = 16 * 2 * PAGE_BYTES, HELD = 600 };
    static const struct page *held[HELD];
    struct page_cache *cache = page_cache_new(BUDGET);
    bool hit;

    for (uint64_t offset = 0; offset < 5000; offset++) {
        const struct page *page = get(cache, 1, offset, &hit);
        check_page(page, 1, offset);
        page_release(page);
        cr_assert(metric_get(&metric_page_cache_bytes) <= BUDGET + SLACK, "%d bytes",
                  (int)metric_get(&metric_page_cache_bytes));
    }
    for (uint64_t i = 0; i < HELD; i++) held[i] = get(cache, 2, i, &hit);
    cr_expect(metric_get(&metric_page_cache_bytes) > HELD * PAGE_BYTES);
    for (uint64_t i = 0; i < HELD; i++) {
        check_page(held[i], 2, i);
        page_release(held[i]);
    }
    for (uint64_t offset = 0; offset < 500; offset++) page_release(get(cache, 3, offset, &hit));
    cr_expect(metric_get(&metric_page_cache_bytes) <= BUDGET + SLACK, "what was held goes when it is let go");
    page_cache_free(cache);
}

/* A page that is asked for again and again stays while others pass through. */
Test(page_cache, used_pages_stay)
{
    enum { BUDGET = 400 * PAGE_BYTES, HOT = 40 };
    struct page_cache *cache = page_cache_new(BUDGET);
    unsigned hits = 0, asked = 0;
    bool hit;

    for (uint64_t offset = 0; offset < 20000; offset++) {
        page_release(get(cache, 1, offset, &hit));
        if (offset % 3) continue;
        page_release(get(cache, 2, offset / 3 % HOT, &hit));
        hits += hit;
        asked++;
    }
    cr_expect(hits > asked * 9 / 10, "%u of %u", hits, asked);
    page_cache_free(cache);
}

Test(page_cache, no_budget)
{
    struct page_cache *cache = page_cache_new(0);
    bool hit;

    for (uint64_t offset = 0; offset < 100; offset++) {
        const struct page *page = get(cache, 1, offset, &hit);
        check_page(page, 1, offset);
        page_release(page);
    }
    page_cache_free(cache);
}

static void *use_pages(void *context)
{
    struct page_cache *cache = context;
    static _Atomic uint64_t seeds;
    uint64_t random = ++seeds;
    const struct page *held[8] = {NULL};
    bool hit;

    for (int i = 0; i < 20000; i++) {
        unsigned slot = random_below(&random, 8);
        uintptr_t owner = 1 + random_below(&random, 3);
        uint64_t offset = random_below(&random, 200);
        page_release(held[slot]);
        held[slot] = get(cache, owner, offset, &hit);
        check_page(held[slot], owner, offset);
    }
    for (int i = 0; i < 8; i++) page_release(held[i]);
    return NULL;
}

Test(page_cache, many_threads)
{
    struct page_cache *cache = page_cache_new(100 * PAGE_BYTES);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, use_pages, cache);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (uintptr_t owner = 1; owner <= 3; owner++) page_cache_drop(cache, owner_of(owner));
    cr_expect(metric_get(&metric_page_cache_bytes) == 0, "nothing is left when all are dropped");
    page_cache_free(cache);
}
