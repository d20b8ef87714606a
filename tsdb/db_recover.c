/* Opening a data folder: state, blocks, registries, logs; see db_internal.h.
 *
 * What `state` names is opened. Files with lower numbers that it does not name are left over from an interrupted step
 * and removed. If `state` is lost or damaged, or files with higher numbers prove that it is older than its folder, it
 * is rebuilt from what the files say of themselves (block footers, first records of logs), with a warning, and nothing
 * is removed on its word. Damage in a file is reported and passed over; an I/O error ends the start, since nothing may
 * be taken for lost because it could not be read.
 */
#include "tsdb/db_internal.h"

#include "storage/base/clock.h"
#include "storage/base/log.h"
#include "storage/base/map.h"
#include "storage/metrics.h"
#include "storage/wal_format.h"
#include "storage/wal_read.h"
#include "tsdb/exemplars.h"
#include "tsdb/metrics.h"

#include <stdio.h>

static void report_damage(const char *file, const char *sentence)
{
    metric_add(&metric_damages, 1);
    log_error("damaged data", "file=%s finding=%s", file, LOG_QUOTED(str_from(sentence)));
}

/* Files of a folder with the numbers in their names. */
struct numbered {
    uint32_t number;
    str name;
};

struct listing {
    struct arena arena;
    struct numbered *files;
    size_t count;
};

static status list_numbered(struct fs *fs, const char *folder, struct listing *out)
{
    str *names;
    size_t count;

    arena_init(&out->arena, NULL);
    out->count = 0;
    status s = fs_list(fs, folder, &out->arena, &names, &count);
    if (failed(s)) return s;
    out->files = arena_array(&out->arena, struct numbered, count);
    for (size_t i = 0; i < count; i++) {
        str rest = names[i];
        uint64_t number;
        if (str_to_uint64(str_cut(&rest, '-'), &number) && number <= UINT32_MAX)
            out->files[out->count++] = (struct numbered){(uint32_t)number, names[i]};
    }
    return ok();
}

static bool names_block(const struct state *state, uint32_t number)
{
    vec_each (block, &state->blocks) {
        if (block->number == number) return true;
    }
    return false;
}

static bool names_head(const struct state *state, uint32_t number)
{
    vec_each (head, &state->heads) {
        if (head->number == number) return true;
    }
    return false;
}

static const char *const folders[] = {"block", "wal", "registry"};
enum { FOLDER_BLOCK, FOLDER_WAL, FOLDER_REGISTRY, FOLDERS };

static bool is_named(const struct state *state, int folder, uint32_t number)
{
    if (folder == FOLDER_BLOCK) return names_block(state, number);
    if (folder == FOLDER_WAL) return names_head(state, number);
    vec_each (registry, &state->registries) {
        if (registry->number == number) return true;
    }
    return false;
}

/* Whether some file has a number that the state has not given out yet. */
static status is_outdated(struct fs *fs, const struct state *state, bool *out)
{
    *out = false;
    for (int f = 0; f < FOLDERS; f++) {
        struct listing listing;
        status s = list_numbered(fs, folders[f], &listing);
        for (size_t i = 0; !failed(s) && i < listing.count; i++) *out = *out || listing.files[i].number >= state->next;
        arena_release(&listing.arena);
        TRY(s);
    }
    return ok();
}

static status remove_leftovers(struct fs *fs, const struct state *state)
{
    for (int f = 0; f < FOLDERS; f++) {
        struct listing listing;
        status s = list_numbered(fs, folders[f], &listing);
        for (size_t i = 0; !failed(s) && i < listing.count; i++) {
            char name[64];
            if (is_named(state, f, listing.files[i].number)) continue;
            snprintf(name, sizeof name, "%s/%.*s", folders[f], STR_ARG(listing.files[i].name));
            log_info("removing a file left over from an interrupted step", "file=%s", name);
            s = fs_unlink(fs, name);
        }
        arena_release(&listing.arena);
        TRY(s);
    }
    return ok();
}

/* Reading the first record of a head's log. */
struct first_record {
    bool found;
    uint32_t registry;
    struct hash_secret secret;
};

static status read_first(void *context, const struct record *record)
{
    struct first_record *first = context;
    struct writer scratch = {0};
    const uint8_t *payload;
    size_t bytes;

    if (!first->found && record->type == LOG_HEAD && record_payload(record, &scratch, &payload, &bytes) &&
        bytes == 4 + HASH_SECRET_BYTES) {
        first->found = true;
        first->registry = load_u32(payload);
        memcpy(first->secret.bytes, payload + 4, HASH_SECRET_BYTES);
    }
    writer_release(&scratch);
    return first->found ? status_make(STATUS_CANCELED, "one record is enough") : ok();
}

