/* What the files of the OTLP decoder share. */
#ifndef VARVE_HTTP_OTLP_INTERNAL_H
#define VARVE_HTTP_OTLP_INTERNAL_H

#include "http/otlp.h"
#include "http/otlp_names.h"
#include "http/protobuf.h"
#include "storage/base/vec.h"

struct otlp_walk {
    struct write_batch *batch;
    const struct otlp_config *config;
    struct arena *arena; /* the batch's */
    int64_t info_step_ms;
    /* of the resource */
    vec(label) resource; /* attributes, as texts */
    str job, instance;
    int64_t first_ms, last_ms; /* of its points; none if last < first */
    /* of the scope */
    vec(label) scope; /* labels that it adds */
    /* of the metric */
    str name, unit, description;
    enum otlp_kind kind;
    bool is_delta;
    str metric; /* the name in Prometheus */
    /* of the point */
    vec(label) attributes, labels;
};

/* A message's fields, one after the other. */
struct otlp_fields {
    const uint8_t *at, *end;
    struct protobuf_field field;
    bool failed;
};

static inline struct otlp_fields otlp_fields_of(str message)
{
    const uint8_t *at = (const uint8_t *)message.data;

    return (struct otlp_fields){.at = at, .end = message.len ? at + message.len : at};
}

/* The next field; false at the end or, with `failed` set, when the message is malformed. */
static inline bool otlp_next(struct otlp_fields *fields)
{
    if (fields->at >= fields->end) return false;
    fields->at = protobuf_field(fields->at, fields->end, &fields->field);
    fields->failed = !fields->at;
    return !fields->failed;
}

status otlp_malformed(void);

/* Reads a KeyValue; the value as text. */
status otlp_attribute(struct otlp_walk *walk, str message, label *out);

/* Makes walk->labels of the attributes of the point, of what the resource and scope add, and of job and instance. */
status otlp_make_labels(struct otlp_walk *walk);

/* The series of the point with this name, and one more label unless that is empty. */
status otlp_series(struct otlp_walk *walk, str metric, str name, str value, str *out);

/* What points of all kinds have. */
struct otlp_point {
    int64_t time_ms, start_ms;
    uint64_t count;
    double sum, value;
    bool has_sum, has_no_value;
    str counts, bounds; /* of histograms, packed */
    int64_t scale;      /* of exponential ones, with their sides as messages */
    uint64_t zero_count;
    double zero_threshold;
    str positive, negative;
};

/* Reads a point of the metric and makes its labels. */
status otlp_read_point(struct otlp_walk *walk, str message, struct otlp_point *out);

/* Appends a sample of a series of this point; a marker that it has ended if the point has no value. */
status otlp_add_sample(struct otlp_walk *walk, const struct otlp_point *point, str metric, label more, double value,
                       str *series);

/* Reads an exemplar; its labels are the trace, the span and what was filtered from the point. */
status otlp_read_exemplar(struct otlp_walk *walk, str message, struct append_exemplar *out);

/* The metric's name with a suffix; a bound as the value of `le`. */
str otlp_with_suffix(struct otlp_walk *walk, const char *suffix);
str otlp_bound_text(struct otlp_walk *walk, double bound);

status otlp_add_histogram(struct otlp_walk *walk, str message);
status otlp_add_exponential(struct otlp_walk *walk, str message);

/* The points of a Metric's data: one data field of it. */
status otlp_points(struct otlp_walk *walk, str data);

#endif
