/* Metric metadata as it was received: the last of each metric. Thread-safe. */
#ifndef VARVE_TSDB_METADATA_H
#define VARVE_TSDB_METADATA_H

#include "storage/base/bytes.h"
#include "tsdb/append.h"

struct metadata_table;

/* Metrics beyond the limit are not remembered, and counted. */
struct metadata_table *metadata_table_new(uint32_t metrics_max);
void metadata_table_free(struct metadata_table *table);

/* Remembers an entry; true if that changed anything. */
bool metadata_put(struct metadata_table *table, const struct append_metadata *entry);

/* Entries as bytes: for each metric text, type u8, help text, unit text. */
void metadata_encode(const struct append_metadata *entry, struct writer *out);

/* Remembers encoded entries; false if they are malformed. */
bool metadata_apply(struct metadata_table *table, const uint8_t *bytes, size_t size);

/* All entries in the order of metrics, preceded by their count: a block's section. Empty if there are none. */
void metadata_section(struct metadata_table *table, struct writer *out);

/* Calls each() for all entries in order, or for one metric if it is not empty. The strings are valid in the call, which
 * must not call back into the table. */
void metadata_each(struct metadata_table *table, str metric,
                   void (*each)(void *context, const struct append_metadata *entry), void *context);

#endif
