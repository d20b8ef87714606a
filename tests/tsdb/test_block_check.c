/* Verifying a block: a good one has no finding, every flipped bit gives one, and so does every lie of a writer. */
#include "storage/fs_faulty.h"
#include "storage/fs_memory.h"
#include "storage/page_cache.h"
#include "tests/support/must.h"
#include "tests/tsdb/plain_source.h"
#include "tsdb/block.h"

#include <errno.h>

struct findings {
    size_t count;
    char first[300];
};

static void find(void *context, str sentence)
{
    struct findings *findings = context;

    cr_expect(str_starts_with(sentence, STR("block/00000005:")), "%.*s", STR_ARG(sentence));
    if (findings->count++ > 0) return;
    size_t len = sentence.len < sizeof findings->first ? sentence.len : sizeof findings->first - 1;
    memcpy(findings->first, sentence.data, len);
    findings->first[len] = 0;
}

static status check(struct fs *fs, struct findings *findings)
{
    struct page_cache *cache = page_cache_new(1 << 20);
    struct block *block = NULL;
    status s = block_open(fs, 5, cache, &block);

    *findings = (struct findings){0};
    if (!failed(s)) s = block_check(block, find, findings);
    block_unref(block);
    page_cache_free(cache);
    return s;
}

static struct fs *write_block(const struct build_source *source, const struct hash_secret *secret)
{
    struct fs *fs = fs_memory_new();
    struct block_info info = {.number = 5, .secret = *secret};

    must(block_build(fs, source, &info));
    return fs;
}

Test(block_check, every_flipped_bit_is_found)
{
    struct plain_source plain = {.metrics = 2, .hosts = 4, .samples = 3};
    struct build_source source = plain_source(&plain);
    source.metadata = STR("\1\2up\1\0\0");
    struct fs *fs = write_block(&source, &plain.secret);
    struct findings findings;
    uint8_t byte;

    must(check(fs, &findings));
    cr_assert(findings.count == 0, "%s", findings.first);
    for (uint64_t at = 0; fs_memory_peek(fs, "block/00000005", at, &byte); at += TEST_STEP) {
        for (unsigned bit = (unsigned)at % 3; bit < 8; bit += 3) {
            cr_assert(fs_memory_flip(fs, "block/00000005", at, bit));
            status s = check(fs, &findings);
            cr_expect(findings.count > 0 || s.code == STATUS_CORRUPT || s.code == STATUS_UNSUPPORTED,
                      "byte %d bit %u is not found", (int)at, bit);
            cr_assert(fs_memory_flip(fs, "block/00000005", at, bit));
        }
    }
    fs_release(fs);
}

/* Writers that lie. */

static hash128 wrong_fingerprint(void *context, uint32_t ordinal)
{
    struct build_source honest = plain_source(context);
    hash128 hash = honest.fingerprint(context, ordinal);
    hash.high ^= ordinal == 4;
    return hash;
}

static uint32_t unused_value(void *context, uint32_t name)
{
    struct build_source honest = plain_source(context);
    return honest.value_count(context, name) + (name == 1);
}

Test(block_check, lies_of_a_writer)
{
    static const struct {
        const char *what, *sentence;
        hash128 (*fingerprint)(void *context, uint32_t ordinal);
        uint32_t (*value_count)(void *context, uint32_t name);
    } lies[] = {
        {.what = "a fingerprint", .sentence = "fingerprint of series 4", .fingerprint = wrong_fingerprint},
        {.what = "an unused value", .sentence = "set of series of value 3", .value_count = unused_value},
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct plain_source plain = {.metrics = 2, .hosts = 3, .samples = 3};
        struct build_source source = plain_source(&plain);
        struct findings findings;
        if (lies[i].fingerprint) source.fingerprint = lies[i].fingerprint;
        if (lies[i].value_count) source.value_count = lies[i].value_count;
        struct fs *fs = write_block(&source, &plain.secret);
        must(check(fs, &findings));
        cr_expect(findings.count > 0 && strstr(findings.first, lies[i].sentence), "%s: %s", lies[i].what,
                  findings.first);
        fs_release(fs);
    }
}

/* Another secret in the footer than the series were hashed with. */
Test(block_check, a_foreign_secret)
{
    struct plain_source plain = {.metrics = 1, .hosts = 100, .samples = 1};
    struct build_source source = plain_source(&plain);
    struct hash_secret other = {{1, 2, 3}};
    struct fs *fs = write_block(&source, &other);
    struct findings findings;

    must(check(fs, &findings));
    cr_expect(findings.count == 100, "findings have an end: %zu", findings.count);
    fs_release(fs);
}

/* A disk that fails is no damage. */
Test(block_check, io_errors_come_out)
{
    struct plain_source plain = {.metrics = 2, .hosts = 40, .samples = 3};
    struct build_source source = plain_source(&plain);
    struct fs *fs = write_block(&source, &plain.secret), *faulty = fs_faulty_new(fs);
    struct findings findings;

    for (uint64_t k = 1;; k++) {
        fs_faulty_plan(faulty, FAULT_READ, k, EIO, 0);
        status s = check(faulty, &findings);
        cr_expect(findings.count == 0, "call %d: %s", (int)k, findings.first);
        if (!failed(s)) break;
        cr_expect(s.code == STATUS_IO, "call %d: %s", (int)k, s.text);
    }
    fs_release(faulty);
    fs_release(fs);
}
