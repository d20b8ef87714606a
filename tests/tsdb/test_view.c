/* Views keep what they show, whatever order they are given up in. */
#include "tsdb/view.h"

#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/plain_source.h"

#include <pthread.h>
#include <stdio.h>

enum { BLOCKS = 3 };

struct world {
    struct fs *fs;
    struct page_cache *cache;
    struct block *blocks[BLOCKS];
    struct head *live, *frozen;
};

static void make_world(struct world *world)
{
    static const struct hash_secret secret = {{1}};
    struct plain_source plain = {.metrics = 1, .hosts = 1, .samples = 1};
    struct registry *registry = registry_new(&secret, 1);

    world->fs = fs_memory_new();
    world->cache = page_cache_new(1 << 20);
    for (uint32_t i = 0; i < BLOCKS; i++) world->blocks[i] = plain_block(&plain, world->fs, i, world->cache);
    world->frozen = head_new(7, registry);
    world->live = head_new(8, registry);
    registry_unref(registry);
}

static void release_world(struct world *world)
{
    page_cache_free(world->cache);
    fs_release(world->fs);
}

static bool exists(struct world *world, uint32_t number)
{
    char name[BLOCK_NAME_BYTES];
    uint8_t byte;

    block_name(name, number);
    return fs_memory_peek(world->fs, name, 0, &byte);
}

/* All references but the views' are given up; heads and blocks live until the last view has gone. */
Test(view, holds_what_it_shows)
{
    struct world world;

    make_world(&world);
    struct view *old = view_new(world.live, world.frozen, world.blocks, 2, NULL, NULL);
    struct view *new = view_new(world.live, NULL, world.blocks, 2, world.blocks[2], NULL);
    cr_expect(old->block_count == 2 && old->frozen == world.frozen && old->live == world.live);
    cr_expect(new->block_count == 3 && new->blocks[2] == world.blocks[2] && new->frozen == NULL);
    for (int i = 0; i < BLOCKS; i++) {
        block_drop(world.blocks[i]);
        block_unref(world.blocks[i]);
    }
    head_unref(world.live);
    head_unref(world.frozen);
    cr_expect(exists(&world, 0) && exists(&world, 2));
    view_ref(new);
    view_unref(new);
    view_unref(new);
    cr_expect(exists(&world, 0) && exists(&world, 1) && !exists(&world, 2), "the other view still shows two");
    cr_expect(head_number(old->live) == 8 && head_number(old->frozen) == 7);
    view_unref(old);
    cr_expect(!exists(&world, 0) && !exists(&world, 1));
    view_unref(NULL);
    release_world(&world);
}

Test(view, of_nothing)
{
    struct world world;

    make_world(&world);
    struct view *view = view_new(NULL, NULL, NULL, 0, NULL, NULL),
                *one = view_new(NULL, NULL, NULL, 0, world.blocks[0], NULL);
    cr_expect(view->block_count == 0 && !view->live && !view->frozen && view->broken_count == 0);
    cr_expect(one->block_count == 1 && one->blocks[0] == world.blocks[0]);
    view_unref(view);
    view_unref(one);
    for (int i = 0; i < BLOCKS; i++) block_unref(world.blocks[i]);
    head_unref(world.live);
    head_unref(world.frozen);
    release_world(&world);
}

static void *ref_and_unref(void *context)
{
    for (int i = 0; i < 20000; i++) {
        view_ref(context);
        view_unref(context);
    }
    return NULL;
}

Test(view, threads)
{
    struct world world;
    pthread_t threads[4];

    make_world(&world);
    struct view *view = view_new(world.live, world.frozen, world.blocks, BLOCKS, NULL, NULL);
    for (int i = 0; i < BLOCKS; i++) block_unref(world.blocks[i]);
    head_unref(world.live);
    head_unref(world.frozen);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, ref_and_unref, view);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    cr_expect(view->block_count == BLOCKS && head_number(view->live) == 8);
    view_unref(view);
    release_world(&world);
}
