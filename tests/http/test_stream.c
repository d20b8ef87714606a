#include "http/stream.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* The taking side: it rests by waiting for a flag. */
struct taker {
    struct stream *stream;
    _Atomic int rests, goes_on;
    _Atomic bool gives_up;
};

static void rest(void *context)
{
    ((struct taker *)context)->rests++;
}

static void go_on(void *context)
{
    ((struct taker *)context)->goes_on++;
}

static bool gives_up(void *context)
{
    return ((struct taker *)context)->gives_up;
}

static void taker_open(struct taker *taker)
{
    const struct stream_calls calls = {rest, go_on, taker};

    *taker = (struct taker){0};
    taker->stream = stream_new(&calls);
}

enum { TOTAL = 20 << 20 };

static void *produce(void *context)
{
    struct taker *taker = context;
    static uint8_t piece[100000];
    size_t made = 0;

    while (made < TOTAL) {
        struct buffers blocks = {0};
        for (size_t i = 0; i < sizeof piece; i++) piece[i] = (uint8_t)((made + i) % 251);
        buffers_append(&blocks, piece, sizeof piece);
        made += sizeof piece;
        cr_expect(stream_put(taker->stream, &blocks, gives_up, taker) && blocks.bytes == 0);
    }
    stream_end(taker->stream, true);
    return NULL;
}

Test(stream, bytes_come_in_order)
{
    struct taker taker;
    pthread_t producer;
    uint8_t part[30000];
    size_t taken = 0;
    bool is_good = true, has_end = false;

    taker_open(&taker);
    cr_expect(stream_take(taker.stream, part, sizeof part) == STREAM_RESTS && taker.rests == 1);
    pthread_create(&producer, NULL, produce, &taker);
    while (!has_end) {
        while (taker.rests > taker.goes_on) usleep(100);
        ptrdiff_t count = stream_take(taker.stream, part, sizeof part);
        for (ptrdiff_t i = 0; i < count; i++) is_good = is_good && part[i] == (taken + (size_t)i) % 251;
        if (count > 0) taken += (size_t)count;
        has_end = count == STREAM_ENDED;
        cr_assert(count != STREAM_BROKEN);
    }
    cr_expect(is_good && taken >= TOTAL);
    pthread_join(producer, NULL);
    cr_expect(taker.rests == taker.goes_on);
    stream_leave(taker.stream);
}

static void *put_much(void *context)
{
    struct taker *taker = context;
    struct buffers blocks = {0};
    static const uint8_t piece[3 << 20];

    buffers_append(&blocks, piece, sizeof piece);
    return stream_put(taker->stream, &blocks, gives_up, taker) ? taker : NULL;
}

/* The handler waits while the client is behind, until that leaves, or until it is told to give up. */
Test(stream, waits_for_the_client)
{
    for (int way = 0; way < 3; way++) {
        struct taker taker;
        pthread_t producer;
        void *stays;
        static uint8_t part[64 << 10];
        taker_open(&taker);
        pthread_create(&producer, NULL, put_much, &taker);
        size_t taken = 0;
        while (taken < (1 << 20)) { /* 2 MiB are left: too far behind */
            ptrdiff_t count = stream_take(taker.stream, part, sizeof part);
            if (count > 0) taken += (size_t)count;
        }
        usleep(20000);
        if (way == 0) taker.gives_up = true;
        if (way == 1) stream_leave(taker.stream);
        while (way == 2 && taken < (3 << 20) - STREAM_AHEAD_BYTES) {
            ptrdiff_t count = stream_take(taker.stream, part, sizeof part);
            if (count > 0) taken += (size_t)count;
        }
        pthread_join(producer, &stays);
        cr_expect((stays != NULL) == (way == 2), "way %d", way);
        stream_end(taker.stream, way == 2);
        if (way == 1) continue;
        ptrdiff_t outcome = stream_take(taker.stream, part, sizeof part);
        cr_expect(way == 0 ? outcome == STREAM_BROKEN : outcome > 0, "what breaks off is not sent to its end");
        stream_leave(taker.stream);
    }
}
