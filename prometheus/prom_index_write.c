/* Writing an index; see prom_index_write.h. */
#include "prometheus/prom_index_write.h"

#include "prometheus/prom_output.h"
#include "storage/base/hash.h"
#include "storage/base/map.h"

#define INDEX_MAGIC 0xBAAAD700U

enum { SERIES_ALIGNMENT = 16, TABLE_ENTRY = 2 };

struct prom_index_writer {
    struct prom_output out;
    const str *symbols;
    uint32_t symbol_count;
    uint64_t symbols_at, series_at;
    struct writer entry;
    vec(uint32_t) series; /* ids */
    vec(struct prom_pair) pairs;
    struct map pair_map;
    vec(uint32_t) places; /* of all labels of all series: the number of their pair */
    vec(uint64_t) ends;   /* where those of a series end */
    struct writer table;  /* of the postings */
    uint32_t table_count;
};

void prom_index_writer_abandon(struct prom_index_writer *writer)
{
    if (!writer) return;
    prom_output_abandon(&writer->out);
    writer_release(&writer->entry);
    writer_release(&writer->table);
    vec_release(&writer->series);
    vec_release(&writer->pairs);
    map_release(&writer->pair_map);
    vec_release(&writer->places);
    vec_release(&writer->ends);
    free(writer);
}

static void write_symbols(struct prom_index_writer *writer)
{
    uint64_t bytes = 4;
    uint8_t length[VARINT_BYTES_MAX];

    for (uint32_t i = 0; i < writer->symbol_count; i++)
        bytes += (uint64_t)(varint_put(length, writer->symbols[i].len) - length) + writer->symbols[i].len;
    prom_output_align(&writer->out, 4);
    writer->symbols_at = prom_output_at(&writer->out);
    prom_output_u32(&writer->out, (uint32_t)bytes);
    prom_output_section(&writer->out);
    prom_output_u32(&writer->out, writer->symbol_count);
    for (uint32_t i = 0; i < writer->symbol_count; i++) {
        str symbol = writer->symbols[i];
        prom_output_bytes(&writer->out, length, (size_t)(varint_put(length, symbol.len) - length));
        prom_output_bytes(&writer->out, symbol.data, symbol.len);
    }
    prom_output_checksum(&writer->out);
}

status prom_index_writer_open(struct fs *fs, const char *name, const str *symbols, uint32_t symbol_count,
                              struct prom_index_writer **out)
{
    struct prom_index_writer *writer = memory_zalloc(sizeof *writer);
    uint8_t version = 2;
    status s = prom_output_open(fs, name, &writer->out);

    if (failed(s)) {
        prom_index_writer_abandon(writer);
        return s;
    }
    writer->symbols = symbols;
    writer->symbol_count = symbol_count;
    prom_output_u32(&writer->out, INDEX_MAGIC);
    prom_output_bytes(&writer->out, &version, 1);
    write_symbols(writer);
    prom_output_align(&writer->out, SERIES_ALIGNMENT);
    writer->series_at = prom_output_at(&writer->out);
    *out = writer;
    return ok();
}

static void write_chunks(struct writer *entry, const struct prom_chunk_ref *chunks, size_t count)
{
    writer_varint(entry, count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            writer_signed(entry, chunks[0].min_ms);
        } else {
            writer_varint(entry, (uint64_t)chunks[i].min_ms - (uint64_t)chunks[i - 1].max_ms);
        }
        writer_varint(entry, (uint64_t)chunks[i].max_ms - (uint64_t)chunks[i].min_ms);
        if (i == 0) {
            writer_varint(entry, chunks[0].place);
        } else {
            writer_signed(entry, (int64_t)(chunks[i].place - chunks[i - 1].place));
        }
    }
}

static uint32_t number_of(struct prom_index_writer *writer, struct prom_pair pair)
{
    uint64_t hash = hash_mix(pair.name, pair.value);
    struct map_cursor c;

    for (uint32_t id = map_find(&writer->pair_map, hash, &c); id != MAP_NONE; id = map_next(&writer->pair_map, &c)) {
        const struct prom_pair *other = &writer->pairs.data[id];
        if (other->name == pair.name && other->value == pair.value) return id;
    }
    map_add(&writer->pair_map, hash, (uint32_t)writer->pairs.count);
    vec_push(&writer->pairs, pair);
    return (uint32_t)writer->pairs.count - 1;
}

