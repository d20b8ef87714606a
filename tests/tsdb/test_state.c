/* The file state: what is saved is loaded; every flipped bit is told; a crash leaves the old or the new one. */
#include "tsdb/state.h"

#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/must.h"

#include <errno.h>

static struct state random_state(uint64_t *random)
{
    struct state state = {.next = (uint32_t)(random_next(random) >> (32 + random_below(random, 32)))};

    random_fill(random, state.secret.bytes, sizeof state.secret.bytes);
    for (uint32_t i = random_below(random, 6); i > 0; i--) {
        int64_t min = random_below(random, 4) ? (int64_t)random_next(random) : INT64_MIN;
        int64_t max = random_below(random, 4) ? (int64_t)random_next(random) : INT64_MAX;
        vec_push(&state.blocks, (struct state_block){(uint32_t)random_next(random), min, max});
    }
    for (uint32_t i = random_below(random, 3); i > 0; i--)
        vec_push(&state.registries, (struct state_registry){i, random_next(random) >> 1});
    for (uint32_t i = random_below(random, 3); i > 0; i--)
        vec_push(&state.heads, (struct state_head){(uint32_t)random_next(random), i});
    struct matcher matcher = {.type = MATCH_NOT_EQUAL, .name = STR("a\n\""), .value = STR("\\b c")};
    struct tombstone items[3];
    uint32_t count = random_below(random, 3);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct tombstone){i, (uint32_t)random_next(random), INT64_MIN, (int64_t)random_next(random),
                                      5, (int64_t)random_next(random),  &matcher,  1};
    must(tombstones_make(NULL, NULL, NULL, items, count, &state.tombstones));
    return state;
}

static bool same(const struct state *a, const struct state *b)
{
    bool equal = a->next == b->next && memcmp(&a->secret, &b->secret, sizeof a->secret) == 0 &&
                 a->blocks.count == b->blocks.count && a->heads.count == b->heads.count &&
                 a->registries.count == b->registries.count;

    for (size_t i = 0; equal && i < a->blocks.count; i++)
        equal = a->blocks.data[i].number == b->blocks.data[i].number &&
                a->blocks.data[i].min_ms == b->blocks.data[i].min_ms &&
                a->blocks.data[i].max_ms == b->blocks.data[i].max_ms;
    for (size_t i = 0; equal && i < a->heads.count; i++)
        equal = a->heads.data[i].number == b->heads.data[i].number &&
                a->heads.data[i].registry == b->heads.data[i].registry;
    for (size_t i = 0; equal && i < a->registries.count; i++)
        equal = a->registries.data[i].number == b->registries.data[i].number &&
                a->registries.data[i].bytes == b->registries.data[i].bytes;
    equal = equal && tombstones_count(a->tombstones) == tombstones_count(b->tombstones);
    for (uint32_t i = 0; equal && i < tombstones_count(a->tombstones); i++) {
        const struct tombstone *x = &a->tombstones->items[i], *y = &b->tombstones->items[i];
        equal = x->number == y->number && x->head_to == y->head_to && x->from_ms == y->from_ms &&
                x->to_ms == y->to_ms && x->created_ms == y->created_ms && x->purge_ms == y->purge_ms &&
                x->matcher_count == 1 && y->matcher_count == 1 && str_equal(x->matchers[0].name, y->matchers[0].name) &&
                str_equal(x->matchers[0].value, y->matchers[0].value);
    }
    return equal;
}

Test(state, round_trips)
{
    struct fs *fs = fs_memory_new();
    uint64_t random = 1;
    struct state got;

    cr_expect(state_load(fs, &got).code == STATUS_NOT_FOUND && got.next == 0);
    for (int round = 0; round < 200; round++) {
        struct state state = random_state(&random), copy = state_copy(&state);
        must(state_save(fs, &state));
        must(state_load(fs, &got));
        cr_assert(same(&state, &got) && same(&state, &copy));
        if (copy.blocks.count) copy.blocks.data[0].number++;
        cr_assert(same(&state, &got), "copies are independent");
        state_release(&state);
        state_release(&copy);
        state_release(&got);
    }
    fs_release(fs);
}

