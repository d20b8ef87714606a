/* Matchers: what a selector asks of one label.
 *
 * A label that a series does not have equals the empty string.
 */
#ifndef VARVE_TSDB_MATCHER_H
#define VARVE_TSDB_MATCHER_H

#include "storage/base/arena.h"
#include "storage/base/public.h"
#include "storage/base/status.h"
#include "storage/base/str.h"

enum matcher_type { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX };

struct regex;
struct glob;

/* Name and value are borrowed; the compiled form belongs to the arena given to matcher_compile. */
struct matcher {
    enum matcher_type type;
    str name, value;
    const struct regex *regex; /* for the two regex types that are nothing simpler */
    const str *set;            /* for regex types that equal a set of values: sorted, no duplicates; else NULL */
    size_t set_count;
    const struct glob *globs; /* for those that are literals between wildcards, prefixes and suffixes among them */
    size_t glob_count;
    bool matches_all;       /* every value, the empty one included (".*") */
    bool matches_non_empty; /* exactly the values that are not empty (".+", !="") */
};

/* Checks and compiles. Errors are those of regex_compile. */
VARVE_PUBLIC status matcher_compile(enum matcher_type type, str name, str value, struct matcher *out,
                                    struct arena *arena);

VARVE_PUBLIC bool matcher_matches(const struct matcher *matcher, str value);

/* Whether the absence of the label satisfies the matcher. */
VARVE_PUBLIC bool matcher_matches_empty(const struct matcher *matcher);

/* "=", "!=", "=~" or "!~". */
str matcher_operator(enum matcher_type type);

#endif
