/* Remote-write 1.0 messages to batches; see remote_write.h.
 *
 *     WriteRequest    1 TimeSeries*   3 MetricMetadata*
 *     TimeSeries      1 Label*        2 Sample*          3 Exemplar*   4 Histogram*
 *     Exemplar        1 Label*        2 double value     3 int64 timestamp
 *     Label           1 name          2 value
 *     Sample          1 double value  2 int64 timestamp
 *     Histogram       see write_histogram.h
 *     MetricMetadata  1 enum type     2 family name      4 help        5 unit
 */
#include "http/remote_write.h"

#include "http/protobuf.h"

enum {
    REQUEST_SERIES = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    REQUEST_METADATA = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    SERIES_LABEL = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    SERIES_SAMPLE = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    SERIES_EXEMPLAR = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    SERIES_HISTOGRAM = PROTOBUF_TAG(4, PROTOBUF_BYTES),
    EXEMPLAR_LABEL = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    EXEMPLAR_VALUE = PROTOBUF_TAG(2, PROTOBUF_FIXED64),
    EXEMPLAR_TIME = PROTOBUF_TAG(3, PROTOBUF_VARINT),
    LABEL_NAME = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    LABEL_VALUE = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    SAMPLE_VALUE = PROTOBUF_TAG(1, PROTOBUF_FIXED64),
    SAMPLE_TIME = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    METADATA_TYPE = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    METADATA_NAME = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    METADATA_HELP = PROTOBUF_TAG(4, PROTOBUF_BYTES),
    METADATA_UNIT = PROTOBUF_TAG(5, PROTOBUF_BYTES)
};

/* One walk over one message. */
struct walk {
    struct write_batch *batch;
    str message;
    const uint8_t *failed_at; /* where it is malformed */
    const char *limit;        /* what there is too much of, if that ended the walk */
};

static bool fail(struct walk *walk, const uint8_t *at)
{
    walk->failed_at = at;
    return false;
}

static const uint8_t *begin_of(str s)
{
    return (const uint8_t *)s.data;
}

static const uint8_t *end_of(str s)
{
    return (const uint8_t *)s.data + s.len;
}

/* Steps over label fields in the spelling that all senders use, name then value, both shorter than 128 bytes:
 *
 *     0x0A, length, 0x0A, name length, name, 0x12, value length, value
 *
 * Two tags and two lengths are one load and one comparison. Returns the byte after the last such field. */
static const uint8_t *usual_labels(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 6) {
        uint32_t head = load_u32(at), len = head >> 8 & 0xFF, name_len = head >> 24;
        if ((head & 0x80FF80FF) != (SERIES_LABEL | LABEL_NAME << 16)) break;
        if (len + 2 > (size_t)(end - at) || name_len + 4 > len) break;
        if (load_u16(at + 4 + name_len) != (LABEL_VALUE | (len - 4 - name_len) << 8)) break;
        at += 2 + len;
    }
    return at;
}

/* Checks the spelling of a label; *plain stays if it has no fields other than names and values, with tags of one byte.
 */
static bool check_label(struct walk *walk, str label, bool *plain)
{
    const uint8_t *at = begin_of(label), *end = end_of(label);
    struct protobuf_field field;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        if (field.tag == LABEL_NAME || field.tag == LABEL_VALUE) {
            *plain &= *start == field.tag;
        } else if (field.tag >> 3 <= 2) {
            return fail(walk, start);
        } else {
            *plain = false;
        }
    }
    return true;
}

/* Appends a part of a label, unless it is empty, which is what its absence means. */
static void gather_part(struct writer *scratch, uint8_t tag, str part)
{
    if (part.len == 0) return;
    writer_u8(scratch, tag);
    writer_str(scratch, part);
}

/* Appends a label field, unknown fields left out: never longer than it was. */
static void gather_label(struct writer *scratch, str label)
{
    const uint8_t *at = begin_of(label), *end = end_of(label);
    str name = STR(""), value = STR("");
    struct protobuf_field field;
    uint8_t text[VARINT_BYTES_MAX];

    while (at < end) {
        at = protobuf_field(at, end, &field);
        assert(at); /* it was checked */
        if (field.tag == LABEL_NAME) name = field.bytes;
        if (field.tag == LABEL_VALUE) value = field.bytes;
    }
    size_t len = name.len ? 1 + (size_t)(varint_put(text, name.len) - text) + name.len : 0;
    len += value.len ? 1 + (size_t)(varint_put(text, value.len) - text) + value.len : 0;
    writer_u8(scratch, SERIES_LABEL);
    writer_varint(scratch, len);
    gather_part(scratch, LABEL_NAME, name);
    gather_part(scratch, LABEL_VALUE, value);
}

