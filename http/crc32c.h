/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as the frames of a streamed remote-read carry it. */
#ifndef VARVE_HTTP_CRC32C_H
#define VARVE_HTTP_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t bytes);

#endif
