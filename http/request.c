/* A request; see request.h. */
#include "http/request.h"

#include "http/metrics.h"
#include "http/stream.h"
#include "http/times.h"
#include "query/parse.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"

#include <stdio.h>

enum method method_of(str name)
{
    static const struct {
        str name;
        enum method method;
    } methods[] = {
#define X(name, bit) {STR(#name), METHOD_##name},
        METHODS(X)
#undef X
    };

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (str_equal(name, methods[i].name)) return methods[i].method;
    }
    return METHOD_OTHER;
}

/* The path and query of a request line's target: clients that take us for a proxy send a whole URL. */
static str cut_authority(str target)
{
    static const str schemes[] = {STR("http://"), STR("https://")};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (!str_starts_with(target, schemes[i])) continue;
        str rest = str_part(target, schemes[i].len, target.len);
        return str_part(rest, str_find(rest, '/'), rest.len);
    }
    return target;
}

void request_init(struct request *request, str target, struct account *bodies, struct account *answers)
{
    *request = (struct request){.started_ns = clock_monotonic_ns(), .body.account = bodies};
    atomic_init(&request->state, REQUEST_HEAD);
    arena_init(&request->arena, NULL);
    pthread_mutex_init(&request->mutex, NULL);
    for (size_t i = 0; i < HEADER_COUNT; i++) request->headers[i] = STR("");
    request->query = arena_copy_str(&request->arena, cut_authority(target));
    request->path = str_cut(&request->query, '?');
    request->name = STR("");
    response_init(&request->response, &request->arena, answers);
}

void request_release(struct request *request)
{
    response_release(&request->response);
    body_release(&request->body);
    arena_release(&request->arena);
    pthread_mutex_destroy(&request->mutex);
}

bool request_note_header(struct request *request, str name, str value)
{
    static const str names[] = {
#define X(id, name) STR(name),
        REQUEST_HEADERS(X)
#undef X
    };

    for (size_t i = 0; i < HEADER_COUNT; i++) {
        if (!str_equal_ignore_case(name, names[i])) continue;
        bool frames = i == HEADER_CONTENT_LENGTH || i == HEADER_TRANSFER_ENCODING;
        if (request->headers[i].len) return !frames || str_equal(request->headers[i], value);
        request->headers[i] = value;
    }
    return true;
}

void request_enter(struct request *request, enum request_state from, enum request_state to)
{
    int before = atomic_exchange(&request->state, to);

    assert(before == (int)from);
    (void)before;
    (void)from;
}

bool request_has_type(const struct request *request, str media_type)
{
    str type = request->headers[HEADER_CONTENT_TYPE];

    return str_equal_ignore_case(str_trim(str_cut(&type, ';')), media_type);
}

void request_finish(struct request *request)
{
    request->finished(request);
}

static bool gives_up(void *context)
{
    return request_is_canceled(context);
}

static status nobody_waits(void)
{
    return status_make(STATUS_CANCELED, "the client closed the connection");
}

status request_flow(struct request *request)
{
    struct response *response = &request->response;

    if (request_is_canceled(request)) return nobody_waits();
    if (!request->stream && account_over(response->body.account))
        return status_make(STATUS_UNAVAILABLE, "answers that are being sent hold too much memory; try again later");
    if (!request->stream_begun || response->body.bytes < STREAM_BEGIN_BYTES) return ok();
    if (!request->stream) {
        response_name_coding(response);
        request->stream = request->stream_begun(request);
    }
    return stream_put(request->stream, &response->body, gives_up, request) ? ok() : nobody_waits();
}

void request_end_stream(struct request *request, const status *outcome)
{
    bool is_whole = !failed(*outcome);

    if (is_whole) {
        response_complete(&request->response);
        is_whole = stream_put(request->stream, &request->response.body, gives_up, request);
    } else if (outcome->code != STATUS_CANCELED) {
        metric_add(&metric_http_broken, 1);
        log_warn("answer broken off", "path=%s error=%s", LOG_QUOTED(request->path),
                 LOG_QUOTED(str_from(outcome->text)));
    }
    stream_end(request->stream, is_whole);
    request->stream_done(request);
}

void request_on_cancel(struct request *request, void (*cancel)(void *context), void *context)
{
    pthread_mutex_lock(&request->mutex);
    request->cancel = cancel;
    request->cancel_context = context;
    if (request->canceled) cancel(context);
    pthread_mutex_unlock(&request->mutex);
}

void request_end_cancel(struct request *request)
{
    pthread_mutex_lock(&request->mutex);
    request->cancel = NULL;
    pthread_mutex_unlock(&request->mutex);
}

void request_cancel(struct request *request)
{
    pthread_mutex_lock(&request->mutex);
    if (!request->canceled && request->cancel) request->cancel(request->cancel_context);
    request->canceled = true;
    pthread_mutex_unlock(&request->mutex);
}

