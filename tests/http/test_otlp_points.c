/* Points with what only protobuf can say. */
#include "http/otlp_internal.h"
#include "tests/http/batch_print.h"
#include "tests/http/message.h"
#include "tests/support/must.h"

static str make(str attribute_value, struct arena *arena)
{
    struct writer request = {0}, resource = {0}, scope = {0}, metric = {0}, gauge = {0}, point = {0}, pair = {0};

    put_text(&pair, 1, STR("a"));
    put_text(&pair, 2, attribute_value);
    put_message(&point, 7, &pair);
    put_fixed(&point, 3, 5000000);
    put_fixed(&point, 6, (uint64_t)-3);
    put_message(&gauge, 1, &point);
    put_text(&metric, 1, STR("g"));
    put_message(&metric, 5, &gauge);
    put_message(&scope, 2, &metric);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    return take_message(&request, arena);
}

Test(otlp_points, values_nest_only_so_deep)
{
    const struct otlp_config config = {0};
    struct write_batch batch = {0};
    struct arena arena = {0};
    str value = STR("");

    must(otlp_decode(make(value, &arena), &config, 1, &batch));
    cr_expect(str_equal(batch_print(&batch, &arena), STR("{__name__=\"g\", a=\"\"} -3@5\nmeta g 2 '' ''\n")), "%.*s",
              STR_ARG(batch_print(&batch, &arena)));
    for (int i = 0; i < 2 * OTLP_VALUE_DEPTH_MAX; i++) {
        struct writer list = {0}, outer = {0};
        put_text(&list, 1, value);
        put_message(&outer, 5, &list);
        value = take_message(&outer, &arena);
    }
    status s = otlp_decode(make(value, &arena), &config, 1, &batch);
    cr_expect(s.code == STATUS_INVALID && strstr(s.text, "nested too deep"));
    write_batch_release(&batch);
    arena_release(&arena);
}

/* Senders pack lists of numbers; those that do not are understood too. */
Test(otlp_points, lists_that_are_not_packed)
{
    const struct otlp_config config = {0};
    struct write_batch batch = {0};
    struct arena arena = {0};
    struct writer request = {0}, resource = {0}, scope = {0}, metric = {0}, histogram = {0}, point = {0};

    put_fixed(&point, 3, 1000000);
    put_fixed(&point, 4, 3);
    put_fixed(&point, 6, 1);
    put_fixed(&point, 6, 2);
    put_double(&point, 7, 0.5);
    put_message(&histogram, 1, &point);
    put_varint(&histogram, 2, 2);
    put_text(&metric, 1, STR("h"));
    put_message(&metric, 9, &histogram);
    put_message(&scope, 2, &metric);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    must(otlp_decode(take_message(&request, &arena), &config, 1, &batch));
    str text = batch_print(&batch, &arena);
    cr_expect(str_equal(text, STR("{__name__=\"h_count\"} 3@1\n{__name__=\"h_bucket\", le=\"0.5\"} 1@1\n"
                                  "{__name__=\"h_bucket\", le=\"+Inf\"} 3@1\nmeta h 3 '' ''\n")),
              "%.*s", STR_ARG(text));
    write_batch_release(&batch);
    arena_release(&arena);
}
