/* What the files of the registry share: its structures and the ways in which something comes to be.
 *
 * Words. Label lists and posting blocks are runs of 32-bit words in one paged array, named by the index of their first
 * word. A series' labels are [list id, value ids…]. Postings of a value: the first series id is in the value itself;
 * the others are in a chain of blocks [next block, ids…] of 4, 8, … 1,024 ids. Nothing is ever moved.
 */
#ifndef VARVE_TSDB_REGISTRY_INTERNAL_H
#define VARVE_TSDB_REGISTRY_INTERNAL_H

#include "storage/base/map.h"
#include "storage/base/paged.h"
#include "storage/base/vec.h"
#include "tsdb/registry.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    POSTING_BLOCK_MIN = 4,
    POSTING_BLOCK_MAX = 1024,
    ALIASES_PER_SERIES = 2, /* spellings remembered beside the canonical one */
    SLOTS_AHEAD = 16        /* places in tables that are asked for before they are looked at */
};

struct registered {
    hash128 fingerprint;
    uint32_t labels;       /* word; 0: a hole */
    _Atomic uint32_t next; /* the series that followed it in the last request */
};

struct value {
    const char *text; /* NULL: a hole */
    uint32_t len;
    _Atomic uint32_t count; /* of series; stored after what it counts */
    uint32_t first;         /* series id, if count > 0 */
    uint32_t blocks, tail;  /* words of the first and the newest posting block, if count > 1 */
};

/* Series that have a name, as runs of ids. */
struct run {
    uint32_t first, last;
};

struct name {
    str text; /* data is NULL: a hole */
    _Atomic uint32_t value_count;
    uint32_t values_known; /* value_count without the holes */
    uint32_t values_saved;
    _Atomic uint64_t text_bytes;
    struct paged values;
    struct map value_map;
    vec(struct run) series;
    uint32_t *sorted; /* the first sorted_count value ids by text; guarded by sort_mutex */
    uint32_t sorted_count;
};

struct list {
    uint32_t *names; /* NULL: a hole */
    uint32_t count;
};

struct alias {
    hash128 hash;
    uint32_t series;
};

struct registry {
    /* constant */
    struct index index;
    struct hash_secret secret;
    uint32_t number;
    _Atomic uint32_t references;

    /* Guarded by lock. Items of paged arrays below their count are read without it: they don't change, but for the
     * postings of a value, which grow before its count does. */
    pthread_rwlock_t lock;
    struct arena text;
    struct account account;       /* of the text */
    _Atomic uint64_t table_bytes; /* of everything else */
    struct paged words;
    uint32_t word_count;
    struct paged series;
    _Atomic uint32_t series_count;
    struct map series_map;
    struct map alias_map;
    vec(struct alias) aliases;
    struct paged names, lists;
    _Atomic uint32_t name_count, list_count, pair_count;
    struct map name_map, list_map;
    uint32_t names_saved, lists_saved, series_saved;
    bool is_loading; /* what finds values and series is not there yet */

    pthread_mutex_t sort_mutex; /* guards the sorted arrays of names */
};

static inline struct registered *series_at(const struct registry *registry, uint32_t id)
{
    return paged_at(&registry->series, id);
}

static inline struct name *name_at(const struct registry *registry, uint32_t id)
{
    return paged_at(&registry->names, id);
}

static inline struct value *value_at(const struct name *name, uint32_t id)
{
    return paged_at(&name->values, id);
}

static inline struct list *list_at(const struct registry *registry, uint32_t id)
{
    return paged_at(&registry->lists, id);
}

static inline uint32_t *words_at(const struct registry *registry, uint32_t word)
{
    return paged_at(&registry->words, word);
}

extern const struct index_class registry_index_class;

uint32_t registry_find_name_locked(const struct registry *registry, str name);
uint32_t registry_find_value_locked(const struct name *name, str value);

/* The id of a fingerprint, among canonical spellings and aliases, or SERIES_NONE. */
uint32_t registry_lookup_locked(const struct registry *registry, hash128 hash);

/* Makes something under an id that is given: new things take the next id, replay what it reads. What they refer to
 * exists. */
void registry_put_name_locked(struct registry *registry, uint32_t id, str text);
void registry_put_value_locked(struct registry *registry, struct name *name, uint32_t id, str text);
void registry_put_list_locked(struct registry *registry, uint32_t id, const uint32_t *names, uint32_t count);

/* A fingerprint of zeros is made from the labels; while a registry is being loaded, at the end. */
void registry_put_series_locked(struct registry *registry, uint32_t id, hash128 fingerprint, uint32_t list,
                                const uint32_t *values);

/* Adds the ids from `id` on to a value; the series from `first` to `last` have the name. */
void registry_add_postings(struct registry *registry, struct value *value, uint32_t id, uint32_t ids);
void registry_add_run(struct registry *registry, struct name *name, uint32_t first, uint32_t last);

/* Of a series whose labels are known; zeros stand for none. */
hash128 registry_make_fingerprint(const struct registry *registry, uint32_t id);

static inline bool registry_is_fingerprint(hash128 fingerprint)
{
    return fingerprint.low || fingerprint.high;
}

static inline uint64_t registry_text_hash(str text)
{
    return hash_bytes(text.data, text.len);
}

static inline void registry_count_bytes(struct registry *registry, uint64_t bytes)
{
    if (bytes) atomic_fetch_add_explicit(&registry->table_bytes, bytes, memory_order_relaxed);
}

/* Entries of a registration. */
void registration_name(struct writer *out, uint32_t id, str text);
void registration_value(struct writer *out, uint32_t name, uint32_t id, str text);
void registration_list(struct writer *out, uint32_t id, const uint32_t *names, uint32_t count);
void registration_series(struct writer *out, uint32_t id, hash128 fingerprint, uint32_t list, const uint32_t *values,
                         uint32_t count);

/* Where posting number `index` (from 1 on) of a value lies in its chain: the size of the block, its place there. */
uint32_t registry_posting_block(uint32_t index, uint32_t *offset);

#endif
