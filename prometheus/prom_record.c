/* Reading records; see prom_record.h.
 *
 *     series            u64 id, labels: varint number, for each texts of name and value
 *     samples           u64 id, u64 time that all others are relative to; for each zigzag varints id, time; u64 value
 *     samples 2         for each zigzag varints: id minus the one before, time minus that of the first one (which has
 *                       both as they are), start time: u8 0 none, 1 that of the one before, 2 and zigzag varint minus
 *                       that of the first (which has only the varint); u64 value
 *     histograms        as samples, with a histogram in the place of the value; so are histograms 2, where the ids,
 *                       times and start times of the first stand before it
 *     tombstones        for each: u64 id, zigzag varints first and last time
 *     exemplars         u64 id, u64 time that all others are relative to; for each zigzag varints id, time; u64 value,
 *                       labels as those of a series
 *     metadata          for each: varint id, u8 type, varint number of fields, for each texts of name and value
 *
 *     a histogram       u8 hint, zigzag varint schema, u64 zero threshold, zero count, count, u64 sum; positive,
 * negative spans: varint number, for each zigzag varint offset, varint length; positive, negative buckets: varint
 * number, each; custom bounds, if the schema has them: varint number, u64 each counts of integers are varints, buckets
 * zigzag varints minus the one before; else u64
 *
 * Fixed widths are big-endian.
 */
#include "prometheus/prom_record.h"

#include "prometheus/prom_file.h"

void prom_record_release(struct prom_record *record)
{
    vec_release(&record->series);
    vec_release(&record->pairs);
    vec_release(&record->samples);
    vec_release(&record->tombstones);
    vec_release(&record->metadata);
    vec_release(&record->exemplars);
    arena_release(&record->arena);
}

void prom_record_clear(struct prom_record *record)
{
    record->series.count = record->pairs.count = record->samples.count = 0;
    record->tombstones.count = record->metadata.count = record->exemplars.count = 0;
    arena_reset(&record->arena);
}

static uint64_t read_u64(struct reader *in)
{
    const uint8_t *at = reader_bytes(in, 8);
    return at ? prom_u64(at) : 0;
}

/* Adds pairs and says how many there are. */
static size_t read_pairs(struct reader *in, struct prom_record *out)
{
    size_t count = reader_varint(in);

    for (size_t i = 0; i < count && !reader_failed(in); i++) {
        label pair = {.name = reader_str(in)};
        pair.value = reader_str(in);
        vec_push(&out->pairs, pair);
    }
    return count;
}

static void read_series(struct reader *in, struct prom_record *out)
{
    while (reader_left(in)) {
        struct prom_record_series series = {.id = read_u64(in), .first = out->pairs.count};
        series.count = read_pairs(in, out);
        if (!reader_failed(in)) vec_push(&out->series, series);
    }
}

static void read_exemplars(struct reader *in, struct prom_record *out)
{
    uint64_t id = 0, time = 0;

    if (reader_left(in)) {
        id = read_u64(in);
        time = read_u64(in);
    }
    while (reader_left(in)) {
        struct prom_record_exemplar one = {.id = id + (uint64_t)reader_signed(in)};
        one.time_ms = (int64_t)(time + (uint64_t)reader_signed(in));
        one.value = double_from_bits(read_u64(in));
        one.first = out->pairs.count;
        one.count = read_pairs(in, out);
        if (!reader_failed(in)) vec_push(&out->exemplars, one);
    }
}

/* One side of a histogram as it is written. */
struct side {
    vec(int32_t) indexes;
    vec(double) counts;
};

static void read_spans(struct reader *in, struct side *side)
{
    uint64_t spans = reader_varint(in);
    int64_t next = 0;

    side->indexes.count = side->counts.count = 0;
    for (uint64_t i = 0; i < spans && !reader_failed(in); i++) {
        int64_t offset = reader_signed(in);
        uint64_t length = reader_varint(in);
        if (length > HISTOGRAM_BUCKETS_MAX - side->indexes.count || offset < INT32_MIN || offset > INT32_MAX ||
            (i > 0 && offset < 0)) {
            in->failed = true;
            break;
        }
        next += offset;
        if (next < INT32_MIN || next > INT32_MAX - HISTOGRAM_BUCKETS_MAX) in->failed = true;
        for (uint64_t k = 0; k < length && !in->failed; k++) vec_push(&side->indexes, (int32_t)next++);
    }
}

