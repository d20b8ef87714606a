#include "prometheus/prom_output.h"

#include "storage/base/crc32c.h"
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/prometheus/fixture.h"

#include <errno.h>

Test(prom_output, writes_sections)
{
    struct fs *fs = fs_memory_new();
    struct prom_output out;
    struct arena arena = {0};

    must(prom_output_open(fs, "x", &out));
    prom_output_bytes(&out, "abc", 3);
    prom_output_align(&out, 8);
    cr_expect(prom_output_at(&out) == 8);
    prom_output_section(&out);
    prom_output_u32(&out, 0x01020304);
    prom_output_u64(&out, 0x05060708090A0B0CULL);
    prom_output_checksum(&out);
    must(prom_output_finish(&out));
    str content = fixture_get(fs, "x", &arena);
    cr_expect(content.len == 24);
    cr_expect(memcmp(content.data, "abc\0\0\0\0\0\1\2\3\4\5\6\7\10\11\12\13\14", 20) == 0);
    cr_expect(__builtin_bswap32(load_u32(content.data + 20)) == crc32c(content.data + 8, 12));
    arena_release(&arena);
    fs_release(fs);
}

/* Large files go out in pieces; a failure of any of them is told at the end. */
Test(prom_output, tells_failures)
{
    struct fs *memory = fs_memory_new(), *fs = fs_faulty_new(memory);
    static const uint8_t piece[100000];

    for (uint64_t k = 1; k <= 4; k++) {
        struct prom_output out;
        (void)fs_unlink(memory, "x");
        fs_faulty_plan(fs, FAULT_WRITE | FAULT_SYNC, k, ENOSPC, 0);
        must(prom_output_open(fs, "x", &out));
        for (int i = 0; i < 25; i++) prom_output_bytes(&out, piece, sizeof piece);
        status s = prom_output_finish(&out);
        cr_expect(s.code == STATUS_NO_SPACE, "%llu: %s", (unsigned long long)k, s.text);
        fs_faulty_heal(fs);
    }
    fs_release(fs);
    fs_release(memory);
}
