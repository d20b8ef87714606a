/* The syntax tree of an expression as JSON, in the form of Prometheus' parse_query. */
#ifndef VARVE_HTTP_AST_JSON_H
#define VARVE_HTTP_AST_JSON_H

#include "query/ast.h"
#include "storage/base/bytes.h"

void ast_json_put(struct writer *w, const struct node *node, struct arena *arena);

#endif
