/* The routes; see routes.h. */
#include "http/routes.h"

#include "http/api_active.h"
#include "http/api_admin.h"
#include "http/api_exemplars.h"
#include "http/api_export.h"
#include "http/api_import.h"
#include "http/api_labels.h"
#include "http/api_metadata.h"
#include "http/api_otlp.h"
#include "http/api_parse.h"
#include "http/api_query.h"
#include "http/api_read.h"
#include "http/api_search.h"
#include "http/api_self_metrics.h"
#include "http/api_status.h"
#include "http/api_targets.h"
#include "http/api_write.h"
#include "http/escape.h"
#include "http/federate.h"
#include "http/openapi.h"
#include "http/pages.h"

static const struct route routes[] = {
#define X(id, path, methods, handle, admit, place, flags, parameters, about) \
    {ROUTE_##id, path, methods, handle, admit, place, flags, parameters, about},
    ROUTES(X)
#undef X
};

const struct route *routes_all(size_t *count)
{
    *count = sizeof routes / sizeof routes[0];
    return routes;
}

/* Cuts the segment off the front of *rest; false when it was the last one. */
static bool take_segment(str *rest, str *segment)
{
    bool more = str_find(*rest, '/') < rest->len;

    *segment = str_cut(rest, '/');
    return more;
}

/* The path is split before it is decoded, so a name may contain an escaped slash. */
bool route_matches(const struct route *route, str path, str *name, bool *malformed, struct arena *arena)
{
    str pattern = str_from(route->path), raw = STR(""), want, have;
    bool more = true;

    while (more) {
        more = take_segment(&pattern, &want);
        if (take_segment(&path, &have) != more) return false;
        bool is_name = str_starts_with(want, STR("{"));
        if (is_name ? have.len == 0 : !str_equal(want, have)) return false;
        if (is_name) raw = have;
    }
    *malformed = !escape_decode(raw, ESCAPE_PATH, name, arena);
    return true;
}

str route_allow(const struct route *route, struct arena *arena)
{
    static const struct {
        enum method method;
        const char *name;
    } methods[] = {
#define X(name, bit) {METHOD_##name, #name},
        METHODS(X)
#undef X
    };
    unsigned allowed = route->methods;
    str text = STR("");

    if (allowed & METHOD_GET) allowed |= METHOD_HEAD;
    if (route->flags & ROUTE_API) allowed |= METHOD_OPTIONS;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (allowed & methods[i].method)
            text = arena_format(arena, "%.*s%s%s", STR_ARG(text), text.len ? ", " : "", methods[i].name);
    }
    return text;
}
