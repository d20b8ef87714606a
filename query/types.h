/* The types of PromQL expressions and what they rule out. */
#ifndef VARVE_QUERY_TYPES_H
#define VARVE_QUERY_TYPES_H

#include "query/parse.h"

/* Fills in the type of every node and checks operands, arguments, vector matching and selectors. False with the first
 * error, in the order in which Prometheus finds them; the text is for its position. */
bool types_check(struct node *root, str text, struct arena *arena, struct parse_error *error);

#endif
