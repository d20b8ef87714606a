/* The floats of a block as runs; see block_runs.h. */
#include "tsdb/block_runs.h"

#include "storage/base/map.h"
#include "storage/chunk_gorilla.h"
#include "storage/chunk_run.h"

#include <assert.h>

enum {
    LESSON_SERIES_MAX = 2048,
    LESSON_FRAMES = 1024,      /* enough of them */
    SAMPLES_PER_MODEL = 16384, /* a model takes about 25 bytes, so it need not gain much */
    RUN_ENTRY_BYTES = 10,      /* what a run takes beside its bytes, roughly */
    TIMES_ENTRY_BYTES = 12,    /* a time column of its own, too */
    SHARED_BYTES_MIN = 32,     /* shorter runs are read faster where they are needed */
    GORILLA_SAMPLES = 120,
    GORILLA_ENTRY_BYTES = 15, /* what a chunk takes beside its bytes: its times, and a checksum */
    GORILLA_WORTH_BYTES = 4   /* a sample; below, Gorilla is not even tried */
};

/* A stored run: the hash of its bytes, and where they are. */
struct placed_run {
    hash128 hash;
    uint64_t offset;
};

struct block_runs {
    struct block_writer *file;
    const struct hash_secret *secret;
    struct run_encoder encoder;
    struct models models;
    struct arena arena; /* of the models */
    struct column_buffer columns;
    struct writer run, gorilla;

    /* time columns: hashes by id; the entries of those that wait for their page */
    vec(hash128) columns_known;
    struct map columns_by_hash;
    struct writer column_entries;
    vec(uint32_t) column_ends;
    struct page_list_writer column_pages;

    vec(struct placed_run) placed;
    struct map placed_by_hash;
    struct series_data trial; /* in Gorilla chunks */
    vec(hash128) pending;     /* of the chunks packed last; zero where nothing is to be remembered */
};

struct block_runs *block_runs_new(struct block_writer *file, const struct hash_secret *secret)
{
    struct block_runs *runs = memory_zalloc(sizeof *runs);

    runs->file = file;
    runs->secret = secret;
    arena_init(&runs->arena, NULL);
    return runs;
}

void block_runs_free(struct block_runs *runs)
{
    if (!runs) return;
    run_encoder_release(&runs->encoder);
    arena_release(&runs->arena);
    column_buffer_release(&runs->columns);
    writer_release(&runs->run);
    writer_release(&runs->gorilla);
    vec_release(&runs->columns_known);
    map_release(&runs->columns_by_hash);
    writer_release(&runs->column_entries);
    vec_release(&runs->column_ends);
    vec_release(&runs->column_pages.refs);
    vec_release(&runs->placed);
    map_release(&runs->placed_by_hash);
    vec_release(&runs->pending);
    series_data_release(&runs->trial);
    free(runs);
}

static bool is_floats(const struct chunk_entry *entry)
{
    return entry->codec == CHUNK_GORILLA || entry->codec == CHUNK_COLUMNS;
}

static bool decode_chunk(struct block_runs *runs, const struct chunk_entry *entry, const uint8_t *bytes)
{
    if (entry->codec == CHUNK_COLUMNS) {
        size_t size = entry->samples * sizeof(int64_t);
        memcpy(columns_reserve(&runs->columns, entry->samples), bytes + size, size);
        memcpy(runs->columns.times.data + runs->columns.times.count, bytes, size);
        runs->columns.times.count = runs->columns.values.count += entry->samples;
        return true;
    }
    runs->gorilla.count = 0;
    uint8_t *chunk = writer_reserve(&runs->gorilla, entry->bytes + GORILLA_SLACK_BYTES);
    memcpy(chunk, bytes, entry->bytes);
    memset(chunk + entry->bytes, 0, GORILLA_SLACK_BYTES);
    return columns_decode(&runs->columns, chunk, entry->bytes, SIZE_MAX);
}

static bool times_rise(const struct column_buffer *columns)
{
    const int64_t *times_ms = columns->times.data;
    bool rise = true;

    for (size_t i = 1; i < columns->times.count; i++) rise &= times_ms[i - 1] < times_ms[i];
    return rise;
}

/* The floats from chunk `first` up to the next of another kind, as columns; *end is where they end. */
static status decode_floats(struct block_runs *runs, const struct series_data *data, size_t first, size_t *end)
{
    columns_clear(&runs->columns);
    for (*end = first; *end < data->chunks.count && is_floats(&data->chunks.data[*end]); ++*end) {
        const struct chunk_entry *entry = &data->chunks.data[*end];
        size_t before = runs->columns.times.count;
        if (!decode_chunk(runs, entry, data->bytes.data + entry->offset) ||
            runs->columns.times.count - before != entry->samples)
            return status_make(STATUS_CORRUPT, "a chunk to be stored does not hold the samples that it should");
    }
    return times_rise(&runs->columns) ? ok()
                                      : status_make(STATUS_CORRUPT, "times of a series to be stored do not rise");
}

