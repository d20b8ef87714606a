/* CRC-32C, eight bytes a step: by the processor's instruction, or by eight tables ("slicing by 8", Kounavis and Berry,
 * ISCC 2005); see crc32c.h. */
#include "storage/base/crc32c.h"

#include "storage/base/bytes.h"

#include <pthread.h>

static uint32_t tables[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
        tables[0][i] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t before = tables[k - 1][i];
            tables[k][i] = before >> 8 ^ tables[0][before & 0xFF];
        }
    }
}

uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    pthread_once(&once, make_tables);
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, at += 8) {
        uint64_t word = load_u64(at) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++) crc ^= tables[7 - k][word >> 8 * k & 0xFF];
    }
    for (; bytes > 0; bytes--, at++) crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xFF];
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint64_t state = ~crc;

    for (; bytes >= 8; bytes -= 8, at += 8) state = __builtin_ia32_crc32di(state, load_u64(at));
    for (; bytes > 0; bytes--, at++) state = __builtin_ia32_crc32qi((uint32_t)state, *at);
    return ~(uint32_t)state;
}

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t bytes)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, data, bytes) : crc32c_by_tables(crc, data, bytes);
}
#else
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t bytes)
{
    return crc32c_by_tables(crc, data, bytes);
}
#endif

uint32_t crc32c(const void *data, size_t bytes)
{
    return crc32c_extend(0, data, bytes);
}
