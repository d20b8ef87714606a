/* Damaged files and failing disks under the whole engine: reported, never a wrong answer, nothing acknowledged lost. */
#include "storage/base/hash.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"
#include "tests/tsdb/fixture.h"
#include "tests/tsdb/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const int64_t start_ms = 1700000000000;

static unsigned reports; /* log lines that tell of damage or of what a crash left */

static void quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    if (memmem(line.data, line.len, "damaged", 7) || memmem(line.data, line.len, "crash left", 10) ||
        memmem(line.data, line.len, "state is", 8))
        reports++;
}

/* One sample for each series; what was answered well goes into the twin. */
static status append_round(struct twin *twin, struct db *db, int round, bool *all_stored)
{
    struct twin_batch batch = {0};
    struct append_result result;
    int64_t time_ms = start_ms + round * 15000;
    uint64_t value = double_bits(round);

    vec_each (series, &twin->series) twin_batch_add(&batch, series, false, &time_ms, &value, 1);
    struct append_batch view = twin_batch_view(&batch);
    status s = db_append_wait(db, &view, &result);
    *all_stored = !failed(s) && result.stored + result.repeated == twin->series.count;
    if (*all_stored) {
        vec_each (series, &twin->series) twin_store(series, time_ms, value);
    }
    twin_batch_release(&batch);
    return s;
}

/* What reading everything gives. */
struct reading {
    size_t rows, samples;
    uint64_t digest; /* of all labels, times and values, whatever the order of rows */
    bool failed;
};

static struct reading read_all(struct db *db)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct selection *selection;
    struct column_buffer buffer = {0};
    struct reading reading = {0};

    reading.failed = failed(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; !reading.failed && row < selection_count(selection); row++) {
        struct label_id pairs[LABELS_MAX];
        size_t count;
        samples got;
        uint64_t digest = 0;
        if (failed(selection_label_pairs(selection, row, pairs, &count)) ||
            !selection_read(selection, row, &buffer, &got)) {
            reading.failed = true;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            str name = snapshot_string(snapshot, pairs[i].name), value = snapshot_string(snapshot, pairs[i].value);
            digest = hash_mix(hash_mix(digest, hash_bytes(name.data, name.len)), hash_bytes(value.data, value.len));
        }
        for (size_t i = 0; i < got.count; i++)
            digest = hash_mix(hash_mix(digest, (uint64_t)got.times_ms[i]), double_bits(got.values[i]));
        reading.digest += digest;
        reading.rows += got.count > 0;
        reading.samples += got.count;
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    return reading;
}

/* A small folder: one block, a registry, a head with a log. */
static struct fs *make_folder(struct twin *twin, struct reading *expected)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct db *db;
    bool stored;

    twin_init(twin, 5, 12);
    cr_assert(!failed(db_open(&options, &db)));
    for (int i = 0; i < 130; i++) cr_assert(!failed(append_round(twin, db, i, &stored)) && stored);
    cr_assert(!failed(db_freeze(db)));
    for (int i = 130; i < 135; i++) cr_assert(!failed(append_round(twin, db, i, &stored)) && stored);
    *expected = read_all(db);
    cr_assert(!expected->failed && expected->rows == 12 && expected->samples == 12 * 135);
    struct timespec idle = {0, 250000000}; /* an idle log vouches for its last group */
    nanosleep(&idle, NULL);
    db_abandon(db);
    return fs;
}

static bool same(struct reading a, struct reading b)
{
    return a.rows == b.rows && a.samples == b.samples && a.digest == b.digest;
}

/* Flips one bit in each byte of the files of a folder, one after the other. The start never fails; what is read is the
 * truth, or an error, or (in the log) the truth without one request, and that is reported. */
