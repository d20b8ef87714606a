/* What operators have in common, on an operator of our own: pieces, materialised tiles, columns, errors. */
#include "query/stage.h"

#include "tests/query/fixture.h"

#include <stdlib.h>

/* Row r has at step s the value r * 1000 + s, but for every fifth (r + s), which is absent. */
struct plain {
    struct stage stage;
    uint32_t rows;
    uint32_t bad_row; /* filling it is an error; UINT32_MAX: none does */
    _Atomic uint32_t filled, opened;
    bool refuses; /* to open */
    bool constant;
};

static bool has_value(uint32_t row, uint32_t step)
{
    return (row + step) % 5 != 4;
}

static bool open_plain(struct stage *stage, struct query *query)
{
    struct plain *plain = (struct plain *)stage;

    (void)query;
    plain->opened++;
    stage->shape.count = plain->rows;
    return !plain->refuses;
}

static bool fill_plain(struct stage *stage, struct task *task, const uint32_t *rows, uint32_t count, struct tile *out)
{
    struct plain *plain = (struct plain *)stage;

    cr_assert(out->rows == count && out->stride == grid_stride(&stage->grid));
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i] == plain->bad_row)
            return query_fail(task->query, (struct error_key){stage->order, 0, rows[i]}, "row %u is bad", rows[i]);
        for (uint32_t step = 0; step < stage->grid.steps; step++) {
            if (!plain->constant && !has_value(rows[i], step)) continue;
            size_t at = i * out->stride + step;
            out->values[at] = plain->constant ? 7 : rows[i] * 1000.0 + step;
            bits_set(out->present, at);
        }
    }
    atomic_fetch_add(&plain->filled, count);
    return true;
}

static const struct stage_class plain_class = {"plain", open_plain, fill_plain};

struct world {
    struct fixture fixture;
    struct query *query;
};

static void open_world(struct world *world, uint32_t threads)
{
    struct query_request request = {.text = STR("1")};

    fixture_open(&world->fixture, threads, 0);
    world->query = query_prepare(world->fixture.engine, &request);
    arena_init(&world->query->arena, &world->query->account);
    world->query->deadline_ns = INT64_MAX;
}

static void close_world(struct world *world)
{
    world->query->stages = NULL;
    while (world->query->tasks) {
        struct task *task = world->query->tasks;
        world->query->tasks = task->next;
        scratch_release(&task->scratch);
        column_buffer_release(&task->columns);
        free(task);
    }
    arena_release(&world->query->arena);
    query_free(world->query);
    fixture_close(&world->fixture);
}

static struct plain make_plain(uint32_t rows, uint32_t steps)
{
    struct plain plain = {.rows = rows, .bad_row = UINT32_MAX};

    plain.stage = (struct stage){.class = &plain_class, .grid = {0, 1000, steps}, .row_ns = 20000};
    return plain;
}

static void check_tile(const struct plain *plain, const struct tile *tile, const uint32_t *rows)
{
    for (uint32_t i = 0; i < tile->rows; i++) {
        uint32_t row = rows ? rows[i] : i;
        for (uint32_t step = 0; step < plain->stage.grid.steps; step++) {
            size_t at = i * tile->stride + step;
            cr_assert(bits_get(tile->present, at) == has_value(row, step), "row %u, step %u", row, step);
            if (has_value(row, step)) cr_assert(tile->values[at] == row * 1000.0 + step);
        }
    }
}

Test(stage, materialises_any_size)
{
    static const uint32_t sizes[][2] = {{0, 1},    {1, 1},  {63, 1}, {64, 1},    {65, 1},
                                        {5000, 1}, {1, 64}, {7, 65}, {300, 100}, {2, 40000}};

    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct plain plain = make_plain(sizes[i][0], sizes[i][1]);
            struct world world;
            struct tile tile;
            uint64_t present = 0;
            open_world(&world, threads);
            cr_assert(stage_materialise(&plain.stage, world.query, &tile));
            cr_assert(tile.rows == plain.rows && plain.opened == 1 && plain.filled == plain.rows &&
                      plain.stage.is_open);
            check_tile(&plain, &tile, NULL);
            for (uint32_t row = 0; row < plain.rows; row++) {
                for (uint32_t step = 0; step < sizes[i][1]; step++) present += has_value(row, step);
            }
            cr_expect(world.query->samples_held == present, "samples are held");
            close_world(&world);
        }
    }
}

Test(stage, some_rows_in_any_order)
{
    static const uint32_t rows[] = {9, 3, 3, 0, 99, 50};
    struct plain plain = make_plain(100, 70);
    struct world world;
    struct tile tile;

    open_world(&world, 2);
    cr_assert(stage_open(&plain.stage, world.query));
    cr_assert(stage_materialise_rows(&plain.stage, world.query, rows, 6, &tile));
    cr_assert(tile.rows == 6);
    check_tile(&plain, &tile, rows);
    close_world(&world);
}

