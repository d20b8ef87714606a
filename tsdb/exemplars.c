/* Exemplars; see exemplars.h. */
#include "tsdb/exemplars.h"

#include "storage/base/hash.h"
#include "storage/base/vec.h"

#include <pthread.h>

enum { BUCKETS = 1 << 14 };

struct entry {
    struct entry *next;          /* of all, the one that came after */
    struct entry *older, *newer; /* of its series */
    struct series *series;
    struct exemplar exemplar; /* its labels lie behind the entry */
};

struct series {
    struct series *next; /* in its bucket */
    struct entry *oldest, *newest;
    uint64_t hash;
    labels labels; /* canonical, behind the series */
};

struct exemplars {
    uint64_t bytes_max, seed; /* constant */
    pthread_mutex_t mutex;
    /* guarded by mutex */
    struct series **buckets;
    struct entry *first, *last;
    uint64_t bytes;
};

struct exemplars *exemplars_new(uint64_t bytes_max)
{
    struct exemplars *exemplars = memory_zalloc(sizeof *exemplars);
    struct hash_secret secret;

    hash_secret_make(&secret);
    exemplars->bytes_max = bytes_max;
    exemplars->seed = load_u64(secret.bytes);
    exemplars->buckets = memory_zalloc(BUCKETS * sizeof *exemplars->buckets);
    pthread_mutex_init(&exemplars->mutex, NULL);
    return exemplars;
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->exemplar.labels.len;
}

static size_t series_bytes(const struct series *series)
{
    return sizeof *series + series->labels.bytes.len;
}

static void remove_series(struct exemplars *exemplars, struct series *series)
{
    struct series **place = &exemplars->buckets[series->hash % BUCKETS];

    while (*place != series) place = &(*place)->next;
    *place = series->next;
    exemplars->bytes -= series_bytes(series);
    free(series);
}

/* The first of all is also the oldest of its series. */
static void remove_first(struct exemplars *exemplars)
{
    struct entry *entry = exemplars->first;
    struct series *series = entry->series;

    assert(series->oldest == entry);
    exemplars->first = entry->next;
    if (!exemplars->first) exemplars->last = NULL;
    series->oldest = entry->newer;
    if (entry->newer) entry->newer->older = NULL;
    exemplars->bytes -= entry_bytes(entry);
    free(entry);
    if (!series->oldest) remove_series(exemplars, series);
}

void exemplars_free(struct exemplars *exemplars)
{
    if (!exemplars) return;
    while (exemplars->first) remove_first(exemplars);
    assert(exemplars->bytes == 0);
    pthread_mutex_destroy(&exemplars->mutex);
    free(exemplars->buckets);
    free(exemplars);
}

static struct series *find_series(struct exemplars *exemplars, str bytes, uint64_t hash)
{
    struct series *series = exemplars->buckets[hash % BUCKETS];

    while (series && !(series->hash == hash && str_equal(series->labels.bytes, bytes))) series = series->next;
    return series;
}

static struct series *add_series(struct exemplars *exemplars, str bytes, uint64_t hash)
{
    struct series *series = memory_alloc(sizeof *series + bytes.len);
    struct series **place = &exemplars->buckets[hash % BUCKETS];

    memcpy(series + 1, bytes.data, bytes.len);
    *series = (struct series){.next = *place, .hash = hash, .labels = {{(const char *)(series + 1), bytes.len}}};
    *place = series;
    exemplars->bytes += series_bytes(series);
    return series;
}

static void add_entry(struct exemplars *exemplars, struct series *series, const struct exemplar *exemplar, str sorted)
{
    struct entry *entry = memory_alloc(sizeof *entry + sorted.len);

    if (sorted.len) memcpy(entry + 1, sorted.data, sorted.len);
    *entry = (struct entry){.older = series->newest, .series = series, .exemplar = *exemplar};
    entry->exemplar.labels = str_make((const char *)(entry + 1), sorted.len);
    if (series->newest) {
        series->newest->newer = entry;
    } else {
        series->oldest = entry;
    }
    series->newest = entry;
    if (exemplars->last) {
        exemplars->last->next = entry;
    } else {
        exemplars->first = entry;
    }
    exemplars->last = entry;
    exemplars->bytes += entry_bytes(entry);
}

