#include "prometheus/prom_histogram.h"

#include "prometheus/prom_histogram_write.h"
#include "prometheus/prom_start.h"
#include "tests/prometheus/fixture.h"

static struct histogram parts(double count, double zero, double sum, uint32_t buckets, const int32_t *indexes,
                              const double *counts)
{
    return (struct histogram){.schema = 1,
                              .is_integer = true,
                              .zero_threshold = 0.001,
                              .zero_count = zero,
                              .count = count,
                              .sum = sum,
                              .positive = {buckets, indexes, counts}};
}

/* A chunk as the description has it: buckets that are empty, a span in two parts, a start time from the second sample
 * on. */
Test(prom_histogram, reads_what_is_described)
{
    struct writer out = {0};
    struct bit_writer to = {.out = &out};
    struct column_buffer buffer = {0};

    bits_write(&to, 2u << 14 | 2, 16); /* reset; two samples */
    bits_write(&to, 1, 8);             /* start times from the second on */
    bits_write(&to, 255, 8);
    bits_write(&to, double_bits(0.001), 64);
    bits_write_varbit(&to, 1);
    bits_write_varbit_unsigned(&to, 2); /* spans: -3, -2, then 4 */
    bits_write_varbit_unsigned(&to, 2);
    bits_write_varbit(&to, -3);
    bits_write_varbit_unsigned(&to, 1);
    bits_write_varbit(&to, 5);
    bits_write_varbit_unsigned(&to, 0);
    bits_write_varbit(&to, 1000); /* sample 0: buckets 4, 0, 7 */
    bits_write_varbit_unsigned(&to, 12);
    bits_write_varbit_unsigned(&to, 1);
    bits_write(&to, double_bits(2.5), 64);
    bits_write_varbit(&to, 4);
    bits_write_varbit(&to, -4);
    bits_write_varbit(&to, 7);
    bits_write_varbit(&to, 500); /* sample 1: at 1500; buckets 5, 1, 7 */
    bits_write_varbit(&to, 2);
    bits_write_varbit(&to, 0);
    bits_write(&to, 0, 1);
    bits_write_varbit(&to, 1);
    bits_write_varbit(&to, 0);
    bits_write_varbit(&to, -1);
    bits_write_varbit(&to, 600); /* began at 400 */
    bits_flush(&to);

    uint8_t *copy = fixture_slack(out.data, out.count);
    must(prom_histogram_decode(PROM_HISTOGRAM_START, copy, out.count, &buffer));
    samples found = columns_view(&buffer);
    static const int32_t first[] = {-3, 4}, second[] = {-3, -2, 4};
    static const double first_counts[] = {4, 7}, second_counts[] = {5, 1, 7};
    struct histogram a = parts(12, 1, 2.5, 2, first, first_counts), b = parts(14, 1, 2.5, 3, second, second_counts);
    cr_assert(found.count == 2 && found.times_ms[0] == 1000 && found.times_ms[1] == 1500);
    cr_expect(histogram_equal(found.histograms[0], &a) && histogram_equal(found.histograms[1], &b));
    cr_expect(found.histograms[0]->hint == HISTOGRAM_UNKNOWN && found.histograms[1]->hint == HISTOGRAM_NOT_RESET);
    cr_expect(found.starts_ms[0] == 0 && found.starts_ms[1] == 400);
    free(copy);
    writer_release(&out);
    column_buffer_release(&buffer);
}

/* Samples that fit into one chunk, from the fixture. */
static size_t one_chunk(unsigned kind, uint64_t seed, struct column_buffer *buffer, struct rich_sample *list)
{
    size_t count = 0;

    fixture_samples(kind, seed, 1700000000000, 60, buffer);
    for (; count < 60; count++) {
        list[count] = columns_at(buffer, count);
        if (count && rich_must_cut(&list[count - 1], &list[count])) break;
    }
    return count;
}

static void damage(unsigned encoding, const struct writer *chunk)
{
    for (size_t at = 0; at < chunk->count; at++) {
        for (int flip = 0; flip < 9; flip++) {
            struct column_buffer buffer = {0};
            size_t bytes = flip ? chunk->count : at;
            uint8_t *copy = fixture_slack(chunk->data, bytes);
            if (flip) copy[at] = (uint8_t)(copy[at] ^ 1 << (flip - 1));
            status s = prom_histogram_decode(encoding, copy, bytes, &buffer);
            cr_assert(!failed(s) || s.text[0]);
            cr_assert(flip || failed(s), "encoding %u cut at %zu", encoding, at);
            free(copy);
            column_buffer_release(&buffer);
        }
    }
}

Test(prom_histogram, damage_is_refused)
{
    for (unsigned kind = 1; kind < 5; kind++) {
        struct column_buffer buffer = {0};
        struct rich_sample list[60];
        struct writer out = {0};
        struct arena arena = {0};
        size_t count = one_chunk(kind, 7, &buffer, list);
        prom_histogram_encode(list, count, PROM_COUNTER_UNKNOWN, &out, &arena);
        bool is_integer = list[0].histogram->is_integer;
        damage(is_integer ? PROM_HISTOGRAM : PROM_FLOAT_HISTOGRAM, &out);
        damage(is_integer ? PROM_HISTOGRAM_START : PROM_FLOAT_HISTOGRAM_START, &(struct writer){.data = out.data});
        writer_release(&out);
        arena_release(&arena);
        column_buffer_release(&buffer);
    }
}

Test(prom_histogram, unknown_schemas_are_named)
{
    struct writer out = {0};
    struct bit_writer to = {.out = &out};
    struct column_buffer buffer = {0};

    bits_write(&to, 1, 16);
    bits_write(&to, 0, 16);
    bits_write_varbit(&to, 9);
    bits_write(&to, 0, 64);
    bits_flush(&to);
    uint8_t *copy = fixture_slack(out.data, out.count);
    status s = prom_histogram_decode(PROM_HISTOGRAM, copy, out.count, &buffer);
    cr_expect(s.code == STATUS_UNSUPPORTED && strstr(s.text, "schema 9"), "%s", s.text);
    free(copy);
    writer_release(&out);
    column_buffer_release(&buffer);
}