/* The text, as the header shows it. */
Test(state, text)
{
    struct fs *fs = fs_memory_new();
    struct state state = {.next = 17};
    struct arena arena;
    str text, line;

    arena_init(&arena, NULL);
    state.secret.bytes[0] = 0xA5;
    vec_push(&state.blocks, (struct state_block){12, -5, 1700007200000});
    vec_push(&state.registries, (struct state_registry){9, 40960});
    vec_push(&state.heads, (struct state_head){15, 9});
    struct matcher matcher = {.type = MATCH_EQUAL, .name = STR("__name__"), .value = STR("up")};
    struct tombstone item = {16, 15, 0, 17, 18, 19, &matcher, 1};
    must(tombstones_make(NULL, NULL, NULL, &item, 1, &state.tombstones));
    must(state_save(fs, &state));
    must(fs_read_file(fs, "state", 10000, &arena, &text));
    cr_expect(str_equal(str_cut(&text, '\n'), STR("varve state 3")) && str_equal(str_cut(&text, '\n'), STR("next 17")));
    line = str_cut(&text, '\n');
    cr_expect(line.len == 7 + 384 && str_starts_with(line, STR("secret a500")));
    cr_expect(str_equal(str_cut(&text, '\n'), STR("block 12 -5 1700007200000")));
    cr_expect(str_equal(str_cut(&text, '\n'), STR("registry 9 40960")));
    cr_expect(str_equal(str_cut(&text, '\n'), STR("head 15 9")));
    cr_expect(str_equal(str_cut(&text, '\n'), STR("tombstone 16 15 0 17 18 19 {\"__name__\"=\"up\"}")));
    line = str_cut(&text, '\n');
    cr_expect(str_starts_with(line, STR("checksum ")) && line.len == 25 && text.len == 0);
    arena_release(&arena);
    state_release(&state);
    fs_release(fs);
}

Test(state, every_flipped_bit_is_told)
{
    struct fs *fs = fs_memory_new();
    uint64_t random = 5;
    struct state state = random_state(&random), got;
    uint8_t byte;

    must(state_save(fs, &state));
    for (uint64_t at = 0; fs_memory_peek(fs, "state", at, &byte); at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            fs_memory_flip(fs, "state", at, bit);
            status s = state_load(fs, &got);
            cr_expect(s.code == STATUS_CORRUPT && s.text[0], "byte %d bit %u", (int)at, bit);
            cr_expect(got.blocks.data == NULL && got.next == 0);
            fs_memory_flip(fs, "state", at, bit);
        }
    }
    state_release(&state);
    fs_release(fs);
}

/* Files that other hands wrote, with a checksum that holds. */
Test(state, malformed_lines)
{
    static const char *const lines[] = {"",
                                        "next",
                                        "next x",
                                        "next 4294967296",
                                        "next 1 2",
                                        "next -1",
                                        "block 1",
                                        "block 1 2",
                                        "block 1 2 x",
                                        "head 1",
                                        "head 1 2 3",
                                        "registry 1 -1",
                                        "registry 1 99999999999999999999",
                                        "secret 00",
                                        "other 1",
                                        "varve state 1",
                                        "tombstone 1",
                                        "tombstone 1 2 3 4 5",
                                        "tombstone 1 2 3 4 5 6",
                                        "tombstone 1 2 3 4 x 6 {}",
                                        "tombstone 1 2 3 4 5 6 {} ",
                                        "tombstone 1 2 3 4 5 6 {\"a\"=~\"(\"}",
                                        "Next 1"};
    struct fs *fs = fs_memory_new();
    struct arena arena;
    struct state got;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        str text = arena_format(&arena, "varve state 3\n%s\n", lines[i]);
        text = arena_format(&arena, "%.*schecksum %016llx\n", STR_ARG(text),
                            (unsigned long long)hash_bytes(text.data, text.len));
        must(fs_replace_file(fs, "state", text));
        cr_expect(state_load(fs, &got).code == STATUS_CORRUPT, "\"%s\"", lines[i]);
    }
    must(fs_replace_file(fs, "state", STR("varve state 1\nnext 5\n")));
    cr_expect(state_load(fs, &got).code == STATUS_CORRUPT, "no checksum");
    must(fs_replace_file(fs, "state", STR("varve state 4\nnext 5\n")));
    cr_expect(state_load(fs, &got).code == STATUS_CORRUPT, "a version to come");
    must(fs_replace_file(fs, "state", STR("")));
    cr_expect(state_load(fs, &got).code == STATUS_CORRUPT, "empty");
    arena_release(&arena);
    fs_release(fs);
}

