/* Reading the log: places that are torn and places that are damaged, one by one, in logs made by hand. */
#include "storage/wal_read.h"

#include "storage/base/vec.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal.h"
#include "storage/wal_format.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <errno.h>
#include <stdio.h>

enum { HEAD = 3, GROUPS = 4, RECORDS_PER_GROUP = 2, TYPE = 7, RUNNING_BOOT = 100, OTHER_BOOT = 99, ZEROS = 512 };

/* A log being written: groups of two records whose payload is their number, the whole in one segment after another. */
struct log {
    struct fs *fs;
    uint64_t boot;
    uint32_t segment;
    uint64_t sequence;   /* of the last group */
    struct writer bytes; /* of the segment */
    size_t at[32];       /* where each group of the segment begins, by sequence */
};

static void start_segment(struct log *log)
{
    uint8_t header[WAL_SEGMENT_HEADER_BYTES];

    log->bytes.count = 0;
    wal_segment_header(header, HEAD, log->segment, log->boot);
    writer_bytes(&log->bytes, header, sizeof header);
}

static void add_group(struct log *log, uint64_t synced)
{
    struct writer records = {0};
    uint8_t header[WAL_GROUP_HEADER_BYTES];

    for (uint64_t i = 0; i < RECORDS_PER_GROUP; i++) {
        uint64_t number = log->sequence * RECORDS_PER_GROUP + i;
        record_write(&records, TYPE, &number, sizeof number);
    }
    log->sequence++;
    log->at[log->sequence] = log->bytes.count;
    wal_group_header(header, &(struct wal_group){log->sequence, synced, log->boot, records.count});
    writer_bytes(&log->bytes, header, sizeof header);
    writer_bytes(&log->bytes, records.data, records.count);
    writer_u64(&log->bytes, ~log->sequence);
    log->at[log->sequence + 1] = log->bytes.count;
    writer_release(&records);
}

static void end_segment(struct log *log, size_t zeros)
{
    char name[WAL_NAME_BYTES];

    memset(writer_reserve(&log->bytes, zeros), 0, zeros);
    log->bytes.count += zeros;
    wal_name(name, HEAD, log->segment++);
    must(fs_replace_file(log->fs, name, str_make((const char *)log->bytes.data, log->bytes.count)));
}

/* A segment of groups, each of which calls those before it synced. */
static void add_segment(struct log *log, unsigned groups)
{
    start_segment(log);
    for (unsigned i = 0; i < groups; i++) add_group(log, log->sequence);
    end_segment(log, ZEROS);
}

static struct log open_log(uint64_t boot)
{
    wal_set_boot_id(RUNNING_BOOT);
    return (struct log){.fs = fs_memory_new(), .boot = boot};
}

static void close_log(struct log *log)
{
    writer_release(&log->bytes);
    fs_release(log->fs);
}

struct reading {
    unsigned records, damaged, torn;
    uint64_t last; /* number read last */
    bool in_order;
    struct wal_end end;
    char finding[200]; /* the last one */
};

static status take_record(void *context, const struct record *record)
{
    struct reading *reading = context;

    cr_assert(record->type == TYPE && record->stored_bytes == 8);
    uint64_t number = load_u64(record->stored);
    if (reading->records && number <= reading->last) reading->in_order = false;
    reading->last = number;
    reading->records++;
    return ok();
}

static void take_finding(void *context, const char *file, uint64_t at, bool damaged, const char *sentence)
{
    struct reading *reading = context;

    reading->damaged += damaged;
    reading->torn += !damaged;
    snprintf(reading->finding, sizeof reading->finding, "%s at %d of %s", sentence, (int)at, file);
}

static struct reading read_log(struct fs *fs)
{
    struct reading reading = {.in_order = true};
    struct wal_visitor visitor = {&reading, take_record, take_finding};

    must(wal_read(fs, HEAD, &visitor, &reading.end));
    return reading;
}

static void flip(struct log *log, size_t at)
{
    log->bytes.data[at] ^= 0x10;
}

static void zero(struct log *log, size_t from, size_t to)
{
    memset(log->bytes.data + from, 0, to - from);
}

static void intact(struct log *log)
{
    (void)log;
}

static void record_of_group_2(struct log *log)
{
    flip(log, log->at[2] + WAL_GROUP_HEADER_BYTES + 25);
}

static void record_of_last_group(struct log *log)
{
    flip(log, log->at[4] + WAL_GROUP_HEADER_BYTES + 25);
}

static void header_of_group_2(struct log *log)
{
    flip(log, log->at[2] + 9);
}

static void header_of_last_group(struct log *log)
{
    flip(log, log->at[4] + 9);
}

