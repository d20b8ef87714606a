/* Binary operators on single elements, at least one of which is a native histogram. */
#ifndef VARVE_QUERY_ELEMENT_H
#define VARVE_QUERY_ELEMENT_H

#include "query/ast.h"
#include "query/run.h"

struct element {
    double value;
    const struct histogram *histogram; /* NULL: a float */
};

/* What an operation on two elements has to tell. */
enum element_note {
    ELEMENT_FINE,
    ELEMENT_TYPES, /* the operator does not go with these; nothing comes of it */
    ELEMENT_LAYOUT,
    ELEMENT_COLLISION,
    ELEMENT_RECONCILED
};

/* left op right; true if something comes of it. Comparisons keep the left element. The result may lie in the task's
 * memory of cells. */
bool element_operate(enum operator_kind op, struct element left, struct element right, struct task *task,
                     struct element *out, enum element_note *note);

/* Makes an annotation of a note. */
void element_annotate(struct query *query, const struct node *node, enum operator_kind op, enum element_note note,
                      struct element left, struct element right);

/* Operates on the elements of `out` (floats and histograms) and another tile, or a column of floats with one value for
 * each step, in place: where either holds a histogram. All of out's histograms and the floats that meet histograms are
 * taken away, or replaced by what came of them, which is returned in the bitmaps of `out`; what is left in out->present
 * afterwards and has no bit in `done` is still to be operated on. */
struct element_operands {
    const struct node *node;
    enum operator_kind op;
    bool returns_bool, tile_is_right;
    const struct tile *other; /* NULL: … */
    const double *values;     /* … these */
    bool value_is_constant;
};
void element_operate_tile(const struct element_operands *operands, struct task *task, struct tile *out, size_t steps,
                          uint64_t *done);

#endif