static size_t characters(str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* The labels of an exemplar in canonical form; false if it may not have them. */
static bool canonical_labels(str raw, struct writer *out)
{
    label pairs[EXEMPLAR_CHARACTERS_MAX], pair; /* each has a character at least */
    size_t count = 0, length = 0;

    while (labels_next(&raw, &pair)) {
        length += characters(pair.name) + characters(pair.value);
        if (pair.name.len == 0 || length > EXEMPLAR_CHARACTERS_MAX) return false;
        if (!str_is_utf8(pair.name) || !str_is_utf8(pair.value)) return false;
        if (pair.value.len) pairs[count++] = pair;
    }
    if (raw.len) return false;
    labels_sort(pairs, count);
    for (size_t i = 1; i < count; i++) {
        if (str_equal(pairs[i - 1].name, pairs[i].name)) return false;
    }
    labels_write(pairs, count, out);
    return true;
}

static bool same(const struct exemplar *a, const struct exemplar *b, str b_labels)
{
    return a->time_ms == b->time_ms && double_bits(a->value) == double_bits(b->value) && str_equal(a->labels, b_labels);
}

static enum exemplar_outcome add_locked(struct exemplars *exemplars, str series_labels, const struct exemplar *exemplar,
                                        str sorted)
{
    uint64_t hash = hash_seeded(series_labels.data, series_labels.len, exemplars->seed);
    struct series *series = find_series(exemplars, series_labels, hash);

    if (series) {
        const struct entry *entry = series->newest;
        while (entry && entry->exemplar.time_ms >= exemplar->time_ms && !same(&entry->exemplar, exemplar, sorted))
            entry = entry->older;
        if (entry && entry->exemplar.time_ms >= exemplar->time_ms) return EXEMPLAR_REPEATED;
        if (series->newest->exemplar.time_ms > exemplar->time_ms) return EXEMPLAR_OUT_OF_ORDER;
    } else {
        series = add_series(exemplars, series_labels, hash);
    }
    add_entry(exemplars, series, exemplar, sorted);
    while (exemplars->bytes > exemplars->bytes_max) remove_first(exemplars);
    return EXEMPLAR_STORED;
}

enum exemplar_outcome exemplars_add(struct exemplars *exemplars, str series, const struct exemplar *exemplar)
{
    static const struct label_limits none;
    enum exemplar_outcome outcome = EXEMPLAR_INVALID;
    struct arena arena = {0};
    struct writer canonical = {0}, sorted = {0};
    label *pairs;
    size_t count;

    if (exemplars->bytes_max == 0) return EXEMPLAR_STORED;
    if (canonical_labels(exemplar->labels, &sorted) && !failed(labels_parse(series, &none, &pairs, &count, &arena))) {
        labels_write(pairs, count, &canonical);
        pthread_mutex_lock(&exemplars->mutex);
        outcome = add_locked(exemplars, str_make((const char *)canonical.data, canonical.count), exemplar,
                             str_make((const char *)sorted.data, sorted.count));
        pthread_mutex_unlock(&exemplars->mutex);
    }
    writer_release(&canonical);
    writer_release(&sorted);
    arena_release(&arena);
    return outcome;
}

uint64_t exemplars_bytes(struct exemplars *exemplars)
{
    pthread_mutex_lock(&exemplars->mutex);
    uint64_t bytes = exemplars->bytes;
    pthread_mutex_unlock(&exemplars->mutex);
    return bytes;
}

void exemplars_encode(str series, const struct exemplar *exemplar, struct writer *out)
{
    writer_str(out, series);
    writer_str(out, exemplar->labels);
    writer_u64(out, double_bits(exemplar->value));
    writer_signed(out, exemplar->time_ms);
}

bool exemplars_apply(struct exemplars *exemplars, const uint8_t *bytes, size_t size)
{
    struct reader in = reader_make(bytes, size);

    while (reader_left(&in) > 0) {
        str series = reader_str(&in);
        struct exemplar exemplar = {.labels = reader_str(&in)};
        exemplar.value = double_from_bits(reader_u64(&in));
        exemplar.time_ms = reader_signed(&in);
        if (reader_failed(&in) || exemplars_add(exemplars, series, &exemplar) == EXEMPLAR_INVALID) return false;
    }
    return true;
}

static int compare_series(const void *a, const void *b)
{
    const struct exemplar_series *x = a, *y = b;

    return labels_compare(x->pairs, x->pair_count, y->pairs, y->pair_count);
}

static int compare_exemplars(const void *a, const void *b)
{
    const struct exemplar *x = a, *y = b;
    uint64_t left = double_bits(x->value), right = double_bits(y->value);

    if (x->time_ms != y->time_ms) return x->time_ms < y->time_ms ? -1 : 1;
    if (left != right) return left < right ? -1 : 1;
    return str_compare(x->labels, y->labels);
}

/* One series of several with the same labels. */
static struct exemplar_series join_series(const struct exemplar_series *parts, size_t count, struct arena *arena)
{
    struct exemplar_series joined = parts[0];
    size_t total = 0, kept = 0;

    for (size_t i = 0; i < count; i++) total += parts[i].count;
    struct exemplar *all = arena_array(arena, struct exemplar, total);
    total = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + total, parts[i].exemplars, parts[i].count * sizeof *all);
        total += parts[i].count;
    }
    qsort(all, total, sizeof *all, compare_exemplars);
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || compare_exemplars(&all[kept - 1], &all[i]) != 0) all[kept++] = all[i];
    }
    joined.exemplars = all;
    joined.count = kept;
    return joined;
}

