/* Sets of series ordinals; see postings.h. */
#include "storage/postings.h"

#include <assert.h>
#include <roaring/roaring.h>

enum { FORM_GAPS = 0, FORM_ROARING = 1, GAPS_MAX = 16 };

/* Of Roaring's portable format. */
enum {
    COOKIE_WITHOUT_RUNS = 12346,
    COOKIE_WITH_RUNS = 12347,
    CONTAINERS_MAX = 1 << 16,
    CONTAINERS_WITH_OFFSETS = 4,
    CONTAINER_VALUES = 1 << 16,
    ARRAY_VALUES_MAX = 4096
};

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
    uint64_t next = 0; /* the least ordinal that may follow */

    for (uint64_t last = 0; reader_left(&in); next = last + 1) {
        uint64_t gap = reader_varint(&in);
        if (reader_failed(&in) || gap >= end || (last += gap) < next || last >= end) return false;
        roaring_bitmap_add(raw(set), (uint32_t)last);
    }
    return true;
}

static bool is_array_container(struct reader *in, size_t count)
{
    const uint8_t *at = reader_bytes(in, 2 * count);
    bool rises = at != NULL;

    for (size_t i = 1; rises && i < count; i++) rises = load_u16(at + 2 * i - 2) < load_u16(at + 2 * i);
    return rises;
}

static bool is_bitset_container(struct reader *in, size_t count)
{
    const uint8_t *at = reader_bytes(in, CONTAINER_VALUES / 8);
    size_t set = 0;

    for (size_t i = 0; at && i < CONTAINER_VALUES / 8; i += 8) set += (size_t)__builtin_popcountll(load_u64(at + i));
    return set == count;
}

static bool is_run_container(struct reader *in)
{
    uint16_t runs = reader_u16(in);
    uint32_t next = 0; /* runs that touch would be one */

    for (uint16_t i = 0; i < runs; i++) {
        uint32_t first = reader_u16(in), last = first + reader_u16(in);
        if (first < next || last >= CONTAINER_VALUES) return false;
        next = last + 2;
    }
    return runs > 0 && !reader_failed(in);
}

/* Whether this is Roaring's portable format (github.com/RoaringBitmap/RoaringFormatSpec) without a flaw: CRoaring
 * checks lengths alone, complains on standard error, and breaks its own rules on what is out of order. */
static bool is_portable(str content)
{
    struct reader in = reader_make(content.data, content.len);
    uint32_t cookie = reader_u32(&in);
    bool has_runs = (cookie & UINT16_MAX) == COOKIE_WITH_RUNS;
    uint32_t count = has_runs ? (cookie >> 16) + 1 : reader_u32(&in);

    if ((!has_runs && cookie != COOKIE_WITHOUT_RUNS) || count > CONTAINERS_MAX) return false;
    const uint8_t *flags = has_runs ? reader_bytes(&in, (count + 7) / 8) : NULL;
    const uint8_t *heads = reader_bytes(&in, (size_t)count * 4); /* key and cardinality - 1 of each */
    if (!has_runs || count >= CONTAINERS_WITH_OFFSETS) (void)reader_bytes(&in, (size_t)count * 4);
    if (reader_failed(&in)) return false;
    for (uint32_t i = 0; i < count; i++) {
        size_t values = (size_t)load_u16(heads + 4 * i + 2) + 1;
        if (i > 0 && load_u16(heads + 4 * i - 4) >= load_u16(heads + 4 * i)) return false;
        bool good = has_runs && (flags[i / 8] >> i % 8 & 1) ? is_run_container(&in)
                    : values > ARRAY_VALUES_MAX             ? is_bitset_container(&in, values)
                                                            : is_array_container(&in, values);
        if (!good) return false;
    }
    return reader_left(&in) == 0;
}

bool postings_decode(str encoded, uint32_t end, struct postings *set)
{
    if (encoded.len == 0) return false;
    str content = str_part(encoded, 1, encoded.len);
    if (encoded.data[0] == FORM_GAPS) return decode_gaps(content, end, set);
    if (encoded.data[0] != FORM_ROARING) return false;
    if (!is_portable(content)) return false;
    roaring_bitmap_t *other = roaring_bitmap_portable_deserialize_safe(content.data, content.len);
    if (!other) return false;
    bool in_range = roaring_bitmap_is_empty(other) || roaring_bitmap_maximum(other) < end;
    if (in_range) roaring_bitmap_or_inplace(raw(set), other);
    roaring_bitmap_free(other);
    return in_range;
}