static void no_header_of_last_group(struct log *log)
{
    zero(log, log->at[4], log->at[4] + WAL_GROUP_HEADER_BYTES);
}

static void trailer_of_group_2(struct log *log)
{
    flip(log, log->at[3] - 1);
}

static void trailer_of_last_group(struct log *log)
{
    zero(log, log->at[5] - WAL_TRAILER_BYTES, log->at[5]);
}

static void no_records_of_last_group(struct log *log)
{
    zero(log, log->at[4] + WAL_GROUP_HEADER_BYTES, log->at[5]);
}

static void no_group_2(struct log *log)
{
    zero(log, log->at[2], log->at[3]);
}

static void no_last_groups(struct log *log)
{
    zero(log, log->at[3], log->at[5]);
}

static void garbage_behind(struct log *log)
{
    for (int i = 0; i < 100; i++) writer_u8(&log->bytes, (uint8_t)(i | 1));
    while (log->bytes.count % 8) writer_u8(&log->bytes, 1);
}

static void one_byte_behind(struct log *log)
{
    writer_u64(&log->bytes, 1);
}

static void segment_header(struct log *log)
{
    flip(log, 20);
}

/* Eight bytes too many, so that a good header lies closer behind the place than a header's length. */
static void shifted_group(struct log *log)
{
    writer_u64(&log->bytes, 0);
    memmove(log->bytes.data + log->at[3] + 8, log->bytes.data + log->at[3], log->bytes.count - 8 - log->at[3]);
    store_u64(log->bytes.data + log->at[3], 0x55);
}

static void length_of_group_2(struct log *log)
{
    uint8_t *at = log->bytes.data + log->at[2];
    struct wal_group group;

    cr_assert(wal_is_group_header(at, &group));
    group.bytes = 1 << 20;
    wal_group_header(at, &group);
}

/* What is expected of a log of four groups of two records under another boot, and under the running one: records,
 * damaged and torn places. */
static const struct {
    const char *name;
    void (*break_it)(struct log *log);
    struct {
        unsigned records, damaged, torn;
    } other, running;
} cases[] = {
    {"intact", intact, {8, 0, 0}, {8, 0, 0}},
    {"a record of a group that is vouched for", record_of_group_2, {7, 1, 0}, {7, 1, 0}},
    {"a record of the last group", record_of_last_group, {6, 0, 1}, {7, 1, 0}},
    {"the header of a group that is vouched for", header_of_group_2, {8, 1, 0}, {8, 1, 0}},
    {"the header of the last group", header_of_last_group, {6, 0, 1}, {8, 1, 0}},
    {"the last group without its header", no_header_of_last_group, {6, 0, 1}, {8, 1, 0}},
    {"the trailer of a group that is vouched for", trailer_of_group_2, {8, 1, 0}, {8, 1, 0}},
    {"the last group without its trailer", trailer_of_last_group, {6, 0, 1}, {6, 0, 1}},
    {"the last group's header alone", no_records_of_last_group, {6, 0, 2}, {6, 0, 2}},
    {"a group of zeros", no_group_2, {6, 1, 0}, {6, 1, 0}},
    {"the last groups never came", no_last_groups, {4, 0, 0}, {4, 0, 0}},
    {"garbage behind the last group", garbage_behind, {8, 0, 1}, {8, 1, 0}},
    {"one byte behind the last group", one_byte_behind, {8, 0, 1}, {8, 0, 1}},
    {"the segment's header", segment_header, {8, 1, 0}, {8, 1, 0}},
    {"a group eight bytes too late", shifted_group, {8, 1, 0}, {8, 1, 0}},
    {"the length of a group that is vouched for", length_of_group_2, {8, 1, 0}, {8, 1, 0}},
};

Test(wal_read, places_one_by_one)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t boot = OTHER_BOOT; boot <= RUNNING_BOOT; boot++) {
            struct log log = open_log(boot);
            start_segment(&log);
            for (unsigned g = 0; g < GROUPS; g++) add_group(&log, log.sequence);
            cases[i].break_it(&log);
            end_segment(&log, ZEROS);
            struct reading got = read_log(log.fs);
            const char *name = cases[i].name;
            unsigned records = boot == OTHER_BOOT ? cases[i].other.records : cases[i].running.records;
            unsigned damaged = boot == OTHER_BOOT ? cases[i].other.damaged : cases[i].running.damaged;
            unsigned torn = boot == OTHER_BOOT ? cases[i].other.torn : cases[i].running.torn;
            cr_expect(got.records == records && (got.in_order || got.damaged), "%s, boot %d: %u records", name,
                      (int)boot, got.records);
            cr_expect(got.damaged == damaged && got.torn == torn, "%s, boot %d: %u damaged, %u torn (%s)", name,
                      (int)boot, got.damaged, got.torn, got.finding);
            cr_expect(got.end.next_segment == 1, "%s", name);
            cr_expect(got.end.next_sequence > (records == 4 ? 2 : 4), "%s: sequence %d would come again", name,
                      (int)got.end.next_sequence);
            close_log(&log);
        }
    }
}

