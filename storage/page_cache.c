/* Verified pages in memory; see page_cache.h. */
#include "storage/page_cache.h"

#include "storage/base/hash.h"
#include "storage/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SHARDS = 16, BUCKETS_MIN = 64 };

struct entry {
    struct page page; /* first: a page handed out is its entry */
    const void *owner;
    uint64_t offset;
    struct entry *next; /* in its bucket */
    struct shard *shard;
    _Atomic uint32_t references;
    _Atomic bool used; /* since the hand passed */
};

struct shard {
    pthread_mutex_t mutex; /* guards all below */
    struct entry **buckets;
    size_t bucket_count, count;
    size_t hand; /* bucket where the next sweep begins */
    uint64_t bytes, bytes_max;
};

struct page_cache {
    struct shard shards[SHARDS];
};

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof *entry + entry->page.bytes;
}

static struct shard *shard_of(struct page_cache *cache, const void *owner, uint64_t offset, uint64_t *hash)
{
    *hash = hash_mix((uint64_t)(uintptr_t)owner, offset);
    return &cache->shards[*hash % SHARDS];
}

struct page_cache *page_cache_new(uint64_t bytes_max)
{
    struct page_cache *cache = memory_zalloc(sizeof *cache);

    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&cache->shards[i].mutex, NULL);
        cache->shards[i].bytes_max = bytes_max / SHARDS;
    }
    return cache;
}

static void remove_entry_locked(struct shard *shard, struct entry **link)
{
    struct entry *entry = *link;

    assert(atomic_load(&entry->references) == 0);
    *link = entry->next;
    shard->count--;
    shard->bytes -= entry_bytes(entry);
    metric_add(&metric_page_cache_bytes, -(int64_t)entry_bytes(entry));
    free((void *)(uintptr_t)entry->page.data);
    free(entry);
}

void page_cache_free(struct page_cache *cache)
{
    if (!cache) return;
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        for (size_t b = 0; b < shard->bucket_count; b++) {
            while (shard->buckets[b]) remove_entry_locked(shard, &shard->buckets[b]);
        }
        free(shard->buckets);
        pthread_mutex_destroy(&shard->mutex);
    }
    free(cache);
}

static struct entry *find_locked(struct shard *shard, const void *owner, uint64_t offset, uint64_t hash)
{
    if (shard->bucket_count == 0) return NULL;
    for (struct entry *e = shard->buckets[hash / SHARDS % shard->bucket_count]; e; e = e->next) {
        if (e->owner != owner || e->offset != offset) continue;
        atomic_fetch_add(&e->references, 1);
        atomic_store(&e->used, true);
        return e;
    }
    return NULL;
}

const struct page *page_cache_find(struct page_cache *cache, const void *owner, uint64_t offset)
{
    uint64_t hash;
    struct shard *shard = shard_of(cache, owner, offset, &hash);

    pthread_mutex_lock(&shard->mutex);
    struct entry *entry = find_locked(shard, owner, offset, hash);
    pthread_mutex_unlock(&shard->mutex);
    return entry ? &entry->page : NULL;
}

static void grow_locked(struct shard *shard)
{
    size_t count = shard->bucket_count ? 2 * shard->bucket_count : BUCKETS_MIN;
    struct entry **buckets = memory_zalloc(count * sizeof *buckets);

    for (size_t b = 0; b < shard->bucket_count; b++) {
        while (shard->buckets[b]) {
            struct entry *entry = shard->buckets[b];
            shard->buckets[b] = entry->next;
            struct entry **to = &buckets[hash_mix((uint64_t)(uintptr_t)entry->owner, entry->offset) / SHARDS % count];
            entry->next = *to;
            *to = entry;
        }
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->bucket_count = count;
}

/* Two turns at most: the first may only take the marks away. */
static void evict_locked(struct shard *shard)
{
    for (size_t steps = 0; shard->bytes > shard->bytes_max && steps < 2 * shard->bucket_count; steps++) {
        shard->hand = (shard->hand + 1) % shard->bucket_count;
        struct entry **link = &shard->buckets[shard->hand];
        while (*link) {
            if (atomic_load(&(*link)->references) == 0 && !atomic_exchange(&(*link)->used, false)) {
                remove_entry_locked(shard, link);
            } else {
                link = &(*link)->next;
            }
        }
    }
}

const struct page *page_cache_add(struct page_cache *cache, const void *owner, uint64_t offset, uint8_t *take_data,
                                  uint32_t bytes)
{
    uint64_t hash;
    struct shard *shard = shard_of(cache, owner, offset, &hash);

    pthread_mutex_lock(&shard->mutex);
    struct entry *entry = find_locked(shard, owner, offset, hash);
    if (entry) {
        free(take_data);
    } else {
        if (shard->count >= shard->bucket_count) grow_locked(shard);
        entry = memory_zalloc(sizeof *entry);
        entry->page = (struct page){take_data, bytes};
        entry->owner = owner;
        entry->offset = offset;
        entry->shard = shard;
        atomic_init(&entry->references, 1);
        struct entry **to = &shard->buckets[hash / SHARDS % shard->bucket_count];
        entry->next = *to;
        *to = entry;
        shard->count++;
        shard->bytes += entry_bytes(entry);
        metric_add(&metric_page_cache_bytes, (int64_t)entry_bytes(entry));
        evict_locked(shard);
    }
    pthread_mutex_unlock(&shard->mutex);
    return &entry->page;
}

void page_cache_drop(struct page_cache *cache, const void *owner)
{
    for (int i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        pthread_mutex_lock(&shard->mutex);
        for (size_t b = 0; b < shard->bucket_count; b++) {
            for (struct entry **link = &shard->buckets[b]; *link;) {
                if ((*link)->owner == owner) {
                    remove_entry_locked(shard, link);
                } else {
                    link = &(*link)->next;
                }
            }
        }
        pthread_mutex_unlock(&shard->mutex);
    }
}

void page_release(const struct page *page)
{
    if (!page) return;
    struct entry *entry = (struct entry *)(uintptr_t)page;
    uint32_t before = atomic_fetch_sub(&entry->references, 1);
    assert(before > 0);
    (void)before;
}
