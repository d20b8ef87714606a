/* Verifying a block: every page and extent, and that they agree; see block.h.
 *
 * It proves: all series data decodes to rising times inside the block's window, as many samples as the footer says;
 * series are sorted and have distinct fingerprints, which are the hashes of their labels; every value is used; the sets
 * of the index are exactly those that the series table implies. Memory: one bitmap set per name while it is checked.
 */
#include "storage/chunk_gorilla.h"
#include "storage/postings.h"
#include "tsdb/block_exemplars.h"
#include "tsdb/block_internal.h"
#include "tsdb/series_data.h"

#include <stdarg.h>
#include <stdio.h>

struct check {
    struct block *block;
    const struct block_tables *tables;
    void (*finding)(void *context, str sentence);
    void *context;
    struct column_buffer buffer;
    struct writer text;
    size_t findings;
};

enum { FINDINGS_MAX = 100 };

__attribute__((format(printf, 3, 4))) static void find(struct check *check, uint64_t at, const char *format, ...)
{
    char text[STATUS_TEXT_BYTES], sentence[STATUS_TEXT_BYTES + 64];
    va_list args;

    if (++check->findings > FINDINGS_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int len = snprintf(sentence, sizeof sentence, "%s:%llu: %s", block_file_name(check->block->file),
                       (unsigned long long)at, text);
    check->finding(check->context, str_make(sentence, (size_t)len));
}

/* Passes I/O errors on and turns everything else into a finding. */
static status found(struct check *check, status s)
{
    if (!failed(s) || s.code == STATUS_IO) return s;
    find(check, s.at, "%s", s.text);
    return ok();
}

static status check_data(struct check *check, struct block_cursor *cursor, const struct block_series *series,
                         uint64_t *total)
{
    const struct block_info *info = &check->block->info;
    struct series_block around = block_around(cursor, series);
    uint64_t count = 0;
    const uint8_t *bytes;

    status s = block_load_data(cursor, series, &check->buffer, &bytes);
    if (!failed(s)) {
        s = series_data_check(bytes, series->bytes, series->fingerprint, &around, &check->buffer, &count);
        s.at += series->offset;
    }
    if (failed(s)) return found(check, s);
    columns_clear(&check->buffer);
    s = series_data_read(bytes, series->bytes, series->fingerprint, &around, INT64_MIN, INT64_MAX, &check->buffer);
    if (!failed(s) && (check->buffer.times.data[0] < info->min_ms || *vec_last(&check->buffer.times) > info->max_ms))
        find(check, series->offset, "samples lie outside the block's time");
    *total += count;
    return ok();
}

/* The labels of a series in protobuf spelling, for its fingerprint. */
static status spell_labels(struct check *check, const struct block_series *series, struct writer *out)
{
    const uint32_t *names = check->tables->lists[series->list];

    out->count = 0;
    for (uint32_t i = 0; i < series->count; i++) {
        const struct block_name_entry *name = &check->tables->names[names[i]];
        if (series->values[i] >= name->values.count)
            return status_make(STATUS_CORRUPT, "a series has an unknown value of label \"%.*s\"", STR_ARG(name->text));
        TRY(block_value(check->block, name, series->values[i], &check->text));
        label pair = {name->text, str_make((const char *)check->text.data, check->text.count)};
        labels_write(&pair, 1, out);
    }
    return ok();
}

static status check_series(struct check *check)
{
    struct block_cursor cursor = {.block = check->block, .is_exact = true};
    struct writer spelled = {0};
    uint64_t total = 0;
    status s = ok();

    for (uint32_t i = 0; i < check->block->info.series && !failed(s); i++) {
        struct block_series series;
        s = block_series(check->block, &cursor, i, &series);
        if (failed(s)) {
            s = found(check, s);
            continue;
        }
        s = found(check, spell_labels(check, &series, &spelled));
        hash128 expected = hash_keyed(&check->block->info.secret, spelled.data, spelled.count);
        if (!failed(s) && !hash128_equal(expected, series.fingerprint))
            find(check, series.offset, "the fingerprint of series %u is not that of its labels", i);
        if (!failed(s)) s = check_data(check, &cursor, &series, &total);
    }
    if (!failed(s) && check->findings == 0 && total != check->block->info.samples)
        find(check, 0, "%llu samples, the footer says %llu", (unsigned long long)total,
             (unsigned long long)check->block->info.samples);
    block_cursor_release(&cursor);
    writer_release(&spelled);
    return s;
}

/* What the series table says about one name: its series by value, and all of them. */
static status sets_from_series(struct check *check, uint32_t name, struct postings **by_value, struct postings *all)
{
    struct block_cursor cursor = {0};
    status s = ok();

    for (uint32_t i = 0; i < check->block->info.series && !failed(s); i++) {
        struct block_series series;
        if (failed(s = block_series(check->block, &cursor, i, &series))) break;
        const uint32_t *names = check->tables->lists[series.list];
        for (uint32_t k = 0; k < series.count; k++) {
            if (names[k] != name || series.values[k] >= check->tables->names[name].values.count) continue;
            postings_add(by_value[series.values[k]], &i, 1);
            postings_add(all, &i, 1);
        }
    }
    block_cursor_release(&cursor);
    return found(check, s);
}

static bool equal_sets(const struct postings *a, const struct postings *b)
{
    struct postings *rest = postings_copy(a);

    postings_subtract(rest, b);
    bool equal = postings_count(a) == postings_count(b) && postings_count(rest) == 0;
    postings_free(rest);
    return equal;
}

struct order {
    struct writer last;
    uint32_t count;
    bool rising;
};

static bool check_order(void *context, uint32_t id, str value)
{
    struct order *order = context;

    if (order->count++ > 0 && str_compare(str_make((const char *)order->last.data, order->last.count), value) >= 0)
        order->rising = false;
    if (id + 1 != order->count) order->rising = false;
    order->last.count = 0;
    writer_bytes(&order->last, value.data, value.len);
    return true;
}

static status check_values(struct check *check, const struct block_name_entry *name)
{
    struct order order = {.rising = true};

    status s = found(check, block_each_value(check->block, name, check_order, &order));
    if (!failed(s) && (!order.rising || order.count != name->values.count))
        find(check, name->values.pages.root.offset, "the values of label \"%.*s\" do not rise", STR_ARG(name->text));
    writer_release(&order.last);
    return s;
}

static status check_sets(struct check *check, uint32_t index, struct postings *const *by_value,
                         const struct postings *all)
{
    const struct block_name_entry *name = &check->tables->names[index];
    struct index *source = block_index(check->block);
    struct postings *set = postings_new();

    status s = found(check, source->class->with_name(source, name->text, set));
    if (!failed(s) && !equal_sets(set, all))
        find(check, name->presence.offset, "the set of series with label \"%.*s\" is wrong", STR_ARG(name->text));
    postings_free(set);
    for (uint32_t v = 0; v < name->values.count && !failed(s); v++) {
        set = postings_new();
        s = found(check, block_postings(check->block, name, v, set));
        if (!failed(s) && (!equal_sets(set, by_value[v]) || postings_count(set) == 0))
            find(check, name->postings.root.offset, "the set of series of value %u of label \"%.*s\" is wrong", v,
                 STR_ARG(name->text));
        postings_free(set);
    }
    return s;
}

static status check_name(struct check *check, uint32_t index)
{
    uint32_t values = check->tables->names[index].values.count;
    struct postings **by_value = memory_alloc(((size_t)values + 1) * sizeof *by_value), *all = postings_new();

    for (uint32_t v = 0; v < values; v++) by_value[v] = postings_new();
    status s = sets_from_series(check, index, by_value, all);
    if (!failed(s)) s = check_values(check, &check->tables->names[index]);
    if (!failed(s)) s = check_sets(check, index, by_value, all);
    for (uint32_t v = 0; v < values; v++) postings_free(by_value[v]);
    postings_free(all);
    free(by_value);
    return s;
}

static void ignore_metadata(void *context, uint8_t type, str metric, str help, str unit)
{
    (void)context;
    (void)type;
    (void)metric;
    (void)help;
    (void)unit;
}

static bool is_any_series(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

static status check_exemplars(struct check *check)
{
    exemplar_list list = {0};
    struct arena arena;

    arena_init(&arena, NULL);
    status s = block_exemplars(check->block, INT64_MIN, INT64_MAX, is_any_series, NULL, &arena, &list);
    vec_release(&list);
    arena_release(&arena);
    return found(check, s);
}

static void find_in_file(void *context, uint64_t at, const char *sentence)
{
    find(context, at, "%s", sentence);
}

status block_check(struct block *block, void (*finding)(void *context, str sentence), void *context)
{
    struct check check = {.block = block, .finding = finding, .context = context};
    status s = block_tables(block, &check.tables);

    if (failed(s)) return found(&check, s);
    s = check_series(&check);
    for (uint32_t i = 0; i < check.tables->name_count && !failed(s); i++) s = check_name(&check, i);
    if (!failed(s)) s = found(&check, block_metadata(block, ignore_metadata, NULL));
    if (!failed(s)) s = check_exemplars(&check);
    if (!failed(s)) s = block_file_check(block->file, find_in_file, &check);
    column_buffer_release(&check.buffer);
    writer_release(&check.text);
    return s;
}
