#include "tests/http/import_cases.h"

Test(import, extra_labels_replace)
{
    const label extra[] = {{STR("job"), STR("z")}, {STR("dc"), STR("1")}};
    const struct import settings = {.extra = extra, .extra_count = 2};
    const struct import_case one[] = {
        {"up{job=\"x\",a=\"b\"} 1", "{__name__=\"up\", a=\"b\", dc=\"1\", job=\"z\"} 1@7\n"}};

    CHECK_IMPORTS(import_text, &settings, one);
}

Test(import, extra_labels_are_read)
{
    const str good[] = {STR("a=b=c"), STR("x=")}, bad[] = {STR("ab")};
    struct arena arena = {0};
    label *pairs;

    cr_assert(import_read_extra(good, 2, &arena, &pairs));
    cr_expect(str_equal(pairs[0].name, STR("a")) && str_equal(pairs[0].value, STR("b=c")) && pairs[1].value.len == 0);
    cr_expect(!import_read_extra(bad, 1, &arena, &pairs));
    arena_release(&arena);
}

Test(import, labels_have_a_limit)
{
    struct import import = {0};

    for (int i = 0; i < IMPORT_LABELS_MAX; i++) cr_expect(import_label(&import, STR("a"), STR("b")));
    cr_expect(!import_label(&import, STR("a"), STR("b")));
}
