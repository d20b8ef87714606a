#include "prometheus/prom_head_chunks.h"

#include "prometheus/prom_chunk.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/prometheus/log_fixture.h"

/* Two files, with zeros behind the chunks of the first. */
static struct fs *make_chunks(void)
{
    struct fs *fs = fs_memory_new();
    struct writer file = {0};

    log_begin_chunks(&file);
    log_chunk(&file, 5, -10, 20, PROM_XOR, "abc", 3);
    log_chunk(&file, 6, 1, 2, PROM_HISTOGRAM | 0x80, "defg", 4);
    for (int i = 0; i < 100; i++) writer_u8(&file, 0);
    fixture_put(fs, "chunks_head/000001", file.data, file.count);
    file.count = 0;
    log_begin_chunks(&file);
    log_chunk(&file, 5, 21, 30, PROM_XOR2, "hi", 2);
    fixture_put(fs, "chunks_head/000002", file.data, file.count);
    writer_release(&file);
    return fs;
}

Test(prom_head_chunks, lists_and_reads)
{
    static const struct {
        uint64_t series;
        int64_t min, max;
        unsigned encoding;
        bool late;
        const char *data;
    } want[] = {{5, -10, 20, PROM_XOR, false, "abc"},
                {6, 1, 2, PROM_HISTOGRAM, true, "defg"},
                {5, 21, 30, PROM_XOR2, false, "hi"}};
    struct fs *fs = make_chunks();
    struct prom_head_chunks *chunks;
    status damage;
    size_t count;

    must(prom_head_chunks_open(fs, "chunks_head", &chunks, &damage));
    const struct prom_head_chunk *list = prom_head_chunks_list(chunks, &count);
    cr_assert(count == 3 && !failed(damage));
    for (size_t i = 0; i < 3; i++) {
        struct prom_chunk chunk;
        must(prom_head_chunks_read(chunks, list[i].ref.place, &chunk));
        cr_expect(list[i].series == want[i].series && list[i].is_late == want[i].late, "%zu", i);
        cr_expect(list[i].ref.min_ms == want[i].min && list[i].ref.max_ms == want[i].max, "%zu", i);
        cr_expect(chunk.encoding == want[i].encoding && chunk.bytes == strlen(want[i].data), "%zu", i);
        cr_expect(memcmp(chunk.data, want[i].data, chunk.bytes) == 0, "%zu", i);
    }
    prom_head_chunks_close(chunks);
    fs_release(fs);
}

/* What lies before a damaged place is there, the rest is not, and it is told. */
static void open_damaged(struct fs *fs, const char *what, size_t at)
{
    struct prom_head_chunks *chunks;
    status damage;
    size_t count;

    must(prom_head_chunks_open(fs, "chunks_head", &chunks, &damage));
    prom_head_chunks_list(chunks, &count);
    bool is_cut = strcmp(what, "cut") == 0; /* between two chunks nothing is seen to be missing */
    cr_expect(failed(damage) ? count < 3 : count == 3 || is_cut, "%s at %zu", what, at);
    if (failed(damage)) cr_expect(strstr(damage.text, "chunks_head/000001: offset "), "%s", damage.text);
    prom_head_chunks_close(chunks);
}

Test(prom_head_chunks, damage_is_told)
{
    struct fs *fs = make_chunks();

    fixture_damage(fs, "chunks_head/000001", 1, open_damaged);
    fs_release(fs);
}
