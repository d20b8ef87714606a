/* limit_ratio: a share of the rows, chosen by a hash of their labels, so that a row is in or out whatever else there
 * is; negative ratios choose the complement. */
#include "query/plan.h"
#include "storage/base/hash.h"
#include "storage/base/number.h"

#include <math.h>
#include <string.h>

struct limit_ratio {
    struct stage stage;
    struct stage *child, *param;
    /* after open */
    struct column ratios;
    double *places; /* of each row, from 0 to 1; NULL if the shape holds chosen rows only */
    const uint32_t *rows;
};

/* Lengths up to 254 are one byte; longer ones are 255 and three bytes. */
static void write_text(struct writer *out, str text)
{
    if (text.len < 255) {
        writer_u8(out, (uint8_t)text.len);
    } else {
        writer_u8(out, 255);
        for (unsigned shift = 0; shift < 24; shift += 8) writer_u8(out, (uint8_t)(text.len >> shift));
    }
    writer_bytes(out, text.data, text.len);
}

/* Where the rows' hashes lie between 0 and 1. */
static bool find_places(struct limit_ratio *l, struct query *query, double *places)
{
    struct writer text = {0};
    struct pairs pairs = {0};
    bool done = true;

    for (uint32_t row = 0; row < l->child->shape.count && done; row++) {
        done = (row % 4096 || query_may_go_on(query)) && shape_pairs(&l->child->shape, query, row, &pairs);
        text.count = 0;
        for (size_t i = 0; i < pairs.count; i++) {
            write_text(&text, snapshot_string(query->snapshot, pairs.data[i].name));
            write_text(&text, snapshot_string(query->snapshot, pairs.data[i].value));
        }
        places[row] = (double)hash_xxh64(text.data, text.count) / 0x1p64;
    }
    vec_release(&pairs);
    writer_release(&text);
    return done;
}

static bool is_chosen(double place, double ratio)
{
    if (ratio > 1) ratio = 1;
    if (ratio < -1) ratio = -1;
    return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

/* Ratios must be numbers; those beyond 1 are told. */
static bool check_ratios(const struct limit_ratio *l, struct query *query, bool *is_zero)
{
    const struct node *param = ast_unwrap(l->stage.node->aggregate.param);
    double least = INFINITY, greatest = -INFINITY;

    for (size_t s = 0; s < (l->ratios.is_constant ? 1 : l->stage.grid.steps); s++) {
        double ratio = l->ratios.values[s];
        if (isnan(ratio)) return query_fail(query, (struct error_key){.order = l->stage.order}, "Ratio value is NaN");
        least = ratio < least ? ratio : least;
        greatest = ratio > greatest ? ratio : greatest;
    }
    *is_zero = least == 0 && greatest == 0;
    if (greatest > 1) annotate_ratio(&query->annotations, l->stage.node, param, greatest, 1);
    if (least < -1) annotate_ratio(&query->annotations, l->stage.node, param, least, -1);
    return true;
}

/* A ratio that never changes chooses rows for good; the others are evaluated only for what they have to say. */
static bool pick_rows(struct limit_ratio *l, struct query *query, const double *places)
{
    const struct shape *shape = &l->child->shape;
    uint32_t *rows = arena_array(&query->arena, uint32_t, shape->count), count = 0;
    uint32_t *others = arena_array(&query->arena, uint32_t, shape->count), other_count = 0;

    for (uint32_t row = 0; row < shape->count; row++) {
        if (is_chosen(places[row], l->ratios.values[0])) {
            rows[count++] = row;
        } else {
            others[other_count++] = row;
        }
    }
    l->rows = rows;
    shape_pick(&l->stage.shape, shape, query, rows, count);
    return !l->child->has_messages || stage_drain(l->child, query, others, other_count);
}

static bool open_limit_ratio(struct stage *stage, struct query *query)
{
    struct limit_ratio *l = (struct limit_ratio *)stage;
    bool is_zero = false;

    if (!stage_column(l->param, query, &l->ratios) || !stage_open(l->child, query)) return false;
    if (!check_ratios(l, query, &is_zero)) return false;
    double *places = arena_zarray(&query->arena, double, l->child->shape.count);
    if (!is_zero && !find_places(l, query, places)) return false;
    stage->row_ns = l->child->row_ns;
    stage->has_messages = l->child->has_messages;
    if (l->ratios.is_constant) return pick_rows(l, query, places);
    l->places = places;
    stage->shape = l->child->shape;
    return true;
}

static bool fill_limit_ratio(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count,
                             struct tile *out)
{
    const struct limit_ratio *l = (const struct limit_ratio *)stage;

    if (!l->places) {
        uint32_t *child_rows = scratch_array(&task->scratch, uint32_t, count);
        for (uint32_t i = 0; i < count; i++) child_rows[i] = l->rows[rows[i]];
        return stage_fill(l->child, task, child_rows, count, out);
    }
    if (!stage_fill(l->child, task, rows, count, out)) return false;
    for (uint32_t i = 0; i < count; i++) {
        for (size_t s = 0; s < stage->grid.steps; s++) {
            if (is_chosen(l->places[rows[i]], l->ratios.values[s])) continue;
            bits_clear(out->present, i * out->stride + s);
            if (out->histograms) bits_clear(out->histograms, i * out->stride + s);
        }
    }
    return true;
}

static const struct stage_class limit_ratio_class = {"limit_ratio", open_limit_ratio, fill_limit_ratio};

struct stage *plan_limit_ratio(struct plan *plan, const struct node *node)
{
    struct stage *param = plan_node(plan, node->aggregate.param), *child = plan_node(plan, node->aggregate.expr);
    struct limit_ratio *l = plan_new(plan, &limit_ratio_class, node, sizeof *l);

    l->param = param;
    l->child = child;
    return &l->stage;
}
