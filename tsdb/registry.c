/* The registry; see registry.h and, for its structures, registry_internal.h. */
#include "tsdb/registry_internal.h"

enum { PAGE_BYTES = 4096, FOUND_AT_ONCE = 1024 };

struct registry *registry_new(const struct hash_secret *secret, uint32_t number)
{
    struct registry *registry = memory_zalloc(sizeof *registry);
    pthread_rwlockattr_t attributes;

    registry->index.class = &registry_index_class;
    registry->secret = *secret;
    registry->number = number;
    atomic_init(&registry->references, 1);
    account_init(&registry->account, 0, NULL);
    arena_init(&registry->text, &registry->account);
    paged_init(&registry->words, sizeof(uint32_t));
    paged_init(&registry->series, sizeof(struct registered));
    paged_init(&registry->names, sizeof(struct name));
    paged_init(&registry->lists, sizeof(struct list));
    registry->word_count = 1; /* word 0 means none */
    pthread_rwlockattr_init(&attributes);
    /* Requests take the lock all the time; adding a series must not wait for a gap between them. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&registry->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&registry->sort_mutex, NULL);
    return registry;
}

void registry_ref(struct registry *registry)
{
    atomic_fetch_add(&registry->references, 1);
}

void registry_unref(struct registry *registry)
{
    if (!registry || atomic_fetch_sub(&registry->references, 1) > 1) return;
    for (uint32_t i = 0; i < registry->name_count; i++) {
        struct name *name = name_at(registry, i);
        if (!name->text.data) continue;
        paged_release(&name->values);
        map_release(&name->value_map);
        vec_release(&name->series);
        free(name->sorted);
    }
    arena_release(&registry->text);
    paged_release(&registry->words);
    paged_release(&registry->series);
    paged_release(&registry->names);
    paged_release(&registry->lists);
    map_release(&registry->series_map);
    map_release(&registry->alias_map);
    map_release(&registry->name_map);
    map_release(&registry->list_map);
    vec_release(&registry->aliases);
    pthread_rwlock_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->sort_mutex);
    free(registry);
}

uint32_t registry_number(const struct registry *registry)
{
    return registry->number;
}

uint32_t registry_series_count(const struct registry *registry)
{
    return atomic_load_explicit(&registry->series_count, memory_order_acquire);
}

uint32_t registry_pair_count(const struct registry *registry)
{
    return registry->pair_count;
}

uint64_t registry_bytes(const struct registry *registry)
{
    return atomic_load_explicit(&registry->account.used_bytes, memory_order_relaxed) +
           atomic_load_explicit(&registry->table_bytes, memory_order_relaxed);
}

static void add_to_map(struct registry *registry, struct map *map, uint64_t hash, uint32_t id)
{
    size_t before = map_bytes(map);

    map_add(map, hash, id);
    registry_count_bytes(registry, map_bytes(map) - before);
}

uint32_t registry_lookup_locked(const struct registry *registry, hash128 hash)
{
    struct map_cursor c;

    for (uint32_t id = map_find(&registry->series_map, hash.low, &c); id != MAP_NONE;
         id = map_next(&registry->series_map, &c)) {
        if (hash128_equal(series_at(registry, id)->fingerprint, hash)) return id;
    }
    for (uint32_t at = map_find(&registry->alias_map, hash.low, &c); at != MAP_NONE;
         at = map_next(&registry->alias_map, &c)) {
        if (hash128_equal(registry->aliases.data[at].hash, hash)) return registry->aliases.data[at].series;
    }
    return SERIES_NONE;
}

/* Senders repeat their series in nearly the same order, so the successor of the last series is tried first: its record
 * is the neighbour of one just read, while the table would be a cache miss. */
void registry_resolve(struct registry *registry, const struct append_series *series, size_t count, hash128 *hashes,
                      uint32_t *ids, uint32_t *guess)
{
    uint32_t last = *guess;

    pthread_rwlock_rdlock(&registry->lock);
    uint32_t known = registry_series_count(registry);
    for (size_t i = 0; i < count; i++) {
        uint32_t expected =
            last < known ? atomic_load_explicit(&series_at(registry, last)->next, memory_order_relaxed) : 0;
        if (expected < known) __builtin_prefetch(series_at(registry, expected));
        hashes[i] = hash_keyed(&registry->secret, series[i].labels.data, series[i].labels.len);
        if (expected < known && hash128_equal(series_at(registry, expected)->fingerprint, hashes[i])) {
            ids[i] = expected;
        } else {
            ids[i] = registry_lookup_locked(registry, hashes[i]);
            if (last < known && ids[i] != SERIES_NONE)
                atomic_store_explicit(&series_at(registry, last)->next, ids[i], memory_order_relaxed);
        }
        if (ids[i] != SERIES_NONE) last = ids[i];
    }
    pthread_rwlock_unlock(&registry->lock);
    *guess = last;
}

/* Each step waits for memory, so it is taken for many before the next. */
static void find_some(const struct registry *registry, const hash128 *fingerprints, size_t count, uint32_t *ids)
{
    struct map_cursor c;

    for (size_t i = 0; i < count; i++) map_prefetch(&registry->series_map, fingerprints[i].low);
    for (size_t i = 0; i < count; i++) {
        ids[i] = map_find(&registry->series_map, fingerprints[i].low, &c);
        if (ids[i] != MAP_NONE) __builtin_prefetch(series_at(registry, ids[i]));
    }
    for (size_t i = 0; i < count; i++) {
        bool is_it = ids[i] != MAP_NONE && hash128_equal(series_at(registry, ids[i])->fingerprint, fingerprints[i]);
        if (!is_it) ids[i] = registry_lookup_locked(registry, fingerprints[i]);
    }
}

/* The lock is given up now and then: whoever adds series waits for it, and then whoever looks some up. */
void registry_find_series(struct registry *registry, const hash128 *fingerprints, size_t count, uint32_t *ids)
{
    for (size_t i = 0; i < count;) {
        size_t end = count - i < FOUND_AT_ONCE ? count : i + FOUND_AT_ONCE;
        pthread_rwlock_rdlock(&registry->lock);
        for (; i < end; i += SLOTS_AHEAD)
            find_some(registry, fingerprints + i, end - i < SLOTS_AHEAD ? end - i : SLOTS_AHEAD, ids + i);
        pthread_rwlock_unlock(&registry->lock);
    }
}

/* `count` words that lie together; returns the first. A run never crosses a segment of the paged array. */
static uint32_t words_alloc(struct registry *registry, uint32_t count)
{
    uint32_t first = registry->word_count, at_first, at_last;

    if (paged_segment_(first, &at_first) != paged_segment_(first + count - 1, &at_last)) first += count - 1 - at_last;
    assert(first <= UINT32_MAX - count);
    registry_count_bytes(registry, (uint64_t)(first + count - registry->word_count) * sizeof(uint32_t));
    registry->word_count = first + count;
    paged_reserve(&registry->words, registry->word_count);
    return first;
}

/* Blocks before the one of size 2^n have 2^n - POSTING_BLOCK_MIN postings. */
uint32_t registry_posting_block(uint32_t index, uint32_t *offset)
{
    uint32_t place = index - 1 + POSTING_BLOCK_MIN;
    uint32_t size = place < POSTING_BLOCK_MAX ? 1U << (31 - __builtin_clz(place)) : POSTING_BLOCK_MAX;

    *offset = place & (size - 1);
    return size;
}

void registry_add_postings(struct registry *registry, struct value *value, uint32_t id, uint32_t ids)
{
    uint32_t count = atomic_load_explicit(&value->count, memory_order_relaxed), end = id + ids, offset;

    if (count == 0) {
        value->first = id++;
        count = 1;
    }
    while (id < end) {
        uint32_t size = registry_posting_block(count, &offset), take = size - offset;
        if (offset == 0) {
            uint32_t block = words_alloc(registry, 1 + size);
            if (count == 1) {
                value->blocks = block;
            } else {
                *words_at(registry, value->tail) = block;
            }
            value->tail = block;
        }
        uint32_t *words = words_at(registry, value->tail) + 1 + offset;
        if (take > end - id) take = end - id;
        for (uint32_t i = 0; i < take; i++) words[i] = id + i;
        count += take;
        id += take;
    }
    atomic_store_explicit(&value->count, count, memory_order_release);
}

void registry_add_run(struct registry *registry, struct name *name, uint32_t first, uint32_t last)
{
    size_t before = name->series.capacity;

    if (name->series.count && vec_last(&name->series)->last + 1 == first) {
        vec_last(&name->series)->last = last;
    } else {
        vec_push(&name->series, (struct run){first, last});
        registry_count_bytes(registry, (name->series.capacity - before) * sizeof(struct run));
    }
}

uint32_t registry_find_name_locked(const struct registry *registry, str name)
{
    struct map_cursor c;

    for (uint32_t id = map_find(&registry->name_map, registry_text_hash(name), &c); id != MAP_NONE;
         id = map_next(&registry->name_map, &c)) {
        if (str_equal(name_at(registry, id)->text, name)) return id;
    }
    return VALUE_NONE;
}

uint32_t registry_find_value_locked(const struct name *name, str value)
{
    struct map_cursor c;

    for (uint32_t id = map_find(&name->value_map, registry_text_hash(value), &c); id != MAP_NONE;
         id = map_next(&name->value_map, &c)) {
        const struct value *v = value_at(name, id);
        if (str_equal(str_make(v->text, v->len), value)) return id;
    }
    return VALUE_NONE;
}

uint32_t registry_find_name(struct registry *registry, str name)
{
    pthread_rwlock_rdlock(&registry->lock);
    uint32_t id = registry_find_name_locked(registry, name);
    pthread_rwlock_unlock(&registry->lock);
    return id;
}

uint32_t registry_find_value(struct registry *registry, uint32_t name, str value)
{
    pthread_rwlock_rdlock(&registry->lock);
    uint32_t id = registry_find_value_locked(name_at(registry, name), value);
    pthread_rwlock_unlock(&registry->lock);
    return id;
}

/* The four ways in which something comes to be, under an id that is given: new ones take the next, replay what it
 * reads. */

void registry_put_name_locked(struct registry *registry, uint32_t id, str text)
{
    if (id >= registry->name_count) {
        paged_reserve(&registry->names, id + 1);
        registry_count_bytes(registry, (id + 1 - registry->name_count) * sizeof(struct name));
    }
    struct name *name = name_at(registry, id);
    name->text = arena_copy_str(&registry->text, text);
    paged_init(&name->values, sizeof(struct value));
    add_to_map(registry, &registry->name_map, registry_text_hash(text), id);
    if (id >= registry->name_count) atomic_store_explicit(&registry->name_count, id + 1, memory_order_release);
}

/* A name with few values has a page of its own all the same. */
static uint64_t values_bytes(uint32_t count)
{
    return ((uint64_t)count * sizeof(struct value) + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

void registry_put_value_locked(struct registry *registry, struct name *name, uint32_t id, str text)
{
    if (id >= name->value_count) {
        paged_reserve(&name->values, id + 1);
        registry_count_bytes(registry, values_bytes(id + 1) - values_bytes(name->value_count));
    }
    struct value *value = value_at(name, id);
    value->text = arena_copy_str(&registry->text, text).data;
    value->len = (uint32_t)text.len;
    name->text_bytes += text.len;
    name->values_known++;
    registry->pair_count++;
    if (!registry->is_loading) add_to_map(registry, &name->value_map, registry_text_hash(text), id);
    if (id >= name->value_count) atomic_store_explicit(&name->value_count, id + 1, memory_order_release);
}

static uint64_t list_hash(const uint32_t *names, uint32_t count)
{
    return hash_bytes(names, count * sizeof *names);
}

void registry_put_list_locked(struct registry *registry, uint32_t id, const uint32_t *names, uint32_t count)
{
    if (id >= registry->list_count) {
        paged_reserve(&registry->lists, id + 1);
        registry_count_bytes(registry, (id + 1 - registry->list_count) * sizeof(struct list));
    }
    struct list *list = list_at(registry, id);
    list->names = arena_array(&registry->text, uint32_t, count);
    if (count) memcpy(list->names, names, count * sizeof *names);
    list->count = count;
    add_to_map(registry, &registry->list_map, list_hash(names, count), id);
    if (id >= registry->list_count) atomic_store_explicit(&registry->list_count, id + 1, memory_order_release);
}

static void add_postings(struct registry *registry, uint32_t id)
{
    const uint32_t *words = words_at(registry, series_at(registry, id)->labels);
    const struct list *names = list_at(registry, words[0]);

    for (uint32_t i = 0; i < names->count; i++) {
        struct name *name = name_at(registry, names->names[i]);
        registry_add_postings(registry, value_at(name, words[1 + i]), id, 1);
        registry_add_run(registry, name, id, id);
    }
}

void registry_put_series_locked(struct registry *registry, uint32_t id, hash128 fingerprint, uint32_t list,
                                const uint32_t *values)
{
    const struct list *names = list_at(registry, list);
    uint32_t count = registry_series_count(registry);

    if (id >= count) {
        paged_reserve(&registry->series, id + 1);
        registry_count_bytes(registry, (uint64_t)(id + 1 - count) * sizeof(struct registered));
    }
    struct registered *series = series_at(registry, id);
    series->fingerprint = fingerprint;
    series->labels = words_alloc(registry, 1 + names->count);
    atomic_store_explicit(&series->next, id + 1, memory_order_relaxed);
    uint32_t *words = words_at(registry, series->labels);
    words[0] = list;
    if (names->count) memcpy(words + 1, values, names->count * sizeof *values);
    if (!registry->is_loading) {
        if (!registry_is_fingerprint(fingerprint)) series->fingerprint = registry_make_fingerprint(registry, id);
        add_postings(registry, id);
        add_to_map(registry, &registry->series_map, series->fingerprint.low, id);
    }
    if (id >= count) {
        atomic_store_explicit(&registry->series_count, id + 1, memory_order_release);
    }
}

static uint32_t intern_name(struct registry *registry, str text, struct writer *registration)
{
    uint32_t id = registry_find_name_locked(registry, text);

    if (id == VALUE_NONE) {
        id = registry->name_count;
        registry_put_name_locked(registry, id, text);
        registration_name(registration, id, text);
    }
    return id;
}

static uint32_t intern_value(struct registry *registry, uint32_t name, str text, struct writer *registration)
{
    uint32_t id = registry_find_value_locked(name_at(registry, name), text);

    if (id == VALUE_NONE) {
        id = name_at(registry, name)->value_count;
        registry_put_value_locked(registry, name_at(registry, name), id, text);
        registration_value(registration, name, id, text);
    }
    return id;
}

static uint32_t intern_list(struct registry *registry, const uint32_t *names, uint32_t count,
                            struct writer *registration)
{
    struct map_cursor c;

    for (uint32_t id = map_find(&registry->list_map, list_hash(names, count), &c); id != MAP_NONE;
         id = map_next(&registry->list_map, &c)) {
        const struct list *list = list_at(registry, id);
        if (list->count == count && memcmp(list->names, names, count * sizeof *names) == 0) return id;
    }
    registry_put_list_locked(registry, registry->list_count, names, count);
    registration_list(registration, registry->list_count - 1, names, count);
    return registry->list_count - 1;
}

static void remember_spelling(struct registry *registry, hash128 raw, uint32_t id)
{
    if (hash128_equal(raw, series_at(registry, id)->fingerprint)) return;
    if (registry->aliases.count >= (size_t)ALIASES_PER_SERIES * registry_series_count(registry)) return;
    if (registry_lookup_locked(registry, raw) != SERIES_NONE) return;
    add_to_map(registry, &registry->alias_map, raw.low, (uint32_t)registry->aliases.count);
    size_t before = registry->aliases.capacity;
    vec_push(&registry->aliases, (struct alias){raw, id});
    registry_count_bytes(registry, (registry->aliases.capacity - before) * sizeof(struct alias));
}

static uint32_t add_series(struct registry *registry, const label *pairs, size_t count, hash128 fingerprint,
                           struct writer *registration)
{
    uint32_t names[LABELS_MAX], values[LABELS_MAX];

    assert(count <= LABELS_MAX);
    for (size_t i = 0; i < count; i++) {
        names[i] = intern_name(registry, pairs[i].name, registration);
        values[i] = intern_value(registry, names[i], pairs[i].value, registration);
    }
    uint32_t list = intern_list(registry, names, (uint32_t)count, registration);
    uint32_t id = registry_series_count(registry);
    registry_put_series_locked(registry, id, fingerprint, list, values);
    registration_series(registration, id, fingerprint, list, values, (uint32_t)count);
    return id;
}

hash128 registry_identify(const struct registry *registry, const label *pairs, size_t count, struct writer *scratch)
{
    scratch->count = 0;
    labels_write(pairs, count, scratch);
    return hash_keyed(&registry->secret, scratch->data, scratch->count);
}

void registry_write_lock(struct registry *registry)
{
    pthread_rwlock_wrlock(&registry->lock);
}

void registry_write_unlock(struct registry *registry)
{
    pthread_rwlock_unlock(&registry->lock);
}

uint32_t registry_add_locked(struct registry *registry, const label *pairs, size_t count, hash128 fingerprint,
                             hash128 raw, bool may_add, struct writer *registration)
{
    uint32_t id = registry_lookup_locked(registry, fingerprint);

    if (id == SERIES_NONE && may_add) id = add_series(registry, pairs, count, fingerprint, registration);
    if (id != SERIES_NONE) remember_spelling(registry, raw, id);
    return id;
}

hash128 registry_fingerprint(const struct registry *registry, uint32_t series)
{
    return series_at(registry, series)->fingerprint;
}

struct series_labels registry_labels(const struct registry *registry, uint32_t series)
{
    uint32_t word = series_at(registry, series)->labels;

    if (word == 0) return (struct series_labels){0};
    const uint32_t *words = words_at(registry, word);
    const struct list *list = list_at(registry, words[0]);
    return (struct series_labels){words[0], list->count, list->names, words + 1};
}

uint32_t registry_name_count(const struct registry *registry)
{
    return registry->name_count;
}

str registry_name(const struct registry *registry, uint32_t name)
{
    return name_at(registry, name)->text;
}

uint32_t registry_value_count(const struct registry *registry, uint32_t name)
{
    return name_at(registry, name)->value_count;
}

str registry_value(const struct registry *registry, uint32_t name, uint32_t value)
{
    const struct value *v = value_at(name_at(registry, name), value);
    return str_make(v->text, v->len);
}

uint32_t registry_list_count(const struct registry *registry)
{
    return registry->list_count;
}

const uint32_t *registry_list(const struct registry *registry, uint32_t list, uint32_t *count)
{
    const struct list *l = list_at(registry, list);

    *count = l->names ? l->count : 0;
    return l->names;
}

uint32_t registry_posting_count(const struct registry *registry, uint32_t name, uint32_t value)
{
    return value_at(name_at(registry, name), value)->count;
}

uint64_t registry_name_bytes(const struct registry *registry, uint32_t name)
{
    return name_at(registry, name)->text_bytes;
}
