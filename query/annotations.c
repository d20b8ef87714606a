/* Warnings and infos; see annotations.h. */
#include "query/annotations.h"

#include "query/quote.h"
#include "storage/base/hash.h"
#include "storage/base/number.h"

#include <stdlib.h>
#include <time.h>

struct annotation {
    bool is_warning;
    uint32_t at, order; /* offset in the query; end of the node there */
    str text;
    struct bucket_repair repair; /* count 0: none */
    uint32_t occurrences;        /* told if there are several */
};

void annotations_init(struct annotations *annotations)
{
    *annotations = (struct annotations){0};
    pthread_mutex_init(&annotations->mutex, NULL);
    arena_init(&annotations->arena, NULL);
}

void annotations_release(struct annotations *annotations)
{
    pthread_mutex_destroy(&annotations->mutex);
    arena_release(&annotations->arena);
    vec_release(&annotations->list);
    map_release(&annotations->by_text);
}

/* Samples of a subquery stand nowhere in the query for Prometheus, so it points to the query's beginning. */
static uint32_t place_of(const struct node *node)
{
    return node->kind == NODE_SUBQUERY ? 0 : node->start;
}

/* Of equal texts the place evaluated last is told, as Prometheus does. Operands end before what they are operands of,
 * and left ones before right ones; at one end the outermost starts first. */
static bool is_later(const struct annotation *known, const struct node *node, uint32_t order)
{
    return order != known->order ? order > known->order : place_of(node) < known->at;
}

/* The entry of a text; the text is copied when it is new. The order is the end of the node that is evaluated. */
static struct annotation *entry_locked(struct annotations *annotations, bool is_warning, const struct node *node,
                                       uint32_t order, str text)
{
    uint64_t hash = hash_bytes(text.data, text.len);
    struct map_cursor cursor = {0};

    for (uint32_t id = map_find(&annotations->by_text, hash, &cursor); id != MAP_NONE;
         id = map_next(&annotations->by_text, &cursor)) {
        struct annotation *known = annotations->list.data[id];
        if (!str_equal(known->text, text)) continue;
        if (is_later(known, node, order)) {
            known->at = place_of(node);
            known->order = order;
        }
        return known;
    }
    struct annotation *entry = arena_zalloc(&annotations->arena, sizeof *entry);
    *entry = (struct annotation){.is_warning = is_warning,
                                 .at = place_of(node),
                                 .order = order,
                                 .text = arena_copy_str(&annotations->arena, text)};
    map_add(&annotations->by_text, hash, (uint32_t)annotations->list.count);
    vec_push(&annotations->list, entry);
    return entry;
}

/* Adds "PromQL warning: …" or "PromQL info: …". */
__attribute__((format(printf, 6, 7))) static void add_many(struct annotations *annotations, bool is_warning,
                                                           const struct node *node, uint32_t order,
                                                           uint32_t occurrences, const char *format, ...)
{
    va_list args;
    struct arena arena;

    arena_init(&arena, NULL);
    va_start(args, format);
    str body = arena_format_list(&arena, format, args);
    va_end(args);
    str text = arena_format(&arena, "PromQL %s: %.*s", is_warning ? "warning" : "info", STR_ARG(body));
    pthread_mutex_lock(&annotations->mutex);
    entry_locked(annotations, is_warning, node, order, text)->occurrences += occurrences;
    pthread_mutex_unlock(&annotations->mutex);
    arena_release(&arena);
}

#define add(annotations, is_warning, node, ...) \
    add_many((annotations), (is_warning), (node), (node)->end, 0, __VA_ARGS__)

/* A number as Go's %g has it. */
struct number_text {
    char text[NUMBER_TEXT_MAX + 1];
};

static const char *number_print(struct number_text *out, double value)
{
    out->text[number_format(value, NUMBER_SHORT, out->text)] = 0;
    return out->text;
}

#define NUMBER(value) number_print(&(struct number_text){{0}}, (value))

void annotate_quantile(struct annotations *annotations, const struct node *of, const struct node *param,
                       double quantile)
{
    add_many(annotations, true, param, of->end, 0, "quantile value should be between 0 and 1, got %s",
             NUMBER(quantile));
}

