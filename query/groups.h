/* Groups: which rows of a shape are aggregated together. */
#ifndef VARVE_QUERY_GROUPS_H
#define VARVE_QUERY_GROUPS_H

#include "query/stage.h"

struct groups {
    struct shape shape;    /* a row for each group, in the order of their first rows */
    const uint32_t *first; /* the rows of group i are rows[first[i]] … rows[first[i + 1]] */
    const uint32_t *rows;
    const uint32_t *of_row;
};

/* Groups the rows by the labels of `by` or `without`; in the query's arena. */
bool groups_make(struct groups *out, const struct shape *shape, struct query *query, const struct label_choice *choice);

static inline uint32_t groups_size(const struct groups *groups, uint32_t group)
{
    return groups->first[group + 1] - groups->first[group];
}

/* Rows listed by key, in their order: those of key i are rows[first[i]] … rows[first[i + 1]]. */
void rows_by_key(struct query *query, const uint32_t *keys, uint32_t count, uint32_t key_count, const uint32_t **first,
                 const uint32_t **rows);

#endif
