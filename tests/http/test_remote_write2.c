#include "http/remote_write2.h"
#include "tests/http/message.h"
#include "tests/support/must.h"
#include "tsdb/labels.h"

#include <stdio.h>

/* symbols 0…8 */
static const char *const symbols[] = {"", "__name__", "up", "job", "x", "help text", "seconds", "h_bucket", "trace_id"};

static void put_symbols(struct writer *w)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) put_text(w, 4, str_from(symbols[i]));
}

static void put_sample(struct writer *series, double value, int64_t time_ms, int64_t start_ms)
{
    struct writer sample = {0};

    put_double(&sample, 1, value);
    put_varint(&sample, 2, (uint64_t)time_ms);
    if (start_ms) put_varint(&sample, 3, (uint64_t)start_ms);
    put_message(series, 2, &sample);
}

static void put_exemplar(struct writer *series, uint64_t name, uint64_t value)
{
    struct writer exemplar = {0};

    put_packed(&exemplar, 1, (uint64_t[]){name, value}, 2);
    put_double(&exemplar, 2, 0.5);
    put_varint(&exemplar, 3, 1000);
    put_message(series, 4, &exemplar);
}

static void put_metadata(struct writer *series, uint64_t type, uint64_t help, uint64_t unit)
{
    struct writer metadata = {0};

    put_varint(&metadata, 1, type);
    put_varint(&metadata, 3, help);
    put_varint(&metadata, 4, unit);
    put_message(series, 5, &metadata);
}

/* What a batch holds, as text. */
static str print(const struct write_batch *batch, struct arena *arena)
{
    struct append_batch view = write_batch_view(batch);
    str text = STR("");
    label pair;

    for (size_t i = 0; i < view.series_count; i++) {
        str rest = view.series[i].labels;
        while (labels_next(&rest, &pair))
            text = arena_format(arena, "%.*s%.*s=%.*s,", STR_ARG(text), STR_ARG(pair.name), STR_ARG(pair.value));
        for (size_t j = view.series[i].first; j < view.series[i].first + view.series[i].count; j++) {
            text = arena_format(arena, "%.*s %g@%lld", STR_ARG(text), double_from_bits(view.values[j]),
                                (long long)view.times_ms[j]);
            if (view.histograms && view.histograms[j]) text = arena_format(arena, "%.*s histogram", STR_ARG(text));
            if (view.starts_ms && view.starts_ms[j])
                text = arena_format(arena, "%.*s since %lld", STR_ARG(text), (long long)view.starts_ms[j]);
        }
        text = arena_format(arena, "%.*s\n", STR_ARG(text));
    }
    for (size_t i = 0; i < view.metadata_count; i++)
        text = arena_format(arena, "%.*smeta %.*s %d '%.*s' '%.*s'\n", STR_ARG(text), STR_ARG(view.metadata[i].metric),
                            view.metadata[i].type, STR_ARG(view.metadata[i].help), STR_ARG(view.metadata[i].unit));
    vec_each (entry, &batch->exemplars)
        text = arena_format(arena, "%.*sexemplar %s %g@%lld\n", STR_ARG(text),
                            labels_get((labels){entry->series}, STR("__name__")).len ? "of a series" : "?",
                            entry->value, (long long)entry->time_ms);
    if (batch->malformed)
        text =
            arena_format(arena, "%.*sleft out %zu: %.*s\n", STR_ARG(text), batch->malformed, STR_ARG(batch->complaint));
    return text;
}

