/* The file `state`: what exists in the data folder.
 *
 * It is written whole, synced and renamed, so each change of what exists is one rename. Files are complete and durable
 * before it names them, and are removed after it has forgotten them. It is text, one fact a line, the checksum last:
 *
 *     varve state 3
 *     next 17                      the number for the next file
 *     secret <384 hex digits>      key of the series' fingerprints
 *     block 12 1700000000000 1700007200000
 *                                  with the times of its first and last sample, to say what is missing if it is damaged
 *     registry 9 40960             with the bytes of its file that count
 *     head 15 9                    a head that is live or not yet a block, and its registry
 *     tombstone 16 15 0 1700000000000 1700010000000 1700096400000 {"__name__"="up"}
 *                                  its number, the last head it touches, first and last time, when it was made and when
 *                                  its samples are to be purged, matchers (tombstones.h)
 *     checksum <16 hex digits>     XXH3 of all lines before
 *
 * Version 1 had no tombstones; it is read.
 */
#ifndef VARVE_TSDB_STATE_H
#define VARVE_TSDB_STATE_H

#include "storage/base/hash.h"
#include "storage/base/vec.h"
#include "storage/fs.h"
#include "tsdb/tombstones.h"

struct state_block {
    uint32_t number;
    int64_t min_ms, max_ms;
};

struct state_head {
    uint32_t number, registry;
};

struct state_registry {
    uint32_t number;
    uint64_t bytes;
};

struct state {
    uint32_t next;
    struct hash_secret secret;
    vec(struct state_block) blocks; /* in the order they came to be */
    vec(struct state_head) heads;
    vec(struct state_registry) registries;
    struct tombstones *tombstones; /* referenced; NULL if there are none */
};

void state_release(struct state *state);

/* An independent copy. */
struct state state_copy(const struct state *state);

/* NOT_FOUND if there is none, CORRUPT if it does not match its checksum or form. */
status state_load(struct fs *fs, struct state *out);
status state_save(struct fs *fs, const struct state *state);

/* The same with a file of another name: a copy of the state elsewhere in the folder. */
status state_load_from(struct fs *fs, const char *name, struct state *out);
status state_save_to(struct fs *fs, const char *name, const struct state *state);

/* The state as it was when the tombstones last changed: if `state` is lost, deleted samples must not come back. */
#define STATE_TOMBSTONES "tombstones"

void state_drop_block(struct state *state, uint32_t number);
void state_drop_head(struct state *state, uint32_t number);

/* Puts another set in the place of the tombstones; the reference becomes the state's. */
void state_set_tombstones(struct state *state, struct tombstones *take_tombstones);

/* The registry's entry, made if `make`, else NULL where there is none. */
struct state_registry *state_registry(struct state *state, uint32_t number, bool make);

/* Forgets registries that no head has. */
void state_drop_unused_registries(struct state *state);

#endif
