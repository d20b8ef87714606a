/* Arenas: pieces that do not overlap, accounts that come out even, deferred calls in their order. */
#include "storage/base/arena.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

#include <string.h>

enum { KEPT_BYTES_MAX = 65536 };

/* Every piece is filled with its own byte; when all are there each still has it. */
Test(arena, pieces_do_not_overlap)
{
    enum { PIECES = 2000 };
    static uint8_t *pieces[PIECES];
    static size_t sizes[PIECES];
    struct arena arena;
    uint64_t random = 1;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = random_below(&random, i % 50 ? 200 : 40000);
        pieces[i] = arena_alloc(&arena, sizes[i]);
        cr_assert(pieces[i] && (uintptr_t)pieces[i] % 16 == 0, "piece %zu of %zu bytes", i, sizes[i]);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < sizes[i]; k++) cr_assert(pieces[i][k] == i % 251, "piece %zu was written over", i);
    }
    arena_release(&arena);
}

Test(arena, nothing_is_a_piece_too)
{
    struct arena arena;

    arena_init(&arena, NULL);
    cr_expect(arena_alloc(&arena, 0) != NULL);
    cr_expect(arena_zalloc(&arena, 0) != NULL);
    cr_expect(arena_array(&arena, uint64_t, 0) != NULL);
    arena_release(&arena);
}

Test(arena, zeroed_pieces)
{
    struct arena arena;

    arena_init(&arena, NULL);
    memset(arena_alloc(&arena, 3000), 0xFF, 3000);
    arena_reset(&arena); /* the next piece lies where this one was */
    const uint64_t *words = arena_zarray(&arena, uint64_t, 300);
    for (size_t i = 0; i < 300; i++) cr_assert(words[i] == 0);
    arena_release(&arena);
}

Test(arena, accounts_come_out_even)
{
    struct account account;
    struct arena arena;
    uint64_t random = 2;

    account_init(&account, 0, NULL);
    arena_init(&arena, &account);
    for (int round = 0; round < 20; round++) {
        size_t asked = 0;
        for (int i = 0; i < 300; i++) {
            size_t bytes = random_below(&random, i % 40 ? 500 : 200000);
            arena_alloc(&arena, bytes);
            asked += bytes;
        }
        cr_expect(account.used_bytes >= asked);
        arena_reset(&arena);
        cr_expect(account.used_bytes > 0 && account.used_bytes <= KEPT_BYTES_MAX, "a reset keeps %zu bytes",
                  (size_t)account.used_bytes);
    }
    size_t kept = account.used_bytes;
    arena_alloc(&arena, 1000);
    cr_expect(account.used_bytes == kept, "the kept block is used again");
    arena_release(&arena);
    cr_expect(account.used_bytes == 0);
    arena_release(&arena); /* an empty arena may be released again */
}

struct trace {
    int calls[8];
    size_t count;
};

static struct trace trace;

static void note(void *context)
{
    trace.calls[trace.count++] = *(const int *)context;
}

Test(arena, deferred_calls_run_last_first)
{
    static const int numbers[] = {0, 1, 2, 3, 4};
    struct arena arena;

    arena_init(&arena, NULL);
    for (int i = 0; i < 3; i++) arena_defer(&arena, note, (void *)&numbers[i]);
    cr_expect(trace.count == 0);
    arena_reset(&arena);
    cr_expect(trace.count == 3 && trace.calls[0] == 2 && trace.calls[1] == 1 && trace.calls[2] == 0);
    for (int i = 3; i < 5; i++) arena_defer(&arena, note, (void *)&numbers[i]);
    arena_release(&arena);
    cr_expect(trace.count == 5 && trace.calls[3] == 4 && trace.calls[4] == 3, "each runs once");
}

/* A deferred call may still use what the arena holds. */
static void read_text(void *context)
{
    cr_assert(strcmp(context, "alive") == 0);
    trace.count++;
}

Test(arena, memory_outlives_deferred_calls)
{
    struct arena arena;

    arena_init(&arena, NULL);
    arena_defer(&arena, read_text, (void *)arena_copy_str(&arena, STR("alive")).data);
    arena_release(&arena);
    cr_expect(trace.count == 1);
}

Test(arena, text)
{
    struct arena arena;
    char source[] = "x\0y";

    arena_init(&arena, NULL);
    str copy = arena_copy_str(&arena, str_make(source, 3));
    source[0] = 'z';
    cr_expect(copy.len == 3 && memcmp(copy.data, "x\0y", 4) == 0, "a zero byte follows");
    str empty = arena_copy_str(&arena, (str){0});
    cr_expect(empty.len == 0 && empty.data[0] == 0);
    str made = arena_format(&arena, "%s %d", "block", 12);
    cr_expect(str_equal(made, STR("block 12")) && made.data[made.len] == 0);
    str wide = arena_format(&arena, "%30000d", 7);
    cr_expect(wide.len == 30000 && wide.data[29999] == '7' && wide.data[0] == ' ');
    arena_release(&arena);
}