bool request_is_canceled(struct request *request)
{
    pthread_mutex_lock(&request->mutex);
    bool canceled = request->canceled;
    pthread_mutex_unlock(&request->mutex);
    return canceled;
}

const struct form *request_form(struct request *request)
{
    if (!request->form_is_parsed) {
        bool may_have_form = request->method & (METHOD_POST | METHOD_PUT);
        if (may_have_form && request_has_type(request, STR("application/x-www-form-urlencoded")))
            form_parse(&request->form, body_text(&request->body), &request->arena);
        form_parse(&request->form, request->query, &request->arena);
        if (may_have_form && request_has_type(request, STR("multipart/form-data")))
            form_parse_multipart(&request->form, request->headers[HEADER_CONTENT_TYPE], body_text(&request->body),
                                 &request->arena);
        request->form_is_parsed = true;
    }
    return &request->form;
}

str request_parameter(struct request *request, str name)
{
    return form_first(request_form(request), name);
}

status request_bad_parameter(const char *name, const char *format, ...)
{
    char reason[STATUS_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return status_make(STATUS_INVALID, "invalid parameter \"%s\": %s", name, reason);
}

str request_quote(struct request *request, str text)
{
    static const char hex[] = "0123456789abcdef";
    static const char escapes[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    char *quoted = arena_alloc(&request->arena, 4 * text.len + 2), *at = quoted;

    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char *escape = c ? strchr(escapes, c) : NULL;
        if (c == '"' || c == '\\' || escape) {
            *at++ = '\\';
            *at++ = escape ? letters[escape - escapes] : (char)c;
        } else if (c < 0x20 || c == 0x7F) {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    return str_make(quoted, (size_t)(at - quoted));
}

status request_parse_time(struct request *request, str text, int64_t *out_ms)
{
    if (times_parse(text, out_ms)) return ok();
    return status_make(STATUS_INVALID, "cannot parse %.*s to a valid timestamp", STR_ARG(request_quote(request, text)));
}

status request_time(struct request *request, const char *name, int64_t *out_ms)
{
    str text = request_parameter(request, str_from(name));

    if (text.len == 0) return ok();
    status s = request_parse_time(request, text, out_ms);
    return failed(s) ? request_bad_parameter(name, "invalid time value for '%s': %s", name, s.text) : ok();
}

status request_parse_duration(struct request *request, str text, int64_t *out_ns)
{
    enum times_duration outcome = times_parse_duration(text, out_ns);

    if (outcome == DURATION_OK) return ok();
    return status_make(STATUS_INVALID, "cannot parse %.*s to a valid duration%s", STR_ARG(request_quote(request, text)),
                       outcome == DURATION_OVERFLOW ? ". It overflows int64" : "");
}

status request_duration(struct request *request, const char *name, int64_t *out_ns)
{
    str text = request_parameter(request, str_from(name));

    if (text.len == 0) return ok();
    status s = request_parse_duration(request, text, out_ns);
    return failed(s) ? request_bad_parameter(name, "%s", s.text) : ok();
}

static bool is_decimal(str text)
{
    if (text.len && (text.data[0] == '-' || text.data[0] == '+')) text = str_part(text, 1, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
    }
    return text.len > 0;
}

status request_limit(struct request *request, uint64_t *out)
{
    return request_count(request, "limit", out);
}

status request_count(struct request *request, const char *name, uint64_t *out)
{
    str text = request_parameter(request, str_from(name));
    int64_t count;

    if (text.len == 0) return ok();
    if (!str_to_int64(text, &count))
        return request_bad_parameter(name, "strconv.Atoi: parsing %.*s: %s", STR_ARG(request_quote(request, text)),
                                     is_decimal(text) ? "value out of range" : "invalid syntax");
    if (count < 0) return request_bad_parameter(name, "%s must be non-negative", name);
    *out = (uint64_t)count;
    return ok();
}

static bool asks_for_something(const struct matcher_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!matcher_matches_empty(&set->matchers[i])) return true;
    }
    return false;
}

status request_matchers(struct request *request, const struct matcher_set **out, size_t *count)
{
    return request_matchers_of(request, "match[]", out, count);
}

status request_matchers_of(struct request *request, const char *name, const struct matcher_set **out, size_t *count)
{
    struct arena *arena = &request->arena;
    str *texts;
    struct parse_error error;

    *count = form_all(request_form(request), str_from(name), &texts, arena);
    struct matcher_set *sets = arena_array(arena, struct matcher_set, *count);
    for (size_t i = 0; i < *count; i++) {
        if (!parse_selector(texts[i], arena, &sets[i].matchers, &sets[i].count, &error))
            return status_make(STATUS_INVALID, "%.*s", STR_ARG(parse_error_text(&error, arena)));
    }
    for (size_t i = 0; i < *count; i++) {
        if (!asks_for_something(&sets[i]))
            return status_make(STATUS_INVALID, "%s must contain at least one non-empty matcher", name);
    }
    *out = sets;
    return ok();
}
