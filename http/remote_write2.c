/* Remote-write 2.0 messages to batches; see remote_write2.h.
 *
 *     Request     4 string symbols*          5 TimeSeries*
 *     TimeSeries  1 packed uint32 labels     2 Sample*          3 Histogram*           4 Exemplar*   5 Metadata
 *     Sample      1 double value             2 int64 timestamp  3 int64 start timestamp
 *     Exemplar    1 packed uint32 labels     2 double value     3 int64 timestamp
 *     Metadata    1 enum type                3 uint32 help      4 uint32 unit
 *
 * Labels are pairs of references, name and value. Start timestamps are read over: the storage has no place for them.
 */
#include "http/remote_write2.h"

#include "http/batch.h"
#include "http/protobuf.h"

enum {
    REQUEST_SYMBOL = PROTOBUF_TAG(4, PROTOBUF_BYTES),
    REQUEST_SERIES = PROTOBUF_TAG(5, PROTOBUF_BYTES),
    SERIES_LABELS = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    SERIES_LABEL = PROTOBUF_TAG(1, PROTOBUF_VARINT), /* not packed */
    SERIES_SAMPLE = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    SERIES_HISTOGRAM = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    SERIES_EXEMPLAR = PROTOBUF_TAG(4, PROTOBUF_BYTES),
    SERIES_METADATA = PROTOBUF_TAG(5, PROTOBUF_BYTES),
    POINT_VALUE_1 = PROTOBUF_TAG(1, PROTOBUF_FIXED64),
    POINT_VALUE_2 = PROTOBUF_TAG(2, PROTOBUF_FIXED64),
    POINT_TIME_2 = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    POINT_TIME_3 = PROTOBUF_TAG(3, PROTOBUF_VARINT),
    SAMPLE_START = PROTOBUF_TAG(3, PROTOBUF_VARINT),
    METADATA_TYPE = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    METADATA_HELP = PROTOBUF_TAG(3, PROTOBUF_VARINT),
    METADATA_UNIT = PROTOBUF_TAG(4, PROTOBUF_VARINT)
};

/* One walk over one message. */
struct walk {
    struct write_batch *batch;
    str message;
    const str *symbols;
    size_t symbol_count;
    /* of the series at hand */
    vec(label) pairs;
    const char *nonsense; /* why it is left out */
};

static const uint8_t *begin_of(str s)
{
    return (const uint8_t *)s.data;
}

static const uint8_t *end_of(str s)
{
    return (const uint8_t *)s.data + s.len;
}

static status malformed(const struct walk *walk, const uint8_t *at)
{
    size_t offset = (size_t)(at - begin_of(walk->message));

    return status_at(STATUS_INVALID, offset, "malformed protobuf at byte %zu of the decompressed message", offset);
}

static status read_symbols(struct walk *walk)
{
    const uint8_t *at = begin_of(walk->message), *end = end_of(walk->message);
    struct protobuf_field field;
    size_t count = 0, room = 0;
    str *symbols = NULL;

    for (int pass = 0; pass < 2; pass++) {
        for (at = begin_of(walk->message); at < end;) {
            const uint8_t *start = at;
            at = protobuf_field(at, end, &field);
            if (!at) return malformed(walk, start);
            if (field.tag != REQUEST_SYMBOL) continue;
            if (pass == 0) {
                room++;
            } else {
                symbols[count++] = field.bytes;
            }
        }
        if (room > WRITE_SYMBOLS_MAX)
            return status_make(STATUS_LIMIT, "too many symbols in one request; send smaller ones");
        if (pass == 0) symbols = arena_array(&walk->batch->arena, str, room);
    }
    if (count && symbols[0].len) return status_make(STATUS_INVALID, "the first symbol must be the empty string");
    walk->symbols = symbols;
    walk->symbol_count = count;
    return ok();
}

/* A symbol; the series makes no sense if there is none. */
static str symbol(struct walk *walk, uint64_t reference)
{
    if (reference < walk->symbol_count) return walk->symbols[reference];
    walk->nonsense = "a reference beyond the symbols";
    return STR("");
}

