/* Layout of the write-ahead log, shared by its writer and its readers.
 *
 * A head's log is files wal/HHHHHHHH-SSSS: head number and segment, both decimal. A segment is allocated with zeros
 * when it is made and filled once. It begins with 64 bytes:
 *
 *     offset size
 *     0      8    "VARVEWAL"
 *     8      4    format version, 1
 *     12     4    head number
 *     16     4    segment
 *     20     4    zero
 *     24     8    boot id under which it was made
 *     32     24   zero
 *     56     8    XXH3 of bytes 0-55
 *
 * and goes on with groups, each at a multiple of 8:
 *
 *     0      8    "VARVEGRP"
 *     8      8    sequence: 1, 2, 3 … over all segments of the log
 *     16     8    synced: all groups up to this sequence were durable when this one was written
 *     24     8    boot id
 *     32     8    bytes of the records
 *     40     8    XXH3 of bytes 0-39
 *     48          records (storage/record.h)
 *     then   8    trailer: the sequence, bits inverted
 *
 * After the last group come zeros, or what a crash left of a group that nobody was told of.
 *
 * Torn or damaged. A bad place is *damage* if a later group says that the place was durable; or if it was written under
 * the running boot (so nothing that was written is lost) and is complete: its trailer is there, or bytes after a bad
 * header are not zero. Everything else is *torn*: no sync had returned for it, so nobody was told. Both are passed over
 * and reading goes on behind them; damage is reported, and the good records of its group count, while a torn group is
 * dropped as a whole. When the log has been idle for 100 ms it writes an empty group,
 * so that the last group with records is vouched for too.
 *
 * After a restart the log goes on in a new segment with the next sequence, so nothing old is ever cut or overwritten.
 * Its first group says which groups are torn, those between *synced* and its own sequence: no later group makes them
 * damage.
 */
#ifndef VARVE_STORAGE_WAL_FORMAT_H
#define VARVE_STORAGE_WAL_FORMAT_H

#include "storage/base/bytes.h"

enum {
    WAL_VERSION = 1,
    WAL_SEGMENT_HEADER_BYTES = 64,
    WAL_GROUP_HEADER_BYTES = 48,
    WAL_TRAILER_BYTES = 8,
    WAL_NAME_BYTES = 32,
    WAL_SEGMENT_BYTES_MIN = 1 << 20,
    WAL_SEGMENT_BYTES_MAX = 4 << 20
};

struct wal_group {
    uint64_t sequence, synced, boot, bytes;
};

/* "wal/00000007-0002". */
void wal_name(char out[WAL_NAME_BYTES], uint32_t head, uint32_t segment);

/* Takes a name in the folder wal apart; false if wal_name does not make it. */
bool wal_parse_name(str name, uint32_t *head, uint32_t *segment);

void wal_segment_header(uint8_t out[WAL_SEGMENT_HEADER_BYTES], uint32_t head, uint32_t segment, uint64_t boot);
bool wal_is_segment_header(const uint8_t *at, uint32_t head, uint32_t segment, uint64_t *boot);

void wal_group_header(uint8_t out[WAL_GROUP_HEADER_BYTES], const struct wal_group *group);
bool wal_is_group_header(const uint8_t *at, struct wal_group *out);

/* An id of the machine's current boot. */
uint64_t wal_boot_id(void);

/* Makes wal_boot_id() return another value (for tests of power cuts). */
void wal_set_boot_id(uint64_t boot);

#endif
