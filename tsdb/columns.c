/* Columns of samples; see columns.h. */
#include "tsdb/columns.h"

#include "storage/base/hash.h"
#include "storage/chunk_gorilla.h"

#include <assert.h>

void column_buffer_release(struct column_buffer *buffer)
{
    vec_release(&buffer->times);
    vec_release(&buffer->values);
    vec_release(&buffer->histograms);
    vec_release(&buffer->starts);
    vec_release(&buffer->other_times);
    vec_release(&buffer->other_values);
    vec_release(&buffer->other_histograms);
    vec_release(&buffer->other_starts);
    vec_release(&buffer->chunks);
    vec_release(&buffer->decoded);
    vec_release(&buffer->passed);
    writer_release(&buffer->passed_bytes);
    writer_release(&buffer->bytes);
    writer_release(&buffer->chunk);
    writer_release(&buffer->late);
    writer_release(&buffer->rich);
    writer_release(&buffer->rich_late);
    arena_release(&buffer->arena);
    arena_release(&buffer->newest);
}

void columns_clear(struct column_buffer *buffer)
{
    if (buffer->is_rich) arena_reset(&buffer->arena);
    buffer->is_rich = buffer->has_lost_hints = false;
    buffer->passed.count = buffer->passed_bytes.count = 0;
    if (buffer->times.count) {
        buffer->kept_key = buffer->times_key;
        buffer->kept_count = buffer->times.count;
    }
    columns_cut(buffer, 0);
}

/* Whatever changes the times comes by here, so their key goes. */
static void set_count(struct column_buffer *buffer, size_t count)
{
    if (count != buffer->times.count) buffer->times_key = 0;
    buffer->times.count = buffer->values.count = count;
    buffer->histograms.count = buffer->starts.count = buffer->is_rich ? count : 0;
}

void columns_cut(struct column_buffer *buffer, size_t count)
{
    set_count(buffer, count);
}

/* Room for more samples, which then are written; the columns that a float does not need hold nothing there. */
static void reserve(struct column_buffer *buffer, size_t more)
{
    buffer->kept_key = 0;
    buffer->whole_bits = 0;
    vec_reserve(&buffer->times, more);
    vec_reserve(&buffer->values, more);
    if (!buffer->is_rich) return;
    vec_reserve(&buffer->histograms, more);
    vec_reserve(&buffer->starts, more);
    memset(buffer->histograms.data + buffer->times.count, 0, more * sizeof *buffer->histograms.data);
    memset(buffer->starts.data + buffer->times.count, 0, more * sizeof *buffer->starts.data);
}

static void become_rich(struct column_buffer *buffer)
{
    size_t count = buffer->times.count;

    if (buffer->is_rich) return;
    buffer->is_rich = true;
    buffer->histograms.count = buffer->starts.count = 0;
    vec_reserve(&buffer->histograms, count + 1);
    vec_reserve(&buffer->starts, count + 1);
    memset(buffer->histograms.data, 0, (count + 1) * sizeof *buffer->histograms.data);
    memset(buffer->starts.data, 0, (count + 1) * sizeof *buffer->starts.data);
    set_count(buffer, count);
}

bool columns_decode(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, size_t keep)
{
    size_t count = gorilla_count(chunk, bytes);

    reserve(buffer, count);
    if (!gorilla_decode(chunk, bytes, buffer->times.data + buffer->times.count,
                        buffer->values.data + buffer->values.count))
        return false;
    if (count > keep) count = keep;
    set_count(buffer, buffer->times.count + count);
    return true;
}

bool columns_pass(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, int64_t min_ms, int64_t max_ms,
                  int64_t from_ms, int64_t to_ms)
{
    if (!buffer->passes_chunks || min_ms < from_ms || max_ms > to_ms) return false;
    vec_push(&buffer->passed,
             (struct passed_chunk){buffer->times.count, min_ms, max_ms, buffer->passed_bytes.count, bytes});
    writer_bytes(&buffer->passed_bytes, chunk, bytes);
    return true;
}

bool columns_take(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, int64_t from_ms, int64_t to_ms)
{
    size_t first = buffer->times.count;

    if (!columns_decode(buffer, chunk, bytes, SIZE_MAX)) return false;
    if (first == buffer->times.count) return true;
    int64_t min_ms = buffer->times.data[first], max_ms = *vec_last(&buffer->times);
    columns_cut(buffer, first);
    if (columns_pass(buffer, chunk, bytes, min_ms, max_ms, from_ms, to_ms)) return true;
    set_count(buffer, first + gorilla_count(chunk, bytes));
    return true;
}

double *columns_reserve(struct column_buffer *buffer, size_t count)
{
    uint64_t kept_key = buffer->kept_key;
    unsigned whole_bits = buffer->whole_bits;

    reserve(buffer, count);
    buffer->kept_key = kept_key; /* no times are written yet */
    buffer->whole_bits = whole_bits;
    return buffer->values.data + buffer->values.count;
}

