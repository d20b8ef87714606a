/* The file `state`; see state.h. */
#include "tsdb/state.h"

#include "storage/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

static const char state_name[] = "state";

enum { STATE_BYTES_MAX = 16 << 20 };

void state_release(struct state *state)
{
    vec_release(&state->blocks);
    vec_release(&state->heads);
    vec_release(&state->registries);
    tombstones_unref(state->tombstones);
    state->tombstones = NULL;
}

struct state state_copy(const struct state *state)
{
    struct state copy = {.next = state->next, .secret = state->secret};

    vec_each (block, &state->blocks) vec_push(&copy.blocks, *block);
    vec_each (head, &state->heads) vec_push(&copy.heads, *head);
    vec_each (registry, &state->registries) vec_push(&copy.registries, *registry);
    copy.tombstones = state->tombstones;
    tombstones_ref(copy.tombstones);
    return copy;
}

__attribute__((format(printf, 2, 3))) static void add_line(struct writer *out, const char *format, ...)
{
    char line[80];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    writer_bytes(out, line, (size_t)len);
}

static void add_tombstone(struct writer *out, const struct tombstone *item)
{
    char line[160];
    int len = snprintf(line, sizeof line, "tombstone %u %u %lld %lld %lld %lld ", item->number, item->head_to,
                       (long long)item->from_ms, (long long)item->to_ms, (long long)item->created_ms,
                       (long long)item->purge_ms);

    writer_bytes(out, line, (size_t)len);
    matchers_write(item->matchers, item->matcher_count, out);
    writer_u8(out, '\n');
}

status state_save_to(struct fs *fs, const char *name, const struct state *state)
{
    struct writer text = {0};

    add_line(&text, "varve state 3\nnext %u\nsecret ", state->next);
    for (int i = 0; i < HASH_SECRET_BYTES; i++) add_line(&text, "%02x", state->secret.bytes[i]);
    add_line(&text, "\n");
    vec_each (block, &state->blocks)
        add_line(&text, "block %u %lld %lld\n", block->number, (long long)block->min_ms, (long long)block->max_ms);
    vec_each (registry, &state->registries)
        add_line(&text, "registry %u %llu\n", registry->number, (unsigned long long)registry->bytes);
    vec_each (head, &state->heads) add_line(&text, "head %u %u\n", head->number, head->registry);
    for (uint32_t i = 0; i < tombstones_count(state->tombstones); i++)
        add_tombstone(&text, &state->tombstones->items[i]);
    add_line(&text, "checksum %016llx\n", (unsigned long long)hash_bytes(text.data, text.count));
    status s = fs_replace_file(fs, name, str_make((const char *)text.data, text.count));
    writer_release(&text);
    return s;
}

status state_save(struct fs *fs, const struct state *state)
{
    return state_save_to(fs, state_name, state);
}

