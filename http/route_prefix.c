/* What stands before all paths; see route_prefix.h. */
#include "http/route_prefix.h"

static status read_path(str url, str *out)
{
    static const str schemes[] = {STR("http://"), STR("https://")};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!str_starts_with(url, schemes[i])) continue;
        str rest = str_part(url, schemes[i].len, url.len), path = str_part(rest, str_find(rest, '/'), rest.len);
        if (str_find(rest, '/') == 0) break; /* no host */
        *out = str_cut(&path, '?');
        *out = str_cut(out, '#');
        return ok();
    }
    return status_make(STATUS_INVALID, "--web.external-url: \"%.*s\" is no URL that begins with http:// or https://",
                       STR_ARG(str_part(url, 0, 40)));
}

status route_prefix_read(str external_url, str route_prefix, struct arena *arena, str *out)
{
    str path = STR("");

    if (external_url.len) TRY(read_path(external_url, &path));
    if (route_prefix.len) path = route_prefix;
    while (str_starts_with(path, STR("/"))) path = str_part(path, 1, path.len);
    while (str_ends_with(path, STR("/"))) path.len--;
    *out = path.len ? arena_format(arena, "/%.*s", STR_ARG(path)) : STR("");
    return ok();
}

bool route_prefix_cut(str prefix, str *path)
{
    str rest = *path;

    if (!str_starts_with(rest, prefix)) return false;
    rest = str_part(rest, prefix.len, rest.len);
    if (rest.len && rest.data[0] != '/') return false;
    *path = rest.len ? rest : STR("/");
    return true;
}
