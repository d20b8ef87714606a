/* POST /api/v1/write; see api_write.h. */
#include "http/api_write.h"

#include "http/inflate.h"
#include "http/metrics.h"
#include "http/remote_write2.h"
#include "http/services.h"
#include "http/snappy_body.h"

/* More than this is given back after a request that needed it. */
enum { KEPT_MESSAGE_BYTES = 4 << 20, KEPT_BATCH_BYTES = 4 << 20 };

#define TYPE_1 "prometheus.WriteRequest"
#define TYPE_2 "io.prometheus.write.v2.Request"
#define TAKES                                                                                            \
    "this server takes remote-write 1.0, application/x-protobuf;proto=" TYPE_1 " with snappy, and 2.0, " \
    "application/x-protobuf;proto=" TYPE_2 " with snappy"

struct scratch {
    struct scratch *next;
    char *message;
    size_t capacity;
    struct write_batch batch;
};

struct ingest {
    append_function *append; /* constant */
    /* guarded by mutex */
    pthread_mutex_t mutex;
    struct scratch *unused; /* the one used last first: its memory is in the caches */
};

struct ingest *ingest_new(append_function *append)
{
    struct ingest *ingest = memory_zalloc(sizeof *ingest);

    ingest->append = append;
    pthread_mutex_init(&ingest->mutex, NULL);
    return ingest;
}

void ingest_free(struct ingest *ingest)
{
    if (!ingest) return;
    while (ingest->unused) {
        struct scratch *scratch = ingest->unused;
        ingest->unused = scratch->next;
        write_batch_release(&scratch->batch);
        free(scratch->message);
        free(scratch);
    }
    pthread_mutex_destroy(&ingest->mutex);
    free(ingest);
}

static struct scratch *take_scratch(struct ingest *ingest)
{
    pthread_mutex_lock(&ingest->mutex);
    struct scratch *scratch = ingest->unused;
    if (scratch) ingest->unused = scratch->next;
    pthread_mutex_unlock(&ingest->mutex);
    return scratch ? scratch : memory_zalloc(sizeof *scratch);
}

static void give_back(struct ingest *ingest, struct scratch *scratch)
{
    if (scratch->capacity > KEPT_MESSAGE_BYTES) {
        free(scratch->message);
        scratch->message = NULL;
        scratch->capacity = 0;
    }
    if (write_batch_bytes(&scratch->batch) > KEPT_BATCH_BYTES) write_batch_release(&scratch->batch);
    pthread_mutex_lock(&ingest->mutex);
    scratch->next = ingest->unused;
    ingest->unused = scratch;
    pthread_mutex_unlock(&ingest->mutex);
}

/* The message type that a Content-Type header's parameters name; false if one of them is no key=value pair. */
static bool read_message_type(str parameters, str *type)
{
    *type = STR(TYPE_1);
    while (parameters.len) {
        str parameter = str_cut(&parameters, ';');
        if (str_find(parameter, '=') == parameter.len) return false;
        str name = str_trim(str_cut(&parameter, '='));
        if (!str_equal_ignore_case(name, STR("proto"))) continue;
        str value = str_trim(parameter);
        bool quoted = value.len >= 2 && str_starts_with(value, STR("\"")) && str_ends_with(value, STR("\""));
        *type = quoted ? str_part(value, 1, value.len - 2) : value;
    }
    return true;
}

/* The version of remote-write that the headers name; 0 if it is none that we take. */
static int version_of(const struct request *request)
{
    str parameters = request->headers[HEADER_CONTENT_TYPE];
    str media_type = str_trim(str_cut(&parameters, ';')), type;

    if (media_type.len && !str_equal_ignore_case(media_type, STR("application/x-protobuf"))) return 0;
    if (!read_message_type(parameters, &type)) return 0;
    return str_equal(type, STR(TYPE_1)) ? 1 : str_equal(type, STR(TYPE_2)) ? 2 : 0;
}

