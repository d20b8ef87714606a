/* Reading the write-ahead log; see wal_read.h, layout and the rule that tells torn from damaged in wal_format.h.
 *
 * The records of a whole group are handed on as they are met. Bad places are kept until the end, with copies of the
 * good records of their groups: only a later group can say whether a place had been durable. What was torn is dropped,
 * group by group, so that a request is there as a whole or not at all.
 */
#include "storage/wal_read.h"

#include "storage/base/vec.h"

#include <stdio.h>

struct bad_place {
    uint32_t segment;
    uint64_t at;
    uint64_t sequence; /* of the group there; a guess when its header is bad */
    bool complete;     /* under the running boot, with all its bytes written */
    bool torn;         /* it was, when the log went on after it */
    const char *sentence;
};

/* A good record of a group that is not whole. */
struct kept_record {
    struct record record;
    size_t place; /* the first bad one of its group */
};

struct walk {
    const struct wal_visitor *visitor;
    void (*tell_group)(void *context, uint64_t at, const struct wal_group *group); /* may be NULL */

    uint64_t boot;     /* the running one */
    uint64_t sequence; /* of the last good group header */
    uint64_t synced;   /* the highest sequence that some group calls durable */
    bool same_boot;    /* the last good header was written under the running boot */
    uint64_t bytes;
    uint32_t segment;
    vec(struct bad_place) bad;
    vec(struct record) group; /* the good records of the group being read */
    vec(struct kept_record) kept;
    struct arena arena; /* of what is kept */
};

static void note(struct walk *walk, uint64_t at, uint64_t sequence, bool complete, const char *sentence)
{
    vec_push(&walk->bad, (struct bad_place){walk->segment, at, sequence, complete, false, sentence});
}

static bool is_zero(const uint8_t *at, const uint8_t *end)
{
    return at == end || (*at == 0 && memcmp(at, at + 1, (size_t)(end - at) - 1) == 0);
}

/* Collects the good records in [at, end) and notes bad places among them. */
static void find_records(struct walk *walk, const uint8_t *segment, const uint8_t *at, const uint8_t *end,
                         bool complete)
{
    struct reader rest = reader_make(at, (size_t)(end - at));
    struct record record;

    for (;;) {
        const uint8_t *place = rest.at;
        enum record_outcome outcome = record_next(&rest, &record);
        if (outcome == RECORD_END) return;
        if (outcome == RECORD_GOOD) {
            record.at = (uint64_t)(place - segment);
            vec_push(&walk->group, record);
        } else {
            note(walk, (uint64_t)(place - segment), walk->sequence, complete, "a record does not match its checksum");
        }
    }
}

/* Hands on what was found in a group, or keeps it if something was bad there: the places from `first_bad` on. */
static status end_group(struct walk *walk, size_t first_bad)
{
    status s = ok();

    vec_each (record, &walk->group) {
        if (walk->bad.count == first_bad) {
            if (failed(s = walk->visitor->record(walk->visitor->context, record))) break;
            continue;
        }
        struct record copy = *record;
        uint8_t *stored = arena_alloc(&walk->arena, record->stored_bytes);
        memcpy(stored, record->stored, record->stored_bytes);
        copy.stored = stored;
        vec_push(&walk->kept, (struct kept_record){copy, first_bad});
    }
    walk->group.count = 0;
    return s;
}

static bool has_trailer(const uint8_t *at, const uint8_t *end, const struct wal_group *group)
{
    return group->bytes <= (uint64_t)(end - at) - WAL_GROUP_HEADER_BYTES - WAL_TRAILER_BYTES &&
           load_u64(at + WAL_GROUP_HEADER_BYTES + group->bytes) == ~group->sequence;
}

/* The next place from `at` on where a group header lies, or `end`. */
static const uint8_t *find_group(const uint8_t *at, const uint8_t *end)
{
    struct wal_group group;

    for (; end - at >= WAL_GROUP_HEADER_BYTES; at += 8) {
        if (wal_is_group_header(at, &group)) return at;
    }
    return end;
}

/* The first group after a start says which groups before it were torn then. */
static void forgive(struct walk *walk, const struct wal_group *first)
{
    vec_each (place, &walk->bad) {
        if (place->sequence > first->synced && place->sequence < first->sequence) place->torn = true;
    }
}

