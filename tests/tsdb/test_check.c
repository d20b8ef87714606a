/* Verifying folders: good ones have no finding, every damage has one, a disk that fails is no damage. */
#include "tsdb/check.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"
#include "tsdb/db_internal.h"

#include <errno.h>
#include <time.h>

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

struct findings {
    size_t count, files;
    char first[300];
};

static void find(void *context, str sentence)
{
    struct findings *findings = context;

    cr_expect(str_find(sentence, ':') < sentence.len && str_is_utf8(sentence));
    if (findings->count++ > 0) return;
    size_t len = sentence.len < sizeof findings->first ? sentence.len : sizeof findings->first - 1;
    memcpy(findings->first, sentence.data, len);
    findings->first[len] = 0;
}

static void note_progress(void *context, str sentence)
{
    struct findings *findings = context;

    findings->files++;
    cr_expect(str_starts_with(sentence, STR("block/")) || str_starts_with(sentence, STR("wal/")));
}

static status check(struct fs *fs, struct findings *findings)
{
    const struct check_listener listener = {findings, find, note_progress};
    struct check_summary found = {.findings = 99};

    *findings = (struct findings){0};
    status s = check_directory(fs, &listener, &found);
    cr_expect(found.findings == findings->count);
    cr_expect(failed(s) || found.findings || findings->files == found.blocks + found.logs);
    return s;
}

/* A block, a registry's file, a log with all kinds of records. */
static struct fs *make_folder(void)
{
    struct fs *fs = fs_memory_new();
    struct db *db = fixture_open(fs);
    struct append_metadata metadata = {METRIC_GAUGE, STR("m"), STR("Help."), STR("")};
    struct append_batch batch = {.metadata = &metadata, .metadata_count = 1};
    struct append_result result;

    for (int i = 0; i < 4; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 1000 + i, i);
    must(db_freeze(db));
    for (int i = 2; i < 6; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 2000 + i, i);
    must(db_append_wait(db, &batch, &result));
    nanosleep(&(struct timespec){0, 250000000}, NULL); /* an idle log vouches for its last group */
    fs_memory_crash(fs, CRASH_NONE, 0);
    db_abandon(db);
    return fs;
}

/* A log's segment is allocated ahead, and its last group, which is empty, is vouched for by none. */
static uint64_t log_end(struct fs *fs, const char *name)
{
    uint64_t end = 0;
    uint8_t byte;

    for (uint64_t at = 0; fs_memory_peek(fs, name, at, &byte); at++) {
        if (byte) end = at + 1;
    }
    return end - WAL_GROUP_HEADER_BYTES;
}

static void flip_all(struct fs *fs, const char *folder, bool is_log)
{
    struct findings findings;
    size_t count;
    str *names;
    uint8_t byte;

    must(fs_list(fs, folder, &arena, &names, &count));
    for (size_t f = 0; f < count; f++) {
        str name = arena_format(&arena, "%s%s%.*s", folder, folder[0] ? "/" : "", STR_ARG(names[f]));
        if (str_equal(name, STR("lock"))) continue;
        uint64_t end = is_log ? log_end(fs, name.data) : UINT64_MAX;
        for (uint64_t at = 0; at < end && fs_memory_peek(fs, name.data, at, &byte); at++) {
            unsigned bit = (unsigned)at % 8;
            fs_memory_flip(fs, name.data, at, bit);
            must(check(fs, &findings));
            cr_expect(findings.count > 0, "%.*s byte %d is not found", STR_ARG(name), (int)at);
            fs_memory_flip(fs, name.data, at, bit);
        }
    }
}

Test(check, every_flipped_bit_is_found, .init = init, .fini = fini)
{
    struct fs *fs = make_folder();
    struct findings findings;

    must(check(fs, &findings));
    cr_assert(findings.count == 0, "%s", findings.first);
    flip_all(fs, "", false);
    flip_all(fs, "block", false);
    flip_all(fs, "registry", false);
    flip_all(fs, "wal", true);
    fs_release(fs);
}

