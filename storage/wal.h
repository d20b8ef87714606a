/* The write-ahead log of one head.
 *
 * Opaque records are committed in groups: one write and one sync for all batches that wait, and every answer after it.
 * A thread of the log, the committer, does that; it has no timer: while one group is being synced the next gathers. The
 * format and what a crash leaves behind are described in wal_format.h, reading in wal_read.h.
 */
#ifndef VARVE_STORAGE_WAL_H
#define VARVE_STORAGE_WAL_H

#include "storage/fs.h"
#include "storage/record.h"

struct wal;

struct wal_options {
    struct fs *fs;
    uint32_t head;             /* number of the head: the first part of the file names */
    uint32_t first_segment;    /* 0 for a new log, else wal_end.next_segment */
    uint64_t first_sequence;   /* 1 for a new log, else wal_end.next_sequence */
    uint64_t torn_groups;      /* 0 for a new log, else wal_end.torn_groups */
    uint32_t segment_bytes;    /* size of the first segment, doubled from one to the next; 0: 1 MiB */
    uint32_t sync_interval_ms; /* 0: sync each group; else answer after the write and sync this often */
};

/* Makes the first segment, durably, and starts the committer. */
status wal_open(const struct wal_options *options, struct wal **out);

/* Commits what waits, syncs, stops. Returns the log's failure if it had one. No commit may be under way. */
status wal_close(struct wal *wal);

/* Stops without writing or syncing what waits, whose done() is called with CANCELED (for tests: a process dies). */
void wal_abandon(struct wal *wal);

/* Records of one request, framed already. Zeroed is empty. */
struct wal_batch {
    struct writer records;
    struct writer again; /* written again with the next group: what later records rest on */
};

/* Adds a record, compressing it on the caller's thread. */
void wal_batch_add(struct wal_batch *batch, uint8_t type, bool again, const void *payload, size_t bytes);
void wal_batch_release(struct wal_batch *batch);

/* Hands a batch over and leaves it empty. done(context, outcome) is called once, on the committer's thread or, if
 * nothing waits and the batch is empty, in this call: with OK when the batch and everything handed over before it are
 * durable. done must not block. */
void wal_commit(struct wal *wal, struct wal_batch *take_batch, void (*done)(void *context, status outcome),
                void *context);

/* The failure that stopped the log, or OK. Once failed it stays so: every batch gets the error. Thread-safe. */
status wal_failure(struct wal *wal);

/* Bytes of groups written so far. Thread-safe. */
uint64_t wal_bytes(const struct wal *wal);

/* Unlinks all segments of a head's log. */
status wal_remove(struct fs *fs, uint32_t head);

#endif
