/* POST /api/v1/read; see api_read.h.
 *
 *     ReadResponse           1 QueryResult*            QueryResult         1 TimeSeries*
 *     ChunkedReadResponse    1 ChunkedSeries*          2 int64 query index
 *     ChunkedSeries          1 Label*                  2 Chunk*
 *     Chunk                  1 int64 start  2 int64 end  3 enum encoding  4 bytes data
 *
 * A streamed answer is frames of length (varint), CRC-32C (big-endian) and a ChunkedReadResponse with part of one
 * series. Chunks that are stored in the form of the answer are passed on as they are.
 */
#include "http/api_read.h"

#include "http/config.h"
#include "http/options.h"
#include "http/protobuf.h"
#include "http/read_request.h"
#include "http/series_reader.h"
#include "http/services.h"
#include "http/snappy_body.h"
#include "http/snappy_stream.h"
#include "http/write_histogram.h"
#include "storage/base/crc32c.h"
#include "storage/chunk_gorilla.h"
#include "storage/chunk_histogram.h"

enum { CHUNK_XOR = 1, CHUNK_HISTOGRAM = 2, CHUNK_FLOAT_HISTOGRAM = 3, CHUNK_SAMPLES = 120, FRAME_BYTES = 1 << 20 };

struct reading {
    struct request *request;
    struct config *config;
    struct series_reader rows;
    struct read_request asked;
    uint64_t sample_count;
    struct writer message, chunk, frame;
};

static void put_bytes(struct writer *w, unsigned number, str bytes)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_BYTES));
    writer_str(w, bytes);
}

static void put_int(struct writer *w, unsigned number, int64_t value)
{
    writer_varint(w, PROTOBUF_TAG(number, PROTOBUF_VARINT));
    writer_varint(w, (uint64_t)value);
}

static str text_of(const struct writer *w)
{
    return str_make((const char *)w->data, w->count);
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(((const label *)a)->name, ((const label *)b)->name);
}

/* Our labels and the external ones, in the spelling of label fields, which is that of both answers. */
static void put_labels(struct reading *reading, struct writer *w, const struct series_row *row)
{
    const struct config *config = reading->config;
    label pairs[LABELS_MAX + 64];
    size_t count = row->pair_count;

    memcpy(pairs, row->pairs, count * sizeof *pairs);
    for (size_t i = 0; i < config->external_count && i < 64; i++) {
        bool has = bsearch(&config->external[i], row->pairs, row->pair_count, sizeof *pairs, compare_names) != NULL;
        if (!has) pairs[count++] = config->external[i];
    }
    labels_sort(pairs, count);
    labels_write(pairs, count, w);
}

static status count_samples(struct reading *reading, size_t count)
{
    uint64_t limit = reading->request->services->settings->read_samples_max;

    reading->sample_count += count;
    if (limit == 0 || reading->sample_count <= limit) return ok();
    return status_make(STATUS_INVALID, "exceeded sample limit (%llu)", (unsigned long long)limit);
}

static bool is_histogram(const samples *found, size_t i)
{
    return found->histograms && found->histograms[i];
}

static status begin_query(struct reading *reading, const struct read_query *query)
{
    series_reader_clear(&reading->rows);
    TRY(series_reader_add(&reading->rows, query->matchers, query->matcher_count, query->start_ms, query->end_ms));
    series_reader_sort(&reading->rows);
    return ok();
}

/* Appends the samples to the message of a series. */
static void put_samples(struct reading *reading, struct writer *series, const samples *found)
{
    for (size_t i = 0; i < found->count; i++) {
        uint8_t text[VARINT_BYTES_MAX];
        if (is_histogram(found, i)) {
            write_histogram_encode(found->histograms[i], found->times_ms[i], &reading->chunk);
            put_bytes(series, 4, text_of(&reading->chunk));
            continue;
        }
        size_t len = (size_t)(varint_put(text, (uint64_t)found->times_ms[i]) - text);
        writer_u8(series, PROTOBUF_TAG(2, PROTOBUF_BYTES));
        writer_u8(series, (uint8_t)(10 + len));
        writer_u8(series, PROTOBUF_TAG(1, PROTOBUF_FIXED64));
        writer_u64(series, double_bits(found->values[i]));
        writer_u8(series, PROTOBUF_TAG(2, PROTOBUF_VARINT));
        writer_bytes(series, text, len);
    }
}