static status find_first(struct fs *fs, uint32_t head, struct first_record *out)
{
    struct wal_visitor visitor = {out, read_first, NULL};
    struct wal_end end;

    *out = (struct first_record){0};
    status s = wal_read(fs, head, &visitor, &end);
    return s.code == STATUS_CANCELED ? ok() : s;
}

/* Heads whose samples are in a block already. */
static bool is_frozen(const struct block_info *infos, size_t count, uint32_t head)
{
    for (size_t i = 0; i < count; i++) {
        if (head >= infos[i].head_first && head <= infos[i].head_last) return true;
    }
    return false;
}

typedef vec(struct block_info) block_infos;

static status rebuild_blocks(struct db *db, struct state *state, block_infos *infos, bool *has_secret)
{
    struct listing listing;
    status s = list_numbered(db->fs, "block", &listing);

    for (size_t i = 0; !failed(s) && i < listing.count; i++) {
        struct block *block;
        status opened = block_open(db->fs, listing.files[i].number, db->cache, &block);
        if (listing.files[i].number >= state->next) state->next = listing.files[i].number + 1;
        if (opened.code == STATUS_CORRUPT || opened.code == STATUS_UNSUPPORTED) {
            report_damage("block", opened.text);
            continue;
        }
        if (failed(s = opened)) break;
        const struct block_info *info = block_get_info(block);
        vec_push(infos, *info);
        if (!names_block(state, info->number))
            vec_push(&state->blocks, (struct state_block){info->number, info->min_ms, info->max_ms});
        if (!*has_secret) state->secret = info->secret;
        *has_secret = true;
        block_unref(block);
    }
    arena_release(&listing.arena);
    return s;
}

static status rebuild_heads(struct db *db, struct state *state, const block_infos *infos, bool *has_secret)
{
    struct listing listing;
    status s = list_numbered(db->fs, "wal", &listing);

    for (size_t i = 0; !failed(s) && i < listing.count; i++) {
        uint32_t number = listing.files[i].number;
        struct first_record first;
        if (number >= state->next) state->next = number + 1;
        if (names_head(state, number) || is_frozen(infos->data, infos->count, number)) continue;
        s = find_first(db->fs, number, &first);
        if (failed(s) || !first.found) continue; /* a log without its first record was never used */
        vec_push(&state->heads, (struct state_head){number, first.registry});
        state_registry(state, first.registry, true);
        if (!*has_secret) state->secret = first.secret;
        *has_secret = true;
    }
    arena_release(&listing.arena);
    return s;
}

static status rebuild_registries(struct db *db, struct state *state)
{
    struct listing listing;
    status s = list_numbered(db->fs, "registry", &listing);

    for (size_t i = 0; !failed(s) && i < listing.count; i++) {
        char name[32];
        struct file *file;
        struct state_registry *entry = state_registry(state, listing.files[i].number, false);
        if (listing.files[i].number >= state->next) state->next = listing.files[i].number + 1;
        if (!entry) continue;
        registry_file_name(name, sizeof name, entry->number);
        if (failed(s = fs_open(db->fs, name, FS_READ, &file))) break;
        s = file_size(file, &entry->bytes);
        file_close(file);
    }
    arena_release(&listing.arena);
    return s;
}

/* Those of the copy, which is never older than the state. */
static status rebuild_tombstones(struct db *db, struct state *state)
{
    struct state copy;
    status s = state_load_from(db->fs, STATE_TOMBSTONES, &copy);

    if (s.code == STATUS_NOT_FOUND) return ok();
    if (s.code == STATUS_CORRUPT) {
        report_damage(STATE_TOMBSTONES, s.text);
        return ok();
    }
    TRY(s);
    tombstones_ref(copy.tombstones);
    state_set_tombstones(state, copy.tombstones);
    if (copy.next > state->next) state->next = copy.next;
    state_release(&copy);
    return ok();
}

static status rebuild_state(struct db *db, struct state *state, bool has_secret)
{
    block_infos infos = {0};
    status s = rebuild_blocks(db, state, &infos, &has_secret);

    if (!failed(s)) s = rebuild_heads(db, state, &infos, &has_secret);
    if (!failed(s)) s = rebuild_registries(db, state);
    if (!failed(s)) s = rebuild_tombstones(db, state);
    vec_release(&infos);
    if (!has_secret) hash_secret_make(&state->secret);
    if (state->next == 0) state->next = 1;
    return s;
}