void annotate_ratio(struct annotations *annotations, const struct node *of, const struct node *param, double ratio,
                    double capped)
{
    add_many(annotations, true, param, of->end, 0, "ratio value should be between -1 and 1, got %s, capping to %s",
             NUMBER(ratio), NUMBER(capped));
}

void annotate_sort_in_range(struct annotations *annotations, const struct node *node)
{
    add(annotations, true, node, "sort is ineffective for range queries since results are always ordered by labels");
}

void annotate_bucket(struct annotations *annotations, const struct node *node, str bucket, str metric)
{
    struct arena arena;

    arena_init(&arena, NULL);
    str quoted = quote_text(bucket, &arena);
    str name = metric.len ? quote_text(metric, &arena) : metric;
    add(annotations, true, node, "bucket label \"le\" is missing or has a malformed value of %.*s%s%.*s",
        STR_ARG(quoted), name.len ? " for metric name " : "", STR_ARG(name));
    arena_release(&arena);
}

void annotate_not_counter(struct annotations *annotations, const struct node *node, str metric)
{
    struct arena arena;

    arena_init(&arena, NULL);
    str name = quote_text(metric, &arena);
    add(annotations, false, node,
        "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: %.*s", STR_ARG(name));
    arena_release(&arena);
}

void annotate_not_counter_type(struct annotations *annotations, const struct node *node, str type, str metric)
{
    struct arena arena;

    arena_init(&arena, NULL);
    str quoted = quote_text(type, &arena), name = quote_text(metric, &arena);
    add(annotations, false, node,
        "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got %.*s: %.*s",
        STR_ARG(quoted), STR_ARG(name));
    arena_release(&arena);
}

void annotate_operand_types(struct annotations *annotations, const struct node *node, enum operator_kind op,
                            bool left_is_histogram, bool right_is_histogram)
{
    static const char *const kinds[] = {"float", "histogram"};
    str text = operator_text(op);

    add(annotations, false, node, "incompatible sample types encountered for binary operator \"%.*s\": %s %.*s %s",
        STR_ARG(text), kinds[left_is_histogram], STR_ARG(text), kinds[right_is_histogram]);
}

void annotate_layout(struct annotations *annotations, const struct node *node, enum operator_kind op)
{
    add(annotations, true, node, "incompatible bucket layout encountered for binary operator %.*s",
        STR_ARG(operator_text(op)));
}

void annotate_mixed_group(struct annotations *annotations, const struct node *node)
{
    add(annotations, true, node, "encountered a mix of histograms and floats for aggregation");
}

void annotate_ignored_in_group(struct annotations *annotations, const struct node *node, enum aggregate_kind op)
{
    add(annotations, false, node, "ignored histogram in %.*s aggregation", STR_ARG(aggregate_text(op)));
}

void annotate_collision(struct annotations *annotations, const struct node *node, const char *what)
{
    add(annotations, true, node, "conflicting counter resets during histogram %s", what);
}

void annotate_reconciled(struct annotations *annotations, const struct node *node, const char *what)
{
    add(annotations, false, node, "mismatched custom buckets were reconciled during %s", what);
}

static const struct {
    bool is_warning;
    const char *before, *named;
} metric_notes[] = {
    [NOTE_MIXED_KINDS] = {true, "encountered a mix of histograms and floats", " for metric name "},
    [NOTE_MIXED_SCHEMAS] = {true, "vector contains a mix of histograms with exponential and custom buckets schemas",
                            " for metric name "},
    [NOTE_NOT_COUNTER] = {true, "this native histogram metric is not a counter", ": "},
    [NOTE_NOT_GAUGE] = {true, "this native histogram metric is not a gauge", ": "},
    [NOTE_IGNORED_IN_RANGE] = {false, "ignored histograms in a range containing both floats and histograms",
                               " for metric name "},
    [NOTE_START_OVERLAP] = {true, "sample has start time that overlaps with previous sample timestamp", " for metric "},
    [NOTE_CLASSIC_AND_NATIVE] = {true, "vector contains a mix of classic and native histograms", " for metric name "},
    [NOTE_QUANTILE_NAN] = {false, "input to histogram_quantile has NaN observations, result is NaN",
                           " for metric name "},
    [NOTE_QUANTILE_SKEWED] = {false, "input to histogram_quantile has NaN observations, result is skewed higher",
                              " for metric name "},
    [NOTE_FRACTION_NAN] = {false,
                           "input to histogram_fraction has NaN observations, which are excluded from all fractions",
                           " for metric name "},
};