static void flip_all(const char *folder, bool may_lose_a_request, bool must_report)
{
    struct twin twin;
    struct reading expected;
    struct fs *fs = make_folder(&twin, &expected);
    struct arena arena;
    str *names;
    size_t count;

    arena_init(&arena, NULL);
    cr_assert(!failed(fs_list(fs, folder, &arena, &names, &count)));
    for (size_t f = 0; f < count; f++) {
        char name[96];
        struct file *file;
        uint64_t size;
        if (str_equal(names[f], STR("lock"))) continue;
        snprintf(name, sizeof name, "%s%s%.*s", folder, folder[0] ? "/" : "", STR_ARG(names[f]));
        cr_assert(!failed(fs_open(fs, name, FS_READ, &file)) && !failed(file_size(file, &size)));
        file_close(file);
        for (uint64_t byte = 0; byte < size; byte += TEST_STEP) {
            struct fs *copy = fs_memory_copy(fs);
            struct db_options options = fixture_options(copy);
            struct db *db;
            unsigned before = reports;
            uint8_t was;
            cr_assert(fs_memory_peek(fs, name, byte, &was));
            bool unused = may_lose_a_request && was == 0; /* a log's segment is allocated ahead */
            cr_assert(fs_memory_flip(copy, name, byte, (unsigned)(byte % 8)));
            status s = db_open(&options, &db);
            cr_assert(!failed(s), "%s byte %d: %s", name, (int)byte, s.text);
            struct reading reading = read_all(db);
            bool reported = reports > before;
            bool lost = may_lose_a_request && reported && !reading.failed &&
                        reading.samples + twin.series.count >= expected.samples;
            cr_expect(reading.failed || same(reading, expected) || lost,
                      "%s byte %d: a wrong answer: %zu rows, %zu samples", name, (int)byte, reading.rows,
                      reading.samples);
            cr_expect(!must_report || reading.failed || reported || unused, "%s byte %d: not reported", name,
                      (int)byte);
            db_abandon(db);
            fs_release(copy);
        }
    }
    arena_release(&arena);
    twin_release(&twin);
    fs_release(fs);
}

Test(db_faults, flipped_bits_in_blocks)
{
    log_set_sink(quiet, NULL);
    flip_all("block", false, false);
}

Test(db_faults, flipped_bits_in_the_log)
{
    log_set_sink(quiet, NULL);
    flip_all("wal", true, true);
}

Test(db_faults, flipped_bits_in_the_registry)
{
    log_set_sink(quiet, NULL);
    flip_all("registry", false, true);
}

Test(db_faults, flipped_bits_in_the_state)
{
    log_set_sink(quiet, NULL);
    flip_all("", false, true);
}

/* What a reader that can pass on warnings gets: never an error, never a wrong sample, and a warning where any is
 * missing, unless the start has reported it. Returns how many samples there are. */
static size_t expect_told(struct db *db, const struct reading *expected, bool is_reported, const char *name,
                          uint64_t byte)
{
    struct select_request request = {NULL, 0, INT64_MIN, INT64_MAX};
    struct column_buffer buffer = {0};
    str lines[SNAPSHOT_WARNINGS_MAX];
    size_t count, found = 0;
    bool again = true;

    for (int attempt = 0; again; attempt++) {
        struct snapshot *snapshot = db_snapshot(db, NULL);
        struct selection *selection;
        found = 0;
        snapshot_tolerate_damage(snapshot);
        status s = snapshot_select(snapshot, &request, &selection);
        for (uint32_t row = 0; !failed(s) && row < selection_count(selection); row++) {
            struct label_id pairs[LABELS_MAX];
            samples got;
            if (failed(s = selection_label_pairs(selection, row, pairs, &count))) break;
            cr_assert(selection_read(selection, row, &buffer, &got), "%s byte %d: %s", name, (int)byte,
                      buffer.error.text);
            for (size_t i = 0; i < got.count; i++)
                cr_assert(got.times_ms[i] == start_ms + (int64_t)got.values[i] * 15000, "%s byte %d: a wrong sample",
                          name, (int)byte);
            found += got.count;
        }
        again = failed(s);
        cr_assert(!again || (attempt == 0 && snapshot_met_damage(snapshot)), "%s byte %d: %s", name, (int)byte, s.text);
        if (!again)
            cr_expect(found == expected->samples || is_reported || snapshot_warnings(snapshot, lines) > 0,
                      "%s byte %d: %zu samples and no warning", name, (int)byte, found);
        snapshot_release(snapshot);
    }
    column_buffer_release(&buffer);
    return found;
}

/* The name of the only block. */
static void find_block(struct fs *fs, char name[32])
{
    struct arena arena;
    str *names;
    size_t count;

    arena_init(&arena, NULL);
    cr_assert(!failed(fs_list(fs, "block", &arena, &names, &count)) && count == 1);
    snprintf(name, 32, "block/%.*s", STR_ARG(names[0]));
    arena_release(&arena);
}

