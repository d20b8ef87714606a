/* Shapes: labels of selections and tables, picked rows, names that go, groups and keys. */
#include "query/shape.h"

#include "query/groups.h"
#include "tests/query/fixture.h"

/* A query with a snapshot, as far as shapes need one. */
struct shaped {
    struct fixture fixture;
    struct query query;
    struct shape shape; /* of all series */
};

static void open_shaped(struct shaped *s, unsigned features)
{
    static const char lines[] =
        "m{a=\"1\",b=\"x\"} 1\nm{a=\"2\",b=\"x\"} 1\nn{a=\"1\",c=\"z\"} 1\nn{__type__=\"gauge\"} 1\n";
    struct select_request request = {.from_ms = -1, .to_ms = 1};
    struct selection *selection;
    struct matcher matcher;

    fixture_open(&s->fixture, 1, features);
    fixture_load(&s->fixture, 1000, lines);
    s->query = (struct query){.engine = s->fixture.engine, .features = features, .deadline_ns = INT64_MAX};
    account_init(&s->query.account, 0, NULL);
    arena_init(&s->query.arena, &s->query.account);
    s->query.snapshot = db_snapshot(s->fixture.db, NULL);
    s->query.ids = (struct known_ids){snapshot_intern(s->query.snapshot, METRIC_NAME),
                                      snapshot_intern(s->query.snapshot, STR("__type__")),
                                      snapshot_intern(s->query.snapshot, STR("__unit__")),
                                      snapshot_intern(s->query.snapshot, STR("le"))};
    cr_assert(!failed(matcher_compile(MATCH_REGEX, METRIC_NAME, STR("m|n"), &matcher, &s->query.arena)));
    request.matchers = &matcher;
    request.matcher_count = 1;
    cr_assert(!failed(snapshot_select(s->query.snapshot, &request, &selection)));
    shape_of_selection(&s->shape, selection, false);
    cr_assert(s->shape.count == 4);
}

static void close_shaped(struct shaped *s)
{
    snapshot_release(s->query.snapshot);
    arena_release(&s->query.arena);
    fixture_close(&s->fixture);
}

static void check_texts(struct shaped *s, const struct shape *shape, const char *const *expected)
{
    for (uint32_t row = 0; row < shape->count; row++) {
        str text;
        cr_assert(shape_text(shape, &s->query, row, &text));
        cr_expect(str_equal(text, str_from(expected[row])), "row %u: %.*s", row, STR_ARG(text));
    }
}

/* The same as a table. */
static void copy_shape(struct shaped *s, struct shape *out)
{
    struct shape_builder builder = {0};
    struct pairs pairs = {0};

    for (uint32_t row = 0; row < s->shape.count; row++) {
        cr_assert(shape_pairs(&s->shape, &s->query, row, &pairs));
        shape_builder_add(&builder, pairs.data, pairs.count);
    }
    vec_release(&pairs);
    shape_builder_finish(&builder, &s->query, out);
}

Test(shape, selections_and_tables_say_the_same)
{
    static const char *const all[] = {"{__name__=\"m\", a=\"1\", b=\"x\"}", "{__name__=\"m\", a=\"2\", b=\"x\"}",
                                      "{__name__=\"n\", a=\"1\", c=\"z\"}", "{__name__=\"n\", __type__=\"gauge\"}"};
    static const char *const unnamed[] = {"{a=\"1\", b=\"x\"}", "{a=\"2\", b=\"x\"}", "{a=\"1\", c=\"z\"}", "{}"};
    struct shaped s;
    struct shape table, dropped;

    open_shaped(&s, 0);
    check_texts(&s, &s.shape, all);
    copy_shape(&s, &table);
    check_texts(&s, &table, all);
    const struct shape *both[] = {&s.shape, &table};
    for (size_t i = 0; i < 2; i++) {
        uint32_t ids[4];
        dropped = *both[i];
        shape_drop_names(&dropped, &s.query);
        check_texts(&s, &dropped, unnamed);
        cr_assert(shape_column(&dropped, &s.query, METRIC_NAME, ids) && ids[0] == 0 && ids[3] == 0);
        cr_assert(shape_column(both[i], &s.query, STR("a"), ids));
        cr_assert(ids[0] == ids[2] && ids[0] != ids[1] && ids[3] == 0);
        cr_assert(str_equal(snapshot_string(s.query.snapshot, ids[1]), STR("2")));
    }
    close_shaped(&s);
}

