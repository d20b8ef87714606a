/* Regular expressions with the syntax and the linear time of RE2, which Prometheus' own engine shares.
 *
 * A pattern is anchored at both ends and its dot matches newlines: "a.b" stands for ^(?s:a.b)$. Compiled patterns are
 * immutable and may be used by many threads.
 */
#ifndef VARVE_TSDB_REGEX_H
#define VARVE_TSDB_REGEX_H

#include "storage/base/status.h"
#include "storage/base/str.h"

struct regex;

/* Memory that compiling one pattern may take; a pattern that needs more is an error that says so. */
enum { REGEX_MEMORY_BYTES = 8 << 20 };

/* Compiles a pattern. INVALID when it is no regular expression, with the reason in the words of Prometheus, LIMIT when
 * it is too large. */
status regex_compile(str pattern, struct regex **out);

/* As regex_compile, but found anywhere in a text (for expectations in test scripts). */
status regex_compile_unanchored(str pattern, struct regex **out);

void regex_free(struct regex *regex);

/* Memory that it takes, about. Matching may take more for a while, up to REGEX_MEMORY_BYTES. */
size_t regex_bytes(const struct regex *regex);

bool regex_matches(const struct regex *regex, str text);

/* Number of capturing groups, the whole match not counted. */
size_t regex_group_count(const struct regex *regex);

/* The number of the named group, or 0. */
size_t regex_group_by_name(const struct regex *regex, str name);

/* Matches and gives the text of each group: groups[0] is the whole match, groups[i] the i-th; `count` of them. A group
 * that took no part is empty. */
bool regex_capture(const struct regex *regex, str text, str *groups, size_t count);

/* If the pattern is seen to be equivalent to a plain set of at most `max` strings ("a|b", "5[0-4]x"), calls add for
 * each, in order, and returns true; calls nothing otherwise. */
bool regex_as_set(const struct regex *regex, size_t max, void (*add)(void *context, str value), void *context);

/* Bytes that every matching text starts with; empty if there are none. Lives as long as the regex. */
str regex_prefix(const struct regex *regex);

#endif
