/* Accumulators of groups; see accumulator.h.
 *
 * Sums start from -0 and extremes from NaN: the first value then comes through as it is, without being told apart.
 */
#include "query/accumulator.h"

#include "query/kernel.h"

#include <stdlib.h>
#include <string.h>

static bool uses_lost(enum aggregate_kind kind)
{
    return kind == AGGREGATE_SUM || kind == AGGREGATE_AVG || kind == AGGREGATE_STDDEV || kind == AGGREGATE_STDVAR;
}

static bool uses_count(enum aggregate_kind kind)
{
    return kind == AGGREGATE_COUNT || kind == AGGREGATE_AVG || kind == AGGREGATE_STDDEV || kind == AGGREGATE_STDVAR;
}

static double start_value(enum aggregate_kind kind)
{
    switch (kind) {
    case AGGREGATE_SUM:
    case AGGREGATE_AVG: return -0.0;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX: return NAN;
    default: return 0;
    }
}

void accumulator_init(struct accumulator *acc, enum aggregate_kind kind, bool is_careful, const struct grid *grid,
                      size_t groups, struct scratch *scratch)
{
    size_t elements = groups * grid_stride(grid), words = bits_words(elements);
    double start = start_value(kind);

    *acc = (struct accumulator){
        .kind = kind, .is_careful = is_careful, .groups = groups, .steps = grid->steps, .stride = grid_stride(grid)};
    acc->seen = memset(scratch_array(scratch, uint64_t, words), 0, words * sizeof(uint64_t));
    if (kind == AGGREGATE_GROUP) return;
    if (kind != AGGREGATE_COUNT) {
        acc->value = scratch_array(scratch, double, elements);
        for (size_t i = 0; i < elements; i++) acc->value[i] = start;
    }
    if (uses_lost(kind)) acc->lost = memset(scratch_array(scratch, double, elements), 0, elements * sizeof(double));
    if (uses_count(kind)) acc->count = memset(scratch_array(scratch, double, elements), 0, elements * sizeof(double));
    if (is_careful) acc->running = memset(scratch_array(scratch, uint64_t, words), 0, words * sizeof(uint64_t));
}

/* Kernels over the steps of a row that has all of them. */
KERNEL static void add_sums(const double *restrict from, double *restrict value, double *restrict lost, size_t steps)
{
    for (size_t s = 0; s < steps; s++) kahan_add(from[s], &value[s], &lost[s]);
}

KERNEL static void add_ones(double *count, size_t steps)
{
    for (size_t s = 0; s < steps; s++) count[s] += 1;
}

KERNEL static void keep_least(const double *restrict from, double *restrict value, size_t steps)
{
    for (size_t s = 0; s < steps; s++) value[s] = (value[s] > from[s]) | isnan(value[s]) ? from[s] : value[s];
}

KERNEL static void keep_greatest(const double *restrict from, double *restrict value, size_t steps)
{
    for (size_t s = 0; s < steps; s++) value[s] = (value[s] < from[s]) | isnan(value[s]) ? from[s] : value[s];
}

static void add_variances(const double *from, double *mean, double *squares, double *count, size_t steps)
{
    for (size_t s = 0; s < steps; s++) {
        count[s] += 1;
        double delta = from[s] - mean[s];
        mean[s] += delta / count[s];
        squares[s] += delta * (from[s] - mean[s]);
    }
}

/* One value of an average: to the sum, as long as that stays finite. */
static void add_carefully(struct accumulator *acc, size_t at, double x)
{
    double n = acc->count[at] += 1;

    if (!bits_get(acc->running, at)) {
        double sum = acc->value[at], lost = acc->lost[at];
        kahan_add(x, &sum, &lost);
        if (n == 1 || !isinf(sum)) {
            acc->value[at] = sum;
            acc->lost[at] = lost;
            return;
        }
        bits_set(acc->running, at);
        acc->value[at] /= n - 1;
        acc->lost[at] /= n - 1;
    }
    double share = (n - 1) / n;
    acc->value[at] *= share;
    acc->lost[at] *= share;
    kahan_add(x / n, &acc->value[at], &acc->lost[at]);
}

/* `steps` values that are all present, to the accumulators from `at` on. */
static void add_run(struct accumulator *acc, size_t at, const double *from, size_t steps)
{
    switch (acc->kind) {
    case AGGREGATE_AVG:
        if (acc->is_careful) {
            for (size_t s = 0; s < steps; s++) add_carefully(acc, at + s, from[s]);
            return;
        }
        add_ones(acc->count + at, steps);
        add_sums(from, acc->value + at, acc->lost + at, steps);
        return;
    case AGGREGATE_SUM: add_sums(from, acc->value + at, acc->lost + at, steps); return;
    case AGGREGATE_COUNT: add_ones(acc->count + at, steps); return;
    case AGGREGATE_MIN: keep_least(from, acc->value + at, steps); return;
    case AGGREGATE_MAX: keep_greatest(from, acc->value + at, steps); return;
    case AGGREGATE_STDDEV:
    case AGGREGATE_STDVAR: add_variances(from, acc->value + at, acc->lost + at, acc->count + at, steps); return;
    default: return;
    }
}

