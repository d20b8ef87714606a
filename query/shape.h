/* Shapes: the rows of a node's result, in a fixed order, and their labels.
 *
 * A shape is known before any sample is read, so it also lists rows that will prove empty. Its labels come from a
 * selection, asked only when somebody needs them (`count` over a million series makes no label at all), or from a table
 * of sorted pairs. Either may be seen through an index: rows picked and ordered anew.
 *
 * Functions and operators drop the metadata labels (__name__, __type__, __unit__): at once, or, with delayed name
 * removal, by a mark on the row that is honoured at the end of the query.
 *
 * Shapes are made and asked by the thread that opens the query's operators, and are constant afterwards.
 */
#ifndef VARVE_QUERY_SHAPE_H
#define VARVE_QUERY_SHAPE_H

#include "query/bits.h"
#include "query/keys.h"
#include "tsdb/snapshot.h"

struct query;

struct shape {
    uint32_t count;
    struct selection *selection;  /* where labels come from: a selection, or … */
    const struct label_id *pairs; /* … a table; the pairs of row i are first[i] … first[i + 1] */
    const uint32_t *first;
    const uint32_t *index;    /* row of the selection or table for each row; NULL: the same */
    bool is_distinct;         /* no two rows have the same labels; else that is not known */
    bool is_distinct_unnamed; /* the same if the metric name did not count */
    bool names_dropped;       /* metadata labels are to be ignored */
    bool all_marked;          /* names go at the end of the query: of all rows, or … */
    const uint64_t *marked;   /* … of the rows set here; may be NULL */
};

/* A growing list of pairs sorted by the bytes of the names. */
struct pairs {
    struct label_id *data;
    size_t count, capacity;
};

static inline bool shape_is_marked(const struct shape *shape, uint32_t row)
{
    return shape->all_marked || (shape->marked && bits_get(shape->marked, row));
}

/* The rows of a selection, which may have asked for one metric name. */
void shape_of_selection(struct shape *out, struct selection *selection, bool has_one_name);

/* One row without labels: scalars, absent(), sum(). */
void shape_of_nothing(struct shape *out);

/* The value ids of one label in all rows; 0 = absent. All of these are false when the storage failed. */
bool shape_column(const struct shape *shape, struct query *query, str name, uint32_t *ids);

/* The labels of one row. */
bool shape_pairs(const struct shape *shape, struct query *query, uint32_t row, struct pairs *out);

/* The labels of a row for messages: {a="x", b="y"}; in the query's arena. */
bool shape_text(const struct shape *shape, struct query *query, uint32_t row, str *out);

/* Drops or marks the names of all rows, as the query's mode has it. */
void shape_drop_names(struct shape *shape, const struct query *query);

/* Sets one label of a list of pairs; value 0 removes it. */
void pairs_set(struct pairs *pairs, const struct query *query, uint32_t name, uint32_t value);
void pairs_drop_names(struct pairs *pairs, const struct query *query);
str pairs_text(const struct pairs *pairs, struct query *query);

/* Makes a table row by row. */
struct shape_builder {
    vec(struct label_id) pairs;
    vec(uint32_t) first;
};
void shape_builder_add(struct shape_builder *builder, const struct label_id *pairs, size_t count);

/* Moves what was built into the query's arena; all other members of the shape are cleared. */
void shape_builder_finish(struct shape_builder *builder, struct query *query, struct shape *out);
void shape_builder_release(struct shape_builder *builder);

/* Rows of a shape picked and ordered anew; `rows` becomes part of the shape. */
void shape_pick(struct shape *out, const struct shape *shape, struct query *query, const uint32_t *rows,
                uint32_t count);

/* Which labels tell groups or partners apart: those named, or all but those named and (mostly) the metric name. */
struct label_choice {
    const uint32_t *names; /* ids, sorted by their text */
    uint32_t count;
    bool keep;
    bool keep_name; /* if not `keep`: the metric name counts */
};

/* Interns and sorts the names of `by`, `on`, `without` or `ignoring`. */
void label_choice_make(struct label_choice *out, struct query *query, const str *names, size_t count, bool keep);

/* For each row the id of its chosen labels in `keys`; `ids` has room for all rows. */
bool shape_keys(const struct shape *shape, struct query *query, const struct label_choice *choice, struct keys *keys,
                uint32_t *ids);

/* The chosen labels of a key as pairs. */
void label_choice_pairs(const struct label_choice *choice, const struct keys *keys, uint32_t key, struct pairs *out);

/* For each row the id of all its labels in `keys`. With `cleaned`, marked rows count without their names. */
bool shape_label_keys(const struct shape *shape, struct query *query, bool cleaned, struct keys *keys, uint32_t *ids);

/* Order of two lists of pairs by the bytes of names and values. */
int pairs_compare(const struct query *query, const struct label_id *a, size_t a_count, const struct label_id *b,
                  size_t b_count);

#endif
