/* What the engine counts about itself. */
#ifndef VARVE_TSDB_METRICS_H
#define VARVE_TSDB_METRICS_H

#include "storage/base/metric.h"

#define TSDB_METRICS(X)                                                                                                \
    X(COUNTER, samples_stored, "varve_samples_appended_total", "", "Samples stored.")                                  \
    X(COUNTER, samples_late, "varve_out_of_order_samples_total", "",                                                   \
      "Of the stored samples, those older than the newest of their series.")                                           \
    X(COUNTER, samples_repeated, "varve_samples_repeated_total", "", "Samples that were stored already, bit for bit.") \
    X(COUNTER, samples_conflicting, "varve_samples_conflicting_total", "",                                             \
      "Samples for a time at which an earlier stored value was kept.")                                                 \
    X(COUNTER, series_created, "varve_head_series_created_total", "", "Series registered.")                            \
    X(GAUGE, head_series, "varve_head_series", "", "Series with samples in the live head.")                            \
    X(GAUGE, head_samples, "varve_head_samples", "", "Samples in the live head.")                                      \
    X(GAUGE, head_bytes, "varve_head_bytes", "", "Memory of heads and registries.")                                    \
    X(GAUGE, exemplar_bytes, "varve_exemplar_bytes", "", "Memory of exemplars.")                                       \
    X(GAUGE, blocks, "varve_blocks", "", "Blocks.")                                                                    \
    X(GAUGE, block_bytes, "varve_blocks_bytes", "", "Bytes of all blocks on disk.")                                    \
    X(COUNTER, freezes, "varve_freezes_total", "", "Heads written as blocks.")                                         \
    X(COUNTER, freeze_failures, "varve_freeze_failures_total", "", "Attempts to write a block that failed.")           \
    X(SECONDS, freeze_seconds, "varve_freeze_duration_seconds", "", "Time to write a head as a block.")                \
    X(COUNTER, merges, "varve_compactions_total", "", "Merges of blocks.")                                             \
    X(COUNTER, merge_failures, "varve_compaction_failures_total", "", "Merges of blocks that failed.")                 \
    X(SECONDS, merge_seconds, "varve_compaction_duration_seconds", "", "Time to merge blocks.")                        \
    X(COUNTER, merged_samples, "varve_compaction_samples_total", "", "Samples written by merges.")                     \
    X(COUNTER, merge_read_bytes, "varve_compaction_read_bytes_total", "", "Bytes of the blocks that were merged.")     \
    X(COUNTER, merge_written_bytes, "varve_compaction_written_bytes_total", "", "Bytes of the blocks made by merges.") \
    X(GAUGE, merging_bytes, "varve_compaction_running_bytes", "",                                                      \
      "Bytes of the blocks that the merge under way reads; 0 while there is none.")                                    \
    X(GAUGE, merging_done_bytes, "varve_compaction_running_done_bytes", "",                                            \
      "How many of varve_compaction_running_bytes are done, about.")                                                   \
    X(GAUGE, tombstones, "varve_tombstones", "", "Deletes whose samples are not purged yet.")                          \
    X(COUNTER, blocks_expired, "varve_retention_blocks_deleted_total", "", "Blocks removed by the retention.")         \
    X(SECONDS, append_seconds, "varve_append_duration_seconds", "", "Time of one request in memory, without commit.")  \
    X(SECONDS, replay_seconds, "varve_replay_duration_seconds", "", "Time to read the log at start.")                  \
    X(GAUGE, folder_bytes, "varve_storage_bytes", "", "Bytes of the disk that the data folder has.")                   \
    X(GAUGE, disk_full, "varve_disk_full", "", "1 while writes are refused because the disk is full.")                 \
    X(COUNTER, metadata_dropped, "varve_metadata_dropped_total", "",                                                   \
      "Times that the metadata of a metric was not kept because there is that of too many metrics.")                   \
    X(COUNTER, damages, "varve_damaged_files_total", "", "Damaged places found in data files.")                        \
    X(GAUGE, blocks_damaged, "varve_blocks_damaged", "",                                                               \
      "Blocks in which damage was found, or that can not be opened; they are not merged.")                             \
    X(COUNTER, scrub_blocks, "varve_scrub_blocks_total", "", "Blocks read whole to find damage.")                      \
    X(COUNTER, scrub_bytes, "varve_scrub_bytes_total", "", "Bytes read to find damage, about.")                        \
    X(GAUGE, scrub_done_seconds, "varve_scrub_completed_timestamp_seconds", "",                                        \
      "When all blocks had been read to find damage.")                                                                 \
    X(COUNTER, damaged_answers, "varve_damaged_answers_total", "",                                                     \
      "Answers that went without damaged data and said so in a warning.")

METRICS_DECLARE(TSDB_METRICS, tsdb_metrics)

#endif
