/* The map from hashes to ids against a naive list of entries. */
#include "storage/base/map.h"

#include "storage/base/vec.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"

struct entry {
    uint64_t hash;
    uint32_t id;
};

/* Kinds of hashes, from well spread to all the same. Only the upper half of a hash is kept. */
enum spread { SPREAD_WELL, SPREAD_UPPER_BITS, SPREAD_NEIGHBOURS, SPREAD_LAST_SLOTS, SPREAD_EQUAL, SPREADS };

static uint64_t make_hash(enum spread spread, uint64_t *random)
{
    switch (spread) {
    case SPREAD_WELL: return random_next(random);
    case SPREAD_UPPER_BITS: return (uint64_t)random_below(random, 50) << 58;
    case SPREAD_NEIGHBOURS: return (uint64_t)random_below(random, 500) << 32;
    case SPREAD_LAST_SLOTS: return UINT64_MAX - ((uint64_t)random_below(random, 100) << 32);
    default: return 0x1234567812345678;
    }
}

/* The candidates of a hash hold every id that was added under it, each once, and others only where the upper halves of
 * the hashes are the same. */
static void check_candidates(const struct map *map, const struct entry *entries, size_t count, uint64_t hash)
{
    struct map_cursor c;
    size_t expected = 0, found = 0;

    for (size_t i = 0; i < count; i++) expected += entries[i].hash >> 32 == hash >> 32;
    for (uint32_t id = map_find(map, hash, &c); id != MAP_NONE; id = map_next(map, &c)) {
        cr_assert(id < count && entries[id].hash >> 32 == hash >> 32, "id %u is no candidate", id);
        found++;
    }
    cr_assert(found == expected, "%zu candidates, expected %zu", found, expected);
}

Test(map, agrees_with_a_list)
{
    for (int spread = 0; spread < SPREADS; spread++) {
        struct map map = {0};
        vec(struct entry) entries = {0};
        uint64_t random = 5 + (uint64_t)spread;
        uint32_t size = spread == SPREAD_EQUAL ? 300 : 3000;

        if (spread % 2) map_reserve(&map, 100);
        for (uint32_t id = 0; id < size; id++) {
            uint64_t hash = make_hash((enum spread)spread, &random);
            map_prefetch(&map, hash);
            map_add(&map, hash, id);
            vec_push(&entries, (struct entry){hash, id});
            if (id % 500 == 0) cr_assert(map_valid(&map));
        }
        cr_assert(map_valid(&map) && map.count == size);
        for (int i = 0; i < 500; i++) {
            uint64_t hash = i % 2 ? random_next(&random) : entries.data[random_below(&random, entries.count)].hash;
            check_candidates(&map, entries.data, entries.count, hash);
        }
        map_release(&map);
        vec_release(&entries);
    }
}

Test(map, empty)
{
    struct map map = {0};
    struct map_cursor c;

    cr_expect(map_find(&map, 7, &c) == MAP_NONE && map_valid(&map) && map_bytes(&map) == 0);
    map_reserve(&map, 10);
    cr_expect(map_find(&map, 7, &c) == MAP_NONE && map_valid(&map) && map_bytes(&map) > 0);
    map_release(&map);
    cr_expect(map_bytes(&map) == 0 && map_find(&map, 7, &c) == MAP_NONE);
    map_release(&map);
}

Test(map, reserved_room_is_enough)
{
    struct map map = {0};

    for (uint32_t size = 1; size < 3000; size += 1 + size / 7) {
        map_reserve(&map, size);
        size_t bytes = map_bytes(&map);
        for (uint32_t id = map.count; id < size; id++) map_add(&map, (uint64_t)id << 40, id);
        cr_expect(map_bytes(&map) == bytes, "a map with room for %u grew", size);
        map_reserve(&map, size / 2);
        cr_expect(map_bytes(&map) == bytes, "reserving less changes nothing");
    }
    map_release(&map);
}

/* About 12 bytes an entry, as the header says, whatever the number. */
Test(map, is_small)
{
    struct map map = {0};

    for (uint32_t id = 0; id < 100000; id++) {
        map_add(&map, (uint64_t)id * 0x9E3779B97F4A7C15, id);
        cr_assert(id < 1000 || map_bytes(&map) <= (size_t)id * 16, "%zu bytes for %u entries", map_bytes(&map), id);
    }
    map_release(&map);
}

Test(map, largest_id)
{
    struct map map = {0};
    struct map_cursor c;

    map_add(&map, 0, MAP_NONE - 1);
    map_add(&map, UINT64_MAX, 0);
    cr_expect(map_find(&map, 0, &c) == MAP_NONE - 1 && map_next(&map, &c) == MAP_NONE);
    cr_expect(map_find(&map, UINT64_MAX, &c) == 0 && map_valid(&map));
    map_release(&map);
}
