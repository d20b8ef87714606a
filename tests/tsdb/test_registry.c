/* The registry against a list of texts: ids, look-up of any spelling, labels, what was not told yet; threads. */
#include "tsdb/registry_internal.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

#include <pthread.h>
#include <stdio.h>

static const struct hash_secret secret = {{7, 7, 7}};
static struct arena arena;

static void release_arena(void)
{
    arena_release(&arena);
}

static void series_text(char *out, size_t size, uint32_t number)
{
    snprintf(out, size, "metric_%u instance=host-%u:9100 %s=%u", number % 13, number / 13, number % 3 ? "mode" : "Zone",
             number % 5);
}

/* Looks series up by their raw labels. */
static void resolve(struct registry *registry, const str *raw, size_t count, uint32_t *ids)
{
    struct append_series *series = arena_zarray(&arena, struct append_series, count);
    hash128 *hashes = arena_array(&arena, hash128, count);
    uint32_t guess = SERIES_NONE;

    for (size_t i = 0; i < count; i++) series[i].labels = raw[i];
    registry_resolve(registry, series, count, hashes, ids, &guess);
    for (size_t i = 0; i < count; i++)
        cr_assert(hash128_equal(hashes[i], hash_keyed(&secret, raw[i].data, raw[i].len)));
}

static void check_labels(struct registry *registry, uint32_t id, const char *text)
{
    struct series_labels set = registry_labels(registry, id);
    uint32_t list_count;
    label *pairs;
    size_t count;

    fixture_pairs(text, &arena, &pairs, &count);
    cr_assert(set.count == count, "%s", text);
    cr_assert(registry_list(registry, set.list, &list_count) == set.names && list_count == count);
    for (size_t i = 0; i < count; i++) {
        cr_assert(str_equal(registry_name(registry, set.names[i]), pairs[i].name), "%s", text);
        cr_assert(str_equal(registry_value(registry, set.names[i], set.values[i]), pairs[i].value), "%s", text);
        cr_assert(registry_find_name(registry, pairs[i].name) == set.names[i]);
        cr_assert(registry_find_value(registry, set.names[i], pairs[i].value) == set.values[i]);
    }
}

Test(registry, series_get_dense_ids, .fini = release_arena)
{
    enum { SERIES = 3000 };
    struct registry *registry = registry_new(&secret, 5);
    static str raw[SERIES];
    static uint32_t ids[SERIES];
    struct writer registration = {0};
    char text[100];

    for (uint32_t i = 0; i < SERIES; i++) {
        series_text(text, sizeof text, i);
        raw[i] = fixture_raw(text, &arena);
        cr_assert(fixture_register(registry, text, &registration) == i);
        size_t told = registration.count;
        cr_assert(told > 0 && fixture_register(registry, text, &registration) == i);
        cr_assert(registration.count == told, "what exists is not told again");
        registration.count = 0;
    }
    cr_assert(registry_series_count(registry) == SERIES && registry_valid(registry));
    for (uint32_t i = 0; i < SERIES; i++) {
        series_text(text, sizeof text, i);
        check_labels(registry, i, text);
    }
    cr_expect(registry_list_count(registry) == 2 && registry_name_count(registry) == 4);
    cr_expect(registry_pair_count(registry) == 13 + (SERIES + 12) / 13 + 5 + 5);
    cr_expect(registry_number(registry) == 5);
    resolve(registry, raw, SERIES, ids);
    for (uint32_t i = 0; i < SERIES; i++)
        cr_assert(ids[i] == (i % 3 ? i : SERIES_NONE), "only sorted spellings are found by their bytes");
    hash128 *fingerprints = arena_array(&arena, hash128, SERIES + 1000);
    static uint32_t found[SERIES + 1000];
    for (uint32_t i = 0; i < SERIES + 1000; i++)
        fingerprints[i] = i % 4 == 3 ? (hash128){i, i} : registry_fingerprint(registry, i * 7 % SERIES);
    registry_find_series(registry, fingerprints, SERIES + 1000, found);
    for (uint32_t i = 0; i < SERIES + 1000; i++) cr_assert(found[i] == (i % 4 == 3 ? SERIES_NONE : i * 7 % SERIES));
    writer_release(&registration);
    registry_unref(registry);
}

