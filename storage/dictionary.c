/* The sorted values of a label name; see dictionary.h. */
#include "storage/dictionary.h"

#include <assert.h>

void dictionary_writer_init(struct dictionary_writer *writer, struct block_writer *file)
{
    *writer = (struct dictionary_writer){.file = file};
}

static void end_page(struct dictionary_writer *writer)
{
    if (writer->page.count == 0) return;
    page_list_add(&writer->pages, block_writer_page(writer->file, writer->page.data, writer->page.count, true));
    writer->page.count = 0;
}

static str text_of(const struct writer *w)
{
    return str_make((const char *)w->data, w->count);
}

void dictionary_writer_add(struct dictionary_writer *writer, str value)
{
    size_t shared = 0;

    assert(writer->count == 0 || str_compare(text_of(&writer->last), value) < 0);
    if (writer->count % DICTIONARY_PAGE_VALUES == 0) {
        end_page(writer);
    } else {
        while (shared < value.len && shared < writer->last.count &&
               writer->last.data[shared] == (uint8_t)value.data[shared])
            shared++;
        writer_varint(&writer->page, shared);
    }
    writer_str(&writer->page, str_part(value, shared, value.len));
    writer->last.count = 0;
    writer_bytes(&writer->last, value.data, value.len);
    writer->count++;
}

struct dictionary dictionary_writer_finish(struct dictionary_writer *writer)
{
    end_page(writer);
    struct dictionary done = {page_list_finish(&writer->pages, writer->file), writer->count};
    writer_release(&writer->page);
    writer_release(&writer->last);
    return done;
}

void dictionary_encode(const struct dictionary *dictionary, struct writer *out)
{
    writer_varint(out, dictionary->count);
    page_list_encode(&dictionary->pages, out);
}

void dictionary_decode(struct reader *in, struct dictionary *out)
{
    out->count = reader_varint32(in);
    page_list_decode(in, &out->pages);
}

/* Walks the values of a page; `value` holds the current one. */
struct cursor {
    struct reader in;
    struct writer value;
    uint32_t left; /* values that the page must still hold */
    bool first;
};

static void cursor_start(struct cursor *cursor, const struct dictionary *dictionary, uint32_t index,
                         const struct page *page)
{
    uint64_t before = (uint64_t)index * DICTIONARY_PAGE_VALUES;
    uint64_t left = before < dictionary->count ? dictionary->count - before : 0;

    cursor->in = reader_make(page->data, page->bytes);
    cursor->left = left < DICTIONARY_PAGE_VALUES ? (uint32_t)left : DICTIONARY_PAGE_VALUES;
    cursor->first = true;
}

static bool cursor_next(struct cursor *cursor)
{
    if (cursor->left == 0) return false;
    uint64_t shared = cursor->first ? 0 : reader_varint(&cursor->in);
    str rest = reader_str(&cursor->in);
    if (!cursor->first && shared > cursor->value.count) cursor->in.failed = true;
    if (reader_failed(&cursor->in)) return false;
    cursor->value.count = (size_t)shared;
    writer_bytes(&cursor->value, rest.data, rest.len);
    cursor->first = false;
    cursor->left--;
    return true;
}

/* Whether the page turned out not to hold its values and nothing else, as far as it was read. */
static bool cursor_failed(const struct cursor *cursor)
{
    return reader_failed(&cursor->in) || (cursor->left == 0 && reader_left(&cursor->in) > 0);
}

static status malformed(struct block_file *file)
{
    return status_make(STATUS_CORRUPT, "%s: a page of label values is malformed", block_file_name(file));
}

static status first_of_page(const struct dictionary *dictionary, struct block_file *file, uint32_t index, str value,
                            int *order)
{
    const struct page *page;

    TRY(page_list_page(file, &dictionary->pages, index, &page));
    struct reader in = reader_make(page->data, page->bytes);
    *order = str_compare(reader_str(&in), value);
    bool bad = reader_failed(&in);
    page_release(page);
    return bad ? malformed(file) : ok();
}

status dictionary_find(const struct dictionary *dictionary, struct block_file *file, str value, uint32_t *id,
                       bool *found)
{
    uint32_t low = 0,
             high = dictionary->pages.pages; /* the last page whose first value is not above is in [low, high) */
    int order;

    *id = 0;
    *found = false;
    if (dictionary->count == 0) return ok();
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        TRY(first_of_page(dictionary, file, middle, value, &order));
        if (order <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct page *page;
    struct cursor cursor = {0};
    TRY(page_list_page(file, &dictionary->pages, low, &page));
    *id = low * DICTIONARY_PAGE_VALUES;
    cursor_start(&cursor, dictionary, low, page);
    for (; cursor_next(&cursor); ++*id) {
        order = str_compare(text_of(&cursor.value), value);
        *found = order == 0;
        if (order >= 0) break;
    }
    page_release(page);
    writer_release(&cursor.value);
    return cursor_failed(&cursor) ? malformed(file) : ok();
}

status dictionary_get(const struct dictionary *dictionary, struct block_file *file, uint32_t id, struct writer *out)
{
    const struct page *page;
    struct cursor cursor = {.value = *out};

    assert(id < dictionary->count);
    TRY(page_list_page(file, &dictionary->pages, id / DICTIONARY_PAGE_VALUES, &page));
    cursor_start(&cursor, dictionary, id / DICTIONARY_PAGE_VALUES, page);
    bool good = true;
    for (uint32_t i = 0; good && i <= id % DICTIONARY_PAGE_VALUES; i++) good = cursor_next(&cursor);
    *out = cursor.value;
    page_release(page);
    return good ? ok() : malformed(file);
}

status dictionary_scan(const struct dictionary *dictionary, struct block_file *file, uint32_t first,
                       bool (*each)(void *context, uint32_t id, str value), void *context)
{
    struct cursor cursor = {0};
    status s = ok();
    bool more = true;

    for (uint32_t index = first / DICTIONARY_PAGE_VALUES; more && index < dictionary->pages.pages; index++) {
        const struct page *page;
        uint32_t id = index * DICTIONARY_PAGE_VALUES;
        if (failed(s = page_list_page(file, &dictionary->pages, index, &page))) break;
        cursor_start(&cursor, dictionary, index, page);
        for (; more && cursor_next(&cursor); id++) {
            if (id >= first) more = each(context, id, text_of(&cursor.value));
        }
        page_release(page);
        if (cursor_failed(&cursor)) {
            s = malformed(file);
            break;
        }
    }
    writer_release(&cursor.value);
    return s;
}
