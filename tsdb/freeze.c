/* Freezing a head, or any series of a registry; see freeze.h.
 *
 * The block numbers names and values by rank among those that are used. Labels of the series with samples are read
 * once, as ids, 4 bytes a label, which then become ranks in place; by these the series are put in order: counted into
 * metrics, and those of a metric sorted. Everything the writer asks for is a look into that array.
 */
#include "tsdb/freeze.h"

#include "tsdb/block_build.h"

#include <assert.h>

enum { SERIES_BYTES = 100 };

struct frozen_series {
    uint32_t id;
    uint32_t metric; /* rank of its name */
    uint64_t labels; /* where they begin among the words */
};

struct freeze {
    const struct freeze_source *source;
    struct registry *registry;
    struct frozen_series *order; /* in the order of the block; its own memory, as its first form goes early */
    uint32_t count;

    uint32_t *names;      /* ids of names by rank */
    uint32_t *name_ranks; /* rank of a name id, or UINT32_MAX */
    uint32_t name_count;
    uint32_t **values;      /* by name rank: ids of used values by rank */
    uint32_t **value_ranks; /* by name id: rank of a value id */
    uint32_t *value_totals; /* by name id: values when the freeze began */
    uint32_t name_total;    /* names when the freeze began */
    uint32_t *value_counts; /* by name rank */
    uint32_t **lists;       /* by list id: ranks of its names */
    uint32_t *list_counts;  /* 0 for lists that no series of the block uses */
    uint32_t list_count;

    vec(uint32_t) words; /* of each series its list, then its values: ids at first, then ranks */
    struct arena arena;
};

/* Ids of the series that have samples, and marks on their values. What is added to the registry meanwhile belongs to
 * the next head: it lies beyond the totals taken here, lists excepted, which are taken last. */
static void mark_used(struct freeze *freeze)
{
    uint32_t total = registry_series_count(freeze->registry);

    freeze->name_total = registry_name_count(freeze->registry);
    freeze->value_ranks = arena_array(&freeze->arena, uint32_t *, freeze->name_total);
    freeze->value_totals = arena_array(&freeze->arena, uint32_t, freeze->name_total);
    for (uint32_t i = 0; i < freeze->name_total; i++) {
        freeze->value_totals[i] = registry_value_count(freeze->registry, i);
        freeze->value_ranks[i] = arena_zarray(&freeze->arena, uint32_t, freeze->value_totals[i]);
    }
    freeze->order = memory_alloc(total * sizeof *freeze->order);
    for (uint32_t id = 0; id < total; id++) {
        if (!freeze->source->has(freeze->source->context, id)) continue;
        struct series_labels set = registry_labels(freeze->registry, id);
        freeze->order[freeze->count++] = (struct frozen_series){.id = id, .labels = freeze->words.count};
        vec_push(&freeze->words, set.list);
        for (uint32_t i = 0; i < set.count; i++) {
            vec_push(&freeze->words, set.values[i]);
            freeze->value_ranks[set.names[i]][set.values[i]] = 1;
        }
    }
}

/* Turns the marks on a name's values into ranks; true if any is used. */
static bool rank_values(struct freeze *freeze, uint32_t name, uint32_t **values, uint32_t *count)
{
    uint32_t total, *ranks = freeze->value_ranks[name];
    uint32_t *sorted = registry_sorted_values(freeze->registry, name, &total, &freeze->arena), used = 0;

    for (uint32_t i = 0; i < total; i++) {
        uint32_t id = sorted[i];
        if (id >= freeze->value_totals[name] || !ranks[id]) continue;
        ranks[id] = used;
        sorted[used++] = id;
    }
    *values = sorted;
    *count = used;
    return used > 0;
}

static int compare_names(const void *a, const void *b, void *context)
{
    const struct freeze *freeze = context;
    return str_compare(registry_name(freeze->registry, *(const uint32_t *)a),
                       registry_name(freeze->registry, *(const uint32_t *)b));
}

