#include "prometheus/prom_record.h"

#include "tests/prometheus/fixture.h"
#include "tests/prometheus/log_fixture.h"

#include <stdio.h>

Test(prom_record, series_tombstones_metadata)
{
    struct prom_record out = {0};
    struct writer record = {0};

    log_series(&record, 0xA1B2C3D4E5F60708ULL, "up job=a z=");
    must(prom_record_decode(str_make((const char *)record.data, record.count), &out));
    cr_assert(out.series.count == 1 && out.pairs.count == 3 && out.series.data[0].count == 3);
    cr_expect(out.series.data[0].id == 0xA1B2C3D4E5F60708ULL);
    cr_expect(str_equal(out.pairs.data[1].name, STR("job")) && str_equal(out.pairs.data[1].value, STR("a")));
    struct writer other = {0};
    log_tombstone(&other, 9, -3, 1700000000000);
    must(prom_record_decode(str_make((const char *)other.data, other.count), &out));
    cr_expect(out.tombstones.count == 1 && out.tombstones.data[0].series == 9);
    cr_expect(out.tombstones.data[0].min_ms == -3 && out.tombstones.data[0].max_ms == 1700000000000);
    log_metadata(&other, 300, METRIC_HISTOGRAM, "s", "How long.");
    must(prom_record_decode(str_make((const char *)other.data, other.count), &out));
    cr_assert(out.metadata.count == 1 && out.metadata.data[0].id == 300);
    cr_expect(out.metadata.data[0].entry.type == METRIC_HISTOGRAM);
    cr_expect(str_equal(out.metadata.data[0].entry.unit, STR("s")));
    cr_expect(str_equal(out.metadata.data[0].entry.help, STR("How long.")));
    prom_record_clear(&out);
    cr_expect(out.series.count == 0 && out.tombstones.count == 0 && out.metadata.count == 0);
    prom_record_release(&out);
    writer_release(&record);
    writer_release(&other);
}

Test(prom_record, exemplars)
{
    static const char *const labels[] = {"trace_id=ab span=7", ""};
    struct prom_record out = {0};
    struct writer record = {0};

    for (size_t i = 0; i < 2; i++) {
        log_exemplar(&record, 5 + i, 1700000000000 - (int64_t)i, 0.25 + (double)i, labels[i]);
        must(prom_record_decode(str_make((const char *)record.data, record.count), &out));
        cr_assert(out.exemplars.count == i + 1);
        const struct prom_record_exemplar *one = vec_last(&out.exemplars);
        cr_expect(one->id == 5 + i && one->time_ms == 1700000000000 - (int64_t)i && one->value == 0.25 + (double)i);
        cr_expect(one->first == 2 * i && one->count == 2 - 2 * i);
    }
    cr_expect(str_equal(out.pairs.data[1].name, STR("span")) && str_equal(out.pairs.data[1].value, STR("7")));
    prom_record_clear(&out);
    cr_expect(out.exemplars.count == 0);
    prom_record_release(&out);
    writer_release(&record);
}

static samples part_of(const samples *all, size_t first, size_t end)
{
    return (samples){.count = end - first,
                     .times_ms = all->times_ms + first,
                     .values = all->values + first,
                     .histograms = all->histograms ? all->histograms + first : NULL,
                     .starts_ms = all->starts_ms ? all->starts_ms + first : NULL};
}

/* All kinds of samples, in both versions; in the second with start times. */
Test(prom_record, samples)
{
    for (unsigned kind = 0; kind < 5; kind++) {
        for (int second = 0; second < 2; second++) {
            struct column_buffer buffer = {0};
            struct writer record = {0};
            struct prom_record out = {0};
            fixture_samples(kind, 5, 1700000000000, 60, &buffer);
            samples all = columns_view(&buffer);
            for (size_t i = 0; i < 60 && second && all.starts_ms; i++)
                buffer.starts.data[i] = i % 5 == 4 ? 0 : all.times_ms[0] - 1000 - (int64_t)(i / 7);
            samples part = part_of(&all, 0, 60);
            log_samples(&record, 77, &part, second);
            must(prom_record_decode(str_make((const char *)record.data, record.count), &out));
            cr_assert(out.samples.count == 60);
            for (size_t i = 0; i < 60; i++) {
                const struct prom_record_sample *sample = &out.samples.data[i];
                const struct histogram *h = all.histograms ? all.histograms[i] : NULL;
                cr_assert(sample->id == 77 && sample->time_ms == all.times_ms[i], "kind %u, sample %zu", kind, i);
                cr_assert(sample->value == double_bits(all.values[i]), "kind %u, sample %zu", kind, i);
                cr_assert(!h == !sample->histogram && (!h || histogram_equal(h, sample->histogram)));
                cr_assert(sample->start_ms == (second && all.starts_ms ? all.starts_ms[i] : 0));
            }
            prom_record_release(&out);
            writer_release(&record);
            column_buffer_release(&buffer);
        }
    }
}

