/* CRC-32C; see crc32c.h. */
#include "http/crc32c.h"

#include <pthread.h>

static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78U : 0);
        table[i] = crc;
    }
}

uint32_t crc32c(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    uint32_t crc = 0xFFFFFFFFU;

    pthread_once(&once, make_table);
    for (size_t i = 0; i < bytes; i++) crc = crc >> 8 ^ table[(crc ^ at[i]) & 0xFF];
    return ~crc;
}
