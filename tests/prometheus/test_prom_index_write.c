#include "prometheus/prom_index_write.h"

#include "prometheus/prom_file.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"

static const str symbols[] = {STR("__name__"), STR("a"), STR("b"), STR("c"), STR("up")};

static const struct {
    struct prom_pair pairs[3];
    size_t pair_count;
    struct prom_chunk_ref chunks[2];
    size_t chunk_count;
} series[] = {
    {{{0, 4}}, 1, {{-5, 10, 8}, {11, 90, 70}}, 2},
    {{{0, 4}, {1, 2}}, 2, {{INT64_MIN, -9, (uint64_t)1 << 32 | 8}}, 1},
    {{{0, 4}, {1, 3}, {2, 3}}, 3, {{7, 7, (uint64_t)3 << 32 | 99}, {8, INT64_MAX, (uint64_t)4 << 32 | 8}}, 2},
};

static void write_index(struct fs *fs)
{
    struct prom_index_writer *writer;

    must(prom_index_writer_open(fs, "index", symbols, 5, &writer));
    for (size_t i = 0; i < 3; i++)
        prom_index_writer_add(writer, series[i].pairs, series[i].pair_count, series[i].chunks, series[i].chunk_count);
    must(prom_index_writer_finish(writer));
}

Test(prom_index_write, reads_back)
{
    struct fs *fs = fs_memory_new();
    struct prom_index *index;
    struct prom_series found = {0};

    write_index(fs);
    must(prom_index_open(fs, "index", &index));
    cr_assert(prom_index_series_count(index) == 3);
    for (uint32_t i = 0; i < 3; i++) {
        must(prom_index_series(index, i, &found));
        cr_assert(found.pairs.count == series[i].pair_count && found.chunks.count == series[i].chunk_count);
        for (size_t k = 0; k < found.pairs.count; k++) {
            cr_expect(str_equal(found.pairs.data[k].name, symbols[series[i].pairs[k].name]));
            cr_expect(str_equal(found.pairs.data[k].value, symbols[series[i].pairs[k].value]));
        }
        for (size_t k = 0; k < found.chunks.count; k++)
            cr_expect(memcmp(&found.chunks.data[k], &series[i].chunks[k], sizeof found.chunks.data[k]) == 0, "%u", i);
    }
    prom_series_release(&found);
    prom_index_close(index);
    fs_release(fs);
}

/* The postings and their table: each pair in order, with the series that have it. */
Test(prom_index_write, has_postings)
{
    static const struct {
        const char *name, *value;
        uint32_t count;
    } want[] = {{"", "", 3}, {"__name__", "up", 3}, {"a", "b", 1}, {"a", "c", 1}, {"b", "c", 1}};
    struct fs *fs = fs_memory_new();
    struct arena arena = {0};

    write_index(fs);
    str text = fixture_get(fs, "index", &arena);
    const uint8_t *file = (const uint8_t *)text.data;
    uint64_t table_at = prom_u64(file + text.len - 12);
    cr_assert(prom_u32(file + table_at + 4) == 5);
    struct reader in = reader_make(file + table_at + 8, prom_u32(file + table_at) - 4);
    for (size_t i = 0; i < 5; i++) {
        cr_expect(reader_u8(&in) == 2);
        str name = reader_str(&in), value = reader_str(&in);
        uint64_t at = reader_varint(&in);
        cr_expect(str_equal(name, str_from(want[i].name)) && str_equal(value, str_from(want[i].value)), "%zu", i);
        cr_expect(at % 4 == 0 && prom_u32(file + at) == 4 + 4 * want[i].count);
        cr_expect(prom_u32(file + at + 4) == want[i].count);
    }
    cr_expect(!reader_failed(&in) && reader_left(&in) == 0);
    arena_release(&arena);
    fs_release(fs);
}
