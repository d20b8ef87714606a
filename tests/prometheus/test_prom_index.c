#include "prometheus/prom_index.h"

#include "prometheus/prom_output.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"

/* An index of version 1: symbols by offset, series not aligned. */
static void put_version_1(struct fs *fs)
{
    static const struct {
        uint8_t entry[32];
        size_t bytes;
    } series[] = {{{1, 13, 22, 1, 20, 5, 8}, 7}, {{2, 13, 22, 22, 13, 2, 1, 4, 8, 3, 2, 60}, 12}, {{0, 0}, 2}};
    struct prom_output out;
    uint8_t one = 1;

    must(prom_output_open(fs, "v1", &out));
    prom_output_u32(&out, 0xBAAAD700U);
    prom_output_bytes(&out, &one, 1);
    prom_output_u32(&out, 4 + 9 + 2);
    prom_output_section(&out);
    prom_output_u32(&out, 2);
    prom_output_bytes(&out, "\10__name__\1x", 11); /* at 13 and 22 */
    prom_output_checksum(&out);
    uint64_t series_at = prom_output_at(&out);
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes = (uint8_t)series[i].bytes;
        prom_output_bytes(&out, &bytes, 1);
        prom_output_section(&out);
        prom_output_bytes(&out, series[i].entry, series[i].bytes);
        prom_output_checksum(&out);
    }
    uint64_t end = prom_output_at(&out);
    prom_output_section(&out);
    uint64_t contents[] = {5, series_at, 0, 0, end, end};
    for (int i = 0; i < 6; i++) prom_output_u64(&out, contents[i]);
    prom_output_checksum(&out);
    must(prom_output_finish(&out));
}

Test(prom_index, version_1)
{
    struct fs *fs = fs_memory_new();
    struct prom_index *index;
    struct prom_series series = {0};

    put_version_1(fs);
    must(prom_index_open(fs, "v1", &index));
    cr_assert(prom_index_series_count(index) == 3);
    must(prom_index_series(index, 0, &series));
    cr_expect(series.pairs.count == 1 && str_equal(series.pairs.data[0].name, METRIC_NAME));
    cr_expect(str_equal(series.pairs.data[0].value, STR("x")));
    cr_expect(series.chunks.count == 1 && series.chunks.data[0].min_ms == 10 && series.chunks.data[0].max_ms == 15);
    cr_expect(series.chunks.data[0].place == 8);
    uint64_t first = series.id;
    must(prom_index_series(index, 1, &series));
    cr_expect(series.id == first + 1 + 7 + 4);
    cr_expect(series.pairs.count == 2 && series.chunks.count == 2);
    cr_expect(series.chunks.data[1].min_ms == series.chunks.data[0].max_ms + 3 && series.chunks.data[1].place == 38);
    must(prom_index_series(index, 2, &series));
    cr_expect(series.pairs.count == 0 && series.chunks.count == 0);
    prom_series_release(&series);
    prom_index_close(index);
    fs_release(fs);
}

static const char *file_name;

/* Everything is checked, so damage of any byte is told with the file and the offset; only padding may change, and
 * sections that are not read. */
static void open_damaged(struct fs *fs, const char *what, size_t at)
{
    struct prom_index *index;
    struct prom_series series = {0};
    status s = prom_index_open(fs, file_name, &index);

    if (!failed(s)) {
        for (uint32_t i = 0; i < prom_index_series_count(index) && !failed(s); i++)
            s = prom_index_series(index, i, &series);
        prom_index_close(index);
    }
    bool told = (s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED) && strstr(s.text, file_name);
    cr_expect(told || (!failed(s) && strcmp(what, "flipped") == 0), "%s at %zu: %s", what, at, s.text);
    prom_series_release(&series);
}

Test(prom_index, damage_is_told)
{
    struct fs *fs = fixture_block_in_memory(1700000000000);

    file_name = "b/index";
    fixture_damage(fs, "b/index", 1, open_damaged);
    put_version_1(fs);
    file_name = "v1";
    fixture_damage(fs, "v1", 1, open_damaged);
    fs_release(fs);
}

/* Damage that matches its checksum: lengths and references that lead astray. */
Test(prom_index, hostile_entries_are_refused)
{
    static const struct {
        uint8_t entry[32];
        size_t bytes;
        const char *says;
    } cases[] = {
        {{1, 99, 22, 0}, 4, "a symbol that does not exist"},
        {{1, 13, 14, 0}, 4, "a symbol that does not exist"},
        {{0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 13, 22}, 7, "malformed"},
        {{1, 13, 22, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0}, 11, "malformed"},
        {{1, 13, 22, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0}, 16, "malformed"},
        {{1, 13}, 2, "malformed"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct prom_output out;
        struct prom_index *index;
        struct prom_series series = {0};
        uint8_t one = 1, bytes = (uint8_t)cases[i].bytes;
        must(prom_output_open(fs, "v1", &out));
        prom_output_u32(&out, 0xBAAAD700U);
        prom_output_bytes(&out, &one, 1);
        prom_output_u32(&out, 15);
        prom_output_section(&out);
        prom_output_u32(&out, 2);
        prom_output_bytes(&out, "\10__name__\1x", 11);
        prom_output_checksum(&out);
        uint64_t series_at = prom_output_at(&out);
        prom_output_bytes(&out, &bytes, 1);
        prom_output_section(&out);
        prom_output_bytes(&out, cases[i].entry, bytes);
        prom_output_checksum(&out);
        prom_output_section(&out);
        uint64_t contents[] = {5, series_at, 0, 0, 0, 0};
        for (int k = 0; k < 6; k++) prom_output_u64(&out, contents[k]);
        prom_output_checksum(&out);
        must(prom_output_finish(&out));
        must(prom_index_open(fs, "v1", &index));
        status s = prom_index_series(index, 0, &series);
        cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, cases[i].says) && strstr(s.text, "v1: offset "),
                  "case %zu: %s", i, s.text);
        prom_series_release(&series);
        prom_index_close(index);
        fs_release(fs);
    }
}
