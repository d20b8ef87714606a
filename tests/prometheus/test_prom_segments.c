#include "prometheus/prom_segments.h"

#include "prometheus/prom_chunk.h"
#include "prometheus/prom_index.h"
#include "tests/prometheus/fixture.h"

/* Reads every chunk that the index names; the first failure, or success. */
static status read_all(struct fs *fs, size_t *chunks)
{
    struct prom_segments *segments = NULL;
    struct prom_index *index;
    struct prom_series series = {0};
    struct column_buffer buffer = {0};
    status s = prom_segments_open(fs, "b/chunks", &segments);

    *chunks = 0;
    if (failed(s)) return s;
    must(prom_index_open(fs, "b/index", &index));
    for (uint32_t i = 0; i < prom_index_series_count(index) && !failed(s); i++) {
        must(prom_index_series(index, i, &series));
        vec_each (ref, &series.chunks) {
            struct prom_chunk chunk;
            if (failed(s = prom_segments_read(segments, ref->place, &chunk))) break;
            must(prom_chunk_decode(chunk.encoding, chunk.data, chunk.bytes, &buffer));
            ++*chunks;
        }
    }
    prom_series_release(&series);
    prom_index_close(index);
    prom_segments_close(segments);
    column_buffer_release(&buffer);
    return s;
}

Test(prom_segments, reads_every_chunk)
{
    struct fs *fs = fixture_block_in_memory(1700000000000);
    struct arena arena = {0};
    str *names;
    size_t chunks, count;

    must(read_all(fs, &chunks));
    cr_expect(chunks > FIXTURE_SERIES * 3);
    must(fs_list(fs, "b/chunks", &arena, &names, &count));
    cr_expect(count > 1, "the fixture is meant to have several files of chunks");
    arena_release(&arena);
    fs_release(fs);
}

static void read_damaged(struct fs *fs, const char *what, size_t at)
{
    size_t chunks;
    status s = read_all(fs, &chunks);
    bool is_padding = strcmp(what, "flipped") == 0 && at >= 5 && at < 8;

    bool told = (s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED) && strstr(s.text, "b/chunks/000001");
    cr_expect(told || (is_padding && !failed(s)), "%s at %zu: %s", what, at, s.text);
}

Test(prom_segments, damage_is_told)
{
    struct fs *fs = fixture_block_in_memory(1700000000000);

    fixture_damage(fs, "b/chunks/000001", 23, read_damaged);
    fs_release(fs);
}

Test(prom_segments, places_outside_are_refused)
{
    struct fs *fs = fixture_block_in_memory(1700000000000);
    struct prom_segments *segments;
    struct prom_chunk chunk;

    must(prom_segments_open(fs, "b/chunks", &segments));
    static const uint64_t places[] = {(uint64_t)99 << 32, 0xFFFFFFFF, UINT64_MAX, 20100};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        status s = prom_segments_read(segments, places[i], &chunk);
        cr_expect(s.code == STATUS_CORRUPT && s.text[0], "%zu", i);
    }
    prom_segments_close(segments);
    fs_release(fs);
}