static status show_series(struct block_runs *runs, const struct series_data *data)
{
    size_t end;

    for (size_t first = 0; first<data->chunks.count; first = end> first ? end : first + 1) {
        TRY(decode_floats(runs, data, first, &end));
        if (end > first) run_encode_values(&runs->encoder, runs->columns.values.data, runs->columns.values.count, NULL);
    }
    return ok();
}

status block_runs_learn(struct block_runs *runs, const struct build_source *source)
{
    struct models_trainer trainer = {0};
    struct series_data data = {0};
    uint32_t total = source->series_count, shown = 0;
    uint64_t count = 0;
    status s = ok();

    runs->encoder.trainer = &trainer;
    for (; shown < total && shown < LESSON_SERIES_MAX && trainer.frames.count < LESSON_FRAMES; shown++) {
        uint32_t ordinal = total > LESSON_SERIES_MAX / 8 ? (uint32_t)(hash_mix(shown, 0) % total) : shown;
        series_data_clear(&data);
        if (failed(s = source->data(source->context, ordinal, &data))) break;
        if (failed(s = show_series(runs, &data))) break;
        count += data.samples;
    }
    runs->encoder.trainer = NULL;
    if (!failed(s) && shown) {
        uint64_t expected = count * total / shown;
        models_train(&trainer,
                     (unsigned)(expected / SAMPLES_PER_MODEL < MODELS_MAX ? expected / SAMPLES_PER_MODEL : MODELS_MAX),
                     &runs->models, &runs->arena);
        runs->encoder.models = &runs->models;
    }
    models_trainer_release(&trainer);
    series_data_release(&data);
    return s;
}

/* Writes the first `count` of the waiting columns as a page. */
static void write_columns(struct block_runs *runs, size_t first, size_t count)
{
    const uint32_t *ends = runs->column_ends.data + first;
    uint32_t start = first ? ends[-1] : 0;
    struct writer page = {0};

    for (size_t i = 0; i < count; i++) writer_u32(&page, ends[i] - start);
    writer_bytes(&page, runs->column_entries.data + start, ends[count - 1] - start);
    page_list_add(&runs->column_pages, block_writer_page(runs->file, page.data, page.count, false));
    writer_release(&page);
}

/* Writes the waiting columns that fill pages, or all. */
static void flush_columns(struct block_runs *runs, bool all)
{
    size_t written = 0, waiting = runs->column_ends.count;

    while (waiting - written >= (all ? 1 : BLOCK_COLUMNS_PER_PAGE)) {
        size_t count = waiting - written < BLOCK_COLUMNS_PER_PAGE ? waiting - written : BLOCK_COLUMNS_PER_PAGE;
        write_columns(runs, written, count);
        written += count;
    }
    if (written == 0) return;
    uint32_t start = runs->column_ends.data[written - 1];
    for (size_t i = written; i < waiting; i++) runs->column_ends.data[i - written] = runs->column_ends.data[i] - start;
    runs->column_ends.count -= written;
    runs->column_entries.count -= start;
    memmove(runs->column_entries.data, runs->column_entries.data + start, runs->column_entries.count);
}

void block_runs_flush(struct block_runs *runs)
{
    flush_columns(runs, false);
}

static uint32_t find_column(const struct block_runs *runs, hash128 hash)
{
    struct map_cursor cursor;
    uint32_t id = map_find(&runs->columns_by_hash, hash.low, &cursor);

    while (id != MAP_NONE && !hash128_equal(runs->columns_known.data[id], hash))
        id = map_next(&runs->columns_by_hash, &cursor);
    return id;
}

static uint32_t add_column(struct block_runs *runs, hash128 hash)
{
    uint32_t id = (uint32_t)runs->columns_known.count;

    vec_push(&runs->columns_known, hash);
    map_add(&runs->columns_by_hash, hash.low, id);
    writer_varint(&runs->column_entries, runs->columns.times.count);
    run_encode_times(&runs->encoder, runs->columns.times.data, runs->columns.times.count, &runs->column_entries);
    vec_push(&runs->column_ends, (uint32_t)runs->column_entries.count);
    return id;
}

