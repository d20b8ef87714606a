#include "prometheus/prom_block.h"

#include "prometheus/prom_output.h"
#include "tests/prometheus/fixture.h"

enum { FROM_MS = 1000000 };

/* All series with all samples, and `has` in agreement with `read` for windows of any place. */
Test(prom_block, gives_its_series)
{
    struct fs *fs = fixture_block_in_memory(FROM_MS);
    struct prom_block *block;
    struct column_buffer buffer = {0}, expected = {0};
    struct arena arena = {0};

    must(prom_block_open(fs, "b", &block));
    struct import_source source = prom_block_source(block);
    cr_assert(source.series_count == FIXTURE_SERIES);
    for (uint32_t i = 0; i < source.series_count; i++) {
        columns_clear(&buffer);
        columns_clear(&expected);
        must(source.read(source.context, i, INT64_MIN, INT64_MAX, &buffer));
        fixture_samples(i / 2, i / 2 * 100 + i % 2, FROM_MS, FIXTURE_SAMPLES, &expected);
        samples a = columns_view(&expected), b = columns_view(&buffer);
        str difference = fixture_difference(&a, &b, false, &arena);
        cr_expect(difference.len == 0, "series %u: %.*s", i, STR_ARG(difference));
        for (int64_t from = source.min_ms - 50000; from < source.max_ms + 50000; from += 33333) {
            int64_t to = from + 20000, next = INT64_MAX;
            bool has;
            must(source.has(source.context, i, from, to, &has, &next));
            columns_clear(&buffer);
            must(source.read(source.context, i, from, to, &buffer));
            cr_expect(has == (buffer.times.count > 0), "series %u from %lld", i, (long long)from);
            size_t k = 0;
            while (k < expected.times.count && expected.times.data[k] <= to) k++;
            cr_expect(k == expected.times.count ? next == INT64_MAX : next > to && next <= expected.times.data[k]);
        }
    }
    column_buffer_release(&buffer);
    column_buffer_release(&expected);
    prom_block_close(block);
    fs_release(fs);
    arena_release(&arena);
}

static void hide_everything(struct fs *fs, uint64_t series)
{
    struct prom_output out;
    struct writer body = {0};
    uint8_t version = 1;

    writer_varint(&body, series);
    writer_signed(&body, INT64_MIN);
    writer_signed(&body, INT64_MAX);
    must(prom_output_open(fs, "b/tombstones", &out));
    prom_output_u32(&out, 0x0130BA30U);
    prom_output_bytes(&out, &version, 1);
    prom_output_section(&out);
    prom_output_bytes(&out, body.data, body.count);
    prom_output_checksum(&out);
    must(prom_output_finish(&out));
    writer_release(&body);
}

/* Series are named by where they lie in the index: the first one begins at the first multiple of 16 behind the symbols.
 */
Test(prom_block, hides_what_was_deleted)
{
    struct fs *fs = fixture_block_in_memory(FROM_MS);
    struct prom_block *block;
    uint32_t hidden = 0;

    for (uint64_t id = 0; id < 40 && hidden == 0; id++) {
        (void)fs_unlink(fs, "b/tombstones");
        hide_everything(fs, id);
        must(prom_block_open(fs, "b", &block));
        struct import_source source = prom_block_source(block);
        for (uint32_t i = 0; i < source.series_count; i++) {
            int64_t next = INT64_MAX;
            bool has;
            must(source.has(source.context, i, INT64_MIN, INT64_MAX, &has, &next));
            hidden += !has;
        }
        prom_block_close(block);
    }
    cr_expect(hidden == 1);
    fs_release(fs);
}

Test(prom_block, missing_files_are_named)
{
    static const char *const names[] = {"b/meta.json", "b/index"};

    for (size_t i = 0; i < 2; i++) {
        struct fs *fs = fixture_block_in_memory(FROM_MS);
        struct prom_block *block;
        must(fs_unlink(fs, names[i]));
        status s = prom_block_open(fs, "b", &block);
        cr_expect(failed(s) && strstr(s.text, names[i]), "%s", s.text);
        fs_release(fs);
    }
}
