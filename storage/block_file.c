/* Block files; see block_file.h. */
#include "storage/block_file.h"

#include "storage/base/hash.h"
#include "storage/base/log.h"
#include "storage/metrics.h"
#include "storage/page_cache.h"

#include <assert.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>

enum {
    WRITE_BYTES = 256 << 10, /* gathered before a write */
    SYNC_BYTES = 2 << 20,    /* written between syncs, so that the log's syncs never wait behind a whole block */
    NAME_BYTES = 64,
    FANOUT = 256,
    REF_BYTES = 12,
    AT_CHECKSUM = 56,
    REPAIRS_KEPT = 100 /* places of rebuilt pages that are remembered */
};

static struct page_ref write_page(struct block_writer *writer, const void *payload, size_t bytes, bool compress,
                                  bool covered);

static const char header_magic[8] = {'V', 'A', 'R', 'V', 'E', 'B', 'L', 'K'};
static const char tail_magic[8] = {'V', 'A', 'R', 'V', 'E', 'E', 'N', 'D'};

struct block_writer {
    struct fs *fs;
    struct file *file;
    char name[NAME_BYTES];
    uint64_t flushed, synced; /* bytes handed to the file, bytes synced */
    struct writer buffer;     /* what follows them */
    struct parity_writer parity;
    status error; /* the first one; nothing is written after it */
};

static void flush(struct block_writer *writer, bool sync)
{
    status s = ok();

    if (!failed(writer->error) && writer->buffer.count)
        s = file_write(writer->file, writer->flushed, &(struct fs_span){writer->buffer.data, writer->buffer.count}, 1);
    writer->flushed += writer->buffer.count;
    writer->buffer.count = 0;
    if (!failed(writer->error) && !failed(s) && (sync || writer->flushed - writer->synced >= SYNC_BYTES)) {
        s = file_sync(writer->file);
        writer->synced = writer->flushed;
    }
    if (failed(s)) writer->error = s;
}

status block_writer_open(struct fs *fs, const char *name, uint32_t number, struct block_writer **out)
{
    struct block_writer *writer = memory_zalloc(sizeof *writer);
    uint8_t header[BLOCK_HEADER_BYTES] = {0};

    assert(strlen(name) < NAME_BYTES);
    snprintf(writer->name, sizeof writer->name, "%s", name);
    writer->fs = fs;
    status s = fs_open(fs, name, FS_REPLACE, &writer->file);
    if (failed(s)) {
        free(writer);
        return s;
    }
    memcpy(header, header_magic, sizeof header_magic);
    store_u32(header + 8, BLOCK_VERSION);
    store_u32(header + 12, number);
    store_u64(header + AT_CHECKSUM, hash_bytes(header, AT_CHECKSUM));
    writer_bytes(&writer->buffer, header, sizeof header);
    *out = writer;
    return ok();
}

uint64_t block_writer_bytes(const struct block_writer *writer)
{
    return writer->flushed + writer->buffer.count;
}

uint64_t block_writer_raw(struct block_writer *writer, const void *data, size_t bytes)
{
    uint64_t offset = block_writer_bytes(writer);

    writer_bytes(&writer->buffer, data, bytes);
    if (writer->buffer.count >= WRITE_BYTES) flush(writer, false);
    return offset;
}

static void write_parity(struct block_writer *writer)
{
    struct writer payload = {0};

    if (parity_take(&writer->parity, &payload))
        parity_placed(&writer->parity, write_page(writer, payload.data, payload.count, false, false));
    writer_release(&payload);
}

