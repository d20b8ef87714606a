/* What a remote-read asks for; see read_request.h. */
#include "http/read_request.h"

#include "http/protobuf.h"
#include "storage/base/vec.h"

enum {
    REQUEST_QUERY = PROTOBUF_TAG(1, PROTOBUF_BYTES),
    REQUEST_TYPE = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    REQUEST_TYPES = PROTOBUF_TAG(2, PROTOBUF_BYTES), /* packed */
    QUERY_START = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    QUERY_END = PROTOBUF_TAG(2, PROTOBUF_VARINT),
    QUERY_MATCHER = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    MATCHER_TYPE = PROTOBUF_TAG(1, PROTOBUF_VARINT),
    MATCHER_NAME = PROTOBUF_TAG(2, PROTOBUF_BYTES),
    MATCHER_VALUE = PROTOBUF_TAG(3, PROTOBUF_BYTES),
    SAMPLES_TYPE = 0,
    CHUNKS_TYPE = 1
};

struct decoding {
    const struct config *config;
    struct arena *arena;
    vec(struct read_query) queries;
    int type; /* of the answer; -1: none that we know was accepted */
    bool has_type;
};

static status malformed(void)
{
    return status_make(STATUS_INVALID, "the body is no ReadRequest: malformed protobuf");
}

/* An equality with one of our external labels is asked of series that do not have it yet. */
static str without_external(const struct config *config, const struct matcher *matcher)
{
    for (size_t i = 0; i < config->external_count; i++) {
        if (matcher->type == MATCH_EQUAL && str_equal(config->external[i].name, matcher->name) &&
            str_equal(config->external[i].value, matcher->value))
            return STR("");
    }
    return matcher->value;
}

static status read_matcher(struct decoding *d, str fields, struct matcher *out)
{
    const uint8_t *at = (const uint8_t *)fields.data, *end = at + fields.len;
    struct protobuf_field field;
    struct matcher raw = {.type = MATCH_EQUAL, .name = STR(""), .value = STR("")};

    while (at < end) {
        at = protobuf_field(at, end, &field);
        if (!at) return malformed();
        if (field.tag == MATCHER_TYPE) {
            if (field.value > MATCH_NOT_REGEX) return status_make(STATUS_INVALID, "unknown type of matcher");
            raw.type = (enum matcher_type)field.value;
        }
        if (field.tag == MATCHER_NAME) raw.name = field.bytes;
        if (field.tag == MATCHER_VALUE) raw.value = field.bytes;
    }
    return matcher_compile(raw.type, raw.name, without_external(d->config, &raw), out, d->arena);
}

static status read_query(struct decoding *d, str fields)
{
    const uint8_t *at = (const uint8_t *)fields.data, *end = at + fields.len;
    struct protobuf_field field;
    struct read_query query = {0};
    vec(struct matcher) matchers = {0};
    status s = ok();

    while (at < end && !failed(s)) {
        at = protobuf_field(at, end, &field);
        if (!at) {
            s = malformed();
            break;
        }
        if (field.tag == QUERY_START) query.start_ms = (int64_t)field.value;
        if (field.tag == QUERY_END) query.end_ms = (int64_t)field.value;
        if (field.tag != QUERY_MATCHER) continue;
        if (matchers.count == READ_MATCHERS_MAX) s = status_make(STATUS_INVALID, "too many matchers in one query");
        if (!failed(s)) s = read_matcher(d, field.bytes, vec_push_slot(&matchers));
    }
    struct matcher *kept = arena_array(d->arena, struct matcher, matchers.count);
    if (matchers.count) memcpy(kept, matchers.data, matchers.count * sizeof *kept);
    query.matchers = kept;
    query.matcher_count = matchers.count;
    vec_release(&matchers);
    vec_push(&d->queries, query);
    return s;
}

/* The first type that we know wins. */
static void note_type(struct decoding *d, uint64_t type)
{
    d->has_type = true;
    if (d->type < 0 && type <= CHUNKS_TYPE) d->type = (int)type;
}

static status read_fields(struct decoding *d, str message)
{
    const uint8_t *at = (const uint8_t *)message.data, *end = at + message.len;
    struct protobuf_field field;
    uint64_t type;

    while (at < end) {
        at = protobuf_field(at, end, &field);
        if (!at) return malformed();
        if (field.tag == REQUEST_TYPE) note_type(d, field.value);
        if (field.tag == REQUEST_TYPES) {
            const uint8_t *from = (const uint8_t *)field.bytes.data, *to = from + field.bytes.len;
            while (from < to) {
                from = varint_get(from, to, &type);
                if (!from) return malformed();
                note_type(d, type);
            }
        }
        if (field.tag != REQUEST_QUERY) continue;
        if (d->queries.count == READ_QUERIES_MAX) return status_make(STATUS_INVALID, "too many queries");
        TRY(read_query(d, field.bytes));
    }
    if (!d->has_type) d->type = SAMPLES_TYPE;
    return d->type >= 0 ? ok() : status_make(STATUS_INVALID, "none of the accepted response types is supported");
}

status read_request_decode(str message, const struct config *config, struct arena *arena, struct read_request *out)
{
    struct decoding d = {.config = config, .arena = arena, .type = -1};
    status s = read_fields(&d, message);

    if (!failed(s)) {
        struct read_query *queries = arena_array(arena, struct read_query, d.queries.count);
        if (d.queries.count) memcpy(queries, d.queries.data, d.queries.count * sizeof *queries);
        *out = (struct read_request){queries, d.queries.count, d.type == CHUNKS_TYPE};
    }
    vec_release(&d.queries);
    return s;
}
