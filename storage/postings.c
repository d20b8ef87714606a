/* Sets of series ordinals; see postings.h. */
#include "storage/postings.h"

#include <assert.h>
#include <roaring/roaring.h>

enum { FORM_GAPS = 0, FORM_ROARING = 1, GAPS_MAX = 16 };

/* struct postings is never defined: a pointer to it is one to CRoaring's bitmap. */
static roaring_bitmap_t *raw(struct postings *set)
{
    return (roaring_bitmap_t *)set;
}

static const roaring_bitmap_t *raw_const(const struct postings *set)
{
    return (const roaring_bitmap_t *)set;
}

static struct postings *made(roaring_bitmap_t *bitmap)
{
    if (!bitmap) (void)memory_alloc(SIZE_MAX); /* CRoaring gives NULL only when memory is out: abort as all do */
    return (struct postings *)bitmap;
}

struct postings *postings_new(void)
{
    return made(roaring_bitmap_create());
}

struct postings *postings_from_sorted(const uint32_t *ordinals, size_t count)
{
    return made(roaring_bitmap_of_ptr(count, ordinals));
}

struct postings *postings_range(uint32_t count)
{
    return made(count ? roaring_bitmap_from_range(0, count, 1) : roaring_bitmap_create());
}

struct postings *postings_copy(const struct postings *set)
{
    return set ? made(roaring_bitmap_copy(raw_const(set))) : postings_new();
}

void postings_free(struct postings *set)
{
    if (set) roaring_bitmap_free(raw(set));
}

void postings_add(struct postings *set, const uint32_t *ordinals, size_t count)
{
    roaring_bitmap_add_many(raw(set), count, ordinals);
}

void postings_add_range(struct postings *set, uint32_t first, uint32_t last)
{
    roaring_bitmap_add_range_closed(raw(set), first, last);
}

void postings_intersect(struct postings *set, const struct postings *other)
{
    if (other) {
        roaring_bitmap_and_inplace(raw(set), raw_const(other));
    } else {
        roaring_bitmap_clear(raw(set));
    }
}

void postings_union(struct postings *set, const struct postings *other)
{
    if (other) roaring_bitmap_or_inplace(raw(set), raw_const(other));
}

void postings_subtract(struct postings *set, const struct postings *other)
{
    if (other) roaring_bitmap_andnot_inplace(raw(set), raw_const(other));
}

uint64_t postings_count(const struct postings *set)
{
    return set ? roaring_bitmap_get_cardinality(raw_const(set)) : 0;
}

bool postings_has(const struct postings *set, uint32_t ordinal)
{
    return set && roaring_bitmap_contains(raw_const(set), ordinal);
}

bool postings_meets(const struct postings *a, const struct postings *b)
{
    return a && b && roaring_bitmap_intersect(raw_const(a), raw_const(b));
}

void postings_to_array(const struct postings *set, uint32_t *out)
{
    if (set) roaring_bitmap_to_uint32_array(raw_const(set), out);
}

void postings_encode(const uint32_t *ordinals, size_t count, struct writer *out)
{
    if (count <= GAPS_MAX) {
        uint32_t last = 0;
        writer_u8(out, FORM_GAPS);
        for (size_t i = 0; i < count; i++) {
            assert(i == 0 || ordinals[i] > last);
            writer_varint(out, ordinals[i] - last);
            last = ordinals[i];
        }
        return;
    }
    struct postings *set = postings_from_sorted(ordinals, count);
    roaring_bitmap_run_optimize(raw(set));
    writer_u8(out, FORM_ROARING);
    size_t bytes = roaring_bitmap_portable_size_in_bytes(raw(set));
    roaring_bitmap_portable_serialize(raw(set), (char *)writer_reserve(out, bytes));
    out->count += bytes;
    postings_free(set);
}

static bool decode_gaps(str encoded, uint32_t end, struct postings *set)
{
    struct reader in = reader_make(encoded.data, encoded.len);
    uint64_t last = 0;

    while (reader_left(&in)) {
        last += reader_varint(&in);
        if (reader_failed(&in) || last >= end) return false;
        roaring_bitmap_add(raw(set), (uint32_t)last);
    }
    return true;
}

bool postings_decode(str encoded, uint32_t end, struct postings *set)
{
    if (encoded.len == 0) return false;
    str content = str_part(encoded, 1, encoded.len);
    if (encoded.data[0] == FORM_GAPS) return decode_gaps(content, end, set);
    if (encoded.data[0] != FORM_ROARING) return false;
    roaring_bitmap_t *other = roaring_bitmap_portable_deserialize_safe(content.data, content.len);
    if (!other) return false;
    bool in_range = roaring_bitmap_is_empty(other) || roaring_bitmap_maximum(other) < end;
    if (in_range) roaring_bitmap_or_inplace(raw(set), other);
    roaring_bitmap_free(other);
    return in_range;
}
