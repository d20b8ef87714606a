/* All chunks of one series in a block; see series_data.h. */
#include "tsdb/series_data.h"

#include "storage/chunk_gorilla.h"
#include "storage/chunk_run.h"
#include "tsdb/rich.h"

#include <assert.h>

enum { CHECKSUM_BYTES = 4, RUN_BYTES_MAX = 1 << 30 };

void series_data_release(struct series_data *data)
{
    writer_release(&data->bytes);
    vec_release(&data->chunks);
}

void series_data_clear(struct series_data *data)
{
    data->bytes.count = 0;
    data->chunks.count = 0;
    data->samples = 0;
}

void series_data_add(struct series_data *data, enum chunk_codec codec, uint32_t count, int64_t min_ms, int64_t max_ms,
                     const void *bytes, size_t size)
{
    assert(count > 0 && min_ms <= max_ms);
    assert(data->chunks.count == 0 || vec_last(&data->chunks)->max_ms < min_ms);
    vec_push(&data->chunks, (struct chunk_entry){.codec = codec,
                                                 .samples = count,
                                                 .min_ms = min_ms,
                                                 .max_ms = max_ms,
                                                 .offset = data->bytes.count,
                                                 .bytes = size});
    writer_bytes(&data->bytes, bytes, size);
    data->samples += count;
}

void series_data_add_run(struct series_data *data, const struct chunk_entry *entry, const void *bytes)
{
    assert(entry->codec == CHUNK_RUN && entry->samples > 0);
    assert(data->chunks.count == 0 || vec_last(&data->chunks)->max_ms < entry->min_ms);
    vec_push(&data->chunks, *entry);
    vec_last(&data->chunks)->offset = data->bytes.count;
    if (!entry->shared_at) writer_bytes(&data->bytes, bytes, entry->bytes);
    data->samples += entry->samples;
}

static void add_columns(struct series_data *data, const int64_t *times_ms, const double *values, size_t count)
{
    size_t size = count * sizeof *times_ms;

    if (count == 0) return;
    series_data_add(data, CHUNK_COLUMNS, (uint32_t)count, times_ms[0], times_ms[count - 1], times_ms, size);
    writer_bytes(&data->bytes, values, size);
    vec_last(&data->chunks)->bytes += size;
}

void series_data_encode(struct series_data *data, const int64_t *times_ms, const double *values, size_t count,
                        size_t chunk_samples)
{
    struct writer chunk = {0};
    uint64_t bits[256];

    assert(chunk_samples <= sizeof bits / sizeof bits[0]);
    if (chunk_samples == 0) {
        add_columns(data, times_ms, values, count);
        return;
    }
    for (size_t first = 0; first < count; first += chunk_samples) {
        size_t part = count - first < chunk_samples ? count - first : chunk_samples;
        for (size_t i = 0; i < part; i++) bits[i] = double_bits(values[first + i]);
        chunk.count = 0;
        gorilla_encode(times_ms + first, bits, part, &chunk);
        series_data_add(data, CHUNK_GORILLA, (uint32_t)part, times_ms[first], times_ms[first + part - 1], chunk.data,
                        chunk.count);
    }
    writer_release(&chunk);
}

static bool is_plain(const struct column_buffer *buffer, size_t i)
{
    return !buffer->is_rich || (!buffer->histograms.data[i] && buffer->starts.data[i] == 0);
}

/* Whether sample i of a buffer, a rich one like the one before, begins a chunk. */
static bool begins_chunk(const struct column_buffer *buffer, size_t i)
{
    struct rich_sample before = columns_at(buffer, i - 1), sample = columns_at(buffer, i);

    if (rich_must_cut(&before, &sample)) return true;
    return sample.histogram && sample.histogram->hint == HISTOGRAM_UNKNOWN;
}

static void settle_hints(struct column_buffer *buffer)
{
    for (size_t i = 1; i < buffer->times.count && buffer->is_rich; i++) {
        struct rich_sample before = columns_at(buffer, i - 1), sample = columns_at(buffer, i);
        if (!sample.histogram || !before.histogram || sample.histogram->hint != HISTOGRAM_UNKNOWN) continue;
        if (!rich_must_cut(&before, &sample)) buffer->histograms.data[i]->hint = HISTOGRAM_NOT_RESET;
    }
}

static void encode_rich(struct series_data *data, const struct column_buffer *buffer, size_t first, size_t end)
{
    struct rich_sample rows[RICH_CHUNK_SAMPLES];
    struct writer chunk = {0};

    for (size_t i = first; i < end; i++) rows[i - first] = columns_at(buffer, i);
    rich_chunk_encode(rows, end - first, &chunk);
    series_data_add(data, CHUNK_RICH, (uint32_t)(end - first), rows[0].time_ms, rows[end - first - 1].time_ms,
                    chunk.data, chunk.count);
    writer_release(&chunk);
}