/* A series by its references; then what `more` adds. */
static const struct {
    const char *name;
    uint64_t references[5];
    size_t count;
    bool unpacked, sample, exemplar, bad_exemplar, histogram;
    int metadata; /* type, or -1 */
    const char *want;
} cases[] = {
    {"plain", {1, 2, 3, 4}, 4, false, true, false, false, false, -1, "__name__=up,job=x, 1.5@1000 since 7\n"},
    {"unsorted", {3, 4, 1, 2}, 4, false, true, false, false, false, -1, "__name__=up,job=x, 1.5@1000 since 7\n"},
    {"not packed", {1, 2, 3, 4}, 4, true, true, false, false, false, -1, "__name__=up,job=x, 1.5@1000 since 7\n"},
    {"exemplar",
     {1, 2},
     2,
     false,
     true,
     true,
     false,
     false,
     -1,
     "__name__=up, 1.5@1000 since 7\nexemplar of a series 0.5@1000\n"},
    {"only an exemplar", {1, 2}, 2, false, false, true, false, false, -1, "exemplar of a series 0.5@1000\n"},
    {"bad exemplar",
     {1, 2},
     2,
     false,
     true,
     false,
     true,
     false,
     -1,
     "__name__=up, 1.5@1000 since 7\nleft out 1: an exemplar has a reference beyond the symbols\n"},
    {"histogram", {1, 2}, 2, false, false, false, false, true, -1, "__name__=up, 0@0 histogram\n"},
    {"metadata",
     {1, 2},
     2,
     false,
     true,
     false,
     false,
     false,
     2,
     "__name__=up, 1.5@1000 since 7\nmeta up 2 'help text' 'seconds'\n"},
    {"family",
     {1, 7},
     2,
     false,
     true,
     false,
     false,
     false,
     3,
     "__name__=h_bucket, 1.5@1000 since 7\nmeta h 3 'help text' 'seconds'\n"},
    {"odd",
     {1, 2, 3},
     3,
     false,
     true,
     false,
     false,
     false,
     -1,
     "left out 1: a series has a label name without a value\n"},
    {"beyond",
     {1, 9},
     2,
     false,
     true,
     false,
     false,
     false,
     -1,
     "left out 1: a series has a reference beyond the symbols\n"},
    {"nothing",
     {1, 2},
     2,
     false,
     false,
     false,
     false,
     false,
     -1,
     "left out 1: series \"up\" has neither samples nor histograms\n"},
    {"no labels", {0}, 0, false, true, false, false, false, -1, " 1.5@1000 since 7\n"},
};

static str make(size_t i, bool series_first, struct arena *arena)
{
    struct writer request = {0}, series = {0};

    if (!series_first) put_symbols(&request);
    if (cases[i].metadata >= 0) put_metadata(&series, (uint64_t)cases[i].metadata, 5, 6);
    if (cases[i].unpacked) {
        for (size_t j = 0; j < cases[i].count; j++) put_varint(&series, 1, cases[i].references[j]);
    } else {
        put_packed(&series, 1, cases[i].references, cases[i].count);
    }
    if (cases[i].sample) put_sample(&series, 1.5, 1000, 7);
    if (cases[i].exemplar) put_exemplar(&series, 8, 4);
    if (cases[i].bad_exemplar) put_exemplar(&series, 8, 40);
    if (cases[i].histogram) put_text(&series, 3, STR(""));
    put_varint(&series, 6, 12345); /* of older drafts */
    put_message(&request, 5, &series);
    if (series_first) put_symbols(&request);
    return take_message(&request, arena);
}

Test(remote_write2, series)
{
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int order = 0; order < 2; order++) {
            must(write2_decode(make(i, order, &arena), &batch));
            str text = print(&batch, &arena);
            cr_expect(str_equal(text, str_from(cases[i].want)), "%s: %.*s", cases[i].name, STR_ARG(text));
        }
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

/* Every prefix of a message, and every byte changed: no crash; what is refused says where. */
Test(remote_write2, damaged_messages)
{
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        str message = make(i, false, &arena);
        for (size_t len = 0; len < message.len; len++) {
            char *copy = memory_alloc(len); /* so that reading beyond is seen */
            memcpy(copy, message.data, len);
            status s = write2_decode(str_make(copy, len), &batch);
            cr_expect(!failed(s) || s.code == STATUS_INVALID);
            free(copy);
            copy = memory_alloc(message.len);
            memcpy(copy, message.data, message.len);
            copy[len] = (char)(copy[len] ^ 0x55);
            s = write2_decode(str_make(copy, message.len), &batch);
            cr_expect(!failed(s) || s.code == STATUS_INVALID);
            free(copy);
        }
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

Test(remote_write2, the_whole_is_refused)
{
    static const struct {
        str message;
        const char *error;
    } bad[] = {
        {STR("\x22\x01\x61"), "the first symbol must be the empty string"},
        {STR("\x22\x05"), "malformed protobuf at byte 0 of the decompressed message"},
        {STR("\x22\x00\x2A\x02\x12\x05"), "malformed protobuf at byte 4 of the decompressed message"},
        {STR("\x20\x01"), "malformed protobuf at byte 0 of the decompressed message"},
        {STR("\x28\x01"), "malformed protobuf at byte 0 of the decompressed message"},
    };
    struct write_batch batch = {0};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        status s = write2_decode(bad[i].message, &batch);
        cr_expect(s.code == STATUS_INVALID && strcmp(s.text, bad[i].error) == 0, "%zu: %s", i, s.text);
    }
    /* a message of version 1.0 is nothing here, as it should be */
    must(write2_decode(STR("\x0A\x02\x12\x00"), &batch));
    cr_expect(batch.series.count == 0);
    write_batch_release(&batch);
}
