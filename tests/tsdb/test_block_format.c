/* The footer of a block: round trips, its layout, and what is not one. */
#include "tsdb/block_format.h"

#include "tests/storage/random.h"
#include "tests/support/must.h"

static str written(const struct writer *out)
{
    return str_make((const char *)out->data, out->count);
}

Test(block_format, names)
{
    char name[BLOCK_NAME_BYTES];

    block_name(name, 12);
    cr_expect(strcmp(name, "block/00000012") == 0);
    block_name(name, UINT32_MAX);
    cr_expect(strcmp(name, "block/4294967295") == 0);
}

static struct block_info random_info(uint64_t *random)
{
    struct block_info info = {0};

    info.number = (uint32_t)(random_next(random) >> (32 + random_below(random, 32)));
    info.head_first = (uint32_t)(random_next(random) >> (32 + random_below(random, 32)));
    info.head_last = (uint32_t)(random_next(random) >> (32 + random_below(random, 32)));
    info.created_ms = (int64_t)random_next(random) >> random_below(random, 64);
    info.min_ms = random_below(random, 5) ? (int64_t)random_next(random) >> random_below(random, 64) : INT64_MIN;
    info.max_ms = random_below(random, 5) ? (int64_t)random_next(random) >> random_below(random, 64) : INT64_MAX;
    info.series = (uint32_t)random_next(random);
    info.samples = random_next(random) >> random_below(random, 64);
    random_fill(random, info.secret.bytes, sizeof info.secret.bytes);
    info.series_pages = (struct page_list){{random_next(random) >> random_below(random, 64), 77}, 1};
    info.names = (struct page_ref){random_next(random) >> random_below(random, 64), 5};
    info.lists = (struct page_ref){random_next(random) >> random_below(random, 64), UINT32_MAX};
    if (random_below(random, 2)) info.metadata = (struct page_ref){random_next(random), 1};
    if (random_below(random, 2)) info.models = (struct page_ref){random_next(random), 2};
    info.rich_samples = random_below(random, 1000);
    info.columns = random_below(random, 1000);
    return info;
}

static bool same_ref(struct page_ref a, struct page_ref b)
{
    return a.offset == b.offset && a.bytes == b.bytes;
}

Test(block_format, round_trips)
{
    struct writer out = {0};
    uint64_t random = 1;

    for (int round = 0; round < 500; round++) {
        struct block_info info = random_info(&random), got = {0};
        out.count = 0;
        block_info_encode(&info, &out);
        must(block_info_decode(written(&out), &got));
        cr_assert(got.number == info.number && got.head_first == info.head_first && got.head_last == info.head_last);
        cr_assert(got.created_ms == info.created_ms && got.min_ms == info.min_ms && got.max_ms == info.max_ms);
        cr_assert(got.series == info.series && got.samples == info.samples);
        cr_assert(memcmp(&got.secret, &info.secret, sizeof got.secret) == 0);
        cr_assert(got.series_pages.pages == 1 && same_ref(got.series_pages.root, info.series_pages.root));
        cr_assert(same_ref(got.names, info.names) && same_ref(got.lists, info.lists));
        cr_assert(same_ref(got.metadata, info.metadata) && same_ref(got.models, info.models));
        cr_assert(got.rich_samples == info.rich_samples && got.columns == info.columns);
    }
    writer_release(&out);
}

Test(block_format, what_is_no_footer)
{
    struct writer out = {0};
    struct block_info got;
    uint64_t random = 7;
    struct block_info info = random_info(&random);

    block_info_encode(&info, &out);
    cr_expect(out.data[0] == BLOCK_FORMAT);
    for (size_t len = 1; len < out.count; len++) {
        char *exact = memory_alloc(len);
        memcpy(exact, out.data, len);
        status cut = block_info_decode(str_make(exact, len), &got);
        cr_expect(cut.code == STATUS_CORRUPT, "cut to %zu", len);
        free(exact);
    }
    cr_expect(failed(block_info_decode(STR(""), &got)));
    out.data[0] = BLOCK_FORMAT + 1;
    status s = block_info_decode(written(&out), &got);
    cr_expect(s.code == STATUS_UNSUPPORTED && strcmp(s.text, "block format 5, this program reads 2 to 4") == 0, "%s",
              s.text);
    out.data[0] = BLOCK_FORMAT;
    for (int round = 0; round < 5000; round++) {
        out.data[1 + random_below(&random, out.count - 1)] ^= (uint8_t)(1 + random_below(&random, 255));
        (void)block_info_decode(written(&out), &got);
    }
    writer_release(&out);
}
