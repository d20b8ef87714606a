/* A label set as text; see labels.h. */
#include "tsdb/labels.h"

#include <stdlib.h>

enum { TAG_LABEL = 0x0A, TAG_NAME = 0x0A, TAG_VALUE = 0x12, NAME_BYTES_SHOWN = 60 };

/* Cuts a length-delimited field off the front of *rest. */
static bool next_field(str *rest, uint8_t *tag, str *content)
{
    const uint8_t *at = (const uint8_t *)rest->data, *end = at + rest->len;
    uint64_t len;

    if (at == end) return false;
    *tag = *at;
    const uint8_t *data = varint_get(at + 1, end, &len);
    if (!data || len > (uint64_t)(end - data)) return false;
    *content = str_make((const char *)data, (size_t)len);
    *rest = str_make((const char *)data + len, (size_t)(end - data) - (size_t)len);
    return true;
}

/* Fields of a label come in any order, the last one wins; tags other than name and value are malformed here: whoever
 * walks the protobuf message has skipped unknown fields of other types. */
bool labels_next(str *rest, label *out)
{
    uint8_t tag;
    str after = *rest, pair, field;

    *out = (label){STR(""), STR("")};
    if (!next_field(&after, &tag, &pair) || tag != TAG_LABEL) return false;
    while (pair.len) {
        if (!next_field(&pair, &tag, &field)) return false;
        if (tag == TAG_NAME) {
            out->name = field;
        } else if (tag == TAG_VALUE) {
            out->value = field;
        } else {
            return false;
        }
    }
    *rest = after;
    return true;
}

str labels_get(labels set, str name)
{
    label pair;

    while (labels_next(&set.bytes, &pair)) {
        if (str_equal(pair.name, name)) return pair.value;
    }
    return STR("");
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(((const label *)a)->name, ((const label *)b)->name);
}

void labels_sort(label *pairs, size_t count)
{
    bool sorted = true;

    for (size_t i = 1; i < count && sorted; i++) sorted = compare_names(&pairs[i - 1], &pairs[i]) <= 0;
    if (!sorted) qsort(pairs, count, sizeof *pairs, compare_names);
}

/* As much of a text as a message has room for. */
static str beginning_of(str text)
{
    text = str_part(text, 0, NAME_BYTES_SHOWN);
    while (!str_is_utf8(text)) text.len--;
    return text;
}

static status check_pair(const label *pair, const struct label_limits *limits)
{
    if (pair->name.len == 0) return status_make(STATUS_INVALID, "a label has an empty name");
    if (!str_is_utf8(pair->name)) return status_make(STATUS_INVALID, "a label name is not valid UTF-8");
    if (!str_is_utf8(pair->value))
        return status_make(STATUS_INVALID, "the value of label \"%.*s\" is not valid UTF-8", STR_ARG(pair->name));
    if (limits->name_bytes_max && pair->name.len > limits->name_bytes_max)
        return status_make(STATUS_LIMIT, "label name \"%.*s…\" has %zu bytes, the limit is %u",
                           STR_ARG(beginning_of(pair->name)), pair->name.len, limits->name_bytes_max);
    if (limits->value_bytes_max && pair->value.len > limits->value_bytes_max)
        return status_make(STATUS_LIMIT, "the value of label \"%.*s\" has %zu bytes, the limit is %u",
                           STR_ARG(pair->name), pair->value.len, limits->value_bytes_max);
    return ok();
}

