/* What is in a block file; see block_format.h. */
#include "tsdb/block_format.h"

#include <stdio.h>

void block_name(char out[BLOCK_NAME_BYTES], uint32_t number)
{
    snprintf(out, BLOCK_NAME_BYTES, "block/%08u", number);
}

static void ref_encode(struct page_ref ref, struct writer *out)
{
    writer_varint(out, ref.offset);
    writer_varint(out, ref.bytes);
}

static struct page_ref ref_decode(struct reader *in)
{
    uint64_t offset = reader_varint(in);
    return (struct page_ref){offset, reader_varint32(in)};
}

void block_info_encode(const struct block_info *info, struct writer *out)
{
    writer_varint(out, BLOCK_FORMAT);
    writer_varint(out, info->number);
    writer_varint(out, info->head_first);
    writer_varint(out, info->head_last);
    writer_signed(out, info->created_ms);
    writer_signed(out, info->min_ms);
    writer_signed(out, info->max_ms);
    writer_varint(out, info->series);
    writer_varint(out, info->samples);
    writer_bytes(out, info->secret.bytes, sizeof info->secret.bytes);
    page_list_encode(&info->series_pages, out);
    ref_encode(info->names, out);
    ref_encode(info->lists, out);
    ref_encode(info->metadata, out);
    writer_varint(out, info->rich_samples);
    writer_varint(out, info->columns);
    page_list_encode(&info->column_pages, out);
    ref_encode(info->models, out);
    if (info->exemplar_pages.pages == 0) return;
    page_list_encode(&info->exemplar_pages, out);
    writer_signed(out, info->exemplar_min_ms);
    writer_signed(out, info->exemplar_max_ms);
}

status block_info_decode(str footer, struct block_info *out)
{
    struct reader in = reader_make(footer.data, footer.len);
    uint64_t format = reader_varint(&in);

    if (format < BLOCK_FORMAT_OLDEST || format > BLOCK_FORMAT)
        return status_make(STATUS_UNSUPPORTED, "block format %llu, this program reads %d to %d",
                           (unsigned long long)format, BLOCK_FORMAT_OLDEST, BLOCK_FORMAT);
    out->format = (uint32_t)format;
    out->number = reader_varint32(&in);
    out->head_first = reader_varint32(&in);
    out->head_last = reader_varint32(&in);
    out->created_ms = reader_signed(&in);
    out->min_ms = reader_signed(&in);
    out->max_ms = reader_signed(&in);
    out->series = reader_varint32(&in);
    out->samples = reader_varint(&in);
    const uint8_t *secret = reader_bytes(&in, sizeof out->secret.bytes);
    if (secret) memcpy(out->secret.bytes, secret, sizeof out->secret.bytes);
    page_list_decode(&in, &out->series_pages);
    out->names = ref_decode(&in);
    out->lists = ref_decode(&in);
    out->metadata = ref_decode(&in);
    out->rich_samples = reader_varint(&in);
    out->columns = reader_varint32(&in);
    page_list_decode(&in, &out->column_pages);
    out->models = ref_decode(&in);
    out->exemplar_pages = (struct page_list){{0, 0}, 0};
    if (format > 2 && reader_left(&in) > 0) {
        page_list_decode(&in, &out->exemplar_pages);
        out->exemplar_min_ms = reader_signed(&in);
        out->exemplar_max_ms = reader_signed(&in);
    }
    if (reader_failed(&in)) return status_make(STATUS_CORRUPT, "the footer is malformed");
    return ok();
}
