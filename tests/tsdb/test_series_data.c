/* A series' chunks in a block: layout, reading by time, and that no other byte sequence passes for them. */
#include "tsdb/series_data.h"

#include "storage/chunk_gorilla.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

static const hash128 fingerprint = {0x1234567890ABCDEF, 42};

/* Encoded bytes with the slack that readers need. */
static size_t write_data(const struct series_data *data, struct writer *out)
{
    out->count = 0;
    size_t header = series_data_write(data, fingerprint, 0, out);
    memset(writer_reserve(out, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
    return header;
}

static void make_samples(uint64_t *random, int64_t *times, double *values, size_t count)
{
    int64_t time_ms = (int64_t)random_below(random, 1000000) - 500000;

    for (size_t i = 0; i < count; i++) {
        times[i] = time_ms += 1 + random_below(random, random_below(random, 5) ? 30000 : 10000000);
        values[i] =
            double_from_bits(random_below(random, 3) ? double_bits(random_below(random, 50)) : random_next(random));
    }
}

static void check_range(const struct writer *bytes, const int64_t *times, const double *values, size_t count,
                        int64_t from_ms, int64_t to_ms, struct column_buffer *buffer)
{
    size_t at = buffer->times.count;

    must(series_data_read(bytes->data, bytes->count, fingerprint, NULL, from_ms, to_ms, buffer));
    for (size_t i = 0; i < count; i++) {
        if (times[i] < from_ms || times[i] > to_ms) continue;
        cr_assert(at < buffer->times.count && buffer->times.data[at] == times[i]);
        cr_assert(double_bits(buffer->values.data[at]) == double_bits(values[i]));
        at++;
    }
    cr_assert(at == buffer->times.count && at == buffer->values.count);
}

Test(series_data, reads_any_range)
{
    enum { SAMPLES_MAX = 700 };
    static int64_t times[SAMPLES_MAX];
    static double values[SAMPLES_MAX];
    static const size_t chunk_sizes[] = {1, 2, 119, 120, 256};
    struct series_data data = {0};
    struct column_buffer buffer = {0};
    struct writer bytes = {0};
    uint64_t random = 5;

    for (int round = 0; round < 60; round++) {
        size_t count = 1 + random_below(&random, SAMPLES_MAX), chunk_samples = chunk_sizes[round % 5];
        uint64_t counted;
        make_samples(&random, times, values, count);
        series_data_clear(&data);
        series_data_encode(&data, times, values, count, chunk_samples);
        cr_assert(data.samples == count && data.chunks.count == (count + chunk_samples - 1) / chunk_samples);
        write_data(&data, &bytes);
        must(series_data_check(bytes.data, bytes.count, fingerprint, NULL, &buffer, &counted));
        cr_assert(counted == count);
        buffer.times.count = buffer.values.count = 0;
        check_range(&bytes, times, values, count, INT64_MIN, INT64_MAX, &buffer);
        check_range(&bytes, times, values, count, times[0], times[count - 1], &buffer);
        for (int k = 0; k < 10; k++) {
            int64_t from = times[random_below(&random, count)] + (int64_t)random_below(&random, 3) - 1;
            int64_t to = times[random_below(&random, count)] + (int64_t)random_below(&random, 3) - 1;
            check_range(&bytes, times, values, count, from, to, &buffer);
        }
    }
    series_data_release(&data);
    column_buffer_release(&buffer);
    writer_release(&bytes);
}

Test(series_data, all_of_time)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX};
    static const double values[] = {1, 2, 3, 4};
    struct series_data data = {0};
    struct column_buffer buffer = {0};
    struct writer bytes = {0};
    uint64_t counted;

    for (size_t chunk_samples = 1; chunk_samples <= 4; chunk_samples++) {
        series_data_clear(&data);
        series_data_encode(&data, times, values, 4, chunk_samples);
        write_data(&data, &bytes);
        for (size_t first = 0; first < 4; first++) {
            for (size_t last = first; last < 4; last++)
                check_range(&bytes, times, values, 4, times[first], times[last], &buffer);
        }
        buffer.times.count = buffer.values.count = 0;
        status s = series_data_check(bytes.data, bytes.count, fingerprint, NULL, &buffer, &counted);
        cr_expect(!failed(s) && counted == 4, "chunks of %zu: %s", chunk_samples, s.text);
    }
    series_data_release(&data);
    column_buffer_release(&buffer);
    writer_release(&bytes);
}