static status load_state(struct db *db)
{
    bool outdated = false;
    status s = state_load(db->fs, &db->state);

    if (s.code == STATUS_NOT_FOUND || s.code == STATUS_CORRUPT) {
        bool has_files = false;
        TRY(is_outdated(db->fs, &db->state, &has_files)); /* of a state that gave out no number */
        if (has_files) {
            metric_add(&metric_damages, 1);
            log_warn("the state is lost; rebuilding it from the files", "reason=%s", LOG_QUOTED(str_from(s.text)));
        }
        TRY(rebuild_state(db, &db->state, false));
        return state_save(db->fs, &db->state);
    }
    TRY(s);
    TRY(is_outdated(db->fs, &db->state, &outdated));
    if (!outdated) return remove_leftovers(db->fs, &db->state);
    metric_add(&metric_damages, 1);
    log_warn("the state is older than its folder; adopting what it does not name", "next=%u", db->state.next);
    TRY(rebuild_state(db, &db->state, true));
    return state_save(db->fs, &db->state);
}

/* A block that can not be opened is kept, and answers that need its time say so. */
static status open_blocks(struct db *db, struct block **blocks, uint32_t *count)
{
    *count = 0;
    vec_each (entry, &db->state.blocks) {
        status s = block_open(db->fs, entry->number, db->cache, &blocks[*count]);
        if (s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED || s.code == STATUS_NOT_FOUND) {
            char name[BLOCK_NAME_BYTES];
            struct broken_block *broken = vec_push_slot(&db->broken);
            *broken = (struct broken_block){entry->number, entry->min_ms, entry->max_ms, false, ""};
            snprintf(broken->why, sizeof broken->why, "%s", s.text);
            block_name(name, entry->number);
            metric_add(&metric_blocks_damaged, 1);
            report_damage(name, s.text);
            continue;
        }
        TRY(s);
        const struct block_info *info = block_get_info(blocks[*count]);
        if (info->max_ms > atomic_load(&db->newest_ms)) atomic_store(&db->newest_ms, info->max_ms);
        ++*count;
    }
    return ok();
}

static void report_registry_damage(struct db *db, const char *file, const char *sentence)
{
    report_damage(file, sentence);
    db->is_registry_damaged = true;
}

/* The bytes of a registry's file that count, as many as there are: what is missing of them is damage. *bytes becomes
 * where the file goes on. */
static status read_registry(struct db *db, const char *name, uint64_t *bytes, struct arena *arena, str *out)
{
    struct file *file;
    uint64_t there = 0;
    status s = fs_open(db->fs, name, FS_READ, &file);

    *out = STR("");
    if (s.code == STATUS_NOT_FOUND) {
        report_registry_damage(db, name, "the file is missing");
        *bytes = 0;
        return ok();
    }
    TRY(s);
    s = file_size(file, &there);
    if (!failed(s) && there < *bytes) {
        report_registry_damage(db, name, "the file is shorter than the state says");
        *bytes = there & ~(uint64_t)7; /* records are aligned */
    }
    if (!failed(s)) {
        char *content = arena_alloc(arena, (size_t)*bytes);
        s = file_read(file, 0, content, (size_t)*bytes);
        *out = str_make(content, failed(s) ? 0 : (size_t)*bytes);
    }
    file_close(file);
    return s;
}

/* Registrations stand twice where they are kept; the second is needed where the first is damaged only. */
struct applied {
    struct map map;
    vec(uint64_t) checksums; /* of the records that were good */
};

static void applied_release(struct applied *applied)
{
    map_release(&applied->map);
    vec_release(&applied->checksums);
}

static bool was_applied(const struct applied *applied, const struct record *record)
{
    struct map_cursor c;

    for (uint32_t at = map_find(&applied->map, record->checksum, &c); at != MAP_NONE;
         at = map_next(&applied->map, &c)) {
        if (applied->checksums.data[at] == record->checksum) return true;
    }
    return false;
}

static status apply_registration(struct registry *registry, const struct record *record, struct applied *applied,
                                 struct writer *scratch)
{
    const uint8_t *payload;
    size_t bytes;

    if (was_applied(applied, record)) return ok();
    if (!record_payload(record, scratch, &payload, &bytes))
        return status_make(STATUS_CORRUPT, "a record with a good checksum does not decompress");
    TRY(registry_apply(registry, payload, bytes));
    map_add(&applied->map, record->checksum, (uint32_t)applied->checksums.count);
    vec_push(&applied->checksums, record->checksum);
    return ok();
}

