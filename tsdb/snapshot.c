/* Snapshots: what is pinned, strings, and the label APIs; see snapshot.h. */
#include "tsdb/snapshot_internal.h"

#include "storage/base/hash.h"
#include "tsdb/db_internal.h"
#include "tsdb/metrics.h"

#include <stdio.h>

static void add_registry(struct snapshot *snapshot, struct head *older, struct head *newer)
{
    struct snapshot_source *source = &snapshot->sources[snapshot->source_count++];
    struct head *heads[] = {older, newer};

    source->min_ms = INT64_MAX;
    source->max_ms = INT64_MIN;
    for (int i = 0; i < 2; i++) {
        struct head_stats stats;
        if (!heads[i]) continue;
        source->registry = head_registry(heads[i]);
        source->heads[source->head_count] = heads[i];
        head_horizon(heads[i], &source->horizons[source->head_count++]);
        head_stats(heads[i], &stats);
        if (stats.min_ms < source->min_ms) source->min_ms = stats.min_ms;
        if (stats.max_ms > source->max_ms) source->max_ms = stats.max_ms;
    }
}

struct snapshot *db_snapshot(struct db *db, struct account *account)
{
    struct snapshot *snapshot = memory_zalloc(sizeof *snapshot);
    struct view *view = snapshot->view = db_view(db);

    arena_init(&snapshot->arena, account);
    snapshot->sources = arena_zarray(&snapshot->arena, struct snapshot_source, view->block_count + 2);
    for (uint32_t i = 0; i < view->block_count; i++) {
        const struct block_info *info = block_get_info(view->blocks[i]);
        struct snapshot_source *source = &snapshot->sources[snapshot->source_count++];
        source->block = view->blocks[i];
        source->min_ms = info->min_ms;
        source->max_ms = info->max_ms;
    }
    if (view->frozen && view->live && head_registry(view->frozen) == head_registry(view->live)) {
        add_registry(snapshot, view->frozen, view->live);
    } else {
        if (view->frozen) add_registry(snapshot, view->frozen, NULL);
        if (view->live) add_registry(snapshot, NULL, view->live);
    }
    vec_push(&snapshot->strings, STR(""));
    pthread_mutex_init(&snapshot->mutex, NULL);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (!snapshot) return;
    arena_release(&snapshot->arena); /* with it selections give up their pages */
    view_unref(snapshot->view);
    map_release(&snapshot->string_map);
    vec_release(&snapshot->strings);
    vec_release(&snapshot->warnings);
    pthread_mutex_destroy(&snapshot->mutex);
    free(snapshot);
}

void snapshot_times(const struct snapshot *snapshot, int64_t *min_ms, int64_t *max_ms)
{
    *min_ms = INT64_MAX;
    *max_ms = INT64_MIN;
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        if (snapshot->sources[i].min_ms < *min_ms) *min_ms = snapshot->sources[i].min_ms;
        if (snapshot->sources[i].max_ms > *max_ms) *max_ms = snapshot->sources[i].max_ms;
    }
}

bool snapshot_is_rich(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        const struct snapshot_source *source = &snapshot->sources[i];
        if (source->block && block_get_info(source->block)->rich_samples) return true;
        for (uint32_t h = 0; h < source->head_count; h++) {
            if (head_is_rich(source->heads[h])) return true;
        }
    }
    return false;
}

struct arena *snapshot_arena(struct snapshot *snapshot)
{
    return &snapshot->arena;
}

/* Strings of registries stay where they are; those of blocks come from pages and are copied. */
static uint32_t intern(struct snapshot *snapshot, str text, bool copy)
{
    uint64_t hash = hash_bytes(text.data, text.len);
    struct map_cursor c;

    if (text.len == 0) return 0;
    for (uint32_t id = map_find(&snapshot->string_map, hash, &c); id != MAP_NONE;
         id = map_next(&snapshot->string_map, &c)) {
        if (str_equal(snapshot->strings.data[id], text)) return id;
    }
    uint32_t id = (uint32_t)snapshot->strings.count;
    vec_push(&snapshot->strings, copy ? arena_copy_str(&snapshot->arena, text) : text);
    map_add(&snapshot->string_map, hash, id);
    return id;
}

uint32_t snapshot_intern(struct snapshot *snapshot, str text)
{
    return intern(snapshot, text, true);
}

str snapshot_string(const struct snapshot *snapshot, uint32_t id)
{
    return snapshot->strings.data[id];
}

void snapshot_tolerate_damage(struct snapshot *snapshot)
{
    snapshot->tolerates_damage = true;
}

bool snapshot_met_damage(const struct snapshot *snapshot)
{
    return snapshot->met_damage;
}

static void warn(struct snapshot *snapshot, uint32_t block, const char *why)
{
    bool is_new = true;

    pthread_mutex_lock(&snapshot->mutex);
    vec_each (warning, &snapshot->warnings) is_new = is_new && warning->block != block;
    if (is_new) {
        if (snapshot->warnings.count == 0) metric_add(&metric_damaged_answers, 1);
        struct warning *warning = vec_push_slot(&snapshot->warnings);
        warning->block = block;
        snprintf(warning->why, sizeof warning->why, "%s", why);
    }
    pthread_mutex_unlock(&snapshot->mutex);
}

