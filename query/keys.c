/* Dense ids for sequences of words; see keys.h. */
#include "query/keys.h"

#include "storage/base/hash.h"

#include <string.h>

void keys_init(struct keys *keys, struct account *account)
{
    *keys = (struct keys){.account = account};
}

void keys_release(struct keys *keys)
{
    account_return(keys->account, keys->charged_bytes);
    map_release(&keys->map);
    vec_release(&keys->words);
    vec_release(&keys->ends);
    *keys = (struct keys){0};
}

const uint32_t *keys_words(const struct keys *keys, uint32_t id, uint32_t *count)
{
    uint32_t first = id ? keys->ends.data[id - 1] : 0;

    *count = keys->ends.data[id] - first;
    return *count ? keys->words.data + first : keys->words.data; /* of empty ones alone there are no words */
}

static uint64_t hash_words(const uint32_t *words, uint32_t count)
{
    uint64_t hash = count;

    for (uint32_t i = 0; i < count; i++) hash = hash_mix(hash, words[i]);
    return hash;
}

static void charge_growth(struct keys *keys)
{
    size_t bytes = map_bytes(&keys->map) + (keys->words.capacity + keys->ends.capacity) * sizeof(uint32_t);

    if (bytes > keys->charged_bytes) {
        account_charge(keys->account, bytes - keys->charged_bytes);
        keys->charged_bytes = bytes;
    }
}

uint32_t keys_add(struct keys *keys, const uint32_t *words, uint32_t count)
{
    uint64_t hash = hash_words(words, count);
    struct map_cursor cursor = {0};

    for (uint32_t id = map_find(&keys->map, hash, &cursor); id != MAP_NONE; id = map_next(&keys->map, &cursor)) {
        uint32_t known_count;
        const uint32_t *known = keys_words(keys, id, &known_count);
        if (known_count == count && (count == 0 || memcmp(known, words, count * sizeof *words) == 0)) return id;
    }
    uint32_t id = keys_count(keys);
    vec_reserve(&keys->words, count);
    if (count) memcpy(keys->words.data + keys->words.count, words, count * sizeof *words);
    keys->words.count += count;
    vec_push(&keys->ends, (uint32_t)keys->words.count);
    map_add(&keys->map, hash, id);
    charge_growth(keys);
    return id;
}
