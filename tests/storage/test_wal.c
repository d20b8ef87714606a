/* The write-ahead log: what was answered is read back, after power cuts of every model, failures and flipped bits. */
#include "storage/wal.h"

#include "storage/base/vec.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/wal_format.h"
#include "storage/wal_read.h"
#include "tests/support/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { HEAD = 3, WRITERS = 4, TYPE = 7 };

/* A batch's payload is its number, repeated to a length that depends on it. */
static size_t payload_make(uint64_t number, uint64_t *out)
{
    size_t words = 1 + (size_t)(number * 2654435761u % 40);

    for (size_t i = 0; i < words; i++) out[i] = number;
    return words * sizeof *out;
}

struct outcome {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool called;
    status s;
};

static void outcome_done(void *context, status s)
{
    struct outcome *outcome = context;

    pthread_mutex_lock(&outcome->mutex);
    outcome->called = true;
    outcome->s = s;
    pthread_cond_signal(&outcome->changed);
    pthread_mutex_unlock(&outcome->mutex);
}

static status commit_batch(struct wal *wal, struct wal_batch *batch)
{
    struct outcome outcome = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, ok()};

    wal_commit(wal, batch, outcome_done, &outcome);
    pthread_mutex_lock(&outcome.mutex);
    while (!outcome.called) pthread_cond_wait(&outcome.changed, &outcome.mutex);
    pthread_mutex_unlock(&outcome.mutex);
    return outcome.s;
}

static status commit_number(struct wal *wal, uint64_t number)
{
    struct wal_batch batch = {0};
    uint64_t words[64];
    size_t bytes = payload_make(number, words);

    wal_batch_add(&batch, TYPE, number % 16 == 0, words, bytes);
    return commit_batch(wal, &batch);
}

static struct wal *open_log(struct fs *fs, const struct wal_end *end, uint32_t segment_bytes)
{
    struct wal_options options = {.fs = fs,
                                  .head = HEAD,
                                  .first_segment = end ? end->next_segment : 0,
                                  .first_sequence = end ? end->next_sequence : 1,
                                  .torn_groups = end ? end->torn_groups : 0,
                                  .segment_bytes = segment_bytes};
    struct wal *wal;

    status s = wal_open(&options, &wal);
    cr_assert(!failed(s), "%s", s.text);
    return wal;
}

struct content {
    vec(unsigned char) seen; /* how often each number was read */
    unsigned damaged, torn;
};

static status content_record(void *context, const struct record *record)
{
    struct content *content = context;
    struct writer scratch = {0};
    const uint8_t *payload;
    size_t bytes;
    uint64_t words[64];

    cr_assert(record_payload(record, &scratch, &payload, &bytes) && record->type == TYPE);
    uint64_t number = load_u64(payload);
    cr_assert(bytes == payload_make(number, words) && memcmp(words, payload, bytes) == 0, "a changed record");
    while (content->seen.count <= number) vec_push(&content->seen, 0);
    content->seen.data[number]++;
    writer_release(&scratch);
    return ok();
}

static void content_finding(void *context, const char *file, uint64_t at, bool damaged, const char *sentence)
{
    struct content *content = context;

    (void)file;
    (void)at;
    (void)sentence;
    if (damaged) {
        content->damaged++;
    } else {
        content->torn++;
    }
}

static struct wal_end read_log(struct fs *fs, struct content *content)
{
    struct wal_visitor visitor = {content, content_record, content_finding};
    struct wal_end end;

    *content = (struct content){0};
    status s = wal_read(fs, HEAD, &visitor, &end);
    cr_assert(!failed(s), "%s", s.text);
    return end;
}

struct writer_task {
    struct wal *wal;
    uint64_t first, count;
    _Atomic uint64_t *answered; /* one flag a number */
};

static void *write_numbers(void *context)
{
    struct writer_task *task = context;

    for (uint64_t i = 0; i < task->count; i++) {
        if (!failed(commit_number(task->wal, task->first + i))) atomic_store(&task->answered[task->first + i], 1);
    }
    return NULL;
}

