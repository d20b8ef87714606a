/* The description of the API; see openapi.h. */
#include "http/openapi.h"

#include "http/routes.h"
#include "http/services.h"
#include "http/version.h"

static void put(struct writer *w, str text)
{
    writer_bytes(w, text.data, text.len);
}

/* One word of a row's parameters: `name`, `name!`, `name[]`, `name[]!`. */
static void put_parameter(struct writer *w, str word, struct arena *arena)
{
    bool required = str_ends_with(word, STR("!"));

    if (required) word.len--;
    bool repeated = str_ends_with(word, STR("[]"));
    put(w, arena_format(arena,
                        "        - name: \"%.*s\"\n          in: query\n          required: %s\n          schema: %s\n",
                        STR_ARG(word), required ? "true" : "false",
                        repeated ? "{type: array, items: {type: string}}" : "{type: string}"));
}

static void put_operation(struct writer *w, const struct route *route, const char *method, struct arena *arena)
{
    str words = str_from(route->parameters);
    bool has_name = strstr(route->path, "{name}") != NULL;

    put(w, arena_format(arena, "    %s:\n      summary: \"%s\"\n", method, route->about));
    if (words.len || has_name) put(w, STR("      parameters:\n"));
    if (has_name)
        put(w, STR("        - name: name\n          in: path\n          required: true\n          schema: {type: "
                   "string}\n"));
    while (words.len) put_parameter(w, str_cut(&words, ' '), arena);
    put(w, STR("      responses:\n        \"200\": {description: Success}\n        default: {description: Error}\n"));
}

status api_openapi(struct request *request, struct response *response)
{
    static const struct {
        enum method method;
        const char *name;
    } methods[] = {{METHOD_GET, "get"}, {METHOD_PUT, "put"}, {METHOD_POST, "post"}, {METHOD_DELETE, "delete"}};
    str version = request_parameter(request, STR("openapi_version")), prefix = request->services->route_prefix;
    size_t count;
    const struct route *routes = routes_all(&count);

    if (version.len && !str_equal(version, STR("3.1")) && !str_equal(version, STR("3.2")))
        return request_bad_parameter("openapi_version", "there are 3.1 and 3.2");
    response_text(response, 200, "application/yaml; charset=utf-8", STR(""));
    put(response_writer(response),
        arena_format(&request->arena,
                     "openapi: %s.0\ninfo:\n  title: Varve\n  description: The HTTP API of Prometheus %s, as far as a "
                     "storage server has it.\n  version: \"%s\"\n"
                     "servers:\n  - url: \"%.*s\"\npaths:\n",
                     str_equal(version, STR("3.2")) ? "3.2" : "3.1", VERSION_OF_API, version_text,
                     STR_ARG(prefix.len ? prefix : STR("/"))));
    for (size_t i = 0; i < count; i++) {
        struct writer *w = response_writer(response);
        put(w, arena_format(&request->arena, "  \"%s\":\n", routes[i].path));
        for (size_t j = 0; j < sizeof methods / sizeof methods[0]; j++) {
            if (routes[i].methods & methods[j].method) put_operation(w, &routes[i], methods[j].name, &request->arena);
        }
    }
    return ok();
}
