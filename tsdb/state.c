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
}

struct state state_copy(const struct state *state)
{
    struct state copy = {.next = state->next, .secret = state->secret};

    vec_each (block, &state->blocks) vec_push(&copy.blocks, *block);
    vec_each (head, &state->heads) vec_push(&copy.heads, *head);
    vec_each (registry, &state->registries) vec_push(&copy.registries, *registry);
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

status state_save(struct fs *fs, const struct state *state)
{
    struct writer text = {0};

    add_line(&text, "varve state 1\nnext %u\nsecret ", state->next);
    for (int i = 0; i < HASH_SECRET_BYTES; i++) add_line(&text, "%02x", state->secret.bytes[i]);
    add_line(&text, "\n");
    vec_each (block, &state->blocks)
        add_line(&text, "block %u %lld %lld\n", block->number, (long long)block->min_ms, (long long)block->max_ms);
    vec_each (registry, &state->registries)
        add_line(&text, "registry %u %llu\n", registry->number, (unsigned long long)registry->bytes);
    vec_each (head, &state->heads) add_line(&text, "head %u %u\n", head->number, head->registry);
    add_line(&text, "checksum %016llx\n", (unsigned long long)hash_bytes(text.data, text.count));
    status s = fs_replace_file(fs, state_name, str_make((const char *)text.data, text.count));
    writer_release(&text);
    return s;
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

static bool parse_line(str line, struct state *state)
{
    str word = str_cut(&line, ' ');
    uint64_t first, second;

    if (str_equal(word, STR("secret"))) return parse_hex(line, state->secret.bytes, HASH_SECRET_BYTES);
    if (!take_number(&line, UINT32_MAX, &first)) return false;
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

static status parse(str text, struct state *out)
{
    static const str checksum = STR("checksum ");
    str rest = text;
    uint8_t sum[8];
    unsigned number = 1;

    if (!str_equal(str_cut(&rest, '\n'), STR("varve state 1")))
        return status_make(STATUS_CORRUPT, "state: the first line is not \"varve state 1\"");
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

status state_load(struct fs *fs, struct state *out)
{
    struct arena arena;
    str text;

    *out = (struct state){0};
    arena_init(&arena, NULL);
    status s = fs_read_file(fs, state_name, STATE_BYTES_MAX, &arena, &text);
    if (!failed(s)) s = parse(text, out);
    if (failed(s)) {
        state_release(out);
        *out = (struct state){0};
    }
    arena_release(&arena);
    return s;
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
