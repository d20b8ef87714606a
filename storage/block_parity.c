/* Parity over the pages of a block file; see block_parity.h. */
#include "storage/block_parity.h"

#include <assert.h>

enum { REBUILD_BYTES_MAX = 1 << 30 /* hashed in attempts to mend one page */ };

void parity_writer_release(struct parity_writer *parity)
{
    writer_release(&parity->stream);
    vec_release(&parity->pages);
    writer_release(&parity->directory);
}

static uint32_t width_of(uint32_t largest)
{
    return largest < PARITY_WIDTH_MAX ? largest : PARITY_WIDTH_MAX;
}

bool parity_add(struct parity_writer *parity, struct page_ref ref, const uint8_t *stored)
{
    writer_bytes(&parity->stream, stored, ref.bytes);
    vec_push(&parity->pages, ref);
    if (ref.bytes > parity->largest) parity->largest = ref.bytes;
    size_t full = (size_t)width_of(parity->largest) * PARITY_GROUP_WIDTHS;
    return parity->stream.count >= (full > PARITY_GROUP_BYTES_MIN ? full : PARITY_GROUP_BYTES_MIN);
}

/* XORs bytes that lie at `at` of the stream into the columns. */
static void fold(uint8_t *columns, uint32_t width, size_t at, const uint8_t *bytes, size_t count)
{
    uint32_t column = (uint32_t)(at % width);

    for (size_t i = 0; i < count;) {
        size_t part = width - column < count - i ? width - column : count - i;
        for (size_t k = 0; k < part; k++) columns[column + k] ^= bytes[i + k];
        i += part;
        column = 0;
    }
}

bool parity_take(struct parity_writer *parity, struct writer *payload)
{
    uint32_t width = width_of(parity->largest);
    uint64_t end = 0;

    if (parity->pages.count == 0) return false;
    writer_varint(payload, width);
    writer_varint(payload, parity->pages.count);
    vec_each (ref, &parity->pages) {
        writer_varint(payload, ref->offset - end);
        writer_varint(payload, ref->bytes);
        end = ref->offset + ref->bytes;
    }
    uint8_t *columns = writer_reserve(payload, width);
    memset(columns, 0, width);
    fold(columns, width, 0, parity->stream.data, parity->stream.count);
    payload->count += width;
    return true;
}

void parity_placed(struct parity_writer *parity, struct page_ref ref)
{
    uint64_t first = parity->pages.data[0].offset;

    writer_varint(&parity->directory, ref.offset - parity->last_offset);
    writer_varint(&parity->directory, ref.bytes);
    writer_varint(&parity->directory, first - parity->last_first);
    parity->last_offset = ref.offset;
    parity->last_first = first;
    parity->groups++;
    parity->stream.count = parity->pages.count = parity->largest = 0;
}

bool parity_group_decode(const uint8_t *payload, size_t bytes, struct parity_group *out)
{
    struct reader in = reader_make(payload, bytes);
    uint64_t end = 0;

    *out = (struct parity_group){.width = reader_varint32(&in)};
    for (uint64_t left = reader_varint(&in); left > 0 && !reader_failed(&in); left--) {
        uint64_t offset = end + reader_varint(&in);
        struct page_ref ref = {offset, reader_varint32(&in)};
        if (reader_failed(&in) || ref.bytes <= PAGE_OVERHEAD_BYTES || offset < end) return false;
        vec_push(&out->pages, ref);
        out->stream_bytes += ref.bytes;
        end = offset + ref.bytes;
    }
    out->parity = in.at;
    return !reader_failed(&in) && out->width > 0 && reader_left(&in) == out->width;
}

void parity_group_release(struct parity_group *group)
{
    vec_release(&group->pages);
}

bool parity_directory_decode(const uint8_t *payload, size_t bytes, parity_entries *out)
{
    struct reader in = reader_make(payload, bytes);
    struct parity_entry entry = {{0, 0}, 0};

    while (reader_left(&in) > 0 && !reader_failed(&in)) {
        entry.parity.offset += reader_varint(&in);
        entry.parity.bytes = reader_varint32(&in);
        entry.first += reader_varint(&in);
        if (!reader_failed(&in)) vec_push(out, entry);
    }
    return !reader_failed(&in);
}

/* Folds all pages of the group but `left_out`, whose place in the stream is told. */
static status fold_group(const struct parity_group *group, struct file *file, uint64_t left_out, uint8_t *columns,
                         size_t *place)
{
    struct writer page = {0};
    size_t at = 0;
    status s = ok();

    vec_each (ref, &group->pages) {
        if (ref->offset == left_out) {
            *place = at;
        } else {
            page.count = 0;
            uint8_t *to = writer_reserve(&page, ref->bytes);
            if (failed(s = file_read(file, ref->offset, to, ref->bytes))) break;
            fold(columns, group->width, at, to, ref->bytes);
        }
        at += ref->bytes;
    }
    writer_release(&page);
    return s;
}

/* Replaces the bytes [first, first + count) of the page, no more than the width, by what parity says of them. `columns`
 * has the parity and all other pages. */
static void replace(const struct parity_group *group, const uint8_t *columns, size_t place, struct page_ref ref,
                    const uint8_t *stored, size_t first, size_t count, uint8_t *out)
{
    uint8_t rest[PARITY_WIDTH_MAX];

    memcpy(rest, columns, group->width);
    fold(rest, group->width, place, stored, first);
    fold(rest, group->width, place + first + count, stored + first + count, ref.bytes - first - count);
    memcpy(out, stored, ref.bytes);
    for (size_t i = 0; i < count; i++) out[first + i] = rest[(place + first + i) % group->width];
}

status parity_rebuild(const struct parity_group *group, struct file *file, struct page_ref ref, uint8_t *stored,
                      bool *done)
{
    uint8_t columns[PARITY_WIDTH_MAX];
    size_t place = SIZE_MAX, width = group->width < ref.bytes ? group->width : ref.bytes;

    *done = false;
    if (group->width > PARITY_WIDTH_MAX) return ok();
    memcpy(columns, group->parity, group->width);
    TRY(fold_group(group, file, ref.offset, columns, &place));
    if (place == SIZE_MAX) return ok();
    uint8_t *mended = memory_alloc(ref.bytes);
    size_t step = width / 2 ? width / 2 : 1, spent = 0;
    for (size_t first = 0; !*done && spent < REBUILD_BYTES_MAX; first += step) {
        bool is_last = first + width >= ref.bytes;
        if (is_last) first = ref.bytes - width;
        replace(group, columns, place, ref, stored, first, width, mended);
        *done = page_is_good(mended, ref);
        spent += ref.bytes;
        if (is_last) break;
    }
    if (*done) memcpy(stored, mended, ref.bytes);
    free(mended);
    return ok();
}

status parity_verify(const struct parity_group *group, struct file *file, bool *good)
{
    uint8_t columns[PARITY_WIDTH_MAX];
    size_t place;

    *good = false;
    if (group->width > PARITY_WIDTH_MAX) return ok();
    memcpy(columns, group->parity, group->width);
    TRY(fold_group(group, file, UINT64_MAX, columns, &place));
    *good = true;
    for (uint32_t i = 0; i < group->width; i++) *good = *good && columns[i] == 0;
    return ok();
}
