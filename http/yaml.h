/* YAML files as a tree of texts, lists and maps.
 *
 * Numbers and booleans stay texts; whoever knows a key reads them. What configuration needs is all there is: anchors,
 * tags and several documents are refused, and so are files beyond the limits below.
 */
#ifndef VARVE_HTTP_YAML_H
#define VARVE_HTTP_YAML_H

#include "storage/base/arena.h"
#include "storage/base/status.h"

enum { YAML_DEPTH_MAX = 16, YAML_NODES_MAX = 100000 };

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    bool is_null;              /* an empty text that is not in quotes, or ~ or null */
    uint32_t line;             /* 1-based */
    str key;                   /* of a member of a map */
    str text;                  /* of YAML_TEXT; followed by a zero byte */
    struct yaml *first, *next; /* members, and the next one beside this */
};

/* Parses a file. INVALID with a sentence that begins with `line N: `. An empty file is an empty map. */
status yaml_parse(str text, struct arena *arena, const struct yaml **out);

/* The member of a map; NULL if it is not there, or if `map` is NULL. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/* The text of a node that must be one; `true` or `false`; a list of texts or, with one text, that. INVALID with the
 * line. An absent node leaves *out as it is. */
status yaml_text(const struct yaml *node, str *out);
status yaml_bool(const struct yaml *node, bool *out);
status yaml_texts(const struct yaml *node, struct arena *arena, str **out, size_t *count);

/* Refuses members of a map that are not among `known` (ended by NULL). */
status yaml_check_keys(const struct yaml *map, const char *const *known);

/* `line N: ` and the sentence. */
status yaml_error(const struct yaml *node, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