Test(db_faults, flipped_bits_in_blocks_are_told_in_warnings)
{
    struct twin twin;
    struct reading expected;
    char name[32];
    uint8_t was;

    log_set_sink(quiet, NULL);
    struct fs *fs = make_folder(&twin, &expected);
    find_block(fs, name);
    for (uint64_t byte = 0; fs_memory_peek(fs, name, byte, &was); byte += TEST_STEP) {
        struct fs *copy = fs_memory_copy(fs);
        struct db_options options = fixture_options(copy);
        struct db *db;
        cr_assert(fs_memory_flip(copy, name, byte, (unsigned)(byte % 8)));
        cr_assert(!failed(db_open(&options, &db)));
        expect_told(db, &expected, false, "block", byte);
        db_abandon(db);
        fs_release(copy);
    }
    twin_release(&twin);
    fs_release(fs);
}

/* A block that is gone altogether, as if by hand. */
Test(db_faults, a_missing_block_is_told_in_warnings)
{
    struct twin twin;
    struct reading expected;
    struct db *db;
    char name[32];

    log_set_sink(quiet, NULL);
    struct fs *fs = make_folder(&twin, &expected);
    struct db_options options = fixture_options(fs);
    find_block(fs, name);
    cr_assert(!failed(fs_unlink(fs, name)));
    cr_assert(!failed(db_open(&options, &db)));
    cr_expect(read_all(db).failed);
    expect_told(db, &expected, false, "block", 0);
    cr_assert(!failed(db_close(db)));
    twin_release(&twin);
    fs_release(fs);
}

enum { LARGE_SERIES = 120, LARGE_ROUNDS = 500, DAMAGES = 120, DAMAGES_LONG = 20000, PIECE = 4096 };

/* Several blocks, a registry, a head with a log. */
static struct fs *make_large_folder(struct twin *twin, struct reading *expected)
{
    struct fs *fs = fs_memory_new();
    struct db_options options = fixture_options(fs);
    struct db *db;
    bool stored;

    twin_init(twin, 6, LARGE_SERIES);
    cr_assert(!failed(db_open(&options, &db)));
    for (int i = 0; i < LARGE_ROUNDS; i++) {
        cr_assert(!failed(append_round(twin, db, i, &stored)) && stored);
        if (i % 150 == 149) cr_assert(!failed(db_freeze(db)));
    }
    *expected = read_all(db);
    cr_assert(!expected->failed && expected->samples == (size_t)LARGE_SERIES * LARGE_ROUNDS);
    db_abandon(db);
    return fs;
}

enum damage { FLIPPED_BIT, ZEROED_PIECE, SWAPPED_PIECES, CUT_FILE, LOST_FILE, DAMAGE_KINDS };

/* One place of damage in a file; what it was, as text. */
static const char *do_damage(struct fs *fs, const char *name, enum damage what, uint64_t random)
{
    struct file *file;
    uint64_t size;
    static uint8_t one[PIECE], other[PIECE];
    static const uint8_t zeros[PIECE];

    if (what == LOST_FILE) {
        cr_assert(!failed(fs_unlink(fs, name)));
        return "is lost";
    }
    cr_assert(!failed(fs_open(fs, name, FS_WRITE, &file)) && !failed(file_size(file, &size)) && size > 0);
    uint64_t at = hash_mix(random, 1) % size, second = hash_mix(random, 2) % size;
    size_t piece = size < PIECE ? (size_t)size : PIECE;
    at = at > size - piece && what != FLIPPED_BIT ? size - piece : at;
    second = second > size - piece ? size - piece : second;
    if (what == CUT_FILE) cr_assert(!failed(file_truncate(file, at)));
    if (what == ZEROED_PIECE) cr_assert(!failed(file_write(file, at, &(struct fs_span){zeros, piece}, 1)));
    if (what == SWAPPED_PIECES) {
        cr_assert(!failed(file_read(file, at, one, piece)) && !failed(file_read(file, second, other, piece)));
        cr_assert(!failed(file_write(file, at, &(struct fs_span){other, piece}, 1)));
        cr_assert(!failed(file_write(file, second, &(struct fs_span){one, piece}, 1)));
    }
    if (what == FLIPPED_BIT) {
        cr_assert(!failed(file_read(file, at, one, 1)));
        one[0] = (uint8_t)(one[0] ^ 1u << (random >> 60 & 7));
        cr_assert(!failed(file_write(file, at, &(struct fs_span){one, 1}, 1)));
    }
    file_close(file);
    static const char *const texts[] = {"has a flipped bit", "has a zeroed piece", "has swapped pieces", "is cut"};
    return texts[what];
}

