#include "http/openapi.h"
#include "http/yaml.h"
#include "tests/http/calls.h"
#include "tests/support/must.h"

/* It is YAML, and each route is in it. */
Test(openapi, describes_all_routes)
{
    struct site site;
    size_t count;
    const struct route *routes = routes_all(&count);
    const struct yaml *root;
    str version = STR("");

    site_open(&site);
    struct reply reply = site_get(&site, "/api/v1/openapi.yaml?openapi_version=3.2");
    cr_assert(reply.code == 200);
    must(yaml_parse(reply.body, &site.arena, &root));
    must(yaml_text(yaml_get(root, "openapi"), &version));
    cr_expect(str_equal(version, STR("3.2.0")));
    for (size_t i = 0; i < count; i++) {
        const struct yaml *path = yaml_get(yaml_get(root, "paths"), routes[i].path);
        cr_assert(path, "%s", routes[i].path);
        cr_expect(!yaml_get(path, "get") == !(routes[i].methods & METHOD_GET));
        cr_expect(!yaml_get(path, "post") == !(routes[i].methods & METHOD_POST));
    }
    const struct yaml *query =
        yaml_get(yaml_get(yaml_get(yaml_get(root, "paths"), "/api/v1/query"), "get"), "parameters");
    cr_assert(query && query->first);
    str required = STR("");
    must(yaml_text(yaml_get(query->first, "required"), &required));
    cr_expect(str_equal(required, STR("true")));
    reply = site_get(&site, "/api/v1/openapi.yaml?openapi_version=2");
    cr_expect(reply.code == 400);
    site_close(&site);
}

/* Paths begin with a slash, so the server's address does not end with one unless it is all of it. */
Test(openapi, names_where_the_server_is)
{
    static const struct {
        const char *prefix, *target, *url;
    } rows[] = {{"", "/api/v1/openapi.yaml", "/"}, {"/varve", "/varve/api/v1/openapi.yaml", "/varve"}};
    struct site site;

    site_open(&site);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct yaml *root;
        str url = STR("");
        site.services.route_prefix = str_from(rows[i].prefix);
        struct reply reply = site_get(&site, rows[i].target);
        must(yaml_parse(reply.body, &site.arena, &root));
        const struct yaml *servers = yaml_get(root, "servers");
        cr_assert(servers && servers->first);
        must(yaml_text(yaml_get(servers->first, "url"), &url));
        cr_expect(str_equal(url, str_from(rows[i].url)), "%.*s", STR_ARG(url));
    }
    site_close(&site);
}
