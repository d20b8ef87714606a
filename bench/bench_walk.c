/* What does it cost to turn a remote-write body into a batch: snappy and the walk?
 *
 *     bench_walk [samples a request] [repetitions]
 *
 * Series look like a node exporter's: ten labels, about 280 bytes of them. Prints one line of JSON: nanoseconds of CPU
 * per sample for snappy, for the walk, and bytes per sample in both forms. Under callgrind, the walk's instructions per
 * sample are those of write_decode divided by samples times repetitions.
 */
#include "http/remote_write.h"
#include "storage/base/clock.h"

#include <inttypes.h>
#include <snappy-c.h>
#include <stdio.h>

static void put_text(struct writer *w, uint8_t tag, const char *text)
{
    writer_u8(w, tag);
    writer_str(w, str_from(text));
}

static void put_label(struct writer *w, const char *name, const char *value)
{
    struct writer label = {0};

    put_text(&label, 0x0A, name);
    put_text(&label, 0x12, value);
    writer_u8(w, 0x0A);
    writer_str(w, str_make((const char *)label.data, label.count));
    writer_release(&label);
}

static void put_sample(struct writer *w, double value, int64_t time_ms)
{
    struct writer sample = {0};

    if (value != 0) {
        writer_u8(&sample, 0x09);
        writer_u64(&sample, double_bits(value));
    }
    writer_u8(&sample, 0x10);
    writer_varint(&sample, (uint64_t)time_ms);
    writer_u8(w, 0x12);
    writer_str(w, str_make((const char *)sample.data, sample.count));
    writer_release(&sample);
}

static void put_series(struct writer *w, size_t number)
{
    struct writer series = {0};
    char text[64];

    snprintf(text, sizeof text, "node_subsystem_quantity_%zu_seconds_total", number / 16);
    put_label(&series, "__name__", text);
    put_label(&series, "availability_zone", "eu-central-1b");
    put_label(&series, "cluster", "production-frankfurt-3");
    snprintf(text, sizeof text, "cpu-%zu", number % 16);
    put_label(&series, "cpu", text);
    put_label(&series, "environment", "production");
    snprintf(text, sizeof text, "node-%04zu.fra3.internal.example.com:9100", number / 500);
    put_label(&series, "instance", text);
    put_label(&series, "job", "node-exporter");
    put_label(&series, "mode", number % 3 ? "user" : "iowait");
    put_label(&series, "region", "eu-central-1");
    put_label(&series, "team", "platform-infrastructure");
    put_sample(&series, number % 5 ? 0.25 * (double)number : 0, 1787000000000 + (int64_t)(number % 4));
    writer_u8(w, 0x0A);
    writer_str(w, str_make((const char *)series.data, series.count));
    writer_release(&series);
}

int main(int count, char **arguments)
{
    uint64_t samples = 10000, repetitions = 200;
    struct writer message = {0};
    struct write_batch batch = {0};

    if (count > 1) str_to_uint64(str_from(arguments[1]), &samples);
    if (count > 2) str_to_uint64(str_from(arguments[2]), &repetitions);
    for (size_t i = 0; i < samples; i++) put_series(&message, i);

    size_t body_bytes = snappy_max_compressed_length(message.count), bytes = message.count;
    char *body = memory_alloc(body_bytes), *raw = memory_alloc(message.count);
    snappy_compress((const char *)message.data, message.count, body, &body_bytes);

    double started = clock_process_seconds();
    for (uint64_t i = 0; i < repetitions; i++) {
        bytes = message.count;
        if (snappy_uncompress(body, body_bytes, raw, &bytes) != SNAPPY_OK) return 1;
    }
    double snappy_seconds = clock_process_seconds() - started;

    started = clock_process_seconds();
    for (uint64_t i = 0; i < repetitions; i++) {
        if (failed(write_decode(str_make(raw, bytes), &batch))) return 1;
    }
    double walk_seconds = clock_process_seconds() - started;

    double per_sample = 1e9 / ((double)samples * (double)repetitions);
    printf("{\"samples\":%" PRIu64 ",\"snappy_ns\":%.1f,\"walk_ns\":%.1f,\"bytes\":%.1f,\"compressed_bytes\":%.1f}\n",
           samples, snappy_seconds * per_sample, walk_seconds * per_sample, (double)bytes / (double)samples,
           (double)body_bytes / (double)samples);
    write_batch_release(&batch);
    writer_release(&message);
    free(body);
    free(raw);
    return 0;
}
