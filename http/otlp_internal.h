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

/* The points of a Metric's data: one data field of it. */
status otlp_points(struct otlp_walk *walk, str data);

#endif
