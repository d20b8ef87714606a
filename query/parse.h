/* PromQL text to a typed syntax tree.
 *
 * Grammar: Prometheus 3.14 (precedences as in its generated_parser.y), written as a recursive-descent parser.
 */
#ifndef VARVE_QUERY_PARSE_H
#define VARVE_QUERY_PARSE_H

#include "query/ast.h"
#include "query/features.h"
#include "tsdb/labels.h"

/* What is wrong and where. Messages can be longer than a status holds. */
struct parse_error {
    bool has_position;     /* not for an empty text */
    uint32_t line, column; /* 1-based, columns in bytes */
    str message;           /* without the position; in the arena */
};

/* Limits that keep a hostile query from taking the stack or the machine. */
enum { PARSE_TEXT_MAX = 10 << 20, PARSE_DEPTH_MAX = 500, PARSE_LIST_MAX = 1 << 16 };

/* Parses and checks types. Returns NULL and fills *error when the text is no valid expression. */
struct node *parse_query(str text, unsigned features, struct arena *arena, struct parse_error *error);

/* Parses a metric selector without offset, @ or range, as match[] parameters have it: its matchers. */
bool parse_selector(str text, struct arena *arena, const struct matcher **matchers, size_t *count,
                    struct parse_error *error);

/* Parses the metric at the start of a series description, as scripts that load series have them: a name, labels in
 * braces with `=` only, or both. Gives the labels sorted, the name as __name__ among them and empty ones left out, and
 * how many bytes of the text they take. */
bool parse_series(str text, struct arena *arena, const label **pairs, size_t *count, size_t *used,
                  struct parse_error *error);

/* An error at a byte of the text. */
struct parse_error parse_error_at(str text, uint32_t at, str message);

/* "1:5: parse error: …", or "unknown position: parse error: …"; in the arena. */
str parse_error_text(const struct parse_error *error, struct arena *arena);

/* A duration such as 1h30m in milliseconds (units y w d h m s ms, each once, falling; a bare 0). False if it is none or
 * too large. */
bool parse_duration(str text, int64_t *out_ms);

/* Milliseconds as a duration: 90000 is 1m30s, 0 is 0s; in the arena. */
str print_duration(int64_t ms, struct arena *arena);

#endif
