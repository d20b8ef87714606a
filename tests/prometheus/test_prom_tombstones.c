#include "prometheus/prom_tombstones.h"

#include "prometheus/prom_output.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"

static void put_tombstones(struct fs *fs, const struct prom_tombstone *list, size_t count)
{
    struct prom_output out;
    struct writer body = {0};
    uint8_t version = 1;

    for (size_t i = 0; i < count; i++) {
        writer_varint(&body, list[i].series);
        writer_signed(&body, list[i].min_ms);
        writer_signed(&body, list[i].max_ms);
    }
    must(prom_output_open(fs, "t", &out));
    prom_output_u32(&out, 0x0130BA30U);
    prom_output_bytes(&out, &version, 1);
    prom_output_section(&out);
    prom_output_bytes(&out, body.data, body.count);
    prom_output_checksum(&out);
    must(prom_output_finish(&out));
    writer_release(&body);
}

static const struct prom_tombstone list[] = {{7, -5, 10}, {3, 100, 200}, {7, 30, 30}};

Test(prom_tombstones, hide_samples)
{
    struct fs *fs = fs_memory_new();
    struct prom_tombstones tombstones = {0};
    struct column_buffer buffer = {0};
    static const int64_t times[] = {-6, -5, 0, 10, 11, 29, 30, 31};

    put_tombstones(fs, list, 3);
    must(prom_tombstones_load(fs, "t", &tombstones));
    cr_expect(tombstones.list.count == 3);
    cr_expect(prom_tombstones_touch(&tombstones, 7, 10, 12) && prom_tombstones_touch(&tombstones, 7, 30, 30));
    cr_expect(!prom_tombstones_touch(&tombstones, 7, 11, 29) && !prom_tombstones_touch(&tombstones, 4, -99, 999));
    columns_reserve(&buffer, 8);
    memset(buffer.values.data, 0, 8 * sizeof(double));
    columns_append(&buffer, times, 8, 0, 0);
    prom_tombstones_apply(&tombstones, 7, &buffer, 0);
    cr_expect(buffer.times.count == 4 && buffer.times.data[0] == -6 && buffer.times.data[1] == 11);
    cr_expect(buffer.times.data[2] == 29 && buffer.times.data[3] == 31);
    prom_tombstones_apply(&tombstones, 3, &buffer, 0);
    cr_expect(buffer.times.count == 4);
    column_buffer_release(&buffer);
    prom_tombstones_release(&tombstones);
    fs_release(fs);
}

static void load(struct fs *fs, const char *what, size_t at)
{
    struct prom_tombstones tombstones = {0};
    status s = prom_tombstones_load(fs, "t", &tombstones);

    cr_expect((s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED) && strstr(s.text, "t: "), "%s at %zu: %s",
              what, at, s.text);
    prom_tombstones_release(&tombstones);
}

Test(prom_tombstones, damage_is_told)
{
    struct fs *fs = fs_memory_new();
    struct prom_tombstones tombstones = {0};

    must(prom_tombstones_load(fs, "t", &tombstones)); /* no file */
    cr_expect(tombstones.list.count == 0);
    put_tombstones(fs, list, 3);
    fixture_damage(fs, "t", 1, load);
    fs_release(fs);
}
