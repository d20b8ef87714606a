/* The paged array: items that never move, over every border between segments. */
#include "storage/base/paged.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <pthread.h>

Test(paged, items_stay_where_they_are)
{
    enum { COUNT = 50000 };
    static uint64_t *places[COUNT];
    struct paged paged;
    uint32_t ready = 0;
    uint64_t random = 7;

    paged_init(&paged, sizeof(uint64_t));
    while (ready < COUNT) {
        uint32_t next = ready + 1 + random_below(&random, 3000);
        if (next > COUNT) next = COUNT;
        paged_reserve(&paged, next);
        for (; ready < next; ready++) {
            places[ready] = paged_at(&paged, ready);
            cr_assert(*places[ready] == 0, "item %u is not zero", ready);
            *places[ready] = ready;
        }
    }
    for (uint32_t i = 0; i < COUNT; i++)
        cr_assert(paged_at(&paged, i) == places[i] && paged_try(&paged, i) == places[i] && *places[i] == i);
    paged_release(&paged);
}

Test(paged, what_is_not_there)
{
    static const uint32_t borders[] = {0, 255, 256, 767, 768, 1791, 1792, 65535, 1 << 20};
    struct paged paged;

    paged_init(&paged, 4);
    cr_expect(paged_bytes(&paged) == 0);
    paged_reserve(&paged, 0);
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++)
        cr_expect(!paged_try(&paged, borders[i]), "item %u", borders[i]);
    paged_reserve(&paged, 1);
    cr_expect(paged_try(&paged, 0) && paged_try(&paged, 255) && !paged_try(&paged, 256), "the first segment has 256");
    paged_reserve(&paged, 257);
    cr_expect(paged_try(&paged, 767) && !paged_try(&paged, 768), "the second has 512");
    cr_expect(paged_bytes(&paged) == 768 * 4);
    paged_release(&paged);
    cr_expect(!paged_try(&paged, 0) && paged_bytes(&paged) == 0);
    paged_release(&paged);
}

/* The whole range of an index. */
Test(paged, largest_index)
{
    static const uint32_t rows[] = {UINT32_MAX - 256, UINT32_MAX - 255, UINT32_MAX - 1, UINT32_MAX};
    struct paged paged;

    paged_init(&paged, 1);
    for (size_t i = 0; i < 4; i++) cr_expect(!paged_try(&paged, rows[i]), "item %u", rows[i]);
    paged_reserve(&paged, UINT32_MAX);
    uint8_t *last = paged_at(&paged, UINT32_MAX - 1);
    *last = 5;
    cr_expect(*(uint8_t *)paged_try(&paged, UINT32_MAX - 1) == 5 && *(uint8_t *)paged_at(&paged, 0) == 0);
    paged_release(&paged);
}

struct shared {
    struct paged paged;
    _Atomic uint32_t count;
};

static void *read_items(void *context)
{
    struct shared *shared = context;
    uint32_t count = 0;

    while (count < 20000) {
        count = atomic_load_explicit(&shared->count, memory_order_acquire);
        for (uint32_t i = count; i-- > 0 && count - i < 50;)
            cr_assert(*(uint32_t *)paged_at(&shared->paged, i) == i + 1, "item %u", i);
    }
    return NULL;
}

Test(paged, one_thread_grows_it_while_others_read)
{
    struct shared shared;
    pthread_t readers[3];

    paged_init(&shared.paged, sizeof(uint32_t));
    atomic_init(&shared.count, 0);
    for (int i = 0; i < 3; i++) pthread_create(&readers[i], NULL, read_items, &shared);
    for (uint32_t i = 0; i < 20000; i++) {
        paged_reserve(&shared.paged, i + 1);
        *(uint32_t *)paged_at(&shared.paged, i) = i + 1;
        atomic_store_explicit(&shared.count, i + 1, memory_order_release);
    }
    for (int i = 0; i < 3; i++) pthread_join(readers[i], NULL);
    paged_release(&shared.paged);
}
