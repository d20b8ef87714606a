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

Test(exemplars, outcomes)
{
    struct exemplars *exemplars = exemplars_new(1 << 20);
    struct arena arena = {0};
    struct exemplar_series *found;
    size_t count;

    for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
        struct exemplar exemplar = {fields(additions[i].labels, &arena), additions[i].value, additions[i].time_ms};
        enum exemplar_outcome outcome = exemplars_add(exemplars, fields(additions[i].series, &arena), &exemplar);
        cr_expect(outcome == additions[i].outcome, "row %zu: %d", i, outcome);
    }
    exemplars_read(exemplars, INT64_MIN, INT64_MAX, is_any, NULL, &arena, &found, &count);
    cr_assert(count == 2 && found[0].count == 3 && found[1].count == 1);
    cr_expect(found[0].pair_count == 2 && str_equal(found[0].pairs[1].value, STR("x")));
    cr_expect(found[0].exemplars[2].value == 1.5 && found[0].exemplars[2].time_ms == 200);
    cr_expect(str_equal(labels_get((labels){found[0].exemplars[2].labels}, STR("trace_id")), STR("3")));
    exemplars_read(exemplars, 100, 199, is_x, NULL, &arena, &found, &count);
    cr_expect(count == 1 && found[0].count == 2);
    exemplars_read(exemplars, 0, 49, is_any, NULL, &arena, &found, &count);
    cr_expect(count == 0);
    exemplars_free(exemplars);
    arena_release(&arena);
}

Test(exemplars, the_oldest_make_room)
{
    enum { BUDGET = 20000, MANY = 5000 };
    struct exemplars *exemplars = exemplars_new(BUDGET);
    struct arena arena = {0};
    struct exemplar_series *found;
    size_t count, held = 0;

    for (int64_t i = 0; i < MANY; i++) {
        str series = arena_format(&arena, "__name__=m,i=%d", (int)(i % 7));
        struct exemplar exemplar = {fields("trace_id=x", &arena), 1, i};
        cr_expect(exemplars_add(exemplars, fields(series.data, &arena), &exemplar) == EXEMPLAR_STORED);
        cr_assert(exemplars_bytes(exemplars) <= BUDGET);
    }
    exemplars_read(exemplars, INT64_MIN, INT64_MAX, is_any, NULL, &arena, &found, &count);
    cr_assert(count == 7);
    for (size_t i = 0; i < count; i++) {
        held += found[i].count;
        for (size_t j = 1; j < found[i].count; j++)
            cr_expect(found[i].exemplars[j].time_ms == found[i].exemplars[j - 1].time_ms + 7);
    }
    exemplars_read(exemplars, MANY - (int64_t)held, INT64_MAX, is_any, NULL, &arena, &found, &count);
    for (size_t i = 0; i < count; i++) held -= found[i].count;
    cr_expect(held == 0, "the newest are there");
    exemplars_free(exemplars);
    exemplars = exemplars_new(0);
    cr_expect(exemplars_add(exemplars, STR(""), &(struct exemplar){0}) == EXEMPLAR_STORED);
    exemplars_free(exemplars);
    arena_release(&arena);
}
