/* Sets of series ordinals, on CRoaring (Lemire et al., "Roaring Bitmaps: Implementation of an Optimized Software
 * Library", 2018).
 *
 * A set is owned by whoever made it; operations change their first operand in place. NULL is the empty set wherever a
 * set is read.
 */
#ifndef VARVE_STORAGE_POSTINGS_H
#define VARVE_STORAGE_POSTINGS_H

#include "storage/base/bytes.h"

struct postings;

struct postings *postings_new(void);
struct postings *postings_from_sorted(const uint32_t *ordinals, size_t count);
struct postings *postings_range(uint32_t count); /* 0 … count - 1 */
struct postings *postings_copy(const struct postings *set);
void postings_free(struct postings *set); /* NULL is fine */

void postings_add(struct postings *set, const uint32_t *ordinals, size_t count);
void postings_add_range(struct postings *set, uint32_t first, uint32_t last); /* both included */
void postings_intersect(struct postings *set, const struct postings *other);
void postings_union(struct postings *set, const struct postings *other);
void postings_subtract(struct postings *set, const struct postings *other);

uint64_t postings_count(const struct postings *set);
bool postings_has(const struct postings *set, uint32_t ordinal);
bool postings_meets(const struct postings *a, const struct postings *b); /* have a common member */

/* All members, rising, into out (room for postings_count of them). */
void postings_to_array(const struct postings *set, uint32_t *out);

/* The form on disk: a byte that says how, then the rising ordinals as varint gaps (few) or Roaring's portable format.
 */
void postings_encode(const uint32_t *ordinals, size_t count, struct writer *out);

/* Adds an encoded set to `set`; false if it is malformed or holds an ordinal from `end` on. */
bool postings_decode(str encoded, uint32_t end, struct postings *set);

#endif
