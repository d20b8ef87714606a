/* Expressions without any data; see api_parse.h. */
#include "http/api_parse.h"

#include "http/ast_json.h"
#include "http/json.h"
#include "http/services.h"
#include "query/parse.h"

static status parse(struct request *request, const struct node **out)
{
    const struct engine_options *options = engine_get_options(request->services->engine);
    struct parse_error error;

    *out = parse_query(request_parameter(request, STR("query")), options->features, &request->arena, &error);
    if (*out) return ok();
    return request_bad_parameter("query", "%.*s", STR_ARG(parse_error_text(&error, &request->arena)));
}

status api_format_query(struct request *request, struct response *response)
{
    const struct node *node;

    TRY(parse(request, &node));
    json_put_string(response_open_data(response), ast_pretty(node, &request->arena));
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}

status api_parse_query(struct request *request, struct response *response)
{
    const struct node *node;

    TRY(parse(request, &node));
    ast_json_put(response_open_data(response), node, &request->arena);
    response_close_data(response, NULL, 0, NULL, 0);
    return ok();
}
