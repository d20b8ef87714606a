/* Allocation that does not fail, and accounts; see memory.h. */
#include "storage/base/memory.h"

#include "storage/base/log.h"

#include <assert.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *check(void *memory, size_t bytes)
{
    if (!memory) {
        log_error("out of memory", "bytes=%zu", bytes);
        abort();
    }
    return memory;
}

void *memory_alloc(size_t bytes)
{
    return check(malloc(bytes ? bytes : 1), bytes);
}

void *memory_zalloc(size_t bytes)
{
    return check(calloc(1, bytes ? bytes : 1), bytes);
}

void *memory_realloc(void *old, size_t bytes)
{
    return check(realloc(old, bytes ? bytes : 1), bytes);
}

void memory_trim(void)
{
    (void)malloc_trim(0);
}

/* Segments that may not be written to are the same in their file, so that they can be dropped and read again. */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *context)
{
    const uintptr_t page_bytes = *(const uintptr_t *)context;

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page_bytes - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* a hint: refused, it changes nothing */
    }
    return 0;
}

void memory_drop_code(void)
{
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

    dl_iterate_phdr(drop_segments, &page_bytes);
}

void *memory_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return check(memory == MAP_FAILED ? NULL : memory, bytes);
}

void memory_unmap(void *memory, size_t bytes)
{
    if (memory) munmap(memory, bytes);
}

void account_init(struct account *account, size_t limit_bytes, struct account *parent)
{
    atomic_init(&account->used_bytes, 0);
    atomic_init(&account->peak_bytes, 0);
    account->limit_bytes = limit_bytes;
    account->parent = parent;
}

void account_charge(struct account *account, size_t bytes)
{
    for (; account; account = account->parent) {
        size_t used = atomic_fetch_add_explicit(&account->used_bytes, bytes, memory_order_relaxed) + bytes;
        size_t peak = atomic_load_explicit(&account->peak_bytes, memory_order_relaxed);
        while (used > peak && !atomic_compare_exchange_weak_explicit(&account->peak_bytes, &peak, used,
                                                                     memory_order_relaxed, memory_order_relaxed)) {}
    }
}

void account_return(struct account *account, size_t bytes)
{
    for (; account; account = account->parent) {
        size_t before = atomic_fetch_sub_explicit(&account->used_bytes, bytes, memory_order_relaxed);
        assert(before >= bytes);
        (void)before;
    }
}

bool account_over(const struct account *account)
{
    for (; account; account = account->parent) {
        if (account->limit_bytes &&
            atomic_load_explicit(&account->used_bytes, memory_order_relaxed) > account->limit_bytes)
            return true;
    }
    return false;
}