/* What the version before wrote. */
Test(state, version_1)
{
    struct fs *fs = fs_memory_new();
    struct arena arena;
    struct state got;

    arena_init(&arena, NULL);
    str text = STR("varve state 1\nnext 5\nblock 3 -1 2\nregistry 2 8\nhead 4 2\n");
    text = arena_format(&arena, "%.*schecksum %016llx\n", STR_ARG(text),
                        (unsigned long long)hash_bytes(text.data, text.len));
    must(fs_replace_file(fs, "state", text));
    must(state_load(fs, &got));
    cr_expect(got.next == 5 && got.blocks.count == 1 && got.heads.count == 1 && !got.tombstones);
    state_release(&got);
    arena_release(&arena);
    fs_release(fs);
}

/* Power cuts and failing calls at every step of saving: one of the two is there, and the new one if it was said so. */
Test(state, is_replaced_as_a_whole)
{
    for (uint64_t k = 1; k < 12; k++) {
        for (int model = CRASH_STRICT; model <= CRASH_ORDERED; model++) {
            struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
            uint64_t random = k;
            struct state old = random_state(&random), new = random_state(&random), got;
            must(state_save(fs, &old));
            fs_faulty_plan(fs, FAULT_CHANGES | FAULT_OPEN, k, EIO, UINT64_MAX);
            status s = state_save(fs, &new);
            fs_memory_crash(disk, (enum crash_model)model, k);
            must(state_load(disk, &got));
            cr_expect(same(&got, &new) || (failed(s) && same(&got, &old)), "call %d, model %d", (int)k, model);
            state_release(&got);
            state_release(&old);
            state_release(&new);
            fs_release(fs);
            fs_release(disk);
        }
    }
}

Test(state, io_errors_are_no_damage)
{
    struct fs *disk = fs_memory_new(), *fs = fs_faulty_new(disk);
    struct state state = {.next = 3}, got;

    must(state_save(disk, &state));
    for (uint64_t k = 1; k <= 2; k++) {
        fs_faulty_plan(fs, FAULT_READ | FAULT_OPEN, k, EIO, 0);
        cr_expect(state_load(fs, &got).code == STATUS_IO);
    }
    must(state_load(fs, &got));
    fs_release(fs);
    fs_release(disk);
}

Test(state, dropping)
{
    struct state state = {0};

    for (uint32_t i = 1; i <= 3; i++) {
        vec_push(&state.blocks, (struct state_block){i, 0, 1});
        vec_push(&state.heads, (struct state_head){10 + i, 20 + i});
        cr_expect(state_registry(&state, 20 + i, false) == NULL);
        state_registry(&state, 20 + i, true)->bytes = i;
        cr_expect(state_registry(&state, 20 + i, true)->bytes == i && state.registries.count == i);
    }
    state_drop_block(&state, 2);
    state_drop_block(&state, 9);
    cr_expect(state.blocks.count == 2 && state.blocks.data[0].number == 1 && state.blocks.data[1].number == 3);
    state_drop_unused_registries(&state);
    cr_expect(state.registries.count == 3);
    state_drop_head(&state, 12);
    state_drop_head(&state, 9);
    cr_expect(state.heads.count == 2 && state.heads.data[1].number == 13);
    state_drop_unused_registries(&state);
    cr_expect(state.registries.count == 2 && state.registries.data[0].bytes == 1 &&
              state.registries.data[1].bytes == 3);
    state_release(&state);
}
