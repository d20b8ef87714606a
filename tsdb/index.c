/* Choosing series by matchers; see index.h. */
#include "tsdb/index.h"

#include "storage/base/vec.h"
#include "tsdb/glob.h"
#include "tsdb/regex.h"

bool index_known_values(const struct matcher *matcher, bool inverted, const str **values, size_t *count)
{
    bool negative = matcher->type == MATCH_NOT_EQUAL || matcher->type == MATCH_NOT_REGEX;

    if (negative != inverted) return false;
    if (matcher->type == MATCH_EQUAL || matcher->type == MATCH_NOT_EQUAL) {
        *values = &matcher->value;
        *count = 1;
        return true;
    }
    *values = matcher->set;
    *count = matcher->set_count;
    return matcher->set != NULL;
}

str index_prefix(const struct matcher *matcher, bool inverted)
{
    bool negative = matcher->type == MATCH_NOT_REGEX;

    if (negative != inverted) return STR("");
    if (matcher->globs) return glob_prefix(matcher->globs, matcher->glob_count);
    return matcher->regex ? regex_prefix(matcher->regex) : STR("");
}

/* The series that have the label with a matching value. */
static status positive_set(struct index *index, const struct matcher *matcher, struct postings *set)
{
    if (matcher->matches_non_empty || matcher->matches_all) return index->class->with_name(index, matcher->name, set);
    return index->class->with_value(index, matcher, false, set);
}

/* The series whose value does not match, for matchers that match the absent label. */
static status negative_set(struct index *index, const struct matcher *matcher, struct postings *set)
{
    if (matcher->type == MATCH_EQUAL) return index->class->with_name(index, matcher->name, set); /* a="" */
    return index->class->with_value(index, matcher, true, set);
}

struct sized_set {
    struct postings *set;
    uint64_t count;
};

static int compare_sizes(const void *a, const void *b)
{
    uint64_t x = ((const struct sized_set *)a)->count, y = ((const struct sized_set *)b)->count;
    return (x > y) - (x < y);
}

typedef vec(struct sized_set) sized_sets;

static status collect_positive(struct index *index, const struct matcher *matchers, size_t count, sized_sets *sets)
{
    for (size_t i = 0; i < count; i++) {
        if (matcher_matches_empty(&matchers[i])) continue;
        struct postings *set = postings_new();
        vec_push(sets, (struct sized_set){set, 0});
        TRY(positive_set(index, &matchers[i], set));
        vec_last(sets)->count = postings_count(set);
        if (vec_last(sets)->count == 0) return ok(); /* nothing can match */
    }
    return ok();
}

static status subtract_negative(struct index *index, const struct matcher *matchers, size_t count,
                                struct postings *from)
{
    for (size_t i = 0; i < count && postings_count(from); i++) {
        if (!matcher_matches_empty(&matchers[i]) || matchers[i].matches_all) continue;
        struct postings *set = postings_new();
        status s = negative_set(index, &matchers[i], set);
        if (!failed(s)) postings_subtract(from, set);
        postings_free(set);
        TRY(s);
    }
    return ok();
}

status index_select(struct index *index, uint32_t series_count, const struct matcher *matchers, size_t count,
                    struct postings **out)
{
    sized_sets sets = {0};
    struct postings *result = NULL;
    status s = collect_positive(index, matchers, count, &sets);

    if (!failed(s)) {
        if (sets.count) {
            qsort(sets.data, sets.count, sizeof *sets.data, compare_sizes);
            result = sets.data[0].set;
            sets.data[0].set = NULL;
            for (size_t i = 1; i < sets.count; i++) postings_intersect(result, sets.data[i].set);
        } else {
            result = postings_range(series_count);
        }
        s = subtract_negative(index, matchers, count, result);
    }
    vec_each (sized, &sets) postings_free(sized->set);
    vec_release(&sets);
    if (failed(s)) {
        postings_free(result);
        result = NULL;
    }
    *out = result;
    return s;
}