static struct page_ref write_page(struct block_writer *writer, const void *payload, size_t bytes, bool compress,
                                  bool covered)
{
    uint64_t offset = block_writer_bytes(writer);
    size_t stored = bytes;
    uint32_t raw = 0;

    assert(bytes > 0 && bytes <= PAGE_RAW_BYTES_MAX);
    uint8_t *at = writer_reserve(&writer->buffer, bytes + PAGE_OVERHEAD_BYTES);
    if (compress) {
        int made = LZ4_compress_default(payload, (char *)at + 4, (int)bytes, (int)(bytes - bytes / 8));
        if (made > 0) {
            stored = (size_t)made;
            raw = (uint32_t)bytes;
        }
    }
    if (!raw) memcpy(at + 4, payload, bytes);
    store_u32(at, raw);
    store_u64(at + 4 + stored, hash_seeded(at, 4 + stored, offset));
    struct page_ref ref = {offset, (uint32_t)(stored + PAGE_OVERHEAD_BYTES)};
    writer->buffer.count += ref.bytes;
    bool is_full = covered && parity_add(&writer->parity, ref, at);
    if (writer->buffer.count >= WRITE_BYTES) flush(writer, false);
    if (is_full) write_parity(writer);
    return ref;
}

struct page_ref block_writer_page(struct block_writer *writer, const void *payload, size_t bytes, bool compress)
{
    return write_page(writer, payload, bytes, compress, true);
}

static void block_writer_free(struct block_writer *writer)
{
    file_close(writer->file);
    writer_release(&writer->buffer);
    parity_writer_release(&writer->parity);
    free(writer);
}

status block_writer_finish(struct block_writer *take_writer, const void *footer, size_t bytes)
{
    uint8_t tail[BLOCK_TAIL_BYTES] = {0};
    struct page_ref directory = {0, 0};

    write_parity(take_writer);
    const struct writer *groups = &take_writer->parity.directory;
    if (groups->count) directory = write_page(take_writer, groups->data, groups->count, true, false);
    struct page_ref ref = write_page(take_writer, footer, bytes, false, false);
    write_page(take_writer, footer, bytes, false, false);
    store_u64(tail, directory.offset);
    store_u32(tail + 8, directory.bytes);
    store_u64(tail + 16, ref.offset);
    store_u32(tail + 24, ref.bytes);
    store_u32(tail + 28, BLOCK_VERSION);
    memcpy(tail + 32, tail_magic, sizeof tail_magic);
    store_u64(tail + 40, hash_bytes(tail, 40));
    block_writer_raw(take_writer, tail, sizeof tail);
    block_writer_raw(take_writer, tail, sizeof tail);
    flush(take_writer, true);
    status s = take_writer->error;
    if (failed(s)) {
        block_writer_abandon(take_writer);
    } else {
        block_writer_free(take_writer);
    }
    return s;
}

void block_writer_abandon(struct block_writer *take_writer)
{
    if (!take_writer) return;
    (void)fs_unlink(take_writer->fs, take_writer->name); /* what is left over is removed at the next start */
    block_writer_free(take_writer);
}

void page_list_add(struct page_list_writer *list, struct page_ref ref)
{
    vec_push(&list->refs, ref);
}

/* Replaces the references by those of pages that hold them, until one is left. */
struct page_list page_list_finish(struct page_list_writer *list, struct block_writer *writer)
{
    struct page_list done = {{0, 0}, (uint32_t)list->refs.count};
    uint8_t page[FANOUT * REF_BYTES];

    while (list->refs.count > 1) {
        size_t above = 0;
        for (size_t first = 0; first < list->refs.count; first += FANOUT) {
            size_t count = list->refs.count - first < FANOUT ? list->refs.count - first : FANOUT;
            for (size_t i = 0; i < count; i++) {
                store_u64(page + i * REF_BYTES, list->refs.data[first + i].offset);
                store_u32(page + i * REF_BYTES + 8, list->refs.data[first + i].bytes);
            }
            list->refs.data[above++] = block_writer_page(writer, page, count * REF_BYTES, true);
        }
        list->refs.count = above;
    }
    if (list->refs.count) done.root = list->refs.data[0];
    vec_release(&list->refs);
    return done;
}

void page_list_encode(const struct page_list *list, struct writer *out)
{
    writer_varint(out, list->pages);
    writer_varint(out, list->root.offset);
    writer_varint(out, list->root.bytes);
}

