#include "tsdb/exemplars.h"

#include "tests/support/test.h"

/* Label fields of `a=1,b=2`. */
static str fields(const char *text, struct arena *arena)
{
    struct writer out = {0};
    str rest = str_from(text);

    while (rest.len) {
        label pair;
        pair.value = str_cut(&rest, ',');
        pair.name = str_cut(&pair.value, '=');
        labels_write(&pair, 1, &out);
    }
    str copy = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return copy;
}

static const struct {
    const char *series, *labels;
    double value;
    int64_t time_ms;
    enum exemplar_outcome outcome;
} additions[] = {
    {"__name__=a,job=x", "trace_id=1", 1, 100, EXEMPLAR_STORED},
    {"job=x,__name__=a", "trace_id=1", 1, 100, EXEMPLAR_REPEATED},
    {"__name__=a,job=x", "trace_id=2", 1, 100, EXEMPLAR_STORED},
    {"__name__=a,job=x", "trace_id=1", 1, 100, EXEMPLAR_REPEATED},
    {"__name__=a,job=x", "trace_id=1", 1, 99, EXEMPLAR_OUT_OF_ORDER},
    {"__name__=a,job=x", "trace_id=3,span=4", 1.5, 200, EXEMPLAR_STORED},
    {"__name__=a,job=x", "span=4,trace_id=3", 1.5, 200, EXEMPLAR_REPEATED},
    {"__name__=a,job=x", "trace_id=1", 1, 100, EXEMPLAR_REPEATED},
    {"__name__=a,job=x", "trace_id=9", 1, 150, EXEMPLAR_OUT_OF_ORDER},
    {"__name__=a,job=y", "", -1, 50, EXEMPLAR_STORED},
    {"job=x", "", 1, 100, EXEMPLAR_INVALID},
    {"__name__=a,job=x", "a=1,a=2", 1, 300, EXEMPLAR_INVALID},
    {"__name__=a,job=x", "=1", 1, 300, EXEMPLAR_INVALID},
    {"__name__=a,job=x", "a=\xFF", 1, 300, EXEMPLAR_INVALID},
    {"__name__=a,job=x",
     "a="
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "2345678901234567",
     1, 300, EXEMPLAR_INVALID},
};

static bool is_x(void *context, labels series)
{
    (void)context;
    return str_equal(labels_get(series, STR("job")), STR("x"));
}

static bool is_any(void *context, labels series)
{
    (void)context, (void)series;
    return true;
}

/* A list in order, whose array is the arena's. */
static exemplar_list read(struct exemplars *exemplars, int64_t from_ms, int64_t to_ms, exemplar_filter *wanted,
                          struct arena *arena)
{
    exemplar_list list = {0}, copy = {0};

    exemplars_read(exemplars, from_ms, to_ms, wanted, NULL, arena, &list);
    exemplars_join(&list, arena);
    copy.data = arena_array(arena, struct exemplar_series, list.count);
    copy.count = list.count;
    if (list.count) memcpy(copy.data, list.data, list.count * sizeof *list.data);
    vec_release(&list);
    return copy;
}

Test(exemplars, outcomes)
{
    struct exemplars *exemplars = exemplars_new(1 << 20);
    struct arena arena = {0};
    exemplar_list found;

    for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
        struct exemplar exemplar = {fields(additions[i].labels, &arena), additions[i].value, additions[i].time_ms};
        enum exemplar_outcome outcome = exemplars_add(exemplars, fields(additions[i].series, &arena), &exemplar);
        cr_expect(outcome == additions[i].outcome, "row %zu: %d", i, outcome);
    }
    found = read(exemplars, INT64_MIN, INT64_MAX, is_any, &arena);
    cr_assert(found.count == 2 && found.data[0].count == 3 && found.data[1].count == 1);
    cr_expect(found.data[0].pair_count == 2 && str_equal(found.data[0].pairs[1].value, STR("x")));
    cr_expect(found.data[0].exemplars[2].value == 1.5 && found.data[0].exemplars[2].time_ms == 200);
    cr_expect(str_equal(labels_get((labels){found.data[0].exemplars[2].labels}, STR("trace_id")), STR("3")));
    found = read(exemplars, 100, 199, is_x, &arena);
    cr_expect(found.count == 1 && found.data[0].count == 2);
    found = read(exemplars, 0, 49, is_any, &arena);
    cr_expect(found.count == 0);
    exemplars_free(exemplars);
    arena_release(&arena);
}

Test(exemplars, the_oldest_make_room)
{
    enum { BUDGET = 20000, MANY = 5000 };
    struct exemplars *exemplars = exemplars_new(BUDGET);
    struct arena arena = {0};
    exemplar_list found;
    size_t held = 0;

    for (int64_t i = 0; i < MANY; i++) {
        str series = arena_format(&arena, "__name__=m,i=%d", (int)(i % 7));
        struct exemplar exemplar = {fields("trace_id=x", &arena), 1, i};
        cr_expect(exemplars_add(exemplars, fields(series.data, &arena), &exemplar) == EXEMPLAR_STORED);
        cr_assert(exemplars_bytes(exemplars) <= BUDGET);
    }
    found = read(exemplars, INT64_MIN, INT64_MAX, is_any, &arena);
    cr_assert(found.count == 7);
    for (size_t i = 0; i < found.count; i++) {
        held += found.data[i].count;
        for (size_t j = 1; j < found.data[i].count; j++)
            cr_expect(found.data[i].exemplars[j].time_ms == found.data[i].exemplars[j - 1].time_ms + 7);
    }
    found = read(exemplars, MANY - (int64_t)held, INT64_MAX, is_any, &arena);
    for (size_t i = 0; i < found.count; i++) held -= found.data[i].count;
    cr_expect(held == 0, "the newest are there");
    exemplars_free(exemplars);
    exemplars = exemplars_new(0);
    cr_expect(exemplars_add(exemplars, STR(""), &(struct exemplar){0}) == EXEMPLAR_STORED);
    exemplars_free(exemplars);
    arena_release(&arena);
}