void series_data_encode_columns(struct series_data *data, struct column_buffer *buffer, size_t chunk_samples)
{
    size_t count = buffer->times.count;

    if (buffer->has_lost_hints) settle_hints(buffer);
    for (size_t first = 0, end; first < count; first = end) {
        bool plain = is_plain(buffer, first);
        for (end = first + 1; end < count && is_plain(buffer, end) == plain; end++) {
            if (!plain && (end - first == RICH_CHUNK_SAMPLES || begins_chunk(buffer, end))) break;
        }
        if (plain) {
            series_data_encode(data, buffer->times.data + first, buffer->values.data + first, end - first,
                               chunk_samples);
        } else {
            encode_rich(data, buffer, first, end);
        }
    }
}

static uint32_t checksum(const uint8_t *bytes, size_t size, hash128 fingerprint)
{
    return (uint32_t)hash_seeded(bytes, size, fingerprint.low);
}

size_t series_data_stored_bytes(const struct chunk_entry *entry)
{
    if (entry->codec != CHUNK_RUN) return entry->bytes + CHECKSUM_BYTES;
    return entry->shared_at ? 0 : entry->bytes;
}

static void write_entry(const struct chunk_entry *chunk, uint64_t at, int64_t *bound, struct writer *out)
{
    assert(chunk->codec != CHUNK_COLUMNS);
    writer_u8(out, (uint8_t)chunk->codec);
    if (chunk->codec == CHUNK_RUN) {
        writer_varint(out, chunk->column);
        writer_varint(out, chunk->bytes);
        writer_varint(out, chunk->shared_at ? at - chunk->shared_at : 0);
        writer_u32(out, chunk->checksum);
        return;
    }
    writer_varint(out, chunk->samples);
    writer_signed(out, (int64_t)((uint64_t)chunk->min_ms - (uint64_t)*bound));
    writer_varint(out, (uint64_t)chunk->max_ms - (uint64_t)chunk->min_ms);
    writer_varint(out, chunk->bytes);
    *bound = chunk->max_ms;
}

size_t series_data_write(const struct series_data *data, hash128 fingerprint, uint64_t at, struct writer *out)
{
    size_t start = out->count;
    int64_t bound = 0;

    writer_varint(out, data->chunks.count);
    vec_each (chunk, &data->chunks) write_entry(chunk, at, &bound, out);
    writer_u32(out, checksum(out->data + start, out->count - start, fingerprint));
    size_t header = out->count - start;
    vec_each (chunk, &data->chunks) {
        if (chunk->codec == CHUNK_RUN && chunk->shared_at) continue;
        writer_bytes(out, data->bytes.data + chunk->offset, chunk->bytes);
        if (chunk->codec != CHUNK_RUN)
            writer_u32(out, checksum(data->bytes.data + chunk->offset, chunk->bytes, fingerprint));
    }
    return header;
}

/* Walks the header's entries; the chunks' bytes follow the header. */
struct entries {
    struct reader in;
    uint64_t left;
    int64_t bound;
    uint64_t at;   /* of the series data in the file */
    size_t offset; /* of the next chunk's bytes */
    size_t limit;  /* no chunk is larger */
};

static void read_entry(struct entries *entries, struct chunk_entry *out)
{
    struct reader *in = &entries->in;

    *out = (struct chunk_entry){.codec = (enum chunk_codec)reader_u8(in), .offset = entries->offset};
    if (out->codec == CHUNK_RUN) {
        out->column = reader_varint32(in);
        out->bytes = reader_varint(in);
        uint64_t distance = reader_varint(in);
        out->checksum = reader_u32(in);
        if (distance > entries->at) in->failed = true;
        out->shared_at = distance ? entries->at - distance : 0;
        return;
    }
    out->samples = reader_varint32(in);
    out->min_ms = (int64_t)((uint64_t)entries->bound + (uint64_t)reader_signed(in));
    out->max_ms = (int64_t)((uint64_t)out->min_ms + reader_varint(in));
    out->bytes = reader_varint(in);
    entries->bound = out->max_ms;
}

static bool next_entry(struct entries *entries, struct chunk_entry *out)
{
    if (entries->left == 0) return false;
    entries->left--;
    read_entry(entries, out);
    if (reader_failed(&entries->in) || out->bytes > (out->shared_at ? RUN_BYTES_MAX : entries->limit)) return false;
    entries->offset += series_data_stored_bytes(out);
    return true;
}

static status malformed(void)
{
    return status_make(STATUS_CORRUPT, "the chunk table of a series does not match its checksum");
}

