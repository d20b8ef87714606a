/* The registry: which series there are, by dense ids.
 *
 * Names, values and series get ids 0, 1, 2 … as they come; values are numbered per name. A series is a list of names
 * (few distinct ones, stored once) and one value id for each, so a label is read without touching text. Every (name,
 * value) keeps the ids of its series, which are appended and therefore sorted.
 *
 * A registry is shared by consecutive heads and handed on with its file; it goes as a whole when the last head and the
 * last reader let go. Nothing in it moves or changes once it is there: ids and strings stay valid as long as the
 * registry.
 *
 * Threads: any number of readers; writers exclude each other, and look-ups by text or hash for the moment of adding.
 */
#ifndef VARVE_TSDB_REGISTRY_H
#define VARVE_TSDB_REGISTRY_H

#include "storage/base/hash.h"
#include "tsdb/append.h"
#include "tsdb/index.h"
#include "tsdb/labels.h"

#define SERIES_NONE UINT32_MAX
#define VALUE_NONE  UINT32_MAX

struct registry;

struct registry *registry_new(const struct hash_secret *secret, uint32_t number);
void registry_ref(struct registry *registry);
void registry_unref(struct registry *registry); /* NULL is fine */

/* Number of its file. */
uint32_t registry_number(const struct registry *registry);

/* Ids below this exist; some may be holes where a log was damaged. */
uint32_t registry_series_count(const struct registry *registry);

/* Bytes of memory; cheap. */
uint64_t registry_bytes(const struct registry *registry);

/* Number of distinct (name, value) pairs. */
uint32_t registry_pair_count(const struct registry *registry);

/* Finds the series of raw label fields: ids[i] is the id or SERIES_NONE, hashes[i] what was hashed. *guess carries the
 * expected order from call to call; start with SERIES_NONE. */
void registry_resolve(struct registry *registry, const struct append_series *series, size_t count, hash128 *hashes,
                      uint32_t *ids, uint32_t *guess);

/* Finds series by their fingerprints: ids[i] is the id or SERIES_NONE. */
void registry_find_series(struct registry *registry, const hash128 *fingerprints, size_t count, uint32_t *ids);

/* The fingerprint of sorted, checked pairs. */
hash128 registry_identify(const struct registry *registry, const label *pairs, size_t count, struct writer *scratch);

/* Adding excludes all look-ups: whoever adds must log the registration before giving the lock up, so that nobody can
 * log samples of a series first. */
void registry_write_lock(struct registry *registry);
void registry_write_unlock(struct registry *registry);

/* The series of sorted, checked pairs with this fingerprint, added if it is new and `may_add`. `raw` is the hash of the
 * bytes it came as: later requests find the id by it. What was added is appended to `registration`, in the form
 * registry_apply reads. */
uint32_t registry_add_locked(struct registry *registry, const label *pairs, size_t count, hash128 fingerprint,
                             hash128 raw, bool may_add, struct writer *registration);

/* Makes what a registration says; what exists already is passed over. CORRUPT when it refers to what is not there. */
status registry_apply(struct registry *registry, const uint8_t *registration, size_t bytes);

/* Calls each() for the series that a registration tells of; the registry knows their lists of names. False if the rest
 * can not be read. */
bool registry_each_registered(const struct registry *registry, const uint8_t *registration, size_t bytes,
                              void (*each)(void *context, uint32_t series), void *context);

/* Between the two what registrations say is taken without what finds it: there is no look-up by text, hash or matcher,
 * and nothing is added. The second builds all that at once, faster, while other threads may read labels by id. */
void registry_begin_loading(struct registry *registry);
void registry_end_loading(struct registry *registry);

/* Everything added since the last call, as one registration of at most about bytes_max; empty when all was told. */
void registry_unsaved(struct registry *registry, size_t bytes_max, struct writer *registration);

/* Marks everything as told (after loading). */
void registry_mark_saved(struct registry *registry);

hash128 registry_fingerprint(const struct registry *registry, uint32_t series);

/* A series' labels: its names by their ids, sorted by name as text, and a value id for each. Holes have count 0. */
struct series_labels {
    uint32_t list; /* id of the list of names */
    uint32_t count;
    const uint32_t *names, *values;
};
struct series_labels registry_labels(const struct registry *registry, uint32_t series);

uint32_t registry_name_count(const struct registry *registry);
str registry_name(const struct registry *registry, uint32_t name);
uint32_t registry_value_count(const struct registry *registry, uint32_t name);
str registry_value(const struct registry *registry, uint32_t name, uint32_t value);
uint32_t registry_list_count(const struct registry *registry);
const uint32_t *registry_list(const struct registry *registry, uint32_t list, uint32_t *count);

/* Id of a name, or VALUE_NONE. */
uint32_t registry_find_name(struct registry *registry, str name);
uint32_t registry_find_value(struct registry *registry, uint32_t name, str value);

/* Ids of a name's values in the order of their text, in the arena. The order is kept and completed when there are more.
 */
uint32_t *registry_sorted_values(struct registry *registry, uint32_t name, uint32_t *count, struct arena *arena);

/* Adds the series that have the value, as many as there are at the call, to a set. */
void registry_postings(const struct registry *registry, uint32_t name, uint32_t value, struct postings *set);

/* How many series have the value. */
uint32_t registry_posting_count(const struct registry *registry, uint32_t name, uint32_t value);

/* The registry as a source of series for index_select; valid while the read lock is held. Holes are in no set but that
 * of all series: callers drop them. */
struct index *registry_index(struct registry *registry);

/* Bytes that the values of a name take (for the cardinality report). */
uint64_t registry_name_bytes(const struct registry *registry, uint32_t name);

/* Every structural rule holds (for asserts and tests). */
bool registry_valid(struct registry *registry);

#endif