static status check_bytes(const struct reading *reading, const struct buffers *held)
{
    if (reading->frame.count > reading->rows.account.limit_bytes || held->bytes > held->account->limit_bytes)
        return status_make(STATUS_INVALID, "the answer needs more memory than --query.memory and --web.answer-memory "
                                           "allow; ask for less, or for chunks");
    if (account_over(held->account))
        return status_make(STATUS_UNAVAILABLE, "answers that are being sent hold too much memory; try again later");
    return ok();
}

static status add_series(struct reading *reading, const struct series_row *row, struct snappy_stream *result)
{
    struct writer *series = &reading->frame, *head = &reading->chunk;
    samples found;

    TRY(series_reader_read(&reading->rows, &found));
    if (found.count == 0) return ok();
    TRY(count_samples(reading, found.count));
    series->count = 0;
    put_labels(reading, series, row);
    put_samples(reading, series, &found);
    head->count = 0;
    writer_varint(head, PROTOBUF_TAG(1, PROTOBUF_BYTES));
    writer_varint(head, series->count);
    snappy_stream_write(result, text_of(head));
    snappy_stream_write(result, text_of(series));
    return check_bytes(reading, &result->out);
}

/* One query's result, compressed, behind those before it; *text_bytes counts what they are uncompressed. */
static status add_result(struct reading *reading, const struct read_query *query, struct buffers *out,
                         uint64_t *text_bytes)
{
    struct snappy_stream result = {.out.account = out->account};
    const struct series_row *row = NULL;

    status s = begin_query(reading, query);
    if (!failed(s)) s = series_reader_next(&reading->rows, &row);
    while (!failed(s) && row) {
        s = add_series(reading, row, &result);
        if (!failed(s)) s = series_reader_next(&reading->rows, &row);
    }
    if (!failed(s)) {
        struct writer *head = &reading->chunk;
        snappy_stream_finish(&result);
        head->count = 0;
        writer_varint(head, PROTOBUF_TAG(1, PROTOBUF_BYTES));
        writer_varint(head, result.text_bytes);
        *text_bytes += head->count + result.text_bytes;
        snappy_put_literal(out, text_of(head));
        buffers_move(out, &result.out);
        s = check_bytes(reading, out);
    }
    snappy_stream_release(&result);
    return s;
}

/* Complete before its first byte, since the lengths of all stand before them; but it is held compressed only. */
static status answer_samples(struct reading *reading, struct response *response)
{
    struct buffers results = {.account = response->body.account};
    uint8_t length[VARINT_BYTES_MAX];
    uint64_t text_bytes = 0;
    status s = ok();

    for (size_t i = 0; i < reading->asked.count && !failed(s); i++)
        s = add_result(reading, &reading->asked.queries[i], &results, &text_bytes);
    if (!failed(s)) {
        response_text(response, 200, "application/x-protobuf", STR(""));
        response_header(response, "Content-Encoding", STR("snappy"));
        buffers_append(&response->body, length, (size_t)(varint_put(length, text_bytes) - length));
        buffers_move(&response->body, &results);
    }
    buffers_release(&results);
    return s;
}

static size_t encode_floats(struct reading *reading, const samples *found, size_t first)
{
    size_t end = first + 1;

    while (end < found->count && end - first < CHUNK_SAMPLES && !is_histogram(found, end)) end++;
    gorilla_encode(found->times_ms + first, (const uint64_t *)(const void *)(found->values + first), end - first,
                   &reading->chunk);
    return end - first;
}

static size_t encode_histograms(struct reading *reading, const samples *found, size_t first)
{
    struct rich_sample list[CHUNK_SAMPLES];
    size_t count = 0;

    for (size_t i = first; i < found->count && count < CHUNK_SAMPLES && is_histogram(found, i); i++) {
        list[count] = (struct rich_sample){.time_ms = found->times_ms[i],
                                           .value = found->values[i],
                                           .histogram = found->histograms[i]};
        if (count && rich_must_cut(&list[count - 1], &list[count])) break;
        count++;
    }
    histogram_chunk_encode(list, count, &reading->chunk);
    return count;
}

