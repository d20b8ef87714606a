/* What all operators have in common; see operator.h. */
#include "query/operator.h"

#include <assert.h>
#include <string.h>

enum { TASK_NS = 1000000 };

bool operator_open(struct operator* op, struct query *query)
{
    if (!query_may_go_on(query) || !op->class->open(op, query)) return false;
    assert(op->shape.count == 0 || op->grid.steps > 0);
    return true;
}

uint32_t operator_task_rows(const struct operator* op)
{
    double rows = op->row_ns > 0 ? TASK_NS / op->row_ns : TILE_ROWS_MAX;
    uint32_t most = tile_rows(&op->grid);

    if (rows >= most) return most;
    if (rows < 1) return 1;
    return rows < 64 ? (uint32_t)rows : (uint32_t)rows & ~63U;
}

struct visit {
    struct operator* op;
    const uint32_t *rows;
    uint32_t count, piece_rows;
    bool (*visit)(void *context, struct task *task, const struct piece *piece);
    void *context;
};

static bool visit_piece(void *context, struct task *task, uint32_t index)
{
    struct visit *v = context;
    struct piece piece = {.number = index, .first = index * v->piece_rows};
    uint32_t left = v->count - piece.first;

    piece.count = left < v->piece_rows ? left : v->piece_rows;
    piece.rows = v->rows + piece.first;
    if (!v->rows) {
        uint32_t *rows = scratch_array(&task->scratch, uint32_t, piece.count);
        for (uint32_t i = 0; i < piece.count; i++) rows[i] = piece.first + i;
        piece.rows = rows;
    }
    piece.tile = tile_make(&task->scratch, &v->op->grid, piece.count);
    return operator_fill(v->op, task, piece.rows, piece.count, &piece.tile) && v->visit(v->context, task, &piece);
}

static uint32_t divide_up(uint32_t count, uint32_t by)
{
    return count / by + (count % by != 0);
}

uint32_t operator_pieces(const struct operator* op, uint32_t count)
{
    return divide_up(count, operator_task_rows(op));
}

bool operator_visit(struct operator* op, struct query *query, const uint32_t *rows, uint32_t count,
                    bool (*visit)(void *context, struct task *task, const struct piece *piece), void *context)
{
    struct visit v = {op, rows, count, operator_task_rows(op), visit, context};

    return query_for(query, divide_up(count, v.piece_rows), visit_piece, &v);
}

static bool keep_piece(void *context, struct task *task, const struct piece *piece)
{
    struct tile part = tile_part(context, piece->first, piece->count);

    memcpy(part.values, piece->tile.values, tile_elements(&part) * sizeof *part.values);
    memcpy(part.present, piece->tile.present, tile_words(&part) * sizeof *part.present);
    query_hold(task->query, bits_count(part.present, tile_words(&part)));
    return true;
}

bool operator_materialise_rows(struct operator* op, struct query *query, const uint32_t *rows, uint32_t count,
                               struct tile *out)
{
    struct visit v = {op, rows, count, operator_task_rows(op), keep_piece, out};

    if (op->grid.steps == 1 && v.piece_rows < 64) v.piece_rows = 64; /* no two pieces share a word of presence */
    *out = (struct tile){.rows = count, .stride = grid_stride(&op->grid)};
    out->values = arena_array(&query->arena, double, tile_elements(out));
    out->present = arena_zarray(&query->arena, uint64_t, tile_words(out));
    return query_for(query, divide_up(count, v.piece_rows), visit_piece, &v);
}

bool operator_materialise(struct operator* op, struct query *query, struct tile *out)
{
    return operator_open(op, query) && operator_materialise_rows(op, query, NULL, op->shape.count, out);
}

bool operator_column(struct operator* op, struct query *query, struct column *out)
{
    struct tile tile;

    if (!operator_materialise(op, query, &tile)) return false;
    assert(tile.rows == 1);
    *out = (struct column){tile.values, true};
    for (uint32_t i = 1; i < op->grid.steps && out->is_constant; i++)
        out->is_constant = double_bits(tile.values[i]) == double_bits(tile.values[0]);
    return true;
}

static bool ignore_piece(void *context, struct task *task, const struct piece *piece)
{
    (void)context;
    (void)task;
    (void)piece;
    return true;
}

bool operator_drain(struct operator* op, struct query *query, const uint32_t *rows, uint32_t count)
{
    return operator_visit(op, query, rows, count, ignore_piece, NULL);
}