/* The labels of a series whose label fields are scattered or hold unknown fields, or of an exemplar, spelt anew. */
static str gather_labels(struct walk *walk, str series)
{
    struct writer *scratch = &walk->batch->scratch;
    const uint8_t *at = begin_of(series), *end = end_of(series);
    struct protobuf_field field;

    if (scratch->count == 0) writer_reserve(scratch, walk->message.len + 2 * VARINT_BYTES_MAX);
    const uint8_t *data = scratch->data;
    size_t first = scratch->count;
    while (at < end) {
        at = protobuf_field(at, end, &field);
        assert(at);
        if (field.tag == SERIES_LABEL) gather_label(scratch, field.bytes);
    }
    assert(scratch->data == data && scratch->count <= walk->message.len); /* spans into it stay good */
    return str_make((const char *)data + first, scratch->count - first);
}

/* Reads a varint that fills [at, end), at most eight bytes, without a loop: time stamps are six. Takes eight bytes from
 * `at`, which the caller knows to be readable. False if it does not fill them. */
static inline bool whole_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    unsigned unused_bits = 64 - 8 * (unsigned)(end - at);
    uint64_t v = load_u64(at) << unused_bits, more = 0x8080808080808080ULL << unused_bits;

    if ((v & 0x8080808080808080ULL) != (more & ~(1ULL << 63))) return false; /* all but the last byte say "more" */
    v = (v & 0x7F7F7F7F7F7F7F7FULL) >> unused_bits;
    v = (v & 0x007F007F007F007FULL) | (v & 0x7F007F007F007F00ULL) >> 1;
    v = (v & 0x00003FFF00003FFFULL) | (v & 0x3FFF00003FFF0000ULL) >> 2;
    *out = (v & 0x000000000FFFFFFFULL) | (v & 0x0FFFFFFF00000000ULL) >> 4;
    return true;
}

static bool walk_sample(struct walk *walk, str sample)
{
    struct write_batch *batch = walk->batch;
    const uint8_t *at = begin_of(sample), *end = end_of(sample);
    uint64_t value = 0, time = 0;
    struct protobuf_field field;

    /* The usual order first; whatever else there is goes through the loop. */
    if (sample.len >= 9 && *at == SAMPLE_VALUE) {
        value = load_u64(at + 1);
        at += 9;
    }
    if (at < end && *at == SAMPLE_TIME) {
        const uint8_t *start = at++;
        bool eight_readable = end_of(walk->message) - at >= 8;
        if (eight_readable && at < end && end - at <= 8 && whole_varint(at, end, &time)) {
            at = end;
        } else if (!(at = varint_get(at, end, &time))) {
            return fail(walk, start);
        }
    }
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        if (field.tag == SAMPLE_VALUE) {
            value = field.value;
        } else if (field.tag == SAMPLE_TIME) {
            time = field.value;
        } else if (field.tag >> 3 <= 2) {
            return fail(walk, start);
        }
    }
    if (batch->times_ms.count == WRITE_SAMPLES_MAX) {
        walk->limit = "samples";
        return fail(walk, begin_of(sample));
    }
    vec_push(&batch->times_ms, (int64_t)time);
    vec_push(&batch->values, value);
    return true;
}

static bool walk_histogram(struct walk *walk, str message)
{
    struct write_batch *batch = walk->batch;
    struct write_histogram found;

    if (batch->times_ms.count == WRITE_SAMPLES_MAX || batch->found.count == WRITE_HISTOGRAMS_MAX) {
        walk->limit = "native histograms";
        return fail(walk, begin_of(message));
    }
    const uint8_t *bad = write_histogram_decode(message, &batch->histogram_scratch, &batch->arena, &found);
    if (bad) return fail(walk, bad);
    if (!found.histogram) {
        if (batch->malformed++ == 0) batch->complaint = str_from(found.defect);
        return true;
    }
    vec_push(&batch->found, (struct found_rich){batch->times_ms.count, 0, found.histogram});
    vec_push(&batch->times_ms, found.time_ms);
    vec_push(&batch->values, double_bits(found.histogram->sum));
    return true;
}