/* The end of the run of ones that begins at bit i, at most `end`. */
static size_t run_end(const uint64_t *bits, size_t i, size_t end)
{
    while (i < end) {
        uint64_t zeros = ~bits[i / 64] >> (i % 64);
        if (zeros) {
            i += (size_t)__builtin_ctzll(zeros);
            return i < end ? i : end;
        }
        i = (i / 64 + 1) * 64;
    }
    return end;
}

static void add_row(struct accumulator *acc, size_t group, const double *from, const uint64_t *present)
{
    size_t base = group * acc->stride;
    uint64_t *seen = acc->seen + base / 64;

    for (size_t s = bits_next(present, 0, acc->steps); s < acc->steps;) {
        size_t end = run_end(present, s, acc->steps);
        add_run(acc, base + s, from + s, end - s);
        s = bits_next(present, end, acc->steps);
    }
    for (size_t w = 0; w < bits_words(acc->steps); w++) seen[w] |= present[w];
}

/* On a grid of one step rows are elements. */
static void add_elements(struct accumulator *acc, const struct tile *tile, const uint32_t *slots)
{
    size_t rows = tile->rows;

    switch (acc->kind) {
    case AGGREGATE_SUM:
        bits_each(i, tile->present, rows) kahan_add(tile->values[i], &acc->value[slots[i]], &acc->lost[slots[i]]);
        break;
    case AGGREGATE_COUNT: bits_each(i, tile->present, rows) acc->count[slots[i]] += 1; break;
    default: bits_each(i, tile->present, rows) add_run(acc, slots[i], tile->values + i, 1);
    }
    bits_each(i, tile->present, rows) bits_set(acc->seen, slots[i]);
}

void accumulator_release(struct accumulator *acc)
{
    for (size_t i = 0; i < acc->groups * acc->stride && acc->cells; i++) {
        if (!acc->cells[i]) continue;
        histogram_mean_release(&acc->cells[i]->mean);
        free(acc->cells[i]);
    }
    free(acc->cells);
    acc->cells = NULL;
}

static struct cell_sum *cell_at(struct accumulator *acc, size_t at)
{
    if (!acc->cells) acc->cells = memory_zalloc(acc->groups * acc->stride * sizeof *acc->cells);
    if (!acc->cells[at]) acc->cells[at] = memory_zalloc(sizeof **acc->cells);
    acc->cells[at]->mean.is_careful = acc->is_careful;
    return acc->cells[at];
}

static unsigned add_cell(struct accumulator *acc, struct cell_sum *cell, const struct histogram *h)
{
    if (acc->kind == AGGREGATE_AVG) return histogram_mean_add(&cell->mean, h);
    if (cell->mean.count++ > 0) return histogram_sum_add(&cell->mean.sum, h, 1, true);
    histogram_sum_set(&cell->mean.sum, h);
    return 0;
}

static void note_cell(struct accumulator *acc, struct cell_sum *cell, unsigned notes, uint32_t row)
{
    acc->notes.collision |= (cell->hints & (1U << HISTOGRAM_RESET)) && (cell->hints & (1U << HISTOGRAM_NOT_RESET));
    acc->notes.reconciled |= notes & HISTOGRAM_RECONCILED;
    if (!(notes & HISTOGRAM_INCOMPATIBLE)) return;
    cell->is_incompatible = acc->notes.incompatible = true;
    acc->notes.incompatible_row = row;
}

static void add_histogram(struct accumulator *acc, size_t at, const struct histogram *h, uint32_t row)
{
    struct cell_sum *cell;

    switch (acc->kind) {
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        cell = cell_at(acc, at);
        if (cell->is_incompatible) return;
        cell->hints = (uint8_t)(cell->hints | 1U << h->hint);
        note_cell(acc, cell, add_cell(acc, cell, h), row);
        return;
    case AGGREGATE_COUNT: acc->count[at] += 1; /* fall through */
    case AGGREGATE_GROUP: bits_set(acc->seen, at); return;
    default: acc->notes.ignored = true;
    }
}

static void add_histograms(struct accumulator *acc, const struct tile *tile, const uint32_t *rows,
                           const uint32_t *slots)
{
    bits_each(i, tile->histograms, tile_elements(tile))
    {
        size_t row = i / tile->stride;
        add_histogram(acc, slots[row] * acc->stride + i % tile->stride, tile->cells[i], rows[row]);
    }
}

