/* Building a batch; see batch.h. */
#include "http/batch.h"

static status too_many(const char *what)
{
    return status_make(STATUS_LIMIT, "too many %s in one request; send smaller ones", what);
}

static uint8_t *put_part(uint8_t *at, uint8_t tag, str part)
{
    *at++ = tag;
    at = varint_put(at, part.len);
    if (part.len) memcpy(at, part.data, part.len);
    return at + part.len;
}

status batch_labels(struct write_batch *batch, const label *pairs, size_t count, str *out)
{
    uint8_t lengths[VARINT_BYTES_MAX];
    size_t room = 0;

    for (size_t i = 0; i < count; i++) room += pairs[i].name.len + pairs[i].value.len + 3 * (1 + VARINT_BYTES_MAX);
    batch->label_bytes += room;
    if (batch->label_bytes > BATCH_LABEL_BYTES_MAX) return too_many("labels");
    uint8_t *begin = arena_alloc(&batch->arena, room), *at = begin;
    for (size_t i = 0; i < count; i++) {
        str name = pairs[i].name, value = pairs[i].value;
        size_t len = 2 + (size_t)(varint_put(lengths, name.len) - lengths) + name.len;
        len += (size_t)(varint_put(lengths, value.len) - lengths) + value.len;
        *at++ = 0x0A;
        at = varint_put(at, len);
        at = put_part(at, 0x0A, name);
        at = put_part(at, 0x12, value);
    }
    *out = str_make((const char *)begin, (size_t)(at - begin));
    return ok();
}

status batch_add_sample(struct write_batch *batch, str series, int64_t time_ms, uint64_t value_bits)
{
    size_t count = batch->times_ms.count;
    struct append_series *last = batch->series.count ? vec_last(&batch->series) : NULL;

    if (count == WRITE_SAMPLES_MAX) return too_many("samples");
    if (last && last->labels.data == series.data && last->labels.len == series.len) {
        last->count++;
    } else {
        vec_push(&batch->series, (struct append_series){.labels = series, .first = (uint32_t)count, .count = 1});
    }
    vec_push(&batch->times_ms, time_ms);
    vec_push(&batch->values, value_bits);
    return ok();
}

status batch_add_rich_sample(struct write_batch *batch, str series, const struct rich_sample *sample)
{
    if (sample->histogram && batch->found.count == WRITE_HISTOGRAMS_MAX) return too_many("native histograms");
    TRY(batch_add_sample(batch, series, sample->time_ms, double_bits(sample->value)));
    if (sample->histogram || sample->start_ms)
        vec_push(&batch->found, (struct found_rich){batch->times_ms.count - 1, sample->start_ms, sample->histogram});
    return ok();
}

status batch_add_exemplar(struct write_batch *batch, const struct append_exemplar *exemplar)
{
    if (batch->exemplars.count == WRITE_EXEMPLARS_MAX) return too_many("exemplars");
    vec_push(&batch->exemplars, *exemplar);
    return ok();
}

static bool same_metadata(const struct append_metadata *a, const struct append_metadata *b)
{
    return a->type == b->type && str_equal(a->metric, b->metric) && str_equal(a->help, b->help) &&
           str_equal(a->unit, b->unit);
}

status batch_add_metadata(struct write_batch *batch, const struct append_metadata *entry)
{
    if (entry->metric.len == 0) return ok(); /* says nothing of any metric */
    if (batch->metadata.count && same_metadata(vec_last(&batch->metadata), entry)) return ok();
    if (batch->metadata.count == WRITE_METADATA_MAX) return too_many("metadata entries");
    vec_push(&batch->metadata, *entry);
    return ok();
}

void batch_reject(struct write_batch *batch, const char *format, ...)
{
    va_list args;

    if (batch->malformed++) return;
    va_start(args, format);
    batch->complaint = arena_format_list(&batch->arena, format, args);
    va_end(args);
}
