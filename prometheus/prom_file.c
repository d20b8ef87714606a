/* A file read through a window; see prom_file.h. */
#include "prometheus/prom_file.h"

enum { WINDOW_BYTES = 256 << 10 };

status prom_file_open(struct fs *fs, const char *name, struct prom_file *out)
{
    struct file *file;
    uint64_t bytes = 0;

    *out = (struct prom_file){0};
    TRY(fs_open(fs, name, FS_READ, &file));
    status s = file_size(file, &bytes);
    if (failed(s)) {
        file_close(file);
        return s;
    }
    *out = (struct prom_file){.file = file, .name = memory_alloc(strlen(name) + 1), .bytes = bytes};
    memcpy(out->name, name, strlen(name) + 1);
    return ok();
}

void prom_file_close(struct prom_file *file)
{
    file_close(file->file);
    free(file->name);
    writer_release(&file->window);
    *file = (struct prom_file){0};
}

status prom_file_corrupt(const struct prom_file *file, uint64_t at, const char *why)
{
    return status_at(STATUS_CORRUPT, at, "%s: offset %llu: %s", file->name, (unsigned long long)at, why);
}

status prom_file_some(struct prom_file *file, uint64_t at, size_t count, const uint8_t **out, size_t *got)
{
    struct writer *window = &file->window;
    uint64_t left = at < file->bytes ? file->bytes - at : 0;

    if (count > left) count = (size_t)left;
    *got = count;
    if (at < file->at || at + count > file->at + window->count || !window->data) {
        size_t want = count > WINDOW_BYTES ? count : WINDOW_BYTES;
        if (want > left) want = (size_t)left;
        window->count = 0;
        uint8_t *to = writer_reserve(window, want + PROM_SLACK_BYTES);
        if (want) TRY(file_read(file->file, at, to, want));
        memset(to + want, 0, PROM_SLACK_BYTES);
        window->count = want;
        file->at = at;
    }
    *out = window->data + (at - file->at);
    return ok();
}

status prom_file_get(struct prom_file *file, uint64_t at, uint64_t count, const uint8_t **out)
{
    size_t got = 0;

    if (at > file->bytes || count > file->bytes - at || count > PROM_PIECE_BYTES_MAX)
        return prom_file_corrupt(file, at, "the file ends before the piece that begins here");
    return prom_file_some(file, at, (size_t)count, out, &got);
}
