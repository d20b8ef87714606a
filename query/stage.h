/* Operators: the nodes of a plan.
 *
 * open() comes first, children before parents, on the query's thread: the operator states its shape and materialises
 * operands that it must know as a whole. Then fill() delivers tiles, for any rows, in any order, on any thread; the
 * same rows always get the same bits.
 */
#ifndef VARVE_QUERY_STAGE_H
#define VARVE_QUERY_STAGE_H

#include "query/run.h"
#include "query/shape.h"

struct stage;

struct stage_class {
    const char *name;
    bool (*open)(struct stage *stage, struct query *query);
    /* Fills the rows of the list into `out`, which has a row for each and nothing present yet. False when there was an
     * error, which is then with the query, or the query has to end. */
    bool (*fill)(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out);
};

/* Operators embed this as their first member. */
struct stage {
    const struct stage_class *class;
    const struct node *node; /* for positions */
    struct grid grid;
    uint32_t order;    /* place in the order of evaluation; children have lower ones */
    uint32_t repeats;  /* steps of the query that each of its own stands for: one, or, if it is computed once, all */
    bool is_inner;     /* inside a subquery */
    bool has_messages; /* filling it or what is below it may raise errors or annotations: no row may be skipped */
    bool may_fail;     /* filling it (not what is below) may find an error in the data */
    bool is_open;
    struct stage *next; /* of the query, the one planned before */
    struct shape shape; /* after open */
    double row_ns;      /* rough cost of filling one row; after open */
};

bool stage_open(struct stage *stage, struct query *query);

static inline bool stage_fill(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                              struct tile *out)
{
    return stage->class->fill(stage, task, rows, count, out);
}

/* Opened and filled whole, in the query's memory. Presence is exact; samples are counted as held. */
bool stage_materialise(struct stage *stage, struct query *query, struct tile *out);

/* Some rows of an open operator, as above. */
bool stage_materialise_rows(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count,
                            struct tile *out);

/* An empty tile in the query's memory, for a stage that computes its whole result in open. False if there is no room.
 */
bool stage_result(const struct stage *stage, struct query *query, uint32_t rows, struct tile *out);

/* Sets an element of such a tile; a histogram must live as long as the evaluation. */
void stage_set_result(struct tile *result, struct query *query, size_t at, double value, const struct histogram *h);

/* Opens an operand of type scalar and evaluates it: one value for each step; constant if all are the same bits. */
struct column {
    const double *values;
    bool is_constant;
};
bool stage_column(struct stage *stage, struct query *query, struct column *out);

/* Calls visit with consecutive pieces of the operator's rows, already filled, in parallel and in any order. `rows`
 * NULL: all rows. Pieces are numbered; stage_pieces tells how many there will be. */
struct piece {
    uint32_t number;
    uint32_t first, count; /* in `rows` */
    const uint32_t *rows;
    struct tile tile;
};
uint32_t stage_pieces(const struct stage *stage, uint32_t count);
bool stage_visit(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count,
                 bool (*visit)(void *context, struct task *task, const struct piece *piece), void *context);

/* Evaluates rows for nothing but their errors and annotations. */
bool stage_drain(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count);

/* After a failure in open: evaluates what is open and might have failed before, had it been evaluated at once. */
void stage_settle_error(struct query *query);

/* Rows that one task should fill: about a millisecond of work, at most a tile. */
uint32_t stage_task_rows(const struct stage *stage);

#endif
