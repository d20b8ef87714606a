/* Remote-write 1.0 requests: protobuf built by hand, so that tests can also build what no library would.
 *
 *     struct write_request request = {0};
 *     write_request_add(&request, pairs, 2, samples, 1);
 *     remote_write_send(client, url, write_request_compress(&request), &answer);
 *     write_request_release(&request);
 */
#ifndef VARVE_TESTS_SUPPORT_REMOTE_WRITE_CLIENT_H
#define VARVE_TESTS_SUPPORT_REMOTE_WRITE_CLIENT_H

#include "storage/base/bytes.h"
#include "tests/support/http_client.h"
#include "tsdb/labels.h"

struct write_sample {
    int64_t time_ms;
    double value;
};

/* A zeroed request is empty and valid. */
struct write_request {
    struct writer message; /* a WriteRequest as it goes into the compressor; tests may append to it */
    struct writer compressed;
};

void write_request_release(struct write_request *request);

/* Makes it empty again. */
void write_request_reset(struct write_request *request);

/* Appends a TimeSeries with its labels in the order given. */
void write_request_add(struct write_request *request, const label *pairs, size_t pair_count,
                       const struct write_sample *samples, size_t sample_count);

/* Appends a MetricMetadata; the types are those of prometheus.MetricMetadata (1 counter, 2 gauge, …). */
void write_request_add_metadata(struct write_request *request, unsigned type, str family, str help, str unit);

/* The request's body: the message in snappy's block format, valid until the request is changed. */
str write_request_compress(struct write_request *request);

/* Posts a body with the headers of remote-write 1.0. */
status remote_write_send(struct http_client *client, const char *url, str body, struct http_answer *out);

#endif
