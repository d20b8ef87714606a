/* The rich samples of one series in a head; see rich.h. */
#include "tsdb/rich.h"

#include <assert.h>

/* A deep copy in one piece. */
static struct histogram *own_histogram(const struct histogram *h)
{
    size_t buckets = h->positive.count + h->negative.count;
    size_t bytes = sizeof *h + (buckets + h->bound_count) * sizeof(double) + buckets * sizeof(int32_t);
    struct histogram *copy = memory_alloc(bytes);
    double *doubles = (double *)(copy + 1);
    int32_t *indexes = (int32_t *)(doubles + buckets + h->bound_count);

    *copy = *h;
    copy->bounds = doubles + buckets;
    copy->positive = (struct bucket_list){h->positive.count, indexes, doubles};
    copy->negative = (struct bucket_list){h->negative.count, indexes + h->positive.count, doubles + h->positive.count};
    if (h->bound_count) memcpy(doubles + buckets, h->bounds, h->bound_count * sizeof(double));
    if (h->positive.count) {
        memcpy(doubles, h->positive.counts, h->positive.count * sizeof(double));
        memcpy(indexes, h->positive.indexes, h->positive.count * sizeof(int32_t));
    }
    if (h->negative.count) {
        memcpy(doubles + h->positive.count, h->negative.counts, h->negative.count * sizeof(double));
        memcpy(indexes + h->positive.count, h->negative.indexes, h->negative.count * sizeof(int32_t));
    }
    return copy;
}

static void free_last(struct rich_samples *rich)
{
    union {
        const struct histogram *borrowed;
        void *owned;
    } last = {.borrowed = rich->last.histogram};

    free(last.owned);
    rich->last.histogram = NULL;
}

void rich_release(struct rich_samples *rich)
{
    vec_each (chunk, &rich->chunks) writer_release(&chunk->rows);
    vec_each (late, &rich->late_rows) free(late->row);
    vec_release(&rich->chunks);
    vec_release(&rich->late_rows);
    late_release(&rich->late);
    free_last(rich);
}

bool rich_same(const struct rich_sample *a, const struct rich_sample *b)
{
    if (a->time_ms != b->time_ms || a->start_ms != b->start_ms || double_bits(a->value) != double_bits(b->value))
        return false;
    if (!a->histogram || !b->histogram) return a->histogram == b->histogram;
    return histogram_equal(a->histogram, b->histogram);
}

size_t rich_append(struct rich_samples *rich, const struct rich_sample *sample, bool begins_chunk)
{
    struct rich_chunk *chunk = rich->chunks.count ? vec_last(&rich->chunks) : NULL;

    if (!chunk || begins_chunk || chunk->count == RICH_CHUNK_SAMPLES || rich_must_cut(&rich->last, sample)) {
        chunk = vec_push_slot(&rich->chunks);
        *chunk = (struct rich_chunk){.min_ms = sample->time_ms};
    }
    size_t before = chunk->rows.capacity + (rich->last.histogram ? histogram_bytes(rich->last.histogram) : 0);
    rich_row_write(chunk->count ? &rich->last : NULL, sample, &chunk->rows);
    chunk->count++;
    free_last(rich);
    rich->last = *sample;
    if (sample->histogram) rich->last.histogram = own_histogram(sample->histogram);
    rich->count++;
    size_t after = chunk->rows.capacity + (sample->histogram ? histogram_bytes(sample->histogram) : 0);
    return after - before + (chunk->count == 1 ? sizeof *chunk : 0);
}

bool rich_has_late(const struct rich_samples *rich, int64_t time_ms)
{
    return late_find(&rich->late, time_ms) != NULL;
}

enum rich_verdict rich_append_late(struct rich_samples *rich, const struct rich_sample *sample, size_t *bytes)
{
    const struct late_sample *known = late_find(&rich->late, sample->time_ms);
    struct writer row = {0};

    rich_row_write(NULL, sample, &row);
    if (known) {
        const struct rich_late *other = &rich->late_rows.data[known->value];
        bool is_same = other->bytes == row.count && memcmp(other->row, row.data, row.count) == 0;
        writer_release(&row);
        return is_same ? RICH_REPEATED : RICH_DUPLICATE;
    }
    *bytes = row.capacity + sizeof(struct rich_late) + late_add(&rich->late, sample->time_ms, rich->late_rows.count);
    vec_push(&rich->late_rows, (struct rich_late){(uint32_t)row.count, row.data});
    return RICH_STORED;
}

/* Copies are pieces of u32 rows and u32 bytes, then the bytes. */
static void copy_piece(uint32_t rows, const uint8_t *bytes, size_t size, struct writer *out)
{
    writer_u32(out, rows);
    writer_u32(out, (uint32_t)size);
    writer_bytes(out, bytes, size);
}

static void copy_late(const struct rich_samples *rich, struct writer *out)
{
    struct late_sample *sorted = memory_alloc(rich->late.count * sizeof *sorted);

    memcpy(sorted, rich->late.rows, rich->late.count * sizeof *sorted);
    late_sort(sorted, rich->late.count);
    for (uint32_t i = 0; i < rich->late.count; i++) {
        const struct rich_late *entry = &rich->late_rows.data[sorted[i].value];
        copy_piece(1, entry->row, entry->bytes, out);
    }
    free(sorted);
}

void rich_copy(const struct rich_samples *rich, int64_t from_ms, uint32_t visible, struct writer *in_order,
               struct writer *late)
{
    uint32_t before = 0;

    in_order->count = late->count = 0;
    for (size_t i = 0; i < rich->chunks.count && before < visible; i++) {
        const struct rich_chunk *chunk = &rich->chunks.data[i];
        uint32_t keep = chunk->count < visible - before ? chunk->count : visible - before;
        bool is_over = i + 1 < rich->chunks.count && rich->chunks.data[i + 1].min_ms <= from_ms;
        if (!is_over) copy_piece(keep, chunk->rows.data, chunk->rows.count, in_order);
        before += chunk->count;
    }
    if (rich->late.count) copy_late(rich, late);
}

void rich_read_copy(const struct writer *in_order, struct arena *arena,
                    void (*take)(void *context, const struct rich_sample *sample, enum histogram_hint hint),
                    void *context)
{
    struct reader pieces = reader_make(in_order->data, in_order->count);

    while (reader_left(&pieces)) {
        uint32_t rows = reader_u32(&pieces), bytes = reader_u32(&pieces);
        struct reader in = reader_make(reader_bytes(&pieces, bytes), bytes);
        struct rich_sample before = {0}, sample;
        for (uint32_t i = 0; i < rows; i++) {
            bool good = rich_row_read(&in, i ? &before : NULL, &sample, arena);
            assert(good);
            (void)good;
            enum histogram_hint hint = i ? HISTOGRAM_NOT_RESET : HISTOGRAM_UNKNOWN;
            if (sample.histogram && sample.histogram->hint == HISTOGRAM_GAUGE) hint = HISTOGRAM_GAUGE;
            take(context, &sample, hint);
            before = sample;
        }
    }
}
