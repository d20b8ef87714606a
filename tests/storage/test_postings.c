/* Sets of ordinals against a naive set, and their form on disk on hostile bytes. */
#include "storage/postings.h"

#include "tests/storage/random.h"
#include "tests/support/test.h"

enum { UNIVERSE = 200000 };

/* The naive set: a byte for each ordinal. */
struct naive {
    uint8_t has[UNIVERSE];
};

enum shape { SHAPE_EMPTY, SHAPE_ONE, SHAPE_FEW, SHAPE_SPARSE, SHAPE_DENSE, SHAPE_RUNS, SHAPE_ALL, SHAPES };

static void make_naive(enum shape shape, uint64_t *random, struct naive *out)
{
    memset(out, 0, sizeof *out);
    switch (shape) {
    case SHAPE_EMPTY: break;
    case SHAPE_ONE: out->has[random_below(random, UNIVERSE)] = 1; break;
    case SHAPE_FEW:
        for (int i = 0; i < 16; i++) out->has[random_below(random, UNIVERSE)] = 1;
        break;
    case SHAPE_SPARSE:
        for (int i = 0; i < 2000; i++) out->has[random_below(random, UNIVERSE)] = 1;
        break;
    case SHAPE_DENSE:
        for (int i = 0; i < 300000; i++) out->has[random_below(random, UNIVERSE)] = 1;
        break;
    case SHAPE_RUNS:
        for (int i = 0; i < 20; i++) memset(out->has + random_below(random, UNIVERSE - 5000), 1, 5000);
        break;
    default: memset(out->has, 1, sizeof out->has); break;
    }
}

static size_t members_of(const struct naive *naive, uint32_t *out)
{
    size_t count = 0;

    for (uint32_t i = 0; i < UNIVERSE; i++) {
        if (naive->has[i]) out[count++] = i;
    }
    return count;
}

static uint32_t scratch[UNIVERSE], members[UNIVERSE];

static bool agrees(const struct postings *set, const struct naive *naive)
{
    size_t count = members_of(naive, members);

    if (postings_count(set) != count) return false;
    postings_to_array(set, scratch);
    return memcmp(scratch, members, count * sizeof *members) == 0;
}

static struct postings *make_set(const struct naive *naive)
{
    return postings_from_sorted(members, members_of(naive, members));
}

Test(postings, operations_agree_with_a_naive_set)
{
    static struct naive left, right, expected;
    uint64_t random = 1;

    for (int a = 0; a < SHAPES; a++) {
        for (int b = 0; b < SHAPES; b++) {
            make_naive((enum shape)a, &random, &left);
            make_naive((enum shape)b, &random, &right);
            struct postings *set = make_set(&left), *other = make_set(&right);
            cr_assert(agrees(set, &left) && agrees(other, &right));
            bool meets = false;
            for (int operation = 0; operation < 3; operation++) {
                struct postings *result = postings_copy(set);
                for (uint32_t i = 0; i < UNIVERSE; i++) {
                    bool x = left.has[i], y = right.has[i];
                    expected.has[i] = operation == 0 ? x && y : operation == 1 ? x || y : x && !y;
                    meets = meets || (x && y);
                }
                if (operation == 0) postings_intersect(result, other);
                if (operation == 1) postings_union(result, other);
                if (operation == 2) postings_subtract(result, other);
                cr_expect(agrees(result, &expected), "shapes %d and %d, operation %d", a, b, operation);
                postings_free(result);
            }
            cr_expect(postings_meets(set, other) == meets && postings_meets(other, set) == meets);
            cr_expect(agrees(set, &left) && agrees(other, &right), "operands are left alone");
            postings_free(set);
            postings_free(other);
        }
    }
}

Test(postings, members_come_in_any_order)
{
    static struct naive naive;
    struct postings *set = postings_new();
    uint64_t random = 2;

    for (int round = 0; round < 200; round++) {
        uint32_t some[50], first = random_below(&random, UNIVERSE), last = first + random_below(&random, 300);
        for (int i = 0; i < 50; i++) naive.has[some[i] = random_below(&random, UNIVERSE)] = 1;
        postings_add(set, some, 50);
        if (last >= UNIVERSE) last = UNIVERSE - 1;
        postings_add_range(set, first, last);
        memset(naive.has + first, 1, last - first + 1);
    }
    cr_assert(agrees(set, &naive));
    for (uint32_t i = 0; i < UNIVERSE; i++) cr_assert(postings_has(set, i) == naive.has[i]);
    postings_add(set, scratch, 0);
    cr_assert(agrees(set, &naive));
    postings_free(set);
}

Test(postings, null_is_empty_where_it_is_read)
{
    struct postings *set = postings_range(5), *copy = postings_copy(NULL), *none = postings_range(0);

    cr_expect(postings_count(NULL) == 0 && postings_count(copy) == 0 && postings_count(none) == 0);
    cr_expect(!postings_has(NULL, 0) && !postings_meets(NULL, set) && !postings_meets(set, NULL));
    postings_to_array(NULL, NULL);
    postings_union(set, NULL);
    postings_subtract(set, NULL);
    cr_expect(postings_count(set) == 5 && postings_has(set, 4) && !postings_has(set, 5));
    postings_intersect(set, NULL);
    cr_expect(postings_count(set) == 0);
    postings_free(set);
    postings_free(copy);
    postings_free(none);
    postings_free(NULL);
}

