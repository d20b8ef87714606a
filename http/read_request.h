/* What a remote-read asks for.
 *
 *     ReadRequest            1 Query*                  2 enum response types accepted
 *     Query                  1 int64 start             2 int64 end         3 LabelMatcher*
 *     LabelMatcher           1 enum type               2 string name       3 string value
 */
#ifndef VARVE_HTTP_READ_REQUEST_H
#define VARVE_HTTP_READ_REQUEST_H

#include "http/config.h"
#include "tsdb/matcher.h"

enum { READ_QUERIES_MAX = 1000, READ_MATCHERS_MAX = 1000 };

struct read_query {
    int64_t start_ms, end_ms; /* both belong to it */
    const struct matcher *matchers;
    size_t matcher_count;
};

struct read_request {
    const struct read_query *queries;
    size_t count;
    bool wants_chunks; /* else samples: the first type accepted that we know */
};

/* Decodes a message; all lies in the arena or is borrowed from the message. Our own external labels are taken out of
 * the matchers, since stored series do not have them yet. INVALID. */
status read_request_decode(str message, const struct config *config, struct arena *arena, struct read_request *out);

#endif
