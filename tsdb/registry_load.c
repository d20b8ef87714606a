/* Loading a registry: what finds values and series is built at once, in the end; see registry.h. */
#include "tsdb/registry_internal.h"

/* Labels spelled as they are hashed. What the next series shares with the one before it stays: up to the first label
 * that differs. */
struct spelling {
    uint32_t list, values[LABELS_MAX];
    size_t ends[LABELS_MAX]; /* of the labels in `bytes` */
    struct writer bytes;
};

static hash128 fingerprint_from_labels(const struct registry *registry, uint32_t id, struct spelling *spelling)
{
    struct series_labels set = registry_labels(registry, id);
    uint32_t i = 0;

    if (spelling->bytes.count && set.list == spelling->list) {
        while (i < set.count && set.values[i] == spelling->values[i]) i++;
    }
    spelling->list = set.list;
    spelling->bytes.count = i ? spelling->ends[i - 1] : 0;
    for (; i < set.count; i++) {
        label pair = {registry_name(registry, set.names[i]), registry_value(registry, set.names[i], set.values[i])};
        labels_write(&pair, 1, &spelling->bytes);
        spelling->values[i] = set.values[i];
        spelling->ends[i] = spelling->bytes.count;
    }
    return hash_keyed(&registry->secret, spelling->bytes.data, spelling->bytes.count);
}

hash128 registry_make_fingerprint(const struct registry *registry, uint32_t id)
{
    struct spelling spelling = {.bytes = {0}};
    hash128 fingerprint = fingerprint_from_labels(registry, id, &spelling);

    writer_release(&spelling.bytes);
    return fingerprint;
}

void registry_begin_loading(struct registry *registry)
{
    registry->is_loading = true;
}

/* The table of series is far larger than a cache: its slots are asked for some series ahead. */
static void build_series_map(struct registry *registry)
{
    struct spelling spelling = {.bytes = {0}};
    size_t before = map_bytes(&registry->series_map);
    uint32_t count = registry_series_count(registry);

    map_reserve(&registry->series_map, count);
    for (uint32_t id = 0, next = 0; id < count; id++) {
        for (; next < count && next < id + SLOTS_AHEAD; next++) {
            struct registered *series = series_at(registry, next);
            if (!series->labels) continue;
            if (!registry_is_fingerprint(series->fingerprint))
                series->fingerprint = fingerprint_from_labels(registry, next, &spelling);
            map_prefetch(&registry->series_map, series->fingerprint.low);
        }
        if (series_at(registry, id)->labels)
            map_add(&registry->series_map, series_at(registry, id)->fingerprint.low, id);
    }
    writer_release(&spelling.bytes);
    registry_count_bytes(registry, map_bytes(&registry->series_map) - before);
}

/* The look-up tables, each made once in its size. */
static void *build_maps(void *context)
{
    struct registry *registry = context;

    build_series_map(registry);
    for (uint32_t n = 0; n < registry->name_count; n++) {
        struct name *name = name_at(registry, n);
        size_t before = map_bytes(&name->value_map);
        map_reserve(&name->value_map, name->value_count);
        for (uint32_t v = 0; v < name->value_count; v++) {
            const struct value *value = value_at(name, v);
            if (value->text) map_add(&name->value_map, registry_text_hash(str_make(value->text, value->len)), v);
        }
        registry_count_bytes(registry, map_bytes(&name->value_map) - before);
    }
    return NULL;
}

/* Neighbouring series with one list of names, and for each name since which of them its value is what it is. */
struct alike {
    uint32_t list, first;
    uint32_t values[LABELS_MAX], since[LABELS_MAX];
};

/* Series `end` has another value for a name, or is not one of them. */
static void end_value(struct registry *registry, const struct alike *alike, uint32_t i, uint32_t end)
{
    struct name *name = name_at(registry, list_at(registry, alike->list)->names[i]);
    registry_add_postings(registry, value_at(name, alike->values[i]), alike->since[i], end - alike->since[i]);
}

static void end_alike(struct registry *registry, struct alike *alike, uint32_t end)
{
    const struct list *list = list_at(registry, alike->list);

    if (alike->first == SERIES_NONE) return;
    for (uint32_t i = 0; i < list->count; i++) {
        end_value(registry, alike, i, end);
        registry_add_run(registry, name_at(registry, list->names[i]), alike->first, end - 1);
    }
    alike->first = SERIES_NONE;
}

/* The postings of all series. Neighbours mostly share their target's labels, so values are taken by runs. */
static void build_postings(struct registry *registry)
{
    struct alike alike = {.first = SERIES_NONE};
    uint32_t count = registry_series_count(registry);

    for (uint32_t id = 0; id < count; id++) {
        struct series_labels set = registry_labels(registry, id);
        if (alike.first == SERIES_NONE || set.count == 0 || set.list != alike.list) {
            end_alike(registry, &alike, id);
            if (set.count == 0) continue; /* a hole */
            alike.list = set.list;
            alike.first = id;
            for (uint32_t i = 0; i < set.count; i++) alike.since[i] = id;
            memcpy(alike.values, set.values, set.count * sizeof *set.values);
            continue;
        }
        for (uint32_t i = 0; i < set.count; i++) {
            if (set.values[i] == alike.values[i]) continue;
            end_value(registry, &alike, i, id);
            alike.values[i] = set.values[i];
            alike.since[i] = id;
        }
    }
    end_alike(registry, &alike, count);
}

void registry_end_loading(struct registry *registry)
{
    pthread_t thread;

    if (!registry->is_loading) return;
    pthread_rwlock_wrlock(&registry->lock);
    bool is_alone = pthread_create(&thread, NULL, build_maps, registry) != 0;
    build_postings(registry);
    if (is_alone) {
        build_maps(registry);
    } else {
        pthread_join(thread, NULL);
    }
    registry->is_loading = false;
    pthread_rwlock_unlock(&registry->lock);
}