/* Reads the label references of a series or an exemplar, packed or not, into walk->pairs. */
static status read_labels(struct walk *walk, str fields)
{
    const uint8_t *at = begin_of(fields), *end = end_of(fields);
    struct protobuf_field field;
    uint64_t reference;
    size_t count = 0;

    walk->pairs.count = 0;
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        bool is_packed = field.tag == SERIES_LABELS;
        if (!is_packed && field.tag != SERIES_LABEL) continue;
        uint8_t text[VARINT_BYTES_MAX];
        const uint8_t *from = is_packed ? begin_of(field.bytes) : text;
        const uint8_t *to = is_packed ? end_of(field.bytes) : varint_put(text, field.value);
        while (from < to) {
            from = varint_get(from, to, &reference);
            if (!from) return malformed(walk, start);
            str text_of = symbol(walk, reference);
            if (count++ % 2 == 0) {
                vec_push(&walk->pairs, (label){text_of, STR("")});
            } else {
                vec_last(&walk->pairs)->value = text_of;
            }
        }
    }
    if (count % 2) walk->nonsense = "a label name without a value";
    return ok();
}

/* A sample or, with value and time one field further, an exemplar, which has no start time. */
static status read_point(const struct walk *walk, str fields, bool is_exemplar, struct rich_sample *out)
{
    const uint8_t *at = begin_of(fields), *end = end_of(fields);
    struct protobuf_field field;

    *out = (struct rich_sample){0};
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        if (field.tag == (is_exemplar ? POINT_VALUE_2 : POINT_VALUE_1)) {
            out->value = double_from_bits(field.value);
        } else if (field.tag == (is_exemplar ? POINT_TIME_3 : POINT_TIME_2)) {
            out->time_ms = (int64_t)field.value;
        } else if (!is_exemplar && field.tag == SAMPLE_START) {
            out->start_ms = (int64_t)field.value;
        } else if (field.tag >> 3 <= 3 && !(is_exemplar && field.tag >> 3 == 1)) {
            return malformed(walk, start);
        }
    }
    return ok();
}

/* Metrics of these types have series of several names; the metadata is that of the family. */
static str family_of(str metric, enum metric_type type)
{
    static const struct {
        enum metric_type type;
        str suffix;
    } suffixes[] = {
        {METRIC_HISTOGRAM, STR("_bucket")},       {METRIC_HISTOGRAM, STR("_count")},
        {METRIC_HISTOGRAM, STR("_sum")},          {METRIC_GAUGE_HISTOGRAM, STR("_bucket")},
        {METRIC_GAUGE_HISTOGRAM, STR("_gcount")}, {METRIC_GAUGE_HISTOGRAM, STR("_gsum")},
        {METRIC_SUMMARY, STR("_count")},          {METRIC_SUMMARY, STR("_sum")},
    };

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (type == suffixes[i].type && str_ends_with(metric, suffixes[i].suffix))
            return str_part(metric, 0, metric.len - suffixes[i].suffix.len);
    }
    return metric;
}

static status read_metadata(struct walk *walk, str fields, struct append_metadata *out)
{
    const uint8_t *at = begin_of(fields), *end = end_of(fields);
    struct protobuf_field field;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        switch (field.tag) {
        case METADATA_TYPE:
            if (field.value <= METRIC_STATESET) out->type = (enum metric_type)field.value;
            break;
        case METADATA_HELP: out->help = symbol(walk, field.value); break;
        case METADATA_UNIT: out->unit = symbol(walk, field.value); break;
        default:
            if (field.tag >> 3 <= 4 && field.tag >> 3 != 2) return malformed(walk, start);
        }
    }
    return ok();
}

/* Exemplars of a series; one that makes no sense is counted, the series stays. */
static status add_exemplar(struct walk *walk, str fields, str series)
{
    struct append_exemplar exemplar = {.series = series};
    struct rich_sample point;

    TRY(read_point(walk, fields, true, &point));
    exemplar.time_ms = point.time_ms;
    exemplar.value = point.value;
    TRY(read_labels(walk, fields));
    if (walk->nonsense) {
        batch_reject(walk->batch, "an exemplar has %s", walk->nonsense);
        walk->nonsense = NULL;
        return ok();
    }
    TRY(batch_labels(walk->batch, walk->pairs.data, walk->pairs.count, &exemplar.labels));
    return batch_add_exemplar(walk->batch, &exemplar);
}