static status load_registry(struct db *db, struct registry *registry, uint64_t *bytes)
{
    char name[32];
    struct arena arena;
    struct writer scratch = {0};
    struct applied applied = {0};
    struct record record;
    enum record_outcome outcome;
    str content;

    if (*bytes == 0) return ok();
    arena_init(&arena, NULL);
    registry_file_name(name, sizeof name, registry_number(registry));
    status s = read_registry(db, name, bytes, &arena, &content);
    struct reader rest = reader_make(content.data, content.len);
    while ((outcome = record_next(&rest, &record)) != RECORD_END) {
        status done = outcome == RECORD_GOOD ? apply_registration(registry, &record, &applied, &scratch)
                                             : status_make(STATUS_CORRUPT, "a record does not match its checksum");
        if (failed(done)) report_registry_damage(db, name, done.text);
    }
    applied_release(&applied);
    writer_release(&scratch);
    arena_release(&arena);
    registry_mark_saved(registry);
    return s;
}

/* Replay of a head's log: registrations in one pass, everything else in a second, so that a sample finds its series
 * also where only the repeated registration is left. */
struct replay {
    struct db *db;
    struct head *head;
    struct registry *registry;
    bool registrations; /* the pass */
    struct applied applied;
    struct writer scratch;
    struct row_columns rows;
    struct rich_rows rich_rows;
    uint64_t orphans;
};

static status replay_record(void *context, const struct record *record)
{
    struct replay *replay = context;
    const uint8_t *payload;
    size_t bytes;

    if ((record->type == LOG_REGISTRATION) != replay->registrations || record->type == LOG_HEAD) return ok();
    if (record->type == LOG_REGISTRATION) {
        status s = apply_registration(replay->registry, record, &replay->applied, &replay->scratch);
        if (failed(s)) report_registry_damage(replay->db, "wal", s.text);
        return ok();
    }
    if (!record_payload(record, &replay->scratch, &payload, &bytes))
        return status_make(STATUS_CORRUPT, "a record with a good checksum does not decompress");
    bool good = true;
    switch (record->type) {
    case LOG_SAMPLES:
        good = rows_decode(payload, bytes, &replay->rows);
        replay->orphans += head_replay(replay->head, &replay->rows);
        break;
    case LOG_RICH_SAMPLES:
        good = rich_rows_decode(payload, bytes, &replay->rich_rows);
        replay->orphans += head_replay_rich(replay->head, &replay->rich_rows, bytes);
        break;
    case LOG_METADATA:
        good = metadata_apply(replay->db->metadata, payload, bytes);
        atomic_store(&replay->db->has_logged_metadata, true);
        break;
    case LOG_EXEMPLARS: good = exemplars_apply(head_exemplars(replay->head), payload, bytes); break;
    default: good = false; break;
    }
    if (!good) report_damage("wal", "a record with a good checksum can not be read");
    return ok();
}

static void replay_finding(void *context, const char *file, uint64_t at, bool damaged, const char *sentence)
{
    (void)context;
    if (damaged) {
        char text[200];
        snprintf(text, sizeof text, "%s at offset %llu", sentence, (unsigned long long)at);
        metric_add(&metric_wal_damages, 1);
        report_damage(file, text);
    } else {
        log_info("the log ends in what a crash left of an unanswered request", "file=%s offset=%llu", file,
                 (unsigned long long)at);
    }
}

static void *end_loading(void *context)
{
    registry_end_loading(context);
    return NULL;
}

/* What finds series is built beside the second pass, which knows them by their ids. */
static status replay_head(struct db *db, struct head *head, struct wal_end *end)
{
    struct replay replay = {.db = db, .head = head, .registry = head_registry(head), .registrations = true};
    struct wal_visitor visitor = {&replay, replay_record, NULL};
    int64_t start = clock_monotonic_ns();

    status s = wal_read(db->fs, head_number(head), &visitor, end);
    pthread_t thread;
    bool is_alone = pthread_create(&thread, NULL, end_loading, replay.registry) != 0;
    if (!failed(s)) {
        replay.registrations = false;
        visitor.finding = replay_finding;
        s = wal_read(db->fs, head_number(head), &visitor, end);
    }
    if (is_alone) {
        end_loading(replay.registry);
    } else {
        pthread_join(thread, NULL);
    }
    applied_release(&replay.applied);
    writer_release(&replay.scratch);
    row_columns_release(&replay.rows);
    rich_rows_release(&replay.rich_rows);
    metric_observe(&metric_replay_seconds, clock_monotonic_ns() - start);
    if (replay.orphans) report_registry_damage(db, "wal", "samples refer to series whose registration is lost");
    struct head_stats stats;
    head_stats(head, &stats);
    if (!failed(s))
        log_info("log replayed", "head=%u series=%u samples=%llu seconds=%.3f", head_number(head),
                 registry_series_count(replay.registry), (unsigned long long)stats.samples,
                 (double)(clock_monotonic_ns() - start) / 1e9);
    return s;
}

