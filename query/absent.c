/* absent and absent_over_time: one row, of value 1 at the steps where the operand has no value at all. */
#include "query/plan.h"
#include "query/window.h"

#include <string.h>

struct absent {
    struct stage stage;
    struct stage *child;
    const struct selector *selector; /* the operand, if it is one: its matchers give labels */
    /* after open */
    uint64_t *present; /* steps at which the operand has values */
    pthread_mutex_t mutex;
};

static bool note_presence(void *context, struct task *task, const struct piece *piece)
{
    struct absent *absent = context;
    const struct tile *tile = &piece->tile;

    (void)task;
    pthread_mutex_lock(&absent->mutex);
    if (tile->stride == 1) {
        absent->present[0] |= tile_count(tile) > 0;
    } else {
        size_t words = tile->stride / 64;
        for (size_t w = 0; w < tile_words(tile); w++)
            absent->present[w % words] |= tile->present[w] | (tile->histograms ? tile->histograms[w] : 0);
    }
    pthread_mutex_unlock(&absent->mutex);
    return true;
}

static bool has_equality_before(const struct selector *selector, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        if (matcher->type == MATCH_EQUAL && str_equal(matcher->name, selector->matchers[index].name)) return true;
    }
    return false;
}

/* Labels that the selector asks for by equality; whatever it says of them afterwards takes them away. */
static void make_shape(struct absent *absent, struct query *query)
{
    const struct selector *selector = absent->selector;
    struct shape_builder builder = {0};
    struct pairs pairs = {0};

    for (size_t i = 0; selector && i < selector->matcher_count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        bool is_first = matcher->type == MATCH_EQUAL && !has_equality_before(selector, i);
        if (str_equal(matcher->name, METRIC_NAME)) continue;
        pairs_set(&pairs, query, snapshot_intern(query->snapshot, matcher->name),
                  is_first ? snapshot_intern(query->snapshot, matcher->value) : 0);
    }
    shape_builder_add(&builder, pairs.data, pairs.count);
    vec_release(&pairs);
    shape_builder_finish(&builder, query, &absent->stage.shape);
    absent->stage.shape.is_distinct = absent->stage.shape.is_distinct_unnamed = true;
}

static bool open_absent(struct stage *stage, struct query *query)
{
    struct absent *absent = (struct absent *)stage;

    if (!stage_open(absent->child, query)) return false;
    absent->present = arena_zarray(&query->arena, uint64_t, bits_words(stage->grid.steps));
    pthread_mutex_init(&absent->mutex, NULL);
    bool done = stage_visit(absent->child, query, NULL, absent->child->shape.count, note_presence, absent);
    pthread_mutex_destroy(&absent->mutex);
    make_shape(absent, query);
    stage->row_ns = stage->grid.steps;
    return done;
}

static bool fill_absent(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    const struct absent *absent = (const struct absent *)stage;

    (void)task;
    (void)rows;
    (void)count;
    for (size_t s = 0; s < stage->grid.steps; s++) {
        out->values[s] = 1;
        if (!bits_get(absent->present, s)) bits_set(out->present, s);
    }
    return true;
}

static const struct stage_class absent_class = {"absent", open_absent, fill_absent};

static struct stage *new_absent(struct plan *plan, const struct node *call, struct stage *child,
                                const struct selector *selector)
{
    struct absent *absent = plan_new(plan, &absent_class, call, sizeof *absent);

    absent->child = child;
    absent->selector = selector;
    return &absent->stage;
}

struct stage *plan_absent(struct plan *plan, const struct node *call)
{
    const struct node *arg = ast_unwrap(call->call.args[0]);

    return new_absent(plan, call, plan_node(plan, arg), arg->kind == NODE_SELECTOR ? &arg->selector : NULL);
}

struct stage *plan_absent_over_time(struct plan *plan, const struct node *call)
{
    const struct node *arg = ast_unwrap(call->call.args[0]);

    return new_absent(plan, call, window_new(plan, call, &window_present),
                      arg->kind == NODE_RANGE ? &arg->range.selector->selector : NULL);
}