void exemplars_join(exemplar_list *list, struct arena *arena)
{
    size_t kept = 0;

    if (list->count == 0) return;
    qsort(list->data, list->count, sizeof *list->data, compare_series);
    for (size_t first = 0, end; first < list->count; first = end) {
        for (end = first + 1; end < list->count && compare_series(&list->data[first], &list->data[end]) == 0;) end++;
        list->data[kept++] = end - first > 1 ? join_series(&list->data[first], end - first, arena) : list->data[first];
    }
    list->count = kept;
}

/* Copies what lies in the interval; false if nothing does. */
static bool copy_series(const struct series *series, int64_t from_ms, int64_t to_ms, struct arena *arena,
                        struct exemplar_series *out)
{
    size_t count = 0, pairs = 0;
    label pair;

    for (const struct entry *entry = series->oldest; entry; entry = entry->newer)
        count += entry->exemplar.time_ms >= from_ms && entry->exemplar.time_ms <= to_ms;
    if (count == 0) return false;
    struct exemplar *copies = arena_array(arena, struct exemplar, count);
    *out = (struct exemplar_series){.exemplars = copies};
    for (const struct entry *entry = series->oldest; entry; entry = entry->newer) {
        if (entry->exemplar.time_ms < from_ms || entry->exemplar.time_ms > to_ms) continue;
        copies[out->count] = entry->exemplar;
        copies[out->count++].labels = arena_copy_str(arena, entry->exemplar.labels);
    }
    str text = arena_copy_str(arena, series->labels.bytes);
    for (str rest = text; labels_next(&rest, &pair);) pairs++;
    label *all = arena_array(arena, label, pairs);
    while (labels_next(&text, &all[out->pair_count])) {
        if (++out->pair_count == pairs) break;
    }
    out->pairs = all;
    return true;
}

void exemplars_read(struct exemplars *exemplars, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted, void *context,
                    struct arena *arena, exemplar_list *out)
{
    struct exemplar_series copy;

    pthread_mutex_lock(&exemplars->mutex);
    for (const struct entry *entry = exemplars->first; entry; entry = entry->next) {
        const struct series *series = entry->series;
        if (series->oldest != entry || !wanted(context, series->labels)) continue; /* once for each series */
        if (copy_series(series, from_ms, to_ms, arena, &copy)) vec_push(out, copy);
    }
    pthread_mutex_unlock(&exemplars->mutex);
}
