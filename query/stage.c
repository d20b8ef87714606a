/* What all operators have in common; see stage.h. */
#include "query/stage.h"

#include <assert.h>
#include <string.h>

enum { TASK_NS = 1000000 };

bool stage_open(struct stage *stage, struct query *query)
{
    if (!query_may_go_on(query) || !stage->class->open(stage, query)) return false;
    assert(stage->shape.count == 0 || stage->grid.steps > 0);
    stage->is_open = true;
    return true;
}

uint32_t stage_task_rows(const struct stage *stage)
{
    double rows = stage->row_ns > 0 ? TASK_NS / stage->row_ns : TILE_ROWS_MAX;
    uint32_t most = tile_rows(&stage->grid);

    if (rows >= most) return most;
    if (rows < 1) return 1;
    return rows < 64 ? (uint32_t)rows : (uint32_t)rows & ~63U;
}

struct visit {
    struct stage *stage;
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
    if (v->rows) {
        piece.rows = v->rows + piece.first;
    } else {
        uint32_t *rows = scratch_array(&task->scratch, uint32_t, piece.count);
        for (uint32_t i = 0; i < piece.count; i++) rows[i] = piece.first + i;
        piece.rows = rows;
    }
    if (!query_has_room(task->query, piece.count * grid_stride(&v->stage->grid) * sizeof(double))) return false;
    piece.tile = tile_make(&task->scratch, &v->stage->grid, piece.count);
    return stage_fill(v->stage, task, piece.rows, piece.count, &piece.tile) && v->visit(v->context, task, &piece);
}

static uint32_t divide_up(uint32_t count, uint32_t by)
{
    return count / by + (count % by != 0);
}

uint32_t stage_pieces(const struct stage *stage, uint32_t count)
{
    return divide_up(count, stage_task_rows(stage));
}

bool stage_visit(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count,
                 bool (*visit)(void *context, struct task *task, const struct piece *piece), void *context)
{
    struct visit v = {stage, rows, count, stage_task_rows(stage), visit, context};

    return query_for(query, divide_up(count, v.piece_rows), visit_piece, &v);
}

/* The bitmap of pieces share no words, so only making it needs the lock. */
static void need_cells(struct tile *tile, struct query *query)
{
    pthread_mutex_lock(&query->mutex);
    if (!tile->histograms) {
        tile->cells = arena_array(&query->arena, const struct histogram *, tile_elements(tile));
        tile->histograms = arena_zarray(&query->arena, uint64_t, tile_words(tile));
    }
    pthread_mutex_unlock(&query->mutex);
}

static void keep_cells(struct tile *tile, struct task *task, const struct piece *piece)
{
    size_t first = (size_t)piece->first * tile->stride;

    need_cells(tile, task->query);
    memcpy(tile->histograms + first / 64, piece->tile.histograms, tile_words(&piece->tile) * sizeof *tile->histograms);
    bits_each(i, piece->tile.histograms, tile_elements(&piece->tile)) tile->cells[first + i] =
        histogram_copy(piece->tile.cells[i], &task->kept);
}

void stage_set_result(struct tile *result, struct query *query, size_t at, double value, const struct histogram *h)
{
    if (h) {
        need_cells(result, query);
        bits_set(result->histograms, at);
        result->cells[at] = h;
    } else {
        result->values[at] = value;
        bits_set(result->present, at);
    }
}

static bool keep_piece(void *context, struct task *task, const struct piece *piece)
{
    struct tile part = tile_part(context, piece->first, piece->count);

    memcpy(part.values, piece->tile.values, tile_elements(&part) * sizeof *part.values);
    memcpy(part.present, piece->tile.present, tile_words(&part) * sizeof *part.present);
    if (piece->tile.histograms) keep_cells(context, task, piece);
    query_hold(task->query, tile_weight(&piece->tile));
    return true;
}

bool stage_result(const struct stage *stage, struct query *query, uint32_t rows, struct tile *out)
{
    *out = (struct tile){.rows = rows, .stride = grid_stride(&stage->grid)};
    if (!query_has_room(query, tile_elements(out) * sizeof(double))) return false;
    out->values = arena_array(&query->arena, double, tile_elements(out));
    out->present = arena_zarray(&query->arena, uint64_t, tile_words(out));
    return true;
}

bool stage_materialise_rows(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count,
                            struct tile *out)
{
    struct visit v = {stage, rows, count, stage_task_rows(stage), keep_piece, out};

    if (stage->grid.steps == 1 && v.piece_rows < 64) v.piece_rows = 64; /* no two pieces share a word of presence */
    if (!stage_result(stage, query, count, out)) return false;
    return query_for(query, divide_up(count, v.piece_rows), visit_piece, &v);
}

bool stage_materialise(struct stage *stage, struct query *query, struct tile *out)
{
    return stage_open(stage, query) && stage_materialise_rows(stage, query, NULL, stage->shape.count, out);
}

bool stage_column(struct stage *stage, struct query *query, struct column *out)
{
    struct tile tile;

    if (!stage_materialise(stage, query, &tile)) return false;
    assert(tile.rows == 1);
    *out = (struct column){tile.values, true};
    for (uint32_t i = 1; i < stage->grid.steps && out->is_constant; i++)
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

bool stage_drain(struct stage *stage, struct query *query, const uint32_t *rows, uint32_t count)
{
    return stage_visit(stage, query, rows, count, ignore_piece, NULL);
}

void stage_settle_error(struct query *query)
{
    for (struct stage *stage = query->stages; stage && query->error_kind == QUERY_EXECUTION; stage = stage->next) {
        if (stage->is_open && stage->may_fail && stage->order < query->error_key.order)
            stage_drain(stage, query, NULL, stage->shape.count);
    }
}