static void read_buckets(struct reader *in, bool is_integer, struct side *side)
{
    uint64_t count = reader_varint(in), sum = 0;

    if (count != side->indexes.count) in->failed = true;
    for (uint64_t i = 0; i < count && !in->failed; i++) {
        if (is_integer) sum += (uint64_t)reader_signed(in);
        vec_push(&side->counts, is_integer ? (double)(int64_t)sum : double_from_bits(read_u64(in)));
    }
}

/* The buckets that are not empty, in the arena. */
static struct bucket_list keep_side(const struct side *side, struct arena *arena)
{
    int32_t *indexes = arena_array(arena, int32_t, side->counts.count);
    double *counts = arena_array(arena, double, side->counts.count);
    uint32_t kept = 0;

    for (size_t i = 0; i < side->counts.count; i++) {
        if (side->counts.data[i] == 0) continue;
        indexes[kept] = side->indexes.data[i];
        counts[kept++] = side->counts.data[i];
    }
    return (struct bucket_list){kept, indexes, counts};
}

static void read_bounds(struct reader *in, struct histogram *h, struct arena *arena)
{
    uint64_t count = reader_varint(in);

    if (count > HISTOGRAM_BUCKETS_MAX || count > reader_left(in) / 8) {
        in->failed = true;
        return;
    }
    double *bounds = arena_array(arena, double, count);
    for (uint64_t i = 0; i < count; i++) bounds[i] = double_from_bits(read_u64(in));
    h->bounds = bounds;
    h->bound_count = (uint32_t)count;
}

static double read_count(struct reader *in, bool is_integer)
{
    return is_integer ? (double)reader_varint(in) : double_from_bits(read_u64(in));
}

static const struct histogram *read_histogram(struct reader *in, bool is_integer, int64_t *schema, struct side sides[2],
                                              struct arena *arena)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);

    h->is_integer = is_integer;
    h->hint = reader_u8(in) & 3;
    *schema = reader_signed(in);
    h->schema = (int8_t)*schema;
    h->zero_threshold = double_from_bits(read_u64(in));
    h->zero_count = read_count(in, is_integer);
    h->count = read_count(in, is_integer);
    h->sum = double_from_bits(read_u64(in));
    read_spans(in, &sides[0]);
    read_spans(in, &sides[1]);
    read_buckets(in, is_integer, &sides[0]);
    read_buckets(in, is_integer, &sides[1]);
    h->positive = keep_side(&sides[0], arena);
    h->negative = keep_side(&sides[1], arena);
    if (*schema == HISTOGRAM_SCHEMA_CUSTOM) read_bounds(in, h, arena);
    if (double_bits(h->sum) == STALE_NAN_BITS)
        *h = (struct histogram){.is_integer = is_integer, .hint = h->hint, .sum = h->sum};
    return h;
}

enum value_kind { VALUE_FLOAT, VALUE_INTEGER_HISTOGRAM, VALUE_FLOAT_HISTOGRAM };

/* Where ids and times are counted from, and how. */
struct base {
    bool is_second; /* version */
    uint64_t id, time, start;
    uint64_t last_id;
    int64_t last_start;
};

static int64_t read_start(struct reader *in, struct base *base)
{
    uint8_t marker = reader_u8(in);

    if (marker == 0) return 0;
    return marker == 1 ? base->last_start : (int64_t)(base->start + (uint64_t)reader_signed(in));
}

static void read_place(struct reader *in, struct base *base, bool is_first, struct prom_record_sample *out)
{
    if (!base->is_second) {
        out->id = base->id + (uint64_t)reader_signed(in);
        out->time_ms = (int64_t)(base->time + (uint64_t)reader_signed(in));
        return;
    }
    if (is_first) {
        out->id = (uint64_t)reader_signed(in);
        base->time = (uint64_t)reader_signed(in);
        base->start = (uint64_t)reader_signed(in);
        out->time_ms = (int64_t)base->time;
        out->start_ms = (int64_t)base->start;
    } else {
        out->id = base->last_id + (uint64_t)reader_signed(in);
        out->time_ms = (int64_t)(base->time + (uint64_t)reader_signed(in));
        out->start_ms = read_start(in, base);
    }
    base->last_id = out->id;
    base->last_start = out->start_ms;
}

