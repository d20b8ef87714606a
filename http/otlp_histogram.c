/* Histograms of OpenTelemetry: with explicit buckets as classic ones or, if the configuration says so, as native ones
 * with custom buckets; exponential ones as native ones. See otlp_points.c for the messages.
 *
 * The exponential bucket i of OpenTelemetry holds (base^i, base^(i + 1)], that of Prometheus ends at base^i: so all
 * indexes are one higher here. Scales finer than the finest schema are reduced to it, neighbours merged.
 */
#include "http/otlp_internal.h"

#include "tsdb/samples.h"

enum { BUCKETS_MAX = 10000 };

/* Where none is sent; as Prometheus has it. */
#define ZERO_THRESHOLD 1e-128

/* Exemplars go to the bucket that has counted them. */
static status add_bucket_exemplars(struct otlp_walk *walk, str message, const double *bounds, const str *buckets,
                                   size_t bound_count)
{
    struct otlp_fields fields = otlp_fields_of(message);
    struct append_exemplar exemplar;

    while (otlp_next(&fields)) {
        size_t i = 0;
        if (fields.field.tag != PROTOBUF_TAG(8, PROTOBUF_BYTES)) continue;
        TRY(otlp_read_exemplar(walk, fields.field.bytes, &exemplar));
        while (i < bound_count && exemplar.value > bounds[i]) i++;
        exemplar.series = buckets[i];
        TRY(batch_add_exemplar(walk->batch, &exemplar));
    }
    return ok();
}

/* As the series of a classic histogram. */
static status add_classic(struct otlp_walk *walk, const struct otlp_point *point, str message)
{
    size_t bound_count = point->counts.len ? point->bounds.len / 8 : 0; /* without counts there is +Inf only */
    const label none = {STR(""), STR("")};
    uint64_t total = 0;
    str series;

    double *bounds = arena_array(walk->arena, double, bound_count);
    str *buckets = arena_array(walk->arena, str, bound_count + 1);
    str bucket = otlp_with_suffix(walk, "_bucket");
    if (point->has_sum) TRY(otlp_add_sample(walk, point, otlp_with_suffix(walk, "_sum"), none, point->sum, &series));
    TRY(otlp_add_sample(walk, point, otlp_with_suffix(walk, "_count"), none, (double)point->count, &series));
    for (size_t i = 0; i < bound_count; i++) {
        bounds[i] = double_from_bits(load_u64(point->bounds.data + 8 * i));
        total += load_u64(point->counts.data + 8 * i);
        TRY(otlp_add_sample(walk, point, bucket, (label){STR("le"), otlp_bound_text(walk, bounds[i])}, (double)total,
                            &buckets[i]));
    }
    TRY(otlp_add_sample(walk, point, bucket, (label){STR("le"), STR("+Inf")}, (double)point->count,
                        &buckets[bound_count]));
    return add_bucket_exemplars(walk, message, bounds, buckets, bound_count);
}

static double *read_bounds(struct otlp_walk *walk, str packed)
{
    double *bounds = arena_array(walk->arena, double, packed.len / 8);

    for (size_t i = 0; i < packed.len / 8; i++) bounds[i] = double_from_bits(load_u64(packed.data + 8 * i));
    return bounds;
}

/* Appends a count to a side, which has room for it; merges with the last bucket if that is the same. */
static void add_bucket(struct bucket_list *side, int32_t *indexes, double *counts, int32_t index, uint64_t count)
{
    if (count == 0) return;
    if (side->count && indexes[side->count - 1] == index) {
        counts[side->count - 1] += (double)count;
        return;
    }
    indexes[side->count] = index;
    counts[side->count++] = (double)count;
}

/* A native histogram of the point, without its buckets. */
static struct histogram *begin_native(struct otlp_walk *walk, const struct otlp_point *point)
{
    struct histogram *h = arena_zalloc(walk->arena, sizeof *h);

    h->is_integer = true; /* what they count are always integers */
    if (walk->is_delta) h->hint = HISTOGRAM_GAUGE;
    if (point->has_no_value) {
        h->sum = double_from_bits(STALE_NAN_BITS);
        return h;
    }
    h->count = (double)point->count;
    h->sum = point->has_sum ? point->sum : 0;
    return h;
}

static status add_native(struct otlp_walk *walk, const struct otlp_point *point, const struct histogram *h, str message,
                         unsigned exemplars)
{
    struct rich_sample sample = {.time_ms = point->time_ms,
                                 .start_ms = point->start_ms,
                                 .value = h->sum,
                                 .histogram = h};
    struct otlp_fields fields = otlp_fields_of(message);
    struct append_exemplar exemplar;

    TRY(otlp_series(walk, walk->metric, STR(""), STR(""), &exemplar.series));
    str series = exemplar.series;
    TRY(batch_add_rich_sample(walk->batch, series, &sample));
    while (otlp_next(&fields)) {
        if (fields.field.tag != PROTOBUF_TAG(exemplars, PROTOBUF_BYTES)) continue;
        TRY(otlp_read_exemplar(walk, fields.field.bytes, &exemplar));
        exemplar.series = series;
        TRY(batch_add_exemplar(walk->batch, &exemplar));
    }
    return ok();
}