/* Appends a chunk to the series in the frame. */
static void put_chunk(struct reading *reading, int64_t min_ms, int64_t max_ms, int encoding, str bytes)
{
    struct writer *fields = &reading->message, *series = &reading->frame;

    fields->count = 0;
    put_int(fields, 1, min_ms);
    put_int(fields, 2, max_ms);
    put_int(fields, 3, encoding);
    writer_varint(fields, PROTOBUF_TAG(4, PROTOBUF_BYTES));
    writer_varint(fields, bytes.len);
    writer_varint(series, PROTOBUF_TAG(2, PROTOBUF_BYTES));
    writer_varint(series, fields->count + bytes.len);
    writer_bytes(series, fields->data, fields->count);
    writer_bytes(series, bytes.data, bytes.len);
}

/* Encodes the chunk that begins at a sample; returns how many it took. */
static size_t encode_chunk(struct reading *reading, const samples *found, size_t first)
{
    size_t count;
    int encoding = CHUNK_XOR;

    reading->chunk.count = 0;
    if (is_histogram(found, first)) {
        encoding = found->histograms[first]->is_integer ? CHUNK_HISTOGRAM : CHUNK_FLOAT_HISTOGRAM;
        count = encode_histograms(reading, found, first);
    } else {
        count = encode_floats(reading, found, first);
    }
    put_chunk(reading, found->times_ms[first], found->times_ms[first + count - 1], encoding, text_of(&reading->chunk));
    return count;
}

/* A row on its way: how many of its chunks and of its decoded samples are in the answer. */
struct progress {
    struct row_chunks row;
    size_t chunks, samples;
};

static bool is_done(const struct progress *done)
{
    return done->chunks == done->row.chunk_count && done->samples == done->row.decoded.count;
}

/* Puts the next chunk: one that is passed on, or one of the samples before the next that is. */
static void put_next(struct reading *reading, struct progress *done)
{
    const struct passed_chunk *next = done->chunks < done->row.chunk_count ? &done->row.chunks[done->chunks] : NULL;
    samples before = done->row.decoded;

    if (next && next->at == done->samples) {
        put_chunk(reading, next->min_ms, next->max_ms, CHUNK_XOR,
                  str_make((const char *)done->row.bytes + next->offset, next->bytes));
        done->chunks++;
        return;
    }
    if (next) before.count = next->at;
    done->samples += encode_chunk(reading, &before, done->samples);
}

/* Sends the series that is in the frame. */
static void put_frame(struct reading *reading, struct response *response, size_t query)
{
    struct writer *message = &reading->message, head = {0};

    message->count = 0;
    put_bytes(message, 1, text_of(&reading->frame));
    if (query) put_int(message, 2, (int64_t)query);
    writer_varint(&head, message->count);
    uint32_t crc = __builtin_bswap32(crc32c(message->data, message->count));
    writer_u32(&head, crc);
    response_append(response, text_of(&head));
    response_append(response, text_of(message));
    writer_release(&head);
}

static status stream_series(struct reading *reading, const struct series_row *row, size_t query)
{
    struct progress done = {0};

    TRY(series_reader_read_chunks(&reading->rows, &done.row));
    while (!is_done(&done)) {
        reading->frame.count = 0;
        put_labels(reading, &reading->frame, row);
        while (!is_done(&done) && reading->frame.count < FRAME_BYTES) put_next(reading, &done);
        put_frame(reading, &reading->request->response, query);
        TRY(request_flow(reading->request));
    }
    return ok();
}

static status answer_chunks(struct reading *reading, struct response *response)
{
    const struct series_row *row;

    response_text(response, 200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", STR(""));
    for (size_t i = 0; i < reading->asked.count; i++) {
        TRY(begin_query(reading, &reading->asked.queries[i]));
        TRY(series_reader_next(&reading->rows, &row));
        while (row) {
            TRY(stream_series(reading, row, i));
            TRY(series_reader_next(&reading->rows, &row));
        }
    }
    return ok();
}

status api_read(struct request *request, struct response *response)
{
    struct reading reading = {.request = request};
    char *buffer = NULL;
    size_t capacity = 0;
    str message;

    TRY(snappy_body_read(body_text(&request->body), READ_MESSAGE_BYTES_MAX, &buffer, &capacity, &message));
    reading.config = config_holder_get(request->services->config);
    series_reader_open(&reading.rows, request);
    status s = read_request_decode(message, reading.config, &request->arena, &reading.asked);
    if (!failed(s))
        s = reading.asked.wants_chunks ? answer_chunks(&reading, response) : answer_samples(&reading, response);
    series_reader_close(&reading.rows);
    config_unref(reading.config);
    writer_release(&reading.message);
    writer_release(&reading.chunk);
    writer_release(&reading.frame);
    free(buffer);
    return s;
}
