/* What tests of prometheus share; see fixture.h. */
#include "tests/prometheus/fixture.h"

#include "prometheus/prom_block_write.h"
#include "storage/fs_memory.h"
#include "tests/storage/random.h"
#include "tests/support/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void fixture_put(struct fs *fs, const char *name, const void *data, size_t bytes)
{
    must(fs_replace_file(fs, name, str_make(data, bytes)));
}

str fixture_get(struct fs *fs, const char *name, struct arena *arena)
{
    str content;

    must(fs_read_file(fs, name, SIZE_MAX, arena, &content));
    return content;
}

uint8_t *fixture_slack(const void *data, size_t bytes)
{
    uint8_t *copy = memory_zalloc(bytes + 32);

    if (bytes) memcpy(copy, data, bytes);
    return copy;
}

static double odd_value(uint64_t *seed, size_t i)
{
    switch (random_below(seed, 10)) {
    case 0: return -0.0;
    case 1: return double_from_bits(STALE_NAN_BITS);
    case 2: return double_from_bits(NORMAL_NAN_BITS);
    case 3: return double_from_bits(0x7FF8000000000000ULL | random_below(seed, 1 << 20));
    case 4: return INFINITY;
    case 5: return double_from_bits(random_next(seed));
    default: return (double)i * 0.1;
    }
}

/* Counts that grow from sample to sample; every 40th begins anew. */
struct counter {
    double zero;
    double buckets[8];
};

static struct histogram *make_histogram(unsigned kind, uint64_t *seed, struct counter *counter, struct arena *arena)
{
    struct histogram *h = arena_zalloc(arena, sizeof *h);
    int32_t *indexes = arena_array(arena, int32_t, 8);
    double *counts = arena_array(arena, double, 8);
    uint32_t kept = 0;
    double grain = kind == 2 || kind == 4 ? 0.25 : 1;

    for (uint32_t i = 0; i < 8; i++) {
        if (random_below(seed, 3) == 0) counter->buckets[i] += grain * random_below(seed, 5);
        if (counter->buckets[i] == 0) continue;
        indexes[kept] = kind == 3 ? (int32_t)i : (int32_t)(i * i) - 10;
        counts[kept++] = counter->buckets[i];
        h->count += counter->buckets[i];
    }
    h->positive = (struct bucket_list){kept, indexes, counts};
    h->is_integer = kind != 2 && kind != 4;
    h->hint = kind == 4 ? HISTOGRAM_GAUGE : HISTOGRAM_UNKNOWN;
    h->sum = h->count * 1.25;
    if (kind == 3) {
        static const double bounds[] = {0.005, 0.1, 1, 2.5, 1e9, 1e10, 1e11};
        h->schema = HISTOGRAM_SCHEMA_CUSTOM;
        h->bounds = bounds;
        h->bound_count = 7;
        return h;
    }
    h->schema = 3;
    h->zero_threshold = kind == 1 ? ldexp(1, -128) : 0.3;
    counter->zero += grain * random_below(seed, 2);
    h->zero_count = counter->zero;
    h->count += h->zero_count;
    h->negative = (struct bucket_list){kept > 2 ? 2 : kept, indexes, counts};
    for (uint32_t i = 0; i < h->negative.count; i++) h->count += counts[i];
    return h;
}

void fixture_samples(unsigned kind, uint64_t seed, int64_t from_ms, size_t count, struct column_buffer *out)
{
    struct counter counter = {0};
    size_t first = out->times.count;

    columns_clear_other(out);
    for (size_t i = 0; i < count; i++) {
        unsigned now = kind < 5 ? kind : (unsigned)(i / 50 % 5);
        struct rich_sample sample = {.time_ms = from_ms + (int64_t)i * FIXTURE_STEP_MS + random_below(&seed, 3)};
        enum histogram_hint hint = HISTOGRAM_UNKNOWN;
        if (i % 40 == 0 || (kind == 5 && i % 50 == 0)) counter = (struct counter){0};
        if (now == 0) {
            sample.value = odd_value(&seed, i);
        } else {
            struct histogram *h = make_histogram(now, &seed, &counter, &out->arena);
            if (i % 71 == 70) {
                *h = (struct histogram){.is_integer = h->is_integer, .hint = h->hint};
                h->sum = double_from_bits(STALE_NAN_BITS);
            }
            sample.value = h->sum;
            sample.histogram = h;
            hint = (enum histogram_hint)h->hint;
        }
        columns_push_other(out, &sample, hint);
    }
    columns_merge(out, first);
    if (kind == 0) out->is_rich = false;
}

str fixture_difference(const samples *a, const samples *b, bool hints, struct arena *arena)
{
    if (a->count != b->count) return arena_format(arena, "%zu samples and %zu", a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct histogram *x = a->histograms ? a->histograms[i] : NULL,
                               *y = b->histograms ? b->histograms[i] : NULL;
        int64_t s = a->starts_ms ? a->starts_ms[i] : 0, t = b->starts_ms ? b->starts_ms[i] : 0;
        if (a->times_ms[i] != b->times_ms[i] || s != t) return arena_format(arena, "times of sample %zu", i);
        if (double_bits(a->values[i]) != double_bits(b->values[i]))
            return arena_format(arena, "sample %zu: %016llx and %016llx", i,
                                (unsigned long long)double_bits(a->values[i]),
                                (unsigned long long)double_bits(b->values[i]));
        if (!x != !y) return arena_format(arena, "the kind of sample %zu", i);
        if (x && (!histogram_equal(x, y) || x->is_integer != y->is_integer))
            return arena_format(arena, "the histogram of sample %zu", i);
        if (x && hints && x->hint != y->hint)
            return arena_format(arena, "the hint of sample %zu: %u and %u", i, x->hint, y->hint);
    }
    return STR("");
}

