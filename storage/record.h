/* Records: framed, compressed, checksummed pieces of a log.
 *
 *     offset size
 *     0      4    stored bytes of the payload
 *     4      4    its raw bytes if it is LZ4-compressed, else 0
 *     8      1    type, the owner's
 *     9      7    zero
 *     16     8    XXH3 of bytes 0-15, seeding that of the padded payload
 *     24          payload, padded with zeros to a multiple of 8
 *
 * A record stands for itself: nothing in it is relative to another one, so a damaged one costs only itself. Records
 * begin at multiples of 8 bytes; after a damaged one the next is found by its checksum.
 */
#ifndef VARVE_STORAGE_RECORD_H
#define VARVE_STORAGE_RECORD_H

#include "storage/base/bytes.h"

enum { RECORD_HEADER_BYTES = 24, RECORD_BYTES_MAX = 1 << 30 };

struct record {
    uint8_t type;
    const uint8_t *stored;
    uint32_t stored_bytes;
    uint32_t raw_bytes; /* 0 if stored as it is */
    uint64_t checksum;  /* of all of it: a record that was written twice has the same */
    uint64_t at;        /* where it lies in its file; of records that wal_read hands on */
};

/* Appends a record to `out`, whose count is a multiple of 8; compresses it if that saves an eighth. */
void record_write(struct writer *out, uint8_t type, const void *payload, size_t bytes);

enum record_outcome {
    RECORD_GOOD,
    RECORD_END,
    RECORD_DAMAGED /* bytes that are no record were passed over; reading may go on */
};

/* Reads the record at the front of *rest, whose start is aligned as the log was, and advances. */
enum record_outcome record_next(struct reader *rest, struct record *out);

/* The raw payload, in place or in `scratch`; false if it does not decompress, which its checksum makes impossible but
 * for a bug. */
bool record_payload(const struct record *record, struct writer *scratch, const uint8_t **payload, size_t *bytes);

#endif
