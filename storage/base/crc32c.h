/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected): the checksum of Prometheus' files and of a streamed
 * remote-read. Our own files have XXH3 (storage/base/hash.h). */
#ifndef VARVE_STORAGE_BASE_CRC32C_H
#define VARVE_STORAGE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t bytes);

/* Of what has the checksum `crc` with more bytes behind it; of nothing that is 0. */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t bytes);

/* The same without the processor's instruction for it: for processors that lack it, and for tests. */
uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t bytes);

#endif