static void rank_names(struct freeze *freeze)
{
    uint32_t total = freeze->name_total, *sorted = arena_array(&freeze->arena, uint32_t, total);

    freeze->names = arena_array(&freeze->arena, uint32_t, total);
    freeze->name_ranks = arena_array(&freeze->arena, uint32_t, total);
    freeze->values = arena_zarray(&freeze->arena, uint32_t *, total);
    freeze->value_counts = arena_zarray(&freeze->arena, uint32_t, total);
    for (uint32_t i = 0; i < total; i++) sorted[i] = i;
    qsort_r(sorted, total, sizeof *sorted, compare_names, freeze);
    for (uint32_t i = 0; i < total; i++) {
        uint32_t rank = freeze->name_count;
        bool used = rank_values(freeze, sorted[i], &freeze->values[rank], &freeze->value_counts[rank]);
        freeze->name_ranks[sorted[i]] = used ? rank : UINT32_MAX;
        if (used) freeze->names[freeze->name_count++] = sorted[i];
    }
}

/* A list with a name that the block does not have belongs to no series of the block. */
static void rank_lists(struct freeze *freeze)
{
    freeze->list_count = registry_list_count(freeze->registry);
    freeze->lists = arena_zarray(&freeze->arena, uint32_t *, freeze->list_count);
    freeze->list_counts = arena_zarray(&freeze->arena, uint32_t, freeze->list_count);
    for (uint32_t list = 0; list < freeze->list_count; list++) {
        uint32_t count, i;
        const uint32_t *names = registry_list(freeze->registry, list, &count);
        uint32_t *ranks = arena_array(&freeze->arena, uint32_t, count);
        for (i = 0; i < count; i++) {
            ranks[i] = names[i] < freeze->name_total ? freeze->name_ranks[names[i]] : UINT32_MAX;
            if (ranks[i] == UINT32_MAX) break;
        }
        freeze->lists[list] = ranks;
        freeze->list_counts[list] = i == count ? count : 0;
    }
}

/* Turns the ids of values into ranks, and finds each series' metric among them. */
static void rank_labels(struct freeze *freeze)
{
    uint32_t metric = freeze->name_ranks[registry_find_name(freeze->registry, METRIC_NAME)];

    for (uint32_t i = 0; i < freeze->count; i++) {
        struct frozen_series *series = &freeze->order[i];
        uint32_t *values = freeze->words.data + series->labels + 1, list = values[-1];
        const uint32_t *names = freeze->lists[list];
        for (uint32_t k = 0; k < freeze->list_counts[list]; k++) {
            values[k] = freeze->value_ranks[freeze->names[names[k]]][values[k]];
            if (names[k] == metric) series->metric = values[k];
        }
    }
}

/* Of two series of a metric. */
static int compare_series(const void *a, const void *b, void *context)
{
    const struct freeze *freeze = context;
    const uint32_t *x = freeze->words.data + ((const struct frozen_series *)a)->labels;
    const uint32_t *y = freeze->words.data + ((const struct frozen_series *)b)->labels;
    const uint32_t *left = freeze->lists[*x], *right = freeze->lists[*y];
    uint32_t count = freeze->list_counts[*x], others = freeze->list_counts[*y];

    for (uint32_t i = 0; i < count && i < others; i++) {
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
        if (x[i + 1] != y[i + 1]) return x[i + 1] < y[i + 1] ? -1 : 1;
    }
    return (count > others) - (count < others);
}

static void sort_series(struct freeze *freeze)
{
    uint32_t name = registry_find_name(freeze->registry, METRIC_NAME);
    uint32_t metrics = freeze->value_counts[freeze->name_ranks[name]];
    uint32_t *starts = arena_zarray(&freeze->arena, uint32_t, (size_t)metrics + 1);
    struct frozen_series *sorted = memory_alloc(freeze->count * sizeof *sorted);

    for (uint32_t i = 0; i < freeze->count; i++) starts[freeze->order[i].metric + 1]++;
    for (uint32_t m = 0; m < metrics; m++) starts[m + 1] += starts[m];
    for (uint32_t i = 0; i < freeze->count; i++) sorted[starts[freeze->order[i].metric]++] = freeze->order[i];
    for (uint32_t m = 0; m < metrics; m++) {
        uint32_t first = m ? starts[m - 1] : 0; /* each start has moved on to its metric's end */
        qsort_r(sorted + first, starts[m] - first, sizeof *sorted, compare_series, freeze);
    }
    free(freeze->order);
    freeze->order = sorted;
}

