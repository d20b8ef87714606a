/* The growing part of the writer; see bytes.h. */
#include "storage/base/bytes.h"

void writer_grow_(struct writer *w, size_t need)
{
    size_t capacity = w->capacity + w->capacity / 2;

    if (capacity < w->count + need) capacity = w->count + need;
    if (capacity < 64) capacity = 64;
    w->data = memory_realloc(w->data, capacity);
    w->capacity = capacity;
}