void page_list_decode(struct reader *in, struct page_list *out)
{
    out->pages = reader_varint32(in);
    out->root.offset = reader_varint(in);
    out->root.bytes = reader_varint32(in);
}

struct block_file {
    /* constant after open */
    struct file *file;
    struct page_cache *cache;
    char name[NAME_BYTES];
    uint64_t bytes;
    uint8_t *footer;
    size_t footer_bytes;
    uint32_t version;
    struct page_ref footer_ref;
    struct page_ref directory;                         /* of parity pages; nothing if there are none */
    void (*told)(void *context, const status *damage); /* may be NULL */
    void *context;

    pthread_mutex_t mutex;  /* guards all below, and is held while a page is rebuilt */
    parity_entries entries; /* read when they are needed first */
    vec(uint64_t) repairs;  /* offsets of what was rebuilt, the first ones */
};

static status damaged(const struct block_file *file, uint64_t offset, const char *what)
{
    metric_add(&metric_checksum_failures, 1);
    return status_at(STATUS_CORRUPT, offset, "%s: %s at offset %llu does not match its checksum", file->name, what,
                     (unsigned long long)offset);
}

static status tell(const struct block_file *file, status s)
{
    if (s.code == STATUS_CORRUPT && file->told) file->told(file->context, &s);
    return s;
}

static void note_repair(struct block_file *file, uint64_t offset)
{
    metric_add(&metric_pages_repaired, 1);
    if (file->repairs.count == 0)
        log_warn("damage in a block was mended from its parity; the disk may be failing", "file=%s offset=%llu",
                 file->name, (unsigned long long)offset);
    if (file->repairs.count < REPAIRS_KEPT) vec_push(&file->repairs, offset);
}

static status load_page(struct block_file *file, struct page_ref ref, bool repair, uint8_t **out, uint32_t *bytes);

/* The group's parity page. */
static status load_group(struct block_file *file, const struct parity_entry *entry, uint8_t **page,
                         struct parity_group *out)
{
    uint32_t bytes;

    TRY(load_page(file, entry->parity, false, page, &bytes));
    if (!parity_group_decode(*page, bytes, out))
        return status_at(STATUS_CORRUPT, entry->parity.offset, "%s: a parity page is malformed", file->name);
    return ok();
}

static status load_entries_locked(struct block_file *file)
{
    uint8_t *page;
    uint32_t bytes;

    if (file->entries.count || file->directory.bytes == 0) return ok();
    TRY(load_page(file, file->directory, false, &page, &bytes));
    if (!parity_directory_decode(page, bytes, &file->entries)) file->entries.count = 0;
    free(page);
    return ok();
}

/* The group that a page is in; NULL if there is none. */
static const struct parity_entry *find_entry_locked(const struct block_file *file, struct page_ref ref)
{
    size_t low = 0, high = file->entries.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->entries.data[middle].first <= ref.offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? &file->entries.data[low - 1] : NULL;
}

static status rebuild_locked(struct block_file *file, struct page_ref ref, uint8_t *stored, bool *done)
{
    struct parity_group group = {0};
    uint8_t *page = NULL;

    TRY(load_entries_locked(file));
    const struct parity_entry *entry = find_entry_locked(file, ref);
    if (!entry) return ok();
    status s = load_group(file, entry, &page, &group);
    if (!failed(s)) s = parity_rebuild(&group, file->file, ref, stored, done);
    parity_group_release(&group);
    free(page);
    return s;
}

/* Mends a page whose checksum is wrong; an error is one of reading. */
static status repair_page(struct block_file *file, struct page_ref ref, uint8_t *stored, bool *done)
{
    pthread_mutex_lock(&file->mutex);
    status s = rebuild_locked(file, ref, stored, done);
    if (*done) note_repair(file, ref.offset);
    pthread_mutex_unlock(&file->mutex);
    return tells_damage(s) ? ok() : s;
}

