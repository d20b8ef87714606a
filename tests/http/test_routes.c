#include "http/routes.h"
#include "tests/support/test.h"

static const struct {
    const char *path;
    int route; /* or -1 */
    const char *name;
    bool malformed;
} paths[] = {
    {"/api/v1/query", ROUTE_QUERY, "", false},
    {"/api/v1/query/", -1, "", false},
    {"/api/v1/quer", -1, "", false},
    {"/api/v1/query_range", ROUTE_QUERY_RANGE, "", false},
    {"//api/v1/query", -1, "", false},
    {"/API/v1/query", -1, "", false},
    {"/api/v1/label/job/values", ROUTE_LABEL_VALUES, "job", false},
    {"/api/v1/label/a%2Fb/values", ROUTE_LABEL_VALUES, "a/b", false},
    {"/api/v1/label/a/b/values", -1, "", false},
    {"/api/v1/label//values", -1, "", false},
    {"/api/v1/label/a+b/values", ROUTE_LABEL_VALUES, "a+b", false},
    {"/api/v1/label/a%zz/values", ROUTE_LABEL_VALUES, "%zz", true},
    {"/api/v1/label/job", -1, "", false},
    {"/api/v1/label/{name}/values", ROUTE_LABEL_VALUES, "{name}", false},
    {"/metrics", ROUTE_METRICS, "", false},
    {"/-/healthy", ROUTE_HEALTHY, "", false},
    {"/", -1, "", false},
    {"", -1, "", false},
};

Test(routes, paths)
{
    struct arena arena = {0};
    size_t count;
    const struct route *routes = routes_all(&count);

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        int found = -1;
        str name = STR("");
        bool malformed = false;
        for (size_t j = 0; j < count && found < 0; j++) {
            if (route_matches(&routes[j], str_from(paths[i].path), &name, &malformed, &arena)) found = routes[j].id;
        }
        cr_expect(found == paths[i].route, "%s: %d", paths[i].path, found);
        if (found < 0) continue;
        cr_expect(str_equal(name, str_from(paths[i].name)), "%s: %.*s", paths[i].path, STR_ARG(name));
        cr_expect(malformed == paths[i].malformed, "%s", paths[i].path);
    }
    arena_release(&arena);
}

Test(routes, each_is_whole)
{
    size_t count;
    const struct route *routes = routes_all(&count);

    cr_assert(count == ROUTE_OTHER);
    for (size_t i = 0; i < count; i++) {
        cr_expect(routes[i].id == (enum route_id)i && routes[i].handle && routes[i].methods);
        for (size_t j = 0; j < i; j++) cr_expect(strcmp(routes[i].path, routes[j].path) != 0, "%s", routes[i].path);
    }
}

Test(routes, allowed_methods)
{
    struct arena arena = {0};
    struct route route = {.methods = METHOD_GET | METHOD_POST, .flags = ROUTE_API};

    cr_expect(str_equal(route_allow(&route, &arena), STR("GET, HEAD, POST, OPTIONS")));
    route = (struct route){.methods = METHOD_POST};
    cr_expect(str_equal(route_allow(&route, &arena), STR("POST")));
    arena_release(&arena);
}
