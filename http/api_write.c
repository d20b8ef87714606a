/* POST /api/v1/write; see api_write.h. */
#include "http/api_write.h"

#include "http/metrics.h"
#include "http/remote_write.h"
#include "http/services.h"

#include <snappy-c.h>

/* More than this is given back after a request that needed it. */
enum { KEPT_MESSAGE_BYTES = 4 << 20, KEPT_BATCH_BYTES = 4 << 20 };

/* Snappy makes at most 64 bytes out of 3. */
enum { SNAPPY_RATIO_MAX = 22 };

#define TAKES "this server takes remote-write 1.0: application/x-protobuf;proto=prometheus.WriteRequest with snappy"

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
    *type = STR("prometheus.WriteRequest");
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

bool api_write_admits(struct request *request, struct response *response)
{
    str encoding = request->headers[HEADER_CONTENT_ENCODING], parameters = request->headers[HEADER_CONTENT_TYPE];
    struct arena *arena = &request->arena;
    str media_type = str_trim(str_cut(&parameters, ';')), type;

    if (encoding.len && !str_equal_ignore_case(encoding, STR("snappy"))) {
        response_fail(response, FAIL_BAD_MEDIA,
                      arena_format(arena, "unsupported Content-Encoding \"%.*s\"; " TAKES, STR_ARG(encoding)));
        return false;
    }
    bool is_protobuf = media_type.len == 0 || str_equal_ignore_case(media_type, STR("application/x-protobuf"));
    if (!is_protobuf || !read_message_type(parameters, &type) || !str_equal(type, STR("prometheus.WriteRequest"))) {
        response_fail(response, FAIL_BAD_MEDIA,
                      arena_format(arena, "unsupported Content-Type \"%.*s\"; " TAKES,
                                   STR_ARG(request->headers[HEADER_CONTENT_TYPE])));
        return false;
    }
    return true;
}

/* The declared length is judged before anything is allocated for it. */
static status decompress(str body, struct scratch *scratch, str *message)
{
    size_t bytes;

    if (snappy_uncompressed_length(body.data, body.len, &bytes) != SNAPPY_OK)
        return status_make(STATUS_INVALID, "the body is no snappy block: it does not begin with a length");
    if (bytes > WRITE_MESSAGE_BYTES_MAX)
        return status_make(STATUS_INVALID, "decoded size exceeds the %d bytes limit", WRITE_MESSAGE_BYTES_MAX);
    if (bytes / SNAPPY_RATIO_MAX > body.len)
        return status_make(STATUS_INVALID, "the body is no snappy block: %zu bytes can not hold %zu", body.len, bytes);
    if (bytes > scratch->capacity || !scratch->message) {
        free(scratch->message);
        scratch->capacity = bytes + bytes / 4;
        scratch->message = memory_alloc(scratch->capacity);
    }
    if (snappy_uncompress(body.data, body.len, scratch->message, &bytes) != SNAPPY_OK)
        return status_make(STATUS_INVALID, "the body is no snappy block: its content is corrupt");
    *message = str_make(scratch->message, bytes);
    return ok();
}

/* What the answer waits for: db_append's return and its word that all is durable, in either order. */
struct job {
    struct request *request;
    struct append_result result;
    size_t samples;
    size_t histograms; /* refused before the storage saw them */
    const char *defect;
    status outcome;
    _Atomic int awaited;
};

static size_t count_rejected(const struct append_result *result)
{
    size_t rejected = 0;

    for (int i = 0; i < APPEND_REASON_COUNT; i++) rejected += result->rejected[i];
    return rejected;
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

static str describe_histograms(const struct job *job, struct arena *arena)
{
    return arena_format(arena, "%zu native histograms were not stored; the first: %s", job->histograms, job->defect);
}

static void count(const struct job *job)
{
    metric_add(&metric_ingest_stored, (int64_t)job->result.stored);
    metric_add(&metric_ingest_repeated, (int64_t)job->result.repeated);
    for (int i = 0; i < APPEND_REASON_COUNT; i++) {
        if (job->result.rejected[i]) http_count_rejected((enum append_reason)i, job->result.rejected[i]);
    }
}

static void answer(struct job *job)
{
    struct request *request = job->request;
    struct response *response = &request->response;
    struct arena *arena = &request->arena;
    size_t rejected = count_rejected(&job->result);
    enum failure refusal = job->result.retry ? FAIL_UNAVAILABLE : FAIL_BAD_DATA;

    if (failed(job->outcome)) {
        response_fail(response, FAIL_UNAVAILABLE, str_from(job->outcome.text));
    } else if (rejected && job->histograms) {
        response_fail(response, refusal,
                      arena_format(arena, "%.*s; %.*s", STR_ARG(describe_rejections(job, rejected, arena)),
                                   STR_ARG(describe_histograms(job, arena))));
    } else if (rejected) {
        response_fail(response, refusal, describe_rejections(job, rejected, arena));
    } else if (job->histograms) {
        response_fail(response, FAIL_BAD_DATA, describe_histograms(job, arena));
    } else {
        response_nothing(response);
    }
    if (!failed(job->outcome)) count(job);
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
static status decode(struct request *request, struct scratch *scratch)
{
    str message;
    status s = decompress(body_text(&request->body), scratch, &message);

    body_release(&request->body); /* its memory is wanted by others */
    if (!failed(s)) s = write_decode(message, &scratch->batch);
    if (!failed(s)) return ok();
    metric_add(&metric_ingest_malformed, 1);
    s.code = STATUS_INVALID; /* also for limits: it will never be taken */
    return s;
}

status api_write(struct request *request, struct response *response)
{
    struct ingest *ingest = request->services->ingest;
    struct scratch *scratch = take_scratch(ingest);
    status s = decode(request, scratch);

    (void)response;
    if (failed(s)) {
        give_back(ingest, scratch);
        return s;
    }
    struct job *job = arena_zalloc(&request->arena, sizeof *job);
    struct append_batch batch = write_batch_view(&scratch->batch);
    job->request = request;
    job->samples = batch.sample_count;
    job->histograms = scratch->batch.bad_histograms;
    job->defect = scratch->batch.defect;
    job->outcome = ok();
    atomic_init(&job->awaited, 2);
    metric_add(&metric_ingest_exemplars, (int64_t)scratch->batch.exemplars);
    metric_add(&metric_ingest_histograms, (int64_t)job->histograms);

    if (batch.series_count || batch.metadata_count) {
        s = ingest->append(request->services->db, &batch, &job->result, on_durable, job);
    } else {
        come(job); /* nothing to wait for */
    }
    give_back(ingest, scratch);
    if (!failed(s)) come(job);
    return s;
}
