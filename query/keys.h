/* Dense ids for sequences of words: label values or pairs that group or join rows.
 *
 * Equal sequences get equal ids, counted from 0 in the order of their first appearance. Used while shapes are made, by
 * one thread.
 */
#ifndef VARVE_QUERY_KEYS_H
#define VARVE_QUERY_KEYS_H

#include "storage/base/map.h"
#include "storage/base/memory.h"
#include "storage/base/vec.h"

struct keys {
    struct map map;
    vec(uint32_t) words;
    vec(uint32_t) ends; /* of each key in words */
    struct account *account;
    size_t charged_bytes;
};

void keys_init(struct keys *keys, struct account *account);
void keys_release(struct keys *keys);

/* The id of a sequence, new if it was never seen. */
uint32_t keys_add(struct keys *keys, const uint32_t *words, uint32_t count);

static inline uint32_t keys_count(const struct keys *keys)
{
    return (uint32_t)keys->ends.count;
}

/* The words of a key. */
const uint32_t *keys_words(const struct keys *keys, uint32_t id, uint32_t *count);

#endif
