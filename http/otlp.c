/* OpenTelemetry's metrics to batches; see otlp.h.
 *
 *     ExportMetricsServiceRequest  1 ResourceMetrics*
 *     ResourceMetrics              1 Resource   2 ScopeMetrics*
 *     ScopeMetrics                 1 Scope      2 Metric*       3 schema URL
 *     Resource                     1 attributes
 *     Scope                        1 name       2 version       3 attributes
 *     Metric                       1 name       2 description   3 unit   5 Gauge   7 Sum   9 Histogram
 *                                  10 ExponentialHistogram      11 Summary
 *
 * Fields come in any order, so what others depend on is looked for first.
 */
#include "http/otlp.h"

#include "http/otlp_internal.h"

enum {
    BYTES_1 = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    BYTES_2 = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    BYTES_3 = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    GAUGE = PROTOBUF_TAG(5, PROTOBUF_BYTES),
    SUM = PROTOBUF_TAG(7, PROTOBUF_BYTES),
    HISTOGRAM = PROTOBUF_TAG(9, PROTOBUF_BYTES),
    EXPONENTIAL = PROTOBUF_TAG(10, PROTOBUF_BYTES),
    SUMMARY = PROTOBUF_TAG(11, PROTOBUF_BYTES),
    SUM_TEMPORALITY = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    SUM_MONOTONIC = PROTOBUF_TAG(3, PROTOBUF_VARINT),
    DELTA = 1,
    CUMULATIVE = 2,
    INFO_SAMPLES_MAX = 10000
};

status otlp_malformed(void)
{
    return status_make(STATUS_INVALID, "the body is no ExportMetricsServiceRequest: malformed protobuf");
}

static bool is_one_of(const str *names, size_t count, str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name)) return true;
    }
    return false;
}

static str find(const label *pairs, size_t count, str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(pairs[i].name, name)) return pairs[i].value;
    }
    return STR("");
}

static bool is_identifying(str name)
{
    return str_equal(name, STR("service.name")) || str_equal(name, STR("service.namespace")) ||
           str_equal(name, STR("service.instance.id"));
}

static status read_resource(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);
    label pair;

    while (otlp_next(&fields)) {
        if (fields.field.tag != BYTES_1) continue;
        if (walk->resource.count == OTLP_ATTRIBUTES_MAX)
            return status_make(STATUS_INVALID, "a resource has more than %d attributes", OTLP_ATTRIBUTES_MAX);
        TRY(otlp_attribute(walk, fields.field.bytes, &pair));
        vec_push(&walk->resource, pair);
    }
    return fields.failed ? otlp_malformed() : ok();
}

/* job is the service with its namespace, instance its instance. */
static void identify(struct otlp_walk *walk)
{
    str name = find(walk->resource.data, walk->resource.count, STR("service.name"));
    str space = find(walk->resource.data, walk->resource.count, STR("service.namespace"));

    walk->job = name.len && space.len ? arena_format(walk->arena, "%.*s/%.*s", STR_ARG(space), STR_ARG(name)) : name;
    walk->instance = find(walk->resource.data, walk->resource.count, STR("service.instance.id"));
}

struct scope_names {
    str name, version, schema_url;
};

static void add_scope_label(struct otlp_walk *walk, str name, str value)
{
    if (value.len) vec_push(&walk->scope, (label){name, value});
}

static status read_scope(struct otlp_walk *walk, str message, struct scope_names *names)
{
    struct otlp_fields fields = otlp_fields_of(message);
    label pair;

    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_1) names->name = fields.field.bytes;
        if (fields.field.tag == BYTES_2) names->version = fields.field.bytes;
        if (fields.field.tag != BYTES_3) continue;
        if (walk->scope.count >= OTLP_ATTRIBUTES_MAX)
            return status_make(STATUS_INVALID, "a scope has more than %d attributes", OTLP_ATTRIBUTES_MAX);
        TRY(otlp_attribute(walk, fields.field.bytes, &pair));
        add_scope_label(walk, arena_format(walk->arena, "otel_scope_%.*s", STR_ARG(pair.name)), pair.value);
    }
    return fields.failed ? otlp_malformed() : ok();
}

