/* Writing a block; see prom_block_write.h. */
#include "prometheus/prom_block_write.h"

#include "prometheus/prom_chunk.h"
#include "prometheus/prom_histogram_write.h"
#include "prometheus/prom_output.h"
#include "storage/base/clock.h"
#include "storage/base/crc32c.h"
#include "storage/base/hash.h"
#include "storage/chunk_gorilla.h"

#include <stdio.h>

#define SEGMENT_MAGIC 0x85BD40DDU

enum { CHUNK_SAMPLES = 120, PATH_BYTES = 96 };

struct prom_block_writer {
    struct fs *fs;
    uint64_t segment_bytes;
    struct prom_meta meta;
    struct prom_index_writer *index;
    struct prom_output segment;
    uint32_t segments;
    struct writer chunk;
    vec(struct prom_chunk_ref) refs; /* of the series at hand */
    vec(uint64_t) bits;
    struct arena arena; /* of one chunk */
};

/* 48 bits of time and 80 of chance in Crockford's base 32 (ulid/spec). */
static void make_ulid(char out[PROM_ULID_CHARACTERS + 1])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t time_ms = (uint64_t)clock_now_ms();
    struct hash_secret chance;

    hash_secret_make(&chance);
    for (int i = 9; i >= 0; i--, time_ms >>= 5) out[i] = digits[time_ms & 31];
    for (int i = 10; i < PROM_ULID_CHARACTERS; i++) out[i] = digits[chance.bytes[i] & 31];
    out[PROM_ULID_CHARACTERS] = 0;
}

static void path_of(const struct prom_block_writer *writer, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s.tmp-for-creation%s%s", writer->meta.ulid, name[0] ? "/" : "", name);
}

static void segment_path(const struct prom_block_writer *writer, uint32_t number, char out[PATH_BYTES])
{
    char name[32];

    snprintf(name, sizeof name, "chunks/%06u", number);
    path_of(writer, name, out);
}

static void release(struct prom_block_writer *writer)
{
    prom_index_writer_abandon(writer->index);
    prom_output_abandon(&writer->segment);
    writer_release(&writer->chunk);
    vec_release(&writer->refs);
    vec_release(&writer->bits);
    arena_release(&writer->arena);
    free(writer);
}

static void remove_files(struct prom_block_writer *writer)
{
    static const char *const files[] = {"index", "meta.json", "meta.json.tmp"};
    char path[PATH_BYTES];

    for (uint32_t i = 1; i <= writer->segments; i++) {
        segment_path(writer, i, path);
        (void)fs_unlink(writer->fs, path);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_of(writer, files[i], path);
        (void)fs_unlink(writer->fs, path);
    }
    path_of(writer, "chunks", path);
    (void)fs_remove_folder(writer->fs, path);
    path_of(writer, "", path);
    (void)fs_remove_folder(writer->fs, path);
}

void prom_block_writer_abandon(struct prom_block_writer *writer)
{
    if (!writer) return;
    remove_files(writer);
    release(writer);
}

static status begin(struct prom_block_writer *writer, const str *symbols, uint32_t symbol_count)
{
    char path[PATH_BYTES];

    path_of(writer, "", path);
    TRY(fs_make_folder(writer->fs, path));
    path_of(writer, "chunks", path);
    TRY(fs_make_folder(writer->fs, path));
    path_of(writer, "index", path);
    return prom_index_writer_open(writer->fs, path, symbols, symbol_count, &writer->index);
}

status prom_block_writer_open(struct fs *fs, const str *symbols, uint32_t symbol_count, uint64_t segment_bytes,
                              struct prom_block_writer **out)
{
    struct prom_block_writer *writer = memory_zalloc(sizeof *writer);

    writer->fs = fs;
    writer->segment_bytes = segment_bytes;
    writer->meta = (struct prom_meta){.min_ms = INT64_MAX, .end_ms = INT64_MIN};
    make_ulid(writer->meta.ulid);
    status s = begin(writer, symbols, symbol_count);
    if (failed(s)) {
        prom_block_writer_abandon(writer);
        return s;
    }
    *out = writer;
    return ok();
}

static status next_segment(struct prom_block_writer *writer)
{
    static const uint8_t version[4] = {1, 0, 0, 0};
    char path[PATH_BYTES];

    if (writer->segment.file) TRY(prom_output_finish(&writer->segment));
    segment_path(writer, ++writer->segments, path);
    TRY(prom_output_open(writer->fs, path, &writer->segment));
    prom_output_u32(&writer->segment, SEGMENT_MAGIC);
    prom_output_bytes(&writer->segment, version, sizeof version);
    return ok();
}

