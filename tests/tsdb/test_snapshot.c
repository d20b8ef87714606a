/* Snapshots: what is pinned stays as it was; strings are the same over all sources. */
#include "tsdb/snapshot.h"

#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/snapshot_internal.h"

#include <stdio.h>

static struct arena arena;

static void init(void)
{
    log_set_sink(fixture_quiet, NULL);
    arena_init(&arena, NULL);
}

static void fini(void)
{
    arena_release(&arena);
}

static size_t count_samples(struct snapshot *snapshot)
{
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    size_t count = 0;
    samples got;

    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        cr_assert(selection_read(selection, row, &buffer, &got), "%s", buffer.error.text);
        count += got.count;
    }
    column_buffer_release(&buffer);
    return count;
}

/* Nothing that comes later is seen: appended, frozen, expired, closed over. */
Test(snapshot, shows_one_moment, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct snapshot *snapshots[60];
    struct db *db;
    uint64_t random = 1;

    options.retention_ms = 20 * 1000;
    must(db_open(&options, &db));
    for (int i = 0; i < 60; i++) {
        snapshots[i] = db_snapshot(db, NULL);
        fixture_append(db, arena_format(&arena, "m i=%d", i % 7).data, 1000 + i * 1000, i);
        if (random_below(&random, 5) == 0) must(db_freeze(db));
        if (i < 20) cr_expect(count_samples(snapshots[i]) == (size_t)i, "before anything has expired");
        if (i % 10 == 9) must(db_maintain(db));
    }
    for (int i = 0; i < 20; i++) cr_expect(count_samples(snapshots[i]) == (size_t)i, "snapshot %d", i);
    for (int i = 0; i < 60; i++) snapshot_release(snapshots[i]);
    snapshot_release(NULL);
    fixture_close(db);
    fs_release(fs);
}

Test(snapshot, strings, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct snapshot *snapshot = db_snapshot(db, NULL);
    uint32_t ids[3000];
    char text[32];

    cr_expect(snapshot_intern(snapshot, STR("")) == 0 && snapshot_string(snapshot, 0).len == 0);
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "string %u", i);
        ids[i] = snapshot_intern(snapshot, str_from(text));
        cr_assert(ids[i] == i + 1, "ids are dense");
        memset(text, 'x', sizeof text); /* the bytes are copied */
    }
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "string %u", i);
        cr_assert(snapshot_intern(snapshot, str_from(text)) == ids[i]);
        cr_assert(str_equal(snapshot_string(snapshot, ids[i]), str_from(text)));
    }
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

/* A name or value has one id, whichever block or head it comes from. */
Test(snapshot, strings_of_all_sources, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);

    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 90; k++)
            fixture_append(db, arena_format(&arena, "m%d i=%d j=%d", (k + i) % 5, k * 7 % 90, i).data, 1000 * i + 1, 1);
        if (i < 3) must(db_freeze(db));
    }
    struct snapshot *snapshot = db_snapshot(db, NULL);
    cr_assert(snapshot->source_count == 4);
    for (uint32_t s = 0; s < snapshot->source_count; s++) {
        struct snapshot_source *source = &snapshot->sources[s];
        uint32_t name, id;
        must(source_find_name(source, STR("i"), &name));
        must(snapshot_name_id(snapshot, source, name, &id));
        cr_expect(id == snapshot_intern(snapshot, STR("i")));
        for (uint32_t value = 89; value-- > 0;) {
            must(snapshot_value_id(snapshot, source, name, value, &id));
            cr_expect(id == snapshot_intern(snapshot, snapshot_string(snapshot, id)));
            uint32_t again;
            must(snapshot_value_id(snapshot, source, name, value, &again));
            cr_expect(again == id);
        }
        must(source_find_name(source, STR("no such name"), &name));
        cr_expect(name == UINT32_MAX);
    }
    snapshot_release(snapshot);
    fixture_close(db);
    fs_release(fs);
}

Test(snapshot, is_charged_to_an_account, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct account account;

    account_init(&account, 0, NULL);
    struct snapshot *snapshot = db_snapshot(db, &account);
    for (int i = 0; i < 1000; i++) snapshot_intern(snapshot, arena_format(&arena, "%0100d", i));
    cr_expect(atomic_load(&account.used_bytes) > 100000);
    snapshot_release(snapshot);
    cr_expect(atomic_load(&account.used_bytes) == 0);
    fixture_close(db);
    fs_release(fs);
}