str fixture_block(struct fs *fs, int64_t from_ms, struct arena *arena)
{
    static const str symbols[] = {STR("0"),        STR("1"),    STR("10"), STR("11"), STR("2"), STR("3"),
                                  STR("4"),        STR("5"),    STR("6"),  STR("7"),  STR("8"), STR("9"),
                                  STR("__name__"), STR("kind"), STR("n"),  STR("s")};
    enum { NAME = 12, KIND, N, S };
    struct prom_block_writer *writer;
    struct column_buffer buffer = {0};
    struct prom_meta meta;

    must(prom_block_writer_open(fs, symbols, 16, 20000, &writer));
    for (uint32_t kind = 0; kind < FIXTURE_KINDS; kind++) {
        static const uint32_t numbers[] = {0, 1, 4, 5, 6, 7};
        for (uint32_t n = 0; n < FIXTURE_SERIES / FIXTURE_KINDS; n++) {
            struct prom_pair pairs[] = {{NAME, S}, {KIND, numbers[kind]}, {N, numbers[n]}};
            columns_clear(&buffer);
            fixture_samples(kind, kind * 100 + n, from_ms, FIXTURE_SAMPLES, &buffer);
            samples view = columns_view(&buffer);
            must(prom_block_writer_add(writer, pairs, 3, &view));
        }
    }
    must(prom_block_writer_finish(writer, &meta));
    column_buffer_release(&buffer);
    return arena_copy_str(arena, str_from(meta.ulid));
}

static void copy_folder(struct fs *from, const char *folder, struct fs *to, const char *as, struct arena *arena)
{
    str *names;
    size_t count;

    must(fs_list(from, folder, arena, &names, &count));
    for (size_t i = 0; i < count; i++) {
        str content = fixture_get(from, arena_format(arena, "%s/%.*s", folder, STR_ARG(names[i])).data, arena);
        fixture_put(to, arena_format(arena, "%s/%.*s", as, STR_ARG(names[i])).data, content.data, content.len);
    }
}

struct fs *fixture_block_in_memory(int64_t from_ms)
{
    struct arena arena = {0};
    struct fs *folder, *memory = fs_memory_new();
    const char *path;

    must(folder_make_temporary(&arena, &path));
    must(fs_open_folder(path, &folder));
    str name = fixture_block(folder, from_ms, &arena);
    copy_folder(folder, name.data, memory, "b", &arena);
    copy_folder(folder, arena_format(&arena, "%.*s/chunks", STR_ARG(name)).data, memory, "b/chunks", &arena);
    fs_release(folder);
    arena_release(&arena);
    return memory;
}

void fixture_damage(struct fs *fs, const char *name, size_t step,
                    void (*try)(struct fs *damaged, const char *what, size_t at))
{
    struct arena arena = {0};
    str content = fixture_get(fs, name, &arena);
    char *copy = memory_alloc(content.len + 1);

    for (size_t at = 0; at < content.len; at += step) {
        fixture_put(fs, name, content.data, at);
        try(fs, "cut", at);
        memcpy(copy, content.data, content.len);
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
        fixture_put(fs, name, copy, content.len);
        try(fs, "flipped", at);
    }
    fixture_put(fs, name, content.data, content.len);
    free(copy);
    arena_release(&arena);
}

static void put_samples(const samples *found, struct writer *out)
{
    char text[64];

    for (size_t i = 0; i < found->count; i++) {
        int len = snprintf(text, sizeof text, " %lld:%016llx", (long long)found->times_ms[i],
                           (unsigned long long)double_bits(found->values[i]));
        writer_bytes(out, text, (size_t)len);
        if (!found->histograms || !found->histograms[i]) continue;
        struct rich_sample sample = {0, 0, found->values[i], found->histograms[i]};
        size_t before = out->count;
        rich_row_write(NULL, &sample, out);
        for (size_t k = before; k < out->count; k++) out->data[k] = (uint8_t)('a' + (out->data[k] * 7 + 3) % 26);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

str fixture_all(struct db *db, struct arena *arena)
{
    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct select_request request = {.from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct column_buffer buffer = {0};
    struct selection *selection;
    struct writer line = {0}, all = {0};
    vec(str) lines = {0};

    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t i = 0; i < selection_count(selection); i++) {
        struct label_id ids[LABELS_MAX];
        label pairs[LABELS_MAX];
        size_t count;
        samples found;
        must(selection_label_pairs(selection, i, ids, &count));
        for (size_t k = 0; k < count; k++)
            pairs[k] = (label){snapshot_string(snapshot, ids[k].name), snapshot_string(snapshot, ids[k].value)};
        cr_assert(selection_read(selection, i, &buffer, &found), "%s", buffer.error.text);
        line.count = 0;
        str labels = labels_print(pairs, count, arena);
        writer_bytes(&line, labels.data, labels.len);
        put_samples(&found, &line);
        writer_u8(&line, '\n');
        vec_push(&lines, arena_copy_str(arena, str_make((const char *)line.data, line.count)));
    }
    qsort(lines.data, lines.count, sizeof *lines.data, compare_lines);
    vec_each (text, &lines) writer_bytes(&all, text->data, text->len);
    str out = arena_copy_str(arena, str_make((const char *)all.data, all.count));
    vec_release(&lines);
    writer_release(&line);
    writer_release(&all);
    column_buffer_release(&buffer);
    snapshot_release(snapshot);
    return out;
}