status labels_parse(str raw, const struct label_limits *limits, label **out, size_t *count, struct arena *arena)
{
    str rest = raw;
    label pair;
    size_t total = 0, kept = 0;
    bool has_name = false;

    while (labels_next(&rest, &pair)) total++;
    if (rest.len) return status_make(STATUS_INVALID, "the labels are malformed");
    size_t count_max = limits->count_max && limits->count_max < LABELS_MAX ? limits->count_max : LABELS_MAX;
    if (total > count_max)
        return status_make(STATUS_LIMIT, "a series has %zu labels, the limit is %zu", total, count_max);

    label *pairs = arena_array(arena, label, total);
    for (rest = raw; labels_next(&rest, &pair);) {
        TRY(check_pair(&pair, limits));
        if (pair.value.len == 0) continue;
        has_name |= str_equal(pair.name, METRIC_NAME);
        pairs[kept++] = pair;
    }
    if (!has_name) return status_make(STATUS_INVALID, "a series has no metric name (label __name__)");
    labels_sort(pairs, kept);
    for (size_t i = 1; i < kept; i++) {
        if (str_equal(pairs[i - 1].name, pairs[i].name))
            return status_make(STATUS_INVALID, "label \"%.*s\" occurs twice in a series", STR_ARG(pairs[i].name));
    }
    *out = pairs;
    *count = kept;
    return ok();
}

static size_t varint_bytes(size_t v)
{
    size_t bytes = 1;

    for (; v >= 0x80; v >>= 7) bytes++;
    return bytes;
}

static uint8_t *put_field(uint8_t *to, uint8_t tag, str text)
{
    *to++ = tag;
    to = varint_put(to, text.len);
    if (text.len) memcpy(to, text.data, text.len);
    return to + text.len;
}

void labels_write(const label *pairs, size_t count, struct writer *out)
{
    size_t most = 0;

    for (size_t i = 0; i < count; i++) most += 3 * (1 + VARINT_BYTES_MAX) + pairs[i].name.len + pairs[i].value.len;
    uint8_t *begin = writer_reserve(out, most), *to = begin;
    for (size_t i = 0; i < count; i++) {
        const label *pair = &pairs[i];
        *to++ = TAG_LABEL;
        to = varint_put(to, 2 + varint_bytes(pair->name.len) + pair->name.len + varint_bytes(pair->value.len) +
                                pair->value.len);
        to = put_field(to, TAG_NAME, pair->name);
        to = put_field(to, TAG_VALUE, pair->value);
    }
    out->count += (size_t)(to - begin);
}

int labels_compare(const label *a, size_t a_count, const label *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        int order = str_compare(a[i].name, b[i].name);
        if (order == 0) order = str_compare(a[i].value, b[i].value);
        if (order) return order;
    }
    return (a_count > b_count) - (a_count < b_count);
}

static bool is_identifier(str s, bool colons)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return s.len > 0;
}

bool labels_is_metric_name(str s)
{
    return is_identifier(s, true);
}

bool labels_is_label_name(str s)
{
    return is_identifier(s, false);
}

/* As Go's strconv.Quote for what labels hold: printable text stays, the rest is escaped. */
static void write_quoted(str s, struct writer *w)
{
    static const char hex[] = "0123456789abcdef";

    writer_u8(w, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        const char *escape = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\t' ? "\\t" : NULL;
        if (c == '\r') escape = "\\r";
        if (escape) {
            writer_bytes(w, escape, 2);
        } else if (c < 0x20 || c == 0x7F) {
            writer_bytes(w, "\\x", 2);
            writer_u8(w, (uint8_t)hex[c >> 4]);
            writer_u8(w, (uint8_t)hex[c & 15]);
        } else {
            writer_u8(w, c);
        }
    }
    writer_u8(w, '"');
}

str labels_print(const label *pairs, size_t count, struct arena *arena)
{
    struct writer w = {0};

    writer_u8(&w, '{');
    for (size_t i = 0; i < count; i++) {
        if (i) writer_bytes(&w, ", ", 2);
        if (labels_is_label_name(pairs[i].name)) {
            writer_bytes(&w, pairs[i].name.data, pairs[i].name.len);
        } else {
            write_quoted(pairs[i].name, &w);
        }
        writer_u8(&w, '=');
        write_quoted(pairs[i].value, &w);
    }
    writer_u8(&w, '}');
    str text = arena_copy_str(arena, str_make((const char *)w.data, w.count));
    writer_release(&w);
    return text;
}