/* Finds where the header ends, verifies it, and sets the walk up. */
static status open_entries(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                           struct entries *out)
{
    struct entries scan = {.in = reader_make(bytes, size), .at = block ? block->at : 0, .limit = size};
    struct chunk_entry entry;

    scan.left = reader_varint(&scan.in);
    if (scan.left > size) return malformed();
    *out = scan;
    while (next_entry(&scan, &entry)) {}
    size_t header = size - reader_left(&scan.in);
    uint32_t stored = reader_u32(&scan.in);
    if (reader_failed(&scan.in) || stored != checksum(bytes, header, fingerprint)) return malformed();
    if (header + CHECKSUM_BYTES + scan.offset != size) return malformed();
    out->offset = header + CHECKSUM_BYTES;
    return ok();
}

static status verify_chunk(const uint8_t *bytes, const struct chunk_entry *entry, hash128 fingerprint)
{
    const uint8_t *chunk = bytes + entry->offset;

    if (load_u32(chunk + entry->bytes) != checksum(chunk, entry->bytes, fingerprint))
        return status_at(STATUS_CORRUPT, entry->offset, "a chunk does not match its checksum");
    if (entry->codec != CHUNK_GORILLA && entry->codec != CHUNK_RICH)
        return status_make(STATUS_UNSUPPORTED, "a chunk has the unknown codec %u", entry->codec);
    return ok();
}

static bool decode_chunk(struct column_buffer *buffer, const struct chunk_entry *entry, const uint8_t *bytes,
                         int64_t from_ms, int64_t to_ms)
{
    if (entry->codec == CHUNK_RICH) return columns_decode_rich(buffer, bytes + entry->offset, entry->bytes);
    return columns_take(buffer, bytes + entry->offset, entry->bytes, from_ms, to_ms);
}

/* The bytes of a run: here, or elsewhere in the file and then in the buffer's scratch. */
static status run_bytes(const uint8_t *bytes, const struct chunk_entry *entry, const struct series_block *block,
                        struct column_buffer *buffer, const uint8_t **out)
{
    *out = bytes + entry->offset;
    if (entry->shared_at) {
        buffer->chunk.count = 0;
        uint8_t *to = writer_reserve(&buffer->chunk, entry->bytes + RUN_SLACK_BYTES);
        TRY(block->bytes(block->context, entry->shared_at, to, entry->bytes));
        memset(to + entry->bytes, 0, RUN_SLACK_BYTES);
        *out = to;
    }
    if ((uint32_t)hash_bytes(*out, entry->bytes) != entry->checksum)
        return status_at(STATUS_CORRUPT, entry->offset, "a run does not match its checksum");
    return ok();
}