/* Writes the chunk that lies in the writer's scratch. */
static status put_chunk(struct prom_block_writer *writer, enum prom_encoding encoding, int64_t min_ms, int64_t max_ms)
{
    struct prom_output *out = &writer->segment;
    uint8_t head[VARINT_BYTES_MAX], kind = (uint8_t)encoding;

    if (!out->file || prom_output_at(out) + writer->chunk.count > writer->segment_bytes) TRY(next_segment(writer));
    struct prom_chunk_ref ref = {min_ms, max_ms, (uint64_t)(writer->segments - 1) << 32 | prom_output_at(out)};
    vec_push(&writer->refs, ref);
    prom_output_bytes(out, head, (size_t)(varint_put(head, writer->chunk.count) - head));
    prom_output_section(out);
    prom_output_bytes(out, &kind, 1);
    prom_output_bytes(out, writer->chunk.data, writer->chunk.count);
    prom_output_checksum(out);
    return out->error;
}

static bool is_histogram(const samples *from, size_t i)
{
    return from->histograms && from->histograms[i];
}

static struct rich_sample sample_at(const samples *from, size_t i)
{
    return (struct rich_sample){from->times_ms[i], 0, from->values[i], from->histograms ? from->histograms[i] : NULL};
}

static void encode_floats(struct prom_block_writer *writer, const samples *from, size_t first, size_t end)
{
    writer->bits.count = 0;
    for (size_t i = first; i < end; i++) vec_push(&writer->bits, double_bits(from->values[i]));
    gorilla_encode(from->times_ms + first, writer->bits.data, end - first, &writer->chunk);
}

static void encode_histograms(struct prom_block_writer *writer, const samples *from, size_t first, size_t end)
{
    struct rich_sample list[CHUNK_SAMPLES], before = {0};

    for (size_t i = first; i < end; i++) list[i - first] = sample_at(from, i);
    if (first > 0) before = sample_at(from, first - 1);
    enum prom_counter counter = prom_counter_between(first ? &before : NULL, &list[0]);
    prom_histogram_encode(list, end - first, counter, &writer->chunk, &writer->arena);
    arena_reset(&writer->arena);
}

/* Where the chunk ends that begins with sample `first`. A histogram of which nothing is known of the counter begins
 * one, since in a chunk all but the first go on counting. */
static size_t chunk_end(const samples *from, size_t first)
{
    size_t end = first + 1;

    for (; end < from->count && end - first < CHUNK_SAMPLES; end++) {
        if (is_histogram(from, end) != is_histogram(from, first)) break;
        if (!is_histogram(from, end)) continue;
        struct rich_sample before = sample_at(from, end - 1), sample = sample_at(from, end);
        if (rich_must_cut(&before, &sample) || sample.histogram->hint == HISTOGRAM_UNKNOWN) break;
    }
    return end;
}

status prom_block_writer_add(struct prom_block_writer *writer, const struct prom_pair *pairs, size_t pair_count,
                             const samples *from)
{
    if (from->count == 0) return ok();
    writer->refs.count = 0;
    for (size_t first = 0, end; first < from->count; first = end) {
        enum prom_encoding encoding = PROM_XOR;
        end = chunk_end(from, first);
        writer->chunk.count = 0;
        if (is_histogram(from, first)) {
            encoding = from->histograms[first]->is_integer ? PROM_HISTOGRAM : PROM_FLOAT_HISTOGRAM;
            encode_histograms(writer, from, first, end);
        } else {
            encode_floats(writer, from, first, end);
        }
        TRY(put_chunk(writer, encoding, from->times_ms[first], from->times_ms[end - 1]));
    }
    prom_index_writer_add(writer->index, pairs, pair_count, writer->refs.data, writer->refs.count);
    writer->meta.series++;
    writer->meta.chunks += writer->refs.count;
    writer->meta.samples += from->count;
    if (from->times_ms[0] < writer->meta.min_ms) writer->meta.min_ms = from->times_ms[0];
    if (from->times_ms[from->count - 1] >= writer->meta.end_ms)
        writer->meta.end_ms = from->times_ms[from->count - 1] + 1;
    return ok();
}

static status complete(struct prom_block_writer *writer)
{
    struct writer text = {0};
    char path[PATH_BYTES];
    struct prom_index_writer *index = writer->index;

    writer->index = NULL;
    TRY(prom_index_writer_finish(index));
    TRY(prom_output_finish(&writer->segment));
    path_of(writer, "chunks", path);
    TRY(fs_sync_folder(writer->fs, path));
    path_of(writer, "meta.json", path);
    prom_meta_write(&writer->meta, &text);
    status s = fs_replace_file(writer->fs, path, str_make((const char *)text.data, text.count));
    writer_release(&text);
    path_of(writer, "", path);
    if (!failed(s)) s = fs_rename(writer->fs, path, writer->meta.ulid);
    return failed(s) ? s : fs_sync_folder(writer->fs, "");
}

status prom_block_writer_finish(struct prom_block_writer *writer, struct prom_meta *meta)
{
    *meta = writer->meta;
    if (writer->meta.samples == 0) {
        prom_block_writer_abandon(writer);
        return ok();
    }
    status s = complete(writer);
    if (failed(s)) {
        prom_block_writer_abandon(writer);
    } else {
        release(writer);
    }
    return s;
}