Test(wal_read, no_log)
{
    struct log log = open_log(RUNNING_BOOT);
    struct reading got = read_log(log.fs);

    cr_expect(got.records == 0 && got.damaged + got.torn == 0);
    cr_expect(got.end.next_segment == 0 && got.end.next_sequence == 1 && got.end.bytes == 0);
    close_log(&log);
}

Test(wal_read, missing_segments)
{
    static const struct {
        const char *name;
        unsigned missing, records, damaged;
    } rows[] = {{"none", 4, 16, 0}, {"the first", 0, 12, 1}, {"one in the middle", 2, 12, 1}, {"the last", 3, 12, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct log log = open_log(OTHER_BOOT);
        char name[WAL_NAME_BYTES];
        for (unsigned s = 0; s < 4; s++) add_segment(&log, 2);
        wal_name(name, HEAD, rows[i].missing);
        if (rows[i].missing < 4) must(fs_unlink(log.fs, name));
        struct reading got = read_log(log.fs);
        cr_expect(got.records == rows[i].records && got.in_order, "%s: %u records", rows[i].name, got.records);
        cr_expect((got.damaged > 0) == rows[i].damaged && got.torn == 0, "%s: %u damaged, %u torn", rows[i].name,
                  got.damaged, got.torn);
        cr_expect(got.end.next_segment == (rows[i].missing == 3 ? 3 : 4), "%s", rows[i].name);
        close_log(&log);
    }
}

/* A file cut at any length: every whole group before the cut is read. As soon as a later segment proves that groups
 * that were cut had been durable they are damaged, and every record before the cut is read. */
static void cut_everywhere(bool followed)
{
    enum { RECORD_BYTES = RECORD_HEADER_BYTES + 8 };
    struct log log = open_log(OTHER_BOOT);
    size_t records_end[GROUPS * RECORDS_PER_GROUP], last_end;
    struct file *file;
    uint64_t size;

    start_segment(&log);
    for (unsigned g = 0; g < GROUPS; g++) add_group(&log, log.sequence);
    for (unsigned i = 0; i < GROUPS * RECORDS_PER_GROUP; i++)
        records_end[i] =
            log.at[1 + i / RECORDS_PER_GROUP] + WAL_GROUP_HEADER_BYTES + (1 + i % RECORDS_PER_GROUP) * RECORD_BYTES;
    last_end = log.at[GROUPS + 1];
    end_segment(&log, ZEROS);
    if (followed) add_segment(&log, 1);
    must(fs_open(log.fs, "wal/00000003-0000", FS_WRITE, &file));
    must(file_size(file, &size));
    while (size > 0) {
        unsigned whole = 0;
        must(file_truncate(file, --size));
        struct reading got = read_log(log.fs);
        if (followed) {
            while (whole < GROUPS * RECORDS_PER_GROUP && records_end[whole] <= size) whole++;
        } else {
            while (whole < GROUPS * RECORDS_PER_GROUP && log.at[2 + whole / RECORDS_PER_GROUP] <= size) whole++;
        }
        cr_expect(got.records == whole + (followed ? RECORDS_PER_GROUP : 0), "cut at %d: %u records, expected %u",
                  (int)size, got.records, whole);
        cr_expect((got.damaged > 0) == (followed && size < last_end), "cut at %d: %u damaged, %u torn (%s)", (int)size,
                  got.damaged, got.torn, got.finding);
    }
    file_close(file);
    close_log(&log);
}

Test(wal_read, short_files)
{
    cut_everywhere(false);
    cut_everywhere(true);
}

/* Segments are read by number, also where their names sort otherwise. */
Test(wal_read, many_segments)
{
    struct log log = open_log(OTHER_BOOT);

    log.segment = 9998;
    for (int i = 0; i < 5; i++) add_segment(&log, 1);
    struct reading got = read_log(log.fs);
    cr_expect(got.records == 10 && got.in_order && got.end.next_segment == 10003, "the next is %u",
              got.end.next_segment);
    cr_expect(got.damaged == 1, "%u damaged: only those before segment 9998 are missing", got.damaged);
    close_log(&log);
}

Test(wal_read, other_files_are_passed_over)
{
    struct log log = open_log(OTHER_BOOT);

    add_segment(&log, 2);
    must(fs_replace_file(log.fs, "wal/00000004-0000", STR("another head's")));
    must(fs_replace_file(log.fs, "wal/3-0", STR("nobody's")));
    must(fs_replace_file(log.fs, "wal/notes", STR("nobody's")));
    struct reading got = read_log(log.fs);
    cr_expect(got.records == 4 && got.damaged + got.torn == 0 && got.end.next_segment == 1);
    close_log(&log);
}

/* An error of the disk is no damage: it comes back, and nothing is told. */
Test(wal_read, errors_come_back)
{
    static const unsigned calls[] = {FAULT_OPEN, FAULT_READ};

    for (size_t c = 0; c < 2; c++) {
        struct log log = open_log(OTHER_BOOT);
        for (unsigned s = 0; s < 3; s++) add_segment(&log, 2);
        for (uint64_t k = 1; k <= 3; k++) {
            struct reading reading = {0};
            struct wal_visitor visitor = {&reading, take_record, take_finding};
            struct fs *faulty = fs_faulty_new(log.fs);
            fs_faulty_plan(faulty, calls[c], k, EIO, 0);
            status s = wal_read(faulty, HEAD, &visitor, &reading.end);
            cr_expect(s.code == STATUS_IO && reading.damaged + reading.torn == 0, "call %d: %s", (int)k, s.text);
            fs_release(faulty);
        }
        close_log(&log);
    }
}

static status stop_at_three(void *context, const struct record *record)
{
    unsigned *count = context;

    (void)record;
    return ++*count == 3 ? status_make(STATUS_CANCELED, "enough") : ok();
}

Test(wal_read, the_visitor_may_stop)
{
    struct log log = open_log(OTHER_BOOT);
    unsigned count = 0;
    struct wal_visitor visitor = {&count, stop_at_three, NULL};
    struct wal_end end;

    add_segment(&log, 4);
    cr_expect(wal_read(log.fs, HEAD, &visitor, &end).code == STATUS_CANCELED && count == 3);
    close_log(&log);
}

static void no_outcome(void *context, status s)
{
    (void)context;
    (void)s;
}

/* A torn group stays torn: what is written after a restart does not make damage of it. */
Test(wal_read, torn_for_ever)
{
    struct log log = open_log(OTHER_BOOT);

    start_segment(&log);
    for (unsigned g = 0; g < GROUPS; g++) add_group(&log, log.sequence);
    record_of_last_group(&log);
    trailer_of_last_group(&log);
    end_segment(&log, ZEROS);
    for (int restart = 0; restart < 3; restart++) {
        struct reading got = read_log(log.fs);
        struct wal *wal;
        cr_expect(got.damaged == 0 && got.torn == 2, "after %d restarts: %u damaged, %u torn", restart, got.damaged,
                  got.torn);
        struct wal_options options = {.fs = log.fs,
                                      .head = HEAD,
                                      .first_segment = got.end.next_segment,
                                      .first_sequence = got.end.next_sequence,
                                      .torn_groups = got.end.torn_groups,
                                      .segment_bytes = 4096};
        must(wal_open(&options, &wal));
        for (uint64_t i = 0; i < 3; i++) {
            struct wal_batch batch = {0};
            uint64_t number = 100 + (uint64_t)restart * 10 + i;
            wal_batch_add(&batch, TYPE, false, &number, sizeof number);
            wal_commit(wal, &batch, no_outcome, NULL);
        }
        must(wal_close(wal));
    }
    struct reading got = read_log(log.fs);
    cr_expect(got.records == 6 + 9 && got.in_order && got.damaged == 0);
    cr_assert(fs_memory_flip(log.fs, "wal/00000003-0000", log.at[2] + WAL_GROUP_HEADER_BYTES + 25, 1));
    got = read_log(log.fs);
    cr_expect(got.records == 5 + 9 && got.damaged == 1 && got.torn == 2, "a group before the torn one was durable");
    close_log(&log);
}

/* Bytes without order behind a good header: reading ends, and reads nothing beyond the file. */
Test(wal_read, hostile_segments)
{
    uint64_t random = 1;

    for (int round = 0; round < 300; round++) {
        struct log log = open_log(round % 2 ? RUNNING_BOOT : OTHER_BOOT);
        start_segment(&log);
        for (unsigned g = 0; g < GROUPS; g++) add_group(&log, log.sequence);
        for (int hits = 0; hits < 6; hits++) {
            size_t words = log.bytes.count / 8, place = random_below(&random, words),
                   from = random_below(&random, words);
            size_t most = words - (place > from ? place : from),
                   bytes = 8 * (size_t)random_below(&random, most % 20 + 1);
            place *= 8;
            from *= 8;
            memmove(log.bytes.data + place, log.bytes.data + from, bytes); /* pieces in wrong places */
        }
        end_segment(&log, round % 3 ? ZEROS : 0);
        (void)read_log(log.fs);
        close_log(&log);
    }
}
