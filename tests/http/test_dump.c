/* varve dump: what it prints of a folder that a killed server left, whole and damaged. */
#include "storage/base/vec.h"
#include "storage/wal_format.h"
#include "tests/http/command.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tsdb/db.h"

#include <sys/stat.h>

static const struct command_case cases[] = {
    {"dump", 2, "varve: dump takes wal or block and files, or chunk, a block's file and the number of a series;"},
    {"dump block", 2, "varve: dump takes"},
    {"dump chunk data/block/00000004", 2, "varve: dump takes"},
    {"dump segment data/wal", 2, "varve: dump takes"},
    {"dump block nothing", 2, "varve: nothing: No such file or directory\n"},
    {"dump block state", 2, "varve: state: name the file with its folder, as in data/block/00000012\n"},
    {"dump block data/state", 2, "varve: data/state: a block is called block/NUMBER, with eight digits\n"},
    {"dump wal data/state", 2, "varve: data/state: a segment of the log is called wal/HEAD-SEGMENT\n"},
    {"dump block data/block/00000004", 0, "block/00000004\nblock 4 of heads 1 to 1, made at "},
    {"dump chunk data/block/00000004 3", 2,
     "varve: data/block/00000004: series are numbered from 0 to 2; \"3\" is none\n"},
    {"dump chunk data/block/00000004 x", 2, "varve: data/block/00000004: series are numbered from 0 to 2;"},
    {"dump chunk data/block/00000004 0", 0, "series 0 {__name__=\"dotted.name\", job=\"c\"}, "},
};

Test(dump, outcomes, .init = command_enter, .fini = command_leave)
{
    must(folder_write_file("state", STR("")));
    COMMAND_CHECK(cases);
}

static void expect_part(const char *words, int code, const char *const *parts, size_t count)
{
    struct arena arena = {0};
    int outcome;

    str output = command_run(words, &outcome, &arena);
    cr_expect(outcome == code, "%s: %d", words, outcome);
    for (size_t i = 0; i < count; i++)
        cr_expect(memmem(output.data, output.len, parts[i], strlen(parts[i])), "%s: no \"%s\" in\n%.*s", words,
                  parts[i], STR_ARG(output));
    arena_release(&arena);
}

#define EXPECT_PARTS(words, code, ...)                                          \
    do {                                                                        \
        static const char *const parts_[] = {__VA_ARGS__};                      \
        expect_part((words), (code), parts_, sizeof parts_ / sizeof parts_[0]); \
    } while (0)

Test(dump, a_block, .init = command_enter, .fini = command_leave)
{
    EXPECT_PARTS("dump block data/block/00000004", 0, "samples 6 from 1000 to 2000, of which 0 rich; series 3;",
                 "label __name__, 2 values\n", "label job, 2 values\n",
                 "series 1 {__name__=\"up\", job=\"a \\\"b\\\"\"}, ", ", 2 samples from 1000 to 2000, ");
    EXPECT_PARTS("dump chunk data/block/00000004 1", 0, "1.5 @1000\n2.5 @2000\n");
}

/* A log with registrations, samples, a histogram and metadata. */
static void make_log(void)
{
    struct db_options options = db_options_default();
    const int64_t times_ms[] = {5000, 5001};
    const uint64_t values[] = {double_bits(7), double_bits(0)};
    struct histogram h = {.schema = 1, .is_integer = true, .count = 3, .sum = 4, .zero_count = 3};
    const struct histogram *histograms[] = {NULL, &h};
    label pairs[][2] = {{{METRIC_NAME, STR("up")}, {STR("job"), STR("c")}},
                        {{METRIC_NAME, STR("h")}, {STR("x"), STR("y")}}};
    struct writer texts[2] = {0};
    struct append_series series[2];
    struct append_metadata metadata = {METRIC_GAUGE, STR("up"), STR("Is it?"), STR("s")};
    struct append_result result;
    struct db *db;

    for (uint32_t i = 0; i < 2; i++) {
        labels_write(pairs[i], 2, &texts[i]);
        series[i] = (struct append_series){str_make((const char *)texts[i].data, texts[i].count), i, 1};
    }
    struct append_batch batch = {.series = series,
                                 .series_count = 2,
                                 .times_ms = times_ms,
                                 .values = values,
                                 .histograms = histograms,
                                 .sample_count = 2,
                                 .metadata = &metadata,
                                 .metadata_count = 1};
    must(fs_open_folder("log", &options.fs));
    options.retention_ms = 0;
    options.background = false;
    must(db_open(&options, &db));
    must(db_append_wait(db, &batch, &result));
    cr_assert(result.stored == 2, "%s", result.error);
    db_abandon(db);
    fs_release(options.fs);
    for (int i = 0; i < 2; i++) writer_release(&texts[i]);
}

static void damage(const char *folder, const char *name, uint64_t at)
{
    struct fs *fs;
    struct file *file;
    uint8_t byte;

    must(fs_open_folder(folder, &fs));
    must(fs_open(fs, name, FS_WRITE, &file));
    must(file_read(file, at, &byte, 1));
    byte ^= 1;
    must(file_write(file, at, &(struct fs_span){&byte, 1}, 1));
    file_close(file);
    fs_release(fs);
}

Test(dump, a_log, .init = command_enter, .fini = command_leave)
{
    make_log();
    EXPECT_PARTS("dump wal log/wal/00000001-0000", 0,
                 "wal/00000001-0000: segment 0 of head 1\n@64 group 1, durable up to 0, ", " head with registry 2\n",
                 " registration\n    series 0 {__name__=\"up\", job=\"c\"}\n",
                 " samples, 1 rows\n    series 0 {__name__=\"up\", job=\"c\"} 7 @5000\n",
                 " rich samples, 1 rows\n    series 1 {__name__=\"h\", x=\"y\"} {count:3, sum:4, ",
                 " metadata\n    up type 2 unit \"s\" help \"Is it?\"\n");
    damage("log", "wal/00000001-0000", WAL_SEGMENT_HEADER_BYTES + WAL_GROUP_HEADER_BYTES + 1);
    EXPECT_PARTS("dump wal log/wal/00000001-0000", 1, "@112 damaged: a record does not match its checksum\n",
                 "samples, 1 rows\n");
}

Test(dump, a_damaged_block, .init = command_enter, .fini = command_leave)
{
    damage("data", "block/00000004", 70);
    EXPECT_PARTS("dump block data/block/00000004", 1, "damaged: block/00000004: at offset ", "series 2 ");
    damage("data", "block/00000004", 9);
    EXPECT_PARTS("dump block data/block/00000004", 2, "varve: block/00000004: the header at offset 0 does not match");
}