/* Cut anywhere, or changed anywhere, a record is decoded to something or refused with words. */
Test(prom_record, damage_is_refused)
{
    struct column_buffer buffer = {0};
    struct writer record = {0};

    for (unsigned kind = 0; kind < 8; kind++) {
        columns_clear(&buffer);
        if (kind < 5) {
            fixture_samples(kind, 5, 1700000000000, 10, &buffer);
            samples all = columns_view(&buffer);
            log_samples(&record, 1, &all, kind % 2);
        } else if (kind == 5) {
            log_series(&record, 3, "up a=b");
        } else if (kind == 6) {
            log_exemplar(&record, 3, 1700000000000, 0.5, "trace_id=a");
        } else {
            log_metadata(&record, 3, 1, "s", "help");
        }
        for (size_t at = 0; at < 9 * record.count; at++) {
            bool cut = at < record.count;
            size_t bytes = cut ? at : record.count;
            struct prom_record out = {0};
            char *copy = memory_alloc(bytes + 1); /* exactly: the sanitizer sees reads behind it */
            memcpy(copy, record.data, bytes);
            if (!cut) copy[at % record.count] = (char)(copy[at % record.count] ^ 1 << (at / record.count - 1));
            status s = prom_record_decode(str_make(copy, bytes), &out);
            cr_assert(!failed(s) || s.text[0]);
            free(copy);
            prom_record_release(&out);
        }
    }
    column_buffer_release(&buffer);
    writer_release(&record);
}

/* Spans that reach beyond every index. */
Test(prom_record, far_spans_are_refused)
{
    static const int64_t offsets[] = {INT64_MIN, INT64_MAX, (int64_t)INT32_MIN - 1, INT32_MAX};

    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct prom_record out = {0};
        struct writer record = {0};
        writer_u8(&record, PROM_RECORD_HISTOGRAMS);
        writer_u64(&record, 0);
        writer_u64(&record, 0);
        writer_u8(&record, 0); /* id, time, hint, schema */
        writer_u8(&record, 0);
        writer_u8(&record, 0);
        writer_u8(&record, 0);
        writer_u64(&record, 0);
        writer_u8(&record, 0);
        writer_u8(&record, 0);
        writer_u64(&record, 0);
        writer_varint(&record, 2);
        writer_signed(&record, -7);
        writer_varint(&record, 1);
        writer_signed(&record, offsets[i]);
        writer_varint(&record, 1);
        for (int k = 0; k < 20; k++) writer_u8(&record, 0);
        status s = prom_record_decode(str_make((const char *)record.data, record.count), &out);
        cr_expect(s.code == STATUS_CORRUPT && out.samples.count == 0, "%zu", i);
        prom_record_release(&out);
        writer_release(&record);
    }
}

Test(prom_record, types)
{
    for (unsigned type = 0; type < 256; type++) {
        struct prom_record out = {0};
        char byte = (char)type, name[32];
        status s = prom_record_decode(str_make(&byte, 1), &out);
        bool known = type >= PROM_RECORD_SERIES && type <= PROM_RECORD_FLOAT_HISTOGRAMS_2;
        snprintf(name, sizeof name, "type %u,", type);
        cr_expect(known ? !failed(s) : s.code == STATUS_UNSUPPORTED && strstr(s.text, name), "%u: %s", type, s.text);
        prom_record_release(&out);
    }
}