/* The registry a head rests on: that of the head before it if it is the same, else loaded. The log's own word counts: a
 * head that replaced one whose log failed may have another registry than the state says. */
static status find_registry(struct db *db, const struct state_head *entry, struct head *before, struct registry **out)
{
    struct first_record first;
    uint32_t number = entry->registry;

    TRY(find_first(db->fs, entry->number, &first));
    if (first.found) number = first.registry;
    if (before && registry_number(head_registry(before)) == number) {
        *out = head_registry(before);
        registry_ref(*out);
        return ok();
    }
    *out = registry_new(&db->secret, number);
    registry_begin_loading(*out);
    struct state_registry *saved = state_registry(&db->state, number, true);
    db->is_registry_damaged = false;
    status s = load_registry(db, *out, &saved->bytes);
    if (failed(s)) registry_unref(*out);
    return s;
}

static status recover_head(struct db *db, struct state_head *entry, struct head *before, struct head **out,
                           struct wal_end *end)
{
    struct registry *registry;
    struct head_stats stats;

    TRY(find_registry(db, entry, before, &registry));
    entry->registry = registry_number(registry);
    db->series_at_start = registry_series_count(registry);
    struct head *head = head_new(entry->number, registry);
    head_keep_exemplars(head, db->options.exemplar_bytes);
    registry_unref(registry);
    status s = replay_head(db, head, end);
    if (failed(s)) {
        head_unref(head);
        return s;
    }
    head_stats(head, &stats);
    if (stats.max_ms > atomic_load(&db->newest_ms)) atomic_store(&db->newest_ms, stats.max_ms);
    *out = head;
    return ok();
}

/* The last head goes on with a new segment of its log. */
static status continue_head(struct db *db, struct head *head, const struct wal_end *end)
{
    struct wal_options options = {.fs = db->fs,
                                  .head = head_number(head),
                                  .first_segment = end->next_segment,
                                  .first_sequence = end->next_sequence,
                                  .torn_groups = end->torn_groups,
                                  .sync_interval_ms = db->options.wal_sync_interval_ms,
                                  .segment_bytes = db->options.wal_segment_bytes};

    db->live = head;
    atomic_store(&db->live_since_ns, clock_monotonic_ns());
    return wal_open(&options, &db->wal);
}

/* Heads before the last one are written as blocks, all but the newest of them at once: only one may wait. */
static status recover_heads(struct db *db)
{
    struct wal_end end;
    size_t count = db->state.heads.count;

    if (count == 0) return db_start_head_locked(db);
    for (size_t i = 0; i < count; i++) {
        struct head *head, *before = db->frozen;
        struct state_head *entry = &db->state.heads.data[db->state.heads.count - (count - i)];
        TRY(recover_head(db, entry, before, &head, &end));
        if (i + 1 == count) return continue_head(db, head, &end);
        if (db->frozen) TRY(db_write_frozen_locked(db));
        db->frozen = head;
        db->written_number = db->state.next++;
        TRY(state_save(db->fs, &db->state));
    }
    return ok();
}

static void take_metadata(void *context, uint8_t type, str metric, str help, str unit)
{
    struct append_metadata entry = {(enum metric_type)type, metric, help, unit};
    metadata_put(context, &entry);
}

status db_recover(struct db *db)
{
    TRY(load_state(db));
    db->secret = db->state.secret;
    struct block **blocks = memory_alloc((db->state.blocks.count + 1) * sizeof *blocks);
    uint32_t count;
    status s = open_blocks(db, blocks, &count);
    db_publish(db, blocks, count, NULL);
    for (uint32_t i = 0; i < count; i++) block_unref(blocks[i]);
    if (!failed(s) && count) {
        status read = block_metadata(blocks[count - 1], take_metadata, db->metadata);
        if (failed(read)) report_damage("block", read.text);
    }
    free(blocks);
    TRY(s);
    TRY(recover_heads(db));
    if (db->is_registry_damaged) {
        /* What its log says of the lost ids must never become samples of series that get them now. */
        if (db->frozen) TRY(db_write_frozen_locked(db));
        return db_replace_head_locked(db);
    }
    db_publish(db, db->view->blocks, db->view->block_count, NULL);
    return ok();
}
