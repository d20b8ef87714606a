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

struct collect {
    struct strings strings;
    struct snapshot_source *source;
    uint32_t name;         /* whose values are wanted, in the source's ids */
    const uint32_t *found; /* the series of the source that match, rising */
    uint32_t count;
};

static status add_name(struct collect *collect, uint32_t name)
{
    uint32_t id;

    TRY(snapshot_name_id(collect->strings.snapshot, collect->source, name, &id));
    add_string(&collect->strings, id);
    return ok();
}

static status add_value(struct collect *collect, uint32_t value)
{
    uint32_t id;

    TRY(snapshot_value_id(collect->strings.snapshot, collect->source, collect->name, value, &id));
    add_string(&collect->strings, id);
    return ok();
}

static status count_names(const struct collect *collect, uint32_t *out)
{
    const struct block_tables *tables;

    if (!collect->source->block) {
        *out = registry_name_count(collect->source->registry);
        return ok();
    }
    TRY(block_tables(collect->source->block, &tables));
    *out = tables->name_count;
    return ok();
}

static status count_values(const struct collect *collect, uint32_t *out)
{
    const struct block_tables *tables;

    if (!collect->source->block) {
        *out = registry_value_count(collect->source->registry, collect->name);
        return ok();
    }
    TRY(block_tables(collect->source->block, &tables));
    *out = tables->names[collect->name].values.count;
    return ok();
}

/* Asking one name or value which series it has costs about as much as asking so many series what they have. */
enum { SERIES_PER_SET = 16 };

/* The series of a source that have a name. */
static status name_postings(struct collect *collect, uint32_t name, struct postings *set)
{
    const struct block_tables *tables;
    struct block *block = collect->source->block;
    struct index *index = block ? block_index(block) : registry_index(collect->source->registry);
    str text;

    if (block) {
        TRY(block_tables(block, &tables));
        text = tables->names[name].text;
    } else {
        text = registry_name(collect->source->registry, name);
    }
    return text.len ? index->class->with_name(index, text, set) : ok();
}

/* The series of a source that have a value of the name. */
static status value_postings(struct collect *collect, uint32_t value, struct postings *set)
{
    const struct block_tables *tables;

    if (!collect->source->block) {
        registry_postings(collect->source->registry, collect->name, value, set);
        return ok();
    }
    TRY(block_tables(collect->source->block, &tables));
    return block_postings(collect->source->block, &tables->names[collect->name], value, set);
}

/* Adds those of the first `count` names or values that one of the found series has. */
static status ask_sets(struct collect *collect, uint32_t count,
                       status (*postings)(struct collect *collect, uint32_t number, struct postings *set),
                       status (*add)(struct collect *collect, uint32_t number))
{
    struct postings *found = postings_from_sorted(collect->found, collect->count);
    status s = ok();

    for (uint32_t i = 0; i < count && !failed(s); i++) {
        struct postings *set = postings_new();
        s = postings(collect, i, set);
        if (!failed(s) && postings_meets(set, found)) s = add(collect, i);
        postings_free(set);
    }
    postings_free(found);
    return s;
}

static status names_of_series(struct collect *collect)
{
    struct snapshot_source *source = collect->source;
    struct block_cursor cursor = {0};
    struct block_series series;
    const struct block_tables *tables = NULL;
    status s = source->block ? block_tables(source->block, &tables) : ok();

    for (uint32_t i = 0; i < collect->count && !failed(s); i++) {
        const uint32_t *names = NULL;
        uint32_t count = 0;
        if (source->block) {
            s = block_series(source->block, &cursor, collect->found[i], &series);
            if (!failed(s)) names = tables->lists[series.list];
            if (!failed(s)) count = series.count;
        } else {
            struct series_labels set = registry_labels(source->registry, collect->found[i]);
            names = set.names;
            count = set.count;
        }
        for (uint32_t k = 0; k < count && !failed(s); k++) s = add_name(collect, names[k]);
    }
    block_cursor_release(&cursor);
    return s;
}

/* A series' value of the name; UINT32_MAX if it has none. */
static status value_of(struct collect *collect, struct block_cursor *cursor, uint32_t series, uint32_t *out)
{
    *out = UINT32_MAX;
    if (collect->source->block) return block_rank(collect->source->block, cursor, series, collect->name, out);
    struct series_labels set = registry_labels(collect->source->registry, series);
    for (uint32_t i = 0; i < set.count; i++) {
        if (set.names[i] == collect->name) *out = set.values[i];
    }
    return ok();
}

static status values_of_series(struct collect *collect)
{
    struct block_cursor cursor = {0};
    status s = ok();

    for (uint32_t i = 0; i < collect->count && !failed(s); i++) {
        uint32_t value;
        s = value_of(collect, &cursor, collect->found[i], &value);
        if (!failed(s) && value != UINT32_MAX) s = add_value(collect, value);
    }
    block_cursor_release(&cursor);
    return s;
}

static status select_series(struct collect *collect, const struct select_request *request)
{
    uint32_t *found;

    TRY(source_select(collect->strings.snapshot, collect->source, request, &found, &collect->count));
    collect->found = found;
    return ok();
}

static status matching_names(struct collect *collect, const struct select_request *request)
{
    uint32_t names;

    TRY(select_series(collect, request));
    TRY(count_names(collect, &names));
    return names < collect->count / SERIES_PER_SET ? ask_sets(collect, names, name_postings, add_name)
                                                   : names_of_series(collect);
}

static status matching_values(struct collect *collect, const struct select_request *request)
{
    uint32_t values;

    TRY(select_series(collect, request));
    TRY(count_values(collect, &values));
    return values < collect->count / SERIES_PER_SET ? ask_sets(collect, values, value_postings, add_value)
                                                    : values_of_series(collect);
}

/* All names of a source that any series has. */
static status all_names(struct collect *collect)
{
    uint32_t count;

    TRY(count_names(collect, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (!collect->source->block && registry_name(collect->source->registry, i).len == 0) continue;
        TRY(add_name(collect, i));
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
    if (collect->source->block) {
        const struct block_tables *tables;
        TRY(block_tables(collect->source->block, &tables));
        return block_each_value(collect->source->block, &tables->names[collect->name], add_block_value, collect);
    }
    struct registry *registry = collect->source->registry;
    uint32_t count = registry_value_count(registry, collect->name);
    for (uint32_t i = 0; i < count; i++) {
        if (registry_posting_count(registry, collect->name, i) == 0) continue;
        TRY(add_value(collect, i));
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
            s = request->matcher_count || source_has_hidden(collect.source) ? matching_names(&collect, request)
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
            s = request->matcher_count || source_has_hidden(collect.source) ? matching_values(&collect, request)
                                                                            : all_values(&collect);
        if (failed(s) && snapshot_leaves_out(snapshot, collect.source, &s)) s = ok();
    }
    finish(&collect.strings, limit, out, count, truncated);
    return s;
}
