/* Rows of a selection as chunks; see snapshot.h.
 *
 * Each source passes on what it can, knowing nothing of the others. If then all times rise, decoded ones and those of
 * chunks, nothing lies where a chunk is and the row is good; else, which is rare, it is read anew and decoded.
 */
#include "tsdb/snapshot_internal.h"

/* Whether samples from `first` up to `end` rise and come after *last_ms, which goes along. */
static bool samples_rise(const struct column_buffer *buffer, size_t first, size_t end, int64_t *last_ms)
{
    for (size_t i = first; i < end; i++) {
        if (buffer->times.data[i] <= *last_ms) return false;
        *last_ms = buffer->times.data[i];
    }
    return true;
}

/* No sample that is read has the time INT64_MIN: selections begin after it. */
static bool all_rise(const struct column_buffer *buffer)
{
    int64_t last_ms = INT64_MIN;
    size_t first = 0;

    vec_each (chunk, &buffer->passed) {
        if (chunk->at < first || chunk->at > buffer->times.count) return false;
        if (!samples_rise(buffer, first, chunk->at, &last_ms)) return false;
        if (chunk->min_ms <= last_ms || chunk->max_ms < chunk->min_ms) return false;
        first = chunk->at;
        last_ms = chunk->max_ms;
    }
    return samples_rise(buffer, first, buffer->times.count, &last_ms);
}

/* Where chunks lie between histograms those are to be read with their neighbours, which their hints tell of. */
static bool is_exact(const struct column_buffer *buffer)
{
    return buffer->passed.count == 0 || (!buffer->is_rich && all_rise(buffer));
}

bool selection_read_chunks(const struct selection *selection, uint32_t row, struct column_buffer *buffer,
                           struct row_chunks *out)
{
    *out = (struct row_chunks){0};
    if (!selection_read_row(selection, row, true, buffer)) return false;
    if (!is_exact(buffer) && !selection_read_row(selection, row, false, buffer)) return false;
    *out =
        (struct row_chunks){columns_view(buffer), buffer->passed.data, buffer->passed.count, buffer->passed_bytes.data};
    return true;
}
