/* Writing a file for Prometheus; see prom_output.h. */
#include "prometheus/prom_output.h"

#include "storage/base/crc32c.h"

enum { PIECE_BYTES = 1 << 20 };

status prom_output_open(struct fs *fs, const char *name, struct prom_output *out)
{
    *out = (struct prom_output){0};
    return fs_open(fs, name, FS_CREATE, &out->file);
}

static void flush(struct prom_output *output)
{
    struct fs_span span = {output->waiting.data, output->waiting.count};

    if (!failed(output->error) && span.bytes) output->error = file_write(output->file, output->written, &span, 1);
    output->written += span.bytes;
    output->waiting.count = 0;
}

void prom_output_abandon(struct prom_output *output)
{
    file_close(output->file);
    writer_release(&output->waiting);
    output->file = NULL;
}

status prom_output_finish(struct prom_output *output)
{
    flush(output);
    status s = output->error;
    if (!failed(s)) s = file_sync(output->file);
    prom_output_abandon(output);
    return s;
}

void prom_output_bytes(struct prom_output *output, const void *data, size_t bytes)
{
    writer_bytes(&output->waiting, data, bytes);
    output->crc = crc32c_extend(output->crc, data, bytes);
    if (output->waiting.count >= PIECE_BYTES) flush(output);
}

void prom_output_u32(struct prom_output *output, uint32_t v)
{
    v = __builtin_bswap32(v);
    prom_output_bytes(output, &v, sizeof v);
}

void prom_output_u64(struct prom_output *output, uint64_t v)
{
    v = __builtin_bswap64(v);
    prom_output_bytes(output, &v, sizeof v);
}

void prom_output_align(struct prom_output *output, uint64_t alignment)
{
    static const uint8_t zeros[16];

    prom_output_bytes(output, zeros, (alignment - prom_output_at(output) % alignment) % alignment);
}

void prom_output_section(struct prom_output *output)
{
    output->crc = 0;
}

void prom_output_checksum(struct prom_output *output)
{
    prom_output_u32(output, output->crc);
}
