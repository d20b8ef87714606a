/* A file being written from its beginning to its end, in large pieces, for Prometheus to read: big-endian numbers and
 * CRC-32C over the bytes of a section.
 *
 * Failures are sticky: after one nothing is written, and prom_output_finish tells it. Owned by one thread. */
#ifndef VARVE_PROMETHEUS_PROM_OUTPUT_H
#define VARVE_PROMETHEUS_PROM_OUTPUT_H

#include "storage/base/bytes.h"
#include "storage/fs.h"

/* Zeroed is closed. */
struct prom_output {
    struct file *file;
    uint64_t written; /* bytes before those that wait */
    struct writer waiting;
    uint32_t crc; /* of the bytes since prom_output_section */
    status error;
};

/* Creates the file; it must not exist. */
status prom_output_open(struct fs *fs, const char *name, struct prom_output *out);

/* Writes what waits, makes the file durable and closes it. */
status prom_output_finish(struct prom_output *output);

/* Closes it as it is. */
void prom_output_abandon(struct prom_output *output);

/* The offset of what comes next. */
static inline uint64_t prom_output_at(const struct prom_output *output)
{
    return output->written + output->waiting.count;
}

void prom_output_bytes(struct prom_output *output, const void *data, size_t bytes);
void prom_output_u32(struct prom_output *output, uint32_t v);
void prom_output_u64(struct prom_output *output, uint64_t v);
void prom_output_align(struct prom_output *output, uint64_t alignment);

/* Begins a section; ends it with its checksum. */
void prom_output_section(struct prom_output *output);
void prom_output_checksum(struct prom_output *output);

#endif
