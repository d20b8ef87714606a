/* What storage counts about itself. */
#ifndef VARVE_STORAGE_METRICS_H
#define VARVE_STORAGE_METRICS_H

#include "storage/base/metric.h"

#define STORAGE_METRICS(X)                                                                                           \
    X(COUNTER, wal_groups, "varve_wal_groups_total", "", "Groups written to the write-ahead log.")                   \
    X(COUNTER, wal_bytes, "varve_wal_written_bytes_total", "", "Bytes written to the write-ahead log.")              \
    X(COUNTER, wal_failures, "varve_wal_failures_total", "", "Writes and syncs of the write-ahead log that failed.") \
    X(COUNTER, wal_damages, "varve_wal_damages_total", "", "Damaged places found when write-ahead logs were read.")  \
    X(SECONDS, wal_commit, "varve_wal_commit_duration_seconds", "", "Write and sync of one group.")                  \
    X(SECONDS, wal_sync, "varve_wal_sync_duration_seconds", "", "The sync alone.")                                   \
    X(COUNTER, pages_read, "varve_block_pages_read_total", "", "Index pages read from blocks.")                      \
    X(COUNTER, pages_repaired, "varve_block_pages_repaired_total", "",                                               \
      "Damaged index pages, headers and footers of blocks that were mended from parity or a copy when they were "    \
      "read.")                                                                                                       \
    X(COUNTER, page_hits, "varve_page_cache_hits_total", "", "Index pages found in the page cache.")                 \
    X(GAUGE, page_cache_bytes, "varve_page_cache_bytes", "", "Bytes held by the page cache.")                        \
    X(COUNTER, checksum_failures, "varve_checksum_failures_total", "",                                               \
      "Pages and chunks of blocks whose checksum did not match when they were read.")

METRICS_DECLARE(STORAGE_METRICS, storage_metrics)

#endif