/* Reads, verifies and decompresses a page into fresh memory. */
static status load_page(struct block_file *file, struct page_ref ref, bool repair, uint8_t **out, uint32_t *bytes)
{
    if (ref.bytes <= PAGE_OVERHEAD_BYTES || ref.offset > file->bytes || ref.bytes > file->bytes - ref.offset)
        return status_at(STATUS_CORRUPT, ref.offset, "%s: a page reference leads out of the file", file->name);

    uint8_t *stored = memory_alloc(ref.bytes);
    size_t payload = ref.bytes - PAGE_OVERHEAD_BYTES;
    status s = file_read(file->file, ref.offset, stored, ref.bytes);
    metric_add(&metric_pages_read, 1);
    if (!failed(s) && !page_is_good(stored, ref)) {
        bool done = false;
        if (repair) s = repair_page(file, ref, stored, &done);
        if (!failed(s) && !done) s = damaged(file, ref.offset, "the page");
    }
    uint32_t raw = failed(s) ? 0 : load_u32(stored);
    if (!failed(s) && raw) {
        uint8_t *page = raw <= PAGE_RAW_BYTES_MAX ? memory_alloc(raw) : NULL;
        if (!page || LZ4_decompress_safe((char *)stored + 4, (char *)page, (int)payload, (int)raw) != (int)raw) {
            free(page);
            s = damaged(file, ref.offset, "the page's content");
        } else {
            *out = page;
            *bytes = raw;
            free(stored);
            return ok();
        }
    }
    if (failed(s)) {
        free(stored);
        return s;
    }
    memmove(stored, stored + 4, payload);
    *out = stored;
    *bytes = (uint32_t)payload;
    return ok();
}

/* Whether the tail that ends `from_end` bytes before the end of the file is good; *out has its last bytes. */
static status read_tail(struct block_file *file, uint64_t from_end, uint8_t out[BLOCK_TAIL_BYTES], bool *good)
{
    *good = false;
    if (file->bytes < BLOCK_HEADER_BYTES + from_end + BLOCK_TAIL_BYTES) return ok();
    TRY(file_read(file->file, file->bytes - from_end - BLOCK_TAIL_BYTES, out, BLOCK_TAIL_BYTES));
    size_t begin = load_u32(out + 28) == 1 ? BLOCK_TAIL_BYTES - BLOCK_TAIL_BYTES_1 : 0;
    *good = memcmp(out + 32, tail_magic, sizeof tail_magic) == 0 && load_u32(out + 28) > 0 &&
            load_u32(out + 28) <= BLOCK_VERSION && load_u64(out + 40) == hash_bytes(out + begin, 40 - begin);
    return ok();
}

/* Reads the tail, or the copy before it. */
static status find_tail(struct block_file *file, uint8_t tail[BLOCK_TAIL_BYTES])
{
    bool good;

    TRY(read_tail(file, 0, tail, &good));
    if (good) return ok();
    TRY(read_tail(file, BLOCK_TAIL_BYTES, tail, &good));
    if (!good) return damaged(file, file->bytes < BLOCK_TAIL_BYTES ? 0 : file->bytes - BLOCK_TAIL_BYTES, "the tail");
    note_repair(file, file->bytes - BLOCK_TAIL_BYTES);
    return ok();
}

static status read_header(struct block_file *file, uint8_t header[BLOCK_HEADER_BYTES], bool *good)
{
    TRY(file_read(file->file, 0, header, BLOCK_HEADER_BYTES));
    *good = memcmp(header, header_magic, sizeof header_magic) == 0 &&
            load_u64(header + AT_CHECKSUM) == hash_bytes(header, AT_CHECKSUM);
    if (*good && load_u32(header + 8) > BLOCK_VERSION)
        return status_make(STATUS_UNSUPPORTED, "%s: format version %u, this program reads up to %d", file->name,
                           load_u32(header + 8), BLOCK_VERSION);
    return ok();
}

