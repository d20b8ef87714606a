/* Any bytes as a remote-write message: the walk must not read beyond them, and what it gives must lie inside. */
#include "http/remote_write.h"
#include "storage/base/hash.h"
#include "tsdb/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

uint64_t fuzz_seen; /* visible to others, so that the compiler can not leave the reading out */

/* Looks at every byte. */
static uint64_t check(const struct write_batch *batch)
{
    struct append_batch view = write_batch_view(batch);
    uint64_t sum = 0;
    label pair;

    for (size_t i = 0; i < view.series_count; i++) {
        const struct append_series *series = &view.series[i];
        str rest = series->labels;
        if (series->count == 0 || series->first + series->count > view.sample_count) abort();
        while (labels_next(&rest, &pair)) sum += pair.name.len + pair.value.len;
        if (rest.len) abort(); /* not the spelling that labels.h promises */
        for (size_t j = series->first; j < series->first + series->count; j++) sum += view.values[j];
    }
    for (size_t i = 0; i < view.metadata_count; i++) {
        const struct append_metadata *entry = &view.metadata[i];
        if (entry->metric.len == 0 || entry->type > METRIC_STATESET) abort();
        sum += hash_bytes(entry->metric.data, entry->metric.len) + hash_bytes(entry->help.data, entry->help.len) +
               hash_bytes(entry->unit.data, entry->unit.len);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct write_batch batch; /* as a worker keeps it */

    if (!failed(write_decode(str_make((const char *)data, bytes), &batch))) fuzz_seen += check(&batch);
    return 0;
}
