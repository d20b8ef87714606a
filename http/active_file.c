/* The file of running queries; see active_file.h. */
#include "http/active_file.h"

#include "http/json.h"
#include "storage/base/clock.h"
#include "storage/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_BYTES = 1000, ENTRIES_MAX = 10000, END_BYTES = 64 /* of an entry, after the query */ };

struct active_file {
    /* constant after open */
    char *bytes;
    size_t size;
    uint32_t count;
    /* guarded by mutex */
    pthread_mutex_t mutex;
    bool *taken;
};

static char *entry_at(char *bytes, uint32_t entry)
{
    return bytes + 1 + (size_t)entry * ENTRY_BYTES;
}

/* What an earlier process did not take out. Whatever else is in the file is passed over. */
static void log_left(const char *bytes, size_t size)
{
    for (size_t at = 1; at < size; at += ENTRY_BYTES) {
        size_t room = size - at < ENTRY_BYTES ? size - at : ENTRY_BYTES;
        str entry = str_make(bytes + at, strnlen(bytes + at, room));
        if (!str_starts_with(entry, STR("{\"query\":\""))) continue;
        if (str_ends_with(entry, STR(","))) entry.len--;
        log_warn("a query was running when the last process ended", "entry=%s", LOG_QUOTED(entry));
    }
}

static void tell_left(const char *path)
{
    size_t most = 1 + (size_t)ENTRIES_MAX * ENTRY_BYTES;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;

    if (file < 0) return;
    if (fstat(file, &info) == 0 && info.st_size > 0) {
        size_t size = (size_t)info.st_size < most ? (size_t)info.st_size : most;
        char *bytes = memory_alloc(size);
        ssize_t count = read(file, bytes, size);
        if (count > 0) log_left(bytes, (size_t)count);
        free(bytes);
    }
    close(file);
}

status active_file_open(str folder, uint32_t entries, struct active_file **out)
{
    struct arena arena = {0};
    str path = arena_format(&arena, "%.*s/queries.active", STR_ARG(folder));
    size_t size = 1 + (size_t)entries * ENTRY_BYTES;
    char *bytes = MAP_FAILED;
    status s = ok();

    tell_left(path.data);
    int file = open(path.data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (file >= 0 && posix_fallocate(file, 0, (off_t)size) == 0)
        bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) s = status_make(STATUS_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    if (file >= 0) close(file);
    arena_release(&arena);
    if (failed(s)) return s;
    struct active_file *active = memory_zalloc(sizeof *active);
    *active = (struct active_file){.bytes = bytes,
                                   .size = size,
                                   .count = entries,
                                   .taken = memory_zalloc(entries * sizeof *active->taken)};
    pthread_mutex_init(&active->mutex, NULL);
    bytes[0] = '[';
    *out = active;
    return ok();
}

void active_file_close(struct active_file *file)
{
    if (!file) return;
    munmap(file->bytes, file->size);
    pthread_mutex_destroy(&file->mutex);
    free(file->taken);
    free(file);
}

static int take_entry(struct active_file *file)
{
    int entry = -1;

    pthread_mutex_lock(&file->mutex);
    for (uint32_t i = 0; i < file->count && entry < 0; i++) {
        if (!file->taken[i]) entry = (int)i;
    }
    if (entry >= 0) file->taken[entry] = true;
    pthread_mutex_unlock(&file->mutex);
    return entry;
}

/* As much of a query as fits into an entry once it is escaped. */
static void put_query(struct writer *w, str query)
{
    size_t start = w->count;

    if (query.len > ENTRY_BYTES) query = str_part(query, 0, ENTRY_BYTES);
    json_put_string(w, query);
    while (w->count > ENTRY_BYTES - END_BYTES) {
        w->count = start;
        query.len -= query.len / 4 + 1;
        json_put_string(w, query);
    }
}

int active_file_add(struct active_file *file, str query)
{
    struct writer w = {0};
    int entry = file ? take_entry(file) : -1;

    if (entry < 0) return entry;
    json_put_raw(&w, "{\"query\":");
    put_query(&w, query);
    json_put_raw(&w, ",\"timestamp_sec\":");
    json_put_signed(&w, clock_now_ms() / 1000);
    json_put_raw(&w, "},");
    memcpy(entry_at(file->bytes, (uint32_t)entry), w.data, w.count);
    writer_release(&w);
    return entry;
}

void active_file_remove(struct active_file *file, int entry)
{
    if (entry < 0) return;
    memset(entry_at(file->bytes, (uint32_t)entry), 0, ENTRY_BYTES);
    pthread_mutex_lock(&file->mutex);
    file->taken[entry] = false;
    pthread_mutex_unlock(&file->mutex);
}