/* The footer, or its copy. */
static status read_footer(struct block_file *file, struct page_ref ref, uint32_t version)
{
    uint32_t bytes = 0;
    status s = load_page(file, ref, false, &file->footer, &bytes);

    if (s.code == STATUS_CORRUPT && version > 1) {
        s = load_page(file, (struct page_ref){ref.offset + ref.bytes, ref.bytes}, false, &file->footer, &bytes);
        if (!failed(s)) note_repair(file, ref.offset);
    }
    file->footer_bytes = bytes;
    return s;
}

static status read_frame(struct block_file *file, uint32_t number)
{
    uint8_t header[BLOCK_HEADER_BYTES], tail[BLOCK_TAIL_BYTES];
    bool is_header_good;

    TRY(file_size(file->file, &file->bytes));
    if (file->bytes < BLOCK_HEADER_BYTES + BLOCK_TAIL_BYTES_1)
        return status_make(STATUS_CORRUPT, "%s: the file is too short (%llu bytes)", file->name,
                           (unsigned long long)file->bytes);
    TRY(read_header(file, header, &is_header_good));
    TRY(find_tail(file, tail));
    uint32_t version = load_u32(tail + 28);
    if (!is_header_good && version == 1) return damaged(file, 0, "the header");
    if (!is_header_good) note_repair(file, 0); /* tail and footer say the same */
    if (is_header_good && load_u32(header + 8) != version)
        return status_make(STATUS_CORRUPT, "%s: its header and its tail have different versions", file->name);
    if (is_header_good && load_u32(header + 12) != number)
        return status_make(STATUS_CORRUPT, "%s: the file says that its number is %u", file->name,
                           load_u32(header + 12));
    if (version > 1) file->directory = (struct page_ref){load_u64(tail), load_u32(tail + 8)};
    file->footer_ref = (struct page_ref){load_u64(tail + 16), load_u32(tail + 24)};
    file->version = version;
    return read_footer(file, file->footer_ref, version);
}

status block_file_open(struct fs *fs, const char *name, uint32_t number, struct page_cache *cache,
                       struct block_file **out)
{
    struct block_file *file = memory_zalloc(sizeof *file);

    assert(strlen(name) < NAME_BYTES);
    snprintf(file->name, sizeof file->name, "%s", name);
    file->cache = cache;
    pthread_mutex_init(&file->mutex, NULL);
    status s = fs_open(fs, name, FS_READ, &file->file);
    if (!failed(s)) s = read_frame(file, number);
    if (failed(s)) {
        block_file_close(file);
        return s;
    }
    *out = file;
    return ok();
}

void block_file_watch(struct block_file *file, void (*told)(void *context, const status *damage), void *context)
{
    file->told = told;
    file->context = context;
}

void block_file_close(struct block_file *file)
{
    if (!file) return;
    page_cache_drop(file->cache, file);
    file_close(file->file);
    free(file->footer);
    vec_release(&file->entries);
    vec_release(&file->repairs);
    pthread_mutex_destroy(&file->mutex);
    free(file);
}

bool block_file_has_parity(const struct block_file *file)
{
    return file->entries.count > 0;
}

uint64_t block_file_parity_bytes(struct block_file *file)
{
    uint64_t bytes = file->directory.bytes;

    pthread_mutex_lock(&file->mutex);
    (void)load_entries_locked(file);
    vec_each (entry, &file->entries) bytes += entry->parity.bytes;
    pthread_mutex_unlock(&file->mutex);
    return bytes;
}

static bool was_repaired_locked(const struct block_file *file, uint64_t at)
{
    vec_each (offset, &file->repairs) {
        if (*offset == at) return true;
    }
    return false;
}

static bool has_repaired_locked(const struct block_file *file, const struct parity_group *group)
{
    vec_each (ref, &group->pages) {
        if (was_repaired_locked(file, ref->offset)) return true;
    }
    return false;
}

static status check_group_locked(struct block_file *file, const struct parity_entry *entry,
                                 void (*finding)(void *context, uint64_t at, const char *sentence), void *context)
{
    struct parity_group group = {0};
    uint8_t *page = NULL;
    bool good = true;

    status s = load_group(file, entry, &page, &group);
    if (!failed(s) && !has_repaired_locked(file, &group)) s = parity_verify(&group, file->file, &good);
    parity_group_release(&group);
    free(page);
    if (tells_damage(s)) {
        finding(context, entry->parity.offset, s.text);
        return ok();
    }
    if (!failed(s) && !good) finding(context, entry->parity.offset, "the parity is not that of its pages");
    return s;
}

