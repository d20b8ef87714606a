/* Groups: which rows are aggregated together, their labels and marks; rows listed by key. */
#include "query/groups.h"

#include "tests/query/fixture.h"

/* A query with nothing but an arena. */
static void open_bare(struct fixture *fixture, struct query *query)
{
    fixture_open(fixture, 1, FEATURE_DELAYED_NAME_REMOVAL);
    *query =
        (struct query){.engine = fixture->engine, .features = FEATURE_DELAYED_NAME_REMOVAL, .deadline_ns = INT64_MAX};
    account_init(&query->account, 0, NULL);
    arena_init(&query->arena, &query->account);
    query->snapshot = db_snapshot(fixture->db, NULL);
    query->ids = (struct known_ids){snapshot_intern(query->snapshot, METRIC_NAME),
                                    snapshot_intern(query->snapshot, STR("__type__")),
                                    snapshot_intern(query->snapshot, STR("__unit__")),
                                    snapshot_intern(query->snapshot, STR("le"))};
}

static void close_bare(struct fixture *fixture, struct query *query)
{
    snapshot_release(query->snapshot);
    arena_release(&query->arena);
    fixture_close(fixture);
}

Test(groups, rows_by_key_keep_their_order)
{
    struct fixture fixture;
    struct query query;
    struct random random = {3};

    open_bare(&fixture, &query);
    for (int round = 0; round < 200; round++) {
        uint32_t keys[300], count = (uint32_t)(random_next(&random) % 300);
        uint32_t key_count = 1 + (uint32_t)(random_next(&random) % 40), seen = 0;
        const uint32_t *first, *rows;
        for (uint32_t i = 0; i < count; i++) keys[i] = (uint32_t)(random_next(&random) % key_count);
        rows_by_key(&query, keys, count, key_count, &first, &rows);
        cr_assert(first[0] == 0 && first[key_count] == count);
        for (uint32_t key = 0; key < key_count; key++) {
            cr_assert(first[key] <= first[key + 1]);
            for (uint32_t i = first[key]; i < first[key + 1]; i++) {
                cr_assert(keys[rows[i]] == key && (i == first[key] || rows[i - 1] < rows[i]));
                seen++;
            }
        }
        cr_assert(seen == count);
    }
    close_bare(&fixture, &query);
}

/* Rows m{a=…,b=…} and n{a=…} in a table. */
static void make_shape(struct query *query, struct shape *out)
{
    static const char *const values[][3] = {{"m", "1", "x"},  {"m", "2", "x"},  {"m", "1", "y"},
                                            {"n", "2", NULL}, {"n", "1", NULL}, {"m", "3", "x"}};
    static const char *const names[] = {"__name__", "a", "b"};
    struct shape_builder builder = {0};

    for (size_t row = 0; row < 6; row++) {
        struct label_id pairs[3];
        size_t count = 0;
        for (size_t i = 0; i < 3; i++) {
            if (!values[row][i]) continue;
            pairs[count].name = snapshot_intern(query->snapshot, str_from(names[i]));
            pairs[count++].value = snapshot_intern(query->snapshot, str_from(values[row][i]));
        }
        shape_builder_add(&builder, pairs, count);
    }
    shape_builder_finish(&builder, query, out);
}

/* Groups as text: labels and rows of each, "*" where the group is marked. */
static str groups_text(struct query *query, const struct groups *groups)
{
    str text = STR("");

    for (uint32_t g = 0; g < groups->shape.count; g++) {
        str labels;
        cr_assert(shape_text(&groups->shape, query, g, &labels));
        text = arena_format(&query->arena, "%.*s%.*s%s", STR_ARG(text), STR_ARG(labels),
                            shape_is_marked(&groups->shape, g) ? "*" : "");
        cr_assert(groups_size(groups, g) == groups->first[g + 1] - groups->first[g] && groups_size(groups, g) > 0);
        for (uint32_t i = groups->first[g]; i < groups->first[g + 1]; i++) {
            cr_assert(groups->of_row[groups->rows[i]] == g);
            text = arena_format(&query->arena, "%.*s %u", STR_ARG(text), groups->rows[i]);
        }
        text = arena_format(&query->arena, "%.*s; ", STR_ARG(text));
    }
    return text;
}

Test(groups, by_and_without)
{
    static const struct {
        const char *names; /* one letter each; N: __name__ */
        bool keep;
        uint64_t marked;
        bool unnamed; /* distinct also without names */
        const char *expected;
    } rows[] = {
        {"a", true, 0, true, "{a=\"1\"} 0 2 4; {a=\"2\"} 1 3; {a=\"3\"} 5; "},
        {"", true, 0, true, "{} 0 1 2 3 4 5; "},
        {"b", true, 0, true, "{b=\"x\"} 0 1 5; {b=\"y\"} 2; {} 3 4; "},
        {"N", true, 0, false, "{__name__=\"m\"} 0 1 2 5; {__name__=\"n\"} 3 4; "},
        {"q", true, 0, true, "{} 0 1 2 3 4 5; "},
        {"a", false, 0, true, "{b=\"x\"} 0 1 5; {b=\"y\"} 2; {} 3 4; "},
        {"b", false, 0, true, "{a=\"1\"} 0 2 4; {a=\"2\"} 1 3; {a=\"3\"} 5; "},
        {"", false, 0, true,
         "{a=\"1\", b=\"x\"} 0; {a=\"2\", b=\"x\"} 1; {a=\"1\", b=\"y\"} 2; {a=\"2\"} 3; "
         "{a=\"1\"} 4; {a=\"3\", b=\"x\"} 5; "},
        {"a", true, 1 << 3, true, "{a=\"1\"} 0 2 4; {a=\"2\"}* 1 3; {a=\"3\"} 5; "},
        {"N", true, 1 << 1, false, "{__name__=\"m\"}* 0 1 2 5; {__name__=\"n\"} 3 4; "},
    };
    struct fixture fixture;
    struct query query;

    open_bare(&fixture, &query);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct label_choice choice;
        struct groups groups;
        struct shape shape;
        str names[4];
        size_t count = strlen(rows[i].names);
        make_shape(&query, &shape);
        if (rows[i].marked) shape.marked = &rows[i].marked;
        for (size_t k = 0; k < count; k++)
            names[k] = rows[i].names[k] == 'N' ? METRIC_NAME : str_make(rows[i].names + k, 1);
        label_choice_make(&choice, &query, names, count, rows[i].keep);
        cr_assert(groups_make(&groups, &shape, &query, &choice));
        str text = groups_text(&query, &groups);
        cr_expect(str_equal(text, str_from(rows[i].expected)), "row %zu: %.*s", i, STR_ARG(text));
        cr_expect(groups.shape.is_distinct && groups.shape.is_distinct_unnamed == rows[i].unnamed, "row %zu", i);
    }
    close_bare(&fixture, &query);
}

Test(groups, all_marked_and_none_at_all)
{
    struct fixture fixture;
    struct query query;
    struct label_choice choice;
    struct groups groups;
    struct shape shape;

    open_bare(&fixture, &query);
    make_shape(&query, &shape);
    shape.all_marked = true;
    label_choice_make(&choice, &query, (str[]){STR("a")}, 1, true);
    cr_assert(groups_make(&groups, &shape, &query, &choice));
    cr_expect(groups.shape.all_marked && groups.shape.count == 3);
    struct shape_builder builder = {0};
    shape_builder_finish(&builder, &query, &shape);
    cr_assert(groups_make(&groups, &shape, &query, &choice));
    cr_expect(groups.shape.count == 0 && groups.first[0] == 0);
    close_bare(&fixture, &query);
}
