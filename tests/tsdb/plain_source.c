/* A source for block_build made by counting; see plain_source.h. */
#include "tests/tsdb/plain_source.h"

#include "tests/support/must.h"

#include <stdio.h>

static const uint32_t lists[PLAIN_LISTS][3] = {{0, 1}, {0, 1, 2}, {0}};
static const uint32_t list_counts[PLAIN_LISTS] = {2, 3, 0}; /* the last belongs to no series */

uint32_t plain_series(const struct plain_source *plain)
{
    return plain->metrics * plain->hosts * 3;
}

uint32_t plain_value(const struct plain_source *plain, uint32_t ordinal, uint32_t name)
{
    if (name == 0) return ordinal / (plain->hosts * 3);
    if (name == 1) return ordinal / 3 % plain->hosts;
    return ordinal % 3 ? ordinal % 3 - 1 : UINT32_MAX;
}

int64_t plain_time(uint32_t ordinal, uint32_t i)
{
    return (int64_t)ordinal - 100 + (int64_t)i * PLAIN_STEP_MS;
}

double plain_number(uint32_t ordinal, uint32_t i)
{
    return ordinal + i / 128.0;
}

static str name_of(void *context, uint32_t name)
{
    static const char *const names[] = {"__name__", "host", "mode"};
    (void)context;
    return str_from(names[name]);
}

static uint32_t value_count(void *context, uint32_t name)
{
    const struct plain_source *plain = context;
    return name == 0 ? plain->metrics : name == 1 ? plain->hosts : 2;
}

static str value_of(void *context, uint32_t name, uint32_t value)
{
    struct plain_source *plain = context;

    if (name == 2) return value ? STR("user") : STR("idle");
    int len = snprintf(plain->text, sizeof plain->text, "%c%05u", name ? 'h' : 'm', value);
    return str_make(plain->text, (size_t)len);
}

static const uint32_t *list_of(void *context, uint32_t list, uint32_t *count)
{
    (void)context;
    *count = list_counts[list];
    return lists[list];
}

static uint32_t labels_of(void *context, uint32_t ordinal, const uint32_t **values)
{
    struct plain_source *plain = context;

    for (uint32_t name = 0; name < 3; name++) plain->values[name] = plain_value(plain, ordinal, name);
    *values = plain->values;
    return ordinal % 3 ? 1 : 0;
}

static hash128 fingerprint_of(void *context, uint32_t ordinal)
{
    struct plain_source *plain = context;
    struct writer spelled = {0};

    for (uint32_t name = 0; name < (ordinal % 3 ? 3u : 2u); name++) {
        label pair = {name_of(plain, name), value_of(plain, name, plain_value(plain, ordinal, name))};
        labels_write(&pair, 1, &spelled);
    }
    hash128 hash = hash_keyed(&plain->secret, spelled.data, spelled.count);
    writer_release(&spelled);
    return hash;
}

static status data_of(void *context, uint32_t ordinal, struct series_data *out)
{
    struct plain_source *plain = context;
    uint32_t count = 1 + ordinal % plain->samples;
    int64_t *times = memory_alloc(count * sizeof *times);
    double *values = memory_alloc(count * sizeof *values);

    for (uint32_t i = 0; i < count; i++) {
        times[i] = plain_time(ordinal, i);
        values[i] = plain_number(ordinal, i);
    }
    series_data_encode(out, times, values, count, 50);
    free(times);
    free(values);
    return plain->fail_at && ordinal == plain->fail_at ? status_make(STATUS_IO, "series %u fails", ordinal) : ok();
}

struct build_source plain_source(struct plain_source *plain)
{
    return (struct build_source){.context = plain,
                                 .series_count = plain_series(plain),
                                 .name_count = PLAIN_NAMES,
                                 .list_count = PLAIN_LISTS,
                                 .name = name_of,
                                 .value_count = value_count,
                                 .value = value_of,
                                 .list = list_of,
                                 .fingerprint = fingerprint_of,
                                 .labels = labels_of,
                                 .data = data_of};
}

struct block *plain_block(struct plain_source *plain, struct fs *fs, uint32_t number, struct page_cache *cache)
{
    struct build_source source = plain_source(plain);
    struct block_info info = {.number = number, .secret = plain->secret};
    struct block *block;

    must(block_build(fs, &source, &info));
    must(block_open(fs, number, cache, &block));
    return block;
}
