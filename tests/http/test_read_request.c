#include "http/read_request.h"
#include "tests/http/message.h"
#include "tests/support/must.h"

static void put_query(struct writer *request, const char *name, uint64_t type, const char *value)
{
    struct writer query = {0}, matcher = {0};

    put_varint(&query, 1, (uint64_t)-5);
    put_varint(&query, 2, 7000);
    put_varint(&matcher, 1, type);
    put_text(&matcher, 2, str_from(name));
    put_text(&matcher, 3, str_from(value));
    put_message(&query, 3, &matcher);
    put_message(request, 1, &query);
}

Test(read_request, decodes)
{
    static const label external[] = {{STR("zone"), STR("me")}};
    const struct config config = {.external = external, .external_count = 1};
    struct arena arena = {0};
    struct read_request out;
    struct writer request = {0};

    put_query(&request, "job", 2, "a|b");
    put_query(&request, "zone", 0, "me");
    put_packed(&request, 2, (uint64_t[]){9, 1, 0}, 3);
    str message = take_message(&request, &arena);
    must(read_request_decode(message, &config, &arena, &out));
    cr_assert(out.count == 2 && out.wants_chunks);
    cr_expect(out.queries[0].start_ms == -5 && out.queries[0].end_ms == 7000);
    cr_assert(out.queries[0].matcher_count == 1 && out.queries[1].matcher_count == 1);
    cr_expect(out.queries[0].matchers[0].type == MATCH_REGEX);
    cr_expect(out.queries[1].matchers[0].value.len == 0, "an external label");
    must(read_request_decode(STR(""), &config, &arena, &out));
    cr_expect(out.count == 0 && !out.wants_chunks);
    for (size_t cut = 1; cut < message.len; cut++) { /* no crash, whatever is missing or changed */
        char *copy = memory_alloc(cut);
        memcpy(copy, message.data, cut);
        read_request_decode(str_make(copy, cut), &config, &arena, &out);
        copy[cut / 2] = (char)(copy[cut / 2] ^ 0x2A);
        read_request_decode(str_make(copy, cut), &config, &arena, &out);
        free(copy);
    }
    arena_release(&arena);
}

Test(read_request, limits)
{
    const struct config config = {0};
    struct arena arena = {0};
    struct read_request out;
    struct writer request = {0};

    for (int i = 0; i < READ_QUERIES_MAX + 1; i++) put_query(&request, "a", 0, "b");
    status s = read_request_decode(take_message(&request, &arena), &config, &arena, &out);
    cr_expect(s.code == STATUS_INVALID && strstr(s.text, "too many queries"));
    put_query(&request, "a", 9, "b");
    s = read_request_decode(take_message(&request, &arena), &config, &arena, &out);
    cr_expect(s.code == STATUS_INVALID && strstr(s.text, "unknown type of matcher"));
    put_varint(&request, 2, 7);
    s = read_request_decode(take_message(&request, &arena), &config, &arena, &out);
    cr_expect(s.code == STATUS_INVALID && strstr(s.text, "none of the accepted"));
    arena_release(&arena);
}