void accumulator_add(struct accumulator *acc, const struct tile *tile, const uint32_t *rows, const uint32_t *slots)
{
    if (tile->histograms) add_histograms(acc, tile, rows, slots);
    if (tile->stride == 1) {
        add_elements(acc, tile, slots);
        return;
    }
    for (size_t row = 0; row < tile->rows; row++)
        add_row(acc, slots[row], tile_values(tile, row), tile_present(tile, row));
}

static void merge_element(struct accumulator *acc, size_t to, const struct accumulator *later, size_t from)
{
    switch (acc->kind) {
    case AGGREGATE_AVG: acc->count[to] += later->count[from]; /* fall through */
    case AGGREGATE_SUM:
        kahan_add(later->value[from], &acc->value[to], &acc->lost[to]);
        kahan_add(later->lost[from], &acc->value[to], &acc->lost[to]);
        return;
    case AGGREGATE_COUNT: acc->count[to] += later->count[from]; return;
    case AGGREGATE_MIN: keep_least(later->value + from, acc->value + to, 1); return;
    case AGGREGATE_MAX: keep_greatest(later->value + from, acc->value + to, 1); return;
    default: return;
    }
}

static void merge_notes(struct accumulator_notes *into, const struct accumulator_notes *from)
{
    into->ignored |= from->ignored;
    into->collision |= from->collision;
    into->reconciled |= from->reconciled;
    if (from->incompatible) into->incompatible_row = from->incompatible_row;
    into->incompatible |= from->incompatible;
}

static void merge_cell(struct accumulator *acc, size_t to, const struct cell_sum *later)
{
    struct cell_sum *cell = cell_at(acc, to);
    struct scratch scratch = {0};
    const struct histogram *h = histogram_sum_take(&later->mean.sum, &scratch);
    unsigned notes = 0;

    cell->hints |= later->hints;
    if (cell->mean.count > 0) {
        notes = histogram_sum_add(&cell->mean.sum, h, 1, true);
    } else {
        histogram_sum_set(&cell->mean.sum, h);
    }
    cell->mean.count += later->mean.count;
    cell->is_incompatible |= later->is_incompatible;
    note_cell(acc, cell, notes, acc->notes.incompatible_row);
    scratch_release(&scratch);
}

void accumulator_merge(struct accumulator *acc, size_t group, const struct accumulator *later)
{
    size_t base = group * acc->stride;

    merge_notes(&acc->notes, &later->notes);
    for (size_t s = 0; s < acc->steps && later->cells; s++) {
        if (later->cells[s]) merge_cell(acc, base + s, later->cells[s]);
    }

    bits_each(s, later->seen, acc->steps)
    {
        merge_element(acc, base + s, later, s);
        bits_set(acc->seen, base + s);
    }
}

bool accumulator_is_finite(const struct accumulator *acc, size_t group)
{
    const double *value = acc->value + group * acc->stride;

    for (size_t s = 0; s < acc->steps; s++) {
        if (!isfinite(value[s])) return false;
        const struct cell_sum *cell = acc->cells ? acc->cells[group * acc->stride + s] : NULL;
        if (cell && histogram_sum_is_infinite(&cell->mean.sum)) return false;
    }
    return true;
}

static double result_of(const struct accumulator *acc, size_t at)
{
    switch (acc->kind) {
    case AGGREGATE_SUM: return acc->value[at] + acc->lost[at];
    case AGGREGATE_AVG:
        if (acc->is_careful && bits_get(acc->running, at)) return acc->value[at] + acc->lost[at];
        return acc->value[at] / acc->count[at] + acc->lost[at] / acc->count[at];
    case AGGREGATE_COUNT: return acc->count[at];
    case AGGREGATE_GROUP: return 1;
    case AGGREGATE_STDVAR: return acc->lost[at] / acc->count[at];
    case AGGREGATE_STDDEV: return sqrt(acc->lost[at] / acc->count[at]);
    default: return acc->value[at];
    }
}

/* Floats and histograms together are nothing. */
static void finish_cells(struct accumulator *acc, struct tile *out, struct scratch *scratch)
{
    for (size_t i = 0; i < acc->groups * acc->stride; i++) {
        struct cell_sum *cell = acc->cells[i];
        if (!cell) continue;
        if (bits_get(out->present, i)) {
            bits_clear(out->present, i);
            acc->notes.mixed = true;
        } else if (!cell->is_incompatible) {
            const struct histogram *h = acc->kind == AGGREGATE_AVG ? histogram_mean_take(&cell->mean, scratch)
                                                                   : histogram_sum_take(&cell->mean.sum, scratch);
            tile_set_histogram(out, i, h, scratch);
        }
    }
}

void accumulator_finish(struct accumulator *acc, struct tile *out, struct scratch *cells)
{
    size_t elements = acc->groups * acc->stride;

    bits_each(i, acc->seen, elements) out->values[i] = result_of(acc, i);
    memcpy(out->present, acc->seen, bits_words(elements) * sizeof *out->present);
    if (acc->cells) finish_cells(acc, out, cells);
}
