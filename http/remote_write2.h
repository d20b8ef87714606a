/* Remote-write 2.0 messages to batches.
 *
 * Strings are sent once per request and series refer to them by number. A series that does not make sense (a reference
 * beyond the table, a name without a value, nothing in it) is left out and counted; the rest of the request is taken.
 * Only bytes that are no such message at all fail the whole.
 */
#ifndef VARVE_HTTP_REMOTE_WRITE2_H
#define VARVE_HTTP_REMOTE_WRITE2_H

#include "http/remote_write.h"

enum { WRITE_SYMBOLS_MAX = 1 << 21 };

/* As write_decode. */
status write2_decode(str message, struct write_batch *batch);

#endif
