/* A typed vector: `vec(int) numbers = {0};`, pushed to with vec_push, read as numbers.data[i] for i < numbers.count.
 *
 * It owns its memory (vec_release) but not what its items point to. Growing may move the items. For memory that goes
 * with an arena, collect in a vec and copy.
 */
#ifndef VARVE_STORAGE_BASE_VEC_H
#define VARVE_STORAGE_BASE_VEC_H

#include "storage/base/memory.h"

#include <stdlib.h>

#define vec(type)               \
    struct {                    \
        type *data;             \
        size_t count, capacity; \
    }

/* Room for `more` further items. */
#define vec_reserve(v, more) vec_grow_((void **)&(v)->data, &(v)->capacity, (v)->count + (more), sizeof *(v)->data)

#define vec_push(v, ...)                                    \
    do {                                                    \
        if ((v)->count == (v)->capacity) vec_reserve(v, 1); \
        (v)->data[(v)->count++] = (__VA_ARGS__);            \
    } while (0)

/* The new last item, uninitialised. */
#define vec_push_slot(v) (vec_reserve(v, 1), &(v)->data[(v)->count++])

#define vec_last(v) (&(v)->data[(v)->count - 1])

#define vec_each(item, v)                                                                                           \
    for (__typeof__((v)->data + 0) item = (v)->data, item##_end_ = (v)->count ? (v)->data + (v)->count : (v)->data; \
         item < item##_end_; item++)

#define vec_release(v)                  \
    do {                                \
        free((v)->data);                \
        (v)->data = NULL;               \
        (v)->count = (v)->capacity = 0; \
    } while (0)

/* Capacity grows by half, from 8 items. */
static inline void vec_grow_(void **data, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) return;
    size_t next = *capacity + *capacity / 2;
    if (next < 8) next = 8;
    if (next < need) next = need;
    size_t bytes;
    if (__builtin_mul_overflow(next, size, &bytes)) bytes = (size_t)-1;
    *data = memory_realloc(*data, bytes);
    *capacity = next;
}

#endif
