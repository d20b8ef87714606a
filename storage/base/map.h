/* An index from 64-bit hashes to 32-bit ids.
 *
 * Keys live with their owner, so the caller compares: the map yields the candidates of a hash one after the other.
 *
 *     struct map_cursor c;
 *     for (uint32_t id = map_find(&map, hash, &c); id != MAP_NONE; id = map_next(&map, &c))
 *         if (str_equal(names[id], name)) return id;
 *     map_add(&map, hash, new_id);
 *
 * Open addressing with linear probing in 8-byte slots (the hash's upper half, id + 1; 0 is free). A slot's home is
 * proportional to the hash, so growing is one sequential pass that never looks at a key. Nothing is ever removed. About
 * 12 bytes an entry. One thread writes while nobody reads; many threads may read.
 */
#ifndef VARVE_STORAGE_BASE_MAP_H
#define VARVE_STORAGE_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#define MAP_NONE UINT32_MAX

struct map {
    uint64_t *slots;
    uint32_t capacity;
    uint32_t count;
};

struct map_cursor {
    uint32_t slot, tag;
};

/* A zeroed map is empty and valid. */
void map_release(struct map *map);

/* Room for `count` entries in all without growing. */
void map_reserve(struct map *map, uint32_t count);

/* Adds an entry; ids are below MAP_NONE. Equal hashes may be added many times. */
void map_add(struct map *map, uint64_t hash, uint32_t id);

/* Bytes held. */
size_t map_bytes(const struct map *map);

/* Every structural rule holds (for asserts and tests; looks at each slot). */
_Bool map_valid(const struct map *map);

static inline uint32_t map_home_(const struct map *map, uint32_t tag)
{
    return (uint32_t)((uint64_t)tag * map->capacity >> 32);
}

static inline uint32_t map_probe_(const struct map *map, struct map_cursor *c)
{
    for (;;) {
        uint64_t slot = map->slots[c->slot];
        if (slot == 0) return MAP_NONE;
        if (++c->slot == map->capacity) c->slot = 0;
        if ((uint32_t)(slot >> 32) == c->tag) return (uint32_t)slot - 1;
    }
}

/* First candidate for the hash, or MAP_NONE. */
static inline uint32_t map_find(const struct map *map, uint64_t hash, struct map_cursor *c)
{
    c->tag = (uint32_t)(hash >> 32);
    c->slot = map_home_(map, c->tag);
    if (map->count == 0) return MAP_NONE;
    return map_probe_(map, c);
}

/* The candidate after the one found last, or MAP_NONE. */
static inline uint32_t map_next(const struct map *map, struct map_cursor *c)
{
    return map_probe_(map, c);
}

/* Asks for the cache line that map_find will read first. */
static inline void map_prefetch(const struct map *map, uint64_t hash)
{
    if (map->capacity) __builtin_prefetch(&map->slots[map_home_(map, (uint32_t)(hash >> 32))]);
}

#endif