size_t snapshot_warnings(struct snapshot *snapshot, str lines[SNAPSHOT_WARNINGS_MAX])
{
    size_t total = snapshot->warnings.count, told = total > SNAPSHOT_WARNINGS_MAX ? SNAPSHOT_WARNINGS_MAX - 1 : total;

    for (size_t i = 0; i < told; i++) {
        const struct warning *warning = &snapshot->warnings.data[i];
        lines[i] =
            arena_format(&snapshot->arena, "damaged data of block %u is left out: %s", warning->block, warning->why);
    }
    if (told == total) return told;
    lines[told] = arena_format(&snapshot->arena, "data of %zu more damaged blocks is left out", total - told);
    return told + 1;
}

bool snapshot_goes_without(struct snapshot *snapshot, const struct snapshot_source *source, const status *s)
{
    if (!snapshot->tolerates_damage || !source->block || !tells_damage(*s)) return false;
    warn(snapshot, block_get_info(source->block)->number, s->text);
    return true;
}

bool snapshot_leaves_out(struct snapshot *snapshot, const struct snapshot_source *source, const status *s)
{
    if (!snapshot_goes_without(snapshot, source, s)) return false;
    block_set_unreadable(source->block);
    return true;
}

bool snapshot_asks(struct snapshot *snapshot, const struct snapshot_source *source, int64_t from_ms, int64_t to_ms)
{
    if (!source_overlaps(source, from_ms, to_ms)) return false;
    if (!snapshot->tolerates_damage || !source->block || !block_is_unreadable(source->block)) return true;
    warn(snapshot, block_get_info(source->block)->number, "its index can not be read");
    return false;
}

status snapshot_note_labels(struct snapshot *snapshot, const struct snapshot_source *source, status s)
{
    if (tells_damage(s) && snapshot->tolerates_damage && source->block) {
        block_set_unreadable(source->block);
        snapshot->met_damage = true;
    }
    return s;
}

status snapshot_check_broken(struct snapshot *snapshot, int64_t from_ms, int64_t to_ms)
{
    const struct view *view = snapshot->view;

    for (uint32_t i = 0; i < view->broken_count; i++) {
        const struct broken_block *broken = &view->broken[i];
        if (broken->max_ms <= from_ms || broken->min_ms > to_ms || atomic_load(&broken->is_expired)) continue;
        if (!snapshot->tolerates_damage)
            return status_make(STATUS_CORRUPT, "block %u is damaged and has samples of this time: %.150s",
                               broken->number, broken->why);
        warn(snapshot, broken->number, broken->why);
    }
    return ok();
}

static status cover_names(struct snapshot *snapshot, struct snapshot_source *source, uint32_t name)
{
    uint32_t count;

    if (name < source->name_count) return ok();
    if (source->block) {
        const struct block_tables *tables;
        TRY(block_tables(source->block, &tables));
        count = tables->name_count;
    } else {
        count = registry_name_count(source->registry);
    }
    struct name_ids *names = arena_zarray(&snapshot->arena, struct name_ids, count);
    if (source->name_count) memcpy(names, source->names, source->name_count * sizeof *names);
    source->names = names;
    source->name_count = count;
    return ok();
}

status source_find_name(struct snapshot_source *source, str name, uint32_t *out)
{
    const struct block_tables *tables;

    if (!source->block) {
        *out = registry_find_name(source->registry, name);
        return ok();
    }
    TRY(block_tables(source->block, &tables));
    *out = block_find_name(tables, name);
    return ok();
}

status snapshot_name_id(struct snapshot *snapshot, struct snapshot_source *source, uint32_t name, uint32_t *out)
{
    TRY(cover_names(snapshot, source, name));
    struct name_ids *ids = &source->names[name];
    if (ids->name == 0) {
        const struct block_tables *tables;
        if (source->block) {
            TRY(block_tables(source->block, &tables));
            ids->name = intern(snapshot, tables->names[name].text, false);
        } else {
            ids->name = intern(snapshot, registry_name(source->registry, name), false);
        }
    }
    *out = ids->name;
    return ok();
}

static status intern_block_value(struct snapshot *snapshot, struct block *block, uint32_t name, uint32_t value,
                                 uint32_t *out)
{
    const struct block_tables *tables;
    struct writer text = {0};

    TRY(block_tables(block, &tables));
    if (value >= tables->names[name].values.count)
        return status_make(STATUS_CORRUPT, "block %u: a series has an unknown label value",
                           block_get_info(block)->number);
    status s = block_value(block, &tables->names[name], value, &text);
    if (!failed(s)) *out = intern(snapshot, str_make((const char *)text.data, text.count), true);
    writer_release(&text);
    return s;
}

status snapshot_value_id(struct snapshot *snapshot, struct snapshot_source *source, uint32_t name, uint32_t value,
                         uint32_t *out)
{
    TRY(cover_names(snapshot, source, name));
    struct name_ids *ids = &source->names[name];
    if (value >= ids->value_count) {
        uint32_t count = value + 1;
        if (source->block) {
            const struct block_tables *tables;
            TRY(block_tables(source->block, &tables));
            if (tables->names[name].values.count > count) count = tables->names[name].values.count;
        } else if (registry_value_count(source->registry, name) > count) {
            count = registry_value_count(source->registry, name);
        }
        uint32_t *values = arena_zarray(&snapshot->arena, uint32_t, count);
        if (ids->value_count) memcpy(values, ids->values, ids->value_count * sizeof *values);
        ids->values = values;
        ids->value_count = count;
    }
    if (ids->values[value] == 0) {
        uint32_t id = 0;
        if (source->block) {
            TRY(intern_block_value(snapshot, source->block, name, value, &id));
        } else {
            id = intern(snapshot, registry_value(source->registry, name, value), false);
        }
        ids->values[value] = id;
    }
    *out = ids->values[value];
    return ok();
}
