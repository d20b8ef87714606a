#include "prometheus/prom_histogram_write.h"

#include "prometheus/prom_histogram.h"
#include "tests/prometheus/fixture.h"

/* What is written reads back, with the hints that chunks keep. */
Test(prom_histogram_write, reads_back)
{
    struct arena arena = {0};

    for (uint64_t seed = 0; seed < 200; seed++) {
        unsigned kind = 1 + seed % 4;
        struct column_buffer buffer = {0}, again = {0};
        fixture_samples(kind, seed, -1000000, 200, &buffer);
        for (size_t first = 0, end; first < 200; first = end) {
            struct rich_sample list[200];
            struct writer out = {0};
            for (end = first; end < 200; end++) {
                list[end - first] = columns_at(&buffer, end);
                if (end > first && rich_must_cut(&list[end - first - 1], &list[end - first])) break;
            }
            enum prom_counter counter = kind == 4 ? PROM_COUNTER_GAUGE : PROM_COUNTER_RESET;
            bool is_integer = list[0].histogram->is_integer;
            prom_histogram_encode(list, end - first, counter, &out, &arena);
            uint8_t *copy = fixture_slack(out.data, out.count);
            must(prom_histogram_decode(is_integer ? PROM_HISTOGRAM : PROM_FLOAT_HISTOGRAM, copy, out.count, &again));
            uint8_t hint = again.histograms.data[first]->hint;
            cr_assert(hint == (kind == 4 ? HISTOGRAM_GAUGE : HISTOGRAM_UNKNOWN));
            free(copy);
            writer_release(&out);
        }
        samples a = columns_view(&buffer), b = columns_view(&again);
        str difference = fixture_difference(&a, &b, false, &arena);
        cr_assert(difference.len == 0, "seed %llu: %.*s", (unsigned long long)seed, STR_ARG(difference));
        column_buffer_release(&buffer);
        column_buffer_release(&again);
    }
    arena_release(&arena);
}

static struct histogram one(double count, uint8_t hint, int8_t schema)
{
    static const int32_t indexes[] = {1};
    static double counts[4];
    static unsigned used;
    double *own = &counts[used++ % 4];

    *own = count;
    return (struct histogram){
        .schema = schema, .hint = hint, .is_integer = true, .count = count, .positive = {1, indexes, own}};
}

Test(prom_histogram_write, says_what_became_of_the_counter)
{
    static const struct {
        double before, now;
        uint8_t hint;
        int8_t schema_before, schema;
        enum prom_counter want;
    } cases[] = {
        {5, 6, HISTOGRAM_UNKNOWN, 2, 2, PROM_COUNTER_GOES_ON},  {5, 4, HISTOGRAM_UNKNOWN, 2, 2, PROM_COUNTER_RESET},
        {5, 6, HISTOGRAM_RESET, 2, 2, PROM_COUNTER_RESET},      {5, 6, HISTOGRAM_GAUGE, 2, 2, PROM_COUNTER_GAUGE},
        {5, 6, HISTOGRAM_UNKNOWN, 3, 2, PROM_COUNTER_UNKNOWN},  {5, 6, HISTOGRAM_UNKNOWN, 2, 3, PROM_COUNTER_RESET},
        {-1, 6, HISTOGRAM_UNKNOWN, 2, 2, PROM_COUNTER_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct histogram a = one(cases[i].before, HISTOGRAM_UNKNOWN, cases[i].schema_before);
        struct histogram b = one(cases[i].now, cases[i].hint, cases[i].schema);
        struct rich_sample before = {1, 0, 0, &a}, now = {2, 0, 0, &b};
        cr_expect(prom_counter_between(cases[i].before < 0 ? NULL : &before, &now) == cases[i].want, "case %zu", i);
    }
}
