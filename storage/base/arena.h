/* Memory with one lifetime.
 *
 * Everything allocated from an arena goes at once, when the arena is released or reset; nobody frees pieces. Blocks
 * grow from 4 KiB to 64 KiB; a request larger than a quarter block gets a block of its own. An arena belongs to one
 * thread at a time. Release runs the deferred calls in reverse order, so an arena also gives up references and files.
 */
#ifndef VARVE_STORAGE_BASE_ARENA_H
#define VARVE_STORAGE_BASE_ARENA_H

#include "storage/base/memory.h"
#include "storage/base/public.h"
#include "storage/base/str.h"

#include <stdarg.h>
#include <stdint.h>

struct arena_block;
struct arena_deferred;

struct arena {
    uint8_t *at, *end; /* free part of the newest block */
    struct arena_block *blocks;
    struct arena_deferred *deferred;
    struct account *account; /* charged for each block; may be NULL */
};

VARVE_PUBLIC void arena_init(struct arena *arena, struct account *account);

/* Runs what was deferred, frees all memory, leaves an empty arena. Fine on a zeroed arena. */
VARVE_PUBLIC void arena_release(struct arena *arena);

/* As release, but keeps one block for the next use. */
VARVE_PUBLIC void arena_reset(struct arena *arena);

/* Uninitialised memory, aligned to 16 bytes. Never NULL. */
VARVE_PUBLIC void *arena_alloc(struct arena *arena, size_t bytes);
VARVE_PUBLIC void *arena_zalloc(struct arena *arena, size_t bytes);

/* An array of `count` items; a product that overflows aborts, since counts from input are limited before. */
#define arena_array(arena, type, count)  ((type *)arena_alloc_items((arena), (count), sizeof(type)))
#define arena_zarray(arena, type, count) ((type *)arena_zalloc_items((arena), (count), sizeof(type)))
VARVE_PUBLIC void *arena_alloc_items(struct arena *arena, size_t count, size_t size);
VARVE_PUBLIC void *arena_zalloc_items(struct arena *arena, size_t count, size_t size);

/* A copy of s, followed by a zero byte that is not counted. */
VARVE_PUBLIC str arena_copy_str(struct arena *arena, str s);

/* Formatted text in the arena. */
VARVE_PUBLIC str arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
VARVE_PUBLIC str arena_format_list(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Calls run(context) when the arena is released or reset. */
VARVE_PUBLIC void arena_defer(struct arena *arena, void (*run)(void *context), void *context);

#endif
