/* Histograms with what only protobuf can say, and hostile ones; test_otlp.c has the usual. */
#include "http/otlp_internal.h"
#include "tests/http/batch_print.h"
#include "tests/http/message.h"
#include "tests/support/must.h"

static str make_request(struct writer *point, struct arena *arena)
{
    struct writer request = {0}, resource = {0}, scope = {0}, metric = {0}, histogram = {0};

    put_message(&histogram, 1, point);
    put_varint(&histogram, 2, 2);
    put_text(&metric, 1, STR("e"));
    put_message(&metric, 10, &histogram);
    put_message(&scope, 2, &metric);
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    return take_message(&request, arena);
}

/* Senders pack counts; those that do not are understood too. */
Test(otlp_histogram, counts_that_are_not_packed)
{
    const struct otlp_config config = {0};
    struct write_batch batch = {0};
    struct arena arena = {0};
    struct writer point = {0}, side = {0};

    put_fixed(&point, 3, 1000000);
    put_fixed(&point, 4, 3);
    put_varint(&side, 2, 1);
    put_varint(&side, 1, zigzag_encode(-7));
    put_varint(&side, 2, 2);
    put_message(&point, 9, &side);
    must(otlp_decode(make_request(&point, &arena), &config, 1, &batch));
    str text = batch_print(&batch, &arena);
    cr_expect(
        str_equal(text,
                  STR("{__name__=\"e\"} {\"integer\":true,\"schema\":0,\"count\":3,\"sum\":0,\"z_bucket_w\":1e-128,"
                      "\"n_buckets\":[[-6,1],[-5,2]]}@1\nmeta e 3 '' ''\n")),
        "%.*s", STR_ARG(text));
    write_batch_release(&batch);
    arena_release(&arena);
}

/* Scales, offsets and numbers of buckets at the edges of what can be told. */
Test(otlp_histogram, edges)
{
    static const struct {
        int64_t scale, offset;
        size_t count;
        bool is_taken;
    } edges[] = {
        {-4, INT32_MIN, 3, true}, {-5, 0, 1, false},        {8, INT32_MAX - 2, 1, true}, {8, INT32_MAX, 1, false},
        {INT32_MAX, -1, 4, true}, {20, INT32_MIN, 2, true}, {0, 0, 65536, true},         {0, 0, 65537, false},
    };
    const struct otlp_config config = {0};
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        struct writer point = {0}, side = {0}, counts = {0};
        put_fixed(&point, 3, 1000000);
        put_varint(&point, 6, zigzag_encode(edges[i].scale) & UINT32_MAX);
        put_varint(&side, 1, zigzag_encode(edges[i].offset) & UINT32_MAX);
        for (size_t k = 0; k < edges[i].count; k++) writer_varint(&counts, 1);
        put_message(&side, 2, &counts);
        put_message(&point, 8, &side);
        must(otlp_decode(make_request(&point, &arena), &config, 1, &batch));
        cr_expect((batch.malformed == 0) == edges[i].is_taken, "row %zu", i);
        cr_expect(batch.found.count == edges[i].is_taken, "row %zu", i);
        arena_reset(&arena);
    }
    write_batch_release(&batch);
    arena_release(&arena);
}