/* What is there twice: header, tails, footers. */
static status check_copies_locked(struct block_file *file,
                                  void (*finding)(void *context, uint64_t at, const char *sentence), void *context)
{
    uint8_t header[BLOCK_HEADER_BYTES], tail[BLOCK_TAIL_BYTES];
    uint64_t places[5] = {0, file->bytes - BLOCK_TAIL_BYTES, file->bytes - 2 * BLOCK_TAIL_BYTES,
                          file->footer_ref.offset, file->footer_ref.offset + file->footer_ref.bytes};
    bool good[5];

    if (file->version == 1) return ok();
    TRY(read_header(file, header, &good[0]));
    for (unsigned i = 0; i < 2; i++) TRY(read_tail(file, i * BLOCK_TAIL_BYTES, tail, &good[1 + i]));
    for (unsigned i = 0; i < 2; i++) {
        struct page_ref ref = {places[3 + i], file->footer_ref.bytes};
        uint8_t *page = NULL;
        uint32_t bytes;
        status s = load_page(file, ref, false, &page, &bytes);
        free(page);
        if (failed(s) && !tells_damage(s)) return s;
        good[3 + i] = !failed(s);
    }
    for (size_t i = 0; i < 5; i++) {
        if (!good[i] && !was_repaired_locked(file, places[i])) finding(context, places[i], "damaged; its copy is good");
    }
    return ok();
}

status block_file_check(struct block_file *file, void (*finding)(void *context, uint64_t at, const char *sentence),
                        void *context)
{
    pthread_mutex_lock(&file->mutex);
    status s = load_entries_locked(file);
    if (tells_damage(s)) {
        finding(context, file->directory.offset, s.text);
        s = ok();
    }
    vec_each (offset, &file->repairs)
        finding(context, *offset, "damaged, and mended by its parity or copy when it is read");
    if (!failed(s)) s = check_copies_locked(file, finding, context);
    vec_each (entry, &file->entries) {
        if (!failed(s)) s = check_group_locked(file, entry, finding, context);
    }
    pthread_mutex_unlock(&file->mutex);
    return s;
}

static void note_scrubbed(void *context, uint64_t at, const char *sentence)
{
    (void)sentence;
    note_repair(context, at);
}

static status scrub_page(struct block_file *file, struct page_ref ref)
{
    uint8_t *page = NULL;
    uint32_t bytes;
    status s = tell(file, load_page(file, ref, true, &page, &bytes));

    free(page);
    return tells_damage(s) ? ok() : s;
}

static status scrub_group(struct block_file *file, const struct parity_entry *entry, uint64_t *read)
{
    struct parity_group group = {0};
    uint8_t *page = NULL;

    status s = load_group(file, entry, &page, &group);
    for (size_t i = 0; !failed(s) && i < group.pages.count; i++) s = scrub_page(file, group.pages.data[i]);
    *read = group.stream_bytes + entry->parity.bytes;
    parity_group_release(&group);
    free(page);
    if (!tells_damage(s)) return s;
    pthread_mutex_lock(&file->mutex);
    note_repair(file, entry->parity.offset); /* its pages are found by those who need them */
    pthread_mutex_unlock(&file->mutex);
    return ok();
}

status block_file_scrub(struct block_file *file, bool (*pace)(void *context, uint64_t bytes), void *context)
{
    pthread_mutex_lock(&file->mutex);
    status s = load_entries_locked(file);
    if (tells_damage(s)) {
        note_repair(file, file->directory.offset);
        s = ok();
    }
    if (!failed(s)) s = check_copies_locked(file, note_scrubbed, file);
    pthread_mutex_unlock(&file->mutex);
    for (size_t i = 0; !failed(s) && i < file->entries.count; i++) { /* they do not change any more */
        uint64_t read = 0;
        s = scrub_group(file, &file->entries.data[i], &read);
        if (!failed(s) && !pace(context, read)) s = status_make(STATUS_CANCELED, "the scrub was stopped");
    }
    return s;
}

