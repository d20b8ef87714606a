/* Regular expressions that are only literal text between wildcards, which is what most selectors of dashboards are:
 * "node_.*", ".*_total", ".*error.*", "api/.+/v1|web.*". They need no engine: the text before the first wildcard is a
 * prefix, that behind the last one a suffix, what is between is looked for from left to right.
 *
 * Exact for values that are UTF-8, as those of labels are. */
#ifndef VARVE_TSDB_GLOB_H
#define VARVE_TSDB_GLOB_H

#include "storage/base/arena.h"
#include "storage/base/str.h"

/* One alternative: `count` literals, at least two, each of which may be empty, with a wildcard between neighbours. */
struct glob {
    const str *literals;
    const bool *needs_text; /* of each wildcard: whether it stands for at least one character (".+") */
    size_t count;
};

/* The alternatives of a pattern, which is anchored at both ends; in the arena. NULL if there is anything else in it, or
 * no wildcard in one of them. */
const struct glob *glob_compile(str pattern, size_t *count, struct arena *arena);

/* Whether a backslash before c makes it stand for itself. */
bool glob_is_escapable(char c);

bool glob_matches(const struct glob *globs, size_t count, str value);

/* Text that every match begins with; empty if there is none. */
str glob_prefix(const struct glob *globs, size_t count);

#endif
