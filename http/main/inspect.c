/* varve inspect: what is in a data folder, as tables for people or as JSON. */
#include "tsdb/inspect.h"
#include "http/main/commands.h"
#include "http/options.h"
#include "http/times.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

static void print_finding(void *context, str sentence)
{
    (void)context;
    fprintf(stderr, "%.*s\n", STR_ARG(sentence));
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

static str print_time(const struct inspect_source *source, int64_t ms, struct arena *arena)
{
    return source->min_ms > source->max_ms ? STR("-") : times_print(ms, arena);
}

static void print_sources(const struct inspection *found)
{
    struct arena arena = {0};

    printf("\n%-14s %-24s %-24s %12s %12s %14s %14s %9s\n", "source", "first sample", "last sample", "series",
           "only here", "samples", "bytes", "B/sample");
    for (size_t i = 0; i < found->source_count; i++) {
        const struct inspect_source *source = &found->sources[i];
        printf("%-5s %-8" PRIu32 " %-24.*s %-24.*s %12" PRIu64 " %12" PRIu64 " %14" PRIu64 " %14" PRIu64 " %9.2f\n",
               source->is_head ? "head" : "block", source->number, STR_ARG(print_time(source, source->min_ms, &arena)),
               STR_ARG(print_time(source, source->max_ms, &arena)), source->series, source->series_only_here,
               source->samples, source->bytes, ratio(source->bytes, source->samples));
    }
    arena_release(&arena);
}

static void print_parts(const struct inspection *found)
{
    uint64_t index = 0;

    printf("\n%-54s %14s %7s %14s\n", "what the bytes of blocks are for", "bytes", "%", "B/series");
    for (int i = 0; i < BLOCK_PART_COUNT; i++) {
        printf("%-54s %14" PRIu64 " %7.2f %14.2f\n", block_part_words[i], found->parts[i],
               100 * ratio(found->parts[i], found->block_bytes), ratio(found->parts[i], found->block_series));
        if (block_part_is_index[i]) index += found->parts[i];
    }
    printf("%-54s %14" PRIu64 " %7.2f %14.2f\n", "of these, index", index, 100 * ratio(index, found->block_bytes),
           ratio(index, found->block_series));
}

static void print_codecs(const struct inspection *found)
{
    printf("\n%-14s %12s %12s %14s %14s %9s\n", "codec", "chunks", "shared", "samples", "bytes", "B/sample");
    for (int i = 0; i < CHUNK_FORM_COUNT; i++) {
        const struct inspect_codec *codec = &found->codecs[i];
        if (codec->chunks == 0) continue;
        printf("%-14s %12" PRIu64 " %12" PRIu64 " %14" PRIu64 " %14" PRIu64 " %9.3f\n", chunk_form_names[i],
               codec->chunks, codec->shared_chunks, codec->samples, codec->bytes, ratio(codec->bytes, codec->samples));
    }
}

static void print_lists(const struct inspection *found)
{
    printf("\n%12s %14s %14s %9s  metric (%zu of %zu)\n", "series", "samples", "bytes", "B/sample", found->metric_count,
           found->metric_total);
    for (size_t i = 0; i < found->metric_count; i++) {
        const struct inspect_metric *metric = &found->metrics[i];
        printf("%12" PRIu64 " %14" PRIu64 " %14" PRIu64 " %9.3f  %.*s\n", metric->series, metric->samples,
               metric->bytes, ratio(metric->bytes, metric->samples), STR_ARG(metric->name));
    }
    printf("\n%12s %14s %14s  label (%zu of %zu)\n", "values", "series", "text bytes", found->label_count,
           found->label_total);
    for (size_t i = 0; i < found->label_count; i++) {
        const struct inspect_label *entry = &found->labels[i];
        printf("%12" PRIu64 " %14" PRIu64 " %14" PRIu64 "  %.*s\n", entry->values, entry->series, entry->text_bytes,
               STR_ARG(entry->name));
    }
    printf("\n%12s  pair (%zu of %zu)\n", "series", found->pair_count, found->pair_total);
    for (size_t i = 0; i < found->pair_count; i++) {
        const struct inspect_pair *pair = &found->pairs[i];
        printf("%12" PRIu64 "  %.*s=%.*s\n", pair->series, STR_ARG(pair->name), STR_ARG(pair->value));
    }
}

static void print_text(const struct inspection *found)
{
    printf("series      %" PRIu64 ", of which %" PRIu64 " are in one block or head only\n", found->series,
           found->series_in_one);
    printf("samples     %" PRIu64 " in blocks\n", found->block_samples);
    printf("blocks      %" PRIu64 " bytes, %.2f a sample\n", found->block_bytes,
           ratio(found->block_bytes, found->block_samples));
    printf("log         %" PRIu64 " bytes, as allocated\n", found->wal_bytes);
    printf("registries  %" PRIu64 " bytes\n", found->registry_bytes);
    print_sources(found);
    print_parts(found);
    print_codecs(found);
    print_lists(found);
}

static json_t *text(str s)
{
    return json_stringn(s.data, s.len);
}

static json_t *json_of_source(const struct inspect_source *source)
{
    bool empty = source->min_ms > source->max_ms;

    return json_pack("{s:s, s:i, s:[i, i], s:I, s:I, s:I, s:I, s:I, s:I}", "kind", source->is_head ? "head" : "block",
                     "number", (int)source->number, "heads", (int)source->head_first, (int)source->head_last, "min_ms",
                     (json_int_t)(empty ? 0 : source->min_ms), "max_ms", (json_int_t)(empty ? 0 : source->max_ms),
                     "series", (json_int_t)source->series, "series_only_here", (json_int_t)source->series_only_here,
                     "samples", (json_int_t)source->samples, "bytes", (json_int_t)source->bytes);
}

static void set_lists(json_t *all, const struct inspection *found)
{
    json_t *sources = json_array(), *metrics = json_array(), *names = json_array(), *pairs = json_array();

    for (size_t i = 0; i < found->source_count; i++) json_array_append_new(sources, json_of_source(&found->sources[i]));
    for (size_t i = 0; i < found->metric_count; i++) {
        const struct inspect_metric *metric = &found->metrics[i];
        json_array_append_new(metrics, json_pack("{s:o, s:I, s:I, s:I}", "name", text(metric->name), "series",
                                                 (json_int_t)metric->series, "samples", (json_int_t)metric->samples,
                                                 "bytes", (json_int_t)metric->bytes));
    }
    for (size_t i = 0; i < found->label_count; i++) {
        const struct inspect_label *entry = &found->labels[i];
        json_array_append_new(names, json_pack("{s:o, s:I, s:I, s:I}", "name", text(entry->name), "values",
                                               (json_int_t)entry->values, "series", (json_int_t)entry->series,
                                               "text_bytes", (json_int_t)entry->text_bytes));
    }
    for (size_t i = 0; i < found->pair_count; i++) {
        const struct inspect_pair *pair = &found->pairs[i];
        json_array_append_new(pairs, json_pack("{s:o, s:o, s:I}", "name", text(pair->name), "value", text(pair->value),
                                               "series", (json_int_t)pair->series));
    }
    json_object_set_new(all, "sources", sources);
    json_object_set_new(all, "metrics", metrics);
    json_object_set_new(all, "labels", names);
    json_object_set_new(all, "pairs", pairs);
}

static void print_json(const struct inspection *found)
{
    json_t *parts = json_object(), *codecs = json_array();
    json_t *all =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "series", (json_int_t)found->series,
                  "series_in_one_source", (json_int_t)found->series_in_one, "block_samples",
                  (json_int_t)found->block_samples, "block_bytes", (json_int_t)found->block_bytes, "wal_bytes",
                  (json_int_t)found->wal_bytes, "registry_bytes", (json_int_t)found->registry_bytes, "metric_count",
                  (json_int_t)found->metric_total, "label_count", (json_int_t)found->label_total, "pair_count",
                  (json_int_t)found->pair_total, "findings", (json_int_t)found->findings);

    for (int i = 0; i < BLOCK_PART_COUNT; i++)
        json_object_set_new(parts, block_part_names[i], json_integer((json_int_t)found->parts[i]));
    for (int i = 0; i < CHUNK_FORM_COUNT; i++) {
        const struct inspect_codec *codec = &found->codecs[i];
        json_array_append_new(codecs,
                              json_pack("{s:s, s:I, s:I, s:I, s:I}", "codec", chunk_form_names[i], "chunks",
                                        (json_int_t)codec->chunks, "shared_chunks", (json_int_t)codec->shared_chunks,
                                        "samples", (json_int_t)codec->samples, "bytes", (json_int_t)codec->bytes));
    }
    json_object_set_new(all, "bytes_by_part", parts);
    json_object_set_new(all, "codecs", codecs);
    set_lists(all, found);
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

static status inspect(const char *path, const struct settings *settings, size_t *findings)
{
    struct inspection found;
    struct arena arena = {0};
    struct stat folder;
    struct fs *fs = NULL;

    if (stat(path, &folder) != 0) return status_errno(errno, path); /* opening it would make one */
    status s = fs_open_folder(path, &fs);
    if (!failed(s)) s = inspect_directory(fs, settings->limit, print_finding, NULL, &found, &arena);
    if (!failed(s)) {
        *findings = found.findings;
        if (settings->json) {
            print_json(&found);
        } else {
            print_text(&found);
        }
    }
    fs_release(fs);
    arena_release(&arena);
    return s;
}

int command_inspect(int count, char *const *arguments)
{
    struct settings settings;
    str *rest = memory_alloc(((size_t)count + 1) * sizeof *rest);
    size_t rest_count, findings = 0;

    status s = options_parse(COMMAND_INSPECT, count, arguments, &settings, rest, &rest_count);
    if (!failed(s) && rest_count != 1)
        s = status_make(STATUS_INVALID, "inspect takes one folder; see varve help inspect");
    if (!failed(s)) s = inspect(rest[0].data, &settings, &findings);
    free(rest);
    if (failed(s)) {
        command_fail(s.text);
        return EXIT_COULD_NOT_LOOK;
    }
    return findings ? EXIT_FINDINGS : EXIT_CLEAN;
}
