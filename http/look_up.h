/* Look-ups of label names and values: a window, match[] sets, and the snapshot that they are answered from.
 *
 * What a look-up holds is charged to an account with the limit of one query. Owned by one thread.
 */
#ifndef VARVE_HTTP_LOOK_UP_H
#define VARVE_HTTP_LOOK_UP_H

#include "http/request.h"
#include "tsdb/snapshot.h"

struct look_up {
    struct request *request;
    int64_t start_ms, end_ms;
    uint64_t limit; /* 0: none */
    const struct matcher_set *sets;
    size_t set_count;
    struct account account;
    struct snapshot *snapshot;
};

/* All time, all series, no limit. */
void look_up_init(struct look_up *look, struct request *request);

/* start and end of the request. */
status look_up_window(struct look_up *look);

/* The caller releases the snapshot. */
void look_up_take_snapshot(struct look_up *look);

struct select_request look_up_select(const struct look_up *look, const struct matcher_set *set);

/* An error when nobody waits for the answer any more, or it has become too large; to be asked now and then. */
status look_up_check(struct look_up *look);

/* The names, or the values of the label `name`, of the series of all sets, sorted, each once; they live as long as the
 * snapshot. There may be more than the limit, and *truncated says that there are some which are not in the list. */
status look_up_list(struct look_up *look, str name, str **out, size_t *count, bool *truncated);

#endif
