/* The registry as a source of series for matchers, and its values in order; see registry.h. */
#include "tsdb/registry_internal.h"

/* Appends the ids of a value, as many as there are at the call, to a set. */
static void add_value(const struct registry *registry, const struct value *value, struct postings *set)
{
    uint32_t count = atomic_load_explicit(&value->count, memory_order_acquire), block = 0, offset;

    if (count == 0) return;
    postings_add(set, &value->first, 1);
    if (count > 1) block = value->blocks;
    for (uint32_t done = 1; done < count;) {
        const uint32_t *words = words_at(registry, block);
        uint32_t size = registry_posting_block(done, &offset);
        uint32_t take = count - done < size ? count - done : size;
        postings_add(set, words + 1, take);
        done += take;
        if (done < count) block = words[0];
    }
}

void registry_postings(const struct registry *registry, uint32_t name, uint32_t value, struct postings *set)
{
    add_value(registry, value_at(name_at(registry, name), value), set);
}

static int compare_values(const void *a, const void *b, void *context)
{
    const struct name *name = context;
    const struct value *x = value_at(name, *(const uint32_t *)a), *y = value_at(name, *(const uint32_t *)b);
    return str_compare(str_make(x->text, x->len), str_make(y->text, y->len));
}

/* Sorts the ids that are new and merges them into the others. */
static void complete_order(struct registry *registry, struct name *name, uint32_t count)
{
    atomic_fetch_add_explicit(&registry->table_bytes, (count - name->sorted_count) * sizeof(uint32_t),
                              memory_order_relaxed);
    uint32_t old = name->sorted_count, fresh = count - old, from = old;
    uint32_t *merged = memory_alloc((size_t)count * sizeof *merged);
    uint32_t *added = memory_alloc(((size_t)fresh + 1) * sizeof *added);

    for (uint32_t i = 0; i < fresh; i++) added[i] = old + i;
    qsort_r(added, fresh, sizeof *added, compare_values, name);
    for (uint32_t to = count; fresh > 0;) {
        bool take_old = from > 0 && compare_values(&name->sorted[from - 1], &added[fresh - 1], name) > 0;
        merged[--to] = take_old ? name->sorted[--from] : added[--fresh];
    }
    if (from) memcpy(merged, name->sorted, from * sizeof *merged);
    free(added);
    free(name->sorted);
    name->sorted = merged;
    name->sorted_count = count;
}

uint32_t *registry_sorted_values(struct registry *registry, uint32_t name, uint32_t *count, struct arena *arena)
{
    struct name *n = name_at(registry, name);

    pthread_mutex_lock(&registry->sort_mutex);
    uint32_t known = atomic_load_explicit(&n->value_count, memory_order_acquire);
    if (n->sorted_count < known) complete_order(registry, n, known);
    *count = n->sorted_count;
    uint32_t *copy = arena_array(arena, uint32_t, *count);
    if (*count) memcpy(copy, n->sorted, *count * sizeof *copy);
    pthread_mutex_unlock(&registry->sort_mutex);
    return copy;
}

/* The registry as an index. */

struct index *registry_index(struct registry *registry)
{
    return &registry->index;
}

static status with_name(struct index *index, str name, struct postings *set)
{
    struct registry *registry = (struct registry *)index;

    pthread_rwlock_rdlock(&registry->lock);
    uint32_t id = registry_find_name_locked(registry, name);
    if (id != VALUE_NONE) {
        vec_each (run, &name_at(registry, id)->series) postings_add_range(set, run->first, run->last);
    }
    pthread_rwlock_unlock(&registry->lock);
    return ok();
}

static status with_value(struct index *index, const struct matcher *matcher, bool inverted, struct postings *set)
{
    struct registry *registry = (struct registry *)index;
    uint32_t name = registry_find_name(registry, matcher->name);
    size_t known_count;
    const str *known;

    if (name == VALUE_NONE) return ok();
    const struct name *n = name_at(registry, name);
    if (index_known_values(matcher, inverted, &known, &known_count)) {
        for (size_t i = 0; i < known_count; i++) {
            uint32_t id = registry_find_value(registry, name, known[i]);
            if (id != VALUE_NONE) add_value(registry, value_at(n, id), set);
        }
        return ok();
    }
    uint32_t count = atomic_load_explicit(&n->value_count, memory_order_acquire);
    for (uint32_t id = 0; id < count; id++) {
        const struct value *value = value_at(n, id);
        if (value->text && index_wants(matcher, inverted, str_make(value->text, value->len)))
            add_value(registry, value, set);
    }
    return ok();
}

const struct index_class registry_index_class = {.with_name = with_name, .with_value = with_value};

bool registry_valid(struct registry *registry)
{
    bool valid = true;

    pthread_rwlock_rdlock(&registry->lock);
    valid = valid && map_valid(&registry->series_map) && map_valid(&registry->name_map);
    for (uint32_t id = 0; id < registry_series_count(registry) && valid; id++) {
        struct series_labels set = registry_labels(registry, id);
        for (uint32_t i = 0; i < set.count && valid; i++) {
            const struct name *name = name_at(registry, set.names[i]);
            valid = set.values[i] < name->value_count && value_at(name, set.values[i])->count > 0 &&
                    (i == 0 || str_compare(name_at(registry, set.names[i - 1])->text, name->text) < 0);
        }
        if (set.count) valid = valid && registry_lookup_locked(registry, registry_fingerprint(registry, id)) == id;
    }
    pthread_rwlock_unlock(&registry->lock);
    return valid;
}
