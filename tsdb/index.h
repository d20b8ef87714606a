/* Choosing series by matchers, the same for a registry and a block.
 *
 * A source answers two questions about one label name: which series have it, and which series have one of the values
 * that a matcher names. From these the selection follows: sets of matchers that need the label are intersected,
 * smallest first; matchers that also hold without the label take away the series whose value does not match.
 */
#ifndef VARVE_TSDB_INDEX_H
#define VARVE_TSDB_INDEX_H

#include "storage/base/status.h"
#include "storage/postings.h"
#include "tsdb/matcher.h"

struct index;

struct index_class {
    /* Adds the series that have the label to the set. */
    status (*with_name)(struct index *index, str name, struct postings *set);
    /* Adds the series whose value of the label is not empty and for which
     * index_wants(matcher, inverted, value) holds. */
    status (*with_value)(struct index *index, const struct matcher *matcher, bool inverted, struct postings *set);
};

struct index {
    const struct index_class *class;
};

/* Whether with_value must take this value: the matcher matches it, or does not if `inverted`. */
static inline bool index_wants(const struct matcher *matcher, bool inverted, str value)
{
    return matcher_matches(matcher, value) != inverted;
}

/* The values that with_value must take, where they are few and known: returns true and the list (for = and sets, and
 * their negations inverted), else false: scan all values. */
bool index_known_values(const struct matcher *matcher, bool inverted, const str **values, size_t *count);

/* Text that every value with_value must take begins with; empty if nothing is known. */
str index_prefix(const struct matcher *matcher, bool inverted);

/* The series that match all matchers, of the `series_count` that there are. The set is the caller's. */
status index_select(struct index *index, uint32_t series_count, const struct matcher *matchers, size_t count,
                    struct postings **out);

#endif