void annotate_metric(struct annotations *annotations, const struct node *node, enum metric_note note, str metric,
                     uint32_t occurrences)
{
    bool is_named = metric.len || note < NOTE_CLASSIC_AND_NATIVE;
    struct arena arena;

    arena_init(&arena, NULL);
    str name = is_named ? quote_text(metric, &arena) : metric;
    add_many(annotations, metric_notes[note].is_warning, node, node->end, note == NOTE_START_OVERLAP ? occurrences : 0,
             "%s%s%.*s", metric_notes[note].before, is_named ? metric_notes[note].named : "", STR_ARG(name));
    arena_release(&arena);
}

static void merge_repair(struct bucket_repair *into, const struct bucket_repair *from)
{
    if (into->count == 0) {
        *into = *from;
        return;
    }
    if (from->lowest < into->lowest) into->lowest = from->lowest;
    if (from->highest > into->highest) into->highest = from->highest;
    if (from->difference > into->difference) into->difference = from->difference;
    if (from->first_ms < into->first_ms) into->first_ms = from->first_ms;
    if (from->last_ms > into->last_ms) into->last_ms = from->last_ms;
    into->count += from->count;
}

void annotate_repair(struct annotations *annotations, const struct node *node, str metric,
                     const struct bucket_repair *repair)
{
    struct arena arena;

    arena_init(&arena, NULL);
    str name = metric.len ? quote_text(metric, &arena) : metric;
    str text =
        arena_format(&arena,
                     "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
                     "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)%s%.*s",
                     name.len ? " for metric name " : "", STR_ARG(name));
    pthread_mutex_lock(&annotations->mutex);
    merge_repair(&entry_locked(annotations, false, node, node->end, text)->repair, repair);
    pthread_mutex_unlock(&annotations->mutex);
    arena_release(&arena);
}

static int compare_entries(const void *a, const void *b)
{
    const struct annotation *x = *(struct annotation *const *)a, *y = *(struct annotation *const *)b;

    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return str_compare(x->text, y->text);
}

static str print_time(int64_t ms, struct arena *arena)
{
    char text[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    return arena_copy_str(arena,
                          str_make(text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm))));
}

/* " (line:column)", both from 1, columns in bytes. */
static str print_entry(const struct annotation *entry, str query, struct arena *arena)
{
    uint32_t line = 1, column = 1;
    str details = STR("");

    for (size_t i = 0; i < entry->at && i < query.len; i++) {
        column = query.data[i] == '\n' ? 1 : column + 1;
        line += query.data[i] == '\n';
    }
    if (entry->repair.count) {
        str first = print_time(entry->repair.first_ms, arena), last = print_time(entry->repair.last_ms, arena);
        details =
            arena_format(arena, ", from buckets %s to %s, with a max diff of %.2g, over %llu samples from %.*s to %.*s",
                         NUMBER(entry->repair.lowest), NUMBER(entry->repair.highest), entry->repair.difference,
                         (unsigned long long)entry->repair.count, STR_ARG(first), STR_ARG(last));
    }
    if (entry->occurrences > 1) details = arena_format(arena, " (%u occurrences)", entry->occurrences);
    return arena_format(arena, "%.*s%.*s (%u:%u)", STR_ARG(entry->text), STR_ARG(details), line, column);
}

size_t annotations_print(struct annotations *annotations, bool warnings, const str *text, str *lines)
{
    size_t count = 0, skipped = 0;

    pthread_mutex_lock(&annotations->mutex);
    if (annotations->list.count)
        qsort(annotations->list.data, annotations->list.count, sizeof *annotations->list.data, compare_entries);
    vec_each (entry, &annotations->list) {
        if ((*entry)->is_warning != warnings) continue;
        if (count == ANNOTATION_LINES_MAX - 1) {
            skipped++;
        } else {
            lines[count++] = text ? print_entry(*entry, *text, &annotations->arena) : (*entry)->text;
        }
    }
    if (skipped)
        lines[count++] = arena_format(&annotations->arena, "%zu more %s annotations omitted", skipped,
                                      warnings ? "warning" : "info");
    pthread_mutex_unlock(&annotations->mutex);
    return count;
}
