/* An answer that is sent while it is made: blocks on their way from the handler's thread to the server's.
 *
 * The handler puts what it has rendered and waits while the client is STREAM_AHEAD_BYTES behind; so an export of any
 * length takes that much memory, and a client that does not read costs no work. The server's thread takes what is
 * there. When there is nothing it lets its connection rest, and is called back when there is more.
 *
 * Two threads have it, one of each side; whoever comes last frees it.
 */
#ifndef VARVE_HTTP_STREAM_H
#define VARVE_HTTP_STREAM_H

#include "http/buffers.h"

#include <stddef.h>

enum {
    STREAM_AHEAD_BYTES = 1 << 20,  /* made at most before they are taken */
    STREAM_BEGIN_BYTES = 256 << 10 /* shorter answers are complete before their first byte */
};

struct stream;

/* How the taking side rests and goes on. `rest` is called by stream_take, `go_on` from the handler's thread, once for
 * each rest. */
struct stream_calls {
    void (*rest)(void *context);
    void (*go_on)(void *context);
    void *context;
};

struct stream *stream_new(const struct stream_calls *calls);

/* The handler's side. Moves all blocks out of a list, and waits until the taking side is close behind. False when
 * nobody takes any more, or gives_up(context), which is asked again and again while it waits, says so. */
bool stream_put(struct stream *stream, struct buffers *from, bool (*gives_up)(void *context), void *context);

/* That was all; or it breaks off here, and the client must see that it does. The stream belongs to the other side then.
 */
void stream_end(struct stream *stream, bool is_whole);

/* The taking side: how many bytes were moved to `out`, or why none. */
enum { STREAM_RESTS = 0, STREAM_ENDED = -1, STREAM_BROKEN = -2 };
ptrdiff_t stream_take(struct stream *stream, void *out, size_t bytes);

/* Nobody takes any more. The stream belongs to the handler's side then. */
void stream_leave(struct stream *stream);

#endif
