#include "prometheus/prom_meta.h"

#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"

static const struct {
    const char *text;
    enum status_code code;
    const char *says;
} cases[] = {
    {"{\"version\":1,\"ulid\":\"A\",\"minTime\":1,\"maxTime\":5}", STATUS_OK, ""},
    {"{\"version\":1,\"minTime\":-9,\"maxTime\":-9,\"compaction\":{\"hints\":[3,\"from-out-of-order\"]}}", STATUS_OK,
     ""},
    {"{\"version\":2,\"minTime\":1,\"maxTime\":5}", STATUS_UNSUPPORTED, "m: version is not 1"},
    {"{\"version\":1,\"minTime\":6,\"maxTime\":5}", STATUS_CORRUPT, "m: minTime and maxTime are no range"},
    {"{\"version\":1,\"minTime\":\"6\",\"maxTime\":5}", STATUS_CORRUPT, "m: minTime and maxTime are no range"},
    {"[]", STATUS_UNSUPPORTED, "m: version is not 1"},
    {"{", STATUS_CORRUPT, "m: "},
    {"", STATUS_CORRUPT, "m: "},
};

Test(prom_meta, reads_and_refuses)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fs *fs = fs_memory_new();
        struct prom_meta meta;
        fixture_put(fs, "m", cases[i].text, strlen(cases[i].text));
        status s = prom_meta_load(fs, "m", &meta);
        cr_expect(s.code == cases[i].code && strstr(s.text, cases[i].says), "%zu: %s", i, s.text);
        if (i < 2) cr_expect(meta.is_out_of_order == (i == 1));
        fs_release(fs);
    }
}

Test(prom_meta, reads_what_it_writes)
{
    struct prom_meta meta = {"01M85TGC78M479NMVJB8NN6776", -5, 1700000000000, 3, 44, 555, false}, again;
    struct fs *fs = fs_memory_new();
    struct writer text = {0};

    prom_meta_write(&meta, &text);
    fixture_put(fs, "m", text.data, text.count);
    must(prom_meta_load(fs, "m", &again));
    cr_expect(strcmp(meta.ulid, again.ulid) == 0 && again.min_ms == -5 && again.end_ms == 1700000000000);
    cr_expect(again.series == 3 && again.chunks == 44 && again.samples == 555 && !again.is_out_of_order);
    writer_release(&text);
    fs_release(fs);
}
