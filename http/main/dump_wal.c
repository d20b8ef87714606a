/* varve dump wal: the groups and records of a segment of the log.
 *
 *     wal/00000007-0001: segment 1 of head 7
 *     @64 group 12, durable up to 11, 512 bytes
 *     @112 registration
 *         series 12 up{job="a"}
 *     @400 samples, 2 rows
 *         series 12 up{job="a"} 1.5 @1000
 *
 * Labels come from the registry's file and from the whole log of the head; a series that neither knows is its number.
 */
#include "http/main/dump.h"
#include "query/histogram_value.h"
#include "storage/base/number.h"
#include "storage/wal_read.h"
#include "tsdb/log_record.h"
#include "tsdb/metadata.h"
#include "tsdb/registry_file.h"
#include "tsdb/rich_rows.h"
#include "tsdb/sample_rows.h"

#include <inttypes.h>
#include <stdio.h>

struct listing {
    struct registry *registry;
    struct writer scratch;
    struct row_columns rows;
    struct rich_rows rich_rows;
    struct arena arena; /* of one record */
    size_t findings;
};

static void print_series(struct listing *listing, uint32_t id)
{
    const struct registry *registry = listing->registry;

    printf("    series %" PRIu32, id);
    if (id >= registry_series_count(registry)) return;
    struct series_labels series = registry_labels(registry, id);
    label pairs[LABELS_MAX];
    for (uint32_t i = 0; i < series.count; i++)
        pairs[i] = (label){registry_name(registry, series.names[i]),
                           registry_value(registry, series.names[i], series.values[i])};
    if (series.count) printf(" %.*s", STR_ARG(labels_print(pairs, series.count, &listing->arena)));
}

static void print_value(double value, int64_t time_ms)
{
    char text[NUMBER_TEXT_MAX];

    printf(" %.*s @%" PRId64, (int)number_format(value, NUMBER_GENERAL, text), text, time_ms);
}

static bool list_samples(struct listing *listing, const uint8_t *payload, size_t bytes)
{
    const struct row_columns *rows = &listing->rows;
    bool good = rows_decode(payload, bytes, &listing->rows);

    printf("samples, %zu rows\n", rows->series.count);
    for (size_t i = 0; i < rows->series.count; i++) {
        print_series(listing, rows->series.data[i]);
        print_value(double_from_bits(rows->values.data[i]), rows->times.data[i]);
        printf("\n");
    }
    return good;
}

static bool list_rich_samples(struct listing *listing, const uint8_t *payload, size_t bytes)
{
    bool good = rich_rows_decode(payload, bytes, &listing->rich_rows);

    printf("rich samples, %zu rows\n", listing->rich_rows.rows.count);
    vec_each (row, &listing->rich_rows.rows) {
        print_series(listing, row->series);
        if (row->sample.histogram) {
            printf(" %.*s @%" PRId64, STR_ARG(histogram_text(row->sample.histogram, &listing->arena)),
                   row->sample.time_ms);
        } else {
            print_value(row->sample.value, row->sample.time_ms);
        }
        if (row->sample.start_ms) printf(" since %" PRId64, row->sample.start_ms);
        printf("\n");
    }
    return good;
}

static bool list_metadata(const uint8_t *payload, size_t bytes)
{
    struct reader in = reader_make(payload, bytes);

    printf("metadata\n");
    while (reader_left(&in) && !reader_failed(&in)) {
        str metric = reader_str(&in);
        uint8_t type = reader_u8(&in);
        str help = reader_str(&in), unit = reader_str(&in);
        if (!reader_failed(&in))
            printf("    %.*s type %u unit \"%.*s\" help \"%.*s\"\n", STR_ARG(metric), type, STR_ARG(unit),
                   STR_ARG(help));
    }
    return !reader_failed(&in);
}

static void print_registered(void *context, uint32_t id)
{
    struct listing *listing = context;

    print_series(listing, id);
    printf("\n");
}

static bool list_registration(struct listing *listing, const uint8_t *payload, size_t bytes)
{
    printf("registration\n");
    return registry_each_registered(listing->registry, payload, bytes, print_registered, listing);
}