typedef vec(str) file_names;

static void list_files(struct fs *fs, struct arena *arena, file_names *out)
{
    static const char *const folders[] = {"", "block", "registry", "wal"};

    for (size_t f = 0; f < sizeof folders / sizeof folders[0]; f++) {
        str *names;
        size_t count;
        cr_assert(!failed(fs_list(fs, folders[f], arena, &names, &count)));
        for (size_t i = 0; i < count; i++) {
            if (str_equal(names[i], STR("lock"))) continue;
            vec_push(out, arena_format(arena, "%s%s%.*s", folders[f], folders[f][0] ? "/" : "", STR_ARG(names[i])));
        }
    }
}

/* What is in a file, as a number; 0 if it is not there. */
static uint64_t digest_of(struct fs *fs, const char *name)
{
    struct arena arena;
    str content;

    arena_init(&arena, NULL);
    uint64_t digest =
        failed(fs_read_file(fs, name, 64 << 20, &arena, &content)) ? 0 : hash_bytes(content.data, content.len) | 1;
    arena_release(&arena);
    return digest;
}

/* Damage anywhere in a folder of some size: the check finds it, the folder opens, shows nothing that is wrong, and says
 * where something is missing. A flipped bit costs at most a chunk or a request. Of a log nobody can say whether its end
 * is missing, and its last segment has bytes that are not used yet. */
Test(db_faults, random_damage, .timeout = 3600)
{
    int count = getenv("VARVE_LONG") ? DAMAGES_LONG : TEST_REPEATS(DAMAGES);
    struct twin twin;
    struct reading expected;
    struct arena arena;
    file_names names = {0};

    log_set_sink(quiet, NULL);
    arena_init(&arena, NULL);
    struct fs *fs = make_large_folder(&twin, &expected);
    list_files(fs, &arena, &names);
    cr_assert(names.count >= 6);
    for (int i = 0; i < count; i++) {
        uint64_t random = hash_mix(0x5eed, (uint64_t)i);
        const char *name = names.data[random % names.count].data;
        enum damage what = i % 2 ? FLIPPED_BIT : (enum damage)(random >> 32 & 0xFF) % DAMAGE_KINDS;
        struct fs *copy = fs_memory_copy(fs);
        struct db_options options = fixture_options(copy);
        unsigned before = reports;
        struct db *db;
        const char *text = do_damage(copy, name, what, random);
        char finding[FIXTURE_FINDING_BYTES];
        fixture_check(copy, finding);
        fs_memory_crash(copy, CRASH_NONE, 0); /* gives up the lock */
        bool is_log = str_starts_with(str_from(name), STR("wal/"));
        cr_expect(finding[0] || is_log || digest_of(copy, name) == digest_of(fs, name),
                  "damage %d: %s %s: the check finds nothing", i, name, text);
        status s = db_open(&options, &db);
        cr_assert(!failed(s), "damage %d: %s %s: %s", i, name, text, s.text);
        bool may_be_silent = what != FLIPPED_BIT && is_log;
        str place = arena_format(&arena, "%s %s", name, text);
        size_t found = expect_told(db, &expected, may_be_silent || reports > before, place.data, (uint64_t)i);
        size_t lost = expected.samples - found;
        cr_expect(what != FLIPPED_BIT || lost <= 150, "damage %d: %s %s: %zu samples are lost", i, name, text, lost);
        db_abandon(db);
        fs_release(copy);
    }
    vec_release(&names);
    arena_release(&arena);
    twin_release(&twin);
    fs_release(fs);
}

