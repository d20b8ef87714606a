/* Vector matching, shared by the fast way (match.c) and the exact one (match_steps.c). */
#ifndef VARVE_QUERY_MATCH_H
#define VARVE_QUERY_MATCH_H

#include "query/plan.h"

#define MATCH_NONE UINT32_MAX

struct match {
    struct stage stage;
    struct stage *left, *right;
    const struct matching *matching;
    enum operator_kind kind;
    bool returns_bool;

    /* after open */
    struct stage *many, *one;       /* the sides; for one-to-one the left one counts as many */
    uint32_t *many_keys, *one_keys; /* signature of each row */
    struct keys keys;
    struct label_choice choice;
    uint32_t *include; /* ids of the labels in group_x(…) */

    /* the fast way: row i pairs these */
    const uint32_t *many_rows, *one_rows;
    bool one_is_ready; /* materialised, since its rows are used many times */
    struct tile one_tile;

    /* the exact way: everything is computed in open */
    bool is_done;
    struct tile result;
};

/* The labels of the result of two rows, one of which may be MATCH_NONE: made up to fill a gap, with the labels of the
 * signature. */
bool match_result_labels(struct match *match, struct query *query, uint32_t many_row, uint32_t one_row,
                         struct pairs *out);

/* One-to-many has its sides swapped: which is the left operand's value. */
static inline bool match_is_swapped(const struct match *match)
{
    return match->matching->cardinality == ONE_TO_MANY;
}

/* Applies the rules of matching step by step on materialised sides and leaves shape and result in the operator. */
bool match_by_steps(struct match *match, struct query *query);

#endif