/* The key of two columns, one behind the other. */
static uint64_t joined_key(uint64_t first, uint64_t second)
{
    const uint64_t keys[] = {first, second};

    return first && second ? hash_bytes(keys, sizeof keys) : 0;
}

void columns_append(struct column_buffer *buffer, const int64_t *times_ms, size_t count, uint64_t key,
                    unsigned whole_bits)
{
    if (count == 0) return;
    if (buffer->times.count && (whole_bits == 0 || buffer->whole_bits == 0)) {
        buffer->whole_bits = 0;
    } else if (buffer->times.count == 0 || whole_bits > buffer->whole_bits) {
        buffer->whole_bits = whole_bits;
    }
    bool is_there = buffer->times.count == 0 && key && key == buffer->kept_key && count == buffer->kept_count;
    if (buffer->times.count) key = joined_key(buffer->times_key, key);
    if (!is_there) memcpy(buffer->times.data + buffer->times.count, times_ms, count * sizeof *times_ms);
    buffer->kept_key = 0;
    set_count(buffer, buffer->times.count + count);
    buffer->times_key = key;
}

bool columns_decode_rich(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes)
{
    size_t count = rich_chunk_count(chunk, bytes), first = buffer->times.count;

    become_rich(buffer);
    buffer->decoded.count = 0;
    vec_reserve(&buffer->decoded, count);
    if (!rich_chunk_decode(chunk, bytes, buffer->decoded.data, &buffer->arena)) return false;
    reserve(buffer, count);
    set_count(buffer, first + count);
    for (size_t i = 0; i < count; i++) {
        const struct rich_sample *sample = &buffer->decoded.data[i];
        buffer->times.data[first + i] = sample->time_ms;
        buffer->values.data[first + i] = sample->value;
        buffer->starts.data[first + i] = sample->start_ms;
        if (!sample->histogram) continue;
        struct histogram *h = arena_alloc(&buffer->arena, sizeof *h);
        *h = *sample->histogram;
        buffer->histograms.data[first + i] = h;
    }
    return true;
}

void columns_clear_other(struct column_buffer *buffer)
{
    buffer->other_times.count = buffer->other_values.count = 0;
    buffer->other_histograms.count = buffer->other_starts.count = 0;
    buffer->other_is_rich = false;
}

void columns_push_other(struct column_buffer *buffer, const struct rich_sample *sample, enum histogram_hint hint)
{
    struct histogram *h = NULL;

    if (sample->histogram) {
        h = arena_alloc(&buffer->arena, sizeof *h);
        *h = *sample->histogram;
        h->hint = (uint8_t)hint;
    }
    assert(buffer->other_is_rich || buffer->other_times.count == 0);
    buffer->other_is_rich = true;
    vec_push(&buffer->other_times, sample->time_ms);
    vec_push(&buffer->other_values, sample->value);
    vec_push(&buffer->other_histograms, h);
    vec_push(&buffer->other_starts, sample->start_ms);
}

static void forget_hint(struct histogram *h)
{
    if (h && h->hint != HISTOGRAM_GAUGE) h->hint = HISTOGRAM_UNKNOWN;
}

static void lose_hint(struct column_buffer *buffer, size_t i)
{
    const struct histogram *h = buffer->histograms.data[i];

    buffer->has_lost_hints |= h && h->hint == HISTOGRAM_NOT_RESET;
    forget_hint(buffer->histograms.data[i]);
}

/* Moves sample `from` of the result, or of the other samples, to place `to` of the result. */
static void move_own(struct column_buffer *buffer, size_t to, size_t from)
{
    buffer->times.data[to] = buffer->times.data[from];
    buffer->values.data[to] = buffer->values.data[from];
    if (!buffer->is_rich) return;
    buffer->histograms.data[to] = buffer->histograms.data[from];
    buffer->starts.data[to] = buffer->starts.data[from];
}

static void move_other(struct column_buffer *buffer, size_t to, size_t from)
{
    buffer->times.data[to] = buffer->other_times.data[from];
    buffer->values.data[to] = buffer->other_values.data[from];
    if (!buffer->is_rich) return;
    buffer->histograms.data[to] = buffer->other_is_rich ? buffer->other_histograms.data[from] : NULL;
    buffer->starts.data[to] = buffer->other_is_rich ? buffer->other_starts.data[from] : 0;
}

/* Closes the gap between `end` and `begin`. */
static void close_gap(struct column_buffer *buffer, size_t end, size_t begin)
{
    size_t count = buffer->times.count - begin;

    if (end == begin) return;
    memmove(buffer->times.data + end, buffer->times.data + begin, count * sizeof(int64_t));
    memmove(buffer->values.data + end, buffer->values.data + begin, count * sizeof(double));
    if (buffer->is_rich) {
        memmove(buffer->histograms.data + end, buffer->histograms.data + begin, count * sizeof(struct histogram *));
        memmove(buffer->starts.data + end, buffer->starts.data + begin, count * sizeof(int64_t));
    }
    set_count(buffer, end + count);
}

