/* What a batch holds, as text; see batch_print.h. */
#include "tests/http/batch_print.h"

#include "http/histogram_json.h"

static str print_labels(str raw, struct arena *arena)
{
    label pairs[64];
    size_t count = 0;

    while (count < 64 && labels_next(&raw, &pairs[count])) count++;
    labels_sort(pairs, count);
    return labels_print(pairs, count, arena);
}

static str print_histogram(const struct histogram *h, struct arena *arena)
{
    struct writer out = {0};

    histogram_json_write(h, &out);
    str text = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return text;
}

str batch_print(const struct write_batch *batch, struct arena *arena)
{
    struct append_batch view = write_batch_view(batch);
    str text = STR("");

    for (size_t i = 0; i < view.series_count; i++) {
        text = arena_format(arena, "%.*s%.*s", STR_ARG(text), STR_ARG(print_labels(view.series[i].labels, arena)));
        for (size_t j = view.series[i].first; j < view.series[i].first + view.series[i].count; j++) {
            const struct histogram *h = view.histograms ? view.histograms[j] : NULL;
            str value = h ? print_histogram(h, arena) : arena_format(arena, "%g", double_from_bits(view.values[j]));
            text = arena_format(arena, "%.*s %.*s@%lld", STR_ARG(text), STR_ARG(value), (long long)view.times_ms[j]);
            if (view.starts_ms && view.starts_ms[j])
                text = arena_format(arena, "%.*s since %lld", STR_ARG(text), (long long)view.starts_ms[j]);
        }
        text = arena_format(arena, "%.*s\n", STR_ARG(text));
    }
    for (size_t i = 0; i < view.metadata_count; i++)
        text = arena_format(arena, "%.*smeta %.*s %d '%.*s' '%.*s'\n", STR_ARG(text), STR_ARG(view.metadata[i].metric),
                            view.metadata[i].type, STR_ARG(view.metadata[i].help), STR_ARG(view.metadata[i].unit));
    vec_each (entry, &batch->exemplars)
        text = arena_format(arena, "%.*sexemplar %.*s %.*s %g@%lld\n", STR_ARG(text),
                            STR_ARG(print_labels(entry->series, arena)), STR_ARG(print_labels(entry->labels, arena)),
                            entry->value, (long long)entry->time_ms);
    if (batch->malformed)
        text =
            arena_format(arena, "%.*sleft out %zu: %.*s\n", STR_ARG(text), batch->malformed, STR_ARG(batch->complaint));
    return text;
}
