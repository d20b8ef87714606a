/* POST /api/v1/read: remote-read, as samples or as chunks.
 *
 * Chunks are sent while they are made. Samples are complete before their first byte, since lengths come first; they
 * are held compressed, and more than --storage.remote.read-sample-limit of them are refused.
 */
#ifndef VARVE_HTTP_API_READ_H
#define VARVE_HTTP_API_READ_H

#include "http/request.h"

enum { READ_MESSAGE_BYTES_MAX = 32 << 20 };

status api_read(struct request *request, struct response *response);

#endif
