/* Label names and values for the label APIs; see snapshot.h. */
#include "tsdb/snapshot_internal.h"

#include "storage/postings.h"

static int compare_strings(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

/* Strings being collected, by their ids in the snapshot. */
struct strings {
    struct snapshot *snapshot;
    uint8_t *seen; /* a bit for each id */
    size_t seen_bytes;
    vec(uint32_t) ids;
};

static void add_string(struct strings *strings, uint32_t id)
{
    if (id / 8 >= strings->seen_bytes) {
        size_t bytes = id / 4 + 64;
        strings->seen = memory_realloc(strings->seen, bytes);
        memset(strings->seen + strings->seen_bytes, 0, bytes - strings->seen_bytes);
        strings->seen_bytes = bytes;
    }
    if (strings->seen[id / 8] & 1 << id % 8) return;
    strings->seen[id / 8] |= (uint8_t)(1 << id % 8);
    vec_push(&strings->ids, id);
}

static void finish(struct strings *strings, size_t limit, str **out, size_t *count, bool *truncated)
{
    str *sorted = arena_array(&strings->snapshot->arena, str, strings->ids.count);

    for (size_t i = 0; i < strings->ids.count; i++)
        sorted[i] = snapshot_string(strings->snapshot, strings->ids.data[i]);
    if (strings->ids.count) qsort(sorted, strings->ids.count, sizeof *sorted, compare_strings);
    *truncated = limit && strings->ids.count > limit;
    *out = sorted;
    *count = *truncated ? limit : strings->ids.count;
    vec_release(&strings->ids);
    free(strings->seen);
}

/* Calls each() with the labels of all matching series of a source, in the source's ids. */
static status each_series(struct snapshot *snapshot, struct snapshot_source *source,
                          const struct select_request *request,
                          status (*each)(void *context, const uint32_t *names, const uint32_t *values, uint32_t count),
                          void *context)
{
    struct block_cursor cursor = {0};
    struct block_series series;
    const struct block_tables *tables = NULL;
    uint32_t *found, count;

    TRY(source_select(snapshot, source, request, &found, &count));
    status s = source->block ? block_tables(source->block, &tables) : ok();
    for (uint32_t i = 0; i < count && !failed(s); i++) {
        if (source->block) {
            s = block_series(source->block, &cursor, found[i], &series);
            if (!failed(s)) s = each(context, tables->lists[series.list], series.values, series.count);
        } else {
            struct series_labels set = registry_labels(source->registry, found[i]);
            s = each(context, set.names, set.values, set.count);
        }
    }
    block_cursor_release(&cursor);
    return s;
}

struct collect {
    struct strings strings;
    struct snapshot_source *source;
    uint32_t name; /* whose values are wanted, in the source's ids */
};

static status collect_names(void *context, const uint32_t *names, const uint32_t *values, uint32_t count)
{
    struct collect *collect = context;
    uint32_t id;

    (void)values;
    for (uint32_t i = 0; i < count; i++) {
        TRY(snapshot_name_id(collect->strings.snapshot, collect->source, names[i], &id));
        add_string(&collect->strings, id);
    }
    return ok();
}

static status collect_values(void *context, const uint32_t *names, const uint32_t *values, uint32_t count)
{
    struct collect *collect = context;
    uint32_t id;

    for (uint32_t i = 0; i < count; i++) {
        if (names[i] != collect->name) continue;
        TRY(snapshot_value_id(collect->strings.snapshot, collect->source, names[i], values[i], &id));
        add_string(&collect->strings, id);
    }
    return ok();
}

/* All names of a source that any series has. */
static status all_names(struct collect *collect)
{
    const struct block_tables *tables;
    uint32_t id, count;

    if (collect->source->block) {
        TRY(block_tables(collect->source->block, &tables));
        count = tables->name_count;
    } else {
        count = registry_name_count(collect->source->registry);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!collect->source->block && registry_name(collect->source->registry, i).len == 0) continue;
        TRY(snapshot_name_id(collect->strings.snapshot, collect->source, i, &id));
        add_string(&collect->strings, id);
    }
    return ok();
}

static bool add_block_value(void *context, uint32_t value, str text)
{
    struct collect *collect = context;

    (void)value;
    add_string(&collect->strings, snapshot_intern(collect->strings.snapshot, text));
    return true;
}

static status all_values(struct collect *collect)
{
    uint32_t id;

    if (collect->source->block) {
        const struct block_tables *tables;
        TRY(block_tables(collect->source->block, &tables));
        return block_each_value(collect->source->block, &tables->names[collect->name], add_block_value, collect);
    }
    struct registry *registry = collect->source->registry;
    uint32_t count = registry_value_count(registry, collect->name);
    for (uint32_t i = 0; i < count; i++) {
        if (registry_posting_count(registry, collect->name, i) == 0) continue;
        TRY(snapshot_value_id(collect->strings.snapshot, collect->source, collect->name, i, &id));
        add_string(&collect->strings, id);
    }
    return ok();
}

status snapshot_label_names(struct snapshot *snapshot, const struct select_request *request, size_t limit, str **out,
                            size_t *count, bool *truncated)
{
    struct collect collect = {.strings.snapshot = snapshot};
    status s = snapshot_check_broken(snapshot, request->from_ms, request->to_ms);

    for (uint32_t i = 0; i < snapshot->source_count && !failed(s); i++) {
        collect.source = &snapshot->sources[i];
        if (!snapshot_asks(snapshot, collect.source, request->from_ms, request->to_ms)) continue;
        s = source_find_hidden(snapshot, collect.source);
        if (!failed(s))
            s = request->matcher_count || source_has_hidden(collect.source)
                    ? each_series(snapshot, collect.source, request, collect_names, &collect)
                    : all_names(&collect);
        if (failed(s) && snapshot_leaves_out(snapshot, collect.source, &s)) s = ok();
    }
    finish(&collect.strings, limit, out, count, truncated);
    return s;
}

status snapshot_label_values(struct snapshot *snapshot, str name, const struct select_request *request, size_t limit,
                             str **out, size_t *count, bool *truncated)
{
    struct collect collect = {.strings.snapshot = snapshot};
    status s = snapshot_check_broken(snapshot, request->from_ms, request->to_ms);

    for (uint32_t i = 0; i < snapshot->source_count && !failed(s); i++) {
        collect.source = &snapshot->sources[i];
        if (!snapshot_asks(snapshot, collect.source, request->from_ms, request->to_ms)) continue;
        s = source_find_name(collect.source, name, &collect.name);
        if (!failed(s)) s = source_find_hidden(snapshot, collect.source);
        if (!failed(s) && collect.name != UINT32_MAX)
            s = request->matcher_count || source_has_hidden(collect.source)
                    ? each_series(snapshot, collect.source, request, collect_values, &collect)
                    : all_values(&collect);
        if (failed(s) && snapshot_leaves_out(snapshot, collect.source, &s)) s = ok();
    }
    finish(&collect.strings, limit, out, count, truncated);
    return s;
}
