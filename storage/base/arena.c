/* Memory with one lifetime; see arena.h. */
#include "storage/base/arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 65536, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of the whole allocation, this header included */
    uint8_t data[];
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "block data must be aligned");

struct arena_deferred {
    struct arena_deferred *next;
    void (*run)(void *context);
    void *context;
};

void arena_init(struct arena *arena, struct account *account)
{
    *arena = (struct arena){.account = account};
}

static void free_block(struct arena *arena, struct arena_block *block)
{
    account_return(arena->account, block->bytes);
    free(block);
}

static void run_deferred(struct arena *arena)
{
    while (arena->deferred) {
        struct arena_deferred *call = arena->deferred;
        arena->deferred = call->next;
        call->run(call->context);
    }
}

void arena_release(struct arena *arena)
{
    run_deferred(arena);
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free_block(arena, block);
    }
    arena->at = arena->end = NULL;
}

/* The newest regular block is kept: it is the largest of them. Blocks made for one large item are not. */
void arena_reset(struct arena *arena)
{
    struct arena_block *keep = NULL;

    run_deferred(arena);
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        if (!keep && block->bytes <= BLOCK_BYTES_MAX) {
            keep = block;
        } else {
            free_block(arena, block);
        }
    }
    arena->at = arena->end = NULL;
    if (keep) {
        keep->next = NULL;
        arena->blocks = keep;
        arena->at = keep->data;
        arena->end = (uint8_t *)keep + keep->bytes;
    }
}

static struct arena_block *add_block(struct arena *arena, size_t bytes)
{
    struct arena_block *block = memory_alloc(bytes);

    block->bytes = bytes;
    account_charge(arena->account, bytes);
    return block;
}

static void *alloc_slow(struct arena *arena, size_t bytes)
{
    size_t next = arena->blocks ? 2 * arena->blocks->bytes : BLOCK_BYTES_MIN;

    if (next > BLOCK_BYTES_MAX) next = BLOCK_BYTES_MAX;
    if (next < BLOCK_BYTES_MIN) next = BLOCK_BYTES_MIN;
    if (bytes > BLOCK_BYTES_MAX / 4) {
        /* A block of its own goes behind the current one, which stays open. */
        struct arena_block *block = add_block(arena, sizeof *block + bytes);
        if (arena->blocks) {
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = NULL;
            arena->blocks = block;
            arena->at = arena->end = NULL;
        }
        return block->data;
    }
    while (next < sizeof(struct arena_block) + bytes) next *= 2;
    struct arena_block *block = add_block(arena, next);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->data + bytes;
    arena->end = (uint8_t *)block + next;
    return block->data;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes == 0) bytes = 1; /* an arena without blocks has no address to give */
    size_t rounded = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

    if (rounded < bytes) return memory_alloc(SIZE_MAX); /* aborts */
    if (rounded <= (size_t)(arena->end - arena->at)) {
        void *memory = arena->at;
        arena->at += rounded;
        return memory;
    }
    return alloc_slow(arena, rounded);
}

void *arena_zalloc(struct arena *arena, size_t bytes)
{
    return memset(arena_alloc(arena, bytes), 0, bytes);
}

void *arena_alloc_items(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return arena_alloc(arena, bytes);
}

void *arena_zalloc_items(struct arena *arena, size_t count, size_t size)
{
    return memset(arena_alloc_items(arena, count, size), 0, count * size);
}

str arena_copy_str(struct arena *arena, str s)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (s.len) memcpy(copy, s.data, s.len);
    copy[s.len] = 0;
    return str_make(copy, s.len);
}

str arena_format_list(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0) len = 0;
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return str_make(text, (size_t)len);
}

str arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_format_list(arena, format, args);
    va_end(args);
    return text;
}

void arena_defer(struct arena *arena, void (*run)(void *context), void *context)
{
    struct arena_deferred *call = arena_alloc(arena, sizeof *call);

    *call = (struct arena_deferred){arena->deferred, run, context};
    arena->deferred = call;
}