bool api_write_admits(struct request *request, struct response *response)
{
    str encoding = request->headers[HEADER_CONTENT_ENCODING];
    struct arena *arena = &request->arena;

    if (encoding.len && !str_equal_ignore_case(encoding, STR("snappy"))) {
        response_fail(response, FAIL_BAD_MEDIA,
                      arena_format(arena, "unsupported Content-Encoding \"%.*s\"; " TAKES, STR_ARG(encoding)));
        return false;
    }
    if (version_of(request) == 0) {
        response_fail(response, FAIL_BAD_MEDIA,
                      arena_format(arena, "unsupported Content-Type \"%.*s\"; " TAKES,
                                   STR_ARG(request->headers[HEADER_CONTENT_TYPE])));
        return false;
    }
    return true;
}

/* What the answer waits for: db_append's return and its word that all is durable, in either order. */
struct job {
    struct request *request;
    struct append_result result;
    const struct write_protocol *protocol;
    size_t samples, histograms;
    size_t malformed; /* series left out by the decoder, and the first reason */
    str complaint;
    size_t exemplars; /* sent */
    status outcome;
    _Atomic int awaited;
};

static size_t count_rejected(const struct append_result *result)
{
    size_t rejected = 0;

    for (int i = 0; i < APPEND_REASON_COUNT; i++) rejected += result->rejected[i];
    return rejected;
}

static str join(str text, str sentence, struct arena *arena)
{
    return text.len ? arena_format(arena, "%.*s; %.*s", STR_ARG(text), STR_ARG(sentence)) : sentence;
}

/* `2 of 500 samples were not stored: 1 too_old, 1 duplicate_timestamp; first: …` */
static str describe_rejections(const struct job *job, size_t rejected, struct arena *arena)
{
    static const char *const names[] = {
#define X(code, name, sentence) name,
        APPEND_REASONS(X)
#undef X
    };
    str text = arena_format(arena, "%zu of %zu samples were not stored", rejected, job->samples);
    const char *separator = ": ";

    for (int i = 0; i < APPEND_REASON_COUNT; i++) {
        if (job->result.rejected[i] == 0) continue;
        text = arena_format(arena, "%.*s%s%zu %s", STR_ARG(text), separator, job->result.rejected[i], names[i]);
        separator = ", ";
    }
    return job->result.error[0] ? arena_format(arena, "%.*s; first: %s", STR_ARG(text), job->result.error) : text;
}

/* All that was not stored and must be told; empty if there is nothing. Exemplars are of little weight: only 2.0 asks
 * to hear of them. */
static str describe(const struct job *job, struct arena *arena)
{
    size_t rejected = count_rejected(&job->result);
    str text = rejected ? describe_rejections(job, rejected, arena) : STR("");

    if (job->malformed)
        text = join(text,
                    arena_format(arena, "%zu parts of the request were left out; first: %.*s", job->malformed,
                                 STR_ARG(job->complaint)),
                    arena);
    if (job->result.exemplars_late && job->protocol->has_counts)
        text = join(text, arena_format(arena, "%zu exemplars are out of order", job->result.exemplars_late), arena);
    return text;
}

/* What 2.0 asks for in every answer. */
static void put_counts(struct response *response, size_t sample_count, size_t histogram_count, size_t exemplar_count)
{
    const struct {
        const char *name;
        size_t count;
    } counts[] = {{"X-Prometheus-Remote-Write-Samples-Written", sample_count},
                  {"X-Prometheus-Remote-Write-Histograms-Written", histogram_count},
                  {"X-Prometheus-Remote-Write-Exemplars-Written", exemplar_count}};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        response_header(response, counts[i].name, arena_format(response->arena, "%zu", counts[i].count));
}

static void put_written(const struct append_result *result, struct response *response)
{
    size_t floats = result->stored + result->repeated - result->histograms;

    put_counts(response, floats, result->histograms, result->exemplars_kept);
}

static void count(const struct job *job)
{
    metric_add(&metric_ingest_stored, (int64_t)job->result.stored);
    metric_add(&metric_ingest_repeated, (int64_t)job->result.repeated);
    metric_add(&metric_ingest_exemplars_kept, (int64_t)job->result.exemplars_kept);
    metric_add(&metric_ingest_exemplars_refused, (int64_t)(job->exemplars - job->result.exemplars_kept));
    for (int i = 0; i < APPEND_REASON_COUNT; i++) {
        if (job->result.rejected[i]) http_count_rejected((enum append_reason)i, job->result.rejected[i]);
    }
}

