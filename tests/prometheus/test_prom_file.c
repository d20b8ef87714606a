#include "prometheus/prom_file.h"

#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"
#include "tests/storage/random.h"

/* Any piece in any order is what the file has there. */
Test(prom_file, gives_any_piece)
{
    enum { BYTES = 1 << 20 };
    struct fs *fs = fs_memory_new();
    struct prom_file file;
    uint8_t *content = memory_alloc(BYTES);
    uint64_t seed = 1;
    const uint8_t *at;

    random_fill(&seed, content, BYTES);
    fixture_put(fs, "x", content, BYTES);
    must(prom_file_open(fs, "x", &file));
    for (int i = 0; i < 500; i++) {
        uint64_t from = random_below(&seed, BYTES), count = random_below(&seed, i % 10 ? 1000 : BYTES);
        if (count > BYTES - from) count = BYTES - from;
        must(prom_file_get(&file, from, count, &at));
        cr_assert(memcmp(at, content + from, count) == 0);
    }
    prom_file_close(&file);
    fs_release(fs);
    free(content);
}

Test(prom_file, says_where_it_ends)
{
    struct fs *fs = fs_memory_new();
    struct prom_file file;
    const uint8_t *at;
    size_t got;

    fixture_put(fs, "x", "abcdef", 6);
    must(prom_file_open(fs, "x", &file));
    static const uint64_t pieces[][2] = {{0, 7}, {6, 1}, {7, 0}, {UINT64_MAX, 1}, {1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        status s = prom_file_get(&file, pieces[i][0], pieces[i][1], &at);
        cr_expect(s.code == STATUS_CORRUPT && strstr(s.text, "x: offset "), "%zu: %s", i, s.text);
    }
    must(prom_file_some(&file, 4, 10, &at, &got));
    cr_expect(got == 2 && memcmp(at, "ef", 2) == 0);
    must(prom_file_some(&file, 9, 10, &at, &got));
    cr_expect(got == 0);
    prom_file_close(&file);
    status s = prom_file_open(fs, "y", &file);
    cr_expect(s.code == STATUS_NOT_FOUND);
    fs_release(fs);
}