static status add_custom(struct otlp_walk *walk, const struct otlp_point *point, str message)
{
    size_t count = point->counts.len / 8;
    struct histogram *h = begin_native(walk, point);
    int32_t *indexes = arena_array(walk->arena, int32_t, count);
    double *counts = arena_array(walk->arena, double, count);

    h->schema = HISTOGRAM_SCHEMA_CUSTOM;
    h->bound_count = (uint32_t)(point->bounds.len / 8);
    h->bounds = read_bounds(walk, point->bounds);
    for (size_t i = 0; i < count && !point->has_no_value; i++)
        add_bucket(&h->positive, indexes, counts, (int32_t)i, load_u64(point->counts.data + 8 * i));
    h->positive.indexes = indexes;
    h->positive.counts = counts;
    return add_native(walk, point, h, message, 8);
}

status otlp_add_histogram(struct otlp_walk *walk, str message)
{
    struct otlp_point point;

    TRY(otlp_read_point(walk, message, &point));
    size_t bound_count = point.bounds.len / 8, count = point.counts.len / 8;
    if (point.bounds.len % 8 || point.counts.len % 8 || bound_count > BUCKETS_MAX ||
        (count && count != bound_count + 1)) {
        batch_reject(walk->batch, "histogram \"%.*s\" has %zu buckets and %zu bounds", STR_ARG(walk->name), count,
                     bound_count);
        return ok();
    }
    return walk->config->converts_to_custom ? add_custom(walk, &point, message) : add_classic(walk, &point, message);
}

/* The counts of one side, packed or not, into `out`, which may be NULL; how many there are. */
static status read_counts(str message, uint64_t *out, size_t *count, int64_t *offset)
{
    struct otlp_fields fields = otlp_fields_of(message);

    *count = 0;
    *offset = 0;
    while (otlp_next(&fields)) {
        const struct protobuf_field *field = &fields.field;
        if (field->tag == PROTOBUF_TAG(1, PROTOBUF_VARINT)) *offset = (int32_t)zigzag_decode(field->value);
        if (field->tag == PROTOBUF_TAG(2, PROTOBUF_VARINT)) {
            if (out) out[*count] = field->value;
            ++*count;
        }
        if (field->tag != PROTOBUF_TAG(2, PROTOBUF_BYTES)) continue;
        const uint8_t *at = (const uint8_t *)field->bytes.data, *end = at + field->bytes.len;
        while (at < end) {
            uint64_t value;
            at = varint_get(at, end, &value);
            if (!at) return otlp_malformed();
            if (out) out[*count] = value;
            ++*count;
        }
    }
    return fields.failed ? otlp_malformed() : ok();
}

/* One side; *is_good says whether its indexes can be. */
static status read_side(struct otlp_walk *walk, str message, unsigned down, struct bucket_list *out, bool *is_good)
{
    size_t count;
    int64_t offset;

    TRY(read_counts(message, NULL, &count, &offset));
    *is_good = count <= HISTOGRAM_BUCKETS_MAX && offset + (int64_t)count < INT32_MAX;
    if (!*is_good) return ok();
    uint64_t *raw = arena_array(walk->arena, uint64_t, count);
    int32_t *indexes = arena_array(walk->arena, int32_t, count);
    double *counts = arena_array(walk->arena, double, count);
    TRY(read_counts(message, raw, &count, &offset));
    for (size_t i = 0; i < count; i++)
        add_bucket(out, indexes, counts, (int32_t)((offset + (int64_t)i) >> down) + 1, raw[i]);
    out->indexes = indexes;
    out->counts = counts;
    return ok();
}

status otlp_add_exponential(struct otlp_walk *walk, str message)
{
    struct otlp_point point;
    bool is_good = true;

    TRY(otlp_read_point(walk, message, &point));
    struct histogram *h = begin_native(walk, &point);
    if (point.scale < HISTOGRAM_SCHEMA_MIN || point.scale > INT32_MAX) {
        batch_reject(walk->batch, "exponential histogram \"%.*s\" has the scale %lld; it must be at least %d",
                     STR_ARG(walk->name), (long long)point.scale, HISTOGRAM_SCHEMA_MIN);
        return ok();
    }
    int64_t down = point.scale > HISTOGRAM_SCHEMA_MAX ? point.scale - HISTOGRAM_SCHEMA_MAX : 0;
    h->schema = (int8_t)(point.scale - down);
    if (down > 40) down = 40; /* no index has more bits */
    if (!point.has_no_value) {
        h->zero_threshold = point.zero_threshold > 0 ? point.zero_threshold : ZERO_THRESHOLD;
        h->zero_count = (double)point.zero_count;
        TRY(read_side(walk, point.positive, (unsigned)down, &h->positive, &is_good));
        if (is_good) TRY(read_side(walk, point.negative, (unsigned)down, &h->negative, &is_good));
    }
    if (!is_good) {
        batch_reject(walk->batch, "exponential histogram \"%.*s\" has too many buckets, or impossible ones",
                     STR_ARG(walk->name));
        return ok();
    }
    return add_native(walk, &point, h, message, 11);
}
