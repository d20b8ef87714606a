/* Families of metrics for /federate; see federate_format.h. */
#include "http/federate_format.h"

#include "http/exposition.h"
#include "http/json.h"
#include "http/protobuf.h"
#include "http/write_histogram.h"
#include "storage/base/number.h"

#include <math.h>

#define PROTOBUF_TYPE         "application/vnd.google.protobuf"
#define PROTOBUF_CONTENT_TYPE PROTOBUF_TYPE "; proto=io.prometheus.client.MetricFamily; encoding=delimited"

static bool has_parameter(str parameters, str name, str value)
{
    while (parameters.len) {
        str text = str_trim(str_cut(&parameters, ';')), key = str_trim(str_cut(&text, '='));
        if (str_equal_ignore_case(key, name) && str_equal(str_trim(text), value)) return true;
    }
    return false;
}

static double quality(str parameters)
{
    double q = 1;

    while (parameters.len) {
        str text = str_trim(str_cut(&parameters, ';')), key = str_trim(str_cut(&text, '='));
        if (str_equal_ignore_case(key, STR("q")) && !str_to_double(str_trim(text), &q)) q = 0;
    }
    return q;
}

void federate_accept(struct federate_output *output, str accept)
{
    double best_protobuf = 0, best_text = 0;

    output->takes_utf8 = accept.len && memmem(accept.data, accept.len, "escaping=allow-utf-8", 20);
    while (accept.len) {
        str parameters = str_cut(&accept, ','), type = str_trim(str_cut(&parameters, ';'));
        double q = quality(parameters);
        bool is_family = str_equal_ignore_case(type, STR(PROTOBUF_TYPE)) &&
                         has_parameter(parameters, STR("proto"), STR("io.prometheus.client.MetricFamily")) &&
                         has_parameter(parameters, STR("encoding"), STR("delimited"));
        bool is_text = str_equal_ignore_case(type, STR("text/plain")) || str_equal(type, STR("text/*")) ||
                       str_equal(type, STR("*/*"));
        if (is_family && q > best_protobuf && q > best_text) best_protobuf = q;
        if (is_text && q > best_text) best_text = q;
    }
    output->is_protobuf = best_protobuf > 0 && best_protobuf >= best_text;
    response_text(output->response, 200, output->is_protobuf ? PROTOBUF_CONTENT_TYPE : EXPOSITION_CONTENT_TYPE,
                  STR(""));
}

bool federate_can_tell(const struct federate_output *output, const struct histogram *h)
{
    return !h || output->is_protobuf || histogram_is_custom(h);
}

static void put(struct writer *w, str text)
{
    writer_bytes(w, text.data, text.len);
}

/* The name with underscores for what no identifier has. */
static void put_escaped(struct writer *w, str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9' && i > 0);
        if (((unsigned char)c & 0xC0) != 0x80) writer_u8(w, is_letter || c == '_' ? (uint8_t)c : '_');
    }
}

static void put_quoted(struct writer *w, str text)
{
    writer_u8(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\\' || c == '"') writer_u8(w, '\\');
        if (c == '\n') {
            put(w, STR("\\n"));
        } else {
            writer_u8(w, (uint8_t)c);
        }
    }
    writer_u8(w, '"');
}

/* In text, names that are no identifiers stand in quotes. */
static void put_name(const struct federate_output *output, struct writer *w, str name, bool is_plain)
{
    if (is_plain) {
        put(w, name);
    } else if (output->takes_utf8) {
        put_quoted(w, name);
    } else {
        put_escaped(w, name);
    }
}

static void put_label(const struct federate_output *output, struct writer *w, bool *first, str name, str value)
{
    if (!*first) writer_u8(w, ',');
    *first = false;
    put_name(output, w, name, labels_is_label_name(name));
    writer_u8(w, '=');
    put_quoted(w, value);
}

static void put_number(struct writer *w, double value)
{
    w->count += number_format(value, NUMBER_GENERAL, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
}

/* One line: the metric's name with a suffix, its labels and perhaps one more, a value. */
static void put_line(struct federate_output *output, const struct federate_metric *metric, str suffix, str le,
                     double value)
{
    struct writer *w = response_writer(output->response), *name = &output->small;
    bool first = true;

    name->count = 0;
    put(name, output->name);
    put(name, suffix);
    str full = str_make((const char *)name->data, name->count);
    bool is_plain = labels_is_metric_name(full) || !output->takes_utf8;
    if (is_plain) put_name(output, w, full, labels_is_metric_name(full));
    writer_u8(w, '{');
    if (!is_plain) {
        put_quoted(w, full);
        first = false;
    }
    for (size_t i = 0; i < metric->pair_count; i++)
        put_label(output, w, &first, metric->pairs[i].name, metric->pairs[i].value);
    if (le.len) put_label(output, w, &first, STR("le"), le);
    put(w, STR("} "));
    put_number(w, value);
    writer_u8(w, ' ');
    json_put_signed(w, metric->time_ms);
    writer_u8(w, '\n');
}

/* The count of all buckets up to the i-th custom one; to be asked with rising i. */
static double cumulate(const struct histogram *h, uint32_t i, uint32_t *at, double *sum)
{
    for (; *at < h->positive.count && h->positive.indexes[*at] <= (int32_t)i; ++*at) *sum += h->positive.counts[*at];
    return *sum;
}

static void put_classic_lines(struct federate_output *output, const struct federate_metric *metric)
{
    const struct histogram *h = metric->histogram;
    char text[NUMBER_TEXT_MAX];
    uint32_t at = 0;
    double sum = 0;

    for (uint32_t i = 0; i < h->bound_count; i++) {
        str le = str_make(text, number_format(h->bounds[i], NUMBER_GENERAL, text));
        put_line(output, metric, STR("_bucket"), le, cumulate(h, i, &at, &sum));
    }
    put_line(output, metric, STR("_bucket"), STR("+Inf"), h->count);
    put_line(output, metric, STR("_sum"), STR(""), h->sum);
    put_line(output, metric, STR("_count"), STR(""), h->count);
}

static void put_bytes(struct writer *w, unsigned number, const struct writer *bytes)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_BYTES));
    writer_str(w, str_make((const char *)bytes->data, bytes->count));
}