static void answer(struct job *job)
{
    struct request *request = job->request;
    struct response *response = &request->response;

    if (failed(job->outcome)) {
        response_fail(response, FAIL_UNAVAILABLE, str_from(job->outcome.text));
    } else {
        str text = describe(job, &request->arena);
        if (text.len) {
            response_fail(response, job->result.retry ? FAIL_UNAVAILABLE : FAIL_BAD_DATA, text);
        } else {
            job->protocol->succeed(request, response);
        }
        if (job->protocol->has_counts) put_written(&job->result, response);
        count(job);
    }
    response_seal(response);
    request_finish(request);
}

/* One of the two has come; the second of them answers. */
static void come(struct job *job)
{
    if (atomic_fetch_sub(&job->awaited, 1) == 1) answer(job);
}

static void on_durable(void *context, status outcome)
{
    struct job *job = context;

    job->outcome = outcome;
    come(job);
}

/* From the body to the batch in the scratch. */
static status decode(struct request *request, const struct write_protocol *protocol, struct scratch *scratch)
{
    str body = body_text(&request->body), message;
    status s = protocol->is_snappy
                   ? snappy_body_read(body, WRITE_MESSAGE_BYTES_MAX, &scratch->message, &scratch->capacity, &message)
                   : inflate_body(body, request->headers[HEADER_CONTENT_ENCODING], WRITE_MESSAGE_BYTES_MAX,
                                  &scratch->message, &scratch->capacity, &message);

    if (message.data != body.data) body_release(&request->body); /* its memory is wanted by others */
    if (!failed(s)) s = protocol->decode(request, message, &scratch->batch);
    if (!failed(s)) return ok();
    metric_add(&metric_ingest_malformed, 1);
    s.code = STATUS_INVALID; /* also for limits: it will never be taken */
    return s;
}

static struct job *make_job(struct request *request, const struct write_protocol *protocol,
                            const struct write_batch *batch)
{
    struct job *job = arena_zalloc(&request->arena, sizeof *job);

    job->request = request;
    job->protocol = protocol;
    job->samples = batch->times_ms.count;
    job->exemplars = batch->exemplars.count;
    job->malformed = batch->malformed;
    job->complaint = arena_copy_str(&request->arena, batch->complaint);
    job->outcome = ok();
    atomic_init(&job->awaited, 2);
    vec_each (found, &batch->found) job->histograms += found->histogram != NULL;
    metric_add(&metric_ingest_histograms, (int64_t)job->histograms);
    return job;
}

status ingest_run(struct request *request, const struct write_protocol *protocol)
{
    struct ingest *ingest = request->services->ingest;
    struct scratch *scratch = take_scratch(ingest);

    if (protocol->has_counts) put_counts(&request->response, 0, 0, 0);
    status s = decode(request, protocol, scratch);
    if (failed(s)) {
        give_back(ingest, scratch);
        return s;
    }
    struct job *job = make_job(request, protocol, &scratch->batch);
    struct append_batch batch = write_batch_view(&scratch->batch);
    if (batch.series_count || batch.metadata_count || batch.exemplar_count) {
        s = ingest->append(request->services->db, &batch, &job->result, on_durable, job);
    } else {
        come(job); /* nothing to wait for */
    }
    give_back(ingest, scratch);
    if (!failed(s)) come(job);
    return s;
}

static status decode_1(struct request *request, str body, struct write_batch *batch)
{
    (void)request;
    return write_decode(body, batch);
}

static status decode_2(struct request *request, str body, struct write_batch *batch)
{
    (void)request;
    return write2_decode(body, batch);
}

static void answer_nothing(struct request *request, struct response *response)
{
    (void)request;
    response_nothing(response);
}

status api_write(struct request *request, struct response *response)
{
    static const struct write_protocol protocols[] = {
        {.decode = decode_1, .is_snappy = true, .succeed = answer_nothing},
        {.decode = decode_2, .is_snappy = true, .has_counts = true, .succeed = answer_nothing}};

    (void)response;
    return ingest_run(request, &protocols[version_of(request) - 1]);
}