/* Gathers the labels of an exemplar, whose fields are those of a series. */
static bool walk_exemplar(struct walk *walk, str exemplar)
{
    struct write_batch *batch = walk->batch;
    const uint8_t *at = begin_of(exemplar), *end = end_of(exemplar);
    struct append_exemplar entry = {0};
    struct protobuf_field field;
    bool plain = true;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        switch (field.tag) {
        case EXEMPLAR_LABEL:
            if (!check_label(walk, field.bytes, &plain)) return false;
            break;
        case EXEMPLAR_VALUE: entry.value = double_from_bits(field.value); break;
        case EXEMPLAR_TIME: entry.time_ms = (int64_t)field.value; break;
        default:
            if (field.tag >> 3 <= 3) return fail(walk, start);
        }
    }
    if (batch->exemplars.count == WRITE_EXEMPLARS_MAX) {
        walk->limit = "exemplars";
        return fail(walk, begin_of(exemplar));
    }
    entry.labels = gather_labels(walk, exemplar);
    vec_push(&batch->exemplars, entry);
    return true;
}

static bool walk_series(struct walk *walk, str series)
{
    struct write_batch *batch = walk->batch;
    const uint8_t *at = begin_of(series), *end = end_of(series);
    const uint8_t *labels = at, *labels_end = usual_labels(at, end);
    size_t first = batch->times_ms.count, first_exemplar = batch->exemplars.count;
    bool in_place = true;
    struct protobuf_field field;

    at = labels_end;
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        switch (field.tag) {
        case SERIES_LABEL:
            if (!check_label(walk, field.bytes, &in_place)) return false;
            if (labels == labels_end) labels = labels_end = start;
            in_place &= labels_end == start && *start == SERIES_LABEL;
            labels_end = at = usual_labels(at, end);
            break;
        case SERIES_SAMPLE:
            if (!walk_sample(walk, field.bytes)) return false;
            break;
        case SERIES_EXEMPLAR:
            if (!walk_exemplar(walk, field.bytes)) return false;
            break;
        case SERIES_HISTOGRAM:
            if (!walk_histogram(walk, field.bytes)) return false;
            break;
        default:
            if (field.tag >> 3 <= 4) return fail(walk, start);
        }
    }
    if (batch->times_ms.count == first && batch->exemplars.count == first_exemplar) return true; /* nothing to store */
    str span = in_place ? str_make((const char *)labels, (size_t)(labels_end - labels)) : gather_labels(walk, series);
    for (size_t i = first_exemplar; i < batch->exemplars.count; i++) batch->exemplars.data[i].series = span;
    if (batch->times_ms.count == first) return true;
    vec_push(&batch->series, (struct append_series){
                                 .labels = span,
                                 .first = (uint32_t)first,
                                 .count = (uint32_t)(batch->times_ms.count - first),
                             });
    return true;
}

static enum metric_type metric_type_of(uint64_t code)
{
    return code <= METRIC_STATESET ? (enum metric_type)code : METRIC_UNKNOWN;
}

static bool walk_metadata(struct walk *walk, str message)
{
    struct write_batch *batch = walk->batch;
    const uint8_t *at = begin_of(message), *end = end_of(message);
    struct append_metadata entry = {METRIC_UNKNOWN, STR(""), STR(""), STR("")};
    struct protobuf_field field;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        switch (field.tag) {
        case METADATA_TYPE: entry.type = metric_type_of(field.value); break;
        case METADATA_NAME: entry.metric = field.bytes; break;
        case METADATA_HELP: entry.help = field.bytes; break;
        case METADATA_UNIT: entry.unit = field.bytes; break;
        default:
            if (field.tag >> 3 <= 5 && field.tag >> 3 != 3) return fail(walk, start);
        }
    }
    if (entry.metric.len == 0) return true; /* says nothing of any metric */
    if (batch->metadata.count == WRITE_METADATA_MAX) {
        walk->limit = "metadata entries";
        return fail(walk, begin_of(message));
    }
    vec_push(&batch->metadata, entry);
    return true;
}

