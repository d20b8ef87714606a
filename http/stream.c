/* An answer that is sent while it is made; see stream.h. */
#include "http/stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_EVERY_NS = 100 * 1000 * 1000 };

struct stream {
    /* constant */
    struct stream_calls calls;
    /* guarded by mutex */
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    struct buffers ready;
    bool rests;             /* the taking side waits for go_on */
    bool has_end, is_whole; /* the handler has done */
    bool has_left;          /* the taking side has */
};

struct stream *stream_new(const struct stream_calls *calls)
{
    struct stream *stream = memory_zalloc(sizeof *stream);

    stream->calls = *calls;
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_cond_init(&stream->moved, NULL);
    return stream;
}

static void stream_free(struct stream *stream)
{
    buffers_release(&stream->ready);
    pthread_cond_destroy(&stream->moved);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* Waits for the other side, not for long. */
static void wait_locked(struct stream *stream)
{
    struct timespec end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += LOOK_EVERY_NS;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_cond_clockwait(&stream->moved, &stream->mutex, CLOCK_MONOTONIC, &end);
}

/* Wakes the taking side if it rests. */
static void unlock_and_go_on(struct stream *stream)
{
    bool rested = stream->rests;

    stream->rests = false;
    pthread_mutex_unlock(&stream->mutex);
    if (rested) stream->calls.go_on(stream->calls.context);
}

bool stream_put(struct stream *stream, struct buffers *from, bool (*gives_up)(void *context), void *context)
{
    pthread_mutex_lock(&stream->mutex);
    buffers_move(&stream->ready, from);
    if (stream->rests && stream->ready.bytes) {
        unlock_and_go_on(stream);
        pthread_mutex_lock(&stream->mutex);
    }
    bool stays = !stream->has_left;
    while (stays && stream->ready.bytes > STREAM_AHEAD_BYTES) {
        wait_locked(stream);
        stays = !stream->has_left;
        pthread_mutex_unlock(&stream->mutex);
        stays = stays && !gives_up(context);
        pthread_mutex_lock(&stream->mutex);
    }
    pthread_mutex_unlock(&stream->mutex);
    return stays;
}

void stream_end(struct stream *stream, bool is_whole)
{
    pthread_mutex_lock(&stream->mutex);
    stream->has_end = true;
    stream->is_whole = is_whole;
    if (!stream->has_left) {
        unlock_and_go_on(stream);
        return;
    }
    pthread_mutex_unlock(&stream->mutex);
    stream_free(stream);
}

ptrdiff_t stream_take(struct stream *stream, void *out, size_t bytes)
{
    ptrdiff_t taken = STREAM_RESTS;

    pthread_mutex_lock(&stream->mutex);
    bool is_broken = stream->has_end && !stream->is_whole;
    if (is_broken) {
        taken = STREAM_BROKEN; /* what is left is of no use without its end */
    } else if (stream->ready.bytes) {
        taken = (ptrdiff_t)buffers_take(&stream->ready, out, bytes);
        pthread_cond_signal(&stream->moved);
    } else if (stream->has_end) {
        taken = STREAM_ENDED;
    } else {
        stream->rests = true;
        stream->calls.rest(stream->calls.context); /* under the lock, so that go_on comes after it */
    }
    pthread_mutex_unlock(&stream->mutex);
    return taken;
}

void stream_leave(struct stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->has_left = true;
    bool is_last = stream->has_end;
    buffers_release(&stream->ready);
    pthread_cond_signal(&stream->moved);
    pthread_mutex_unlock(&stream->mutex);
    if (is_last) stream_free(stream);
}
