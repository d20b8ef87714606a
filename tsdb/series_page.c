/* A page of a block's series table; see series_page.h. */
#include "tsdb/series_page.h"

#include <assert.h>

enum { WIDTH_MAX = 56 /* with 7 bits before it, it fits a word */ };

void series_page_writer_release(struct series_page_writer *page)
{
    vec_release(&page->fingerprints);
    vec_release(&page->ends);
    vec_release(&page->lists);
    vec_release(&page->columns);
}

/* The column of a name. Neighbours have mostly the same names, so it is likely to be the one at `guess`. */
static struct series_values *column_of(struct series_page_writer *page, uint32_t name, size_t guess)
{
    if (guess < page->columns.count && page->columns.data[guess].name == name) return &page->columns.data[guess];
    vec_each (column, &page->columns) {
        if (column->name == name) return column;
    }
    vec_push(&page->columns, (struct series_values){.name = name});
    return vec_last(&page->columns);
}

void series_page_add(struct series_page_writer *page, hash128 fingerprint, uint32_t list, const uint32_t *names,
                     const uint32_t *ranks, uint32_t count, size_t bytes)
{
    uint32_t slot = (uint32_t)page->fingerprints.count;
    uint64_t begin = slot ? *vec_last(&page->ends) : 0;

    assert(slot < SERIES_PAGE_SLOTS && bytes <= UINT32_MAX);
    vec_push(&page->ends, begin + bytes);
    vec_push(&page->fingerprints, fingerprint);
    vec_push(&page->lists, list);
    for (uint32_t i = 0; i < count; i++) column_of(page, names[i], i)->numbers[slot] = (uint64_t)ranks[i] + 1;
}

/* The least residual and the bits of the largest one above it. */
static unsigned fit(const uint64_t *numbers, uint32_t count, int64_t slope, int64_t *least)
{
    int64_t most = (int64_t)numbers[0];

    *least = most;
    for (uint32_t i = 1; i < count; i++) {
        int64_t residual = (int64_t)numbers[i] - slope * (int64_t)i;
        if (residual < *least) *least = residual;
        if (residual > most) most = residual;
    }
    uint64_t range = (uint64_t)most - (uint64_t)*least;
    return range ? 64 - (unsigned)__builtin_clzll(range) : 0;
}

static void put_bits(const uint64_t *numbers, uint32_t count, int64_t first, int64_t slope, unsigned width,
                     struct writer *out)
{
    uint64_t word = 0;
    unsigned filled = 0;

    for (uint32_t i = 0; i < count && width; i++) {
        word |= ((uint64_t)((int64_t)numbers[i] - slope * (int64_t)i - first)) << filled;
        for (filled += width; filled >= 8; filled -= 8, word >>= 8) writer_u8(out, (uint8_t)word);
    }
    if (filled) writer_u8(out, (uint8_t)word);
}

static void write_column(const uint64_t *numbers, uint32_t count, struct writer *out)
{
    int64_t slope = count > 1 ? ((int64_t)numbers[count - 1] - (int64_t)numbers[0]) / (int64_t)(count - 1) : 0;
    int64_t first, level;
    unsigned width = fit(numbers, count, slope, &first), level_width = fit(numbers, count, 0, &level);

    if (level_width <= width) {
        slope = 0;
        first = level;
        width = level_width;
    }
    assert(width <= WIDTH_MAX);
    writer_signed(out, first);
    writer_signed(out, slope);
    writer_u8(out, (uint8_t)width);
    put_bits(numbers, count, first, slope, width, out);
}

static int compare_names(const void *a, const void *b)
{
    const struct series_values *x = a, *y = b;
    return (x->name > y->name) - (x->name < y->name);
}

static void write_names(struct series_page_writer *page, uint32_t slots, struct writer *out)
{
    uint32_t last = 0;

    if (page->columns.count) qsort(page->columns.data, page->columns.count, sizeof *page->columns.data, compare_names);
    writer_varint(out, page->columns.count);
    vec_each (column, &page->columns) {
        writer_varint(out, column->name - last);
        last = column->name;
        write_column(column->numbers, slots, out);
    }
}

static void write_labels(struct series_page_writer *page, uint32_t slots, struct writer *out)
{
    write_column(page->lists.data, slots, out);
    write_names(page, slots, out);
}

static void clear(struct series_page_writer *page)
{
    page->fingerprints.count = page->ends.count = page->lists.count = page->columns.count = 0;
}

void series_page_write_labels(struct series_page_writer *page, struct writer *out)
{
    write_labels(page, (uint32_t)page->lists.count, out);
    writer_u64(out, 0);
    clear(page);
}

void series_page_write(struct series_page_writer *page, uint64_t base, struct writer *out)
{
    uint32_t slots = (uint32_t)page->fingerprints.count;

    assert(slots > 0);
    writer_varint(out, base);
    write_column(page->ends.data, slots, out);
    write_labels(page, slots, out);
    vec_each (fingerprint, &page->fingerprints) {
        writer_u64(out, fingerprint->low);
        writer_u64(out, fingerprint->high);
    }
    clear(page);
}

void series_page_release(struct series_page *page)
{
    vec_release(&page->columns);
}

