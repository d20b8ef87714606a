/* What the files of the snapshot share. */
#ifndef VARVE_TSDB_SNAPSHOT_INTERNAL_H
#define VARVE_TSDB_SNAPSHOT_INTERNAL_H

#include "storage/base/map.h"
#include "tsdb/hidden.h"
#include "tsdb/snapshot.h"
#include "tsdb/view.h"

#include <pthread.h>

/* Translations from a source's ids to those of the snapshot; 0 = not yet made. */
struct name_ids {
    uint32_t name;    /* snapshot id of the name itself */
    uint32_t *values; /* by the source's value id; NULL until one is asked for */
    uint32_t value_count;
};

/* One block, or one registry with the one or two heads that rest on it. */
struct snapshot_source {
    struct block *block; /* NULL for a registry */
    struct registry *registry;
    struct head *heads[2]; /* older first */
    struct horizon horizons[2];
    uint32_t head_count;
    int64_t min_ms, max_ms;
    struct name_ids *names; /* by the source's name id; made for name_count at first use */
    uint32_t name_count;
    struct hidden hidden[2]; /* of the block, or of each head; found at first use */
    bool is_hidden_known;
};

/* A block of which something was left out, with the first reason. */
struct warning {
    uint32_t block;
    char why[STATUS_TEXT_BYTES];
};

struct snapshot {
    struct view *view;
    struct arena arena;
    struct snapshot_source *sources; /* in the order of their heads */
    uint32_t source_count;
    struct map string_map;
    vec(str) strings;

    bool tolerates_damage, met_damage; /* set up by one thread */
    pthread_mutex_t mutex;             /* guards warnings */
    vec(struct warning) warnings;      /* one for each block */
};

/* The snapshot's id of a name or value of a source. */
status snapshot_name_id(struct snapshot *snapshot, struct snapshot_source *source, uint32_t name, uint32_t *out);
status snapshot_value_id(struct snapshot *snapshot, struct snapshot_source *source, uint32_t name, uint32_t value,
                         uint32_t *out);

/* The source's id of a name, or UINT32_MAX. */
status source_find_name(struct snapshot_source *source, str name, uint32_t *out);

/* Ids or ordinals of a source's series that match and may have samples in (from, to], rising, in the snapshot's arena.
 * Where a tombstone touches a series it is looked whether any of its samples are left. */
status source_select(struct snapshot *snapshot, struct snapshot_source *source, const struct select_request *request,
                     uint32_t **out, uint32_t *count);

/* Finds what tombstones hide of the source, if that is not known yet. */
status source_find_hidden(struct snapshot *snapshot, struct snapshot_source *source);

/* Whether tombstones hide anything of the source; expects source_find_hidden. */
static inline bool source_has_hidden(const struct snapshot_source *source)
{
    return source->hidden[0].count || source->hidden[1].count;
}

/* Appends a series' visible samples in [from, to]: of the block, with a cursor of it, or of one of the heads. */
status source_read(struct snapshot *snapshot, const struct snapshot_source *source, struct block_cursor *cursor,
                   uint32_t head, uint32_t place, int64_t from_ms, int64_t to_ms, struct column_buffer *buffer);

/* Reads a row into the buffer, where chunks may have been passed on, if that is asked for. The columns are in order;
 * the chunks are only if no source has samples where another has a chunk. */
bool selection_read_row(const struct selection *selection, uint32_t row, bool passes_chunks,
                        struct column_buffer *buffer);

/* Whether a source's samples may lie in (from, to]. */
static inline bool source_overlaps(const struct snapshot_source *source, int64_t from_ms, int64_t to_ms)
{
    return source->max_ms > from_ms && source->min_ms <= to_ms;
}

/* An error, or a warning, if a block that can not be opened has samples in (from, to]. */
status snapshot_check_broken(struct snapshot *snapshot, int64_t from_ms, int64_t to_ms);

/* Whether to go on without what a read of this source failed to give; then there is a warning. Thread-safe. */
bool snapshot_goes_without(struct snapshot *snapshot, const struct snapshot_source *source, const status *s);

/* As that, for a failure to read the index: later snapshots leave out the block. */
bool snapshot_leaves_out(struct snapshot *snapshot, const struct snapshot_source *source, const status *s);

/* Whether a source may have samples in (from, to] and is not left out. */
bool snapshot_asks(struct snapshot *snapshot, const struct snapshot_source *source, int64_t from_ms, int64_t to_ms);

/* Passes on a failure to read labels of a series that is already selected. */
status snapshot_note_labels(struct snapshot *snapshot, const struct snapshot_source *source, status s);

#endif