/* What records there are in [at, end) of a group of which one finding, the last, has said that it is not whole. */
static status read_remains(struct walk *walk, const uint8_t *segment, const uint8_t *at, const uint8_t *end)
{
    size_t noted = walk->bad.count;

    find_records(walk, segment, at, end, false);
    walk->bad.count = noted; /* one finding is enough for the place */
    return end_group(walk, noted - 1);
}

/* A group whose header is good. Returns where it ends. */
static status read_group(struct walk *walk, const uint8_t *segment, const uint8_t **at, const uint8_t *end,
                         const struct wal_group *group)
{
    const uint8_t *records = *at + WAL_GROUP_HEADER_BYTES;
    uint64_t room = (uint64_t)(end - records);
    bool complete = group->boot == walk->boot && has_trailer(*at, end, group);

    bool known = walk->bad.count && vec_last(&walk->bad)->sequence == walk->sequence + 1;
    if (group->sequence > walk->sequence + 1 && !known)
        note(walk, (uint64_t)(*at - segment), walk->sequence + 1, false, "a group before this place is missing");
    if (*at == segment + WAL_SEGMENT_HEADER_BYTES) forgive(walk, group);
    if (walk->tell_group) walk->tell_group(walk->visitor->context, (uint64_t)(*at - segment), group);
    walk->sequence = group->sequence;
    walk->same_boot = group->boot == walk->boot;
    if (group->synced > walk->synced) walk->synced = group->synced;
    if (group->bytes > room || room - group->bytes < WAL_TRAILER_BYTES) {
        note(walk, (uint64_t)(*at - segment), group->sequence, false, "a group is longer than its segment");
        *at = find_group(records, end);
        return read_remains(walk, segment, records, *at);
    }
    size_t first_bad = walk->bad.count;
    if (!has_trailer(*at, end, group))
        note(walk, (uint64_t)(*at - segment), group->sequence, false, "the end of a group is missing");
    *at = records + group->bytes + WAL_TRAILER_BYTES;
    walk->bytes += WAL_GROUP_HEADER_BYTES + group->bytes + WAL_TRAILER_BYTES;
    find_records(walk, segment, records, records + group->bytes, complete);
    return end_group(walk, first_bad);
}

/* A place where a group should begin and no header is. The records that can be found behind it are good all the same.
 */
static status read_headless(struct walk *walk, const uint8_t *segment, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *next = find_group(*at + 8, end);
    const uint8_t *behind = next - *at > WAL_GROUP_HEADER_BYTES ? *at + WAL_GROUP_HEADER_BYTES : next;
    bool complete = walk->same_boot && !is_zero(behind, next);

    note(walk, (uint64_t)(*at - segment), walk->sequence + 1, complete, "a group header does not match its checksum");
    *at = next;
    return read_remains(walk, segment, behind, next);
}

static status read_segment(struct walk *walk, uint32_t head, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes + WAL_SEGMENT_HEADER_BYTES, *end = bytes + size;
    uint64_t boot = 0;
    struct wal_group group;

    if (size < WAL_SEGMENT_HEADER_BYTES) {
        note(walk, 0, walk->sequence + 1, false, "the segment is shorter than its header");
        return ok();
    }
    if (!wal_is_segment_header(bytes, head, walk->segment, &boot)) {
        note(walk, 0, walk->sequence, !is_zero(at, end), "the segment's header does not match its checksum");
        boot = 0;
    }
    walk->same_boot = boot == walk->boot;
    while (end - at >= WAL_GROUP_HEADER_BYTES + WAL_TRAILER_BYTES && !is_zero(at, end)) {
        if (wal_is_group_header(at, &group)) {
            TRY(read_group(walk, bytes, &at, end, &group));
        } else {
            TRY(read_headless(walk, bytes, &at, end));
        }
    }
    return ok();
}

static status load_segment(struct fs *fs, const char *name, struct writer *out)
{
    struct file *file;
    uint64_t size = 0;

    TRY(fs_open(fs, name, FS_READ, &file));
    status s = file_size(file, &size);
    out->count = 0;
    if (!failed(s)) s = file_read(file, 0, writer_reserve(out, (size_t)size), (size_t)size);
    out->count = (size_t)size;
    file_close(file);
    return s;
}

static bool is_damage(const struct walk *walk, const struct bad_place *place)
{
    return !place->torn && (place->complete || place->sequence <= walk->synced);
}