str block_file_footer(const struct block_file *file)
{
    return str_make((const char *)file->footer, file->footer_bytes);
}

uint64_t block_file_bytes(const struct block_file *file)
{
    return file->bytes;
}

const char *block_file_name(const struct block_file *file)
{
    return file->name;
}

status block_file_read(struct block_file *file, uint64_t offset, void *out, size_t bytes)
{
    if (offset > file->bytes || bytes > file->bytes - offset)
        return tell(file, status_at(STATUS_CORRUPT, offset, "%s: an extent leads out of the file", file->name));
    return tell(file, file_read(file->file, offset, out, bytes));
}

bool block_file_read_ahead(struct block_file *file, uint64_t offset, void *out, size_t bytes)
{
    if (offset > file->bytes || bytes > file->bytes - offset) return false;
    return !failed(file_read(file->file, offset, out, bytes));
}

status block_file_page(struct block_file *file, struct page_ref ref, const struct page **out)
{
    uint8_t *data = NULL;
    uint32_t bytes = 0;

    *out = page_cache_find(file->cache, file, ref.offset);
    if (*out) {
        metric_add(&metric_page_hits, 1);
        return ok();
    }
    TRY(tell(file, load_page(file, ref, true, &data, &bytes)));
    *out = page_cache_add(file->cache, file, ref.offset, data, bytes);
    return ok();
}

status page_list_page(struct block_file *file, const struct page_list *list, uint32_t index, const struct page **out)
{
    struct page_ref ref = list->root;
    uint64_t below = 1; /* pages under one reference of the current level */

    if (index >= list->pages)
        return tell(file, status_at(STATUS_CORRUPT, ref.offset, "%s: a list of %u pages has no page %u", file->name,
                                    list->pages, index));
    while (below < list->pages) below *= FANOUT;
    for (; below > 1; below /= FANOUT) {
        const struct page *page;
        size_t slot = (size_t)(index % below / (below / FANOUT)) * REF_BYTES;
        TRY(block_file_page(file, ref, &page));
        bool fits = slot + REF_BYTES <= page->bytes;
        if (fits) ref = (struct page_ref){load_u64(page->data + slot), load_u32(page->data + slot + 8)};
        page_release(page);
        if (!fits)
            return tell(file,
                        status_at(STATUS_CORRUPT, ref.offset, "%s: a page of references is too short", file->name));
    }
    return block_file_page(file, ref, out);
}

/* Of the pages below a reference; each covers `below` pages of the list, of which `pages` are left. */
static status tree_bytes(struct block_file *file, struct page_ref ref, uint64_t below, uint64_t pages, uint64_t *bytes)
{
    const struct page *page;
    status s = ok();

    *bytes += ref.bytes;
    if (below <= 1) return ok();
    TRY(block_file_page(file, ref, &page));
    below /= FANOUT;
    for (size_t slot = 0; slot * below < pages && slot < FANOUT && !failed(s); slot++) {
        const uint8_t *at = page->data + slot * REF_BYTES;
        uint64_t left = pages - slot * below;
        if ((slot + 1) * REF_BYTES > page->bytes) {
            s = status_at(STATUS_CORRUPT, ref.offset, "%s: a page of references is too short", file->name);
        } else {
            s = tree_bytes(file, (struct page_ref){load_u64(at), load_u32(at + 8)}, below, left < below ? left : below,
                           bytes);
        }
    }
    page_release(page);
    return s;
}

status page_list_bytes(struct block_file *file, const struct page_list *list, uint64_t *bytes)
{
    uint64_t below = 1;

    if (list->pages == 0) return ok();
    while (below < list->pages) below *= FANOUT;
    return tree_bytes(file, list->root, below, list->pages, bytes);
}
