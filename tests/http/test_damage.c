/* Damaged blocks as clients see them: a warning where an answer has a place for one, else an error. */
#include "storage/base/log.h"
#include "storage/fs_memory.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"
#include "tsdb/db.h"

#include <stdio.h>

static void quiet(void *context, enum log_level level, str line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* A few series in a block; all samples lie at 1 s. */
static void open_site(struct site *site)
{
    log_set_sink(quiet, NULL);
    site_open(site);
    site_load_few(site);
    must(db_freeze(site->fixture.db));
}

/* Flips bits of the only block, in every fourth byte from `first` on; but the last `kept` bytes stay. */
static void damage(struct site *site, uint64_t first, uint64_t end, uint64_t kept)
{
    struct arena arena;
    struct file *file;
    char name[64];
    str *names;
    size_t count;
    uint64_t size;

    arena_init(&arena, NULL);
    must(fs_list(site->fixture.fs, "block", &arena, &names, &count));
    cr_assert(count == 1);
    snprintf(name, sizeof name, "block/%.*s", STR_ARG(names[0]));
    must(fs_open(site->fixture.fs, name, FS_READ, &file));
    must(file_size(file, &size));
    file_close(file);
    for (uint64_t at = first; at < end && at + kept < size; at += 4)
        cr_assert(fs_memory_flip(site->fixture.fs, name, at, 2));
    arena_release(&arena);
}

struct target_case {
    const char *target;
    unsigned code;
    const char *part; /* of the answer */
};

static void check_targets(struct site *site, const struct target_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reply reply = site_get(site, cases[i].target);
        cr_expect(reply.code == cases[i].code && contains(reply.body, cases[i].part), "%s: %u %.*s", cases[i].target,
                  reply.code, STR_ARG(reply.body));
    }
}

Test(damage, of_samples_is_a_warning)
{
    static const struct target_case cases[] = {
        {"/api/v1/query?query=up&time=1", 200, "\"warnings\":[\"damaged data of block "},
        {"/api/v1/query?query=sum(rate(up[1m]))&time=1", 200, "\"warnings\":[\"damaged data of block "},
        {"/api/v1/query_range?query=http_requests_total&start=0&end=2&step=1", 200, " is left out: block/000"},
        {"/api/v1/query?query=up&time=1000", 200, "\"result\":[]}}"}, /* it does not touch the block */
        {"/api/v1/series?match[]=up", 200, "{\"__name__\":\"up\",\"instance\":\"b\",\"job\":\"node\"}]}"},
        {"/api/v1/label/job/values", 200, "[\"api\",\"node\"]}"},
        {"/api/v1/export?match[]=up", 500, "does not match its checksum"},
    };
    struct site site;

    open_site(&site);
    damage(&site, 64, 64 + 3 * 20, 0);
    check_targets(&site, cases, sizeof cases / sizeof cases[0]);
    site_close(&site);
}

Test(damage, of_an_index_is_a_warning)
{
    static const struct target_case cases[] = {
        {"/api/v1/query?query=up&time=1", 200, "\"result\":[]},\"warnings\":[\"damaged data of block "},
        {"/api/v1/query?query=up&time=1000", 200, "\"result\":[]}}"},
        {"/api/v1/series?match[]=up", 200, "\"data\":[],\"warnings\":[\"damaged data of block "},
        {"/api/v1/label/job/values", 200, "\"data\":[],\"warnings\":[\"damaged data of block "},
        {"/api/v1/labels?match[]=up", 200, "\"data\":[],\"warnings\":[\"damaged data of block "},
        {"/api/v1/export?match[]=up", 500, "does not match its checksum"},
    };
    struct site site;

    open_site(&site);
    damage(&site, 64, UINT64_MAX, 400);
    check_targets(&site, cases, sizeof cases / sizeof cases[0]);
    site_close(&site);
}