static status list_record(void *context, const struct record *record)
{
    struct listing *listing = context;
    const uint8_t *payload;
    size_t bytes;
    bool good = true;

    printf("@%" PRIu64 " ", record->at);
    if (!record_payload(record, &listing->scratch, &payload, &bytes)) {
        printf("a record of type %u that does not decompress\n", record->type);
        listing->findings++;
        return ok();
    }
    switch ((enum log_record)record->type) {
    case LOG_HEAD: printf("head with registry %" PRIu32 "\n", bytes >= 4 ? load_u32(payload) : 0); break;
    case LOG_REGISTRATION: good = list_registration(listing, payload, bytes); break;
    case LOG_SAMPLES: good = list_samples(listing, payload, bytes); break;
    case LOG_RICH_SAMPLES: good = list_rich_samples(listing, payload, bytes); break;
    case LOG_METADATA: good = list_metadata(payload, bytes); break;
    case LOG_EXEMPLARS: printf("exemplars, %zu bytes\n", bytes); break;
    default: printf("a record of the unknown type %u, %zu bytes\n", record->type, bytes);
    }
    if (!good) printf("    what follows in this record can not be read\n");
    listing->findings += !good;
    arena_reset(&listing->arena);
    return ok();
}

static void list_group(void *context, uint64_t at, const struct wal_group *group)
{
    (void)context;
    printf("@%" PRIu64 " group %" PRIu64 ", durable up to %" PRIu64 ", %" PRIu64 " bytes\n", at, group->sequence,
           group->synced, group->bytes);
}

static void list_finding(void *context, const char *file, uint64_t at, bool damaged, const char *sentence)
{
    struct listing *listing = context;

    (void)file;
    printf("@%" PRIu64 " %s: %s\n", at, damaged ? "damaged" : "torn, or its later segments vouch for it", sentence);
    listing->findings += damaged;
}

static status read_head(void *context, const struct record *record)
{
    uint32_t *number = context;

    if (record->type == LOG_HEAD && !record->raw_bytes && record->stored_bytes >= 4) *number = load_u32(record->stored);
    return ok();
}

static status read_registration(void *context, const struct record *record)
{
    struct listing *listing = context;
    const uint8_t *payload;
    size_t bytes;

    if (record->type == LOG_REGISTRATION && record_payload(record, &listing->scratch, &payload, &bytes))
        (void)registry_apply(listing->registry, payload, bytes); /* what it can not tell stays unknown */
    return ok();
}

static void ignore(void *context, str sentence)
{
    (void)context, (void)sentence;
}

static status find_registry_bytes(struct fs *fs, uint32_t number, uint64_t *bytes)
{
    char name[32];
    struct file *file;

    snprintf(name, sizeof name, "registry/%08" PRIu32, number);
    status s = fs_open(fs, name, FS_READ, &file);
    if (s.code == STATUS_NOT_FOUND) return ok();
    TRY(s);
    s = file_size(file, bytes);
    file_close(file);
    return s;
}

/* All series that the log may speak of. */
static status read_registry(struct fs *fs, uint32_t head, struct listing *listing)
{
    static const struct hash_secret secret; /* nothing is looked up by hash */
    struct wal_end end;
    uint64_t bytes = 0;
    uint32_t number = 0;

    TRY(wal_read(fs, head, &(struct wal_visitor){.context = &number, .record = read_head}, &end));
    listing->registry = registry_new(&secret, number);
    TRY(find_registry_bytes(fs, number, &bytes));
    TRY(registry_file_apply(fs, listing->registry, bytes, ignore, NULL));
    return wal_read(fs, head, &(struct wal_visitor){.context = listing, .record = read_registration}, &end);
}

status dump_wal(const struct dump_file *file, size_t *findings)
{
    struct listing listing = {0};
    struct wal_visitor visitor = {&listing, list_record, list_finding};
    uint32_t head, segment;
    str name = file->name;

    if (!str_equal(str_cut(&name, '/'), STR("wal")) || !wal_parse_name(name, &head, &segment))
        return status_make(STATUS_INVALID, "%s: a segment of the log is called wal/HEAD-SEGMENT", file->path);
    printf("%.*s: segment %" PRIu32 " of head %" PRIu32 "\n", STR_ARG(file->name), segment, head);
    status s = read_registry(file->fs, head, &listing);
    if (!failed(s)) s = wal_read_segment(file->fs, head, segment, &visitor, list_group);
    *findings = listing.findings;
    registry_unref(listing.registry);
    writer_release(&listing.scratch);
    row_columns_release(&listing.rows);
    rich_rows_release(&listing.rich_rows);
    arena_release(&listing.arena);
    return s;
}