Test(check, missing_files, .init = init, .fini = fini)
{
    static const char *const folders[] = {"block", "registry", "wal"};
    struct findings findings;

    for (int i = 0; i < 3; i++) {
        struct fs *fs = make_folder();
        str *names;
        size_t count;
        must(fs_list(fs, folders[i], &arena, &names, &count));
        for (size_t f = 0; f < count; f++)
            must(fs_unlink(fs, arena_format(&arena, "%s/%.*s", folders[i], STR_ARG(names[f])).data));
        status s = check(fs, &findings);
        cr_expect(!failed(s) && findings.count > 0, "%s: %s", folders[i], s.text);
        cr_expect(str_starts_with(str_from(findings.first), str_from(folders[i])), "%s", findings.first);
        fs_release(fs);
    }
}

Test(check, cut_files, .init = init, .fini = fini)
{
    static const char *const folders[] = {"block", "registry"};
    struct findings findings;

    for (int i = 0; i < 2; i++) {
        struct fs *fs = make_folder();
        struct file *file;
        uint64_t bytes;
        str *names;
        size_t count;
        must(fs_list(fs, folders[i], &arena, &names, &count));
        must(fs_open(fs, arena_format(&arena, "%s/%.*s", folders[i], STR_ARG(names[0])).data, FS_WRITE, &file));
        must(file_size(file, &bytes));
        must(file_truncate(file, bytes - 1));
        file_close(file);
        status s = check(fs, &findings);
        cr_expect(!failed(s) && findings.count > 0, "%s: %s", folders[i], s.text);
        fs_release(fs);
    }
}

Test(check, no_folder_of_data, .init = init, .fini = fini)
{
    struct fs *fs = fs_memory_new();
    struct findings findings;

    status s = check(fs, &findings);
    cr_expect(s.code == STATUS_NOT_FOUND && strstr(s.text, "the file state is missing"), "%s", s.text);
    fs_release(fs);
}

Test(check, io_errors_come_out, .init = init, .fini = fini)
{
    struct fs *disk = make_folder(), *fs = fs_faulty_new(disk);
    struct findings findings;

    for (uint64_t k = 1;; k++) {
        fs_faulty_plan(fs, FAULT_READ | FAULT_OPEN, k, EIO, 0);
        uint64_t before = fs_faulty_count(fs);
        status s = check(fs, &findings);
        bool reached = fs_faulty_count(fs) > before;
        cr_expect(findings.count == 0, "call %d: %s", (int)k, findings.first);
        cr_expect(failed(s) == reached && (!reached || s.code == STATUS_IO), "call %d: %s", (int)k, s.text);
        if (!reached) break;
    }
    fs_release(fs);
    fs_release(disk);
}

/* A head whose log says that it has another registry than the state does: the log is right (see db_freeze.c). */
Test(check, the_log_knows_its_registry, .init = init, .fini = fini)
{
    unsigned differ = 0;

    for (uint64_t k = 1; k < 12; k++) {
        struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
        struct db_options options = fixture_options(fs);
        struct append_result result;
        struct findings findings;
        struct state state;
        struct db *db;
        options.wal_segment_bytes = 1 << 20;
        must(db_open(&options, &db));
        for (int i = 0; i < 4; i++) fixture_append(db, arena_format(&arena, "m i=%d", i).data, 1000, i);
        fs_faulty_plan(fs, FAULT_SYNC, k, EIO, UINT64_MAX);
        (void)db_freeze(db);
        fs_faulty_heal(fs);
        (void)fixture_try(db, "other x=1", 2000, 1, &result);
        (void)fixture_try(db, "other x=2", 2000, 1, &result);
        must(state_load(disk, &state));
        differ += vec_last(&state.heads)->registry != registry_number(head_registry(db->live));
        state_release(&state);
        fs_memory_crash(disk, CRASH_NONE, 1);
        db_abandon(db);
        must(check(disk, &findings));
        cr_expect(findings.count == 0, "sync %d: %s", (int)k, findings.first);
        fs_release(fs);
        fs_release(disk);
    }
    cr_expect(differ > 0, "it does not come to that");
}