static void write_in_parallel(struct wal *wal, uint64_t first, uint64_t count, _Atomic uint64_t *answered)
{
    pthread_t threads[WRITERS];
    struct writer_task tasks[WRITERS];

    for (uint64_t i = 0; i < WRITERS; i++) {
        tasks[i] = (struct writer_task){wal, first + i * (count / WRITERS), count / WRITERS, answered};
        pthread_create(&threads[i], NULL, write_numbers, &tasks[i]);
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
}

Test(wal, reads_back_what_was_committed)
{
    struct fs *fs = fs_memory_new();
    _Atomic uint64_t answered[2000] = {0};
    struct content content;
    struct wal *wal = open_log(fs, NULL, 4096);

    write_in_parallel(wal, 0, 2000, answered);
    cr_assert(!failed(wal_close(wal)));
    read_log(fs, &content);
    cr_expect(content.damaged == 0 && content.torn == 0 && content.seen.count == 2000);
    for (size_t i = 0; i < content.seen.count; i++)
        cr_expect(content.seen.data[i] == (i % 16 ? 1 : 2), "number %zu was read %d times", i, content.seen.data[i]);
    vec_release(&content.seen);
    fs_release(fs);
}

/* Power cuts in the middle, again and again, each under a new boot: everything answered is there, nothing is damage. */
Test(wal, survives_power_cuts)
{
    static const enum crash_model models[] = {CRASH_STRICT, CRASH_PREFIX, CRASH_TORN, CRASH_ORDERED, CRASH_NONE};

    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct fs *fs = fs_memory_new();
            _Atomic uint64_t answered[400] = {0};
            struct wal_end end = {.next_sequence = 1};
            struct content content;
            for (uint64_t round = 0; round < 4; round++) {
                wal_set_boot_id(models[m] == CRASH_NONE ? 1 : 1 + round);
                struct wal *wal = open_log(fs, &end, 4096);
                write_in_parallel(wal, round * 100, 100, answered);
                struct wal_batch torn = {0};
                uint64_t words[64];
                wal_batch_add(&torn, TYPE, false, words, payload_make(round * 100, words));
                struct outcome unused = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, ok()};
                if (seed % 2) wal_commit(wal, &torn, outcome_done, &unused);
                fs_memory_crash(fs, models[m], seed * 31 + round);
                wal_abandon(wal);
                wal_batch_release(&torn);
                wal_set_boot_id(models[m] == CRASH_NONE ? 1 : 2 + round);
                end = read_log(fs, &content);
                cr_expect(content.damaged == 0, "model %zu seed %d: %u places are called damaged", m, (int)seed,
                          content.damaged);
                for (uint64_t i = 0; i < 400; i++)
                    cr_expect(!answered[i] || (i < content.seen.count && content.seen.data[i] > 0),
                              "model %zu seed %d round %d: number %d is lost", m, (int)seed, (int)round, (int)i);
                vec_release(&content.seen);
            }
            fs_release(fs);
        }
    }
}

/* Every bit of a small log: the flip is reported or harmless, at most one record is lost, and never changed. */
Test(wal, tells_of_flipped_bits)
{
    struct fs *fs = fs_memory_new();
    struct content content;
    struct wal *wal = open_log(fs, NULL, 16384);
    char name[WAL_NAME_BYTES];

    for (uint64_t i = 0; i < 20; i++) cr_assert(!failed(commit_number(wal, i)));
    usleep(300000); /* an idle log vouches for its last group */
    uint64_t used = WAL_SEGMENT_HEADER_BYTES + wal_bytes(wal);
    cr_assert(!failed(wal_close(wal)));
    wal_name(name, HEAD, 0);
    for (uint64_t byte = 0; byte < used; byte++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned lost = 0;
            cr_assert(fs_memory_flip(fs, name, byte, bit));
            read_log(fs, &content);
            for (size_t i = 0; i < 20; i++) lost += i >= content.seen.count || content.seen.data[i] == 0;
            cr_expect(content.damaged + content.torn > 0, "bit %u of byte %d goes unnoticed", bit, (int)byte);
            cr_expect(lost == 0 || (lost == 1 && content.damaged > 0), "bit %u of byte %d: %u lost, %u reported", bit,
                      (int)byte, lost, content.damaged);
            vec_release(&content.seen);
            fs_memory_flip(fs, name, byte, bit);
        }
    }
    fs_release(fs);
}

/* A failed write or sync: the batch gets the error, so do all later ones, and what was answered before is there. */
Test(wal, fails_for_good)
{
    static const unsigned calls[] = {FAULT_WRITE, FAULT_SYNC};

    for (size_t c = 0; c < 2; c++) {
        for (uint64_t k = 1; k < 12; k++) {
            struct fs *disk = fs_memory_new();
            struct fs *fs = fs_faulty_new(disk);
            struct wal *wal = open_log(fs, NULL, 4096);
            uint64_t answered = 0, refused = 0;
            struct content content;

            fs_faulty_plan(fs, calls[c], k, ENOSPC, 0);
            for (uint64_t i = 0; i < 15; i++) {
                status s = commit_number(wal, i);
                cr_expect(!failed(s) || s.code == STATUS_NO_SPACE, "%s", s.text);
                if (failed(s)) {
                    refused++;
                } else {
                    cr_expect(refused == 0, "a batch was accepted after a failure");
                    answered++;
                }
            }
            cr_expect(answered + refused == 15 && refused > 0);
            cr_expect(failed(wal_close(wal)));
            read_log(disk, &content);
            for (uint64_t i = 0; i < answered; i++) cr_expect(i < content.seen.count && content.seen.data[i] > 0);
            vec_release(&content.seen);
            fs_release(fs);
            fs_release(disk);
        }
    }
}

