/* Loading a registry at once. What is lost on the way, and pages: test_registration.c. */
#include "tsdb/registry_internal.h"

#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

#include <stdio.h>

static const struct hash_secret secret = {{7, 7, 7}};

/* A registry that is loaded at once is the one that grew. */
Test(registry_load, makes_the_one_that_grew)
{
    struct registry *registry = registry_new(&secret, 1), *copy = registry_new(&secret, 1);
    struct writer told = {0};
    char text[64];

    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "m%u a=%u b=%u", i % 7, i, i % 100);
        fixture_register(registry, text, NULL);
    }
    registry_unsaved(registry, SIZE_MAX, &told);
    registry_begin_loading(copy);
    must(registry_apply(copy, told.data, told.count));
    must(registry_apply(copy, told.data, told.count));
    registry_end_loading(copy);
    registry_end_loading(copy);
    cr_assert(registry_valid(copy) && registry_series_count(copy) == 3000);
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "m%u a=%u b=%u", i % 7, i, i % 100);
        cr_assert(fixture_register(copy, text, NULL) == i, "series %u", i);
    }
    uint32_t name = registry_find_name(copy, STR("b"));
    cr_expect(registry_posting_count(copy, name, registry_find_value(copy, name, STR("7"))) == 30);
    cr_expect(registry_bytes(copy) > 0 && registry_bytes(copy) <= registry_bytes(registry) * 11 / 10,
              "%llu bytes, %llu that grew", (unsigned long long)registry_bytes(copy),
              (unsigned long long)registry_bytes(registry));
    fixture_register(copy, "one more", NULL);
    cr_expect(registry_valid(copy));
    writer_release(&told);
    registry_unref(registry);
    registry_unref(copy);
}