static void put_text(struct federate_output *output, struct writer *w, unsigned number, str name, bool is_plain)
{
    struct writer *scratch = &output->small;

    scratch->count = 0;
    if (is_plain || output->takes_utf8) {
        put(scratch, name);
    } else {
        put_escaped(scratch, name);
    }
    put_bytes(w, number, scratch);
}

static void put_double(struct writer *w, unsigned number, double value)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_FIXED64));
    writer_u64(w, double_bits(value));
}

static void put_varint(struct writer *w, unsigned number, uint64_t value)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_VARINT));
    writer_varint(w, value);
}

static void put_classic_buckets(struct federate_output *output, const struct histogram *h)
{
    uint32_t at = 0;
    double sum = 0;

    for (uint32_t i = 0; i < h->bound_count; i++) {
        output->small.count = 0;
        put_double(&output->small, 2, h->bounds[i]);
        put_double(&output->small, 4, cumulate(h, i, &at, &sum));
        put_bytes(&output->part, 3, &output->small);
    }
}

static void put_native(struct federate_output *output, const struct histogram *h)
{
    static const uint8_t no_span[] = {PROTOBUF_TAG(12, PROTOBUF_BYTES), 0};
    struct writer *w = &output->part;

    put_varint(w, 5, zigzag_encode(h->schema));
    put_double(w, 6, h->zero_threshold);
    put_double(w, 8, h->zero_count);
    write_histogram_spans(&h->negative, 9, w);
    write_histogram_counts(&h->negative, 11, w);
    write_histogram_spans(&h->positive, 12, w);
    write_histogram_counts(&h->positive, 14, w);
    /* What tells a native histogram without observations from a classic one without buckets. */
    if (h->positive.count + h->negative.count == 0) writer_bytes(w, no_span, sizeof no_span);
}

static void put_message(struct federate_output *output, const struct federate_metric *metric)
{
    struct writer *w = &output->metric;

    w->count = 0;
    for (size_t i = 0; i < metric->pair_count; i++) {
        str name = metric->pairs[i].name;
        output->part.count = 0;
        put_text(output, &output->part, 1, name, labels_is_label_name(name));
        put_text(output, &output->part, 2, metric->pairs[i].value, true);
        put_bytes(w, 1, &output->part);
    }
    output->part.count = 0;
    if (metric->histogram) {
        put_double(&output->part, 2, metric->histogram->sum);
        put_double(&output->part, 4, metric->histogram->count);
        if (histogram_is_custom(metric->histogram)) {
            put_classic_buckets(output, metric->histogram);
        } else {
            put_native(output, metric->histogram);
        }
    } else {
        put_double(&output->part, 1, metric->value);
    }
    put_bytes(w, metric->histogram ? 7 : 5, &output->part);
    put_varint(w, 6, (uint64_t)metric->time_ms);
    put_bytes(&output->family, 4, w);
}

void federate_begin(struct federate_output *output, str name, enum federate_type type)
{
    static const uint8_t numbers[] = {3, 4, 5};
    bool is_plain = labels_is_metric_name(name);

    output->name = name;
    if (output->is_protobuf) {
        output->family.count = 0;
        put_text(output, &output->family, 1, name, is_plain);
        put_varint(&output->family, 3, numbers[type]);
        return;
    }
    struct writer *w = response_writer(output->response);
    put(w, STR("# TYPE "));
    put_name(output, w, name, is_plain);
    put(w, type == FEDERATE_UNTYPED ? STR(" untyped\n") : STR(" histogram\n"));
}

void federate_put(struct federate_output *output, const struct federate_metric *metric)
{
    assert(federate_can_tell(output, metric->histogram));
    if (output->is_protobuf) {
        put_message(output, metric);
    } else if (metric->histogram) {
        put_classic_lines(output, metric);
    } else {
        put_line(output, metric, STR(""), STR(""), metric->value);
    }
}

void federate_end(struct federate_output *output)
{
    if (!output->is_protobuf) return;
    writer_varint(response_writer(output->response), output->family.count);
    response_append(output->response, str_make((const char *)output->family.data, output->family.count));
}

void federate_output_release(struct federate_output *output)
{
    writer_release(&output->family);
    writer_release(&output->metric);
    writer_release(&output->part);
    writer_release(&output->small);
}