static status count_record(void *context, const struct record *record)
{
    (void)record;
    ++*(size_t *)context;
    return ok();
}

/* Batches larger than any segment, and many segments. */
Test(wal, grows_by_segments)
{
    struct fs *fs = fs_memory_new();
    struct wal *wal = open_log(fs, NULL, 4096);
    size_t bytes = 3 << 20;
    uint8_t *large = memory_alloc(bytes);
    struct wal_end end;
    uint64_t state = 1;
    size_t records = 0;
    struct wal_visitor visitor = {&records, count_record, NULL};

    for (size_t i = 0; i < bytes; i++) large[i] = (uint8_t)((state = state * 6364136223846793005u + 1) >> 56);
    for (int i = 0; i < 6; i++) {
        struct wal_batch batch = {0};
        wal_batch_add(&batch, TYPE, false, large, bytes);
        wal_batch_add(&batch, TYPE, false, large, 100);
        cr_assert(!failed(commit_batch(wal, &batch)));
    }
    cr_assert(!failed(wal_close(wal)));

    cr_assert(!failed(wal_read(fs, HEAD, &visitor, &end)));
    cr_expect(records == 12 && end.next_segment > 2 && end.next_sequence > 6);
    cr_assert(!failed(wal_remove(fs, HEAD)));
    records = 0;
    cr_assert(!failed(wal_read(fs, HEAD, &visitor, &end)));
    cr_expect(records == 0 && end.next_segment == 0);
    free(large);
    fs_release(fs);
}

/* With an interval, batches are answered before the sync, and all is durable a little later. */
Test(wal, may_answer_before_the_sync)
{
    struct fs *fs = fs_memory_new();
    struct wal_options options = {.fs = fs, .head = HEAD, .first_sequence = 1, .sync_interval_ms = 20};
    struct content content;
    struct wal *wal;

    cr_assert(!failed(wal_open(&options, &wal)));
    for (uint64_t i = 0; i < 50; i++) cr_assert(!failed(commit_number(wal, i)));
    usleep(400000);
    fs_memory_crash(fs, CRASH_STRICT, 1);
    wal_abandon(wal);
    read_log(fs, &content);
    cr_expect(content.seen.count == 50, "%zu", content.seen.count);
    for (size_t i = 0; i < content.seen.count; i++) cr_expect(content.seen.data[i] > 0, "number %zu is lost", i);
    vec_release(&content.seen);
    fs_release(fs);
}

/* A segment that is left behind is synced first: nobody syncs it later. */
Test(wal, syncs_each_segment_also_with_an_interval)
{
    struct fs *fs = fs_memory_new();
    struct wal_options options = {
        .fs = fs, .head = HEAD, .first_sequence = 1, .sync_interval_ms = 3600000, .segment_bytes = 512};
    struct content content;
    struct wal *wal;

    cr_assert(!failed(wal_open(&options, &wal)));
    for (uint64_t i = 0; i < 50; i++) cr_assert(!failed(commit_number(wal, i)));
    cr_assert(!failed(wal_close(wal)));
    fs_memory_crash(fs, CRASH_STRICT, 1);
    read_log(fs, &content);
    cr_expect(content.seen.count == 50, "%zu", content.seen.count);
    for (size_t i = 0; i < content.seen.count; i++) cr_expect(content.seen.data[i] > 0, "number %zu is lost", i);
    vec_release(&content.seen);
    fs_release(fs);
}

/* A request that has nothing to log, made while another one is being committed: it waits for that one's answer. */
struct follower {
    struct wal *wal;
    _Atomic bool made, answered_at_once, answered;
};

static void note_follower(void *context, status outcome)
{
    struct follower *follower = context;

    cr_assert(!failed(outcome));
    if (!follower->made) follower->answered_at_once = true;
    follower->answered = true;
}

static void follow(void *context, status outcome)
{
    struct follower *follower = context;
    struct wal_batch nothing = {0};

    cr_assert(!failed(outcome));
    wal_commit(follower->wal, &nothing, note_follower, follower);
    follower->made = true;
}

Test(wal, what_has_nothing_to_log_waits_for_what_is_under_way)
{
    struct fs *fs = fs_memory_new();
    struct follower follower = {.wal = open_log(fs, NULL, 4096)};
    struct wal_batch batch = {0};

    wal_batch_add(&batch, TYPE, false, "x", 1);
    wal_commit(follower.wal, &batch, follow, &follower);
    cr_assert(!failed(wal_close(follower.wal)));
    cr_expect(follower.made && follower.answered && !follower.answered_at_once);
    fs_release(fs);
}
