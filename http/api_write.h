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

bool api_write_admits(struct request *request, struct response *response);
status api_write(struct request *request, struct response *response);

#endif