Test(postings, largest_ordinals)
{
    static const uint32_t last[] = {0, UINT32_MAX - 1, UINT32_MAX};
    struct postings *set = postings_new();
    struct writer out = {0};

    postings_encode(last, 3, &out);
    cr_expect(!postings_decode(str_make((const char *)out.data, out.count), UINT32_MAX, set));
    postings_encode(last, 2, (out.count = 0, &out));
    cr_expect(postings_decode(str_make((const char *)out.data, out.count), UINT32_MAX, set));
    postings_add_range(set, UINT32_MAX, UINT32_MAX);
    cr_expect(postings_has(set, UINT32_MAX) && postings_has(set, 0));
    writer_release(&out);
    postings_free(set);
}

Test(postings, few_members_are_gaps)
{
    static const uint32_t ordinals[] = {0, 1, 300};
    static const uint8_t expected[] = {0, 0, 1, 0xAB, 0x02};
    struct writer out = {0};

    postings_encode(ordinals, 3, &out);
    cr_expect(out.count == sizeof expected && memcmp(out.data, expected, sizeof expected) == 0);
    writer_release(&out);
}

Test(postings, round_trips)
{
    static struct naive naive;
    struct writer out = {0};
    uint64_t random = 3;

    for (int round = 0; round < 10; round++) {
        for (int shape = 0; shape < SHAPES; shape++) {
            make_naive((enum shape)shape, &random, &naive);
            size_t count = members_of(&naive, members);
            out.count = 0;
            postings_encode(members, count, &out);
            str encoded = str_make((const char *)out.data, out.count);
            struct postings *set = postings_new();
            cr_assert(postings_decode(encoded, UNIVERSE, set) && agrees(set, &naive), "shape %d", shape);
            cr_assert(postings_decode(encoded, UNIVERSE, set) && agrees(set, &naive), "twice is once");
            cr_expect(count == 0 || postings_decode(encoded, members[count - 1] + 1, set));
            cr_expect(count == 0 || !postings_decode(encoded, members[count - 1], set), "an ordinal beyond the end");
            for (size_t cut = 0; cut < out.count; cut += 1 + out.count / 50)
                (void)postings_decode(str_part(encoded, 0, cut), UNIVERSE, set);
            postings_free(set);
        }
    }
    writer_release(&out);
}

Test(postings, malformed_gaps)
{
    static const struct {
        const char *name;
        str encoded;
        bool good;
    } rows[] = {
        {"nothing", STR(""), false},
        {"an unknown form", STR("\2\1"), false},
        {"the empty set", STR("\0"), true},
        {"a first ordinal of 0", STR("\0\0"), true},
        {"an ordinal twice", STR("\0\5\0"), false},
        {"a cut gap", STR("\0\5\x80"), false},
        {"the end", STR("\0\x64"), false},
        {"before the end", STR("\0\x63"), true},
        {"a gap that wraps around", STR("\0\5\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1"), false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct postings *set = postings_new();
        cr_expect(postings_decode(rows[i].encoded, 100, set) == rows[i].good, "%s", rows[i].name);
        postings_free(set);
    }
}

/* Any bytes: decoding says no, or gives a set that keeps its promises: members below the end, rising, countable. */
static void check_hostile(str encoded, uint32_t end)
{
    struct postings *set = postings_new(), *other = postings_range(end / 2);

    if (postings_decode(encoded, end, set)) {
        uint64_t count = postings_count(set);
        cr_assert(count <= end, "%d members below %u", (int)count, end);
        postings_to_array(set, scratch);
        for (uint64_t i = 0; i < count; i++) {
            cr_assert(scratch[i] < end && (i == 0 || scratch[i - 1] < scratch[i]), "member %d", (int)i);
            cr_assert(postings_has(set, scratch[i]));
        }
        postings_union(other, set);
        postings_subtract(other, set);
        postings_intersect(other, set);
        cr_assert(postings_count(other) == 0);
    }
    postings_free(set);
    postings_free(other);
}

Test(postings, hostile_bytes)
{
    static struct naive naive;
    struct writer out = {0};
    uint64_t random = 4;

    for (int round = 0; round < 4000; round++) {
        if (round % 50 == 0) {
            make_naive((enum shape)(SHAPE_FEW + round / 50 % 4), &random, &naive);
            out.count = 0;
            postings_encode(members, members_of(&naive, members), &out);
        }
        uint8_t *copy = memory_alloc(out.count);
        memcpy(copy, out.data, out.count);
        for (unsigned hits = 1 + random_below(&random, 4); hits > 0; hits--) {
            size_t near = random_next(&random) % 2 && out.count > 40 ? 40 : out.count; /* mostly the headers */
            copy[1 + random_below(&random, near - 1)] = (uint8_t)random_next(&random);
        }
        check_hostile(str_make((const char *)copy, out.count), UNIVERSE);
        free(copy);
    }
    writer_release(&out);
}
