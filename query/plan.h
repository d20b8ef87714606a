/* Plans: from the syntax tree to operators.
 *
 * Each node is planned for a grid: the query's, the one of the subquery it stands in, or, if its value does not change
 * from step to step, a grid of one step whose column a `repeat` operator spreads. The tree is only read. Constructors
 * plan their operands first, so that operators are numbered in the order of evaluation.
 */
#ifndef VARVE_QUERY_PLAN_H
#define VARVE_QUERY_PLAN_H

#include "query/feed.h"
#include "query/functions.h"
#include "query/stage.h"

struct plan {
    struct query *query;
    struct grid grid; /* of the node being planned */
    uint32_t next_order;
    uint32_t repeats;     /* see struct stage; 0 counts as 1 */
    bool is_inner;        /* inside a subquery */
    bool without_buckets; /* below histogram_count, _sum and _avg: nobody will look at the buckets of selectors */
};

/* The whole query: in the state of its labels at the end. */
struct stage *plan_query(struct query *query);

/* An operand, at the plan's grid. */
struct stage *plan_node(struct plan *plan, const struct node *node);

/* A new operator of `size` bytes at the plan's grid; all else zeroed. */
void *plan_new(struct plan *plan, const struct stage_class *class, const struct node *node, size_t size);

/* A range vector as feed of windows at the plan's grid. */
void plan_feed(struct plan *plan, const struct node *node, struct feed *out);

/* Where in time an instant selector, a range selector or a subquery looks, at the plan's grid. */
void plan_windows(const struct plan *plan, const struct node *node, struct windows *out);

/* Whether a node's value is that of the first step at every step, and is computed once and repeated. */
bool plan_is_repeated(const struct plan *plan, const struct node *node);

/* The grid of what is inside a subquery that has these windows. Ends the query if there is no room for it. */
struct grid plan_subquery_grid(const struct plan *plan, const struct node *node, const struct windows *windows);

/* Two rows whose labels became equal: an error if both have any point, or only if both have one at the same step. */
enum duplicates { DUPLICATES_WHOLE, DUPLICATES_STEP };

/* Joins rows with equal labels. */
struct stage *plan_merge(struct plan *plan, struct stage *child, enum duplicates rule);

/* The same where names are dropped at once; later, at the end of the query, is soon enough otherwise. */
struct stage *plan_dropped(struct plan *plan, struct stage *child, enum duplicates rule);

/* At the end of the query: honours the marks of delayed name removal. */
struct stage *plan_cleanup(struct plan *plan, struct stage *child);

/* Spreads a grid of one step over the plan's grid. */
struct stage *plan_repeat(struct plan *plan, struct stage *child);

/* Constructors of nodes. */
enum select_kind {
    SELECT_VALUES,
    SELECT_TIMES,
    SELECT_START_TIMES,
    SELECT_FLOAT_TIMES /* times of floats; histograms stay what they are */
};
struct stage *plan_selector(struct plan *plan, const struct node *node, enum select_kind kind);
struct stage *plan_number(struct plan *plan, const struct node *node, double value);
struct stage *plan_unary(struct plan *plan, const struct node *node);
struct stage *plan_binary(struct plan *plan, const struct node *node);
struct stage *plan_match(struct plan *plan, const struct node *node);
struct stage *plan_set(struct plan *plan, const struct node *node);
struct stage *plan_aggregate(struct plan *plan, const struct node *node);
struct stage *plan_rank(struct plan *plan, const struct node *node); /* topk, bottomk, limitk */
struct stage *plan_limit_ratio(struct plan *plan, const struct node *node);
struct stage *plan_group_quantile(struct plan *plan, const struct node *node);
struct stage *plan_count_values(struct plan *plan, const struct node *node);

/* Constructors of calls; the function table names them. */
typedef struct stage *plan_call(struct plan *plan, const struct node *call);
plan_call plan_each, plan_round, plan_clamp, plan_clamp_min, plan_clamp_max, plan_date;
plan_call plan_time, plan_pi, plan_scalar, plan_vector, plan_min_of, plan_max_of;
plan_call plan_timestamp, plan_start_timestamp, plan_window, plan_absent, plan_absent_over_time;
plan_call plan_label_replace, plan_label_join, plan_sort, plan_sort_desc, plan_sort_by_label, plan_sort_by_label_desc;
plan_call plan_histogram_quantile, plan_histogram_quantiles, plan_histogram_fraction;
plan_call plan_histogram_count, plan_histogram_sum, plan_histogram_avg, plan_histogram_stddev, plan_histogram_stdvar;
plan_call plan_info;

#endif