static struct series_column read_column(struct reader *in, uint32_t name, uint32_t slots)
{
    struct series_column column = {.name = name, .first = reader_signed(in), .slope = reader_signed(in)};

    column.width = reader_u8(in);
    if (column.width > WIDTH_MAX) in->failed = true;
    if (column.width) column.residuals = reader_bytes(in, ((size_t)slots * column.width + 7) / 8);
    return column;
}

/* What is before the fingerprints, which are the word that number_at may read beyond a column. */
static bool columns_of(const uint8_t *bytes, size_t size, uint32_t slots, struct reader *out)
{
    size_t behind = (size_t)slots * sizeof(hash128);

    if (size < behind) return false;
    *out = reader_make(bytes, size - behind);
    return true;
}

static bool read_labels(struct reader *in, uint32_t slots, struct series_page *out)
{
    uint64_t name = 0;

    out->slots = slots;
    out->lists = read_column(in, 0, slots);
    uint32_t names = reader_varint32(in);
    if (names > reader_left(in)) return false;
    out->columns.count = 0;
    vec_reserve(&out->columns, names);
    for (uint32_t i = 0; i < names && !reader_failed(in); i++) {
        uint64_t gap = reader_varint(in);
        if ((i > 0 && gap == 0) || gap > UINT32_MAX || (name += gap) > UINT32_MAX) return false;
        out->columns.data[out->columns.count++] = read_column(in, (uint32_t)name, slots);
    }
    return !reader_failed(in);
}

bool series_page_open(const uint8_t *bytes, size_t size, uint32_t slots, struct series_page *out)
{
    struct reader in;

    if (!columns_of(bytes, size, slots, &in)) return false;
    (void)reader_varint(&in);
    (void)read_column(&in, 0, slots);
    return read_labels(&in, slots, out) && reader_left(&in) == 0;
}

bool series_page_read_labels(struct reader *in, uint32_t slots, struct series_page *out)
{
    bool good = read_labels(in, slots, out);

    (void)reader_u64(in);
    if (!good) in->failed = true;
    return !reader_failed(in);
}

bool series_page_fingerprint(const uint8_t *bytes, size_t size, uint32_t slots, uint32_t slot, hash128 *out)
{
    if (slot >= slots || size < (size_t)slots * sizeof(hash128)) return false;
    const uint8_t *at = bytes + size - (size_t)(slots - slot) * sizeof(hash128);
    *out = (hash128){load_u64(at), load_u64(at + 8)};
    return true;
}

static inline uint64_t number_at(const struct series_column *column, uint32_t slot)
{
    uint64_t number = (uint64_t)column->first + (uint64_t)column->slope * slot, bit = (uint64_t)slot * column->width;

    if (column->width == 0) return number;
    return number + (load_u64(column->residuals + bit / 8) >> bit % 8 & ((1ULL << column->width) - 1));
}

bool series_page_extent(const uint8_t *bytes, size_t size, uint32_t slots, uint32_t slot, uint64_t *offset,
                        uint32_t *data_bytes)
{
    struct reader in;

    if (!columns_of(bytes, size, slots, &in)) return false;
    uint64_t base = reader_varint(&in);
    struct series_column ends = read_column(&in, 0, slots);
    if (reader_failed(&in)) return false;
    uint64_t begin = slot ? number_at(&ends, slot - 1) : 0, end = number_at(&ends, slot);
    if (begin > end || end - begin > UINT32_MAX || begin > UINT64_MAX - base) return false;
    *offset = base + begin;
    *data_bytes = (uint32_t)(end - begin);
    return true;
}

bool series_page_list(const struct series_page *page, uint32_t slot, uint32_t *list)
{
    uint64_t id = number_at(&page->lists, slot);

    *list = (uint32_t)id;
    return id <= UINT32_MAX;
}

const struct series_column *series_page_column(const struct series_page *page, uint32_t name)
{
    vec_each (column, &page->columns) {
        if (column->name >= name) return column->name == name ? column : NULL;
    }
    return NULL;
}

uint32_t series_column_rank(const struct series_column *column, uint32_t slot)
{
    uint64_t number = number_at(column, slot);

    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number - 1;
}

void series_column_ranks(const struct series_column *column, uint32_t slots, uint32_t *ranks)
{
    bool is_constant = column->width == 0 && column->slope == 0;
    uint32_t first = series_column_rank(column, 0);

    for (uint32_t slot = 0; slot < slots && is_constant; slot++) ranks[slot] = first;
    for (uint32_t slot = 0; slot < slots && !is_constant; slot++) ranks[slot] = series_column_rank(column, slot);
}

bool series_page_ranks(const struct series_page *page, uint32_t slot, const uint32_t *names, uint32_t count,
                       uint32_t *ranks)
{
    const struct series_column *column = page->columns.data;
    const struct series_column *end = page->columns.count ? column + page->columns.count : column;

    for (uint32_t i = 0; i < count; i++, column++) {
        while (column < end && column->name < names[i]) column++;
        if (column == end || column->name != names[i]) return false;
        uint64_t number = number_at(column, slot);
        if (number - 1 >= UINT32_MAX) return false;
        ranks[i] = (uint32_t)(number - 1);
    }
    return true;
}
