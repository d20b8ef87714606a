/* POST /api/v1/write: remote-write 1.0.
 *
 * Headers are judged before the body is read. An ingest worker decompresses and walks the body in buffers
 * that go from request to request, and hands the batch to the database; the answer is sent when everything it rests on
 * is durable, from whichever thread says so.
 *
 *     204            everything is stored, or was there already
 *     400 and text   some of it never will be; the rest is stored
 *     415            another encoding or message type
 *     503            not now: the queue, the head or the disk is full, the log failed, or some of it may be taken
 *                    later. Send it again
 *     500            the disk failed. Send it again
 */
#ifndef VARVE_HTTP_API_WRITE_H
#define VARVE_HTTP_API_WRITE_H

#include "http/remote_write.h"
#include "http/request.h"
#include "tsdb/append.h"

/* The most that a body may be once it is decompressed. */
enum { WRITE_MESSAGE_BYTES_MAX = 32 << 20 };

/* Buffers of the ingest workers, handed from request to request. */
struct ingest;

/* Where batches go: db_append, or what a test of waiting and failing puts in its place. */
typedef status append_function(struct db *db, const struct append_batch *batch, struct append_result *result,
                               void (*done)(void *context, status outcome), void *context);

struct ingest *ingest_new(append_function *append);
void ingest_free(struct ingest *ingest); /* NULL is fine */

/* One way of writing: what it makes of a body, and how it answers. */
struct write_protocol {
    /* From the decompressed body to the emptied batch; what it returns is told with 400. */
    status (*decode)(struct request *request, str body, struct write_batch *batch);
    bool is_snappy;  /* else the body has a Content-Encoding of HTTP */
    bool has_counts; /* answers say how much was written, and that exemplars were late */
    /* Fills the response when all is stored. */
    void (*succeed)(struct request *request, struct response *response);
};

/* Runs a write request; a ROUTE_LATER handler's whole work. */
status ingest_run(struct request *request, const struct write_protocol *protocol);

bool api_write_admits(struct request *request, struct response *response);
status api_write(struct request *request, struct response *response);

#endif