static bool parse_hex(str hex, uint8_t *out, size_t bytes)
{
    if (hex.len != 2 * bytes) return false;
    for (size_t i = 0; i < hex.len; i++) {
        char c = hex.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

/* Cuts a number off the front of a line. */
static bool take_number(str *line, uint64_t max, uint64_t *out)
{
    return str_to_uint64(str_cut(line, ' '), out) && *out <= max;
}

/* What becomes of the text while it is read. */
struct parsed {
    struct state *state;
    vec(struct tombstone) tombstones;
    struct arena arena; /* of their matchers */
};

static bool parse_tombstone(str line, uint32_t number, struct parsed *parsed)
{
    struct tombstone *item = vec_push_slot(&parsed->tombstones);
    int64_t *const times[] = {&item->from_ms, &item->to_ms, &item->created_ms, &item->purge_ms};
    struct matcher *matchers;
    uint64_t head_to;

    *item = (struct tombstone){.number = number};
    if (!take_number(&line, UINT32_MAX, &head_to)) return false;
    item->head_to = (uint32_t)head_to;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (!str_to_int64(str_cut(&line, ' '), times[i])) return false;
    }
    if (!matchers_read(line, &parsed->arena, &matchers, &item->matcher_count)) return false;
    item->matchers = matchers;
    return true;
}

static bool parse_line(str line, struct parsed *parsed)
{
    struct state *state = parsed->state;
    str word = str_cut(&line, ' ');
    uint64_t first, second;

    if (str_equal(word, STR("secret"))) return parse_hex(line, state->secret.bytes, HASH_SECRET_BYTES);
    if (!take_number(&line, UINT32_MAX, &first)) return false;
    if (str_equal(word, STR("tombstone"))) return parse_tombstone(line, (uint32_t)first, parsed);
    if (str_equal(word, STR("next"))) {
        state->next = (uint32_t)first;
    } else if (str_equal(word, STR("block"))) {
        struct state_block block = {.number = (uint32_t)first};
        if (!str_to_int64(str_cut(&line, ' '), &block.min_ms) || !str_to_int64(str_cut(&line, ' '), &block.max_ms))
            return false;
        vec_push(&state->blocks, block);
    } else if (str_equal(word, STR("registry")) && take_number(&line, INT64_MAX, &second)) {
        vec_push(&state->registries, (struct state_registry){(uint32_t)first, second});
    } else if (str_equal(word, STR("head")) && take_number(&line, UINT32_MAX, &second)) {
        vec_push(&state->heads, (struct state_head){(uint32_t)first, (uint32_t)second});
    } else {
        return false;
    }
    return line.len == 0;
}

static status parse_text(str text, struct parsed *out)
{
    static const str checksum = STR("checksum ");
    str rest = text;
    uint8_t sum[8];
    unsigned number = 1;

    str version = str_cut(&rest, '\n');
    if (!str_equal(version, STR("varve state 1")) && !str_equal(version, STR("varve state 2")) &&
        !str_equal(version, STR("varve state 3")))
        return status_make(STATUS_CORRUPT, "state: the first line is not \"varve state 1\", 2 or 3");
    while (rest.len && !str_starts_with(rest, checksum)) {
        str line = str_cut(&rest, '\n');
        number++;
        if (!parse_line(line, out))
            return status_at(STATUS_CORRUPT, (uint64_t)(line.data - text.data), "state: line %u is malformed", number);
    }
    size_t covered = text.len - rest.len;
    str line = str_cut(&rest, '\n');
    if (rest.len || !str_starts_with(line, checksum) ||
        !parse_hex(str_part(line, checksum.len, line.len), sum, sizeof sum))
        return status_make(STATUS_CORRUPT, "state: the checksum is missing");
    uint64_t stored = __builtin_bswap64(load_u64(sum));
    if (stored != hash_bytes(text.data, covered))
        return status_make(STATUS_CORRUPT, "state: the checksum does not match");
    return ok();
}

static status parse(str text, struct state *out)
{
    struct parsed parsed = {.state = out};

    arena_init(&parsed.arena, NULL);
    status s = parse_text(text, &parsed);
    if (!failed(s))
        s = tombstones_make(NULL, NULL, NULL, parsed.tombstones.data, parsed.tombstones.count, &out->tombstones);
    vec_release(&parsed.tombstones);
    arena_release(&parsed.arena);
    return s;
}

status state_load_from(struct fs *fs, const char *name, struct state *out)
{
    struct arena arena;
    str text;

    *out = (struct state){0};
    arena_init(&arena, NULL);
    status s = fs_read_file(fs, name, STATE_BYTES_MAX, &arena, &text);
    if (!failed(s)) s = parse(text, out);
    if (failed(s)) {
        state_release(out);
        *out = (struct state){0};
    }
    arena_release(&arena);
    return s;
}

status state_load(struct fs *fs, struct state *out)
{
    return state_load_from(fs, state_name, out);
}

void state_drop_block(struct state *state, uint32_t number)
{
    size_t kept = 0;

    vec_each (block, &state->blocks) {
        if (block->number != number) state->blocks.data[kept++] = *block;
    }
    state->blocks.count = kept;
}

void state_drop_head(struct state *state, uint32_t number)
{
    size_t kept = 0;

    vec_each (head, &state->heads) {
        if (head->number != number) state->heads.data[kept++] = *head;
    }
    state->heads.count = kept;
}

void state_set_tombstones(struct state *state, struct tombstones *take_tombstones)
{
    tombstones_unref(state->tombstones);
    state->tombstones = take_tombstones;
}

struct state_registry *state_registry(struct state *state, uint32_t number, bool make)
{
    vec_each (registry, &state->registries) {
        if (registry->number == number) return registry;
    }
    if (!make) return NULL;
    vec_push(&state->registries, (struct state_registry){number, 0});
    return vec_last(&state->registries);
}

void state_drop_unused_registries(struct state *state)
{
    size_t kept = 0;

    vec_each (registry, &state->registries) {
        bool used = false;
        vec_each (head, &state->heads) used = used || head->registry == registry->number;
        if (used) state->registries.data[kept++] = *registry;
    }
    state->registries.count = kept;
}