Test(shape, rows_are_picked_twice)
{
    static const uint32_t rows[] = {3, 1, 2}, again[] = {2, 0};
    static const char *const expected[] = {"{__name__=\"n\", a=\"1\", c=\"z\"}",
                                           "{__name__=\"n\", __type__=\"gauge\"}"};
    struct shaped s;
    struct shape picked, twice;
    uint64_t marked = 8; /* row 3 */

    open_shaped(&s, FEATURE_DELAYED_NAME_REMOVAL);
    s.shape.marked = &marked;
    shape_pick(&picked, &s.shape, &s.query, rows, 3);
    shape_pick(&twice, &picked, &s.query, again, 2);
    check_texts(&s, &twice, expected);
    cr_assert(!shape_is_marked(&twice, 0) && shape_is_marked(&twice, 1));
    shape_drop_names(&twice, &s.query);
    cr_assert(twice.all_marked && !twice.names_dropped);
    close_shaped(&s);
}

Test(shape, pairs_stay_sorted)
{
    struct shaped s;
    struct pairs pairs = {0};
    uint32_t ids[4];

    open_shaped(&s, 0);
    static const char *const names[] = {"b", "a", "c", "x"};
    for (size_t i = 0; i < 4; i++) ids[i] = snapshot_intern(s.query.snapshot, str_from(names[i]));
    for (size_t i = 0; i < 3; i++) pairs_set(&pairs, &s.query, ids[i], ids[3]);
    pairs_set(&pairs, &s.query, ids[0], ids[1]);
    cr_assert(str_equal(pairs_text(&pairs, &s.query), STR("{a=\"x\", b=\"a\", c=\"x\"}")));
    pairs_set(&pairs, &s.query, ids[1], 0);
    pairs_set(&pairs, &s.query, ids[1], 0);
    cr_assert(str_equal(pairs_text(&pairs, &s.query), STR("{b=\"a\", c=\"x\"}")));
    vec_release(&pairs);
    close_shaped(&s);
}

static void check_groups(struct shaped *s, const char *const *names, size_t count, bool keep,
                         const char *const *expected, size_t expected_count)
{
    struct label_choice choice;
    struct groups groups;
    str list[4];

    for (size_t i = 0; i < count; i++) list[i] = str_from(names[i]);
    label_choice_make(&choice, &s->query, list, count, keep);
    cr_assert(groups_make(&groups, &s->shape, &s->query, &choice));
    cr_assert(groups.shape.count == expected_count, "%u groups", groups.shape.count);
    check_texts(s, &groups.shape, expected);
    for (uint32_t row = 0; row < 4; row++) {
        bool is_listed = false;
        for (uint32_t i = groups.first[groups.of_row[row]]; i < groups.first[groups.of_row[row] + 1]; i++)
            is_listed |= groups.rows[i] == row;
        cr_assert(is_listed);
    }
}

Test(shape, groups)
{
    static const char *const names[] = {"c", "a", "a"};
    static const char *const by[] = {"{a=\"1\"}", "{a=\"2\"}", "{a=\"1\", c=\"z\"}", "{}"};
    static const char *const without[] = {"{b=\"x\"}", "{}", "{__type__=\"gauge\"}"};
    static const char *const none[] = {"{}"};
    struct shaped s;

    open_shaped(&s, 0);
    check_groups(&s, names, 3, true, by, 4);
    check_groups(&s, names, 3, false, without, 3);
    check_groups(&s, names, 0, true, none, 1);
    close_shaped(&s);
}
