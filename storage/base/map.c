/* An index from hashes to ids; see map.h. */
#include "storage/base/map.h"

#include "storage/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 16 };

/* At most 4/5 of the slots are used: probes stay short and a free slot always ends them. */
static uint32_t capacity_for(uint32_t count)
{
    uint64_t capacity = (uint64_t)count + count / 4 + 1;
    assert(capacity < UINT32_MAX);
    return capacity < CAPACITY_MIN ? CAPACITY_MIN : (uint32_t)capacity;
}

static void place(struct map *map, uint64_t slot)
{
    uint32_t at = map_home_(map, (uint32_t)(slot >> 32));

    while (map->slots[at] != 0) {
        if (++at == map->capacity) at = 0;
    }
    map->slots[at] = slot;
}

static void rehash(struct map *map, uint32_t capacity)
{
    size_t bytes = (size_t)capacity * sizeof(uint64_t);
    struct map bigger = {memory_alloc(bytes), capacity, map->count};

    memset(bigger.slots, 0, bytes); /* not zeroed by the system, where slots would be read before they are written to */
    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->slots[i]) place(&bigger, map->slots[i]);
    }
    free(map->slots);
    *map = bigger;
}

void map_release(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

void map_reserve(struct map *map, uint32_t count)
{
    uint32_t capacity = capacity_for(count);
    if (capacity > map->capacity) rehash(map, capacity);
}

void map_add(struct map *map, uint64_t hash, uint32_t id)
{
    assert(id != MAP_NONE);
    if (capacity_for(map->count + 1) > map->capacity) rehash(map, capacity_for(map->count + map->count / 2 + 8));
    place(map, (hash & 0xFFFFFFFF00000000ULL) | (uint64_t)(id + 1));
    map->count++;
}

size_t map_bytes(const struct map *map)
{
    return (size_t)map->capacity * sizeof(uint64_t);
}

_Bool map_valid(const struct map *map)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < map->capacity; i++) {
        if (map->slots[i] == 0) continue;
        used++;
        /* No free slot lies between an entry and its home. */
        for (uint32_t at = map_home_(map, (uint32_t)(map->slots[i] >> 32)); at != i; at = (at + 1) % map->capacity) {
            if (map->slots[at] == 0) return 0;
        }
    }
    return used == map->count && (map->count == 0 || used < map->capacity);
}
