/* What stands before all paths, for a server behind a reverse proxy: --web.route-prefix, or the path of
 * --web.external-url. */
#ifndef VARVE_HTTP_ROUTE_PREFIX_H
#define VARVE_HTTP_ROUTE_PREFIX_H

#include "storage/base/arena.h"
#include "storage/base/status.h"

/* The prefix, without a slash at its end; empty if there is none. It may lie in the arena. INVALID if the URL is none.
 */
status route_prefix_read(str external_url, str route_prefix, struct arena *arena, str *out);

/* Takes the prefix off a path. False if it is not there. */
bool route_prefix_cut(str prefix, str *path);

#endif