/* Files that are cut, replaced or taken away under a running engine. */
Test(db_faults, damage_while_running)
{
    struct twin twin;
    struct reading expected;
    struct arena arena;
    char name[32];

    log_set_sink(quiet, NULL);
    arena_init(&arena, NULL);
    for (int what = 0; what < DAMAGE_KINDS; what++) {
        const char *path;
        struct fs *memory = make_folder(&twin, &expected), *fs;
        struct db *db;
        file_names names = {0};
        find_block(memory, name);
        cr_assert(!failed(folder_make_temporary(&arena, &path)) && !failed(fs_open_folder(path, &fs)));
        cr_assert(!failed(fs_make_folder(fs, "block")) && !failed(fs_make_folder(fs, "wal")) &&
                  !failed(fs_make_folder(fs, "registry")));
        list_files(memory, &arena, &names);
        vec_each (file, &names) {
            str content;
            cr_assert(!failed(fs_read_file(memory, file->data, 64 << 20, &arena, &content)));
            cr_assert(!failed(fs_replace_file(fs, file->data, content)));
        }
        struct db_options options = fixture_options(fs);
        options.cache_bytes = 1; /* all is read from the file each time */
        cr_assert(!failed(db_open(&options, &db)));
        do_damage(fs, name, (enum damage)what, 7);
        expect_told(db, &expected, false, name, (uint64_t)what);
        bool stored;
        cr_assert(!failed(append_round(&twin, db, LARGE_ROUNDS, &stored)) && stored, "writes go on");
        db_abandon(db);
        vec_release(&names);
        twin_release(&twin);
        fs_release(fs);
        fs_release(memory);
    }
    arena_release(&arena);
}

/* The k-th call of a kind fails, once or for good: what was answered well is there, in memory and after a restart, and
 * the engine works again when the disk does. */
static void fail_calls(unsigned calls, uint64_t repeat)
{
    for (uint64_t k = 1; k < 60; k++) {
        struct fs *disk = fs_memory_new();
        struct fs *fs = fs_faulty_new(disk);
        struct db_options options = fixture_options(fs);
        struct twin twin;
        struct db *db;
        bool stored;

        twin_init(&twin, 9, 12);
        cr_assert(!failed(db_open(&options, &db)));
        fs_faulty_plan(fs, calls, k, k % 2 ? EIO : ENOSPC, repeat);
        for (int i = 0; i < 40; i++) {
            for (int attempt = 0; attempt < 3; attempt++) {
                (void)append_round(&twin, db, i, &stored);
                if (stored) break;
                (void)db_maintain(db);
            }
            if (i % 5 == 4) (void)db_freeze(db);
            if (i % 10 == 9) (void)db_compact(db);
        }
        twin_check_stored(&twin, db);
        fs_faulty_heal(fs);
        for (int i = 40; i < 45; i++) {
            for (int attempt = 0; attempt < 3; attempt++) {
                status s = append_round(&twin, db, i, &stored);
                if (stored) break;
                cr_assert(attempt < 2, "call %d: it does not recover: %s", (int)k, s.text);
                (void)db_maintain(db);
            }
        }
        twin_check_stored(&twin, db);
        if (k % 2) {
            fixture_close(db);
        } else {
            fs_memory_crash(disk, CRASH_STRICT, k);
            db_abandon(db);
        }
        options.fs = disk;
        twin_check_folder(disk);
        status s = db_open(&options, &db);
        cr_assert(!failed(s), "call %d: %s", (int)k, s.text);
        twin_check_stored(&twin, db);
        db_abandon(db);
        twin_release(&twin);
        fs_release(fs);
        fs_release(disk);
    }
}

Test(db_faults, one_write_fails)
{
    log_set_sink(quiet, NULL);
    fail_calls(FAULT_WRITE, 0);
}

Test(db_faults, one_sync_fails)
{
    log_set_sink(quiet, NULL);
    fail_calls(FAULT_SYNC | FAULT_SYNC_FOLDER, 0);
}

Test(db_faults, one_change_fails)
{
    log_set_sink(quiet, NULL);
    fail_calls(FAULT_CHANGES, 0);
}

Test(db_faults, the_disk_fails_for_a_while)
{
    log_set_sink(quiet, NULL);
    fail_calls(FAULT_CHANGES, 25);
}

Test(db_faults, the_disk_fails_for_good)
{
    log_set_sink(quiet, NULL);
    fail_calls(FAULT_CHANGES, UINT64_MAX);
}
