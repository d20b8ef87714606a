/* Columns of samples; see columns.h. */
#include "tsdb/columns.h"

#include "storage/chunk_gorilla.h"

#include <assert.h>

void column_buffer_release(struct column_buffer *buffer)
{
    vec_release(&buffer->times);
    vec_release(&buffer->values);
    vec_release(&buffer->other_times);
    vec_release(&buffer->other_values);
    vec_release(&buffer->chunks);
    writer_release(&buffer->bytes);
    writer_release(&buffer->chunk);
}

bool columns_decode(struct column_buffer *buffer, const uint8_t *chunk, size_t bytes, size_t keep)
{
    size_t count = gorilla_count(chunk, bytes);

    vec_reserve(&buffer->times, count);
    vec_reserve(&buffer->values, count);
    if (!gorilla_decode(chunk, bytes, buffer->times.data + buffer->times.count,
                        buffer->values.data + buffer->values.count))
        return false;
    if (count > keep) count = keep;
    buffer->times.count += count;
    buffer->values.count += count;
    return true;
}

/* From the back, so that nothing is overwritten before it is read; then the gap that equal times left is closed. */
void columns_merge(struct column_buffer *buffer, size_t first, const int64_t *times_ms, const double *values,
                   size_t count)
{
    size_t have = buffer->times.count, total = have + count;

    if (count == 0) return;
    vec_reserve(&buffer->times, count);
    vec_reserve(&buffer->values, count);
    int64_t *times = buffer->times.data;
    double *out = buffer->values.data;
    size_t to = total;
    while (count) {
        if (have > first && times[have - 1] >= times_ms[count - 1]) {
            if (times[have - 1] == times_ms[count - 1]) count--;
            times[--to] = times[--have];
            out[to] = out[have];
        } else {
            times[--to] = times_ms[--count];
            out[to] = values[count];
        }
    }
    if (to > have) {
        memmove(times + have, times + to, (total - to) * sizeof *times);
        memmove(out + have, out + to, (total - to) * sizeof *out);
    }
    buffer->times.count = buffer->values.count = have + (total - to);
}

void columns_join(struct column_buffer *buffer, size_t first)
{
    if (first == 0 || first == buffer->times.count) return;
    if (buffer->times.data[first] > buffer->times.data[first - 1]) return;
    columns_set_aside(buffer, first);
    columns_merge(buffer, 0, buffer->other_times.data, buffer->other_values.data, buffer->other_times.count);
}

void columns_clip(struct column_buffer *buffer, size_t first, int64_t from_ms, int64_t to_ms)
{
    size_t begin = first, end = buffer->times.count;

    while (begin < end && buffer->times.data[begin] < from_ms) begin++;
    while (end > begin && buffer->times.data[end - 1] > to_ms) end--;
    if (begin > first) {
        memmove(buffer->times.data + first, buffer->times.data + begin, (end - begin) * sizeof(int64_t));
        memmove(buffer->values.data + first, buffer->values.data + begin, (end - begin) * sizeof(double));
    }
    buffer->times.count = buffer->values.count = first + (end - begin);
}

void columns_set_aside(struct column_buffer *buffer, size_t first)
{
    size_t count = buffer->times.count - first;

    buffer->other_times.count = buffer->other_values.count = 0;
    vec_reserve(&buffer->other_times, count);
    vec_reserve(&buffer->other_values, count);
    if (count) {
        memcpy(buffer->other_times.data, buffer->times.data + first, count * sizeof(int64_t));
        memcpy(buffer->other_values.data, buffer->values.data + first, count * sizeof(double));
    }
    buffer->other_times.count = buffer->other_values.count = count;
    buffer->times.count = buffer->values.count = first;
}