static void report(const struct walk *walk, uint32_t head)
{
    if (!walk->visitor->finding) return;
    vec_each (place, &walk->bad) {
        char name[WAL_NAME_BYTES];
        wal_name(name, head, place->segment);
        walk->visitor->finding(walk->visitor->context, name, place->at, is_damage(walk, place), place->sentence);
    }
}

/* What was damaged had been answered: its good records count. */
static status hand_on_kept(const struct walk *walk)
{
    vec_each (kept, &walk->kept) {
        if (is_damage(walk, &walk->bad.data[kept->place]))
            TRY(walk->visitor->record(walk->visitor->context, &kept->record));
    }
    return ok();
}

typedef vec(uint32_t) segments;

static int compare_segments(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The segments of a head by number: from the 10,000th on their names sort otherwise. */
static status list_segments(struct fs *fs, uint32_t head, segments *out)
{
    struct arena arena;
    str *names;
    size_t count = 0;

    arena_init(&arena, NULL);
    status s = fs_list(fs, "wal", &arena, &names, &count);
    for (size_t i = 0; !failed(s) && i < count; i++) {
        uint32_t of, segment;
        if (wal_parse_name(names[i], &of, &segment) && of == head) vec_push(out, segment);
    }
    if (out->count) qsort(out->data, out->count, sizeof *out->data, compare_segments);
    arena_release(&arena);
    return s;
}

static struct wal_end end_of(const struct walk *walk, uint32_t next_segment)
{
    uint64_t last = walk->sequence;

    vec_each (place, &walk->bad) last = place->sequence > last ? place->sequence : last;
    uint64_t first_torn = last + 1;
    vec_each (place, &walk->bad) {
        if (!is_damage(walk, place) && !place->torn && place->sequence < first_torn) first_torn = place->sequence;
    }
    return (struct wal_end){next_segment, last + 1, last + 1 - first_torn, walk->bytes};
}

static void release(struct walk *walk)
{
    vec_release(&walk->bad);
    vec_release(&walk->group);
    vec_release(&walk->kept);
    arena_release(&walk->arena);
}

status wal_read(struct fs *fs, uint32_t head, const struct wal_visitor *visitor, struct wal_end *end)
{
    struct walk walk = {.visitor = visitor, .boot = wal_boot_id()};
    segments found = {0};
    struct writer bytes = {0};
    uint32_t next = 0;

    status s = list_segments(fs, head, &found);
    for (size_t i = 0; !failed(s) && i < found.count; i++) {
        char name[WAL_NAME_BYTES];
        walk.segment = found.data[i];
        if (walk.segment != next) note(&walk, 0, walk.sequence + 1, true, "a segment before this one is missing");
        next = walk.segment + 1;
        wal_name(name, head, walk.segment);
        s = load_segment(fs, name, &bytes);
        if (!failed(s)) s = read_segment(&walk, head, bytes.data, bytes.count);
    }
    if (!failed(s)) s = hand_on_kept(&walk);
    if (!failed(s)) report(&walk, head);
    *end = end_of(&walk, next);
    release(&walk);
    vec_release(&found);
    writer_release(&bytes);
    return s;
}

status wal_read_segment(struct fs *fs, uint32_t head, uint32_t segment, const struct wal_visitor *visitor,
                        void (*group)(void *context, uint64_t at, const struct wal_group *group))
{
    struct walk walk = {.visitor = visitor, .tell_group = group, .boot = wal_boot_id(), .segment = segment};
    struct writer bytes = {0};
    char name[WAL_NAME_BYTES];
    struct wal_group first;

    wal_name(name, head, segment);
    status s = load_segment(fs, name, &bytes);
    if (!failed(s)) {
        bool long_enough = bytes.count >= WAL_SEGMENT_HEADER_BYTES + WAL_GROUP_HEADER_BYTES;
        if (long_enough && wal_is_group_header(bytes.data + WAL_SEGMENT_HEADER_BYTES, &first) && first.sequence)
            walk.sequence = first.sequence - 1;
        s = read_segment(&walk, head, bytes.data, bytes.count);
    }
    vec_each (kept, &walk.kept) {
        if (!failed(s)) s = visitor->record(visitor->context, &kept->record);
    }
    if (!failed(s)) report(&walk, head);
    release(&walk);
    writer_release(&bytes);
    return s;
}
