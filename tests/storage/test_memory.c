/* Allocation and accounts. */
#include "storage/base/memory.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(memory, nothing_has_an_address)
{
    void *pieces[] = {memory_alloc(0), memory_zalloc(0), memory_realloc(NULL, 0)};

    for (size_t i = 0; i < 3; i++) {
        cr_expect(pieces[i] != NULL, "piece %zu", i);
        free(pieces[i]);
    }
}

Test(memory, zeroed_and_grown)
{
    uint8_t *memory = memory_zalloc(1000);

    for (size_t i = 0; i < 1000; i++) cr_assert(memory[i] == 0);
    memset(memory, 7, 1000);
    memory = memory_realloc(memory, 100000);
    for (size_t i = 0; i < 1000; i++) cr_assert(memory[i] == 7);
    free(memory);
}

Test(memory, mapped_pages_are_zero_and_may_be_huge)
{
    size_t bytes = (size_t)1 << 36; /* only what is touched is there */
    uint8_t *memory = memory_map(bytes);

    cr_assert(memory[0] == 0 && memory[bytes - 1] == 0);
    memory[bytes / 2] = 1;
    memory_unmap(memory, bytes);
    memory_unmap(NULL, 0);
}

Test(memory, accounts_above_are_charged_too)
{
    struct account process, query, other;

    account_init(&process, 1000, NULL);
    account_init(&query, 600, &process);
    account_init(&other, 0, &process);
    account_charge(&query, 500);
    account_charge(&other, 500);
    cr_expect(query.used_bytes == 500 && other.used_bytes == 500 && process.used_bytes == 1000);
    cr_expect(!account_over(&query) && !account_over(&process), "a limit that is reached is not passed");
    account_charge(&other, 1);
    cr_expect(account_over(&process) && account_over(&query) && account_over(&other), "the limit above counts");
    account_return(&other, 501);
    cr_expect(!account_over(&query) && process.used_bytes == 500);
    account_charge(&query, 101);
    cr_expect(account_over(&query) && !account_over(&other) && !account_over(&process));
    account_return(&query, 601);
    cr_expect(process.used_bytes == 0 && query.used_bytes == 0);
    cr_expect(process.peak_bytes == 1001 && query.peak_bytes == 601 && other.peak_bytes == 501);
}

Test(memory, no_account)
{
    account_charge(NULL, 100);
    account_return(NULL, 100);
    cr_expect(!account_over(NULL));
}

static void *charge_and_return(void *context)
{
    struct account account;
    uint64_t random = 6;

    account_init(&account, 0, context);
    for (int i = 0; i < 20000; i++) {
        size_t bytes = random_below(&random, 1000);
        account_charge(&account, bytes);
        account_return(&account, bytes);
    }
    account_charge(&account, 10);
    return NULL;
}

Test(memory, accounts_of_many_threads)
{
    enum { THREADS = 4 };
    struct account process;
    pthread_t threads[THREADS];

    account_init(&process, 0, NULL);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, charge_and_return, &process);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    cr_expect(process.used_bytes == 10 * THREADS);
    cr_expect(process.peak_bytes >= process.used_bytes && process.peak_bytes <= THREADS * 1010);
}

/* What is in use stays as it is. */
Test(memory, trim_leaves_what_is_in_use)
{
    uint8_t *kept[64], *freed[64];

    for (size_t i = 0; i < 64; i++) {
        freed[i] = memory_alloc(20000);
        kept[i] = memory_alloc(20000);
        memset(kept[i], (int)i, 20000);
    }
    for (size_t i = 0; i < 64; i++) free(freed[i]);
    memory_trim();
    for (size_t i = 0; i < 64; i++) {
        for (size_t k = 0; k < 20000; k++) cr_assert(kept[i][k] == i);
        free(kept[i]);
    }
}

static size_t resident_kib(const char *kind)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    size_t kib = 0;

    cr_assert(file != NULL);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, kind, strlen(kind)) == 0) kib = strtoul(line + strlen(kind), NULL, 10);
    }
    fclose(file);
    return kib;
}

/* The process holds less of its files, and goes on as if nothing had been. */
Test(memory, code_comes_back)
{
    static char written[10000] = "data of the program stays";
    size_t before = resident_kib("RssFile:");

    memset(written + 5000, 7, 5000);
    memory_drop_code();
    size_t after = resident_kib("RssFile:");
    cr_expect(before > 0 && after < before, "%zu KiB, then %zu KiB", before, after);
    cr_expect(strcmp(written, "data of the program stays") == 0 && written[9999] == 7);
}