static str canonical(const char *text)
{
    struct writer out = {0};
    label *pairs;
    size_t count;

    fixture_pairs(text, &arena, &pairs, &count);
    labels_write(pairs, count, &out);
    str copy = arena_copy_str(&arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return copy;
}

/* The guess follows any order of the requests; unknown series do not confuse it. */
Test(registry, resolves_in_any_order, .fini = release_arena)
{
    enum { SERIES = 400 };
    struct registry *registry = registry_new(&secret, 1);
    str raw[SERIES];
    uint32_t ids[SERIES], expected[SERIES];
    uint64_t random = 1;
    char text[100];

    for (uint32_t i = 0; i < SERIES; i++) {
        series_text(text, sizeof text, i);
        raw[i] = canonical(text);
        expected[i] = i % 10 == 9 ? SERIES_NONE : fixture_register(registry, text, NULL);
    }
    for (int round = 0; round < 40; round++) {
        resolve(registry, raw, SERIES, ids);
        cr_assert(memcmp(ids, expected, sizeof ids) == 0, "round %d", round);
        uint32_t swaps = round % 5 == 4 ? SERIES : random_below(&random, 4);
        for (uint32_t i = 0; i < swaps; i++) {
            uint32_t a = random_below(&random, SERIES), b = random_below(&random, SERIES), id = expected[a];
            str bytes = raw[a];
            raw[a] = raw[b];
            expected[a] = expected[b];
            raw[b] = bytes;
            expected[b] = id;
        }
    }
    resolve(registry, raw, 0, ids);
    registry_unref(registry);
}

static uint32_t add_spelled(struct registry *registry, const char *text, str spelling, bool may_add)
{
    struct writer scratch = {0};
    label *pairs;
    size_t count;

    fixture_pairs(text, &arena, &pairs, &count);
    hash128 fingerprint = registry_identify(registry, pairs, count, &scratch);
    hash128 raw = hash_keyed(&secret, spelling.data, spelling.len);
    scratch.count = 0;
    registry_write_lock(registry);
    uint32_t id = registry_add_locked(registry, pairs, count, fingerprint, raw, may_add, &scratch);
    registry_write_unlock(registry);
    writer_release(&scratch);
    return id;
}

/* Other spellings find the series too: some are remembered, not any number of them. */
Test(registry, remembers_spellings, .fini = release_arena)
{
    struct registry *registry = registry_new(&secret, 1);
    uint32_t id, remembered = 0;

    cr_expect(add_spelled(registry, "up a=1", STR("first"), false) == SERIES_NONE, "it may not be added");
    cr_expect(registry_series_count(registry) == 0);
    cr_assert(add_spelled(registry, "up a=1", STR("first"), true) == 0);
    cr_assert(add_spelled(registry, "up a=1", STR("first"), true) == 0);
    for (int i = 0; i < 10; i++) {
        str spelling = arena_format(&arena, "spelling %d", i);
        cr_assert(add_spelled(registry, "up a=1", spelling, false) == 0);
        resolve(registry, &spelling, 1, &id);
        cr_assert(id == 0 || id == SERIES_NONE);
        remembered += id == 0;
    }
    cr_expect(remembered == ALIASES_PER_SERIES - 1, "%u", remembered);
    resolve(registry, &(str){"first", 5}, 1, &id);
    cr_expect(id == 0);
    id = 7;
    resolve(registry, (str[]){canonical("up a=1")}, 1, &id);
    cr_expect(id == 0);
    cr_expect(registry_valid(registry));
    registry_unref(registry);
}

Test(registry, counts_its_memory, .fini = release_arena)
{
    struct registry *registry = registry_new(&secret, 1);
    uint64_t last = registry_bytes(registry), long_text = 0;
    char text[9000];

    for (uint32_t i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "up v=%08000u", i);
        fixture_register(registry, text, NULL);
        long_text += 8000;
    }
    cr_expect(registry_bytes(registry) >= last + long_text);
    cr_expect(registry_name_bytes(registry, registry_find_name(registry, STR("v"))) == long_text);
    registry_unref(registry);
}

