/* Rows as chunks: which are passed on, and that all else is as selection_read gives it. */
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/snapshot.h"

/* A db with one series, sent by steps:
 *
 *     +n  n samples, one a second, in one request     *n  the same, of values that a block keeps as Gorilla chunks
 *     .n  n samples, one each 100 seconds             sn  n samples with a start time, one a second
 *     @n  a late sample in second n                   -n  second n is deleted
 *     /   freezes                                     o   opens the db anew
 *     !   takes the snapshot that is read; else it is taken at the end
 */
struct world {
    struct fs *fs;
    struct db *db;
    struct snapshot *snapshot;
    int64_t now_ms;
    uint64_t random;
};

static void send(struct world *world, int64_t step_ms, uint64_t count, bool is_noise, int64_t start_ms)
{
    struct arena arena;
    struct append_result result;

    arena_init(&arena, NULL);
    int64_t *times = arena_array(&arena, int64_t, count), *starts = arena_array(&arena, int64_t, count);
    uint64_t *values = arena_array(&arena, uint64_t, count);
    for (uint64_t i = 0; i < count; i++) {
        times[i] = world->now_ms;
        starts[i] = start_ms;
        values[i] = double_bits((double)(world->now_ms / 7000));
        if (is_noise) values[i] = random_next(&world->random);
        world->now_ms += step_ms;
    }
    struct append_series one = {fixture_raw("m", &arena), 0, (uint32_t)count};
    struct append_batch batch = {.series = &one,
                                 .series_count = 1,
                                 .times_ms = times,
                                 .values = values,
                                 .starts_ms = start_ms ? starts : NULL,
                                 .sample_count = count};
    must(db_append_wait(world->db, &batch, &result));
    cr_assert(result.stored == count, "%s", result.error);
    arena_release(&arena);
}

static void hide(struct world *world, int64_t second)
{
    struct matcher matchers[8];
    struct arena arena;

    arena_init(&arena, NULL);
    struct db_deletion deletion = {matchers, fixture_matchers("__name__=m", matchers, &arena), second * 1000,
                                   second * 1000 + 999};
    must(db_delete(world->db, &deletion, 1));
    arena_release(&arena);
}

static void step(struct world *world, char what, uint64_t n)
{
    switch (what) {
    case '+': send(world, 1000, n, false, 0); break;
    case '*': send(world, 1000, n, true, 0); break;
    case '.': send(world, 100000, n, false, 0); break;
    case 's': send(world, 1000, n, false, 5); break;
    case '@': fixture_append(world->db, "m", (int64_t)n * 1000 + 500, -1); break;
    case '-': hide(world, (int64_t)n); break;
    case '/': must(db_freeze(world->db)); break;
    case '!': world->snapshot = db_snapshot(world->db, NULL); break;
    case 'o':
        must(db_close(world->db));
        world->db = fixture_open(world->fs);
        break;
    default: cr_assert(false, "an unknown step: %c", what);
    }
}

static void world_open(struct world *world, const char *steps)
{
    *world = (struct world){.fs = fs_memory_new(), .now_ms = 1000, .random = 1};
    log_set_sink(fixture_quiet, NULL);
    world->db = fixture_open(world->fs);
    while (*steps) {
        char what = *steps++;
        uint64_t n = 0;
        while (*steps >= '0' && *steps <= '9') n = n * 10 + (uint64_t)(*steps++ - '0');
        while (*steps == ' ') steps++;
        step(world, what, n);
    }
    if (!world->snapshot) world->snapshot = db_snapshot(world->db, NULL);
}

static void world_close(struct world *world)
{
    snapshot_release(world->snapshot);
    must(db_close(world->db));
    fs_release(world->fs);
}

