/* Sets of tombstones: they are independent of each other, and matchers survive their text. */
#include "tsdb/tombstones.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"
#include "tests/tsdb/fixture.h"

static bool is_even(const struct tombstone *item, void *context)
{
    ++*(int *)context;
    return item->number % 2 == 0;
}

static void begin_purge(struct tombstone *item, void *context)
{
    (void)context;
    item->purge_ms = TOMBSTONE_PURGING;
}

Test(tombstones, sets)
{
    struct arena arena;
    struct matcher matchers[8];
    struct tombstones *three, *one, *none, *changed;
    int asked = 0;

    arena_init(&arena, NULL);
    size_t count = fixture_matchers("__name__=up job=~a.*", matchers, &arena);
    struct tombstone items[] = {{1, 5, 0, 9, 1, 100, matchers, count}, {2, 6, 1, 8, 2, 200, matchers, 1}};
    must(tombstones_make(NULL, NULL, NULL, items, 2, &three));
    arena_release(&arena); /* the set has its own copies */
    cr_expect(tombstones_count(three) == 2 && tombstones_count(NULL) == 0);
    cr_expect(tombstones_find(three, 2)->head_to == 6 && !tombstones_find(three, 3) && !tombstones_find(NULL, 1));
    must(tombstones_make(three, is_even, &asked, NULL, 0, &one));
    cr_expect(asked == 2 && tombstones_count(one) == 1 && one->items[0].number == 2);
    must(tombstones_make(one, is_even, &asked, NULL, 0, &changed));
    tombstones_unref(changed);
    changed = tombstones_change(three, begin_purge, NULL);
    cr_expect(changed->items[0].purge_ms == TOMBSTONE_PURGING && three->items[0].purge_ms == 100);
    tombstones_ref(three);
    tombstones_unref(three);
    cr_expect(matcher_matches(&three->items[0].matchers[1], STR("ab")) &&
              !matcher_matches(&three->items[0].matchers[1], STR("b")));
    must(tombstones_make(NULL, is_even, &asked, NULL, 0, &none));
    cr_expect(none == NULL);
    tombstones_unref(three);
    tombstones_unref(one);
    tombstones_unref(changed);
    tombstones_unref(NULL);
}

Test(tombstones, matchers_as_text)
{
    static const struct {
        enum matcher_type type;
        const char *name, *value;
    } parts[] = {{MATCH_EQUAL, "__name__", "up"},
                 {MATCH_NOT_EQUAL, "a b", ""},
                 {MATCH_REGEX, "x", "\\d+|\"q\"\n\\\\"},
                 {MATCH_NOT_REGEX, "\xC3\xA9=~\"", "}{,"}};
    static const char text[] =
        "{\"__name__\"=\"up\",\"a b\"!=\"\",\"x\"=~\"\\\\d+|\\\"q\\\"\\n\\\\\\\\\",\"\xC3\xA9=~\\\"\"!~\"}{,\"}";
    struct matcher matchers[4], *got;
    struct writer out = {0};
    struct arena arena;
    size_t count;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < 4; i++)
        must(matcher_compile(parts[i].type, str_from(parts[i].name), i == 3 ? STR("\\}\\{,") : str_from(parts[i].value),
                             &matchers[i], &arena));
    matchers[3].value = STR("}{,"); /* the text is what counts here */
    matchers_write(matchers, 4, &out);
    cr_assert(str_equal(str_make((const char *)out.data, out.count), str_from(text)), "%.*s", (int)out.count,
              (const char *)out.data);
    matchers[3].value = STR("\\}\\{,");
    out.count = 0;
    matchers_write(matchers, 4, &out);
    cr_assert(matchers_read(str_make((const char *)out.data, out.count), &arena, &got, &count) && count == 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect(got[i].type == matchers[i].type && str_equal(got[i].name, matchers[i].name) &&
                  str_equal(got[i].value, matchers[i].value));
    cr_expect(matchers_read(STR("{}"), &arena, &got, &count) && count == 0);
    writer_release(&out);
    arena_release(&arena);
}

Test(tombstones, malformed_text)
{
    static const char text[] = "{\"a\"=\"b\",\"c\"=~\"d\\\\.\"}";
    static const char *const cases[] = {
        "",          "{\"a\"}",        "{\"a\"=\"b\"}x",          "{,\"a\"=\"b\"}", "{\"a\"=\"b\",}", "{\"a\"~\"b\"}",
        "{a=\"b\"}", "{\"a\"=~\"(\"}", "{\"a\"=\"b\"\"c\"=\"d\"}"};
    struct matcher *got;
    struct arena arena;
    size_t count;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(!matchers_read(str_from(cases[i]), &arena, &got, &count), "%s", cases[i]);
    for (size_t len = 0; len < sizeof text - 1; len++)
        cr_expect(!matchers_read(str_make(text, len), &arena, &got, &count), "%zu bytes", len);
    cr_expect(matchers_read(str_from(text), &arena, &got, &count) && count == 2);
    arena_release(&arena);
}