/* The format, byte by byte: a change needs a new version. */
Test(series_data, layout)
{
    struct series_data data = {0};
    struct writer bytes = {0};

    series_data_add(&data, CHUNK_GORILLA, 3, 100, 400, "abc", 3);
    series_data_add(&data, CHUNK_GORILLA, 1, 401, 401, "z", 1);
    size_t header = write_data(&data, &bytes);
    cr_assert(header == 17 && bytes.count == 17 + 3 + 4 + 1 + 4);
    cr_expect(memcmp(bytes.data, "\2\1\3\310\1\254\2\3\1\1\2\0\1", 13) == 0);
    cr_expect(load_u32(bytes.data + 13) == (uint32_t)hash_seeded(bytes.data, 13, fingerprint.low));
    cr_expect(memcmp(bytes.data + 17, "abc", 3) == 0 && bytes.data[24] == 'z');
    cr_expect(load_u32(bytes.data + 20) == (uint32_t)hash_seeded("abc", 3, fingerprint.low));
    cr_expect(load_u32(bytes.data + 25) == (uint32_t)hash_seeded("z", 1, fingerprint.low));
    series_data_release(&data);
    writer_release(&bytes);
}

static void make_small(struct writer *bytes)
{
    static const int64_t times[] = {1000, 2000, 3000, 4000, 5000};
    static const double values[] = {1, 2, 2.5, -0.0, 7};
    struct series_data data = {0};

    series_data_encode(&data, times, values, 5, 2);
    write_data(&data, bytes);
    series_data_release(&data);
}

Test(series_data, damage_is_told)
{
    struct writer bytes = {0}, copy = {0};
    struct column_buffer buffer = {0};
    uint64_t counted;

    make_small(&bytes);
    for (size_t i = 0; i < bytes.count * 8; i++) {
        copy.count = 0;
        memcpy(writer_reserve(&copy, bytes.count + GORILLA_SLACK_BYTES), bytes.data, bytes.count + GORILLA_SLACK_BYTES);
        copy.data[i / 8] ^= (uint8_t)(1 << i % 8);
        status s = series_data_read(copy.data, bytes.count, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer);
        cr_expect(s.code == STATUS_CORRUPT && s.text[0], "bit %zu", i);
        s = series_data_check(copy.data, bytes.count, fingerprint, NULL, &buffer, &counted);
        cr_expect(s.code == STATUS_CORRUPT, "bit %zu", i);
    }
    for (size_t len = 0; len < bytes.count; len++) {
        uint8_t *exact = memory_alloc(len + GORILLA_SLACK_BYTES);
        memcpy(exact, bytes.data, len);
        memset(exact + len, 0, GORILLA_SLACK_BYTES);
        cr_expect(failed(series_data_read(exact, len, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer)), "cut to %zu",
                  len);
        free(exact);
    }
    hash128 other = {fingerprint.low + 1, fingerprint.high};
    cr_expect(failed(series_data_read(bytes.data, bytes.count, other, NULL, INT64_MIN, INT64_MAX, &buffer)),
              "data of another series is taken");
    writer_release(&bytes);
    writer_release(&copy);
    column_buffer_release(&buffer);
}