static bool walk_request(struct walk *walk)
{
    const uint8_t *at = begin_of(walk->message), *end = end_of(walk->message);
    struct protobuf_field field;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return fail(walk, start);
        if (field.tag == REQUEST_SERIES) {
            if (!walk_series(walk, field.bytes)) return false;
        } else if (field.tag == REQUEST_METADATA) {
            if (!walk_metadata(walk, field.bytes)) return false;
        } else if (field.tag >> 3 == 1 || field.tag >> 3 == 3) {
            return fail(walk, start);
        }
    }
    return true;
}

void write_batch_reset(struct write_batch *batch)
{
    batch->series.count = batch->times_ms.count = batch->values.count = batch->metadata.count = 0;
    batch->exemplars.count = batch->scratch.count = 0;
    batch->histograms.count = batch->starts_ms.count = batch->found.count = 0;
    arena_reset(&batch->arena);
    batch->label_bytes = batch->malformed = 0;
    batch->complaint = STR("");
}

void write_batch_lay_out(struct write_batch *batch)
{
    size_t count = batch->times_ms.count;
    bool has_histograms = false, has_starts = false;

    vec_each (found, &batch->found) {
        has_histograms = has_histograms || found->histogram;
        has_starts = has_starts || found->start_ms;
    }
    if (has_histograms) {
        vec_reserve(&batch->histograms, count);
        memset(batch->histograms.data, 0, count * sizeof *batch->histograms.data);
        batch->histograms.count = count;
    }
    if (has_starts) {
        vec_reserve(&batch->starts_ms, count);
        memset(batch->starts_ms.data, 0, count * sizeof *batch->starts_ms.data);
        batch->starts_ms.count = count;
    }
    vec_each (found, &batch->found) {
        if (has_histograms) batch->histograms.data[found->index] = found->histogram;
        if (has_starts) batch->starts_ms.data[found->index] = found->start_ms;
    }
}

status write_decode(str message, struct write_batch *batch)
{
    struct walk walk = {.batch = batch, .message = message};

    write_batch_reset(batch);
    if (message.len == 0) return ok();
    if (walk_request(&walk)) {
        write_batch_lay_out(batch);
        return ok();
    }
    size_t offset = (size_t)(walk.failed_at - begin_of(message));
    if (walk.limit) return status_at(STATUS_LIMIT, offset, "too many %s in one request; send smaller ones", walk.limit);
    return status_at(STATUS_INVALID, offset, "malformed protobuf at byte %zu of the decompressed message", offset);
}

struct append_batch write_batch_view(const struct write_batch *batch)
{
    return (struct append_batch){
        .series = batch->series.data,
        .series_count = batch->series.count,
        .times_ms = batch->times_ms.data,
        .values = batch->values.data,
        .histograms = batch->histograms.count ? batch->histograms.data : NULL,
        .starts_ms = batch->starts_ms.count ? batch->starts_ms.data : NULL,
        .sample_count = batch->times_ms.count,
        .metadata = batch->metadata.data,
        .metadata_count = batch->metadata.count,
        .exemplars = batch->exemplars.data,
        .exemplar_count = batch->exemplars.count,
    };
}

size_t write_batch_bytes(const struct write_batch *batch)
{
    return batch->series.capacity * sizeof *batch->series.data +
           batch->times_ms.capacity * (sizeof *batch->times_ms.data + sizeof *batch->values.data) +
           batch->metadata.capacity * sizeof *batch->metadata.data + batch->scratch.capacity +
           batch->histograms.capacity * sizeof *batch->histograms.data +
           batch->starts_ms.capacity * sizeof *batch->starts_ms.data +
           batch->found.capacity * sizeof *batch->found.data +
           batch->exemplars.capacity * sizeof *batch->exemplars.data;
}

void write_batch_release(struct write_batch *batch)
{
    vec_release(&batch->series);
    vec_release(&batch->times_ms);
    vec_release(&batch->values);
    vec_release(&batch->metadata);
    vec_release(&batch->histograms);
    vec_release(&batch->starts_ms);
    vec_release(&batch->found);
    histogram_scratch_release(&batch->histogram_scratch);
    vec_release(&batch->exemplars);
    writer_release(&batch->scratch);
    arena_release(&batch->arena);
}