/* Index of the first time that is at least `bound`. */
static size_t find_time(const int64_t *times_ms, size_t count, int64_t bound)
{
    size_t low = 0;

    while (count > 0) {
        size_t half = count / 2;
        if (times_ms[low + half] < bound) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

/* What stands for part of a time column of a block; never 0. */
static uint64_t times_key(uint32_t block, uint32_t column, size_t first, size_t end)
{
    const uint64_t parts[] = {block, column, first, end};
    uint64_t key = hash_bytes(parts, sizeof parts);

    return key ? key : 1;
}

/* Appends part of a run, whose times are known. */
static status decode_run(const uint8_t *bytes, const struct chunk_entry *entry, const struct series_block *block,
                         const struct samples *times, size_t first, size_t end, struct column_buffer *buffer)
{
    const struct page *models;
    const uint8_t *from;

    TRY(run_bytes(bytes, entry, block, buffer, &from));
    TRY(block->models(block->context, &models));
    struct run run = {from, entry->bytes, times->count,
                      models ? (const struct model_decoders *)(const void *)models->data : NULL};
    unsigned whole_bits;
    bool good = run_decode_values(&run, first, end - first, columns_reserve(buffer, end - first), &whole_bits);
    if (!good) return status_at(STATUS_CORRUPT, entry->offset, "a run is malformed");
    columns_append(buffer, times->times_ms + first, end - first, times_key(block->number, entry->column, first, end),
                   whole_bits);
    return ok();
}

static status read_run(const uint8_t *bytes, const struct chunk_entry *entry, const struct series_block *block,
                       int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    const struct page *column;

    if (!block) return status_at(STATUS_CORRUPT, entry->offset, "a run lies outside of a block");
    TRY(block->times(block->context, entry->column, &column));
    struct samples times = {.count = column->bytes / sizeof(int64_t),
                            .times_ms = (const int64_t *)(const void *)column->data};
    size_t first = find_time(times.times_ms, times.count, from_ms);
    size_t end = to_ms == INT64_MAX ? times.count : find_time(times.times_ms, times.count, to_ms + 1);
    return first < end ? decode_run(bytes, entry, block, &times, first, end, buffer) : ok();
}

static status read_chunk(const uint8_t *bytes, const struct chunk_entry *entry, hash128 fingerprint, int64_t from_ms,
                         int64_t to_ms, struct column_buffer *buffer)
{
    TRY(verify_chunk(bytes, entry, fingerprint));
    if (!decode_chunk(buffer, entry, bytes, from_ms, to_ms))
        return status_at(STATUS_CORRUPT, entry->offset, "a chunk ends before its last sample");
    return ok();
}

/* What becomes of a chunk that could not be read: `kept` samples were there before it. */
static status pass_over(struct column_buffer *buffer, size_t kept, status s)
{
    if (!buffer->skips_damage || !tells_damage(s)) return s;
    columns_cut(buffer, kept);
    if (!failed(buffer->damage)) buffer->damage = s;
    return ok();
}

status series_data_read(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                        int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    struct entries entries;
    struct chunk_entry entry;
    size_t first = buffer->times.count;

    TRY(open_entries(bytes, size, fingerprint, block, &entries));
    while (next_entry(&entries, &entry)) {
        size_t kept = buffer->times.count;
        bool is_run = entry.codec == CHUNK_RUN;
        if (!is_run && entry.max_ms < from_ms) continue;
        if (!is_run && entry.min_ms > to_ms) break;
        status s = is_run ? read_run(bytes, &entry, block, from_ms, to_ms, buffer)
                          : read_chunk(bytes, &entry, fingerprint, from_ms, to_ms, buffer);
        if (failed(s)) TRY(pass_over(buffer, kept, s));
    }
    columns_clip(buffer, first, from_ms, to_ms);
    return ok();
}

/* Decodes a chunk into the emptied buffer and compares it with its entry. */
static status check_chunk(const uint8_t *bytes, const struct chunk_entry *entry, hash128 fingerprint,
                          const struct series_block *block, struct column_buffer *buffer)
{
    columns_clear(buffer);
    if (entry->codec == CHUNK_RUN) {
        TRY(read_run(bytes, entry, block, INT64_MIN, INT64_MAX, buffer));
        return buffer->times.count ? ok() : status_at(STATUS_CORRUPT, entry->offset, "a run is empty");
    }
    TRY(verify_chunk(bytes, entry, fingerprint));
    if (!decode_chunk(buffer, entry, bytes, INT64_MIN, INT64_MAX) || buffer->times.count != entry->samples ||
        entry->samples == 0)
        return status_at(STATUS_CORRUPT, entry->offset, "a chunk does not hold the samples that its table says");
    if (buffer->times.data[0] != entry->min_ms || *vec_last(&buffer->times) > entry->max_ms)
        return status_at(STATUS_CORRUPT, entry->offset, "a chunk's times are not those of its table");
    return ok();
}

status series_data_check(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                         struct column_buffer *buffer, uint64_t *count)
{
    struct entries entries;
    struct chunk_entry entry;
    int64_t last = INT64_MIN;

    *count = 0;
    TRY(open_entries(bytes, size, fingerprint, block, &entries));
    while (next_entry(&entries, &entry)) {
        TRY(check_chunk(bytes, &entry, fingerprint, block, buffer));
        vec_each (time, &buffer->times) {
            bool is_first = *count == 0 && time == buffer->times.data; /* of the series: any time will do */
            if (!is_first && *time <= last)
                return status_at(STATUS_CORRUPT, entry.offset, "times of a series do not rise");
            last = *time;
        }
        *count += buffer->times.count;
    }
    return ok();
}

/* Verifies a run and tells it with what its time column says. */
static status tell_run(const uint8_t *bytes, struct chunk_entry *entry, const struct series_block *block,
                       struct column_buffer *scratch, const uint8_t **chunk)
{
    const struct page *column;

    if (!block) return status_at(STATUS_CORRUPT, entry->offset, "a run lies outside of a block");
    TRY(run_bytes(bytes, entry, block, scratch, chunk));
    TRY(block->times(block->context, entry->column, &column));
    const int64_t *times_ms = (const int64_t *)(const void *)column->data;
    entry->samples = (uint32_t)(column->bytes / sizeof *times_ms);
    entry->min_ms = times_ms[0];
    entry->max_ms = times_ms[entry->samples - 1];
    return ok();
}

status series_data_each(const uint8_t *bytes, size_t size, hash128 fingerprint, const struct series_block *block,
                        struct column_buffer *scratch,
                        void (*each)(void *context, const struct chunk_entry *entry, const uint8_t *chunk),
                        void *context)
{
    struct entries entries;
    struct chunk_entry entry;

    TRY(open_entries(bytes, size, fingerprint, block, &entries));
    while (next_entry(&entries, &entry)) {
        const uint8_t *chunk = bytes + entry.offset;
        if (entry.codec == CHUNK_RUN) {
            TRY(tell_run(bytes, &entry, block, scratch, &chunk));
        } else {
            TRY(verify_chunk(bytes, &entry, fingerprint));
        }
        each(context, &entry, chunk);
    }
    return ok();
}
