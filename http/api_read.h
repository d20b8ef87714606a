/* POST /api/v1/read: remote-read, as samples or as chunks.
 *
 * An answer is complete before its first byte is sent, like all others, and within the memory of a query and of the
 * answers; more than --storage.remote.read-sample-limit samples are refused.
 */
#ifndef VARVE_HTTP_API_READ_H
#define VARVE_HTTP_API_READ_H

#include "http/request.h"

enum { READ_MESSAGE_BYTES_MAX = 32 << 20, READ_QUERIES_MAX = 1000, READ_MATCHERS_MAX = 1000 };

status api_read(struct request *request, struct response *response);

#endif
