/* Tombstones: which samples were deleted.
 *
 * A tombstone hides the samples of the series that match, in [from, to], of everything that came before it: of heads up
 * to a number and of the blocks made of them. What is sent later is not touched. Until its purge begins it can be taken
 * back; the purge writes the blocks without the samples, and then the tombstone is forgotten.
 *
 * A set of tombstones is immutable and shared by reference; a change makes a new set. NULL is the empty set.
 */
#ifndef VARVE_TSDB_TOMBSTONES_H
#define VARVE_TSDB_TOMBSTONES_H

#include "storage/base/bytes.h"
#include "tsdb/matcher.h"

#include <stdatomic.h>

/* purge_ms of one whose samples are being removed: it can not be taken back any more. */
enum { TOMBSTONE_PURGING = 0 };

struct tombstone {
    uint32_t number;
    uint32_t head_to;       /* heads up to this one are touched */
    int64_t from_ms, to_ms; /* samples in [from, to] are hidden */
    int64_t created_ms, purge_ms;
    const struct matcher *matchers;
    size_t matcher_count;
};

struct tombstones {
    _Atomic uint32_t references;
    struct arena arena; /* of the matchers */
    uint32_t count;
    struct tombstone items[]; /* in the order they were made */
};

void tombstones_ref(struct tombstones *tombstones);   /* NULL is fine */
void tombstones_unref(struct tombstones *tombstones); /* NULL is fine */

static inline uint32_t tombstones_count(const struct tombstones *tombstones)
{
    return tombstones ? tombstones->count : 0;
}

/* The one of that number, or NULL. */
const struct tombstone *tombstones_find(const struct tombstones *tombstones, uint32_t number);

/* A new set: the items for which keep() holds, if it is given, and then the added ones. Matchers are copied and
 * compiled; the error is that of a pattern that does not compile. *out is NULL if nothing is in it. */
status tombstones_make(const struct tombstones *tombstones, bool (*keep)(const struct tombstone *item, void *context),
                       void *context, const struct tombstone *added, size_t added_count, struct tombstones **out);

/* The same items, each as change() leaves its copy. */
struct tombstones *tombstones_change(const struct tombstones *tombstones,
                                     void (*change)(struct tombstone *item, void *context), void *context);

/* Matchers as text, {"__name__"="up","job"=~"a|b"}: each name and value quoted, with \\, \" and \n escaped. */
void matchers_write(const struct matcher *matchers, size_t count, struct writer *out);

/* Reads such a text; false if it is malformed or a pattern does not compile. The matchers lie in the arena. */
bool matchers_read(str text, struct arena *arena, struct matcher **out, size_t *count);

#endif