/* What has good checksums and still is no series: check tells, read does not crash. */
Test(series_data, lies_are_told)
{
    static const struct {
        uint32_t samples;
        int64_t min_ms, max_ms;
    } lies[] = {{4, 1000, 5000}, {6, 1000, 5000}, {5, 999, 5000}, {5, 1001, 5000}, {5, 1000, 4999}};
    static const int64_t times[] = {1000, 2000, 3000, 4000, 5000};
    static const uint64_t values[] = {1, 2, 3, 4, 5};
    struct writer chunk = {0}, bytes = {0};
    struct column_buffer buffer = {0};
    struct series_data data = {0};
    uint64_t counted;

    gorilla_encode(times, values, 5, &chunk);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        series_data_clear(&data);
        series_data_add(&data, CHUNK_GORILLA, lies[i].samples, lies[i].min_ms, lies[i].max_ms, chunk.data, chunk.count);
        write_data(&data, &bytes);
        status s = series_data_check(bytes.data, bytes.count, fingerprint, NULL, &buffer, &counted);
        cr_expect(s.code == STATUS_CORRUPT, "lie %zu", i);
        (void)series_data_read(bytes.data, bytes.count, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer);
    }
    series_data_clear(&data);
    series_data_add(&data, CHUNK_GORILLA, 5, 1000, 5000, chunk.data, chunk.count);
    series_data_add(&data, CHUNK_GORILLA, 5, 5001, 9000, chunk.data, chunk.count);
    write_data(&data, &bytes);
    cr_expect(series_data_check(bytes.data, bytes.count, fingerprint, NULL, &buffer, &counted).code == STATUS_CORRUPT,
              "times that fall are taken");
    series_data_clear(&data);
    series_data_add(&data, (enum chunk_codec)9, 5, 1000, 5000, chunk.data, chunk.count);
    write_data(&data, &bytes);
    cr_expect(series_data_read(bytes.data, bytes.count, fingerprint, NULL, 0, 9000, &buffer).code ==
              STATUS_UNSUPPORTED);
    writer_release(&chunk);
    writer_release(&bytes);
    series_data_release(&data);
    column_buffer_release(&buffer);
}

/* A chunk table of any bytes, with a checksum that holds. */
Test(series_data, hostile_tables)
{
    struct column_buffer buffer = {0};
    uint64_t random = 8, counted;
    unsigned taken = 0;

    for (int round = 0; round < 40000; round++) {
        size_t table = 1 + random_below(&random, 16), left = random_below(&random, 12);
        uint8_t bytes[64 + GORILLA_SLACK_BYTES] = {0};
        random_fill(&random, bytes, table + 4 + left);
        if (round % 2) bytes[0] = (uint8_t)random_below(&random, 4);
        if (round % 4 == 1) bytes[1] = CHUNK_GORILLA;
        store_u32(bytes + table, (uint32_t)hash_seeded(bytes, table, fingerprint.low));
        size_t size = table + 4 + left;
        taken += !failed(series_data_read(bytes, size, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer));
        taken += !failed(series_data_check(bytes, size, fingerprint, NULL, &buffer, &counted));
        buffer.times.count = buffer.values.count = 0;
    }
    cr_expect(taken < 4000, "%u are taken", taken);
    column_buffer_release(&buffer);
}

/* One byte of the chunks is wrong: the chunk that has it is left out, and no other one. */
Test(series_data, one_damaged_chunk_is_left_out)
{
    enum { SAMPLES = 500, CHUNK = 100 };
    static int64_t times[SAMPLES];
    static double values[SAMPLES];
    struct series_data data = {0};
    struct column_buffer buffer = {.skips_damage = true};
    struct writer bytes = {0};
    uint64_t random = 11;

    make_samples(&random, times, values, SAMPLES);
    series_data_encode(&data, times, values, SAMPLES, CHUNK);
    size_t header = write_data(&data, &bytes);
    for (size_t at = header; at < bytes.count; at += 3) {
        bytes.data[at] ^= 0x10;
        columns_clear(&buffer);
        must(series_data_read(bytes.data, bytes.count, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer));
        cr_assert(buffer.damage.code == STATUS_CORRUPT);
        buffer.damage = ok();
        cr_assert(buffer.times.count == SAMPLES - CHUNK && buffer.values.count == SAMPLES - CHUNK);
        size_t k = 0;
        for (size_t i = 0; i < SAMPLES && k < buffer.times.count; i++) {
            if (buffer.times.data[k] != times[i]) continue;
            cr_assert(double_bits(buffer.values.data[k]) == double_bits(values[i]));
            k++;
        }
        cr_assert(k == SAMPLES - CHUNK);
        bytes.data[at] ^= 0x10;
    }
    buffer.skips_damage = false;
    bytes.data[header] ^= 1;
    cr_expect(failed(series_data_read(bytes.data, bytes.count, fingerprint, NULL, INT64_MIN, INT64_MAX, &buffer)));
    writer_release(&bytes);
    series_data_release(&data);
    column_buffer_release(&buffer);
}