struct visits {
    _Atomic uint32_t rows;
    _Atomic uint64_t numbers; /* a bit for each piece */
};

static bool visit(void *context, struct task *task, const struct piece *piece)
{
    struct visits *visits = context;

    (void)task;
    for (uint32_t i = 0; i < piece->count; i++) cr_assert(piece->rows[i] == piece->first + i);
    cr_assert(piece->tile.rows == piece->count && piece->number < 64);
    atomic_fetch_add(&visits->rows, piece->count);
    atomic_fetch_or(&visits->numbers, (uint64_t)1 << piece->number);
    return true;
}

Test(stage, pieces_cover_all_rows_once)
{
    static const uint32_t counts[] = {0, 1, 49, 50, 51, 1000, 2500};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct plain plain = make_plain(counts[i], 3);
        struct visits visits = {0};
        struct world world;
        open_world(&world, 3);
        cr_assert(stage_open(&plain.stage, world.query));
        cr_assert(stage_visit(&plain.stage, world.query, NULL, counts[i], visit, &visits));
        uint32_t pieces = stage_pieces(&plain.stage, counts[i]);
        cr_expect(visits.rows == counts[i], "%u of %u", visits.rows, counts[i]);
        cr_expect(visits.numbers == ((uint64_t)1 << pieces) - 1);
        close_world(&world);
    }
}

Test(stage, rows_of_a_task)
{
    static const struct {
        double row_ns;
        uint32_t steps, expected;
    } rows[] = {
        {0, 1, TILE_ROWS_MAX},  {1e9, 1, 1},    {1e6, 1, 1},    {1e5, 1, 10},    {1e4, 1, 64}, {5000, 1, 192},
        {10, 1, TILE_ROWS_MAX}, {10, 1000, 32}, {10, 40000, 1}, {1e5, 1000, 10},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage stage = {.row_ns = rows[i].row_ns, .grid = {0, 1, rows[i].steps}};
        cr_expect(stage_task_rows(&stage) == rows[i].expected, "row %zu: %u", i, stage_task_rows(&stage));
    }
}

Test(stage, columns)
{
    struct world world;
    struct column column;

    open_world(&world, 1);
    struct plain plain = make_plain(1, 4), constant = make_plain(1, 300);
    constant.constant = true;
    cr_assert(stage_column(&plain.stage, world.query, &column) && !column.is_constant && column.values[3] == 3);
    cr_assert(stage_column(&constant.stage, world.query, &column) && column.is_constant && column.values[299] == 7);
    close_world(&world);
}

Test(stage, failures)
{
    struct world world;
    struct tile tile;

    open_world(&world, 2);
    struct plain closed = make_plain(1, 1), bad = make_plain(3000, 2);
    closed.refuses = true;
    cr_expect(!stage_materialise(&closed.stage, world.query, &tile) && !closed.stage.is_open);
    bad.bad_row = 1234;
    bad.stage.order = 3;
    cr_expect(!stage_materialise(&bad.stage, world.query, &tile));
    cr_expect(str_equal(world.query->error, STR("row 1234 is bad")), "%.*s", STR_ARG(world.query->error));
    query_stop(world.query, STOP_CANCELED);
    struct plain late = make_plain(1, 1);
    cr_expect(!stage_open(&late.stage, world.query) && late.opened == 0, "a query that ends opens nothing");
    close_world(&world);
}

/* The error that would have come first had all been evaluated in order is the one that is told. */
Test(stage, the_first_error_is_settled)
{
    struct world world;
    struct tile tile;

    open_world(&world, 2);
    struct plain early = make_plain(10, 1), silent = make_plain(10, 1), late = make_plain(10, 1);
    early.stage.order = 1;
    early.stage.may_fail = true;
    early.bad_row = 4;
    silent.stage.order = 2;
    late.stage.order = 5;
    late.bad_row = 0;
    early.stage.next = &silent.stage;
    world.query->stages = &early.stage;
    cr_assert(stage_open(&early.stage, world.query) && stage_open(&silent.stage, world.query));
    cr_expect(!stage_materialise(&late.stage, world.query, &tile));
    cr_expect(str_equal(world.query->error, STR("row 0 is bad")));
    stage_settle_error(world.query);
    cr_expect(str_equal(world.query->error, STR("row 4 is bad")), "%.*s", STR_ARG(world.query->error));
    cr_expect(silent.filled == 0, "what can not fail is left alone");
    close_world(&world);
}