static str source_name(void *context, uint32_t name)
{
    struct freeze *freeze = context;
    return registry_name(freeze->registry, freeze->names[name]);
}

static uint32_t source_value_count(void *context, uint32_t name)
{
    return ((struct freeze *)context)->value_counts[name];
}

static str source_value(void *context, uint32_t name, uint32_t value)
{
    struct freeze *freeze = context;
    return registry_value(freeze->registry, freeze->names[name], freeze->values[name][value]);
}

static const uint32_t *source_list(void *context, uint32_t list, uint32_t *count)
{
    struct freeze *freeze = context;

    *count = freeze->list_counts[list];
    return freeze->lists[list];
}

static hash128 source_fingerprint(void *context, uint32_t ordinal)
{
    struct freeze *freeze = context;
    return registry_fingerprint(freeze->registry, freeze->order[ordinal].id);
}

static uint32_t source_labels(void *context, uint32_t ordinal, const uint32_t **values)
{
    const struct freeze *freeze = context;
    const uint32_t *words = freeze->words.data + freeze->order[ordinal].labels;

    *values = words + 1;
    return words[0];
}

static status source_data(void *context, uint32_t ordinal, struct series_data *out)
{
    struct freeze *freeze = context;
    return freeze->source->data(freeze->source->context, freeze->order[ordinal].id, out);
}

uint64_t freeze_memory(uint32_t series)
{
    return (uint64_t)series * SERIES_BYTES;
}

status freeze_series(struct fs *fs, const struct freeze_source *from, str metadata, struct block_info *info)
{
    struct freeze freeze = {.source = from, .registry = from->registry};

    arena_init(&freeze.arena, NULL);
    mark_used(&freeze);
    rank_names(&freeze);
    rank_lists(&freeze);
    assert(freeze.count > 0);
    rank_labels(&freeze);
    sort_series(&freeze);

    struct build_source source = {.context = &freeze,
                                  .series_count = freeze.count,
                                  .name_count = freeze.name_count,
                                  .list_count = freeze.list_count,
                                  .name = source_name,
                                  .value_count = source_value_count,
                                  .value = source_value,
                                  .list = source_list,
                                  .fingerprint = source_fingerprint,
                                  .labels = source_labels,
                                  .data = source_data,
                                  .metadata = metadata,
                                  .exemplars = from->exemplars};
    status s = block_build(fs, &source, info);
    free(freeze.order);
    vec_release(&freeze.words);
    arena_release(&freeze.arena);
    return s;
}

/* A head as a source. */
struct frozen {
    struct head *head;
    struct column_buffer buffer;
};

static bool frozen_has(void *context, uint32_t series)
{
    bool has = false;

    head_has(((struct frozen *)context)->head, &series, 1, INT64_MIN, INT64_MAX, &has);
    return has;
}

static status frozen_data(void *context, uint32_t series, struct series_data *out)
{
    struct frozen *frozen = context;

    head_chunks(frozen->head, series, &frozen->buffer, out);
    return ok();
}

static bool is_any_series(void *context, labels set)
{
    (void)context;
    (void)set;
    return true;
}

status freeze_head(struct fs *fs, struct head *head, str metadata, struct block_info *info)
{
    struct frozen frozen = {.head = head};
    exemplar_list exemplars = {0};
    struct arena arena;
    struct freeze_source source = {.registry = head_registry(head),
                                   .context = &frozen,
                                   .has = frozen_has,
                                   .data = frozen_data,
                                   .exemplars = &exemplars};

    arena_init(&arena, NULL);
    exemplars_read(head_exemplars(head), INT64_MIN, INT64_MAX, is_any_series, NULL, &arena, &exemplars);
    exemplars_join(&exemplars, &arena);
    info->head_first = info->head_last = head_number(head);
    status s = freeze_series(fs, &source, metadata, info);
    vec_release(&exemplars);
    arena_release(&arena);
    column_buffer_release(&frozen.buffer);
    return s;
}
