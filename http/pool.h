/* A few threads and a bounded queue of jobs.
 *
 * Whoever submits never waits: a full queue says so at once, and the client is told to come again. Ingest and the small
 * administrative answers have a pool each, so that neither can starve the other; queries run on the engine's workers.
 */
#ifndef VARVE_HTTP_POOL_H
#define VARVE_HTTP_POOL_H

#include "storage/base/status.h"

#include <stdint.h>

struct pool;

/* `name` is what the threads are called in process lists, at most 15 characters. UNAVAILABLE if no thread can be made.
 */
status pool_open(const char *name, uint32_t threads, uint32_t queue_max, struct pool **out);

/* Runs what is queued, then ends the threads and frees. NULL is fine. */
void pool_close(struct pool *pool);

/* Runs job(context) on one of the threads. False when the queue is full. */
bool pool_submit(struct pool *pool, void (*job)(void *context), void *context);

#endif