static status add_histogram(struct walk *walk, str fields, str series)
{
    struct write_batch *batch = walk->batch;
    struct write_histogram found;
    const uint8_t *bad = write_histogram_decode(fields, &batch->histogram_scratch, &batch->arena, &found);

    if (bad) return malformed(walk, bad);
    if (!found.histogram) {
        batch_reject(batch, "%s", found.defect);
        return ok();
    }
    return batch_add_rich_sample(batch, series,
                                 &(struct rich_sample){.time_ms = found.time_ms,
                                                       .start_ms = found.start_ms,
                                                       .value = found.histogram->sum,
                                                       .histogram = found.histogram});
}

/* Adds what a series whose labels are known holds. */
static status add_points(struct walk *walk, str fields, str series, size_t *points)
{
    const uint8_t *at = begin_of(fields), *end = end_of(fields);
    struct protobuf_field field;
    struct rich_sample point;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        switch (field.tag) {
        case SERIES_SAMPLE:
            TRY(read_point(walk, field.bytes, false, &point));
            TRY(batch_add_rich_sample(walk->batch, series, &point));
            ++*points;
            break;
        case SERIES_HISTOGRAM:
            TRY(add_histogram(walk, field.bytes, series));
            ++*points;
            break;
        case SERIES_EXEMPLAR:
            TRY(add_exemplar(walk, field.bytes, series));
            ++*points;
            break;
        case SERIES_LABELS:
        case SERIES_LABEL:
        case SERIES_METADATA: break;
        default:
            if (field.tag >> 3 <= 5) return malformed(walk, start);
        }
    }
    return ok();
}

static status add_metadata(struct walk *walk, str fields, str metric)
{
    const uint8_t *at = begin_of(fields), *end = end_of(fields);
    struct append_metadata entry = {METRIC_UNKNOWN, metric, STR(""), STR("")};
    struct protobuf_field field;

    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        if (field.tag == SERIES_METADATA) TRY(read_metadata(walk, field.bytes, &entry));
    }
    if (walk->nonsense || (entry.type == METRIC_UNKNOWN && !entry.help.len && !entry.unit.len)) return ok();
    entry.metric = family_of(metric, entry.type);
    return batch_add_metadata(walk->batch, &entry);
}

static status walk_series(struct walk *walk, str fields)
{
    struct write_batch *batch = walk->batch;
    str series = STR(""), metric = STR("");
    size_t points = 0;

    walk->nonsense = NULL;
    TRY(read_labels(walk, fields));
    vec_each (pair, &walk->pairs) {
        if (str_equal(pair->name, METRIC_NAME)) metric = pair->value;
    }
    if (!walk->nonsense) {
        TRY(add_metadata(walk, fields, metric));
    }
    if (walk->nonsense) {
        batch_reject(batch, "a series has %s", walk->nonsense);
        return ok();
    }
    labels_sort(walk->pairs.data, walk->pairs.count);
    TRY(batch_labels(batch, walk->pairs.data, walk->pairs.count, &series));
    TRY(add_points(walk, fields, series, &points));
    if (points == 0) batch_reject(batch, "series \"%.*s\" has neither samples nor histograms", STR_ARG(metric));
    return ok();
}

static status walk_request(struct walk *walk)
{
    const uint8_t *at = begin_of(walk->message), *end = end_of(walk->message);
    struct protobuf_field field;

    TRY(read_symbols(walk));
    while (at < end) {
        const uint8_t *start = at;
        at = protobuf_field(at, end, &field);
        if (!at) return malformed(walk, start);
        if (field.tag == REQUEST_SERIES) {
            TRY(walk_series(walk, field.bytes));
        } else if (field.tag >> 3 == 4 && field.tag != REQUEST_SYMBOL) {
            return malformed(walk, start);
        } else if (field.tag >> 3 == 5) {
            return malformed(walk, start);
        }
    }
    return ok();
}

status write2_decode(str message, struct write_batch *batch)
{
    struct walk walk = {.batch = batch, .message = message};

    write_batch_reset(batch);
    status s = message.len ? walk_request(&walk) : ok();
    vec_release(&walk.pairs);
    if (!failed(s)) write_batch_lay_out(batch);
    return s;
}