static status read_samples(struct reader *in, bool is_second, enum value_kind kind, struct prom_record *out)
{
    struct base base = {.is_second = is_second};
    struct side sides[2] = {{{0}, {0}}, {{0}, {0}}};
    status s = ok();

    if (!is_second && reader_left(in)) {
        base.id = read_u64(in);
        base.time = read_u64(in);
    }
    for (bool is_first = true; reader_left(in) && !failed(s); is_first = false) {
        struct prom_record_sample sample = {0};
        int64_t schema = 0;
        read_place(in, &base, is_first, &sample);
        if (kind == VALUE_FLOAT) {
            sample.value = read_u64(in);
        } else {
            sample.histogram = read_histogram(in, kind == VALUE_INTEGER_HISTOGRAM, &schema, sides, &out->arena);
            sample.value = double_bits(sample.histogram->sum);
        }
        if (reader_failed(in)) break;
        if (schema != HISTOGRAM_SCHEMA_CUSTOM && (schema < HISTOGRAM_SCHEMA_MIN || schema > HISTOGRAM_SCHEMA_MAX))
            s = status_make(STATUS_UNSUPPORTED, "a native histogram has the schema %lld", (long long)schema);
        vec_push(&out->samples, sample);
    }
    for (int i = 0; i < 2; i++) {
        vec_release(&sides[i].indexes);
        vec_release(&sides[i].counts);
    }
    return s;
}

static void read_tombstones(struct reader *in, struct prom_record *out)
{
    while (reader_left(in)) {
        struct prom_tombstone one = {.series = read_u64(in)};
        one.min_ms = reader_signed(in);
        one.max_ms = reader_signed(in);
        if (!reader_failed(in)) vec_push(&out->tombstones, one);
    }
}

static void read_metadata(struct reader *in, struct prom_record *out)
{
    while (reader_left(in)) {
        struct prom_record_metadata one = {.id = reader_varint(in)};
        uint8_t type = reader_u8(in);
        uint64_t fields = reader_varint(in);
        for (uint64_t i = 0; i < fields && !reader_failed(in); i++) {
            str name = reader_str(in), value = reader_str(in);
            if (str_equal(name, STR("UNIT"))) one.entry.unit = value;
            if (str_equal(name, STR("HELP"))) one.entry.help = value;
        }
        one.entry.type = type <= METRIC_STATESET ? (enum metric_type)type : METRIC_UNKNOWN;
        if (!reader_failed(in)) vec_push(&out->metadata, one);
    }
}

status prom_record_decode(str bytes, struct prom_record *out)
{
    struct reader in = reader_make(bytes.data, bytes.len);
    unsigned type = reader_u8(&in);
    status s = ok();

    switch (type) {
    case PROM_RECORD_SERIES: read_series(&in, out); break;
    case PROM_RECORD_SAMPLES: s = read_samples(&in, false, VALUE_FLOAT, out); break;
    case PROM_RECORD_SAMPLES_2: s = read_samples(&in, true, VALUE_FLOAT, out); break;
    case PROM_RECORD_HISTOGRAMS:
    case PROM_RECORD_CUSTOM_HISTOGRAMS: s = read_samples(&in, false, VALUE_INTEGER_HISTOGRAM, out); break;
    case PROM_RECORD_FLOAT_HISTOGRAMS:
    case PROM_RECORD_CUSTOM_FLOAT_HISTOGRAMS: s = read_samples(&in, false, VALUE_FLOAT_HISTOGRAM, out); break;
    case PROM_RECORD_HISTOGRAMS_2: s = read_samples(&in, true, VALUE_INTEGER_HISTOGRAM, out); break;
    case PROM_RECORD_FLOAT_HISTOGRAMS_2: s = read_samples(&in, true, VALUE_FLOAT_HISTOGRAM, out); break;
    case PROM_RECORD_TOMBSTONES: read_tombstones(&in, out); break;
    case PROM_RECORD_METADATA: read_metadata(&in, out); break;
    case PROM_RECORD_EXEMPLARS: read_exemplars(&in, out); break;
    case PROM_RECORD_MARKERS: return ok();
    default:
        return status_make(STATUS_UNSUPPORTED, "a record has the type %u, which is none that Prometheus 3 writes",
                           type);
    }
    if (!failed(s) && reader_failed(&in)) s = status_make(STATUS_CORRUPT, "a record of type %u is malformed", type);
    return s;
}
