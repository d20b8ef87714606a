/* Metric metadata: the last of each metric, the limit, its forms in the log and in blocks, threads. */
#include "tsdb/metadata.h"

#include "storage/base/vec.h"
#include "tests/storage/random.h"
#include "tests/support/test.h"
#include "tsdb/metrics.h"

#include <pthread.h>
#include <stdio.h>

static struct append_metadata entry(enum metric_type type, const char *metric, const char *help, const char *unit)
{
    return (struct append_metadata){type, str_from(metric), str_from(help), str_from(unit)};
}

/* All entries as text, "metric/type/help/unit " each. */
struct text {
    char data[2000];
    size_t len;
};

static void print(void *context, const struct append_metadata *e)
{
    struct text *text = context;
    text->len += (size_t)snprintf(text->data + text->len, sizeof text->data - text->len, "%.*s/%d/%.*s/%.*s ",
                                  STR_ARG(e->metric), e->type, STR_ARG(e->help), STR_ARG(e->unit));
}

static void expect(struct metadata_table *table, const char *metric, const char *expected)
{
    struct text text = {0};

    metadata_each(table, str_from(metric), print, &text);
    cr_expect(strcmp(text.data, expected) == 0, "\"%s\" instead of \"%s\"", text.data, expected);
}

Test(metadata, the_last_counts)
{
    static const struct {
        struct append_metadata entry;
        bool changed;
    } rows[] = {
        {{METRIC_GAUGE, STR("up"), STR("Up."), STR("")}, true},
        {{METRIC_GAUGE, STR("up"), STR("Up."), STR("")}, false},
        {{METRIC_COUNTER, STR("up"), STR("Up."), STR("")}, true},
        {{METRIC_COUNTER, STR("up"), STR("Up!"), STR("")}, true},
        {{METRIC_COUNTER, STR("up"), STR("Up!"), STR("s")}, true},
        {{METRIC_COUNTER, STR("up"), STR("Up!s"), STR("")}, true},
        {{METRIC_COUNTER, STR("up"), STR("Up!s"), STR("")}, false},
        {{METRIC_COUNTER, STR(""), STR("Of nothing."), STR("")}, false},
        {{METRIC_STATESET, STR("a"), STR(""), STR("")}, true},
        {{METRIC_UNKNOWN, STR("upper"), STR("x"), STR("y")}, true},
    };
    struct metadata_table *table = metadata_table_new(10);

    expect(table, "", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(metadata_put(table, &rows[i].entry) == rows[i].changed, "row %zu", i);
    expect(table, "", "a/7// up/1/Up!s/ upper/0/x/y ");
    expect(table, "up", "up/1/Up!s/ ");
    expect(table, "u", "");
    metadata_table_free(table);
    metadata_table_free(NULL);
}

Test(metadata, has_a_limit)
{
    struct metadata_table *table = metadata_table_new(2);
    struct append_metadata a = entry(METRIC_GAUGE, "a", "1", ""), b = entry(METRIC_GAUGE, "b", "1", ""),
                           c = entry(METRIC_GAUGE, "c", "1", ""), again = entry(METRIC_GAUGE, "a", "2", "");

    int64_t dropped = metric_get(&metric_metadata_dropped);
    cr_expect(metadata_put(table, &b) && metadata_put(table, &a) && !metadata_put(table, &c));
    cr_expect(metric_get(&metric_metadata_dropped) == dropped + 1, "what is dropped is counted");
    cr_expect(metadata_put(table, &again), "those that are remembered can change");
    expect(table, "", "a/2/2/ b/2/1/ ");
    metadata_table_free(table);
}

/* What a table encodes makes another one the same: one by one as in the log, and as the section of a block. */
Test(metadata, forms)
{
    struct metadata_table *table = metadata_table_new(1000), *copy = metadata_table_new(1000);
    struct writer log = {0}, section = {0}, again = {0};
    uint64_t random = 1;

    metadata_section(table, &section);
    cr_expect(section.count == 0);
    for (int i = 0; i < 1500; i++) {
        char metric[20], help[20];
        snprintf(metric, sizeof metric, "m%u", random_below(&random, 300));
        snprintf(help, sizeof help, "%.*s", (int)random_below(&random, 10), "Some help.");
        struct append_metadata e = entry((enum metric_type)random_below(&random, 8), metric, help, i % 2 ? "s" : "");
        if (metadata_put(table, &e)) metadata_encode(&e, &log);
    }
    cr_assert(metadata_apply(copy, log.data, log.count));
    metadata_section(table, &section);
    metadata_section(copy, &again);
    cr_assert(section.count == again.count && memcmp(section.data, again.data, section.count) == 0);
    struct reader in = reader_make(section.data, section.count);
    uint64_t count = reader_varint(&in);
    str last = STR("");
    for (uint64_t i = 0; i < count; i++) {
        str metric = reader_str(&in);
        cr_assert(str_compare(last, metric) < 0, "sections are in order");
        last = metric;
        (void)reader_u8(&in);
        (void)reader_str(&in);
        (void)reader_str(&in);
    }
    cr_expect(!reader_failed(&in) && reader_left(&in) == 0);
    writer_release(&log);
    writer_release(&section);
    writer_release(&again);
    metadata_table_free(table);
    metadata_table_free(copy);
}

Test(metadata, malformed)
{
    struct append_metadata e = entry(METRIC_GAUGE, "metric", "help", "unit");
    struct writer bytes = {0};
    uint64_t random = 1;

    metadata_encode(&e, &bytes);
    for (size_t len = 0; len <= bytes.count; len++) {
        struct metadata_table *table = metadata_table_new(10);
        uint8_t *exact = memory_alloc(len);
        memcpy(exact, bytes.data, len);
        cr_expect(metadata_apply(table, exact, len) == (len == 0 || len == bytes.count), "cut to %zu", len);
        expect(table, "", len == bytes.count ? "metric/2/help/unit " : "");
        free(exact);
        metadata_table_free(table);
    }
    struct metadata_table *table = metadata_table_new(50);
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[24];
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)random_below(&random, 12);
        (void)metadata_apply(table, noise, random_below(&random, sizeof noise));
    }
    metadata_table_free(table);
    writer_release(&bytes);
}

static void count_one(void *context, const struct append_metadata *e)
{
    cr_assert(e->metric.len && e->help.len == e->unit.len, "an entry is torn");
    ++*(size_t *)context;
}

static void *put_some(void *context)
{
    for (unsigned i = 0; i < 3000; i++) {
        char metric[20], text[20];
        snprintf(metric, sizeof metric, "m%u", i % 97);
        snprintf(text, sizeof text, "%.*s", (int)(i % 11), "0123456789");
        struct append_metadata e = entry(METRIC_GAUGE, metric, text, text);
        (void)metadata_put(context, &e);
    }
    return NULL;
}

Test(metadata, threads)
{
    struct metadata_table *table = metadata_table_new(1000);
    struct writer section = {0};
    pthread_t threads[3];
    size_t seen = 0;

    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, put_some, table);
    for (int i = 0; i < 50; i++) {
        metadata_each(table, STR(""), count_one, &seen);
        metadata_each(table, STR("m5"), count_one, &seen);
        section.count = 0;
        metadata_section(table, &section);
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    seen = 0;
    metadata_each(table, STR(""), count_one, &seen);
    cr_expect(seen == 97);
    writer_release(&section);
    metadata_table_free(table);
}