/* The labels of a scope that has a name: its attributes, and over them what it is called. */
static status promote_scope(struct otlp_walk *walk, str scope_metrics)
{
    struct otlp_fields fields = otlp_fields_of(scope_metrics);
    struct scope_names names = {STR(""), STR(""), STR("")};

    walk->scope.count = 0;
    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_1) TRY(read_scope(walk, fields.field.bytes, &names));
        if (fields.field.tag == BYTES_3) names.schema_url = fields.field.bytes;
    }
    if (fields.failed) return otlp_malformed();
    if (names.name.len == 0) walk->scope.count = 0;
    if (names.name.len == 0) return ok();
    add_scope_label(walk, STR("otel_scope_name"), names.name);
    add_scope_label(walk, STR("otel_scope_version"), names.version);
    add_scope_label(walk, STR("otel_scope_schema_url"), names.schema_url);
    return ok();
}

/* The temporality of a Sum, Histogram or ExponentialHistogram, and whether a Sum only rises. */
static status read_sum(str data, uint64_t *temporality, bool *monotonic)
{
    struct otlp_fields fields = otlp_fields_of(data);

    *temporality = 0;
    *monotonic = false;
    while (otlp_next(&fields)) {
        if (fields.field.tag == SUM_TEMPORALITY) *temporality = fields.field.value;
        if (fields.field.tag == SUM_MONOTONIC) *monotonic = fields.field.value != 0;
    }
    return fields.failed ? otlp_malformed() : ok();
}

static enum metric_type type_of(enum otlp_kind kind)
{
    static const enum metric_type types[] = {[OTLP_GAUGE] = METRIC_GAUGE,           [OTLP_SUM] = METRIC_GAUGE,
                                             [OTLP_COUNTER] = METRIC_COUNTER,       [OTLP_HISTOGRAM] = METRIC_HISTOGRAM,
                                             [OTLP_EXPONENTIAL] = METRIC_HISTOGRAM, [OTLP_SUMMARY] = METRIC_SUMMARY};

    return types[kind];
}

static status read_data(struct otlp_walk *walk, uint32_t tag, str data)
{
    uint64_t temporality = CUMULATIVE;
    bool monotonic = false;

    switch (tag) {
    case GAUGE: walk->kind = OTLP_GAUGE; break;
    case SUM: walk->kind = OTLP_SUM; break;
    case HISTOGRAM: walk->kind = OTLP_HISTOGRAM; break;
    case EXPONENTIAL: walk->kind = OTLP_EXPONENTIAL; break;
    case SUMMARY: walk->kind = OTLP_SUMMARY; break;
    default: return ok();
    }
    if (tag != GAUGE && tag != SUMMARY) TRY(read_sum(data, &temporality, &monotonic));
    if (walk->kind == OTLP_SUM && monotonic) walk->kind = OTLP_COUNTER;
    walk->is_delta = temporality == DELTA;
    if (temporality != CUMULATIVE && !(walk->is_delta && walk->config->takes_delta)) {
        batch_reject(walk->batch,
                     "metric \"%.*s\" is not cumulative; use the processor deltatocumulative, or set "
                     "otlp.allow_delta_temporality",
                     STR_ARG(walk->name));
        return ok();
    }
    walk->metric = otlp_metric_name(walk->name, walk->unit, walk->kind, walk->config->strategy, walk->arena);
    enum metric_type type = walk->is_delta ? METRIC_UNKNOWN : type_of(walk->kind); /* there is no word for it */
    TRY(batch_add_metadata(walk->batch, &(struct append_metadata){type, walk->metric, walk->description,
                                                                  otlp_unit(walk->unit, walk->arena)}));
    return otlp_points(walk, data);
}

static status read_metric(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);

    walk->name = walk->unit = walk->description = STR("");
    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_1) walk->name = fields.field.bytes;
        if (fields.field.tag == BYTES_2) walk->description = fields.field.bytes;
        if (fields.field.tag == BYTES_3) walk->unit = fields.field.bytes;
    }
    if (fields.failed) return otlp_malformed();
    if (walk->name.len == 0) {
        batch_reject(walk->batch, "a metric has no name");
        return ok();
    }
    fields = otlp_fields_of(message);
    while (otlp_next(&fields)) TRY(read_data(walk, fields.field.tag, fields.field.bytes));
    return ok();
}

static status read_scope_metrics(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);

    walk->scope.count = 0;
    if (walk->config->promotes_scope) TRY(promote_scope(walk, message));
    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_2) TRY(read_metric(walk, fields.field.bytes));
    }
    return fields.failed ? otlp_malformed() : ok();
}

