#include "http/histogram_json.h"
#include "tests/support/test.h"

#include <jansson.h>

static const struct {
    const char *text; /* as it is written */
} whole[] = {
    {"{\"integer\":true,\"schema\":3,\"count\":12,\"sum\":4.5,\"z_bucket_w\":0.001,\"z_bucket\":2,\"buckets\":[[-1,1],["
     "3,3]],"
     "\"n_buckets\":[[4,6]],\"counter_reset_hint\":\"not_reset\"}"},
    {"{\"integer\":false,\"schema\":-53,\"count\":1.5,\"sum\":\"NaN\",\"buckets\":[[0,1.5]],\"custom_values\":[-1,0.25]"
     ","
     "\"counter_reset_hint\":\"gauge\"}"},
    {"{\"integer\":false,\"schema\":0,\"count\":0,\"sum\":\"-Infinity\"}"},
    {"{\"integer\":true,\"schema\":-4,\"count\":0,\"sum\":\"Infinity\",\"counter_reset_hint\":\"reset\"}"},
};

static const char *read_text(const char *text, struct arena *arena, const struct histogram **out)
{
    json_t *root = json_loads(text, JSON_DECODE_ANY, NULL);
    const char *why;

    cr_assert(root, "%s", text);
    why = histogram_json_read(root, arena, out);
    json_decref(root);
    return why;
}

Test(histogram_json, round_trip)
{
    struct arena arena = {0};
    struct writer out = {0};

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const struct histogram *h;
        const char *why = read_text(whole[i].text, &arena, &h);
        cr_assert(!why, "%s: %s", whole[i].text, why);
        out.count = 0;
        histogram_json_write(h, &out);
        cr_expect(str_equal(str_make((const char *)out.data, out.count), str_from(whole[i].text)), "%s:\n%.*s",
                  whole[i].text, (int)out.count, (const char *)out.data);
    }
    writer_release(&out);
    arena_release(&arena);
}

static const struct {
    const char *text, *why; /* part of the reason; NULL: fine */
} cases[] = {
    {"{}", NULL},
    {"{\"counter_reset_hint\":\"unknown\",\"buckets\":[[1,0],[2,1]]}", NULL},
    {"[]", "no object"},
    {"{\"schema\":1.5}", "schema"},
    {"{\"count\":\"many\"}", "number"},
    {"{\"buckets\":7}", "buckets"},
    {"{\"buckets\":[[2,1],[2,1]]}", "rising"},
    {"{\"buckets\":[[2147483648,1]]}", "buckets"},
    {"{\"n_buckets\":[[2]]}", "buckets"},
    {"{\"n_buckets\":[[2,{}]]}", "buckets"},
    {"{\"custom_values\":[\"x\"]}", "custom_values"},
    {"{\"custom_values\":{}}", "custom_values"},
    {"{\"counter_reset_hint\":\"maybe\"}", "counter_reset_hint"},
    {"{\"integer\":true,\"count\":0.5}", "integers"},
    {"{\"integer\":true,\"count\":1,\"buckets\":[[1,0.5]]}", "integers"},
};

Test(histogram_json, refusals)
{
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct histogram *h;
        const char *why = read_text(cases[i].text, &arena, &h);
        cr_expect(cases[i].why ? why && strstr(why, cases[i].why) : !why, "%s: %s", cases[i].text, why ? why : "taken");
    }
    arena_release(&arena);
}
