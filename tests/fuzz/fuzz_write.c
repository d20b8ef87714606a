/* Any bytes as a body of each way of writing but remote-write 1.0: the first byte chooses. The decoders must not read
 * beyond them, and what they give must lie inside. */
#include "http/import.h"
#include "http/otlp.h"
#include "http/otlp_json.h"
#include "http/remote_write2.h"
#include "storage/base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

uint64_t fuzz_seen; /* visible to others, so that the compiler can not leave the reading out */

/* Looks at every byte. */
static void check(const struct write_batch *batch)
{
    struct append_batch view = write_batch_view(batch);
    label pair;

    for (size_t i = 0; i < view.series_count; i++) {
        const struct append_series *series = &view.series[i];
        str rest = series->labels;
        if (series->count == 0 || series->first + series->count > view.sample_count) abort();
        fuzz_seen += hash_bytes(rest.data, rest.len);
        while (labels_next(&rest, &pair)) {}
        if (rest.len) abort(); /* not the spelling that labels.h promises */
        for (size_t j = series->first; j < series->first + series->count; j++) fuzz_seen += view.values[j];
    }
    for (size_t i = 0; i < view.metadata_count; i++) {
        const struct append_metadata *entry = &view.metadata[i];
        if (entry->metric.len == 0 || entry->type > METRIC_STATESET) abort();
        fuzz_seen += hash_bytes(entry->metric.data, entry->metric.len) + hash_bytes(entry->help.data, entry->help.len) +
                     hash_bytes(entry->unit.data, entry->unit.len);
    }
    vec_each (entry, &batch->exemplars)
        fuzz_seen +=
            hash_bytes(entry->series.data, entry->series.len) + hash_bytes(entry->labels.data, entry->labels.len);
}

static status decode_otlp_json(str text, const struct otlp_config *config, struct write_batch *batch,
                               struct writer *message)
{
    TRY(otlp_json_translate(text, message));
    return otlp_decode(str_make((const char *)message->data, message->count), config, 150000, batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct write_batch batch; /* as a worker keeps it */
    struct otlp_config config = {.promotes_all = true,
                                 .promotes_scope = true,
                                 .takes_delta = true,
                                 .keeps_starts = true};
    struct import import = {.batch = &batch, .now_ms = 1, .format = STR("1:label:a,2:metric:b,3:time:unix_s")};
    struct writer message = {0};
    status s = ok();

    if (bytes == 0) return 0;
    str text = str_make((const char *)data + 1, bytes - 1);
    config.strategy = (enum otlp_strategy)(*data / 8 % OTLP_STRATEGY_COUNT);
    config.converts_to_custom = *data & 64;
    import.is_openmetrics = *data & 8;
    write_batch_reset(&batch);
    switch (*data % 8) {
    case 0: s = write2_decode(text, &batch); break;
    case 1: s = otlp_decode(text, &config, 150000, &batch); break;
    case 2: s = decode_otlp_json(text, &config, &batch, &message); break;
    case 3: s = import_text(&import, text); break;
    case 4: s = import_json(&import, text); break;
    case 5: s = import_csv(&import, text); break;
    default: s = import_influx(&import, text); break;
    }
    if (!failed(s)) check(&batch);
    writer_release(&message);
    return 0;
}