/* The attributes of the resource that say more than job and instance do, as labels of a gauge. */
static status add_target_info(struct otlp_walk *walk)
{
    size_t more = 0;
    str series;

    if (walk->last_ms < walk->first_ms || (walk->job.len == 0 && walk->instance.len == 0)) return ok();
    walk->attributes.count = walk->scope.count = 0;
    vec_each (pair, &walk->resource) {
        bool identifying = is_identifying(pair->name);
        more += !identifying;
        if (!identifying || walk->config->keeps_identifying) vec_push(&walk->attributes, *pair);
    }
    if (more == 0) return ok();
    TRY(otlp_make_labels(walk));
    TRY(otlp_series(walk, STR("target_info"), STR(""), STR(""), &series));
    int64_t time_ms = walk->first_ms;
    for (size_t i = 0; i < INFO_SAMPLES_MAX && time_ms < walk->last_ms; i++, time_ms += walk->info_step_ms)
        TRY(batch_add_sample(walk->batch, series, time_ms, double_bits(1)));
    TRY(batch_add_metadata(walk->batch, &(struct append_metadata){METRIC_GAUGE, STR("target_info"),
                                                                  STR("Target metadata"), STR("")}));
    return batch_add_sample(walk->batch, series, walk->last_ms, double_bits(1));
}

static status read_resource_metrics(struct otlp_walk *walk, str message)
{
    struct otlp_fields fields = otlp_fields_of(message);

    walk->resource.count = 0;
    walk->first_ms = INT64_MAX;
    walk->last_ms = INT64_MIN;
    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_1) TRY(read_resource(walk, fields.field.bytes));
    }
    if (fields.failed) return otlp_malformed();
    identify(walk);
    fields = otlp_fields_of(message);
    while (otlp_next(&fields)) {
        if (fields.field.tag == BYTES_2) TRY(read_scope_metrics(walk, fields.field.bytes));
    }
    return fields.failed ? otlp_malformed() : add_target_info(walk);
}

/* Labels of one point: those of equal names are joined, the point's own win over the resource's. */
static void add_label(struct otlp_walk *walk, str name, str value, bool joins)
{
    vec_each (pair, &walk->labels) {
        if (!str_equal(pair->name, name)) continue;
        if (joins) pair->value = arena_format(walk->arena, "%.*s;%.*s", STR_ARG(pair->value), STR_ARG(value));
        return;
    }
    vec_push(&walk->labels, (label){name, value});
}

static void set_label(struct otlp_walk *walk, str name, str value)
{
    if (value.len == 0) return;
    vec_each (pair, &walk->labels) {
        if (!str_equal(pair->name, name)) continue;
        pair->value = value;
        return;
    }
    vec_push(&walk->labels, (label){name, value});
}

static bool is_promoted(const struct otlp_config *config, str name)
{
    if (config->promotes_all) return !is_one_of(config->ignored, config->ignored_count, name);
    return is_one_of(config->promoted, config->promoted_count, name);
}

status otlp_make_labels(struct otlp_walk *walk)
{
    const struct otlp_config *config = walk->config;

    walk->labels.count = 0;
    labels_sort(walk->attributes.data, walk->attributes.count);
    vec_each (pair, &walk->attributes)
        add_label(walk, otlp_label_name(pair->name, config, walk->arena), pair->value, true);
    vec_each (pair, &walk->resource) {
        if (is_promoted(config, pair->name))
            add_label(walk, otlp_label_name(pair->name, config, walk->arena), pair->value, false);
    }
    vec_each (pair, &walk->scope) set_label(walk, otlp_label_name(pair->name, config, walk->arena), pair->value);
    set_label(walk, STR("job"), walk->job);
    set_label(walk, STR("instance"), walk->instance);
    return ok();
}

status otlp_series(struct otlp_walk *walk, str metric, str name, str value, str *out)
{
    size_t before = walk->labels.count;

    set_label(walk, METRIC_NAME, metric);
    if (name.len) set_label(walk, name, value);
    status s = batch_labels(walk->batch, walk->labels.data, walk->labels.count, out);
    walk->labels.count = before;
    return s;
}

status otlp_decode(str message, const struct otlp_config *config, int64_t info_step_ms, struct write_batch *batch)
{
    struct otlp_walk walk = {.batch = batch,
                             .config = config,
                             .arena = &batch->arena,
                             .info_step_ms = info_step_ms > 0 ? info_step_ms : 1};
    struct otlp_fields fields = otlp_fields_of(message);
    status s = ok();

    write_batch_reset(batch);
    while (!failed(s) && otlp_next(&fields)) {
        if (fields.field.tag == BYTES_1) s = read_resource_metrics(&walk, fields.field.bytes);
    }
    if (!failed(s) && fields.failed) s = otlp_malformed();
    vec_release(&walk.resource);
    vec_release(&walk.scope);
    vec_release(&walk.attributes);
    vec_release(&walk.labels);
    if (!failed(s)) write_batch_lay_out(batch);
    return s;
}
