#include "prometheus/prom_log.h"

#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/prometheus/log_fixture.h"
#include "tests/storage/random.h"

enum { RECORDS = 60 };

static size_t record_bytes(size_t i)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 32761, 32762, 40000, 100000};
    return sizes[i % 8];
}

static void fill_record(uint8_t *record, size_t i)
{
    uint64_t seed = i;

    random_fill(&seed, record, record_bytes(i));
    if (i % 3 == 0) memset(record, (int)i, record_bytes(i)); /* something to compress */
}

/* Three segments of records of every size and compression. */
static struct fs *make_log(void)
{
    struct fs *fs = fs_memory_new();
    uint8_t *record = memory_alloc(100000);
    struct writer segment = {0};

    for (size_t i = 0; i < RECORDS; i++) {
        fill_record(record, i);
        log_put(&segment, record, record_bytes(i), (enum log_compression)(i % 3));
        if (i % 20 != 19) continue;
        static const char *const names[] = {"wal/00000007", "wal/00000008", "wal/00000009"};
        fixture_put(fs, names[i / 20], segment.data, segment.count);
        segment.count = 0;
    }
    fixture_put(fs, "wal/checkpoint.note", "x", 1);
    writer_release(&segment);
    free(record);
    return fs;
}

/* Counts the records that are read, each of which must be one of those written, in order. */
static size_t read_log(struct fs *fs, uint64_t first, bool has_tail, uint32_t *damaged, status *damage)
{
    uint8_t *expected = memory_alloc(100000);
    struct prom_log *log;
    bool more = true;
    size_t count = 0, at = 0;
    str record;

    must(prom_log_open(fs, "wal", first, has_tail, &log));
    for (;;) {
        must(prom_log_next(log, &record, &more));
        if (!more) break;
        for (; at < RECORDS; at++) {
            fill_record(expected, at);
            if (str_equal(record, str_make((const char *)expected, record_bytes(at)))) break;
        }
        cr_assert(at < RECORDS, "a record that was never written");
        at++;
        count++;
    }
    *damaged = prom_log_damage(log, damage);
    prom_log_close(log);
    free(expected);
    return count;
}

Test(prom_log, reads_records)
{
    struct fs *fs = make_log();
    uint32_t damaged;
    status damage;

    cr_expect(read_log(fs, 0, true, &damaged, &damage) == RECORDS && damaged == 0);
    cr_expect(read_log(fs, 8, false, &damaged, &damage) == 40 && damaged == 0);
    cr_expect(read_log(fs, 10, true, &damaged, &damage) == 0 && damaged == 0);
    fs_release(fs);
}

/* Damage costs the rest of its segment, is told with file and offset, and nothing wrong is read. At the end of the last
 * segment it is no damage. */
Test(prom_log, damage_is_told)
{
    struct fs *fs = make_log();
    struct arena arena = {0};

    for (int k = 0; k < 2; k++) {
        const char *name = k ? "wal/00000009" : "wal/00000008";
        str content = fixture_get(fs, name, &arena);
        char *copy = memory_alloc(content.len);
        for (size_t at = 0; at < content.len; at += 7919) {
            for (int flip = 0; flip < 2; flip++) {
                uint32_t damaged;
                status damage;
                memcpy(copy, content.data, content.len);
                copy[at] = (char)(copy[at] ^ 4);
                fixture_put(fs, name, flip ? copy : content.data, flip ? content.len : at);
                size_t count = read_log(fs, 0, true, &damaged, &damage);
                cr_expect(count >= 40 && count <= RECORDS);
                cr_expect(k == 0 || damaged == 0);
                if (damaged) cr_expect(damaged == 1 && strstr(damage.text, "wal/00000008: offset "), "%s", damage.text);
                if (k == 0 && flip == 0) cr_expect(damaged == 1 || at == 0, "cut at %zu", at);
            }
        }
        free(copy);
        fixture_put(fs, name, content.data, content.len);
    }
    fs_release(fs);
    arena_release(&arena);
}

/* Each byte of a short log. */
Test(prom_log, every_byte)
{
    struct fs *fs = fs_memory_new();
    struct writer segment = {0};

    for (int i = 0; i < 3; i++) log_put(&segment, "abcabcabcabcabcabc", 18, (enum log_compression)i);
    for (size_t at = 0; at < 2 * segment.count; at++) {
        struct prom_log *log;
        bool more = true, cut = at < segment.count;
        size_t byte = at % segment.count;
        uint8_t *copy = memory_alloc(segment.count);
        str record;
        memcpy(copy, segment.data, segment.count);
        if (!cut) copy[byte] = (uint8_t)(copy[byte] ^ 1 << at % 8);
        fixture_put(fs, "wal/0", copy, cut ? byte : segment.count);
        free(copy);
        must(prom_log_open(fs, "wal", 0, false, &log));
        for (;;) {
            must(prom_log_next(log, &record, &more));
            if (!more) break;
            cr_expect(str_equal(record, STR("abcabcabcabcabcabc")), "at %zu", at);
        }
        prom_log_close(log);
    }
    writer_release(&segment);
    fs_release(fs);
}