/* Where equal bytes lie in the file, or 0. */
static uint64_t find_placed(const struct block_runs *runs, hash128 hash)
{
    struct map_cursor cursor;
    uint32_t id = map_find(&runs->placed_by_hash, hash.low, &cursor);

    while (id != MAP_NONE && !hash128_equal(runs->placed.data[id].hash, hash))
        id = map_next(&runs->placed_by_hash, &cursor);
    return id == MAP_NONE ? 0 : runs->placed.data[id].offset;
}

static void copy_chunks(struct block_runs *runs, const struct series_data *data, size_t first, size_t end,
                        struct series_data *out)
{
    for (size_t i = first; i < end; i++) {
        const struct chunk_entry *entry = &data->chunks.data[i];
        series_data_add(out, entry->codec, entry->samples, entry->min_ms, entry->max_ms,
                        data->bytes.data + entry->offset, entry->bytes);
        vec_push(&runs->pending, (hash128){0, 0});
    }
}

/* The entry of the run in runs->run, whose times are the columns'. Remembers what to share later. */
static void add_run(struct block_runs *runs, uint32_t column, struct series_data *out)
{
    const struct column_buffer *columns = &runs->columns;
    size_t count = columns->times.count;
    struct chunk_entry entry = {.codec = CHUNK_RUN,
                                .samples = (uint32_t)count,
                                .min_ms = columns->times.data[0],
                                .max_ms = columns->times.data[count - 1],
                                .bytes = runs->run.count,
                                .column = column,
                                .checksum = (uint32_t)hash_bytes(runs->run.data, runs->run.count)};
    hash128 hash = {0, 0};

    if (runs->run.count >= SHARED_BYTES_MIN) {
        writer_u64(&runs->run, count); /* equal bytes are equal values only if their number is equal, too */
        hash = hash_keyed(runs->secret, runs->run.data, runs->run.count);
        entry.shared_at = find_placed(runs, hash);
    }
    series_data_add_run(out, &entry, runs->run.data);
    vec_push(&runs->pending, entry.shared_at ? (hash128){0, 0} : hash);
}

/* Packs the columns as a run, or in Gorilla chunks if they take less. */
static void pack_floats(struct block_runs *runs, struct series_data *out)
{
    const struct column_buffer *columns = &runs->columns;
    size_t count = columns->times.count;

    runs->run.count = 0;
    run_encode_values(&runs->encoder, columns->values.data, count, &runs->run);
    hash128 hash = hash_keyed(runs->secret, columns->times.data, count * sizeof *columns->times.data);
    uint32_t column = find_column(runs, hash);
    size_t bytes = runs->run.count + RUN_ENTRY_BYTES + (column == MAP_NONE ? TIMES_ENTRY_BYTES : 0);
    if (bytes > count * GORILLA_WORTH_BYTES) {
        series_data_clear(&runs->trial);
        series_data_encode(&runs->trial, columns->times.data, columns->values.data, count, GORILLA_SAMPLES);
        if (runs->trial.bytes.count + runs->trial.chunks.count * GORILLA_ENTRY_BYTES < bytes) {
            copy_chunks(runs, &runs->trial, 0, runs->trial.chunks.count, out);
            return;
        }
    }
    if (column == MAP_NONE) column = add_column(runs, hash);
    add_run(runs, column, out);
}

status block_runs_pack(struct block_runs *runs, const struct series_data *data, struct series_data *out)
{
    size_t end;

    series_data_clear(out);
    runs->pending.count = 0;
    for (size_t first = 0; first < data->chunks.count; first = end) {
        TRY(decode_floats(runs, data, first, &end));
        if (end > first) {
            pack_floats(runs, out);
        } else {
            copy_chunks(runs, data, first, ++end, out);
        }
    }
    return ok();
}

void block_runs_placed(struct block_runs *runs, const struct series_data *packed, uint64_t offset)
{
    assert(runs->pending.count == packed->chunks.count);
    for (size_t i = 0; i < packed->chunks.count; i++) {
        hash128 hash = runs->pending.data[i];
        if (hash.low || hash.high) {
            map_add(&runs->placed_by_hash, hash.low, (uint32_t)runs->placed.count);
            vec_push(&runs->placed, (struct placed_run){hash, offset});
        }
        offset += series_data_stored_bytes(&packed->chunks.data[i]);
    }
}

void block_runs_finish(struct block_runs *runs, struct block_info *info)
{
    struct writer models = {0};

    flush_columns(runs, true);
    info->columns = (uint32_t)runs->columns_known.count;
    info->column_pages = page_list_finish(&runs->column_pages, runs->file);
    info->models = (struct page_ref){0, 0};
    if (runs->models.count) {
        models_write(&runs->models, &models);
        info->models = block_writer_page(runs->file, models.data, models.count, false);
    }
    writer_release(&models);
}