/* From the back, so that nothing is overwritten before it is read; then the gap that equal times left is closed. */
void columns_merge(struct column_buffer *buffer, size_t first)
{
    size_t have = buffer->times.count, left = buffer->other_times.count, to = have + left, total = to;
    bool was_other = false;

    if (left == 0) return;
    if (buffer->other_is_rich) become_rich(buffer);
    reserve(buffer, left);
    set_count(buffer, total);
    while (left) {
        int64_t other = buffer->other_times.data[left - 1];
        bool is_other = have == first || buffer->times.data[have - 1] < other;
        if (is_other) {
            move_other(buffer, --to, --left);
        } else {
            left -= buffer->times.data[have - 1] == other;
            move_own(buffer, --to, --have);
        }
        if (buffer->is_rich && to + 1 < total && is_other != was_other) lose_hint(buffer, to + 1);
        was_other = is_other;
    }
    if (buffer->is_rich && was_other && have > first) lose_hint(buffer, to);
    close_gap(buffer, have, to);
}

void columns_join(struct column_buffer *buffer, size_t first)
{
    if (first == 0 || first == buffer->times.count) return;
    if (buffer->times.data[first] > buffer->times.data[first - 1]) {
        if (buffer->is_rich) forget_hint(buffer->histograms.data[first]);
        return;
    }
    columns_set_aside(buffer, first);
    columns_merge(buffer, 0);
}

void columns_clip(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms)
{
    size_t begin = first, end = buffer->times.count;

    while (begin < end && buffer->times.data[begin] < from_ms) begin++;
    while (end > begin && buffer->times.data[end - 1] > to_ms) end--;
    set_count(buffer, end);
    close_gap(buffer, first, begin);
    vec_each (chunk, &buffer->passed) chunk->at -= chunk->at > first ? begin - first : 0;
}

void columns_remove(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms)
{
    size_t begin = first, end;

    while (begin < buffer->times.count && buffer->times.data[begin] < from_ms) begin++;
    for (end = begin; end < buffer->times.count && buffer->times.data[end] <= to_ms;) end++;
    if (end == begin) return;
    if (buffer->is_rich && end < buffer->times.count) lose_hint(buffer, end);
    close_gap(buffer, begin, end);
}

void columns_set_aside(struct column_buffer *buffer, size_t first)
{
    size_t count = buffer->times.count - first;

    columns_clear_other(buffer);
    vec_reserve(&buffer->other_times, count);
    vec_reserve(&buffer->other_values, count);
    if (count) {
        memcpy(buffer->other_times.data, buffer->times.data + first, count * sizeof(int64_t));
        memcpy(buffer->other_values.data, buffer->values.data + first, count * sizeof(double));
    }
    buffer->other_times.count = buffer->other_values.count = count;
    if (buffer->is_rich && count) {
        buffer->other_is_rich = true;
        vec_reserve(&buffer->other_histograms, count);
        vec_reserve(&buffer->other_starts, count);
        memcpy(buffer->other_histograms.data, buffer->histograms.data + first, count * sizeof(struct histogram *));
        memcpy(buffer->other_starts.data, buffer->starts.data + first, count * sizeof(int64_t));
        buffer->other_histograms.count = buffer->other_starts.count = count;
    }
    set_count(buffer, first);
}

struct rich_sample columns_at(const struct column_buffer *buffer, size_t i)
{
    return (struct rich_sample){buffer->times.data[i], buffer->is_rich ? buffer->starts.data[i] : 0,
                                buffer->values.data[i], buffer->is_rich ? buffer->histograms.data[i] : NULL};
}

samples columns_view(const struct column_buffer *buffer)
{
    return (samples){.count = buffer->times.count,
                     .column = buffer->times_key,
                     .whole_bits = buffer->whole_bits,
                     .times_ms = buffer->times.data,
                     .values = buffer->values.data,
                     .histograms = buffer->is_rich ? (const struct histogram *const *)buffer->histograms.data : NULL,
                     .starts_ms = buffer->is_rich ? buffer->starts.data : NULL};
}

size_t columns_bytes(const struct column_buffer *buffer)
{
    return (buffer->times.capacity + buffer->starts.capacity + buffer->other_times.capacity +
            buffer->other_starts.capacity) *
               sizeof(int64_t) +
           (buffer->values.capacity + buffer->other_values.capacity) * sizeof(double) +
           (buffer->histograms.capacity + buffer->other_histograms.capacity) * sizeof(struct histogram *) +
           buffer->decoded.capacity * sizeof(struct rich_sample) + buffer->chunks.capacity * sizeof(uint32_t) +
           buffer->passed.capacity * sizeof(struct passed_chunk) + buffer->passed_bytes.capacity +
           buffer->bytes.capacity + buffer->chunk.capacity + buffer->late.capacity + buffer->rich.capacity +
           buffer->rich_late.capacity;
}