Test(registry, most_labels_of_all, .fini = release_arena)
{
    struct registry *registry = registry_new(&secret, 1);
    struct writer text = {0};

    writer_bytes(&text, "up", 2);
    for (int i = 1; i < LABELS_MAX; i++) {
        str pair = arena_format(&arena, " label_%d=x", i);
        writer_bytes(&text, pair.data, pair.len);
    }
    writer_u8(&text, 0);
    for (uint32_t i = 0; i < 300; i++) { /* their words fill segments of the paged array */
        text.data[text.count - 2] = (uint8_t)('a' + i % 26);
        text.data[1] = (uint8_t)('a' + i / 26);
        cr_assert(fixture_register(registry, (const char *)text.data, NULL) == i);
        check_labels(registry, i, (const char *)text.data);
    }
    cr_expect(registry_valid(registry));
    writer_release(&text);
    registry_unref(registry);
}

Test(registry, look_up_of_nothing)
{
    struct registry *registry = registry_new(&secret, 1);

    cr_expect(registry_find_name(registry, STR("up")) == VALUE_NONE);
    cr_expect(registry_find_name(registry, STR("")) == VALUE_NONE);
    fixture_register(registry, "up a=b", NULL);
    cr_expect(registry_find_value(registry, registry_find_name(registry, STR("a")), STR("c")) == VALUE_NONE);
    cr_expect(registry_find_value(registry, registry_find_name(registry, STR("a")), STR("")) == VALUE_NONE);
    registry_ref(registry);
    registry_unref(registry);
    registry_unref(NULL);
    registry_unref(registry);
}

enum { WRITTEN = 6000, READERS = 2 };

struct shared {
    struct registry *registry;
    _Atomic uint32_t written;
};

static void *add_all(void *context)
{
    struct shared *shared = context;
    char text[100];

    for (uint32_t i = 0; i < WRITTEN; i++) {
        series_text(text, sizeof text, i);
        cr_assert(fixture_register(shared->registry, text, NULL) == i);
        atomic_store(&shared->written, i + 1);
    }
    return NULL;
}

/* What a reader knows of by its id is whole, and selections hold at least what was there when they began. */
static void *read_some(void *context)
{
    struct shared *shared = context;
    struct arena scratch;
    struct matcher matchers[8];
    uint64_t random = 1;
    uint32_t written;

    arena_init(&scratch, NULL);
    size_t count = fixture_matchers("mode=~[12] __name__!=metric_3", matchers, &scratch);
    do {
        struct postings *set;
        uint32_t expected = 0, values;
        written = atomic_load(&shared->written);
        for (uint32_t i = 0; i < written; i++) expected += i % 3 && (i % 5 == 1 || i % 5 == 2) && i % 13 != 3;
        must(index_select(registry_index(shared->registry), written, matchers, count, &set));
        cr_assert(postings_count(set) >= expected);
        postings_free(set);
        if (written == 0) continue;
        struct series_labels labels_set = registry_labels(shared->registry, random_below(&random, written));
        for (uint32_t i = 0; i < labels_set.count; i++)
            cr_assert(registry_value(shared->registry, labels_set.names[i], labels_set.values[i]).len > 0);
        registry_sorted_values(shared->registry, labels_set.names[0], &values, &scratch);
        cr_assert(values > 0 && registry_bytes(shared->registry) > 0);
        for (uint32_t i = 0; i < labels_set.count; i++)
            cr_assert(registry_name_bytes(shared->registry, labels_set.names[i]) > 0);
    } while (written < WRITTEN);
    arena_release(&scratch);
    return NULL;
}

Test(registry, threads)
{
    struct shared shared = {registry_new(&secret, 1), 0};
    pthread_t writer, readers[READERS];

    pthread_create(&writer, NULL, add_all, &shared);
    for (int i = 0; i < READERS; i++) pthread_create(&readers[i], NULL, read_some, &shared);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) pthread_join(readers[i], NULL);
    cr_expect(registry_valid(shared.registry));
    registry_unref(shared.registry);
}