/* Checks all rows in (from, to]; returns the chunks that are passed on. */
static size_t check(struct world *world, int64_t from_ms, int64_t to_ms, size_t *decoded)
{
    struct select_request request = {.from_ms = from_ms, .to_ms = to_ms};
    struct selection *selection;
    size_t passed = 0;

    *decoded = 0;
    must(snapshot_select(world->snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        size_t more;
        passed += fixture_check_chunks(selection, row, &more);
        *decoded += more;
    }
    return passed;
}

/* Samples are at 1 s and from there on; chunks have 120. */
Test(selection_chunks, what_is_passed_on)
{
    static const struct {
        const char *steps;
        int64_t from_s, to_s; /* samples in (from, to] */
        size_t passed, decoded;
    } rows[] = {
        {"+300", 0, 1000, 3, 0}, /* two full chunks and the open one */
        {"+1", 0, 1000, 1, 0},
        {"+120", 0, 1000, 1, 0},
        {"+120 +1", 0, 1000, 2, 0},
        {".300", 0, 100000, 3, 0}, /* gaps that are not noted */
        {"+300 .1 +200", 0, 100000, 5, 0},
        /* ranges that cut */
        {"+300", 1, 300, 2, 119},
        {"+300", 0, 299, 2, 59},
        {"+300", 120, 240, 1, 0},
        {"+300", 119, 240, 1, 1},
        {"+300", 120, 239, 0, 119},
        {"+300", 130, 135, 0, 5},
        {".300", 0, 500, 0, 5},
        {"+300", 50, 270, 1, 100},
        {"+300", 300, 1000, 0, 0},
        /* what the snapshot does not show */
        {"+110 ! +50", 0, 1000, 0, 110},
        {"+130 ! +50", 0, 1000, 1, 10},
        {"+120 ! +50", 0, 1000, 1, 0},
        /* late, rich and deleted samples */
        {"+300 @20", 0, 1000, 0, 301},
        {"+300 @20", 120, 1000, 0, 180},
        {"+130 s5 +130", 0, 1000, 0, 265},
        {"s5 +300", 6, 1000, 0, 299},  /* the rich ones may be anywhere */
        {"+300 -20", 0, 1000, 0, 299}, /* a delete freezes */
        {"+300 -20 +130", 0, 1000, 2, 299},
        /* blocks: runs are decoded, Gorilla chunks are not */
        {"+300 /", 0, 1000, 0, 300},
        {"+300 / +300", 0, 1000, 3, 300},
        {"*9 /", 0, 1000, 1, 0},
        {"*9 /", 1, 1000, 0, 8},
        {"*9 /", 0, 8, 0, 8},
        {"*9 / *9 /", 0, 1000, 2, 0},
        {"*9 / *9 / -12", 0, 1000, 1, 8},
        {"*9 / -20", 0, 1000, 1, 0},
        {"*9 / +200 / *9 / +130", 0, 1000, 4, 200},
        {"*9 / s5", 0, 1000, 0, 14},
        {"*9 / s5", 0, 9, 1, 0},
        /* several sources in one another's times */
        {"+9 @5 / +130", 0, 1000, 2, 10},
        {"*9 / +10 @5 +10", 0, 1000, 0, 30},
        {"*9 / +10 @5 +10", 9, 1000, 0, 20},
        {"*9 / @5", 0, 1000, 0, 10},
        {"*9 / @5 /", 0, 1000, 0, 10},
        {"*9 / @5 / +130", 0, 1000, 0, 140},
        {"*9 / @5 / +130", 9, 1000, 2, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        size_t decoded;
        world_open(&world, rows[i].steps);
        size_t passed = check(&world, rows[i].from_s * 1000, rows[i].to_s * 1000, &decoded);
        cr_expect(passed == rows[i].passed && decoded == rows[i].decoded, "row %zu, %s: %zu passed on, %zu decoded", i,
                  rows[i].steps, passed, decoded);
        world_close(&world);
    }
}

/* Any steps, any ranges. */
Test(selection_chunks, random_steps)
{
    static const char kinds[] = "+++++++***.s@@-/";
    uint64_t random = 7, passed = 0, decoded = 0;

    for (int round = 0; round < 60; round++) {
        struct world world;
        size_t more;
        world_open(&world, "+1");
        snapshot_release(world.snapshot);
        for (int k = 0; k < 8; k++) {
            char what = kinds[random_below(&random, sizeof kinds - 1)];
            if (what == '@' && round % 3) what = '+';
            uint64_t n = 1 + random_below(&random, what == '*' ? 9 : 250);
            if (what == '@')
                n = random_below(&random, (uint64_t)world.now_ms / 8000 + 1) * 8 + (uint64_t)k; /* a new one */
            step(&world, what, n);
        }
        world.snapshot = db_snapshot(world.db, NULL);
        for (int k = 0; k < 10; k++) {
            int64_t from_ms = (int64_t)random_below(&random, (uint64_t)world.now_ms) - 500;
            int64_t to_ms = from_ms + (int64_t)random_below(&random, (uint64_t)world.now_ms);
            passed += check(&world, from_ms, to_ms, &more);
            decoded += more;
        }
        passed += check(&world, INT64_MIN, INT64_MAX, &more);
        world_close(&world);
    }
    cr_expect(passed > 300 && decoded > 300, "%llu passed on, %llu decoded", (unsigned long long)passed,
              (unsigned long long)decoded);
}