void prom_index_writer_add(struct prom_index_writer *writer, const struct prom_pair *pairs, size_t pair_count,
                           const struct prom_chunk_ref *chunks, size_t chunk_count)
{
    struct writer *entry = &writer->entry;
    uint8_t length[VARINT_BYTES_MAX];

    entry->count = 0;
    writer_varint(entry, pair_count);
    for (size_t i = 0; i < pair_count; i++) {
        writer_varint(entry, pairs[i].name);
        writer_varint(entry, pairs[i].value);
    }
    write_chunks(entry, chunks, chunk_count);
    prom_output_align(&writer->out, SERIES_ALIGNMENT);
    uint32_t id = (uint32_t)(prom_output_at(&writer->out) / SERIES_ALIGNMENT);
    vec_push(&writer->series, id);
    for (size_t i = 0; i < pair_count; i++) vec_push(&writer->places, number_of(writer, pairs[i]));
    vec_push(&writer->ends, writer->places.count);
    prom_output_bytes(&writer->out, length, (size_t)(varint_put(length, entry->count) - length));
    prom_output_section(&writer->out);
    prom_output_bytes(&writer->out, entry->data, entry->count);
    prom_output_checksum(&writer->out);
}

/* Enters a list in the table and begins it. */
static void begin_list(struct prom_index_writer *writer, str name, str value, uint32_t count)
{
    prom_output_align(&writer->out, 4);
    writer_u8(&writer->table, TABLE_ENTRY);
    writer_str(&writer->table, name);
    writer_str(&writer->table, value);
    writer_varint(&writer->table, prom_output_at(&writer->out));
    writer->table_count++;
    prom_output_u32(&writer->out, 4 + 4 * count);
    prom_output_section(&writer->out);
    prom_output_u32(&writer->out, count);
}

/* Symbols are numbered in the order of their texts, so sorting numbers sorts the table. */
static int compare_pairs(const void *a, const void *b, void *context)
{
    const struct prom_pair *pairs = context;
    const struct prom_pair *x = &pairs[*(const uint32_t *)a], *y = &pairs[*(const uint32_t *)b];

    if (x->name != y->name) return x->name < y->name ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* The ids of each pair's series: those of pair p end where ends[p] says. */
static void group(const struct prom_index_writer *writer, uint32_t *ids, uint64_t *ends)
{
    uint64_t at = 0, sum = 0;

    vec_each (place, &writer->places) ends[*place]++;
    for (size_t p = 0; p < writer->pairs.count; p++) {
        uint64_t count = ends[p];
        ends[p] = sum;
        sum += count;
    }
    for (size_t s = 0; s < writer->series.count; s++) {
        for (; at < writer->ends.data[s]; at++) ids[ends[writer->places.data[at]]++] = writer->series.data[s];
    }
}

static void write_list(struct prom_index_writer *writer, str name, str value, const uint32_t *ids, uint64_t count)
{
    begin_list(writer, name, value, (uint32_t)count);
    for (uint64_t i = 0; i < count; i++) prom_output_u32(&writer->out, ids[i]);
    prom_output_checksum(&writer->out);
}

static void write_postings(struct prom_index_writer *writer)
{
    size_t count = writer->pairs.count;
    uint32_t *ids = memory_alloc((writer->places.count + 1) * sizeof *ids);
    uint32_t *order = memory_alloc((count + 1) * sizeof *order);
    uint64_t *ends = memory_zalloc((count + 1) * sizeof *ends);

    write_list(writer, STR(""), STR(""), writer->series.data, writer->series.count);
    group(writer, ids, ends);
    for (uint32_t i = 0; i < count; i++) order[i] = i;
    qsort_r(order, count, sizeof *order, compare_pairs, writer->pairs.data);
    for (size_t i = 0; i < count; i++) {
        uint32_t p = order[i];
        uint64_t first = p ? ends[p - 1] : 0;
        const struct prom_pair *pair = &writer->pairs.data[p];
        write_list(writer, writer->symbols[pair->name], writer->symbols[pair->value], ids + first, ends[p] - first);
    }
    free(ids);
    free(order);
    free(ends);
}

static void write_table(struct prom_index_writer *writer)
{
    prom_output_u32(&writer->out, (uint32_t)writer->table.count + 4);
    prom_output_section(&writer->out);
    prom_output_u32(&writer->out, writer->table_count);
    prom_output_bytes(&writer->out, writer->table.data, writer->table.count);
    prom_output_checksum(&writer->out);
}

status prom_index_writer_finish(struct prom_index_writer *writer)
{
    prom_output_align(&writer->out, 4);
    uint64_t postings_at = prom_output_at(&writer->out);
    write_postings(writer);
    uint64_t table_at = prom_output_at(&writer->out);
    write_table(writer);
    uint64_t contents[] = {writer->symbols_at, writer->series_at, 0, 0, postings_at, table_at};
    prom_output_section(&writer->out);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) prom_output_u64(&writer->out, contents[i]);
    prom_output_checksum(&writer->out);
    status s = prom_output_finish(&writer->out);
    prom_index_writer_abandon(writer);
    return s;
}
