/* A few threads and a bounded queue of jobs.
 *
 * Whoever submits never waits: a full queue says so at once, and the client is told to come again. Ingest and the small
 * administrative answers have theirs each, so that neither can starve the other; queries run on the engine's workers.
 */
#ifndef VARVE_HTTP_WORKERS_H
#define VARVE_HTTP_WORKERS_H

#include "storage/base/status.h"

#include <stdint.h>

struct workers;

/* `name` is what the threads are called in process lists, at most 15 characters. UNAVAILABLE if no thread can be made.
 */
status workers_open(const char *name, uint32_t threads, uint32_t queue_max, struct workers **out);

/* Runs what is queued, then ends the threads and frees. NULL is fine. */
void workers_close(struct workers *workers);

/* Runs job(context) on one of the threads. False when the queue is full. */
bool workers_submit(struct workers *workers, void (*job)(void *context), void *context);

#endif
