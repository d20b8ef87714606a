/* meta.json; see prom_meta.h. */
#include "prometheus/prom_meta.h"

#include <jansson.h>
#include <stdio.h>

enum { META_BYTES_MAX = 64 << 20 };

static bool read_integer(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value)) return false;
    *out = json_integer_value(value);
    return true;
}

static uint64_t read_count(const json_t *root, const char *name)
{
    int64_t count = 0;

    return read_integer(json_object_get(root, "stats"), name, &count) && count > 0 ? (uint64_t)count : 0;
}

static bool has_hint(const json_t *root, const char *hint)
{
    const json_t *hints = json_object_get(json_object_get(root, "compaction"), "hints");

    for (size_t i = 0; i < json_array_size(hints); i++) {
        const char *text = json_string_value(json_array_get(hints, i));
        if (text && strcmp(text, hint) == 0) return true;
    }
    return false;
}

static status read_root(const json_t *root, const char *name, struct prom_meta *out)
{
    const char *ulid = json_string_value(json_object_get(root, "ulid"));
    int64_t version;

    if (!read_integer(root, "version", &version) || version != 1)
        return status_make(STATUS_UNSUPPORTED, "%s: version is not 1", name);
    if (!read_integer(root, "minTime", &out->min_ms) || !read_integer(root, "maxTime", &out->end_ms) ||
        out->end_ms < out->min_ms)
        return status_make(STATUS_CORRUPT, "%s: minTime and maxTime are no range of time", name);
    snprintf(out->ulid, sizeof out->ulid, "%s", ulid ? ulid : "");
    out->series = read_count(root, "numSeries");
    out->chunks = read_count(root, "numChunks");
    out->samples = read_count(root, "numSamples");
    out->is_out_of_order = has_hint(root, "from-out-of-order");
    return ok();
}

status prom_meta_load(struct fs *fs, const char *name, struct prom_meta *out)
{
    struct arena arena = {0};
    json_error_t error;
    str text;

    *out = (struct prom_meta){0};
    status s = fs_read_file(fs, name, META_BYTES_MAX, &arena, &text);
    if (!failed(s)) {
        json_t *root = json_loadb(text.data, text.len, 0, &error);
        s = root ? read_root(root, name, out) : status_make(STATUS_CORRUPT, "%s: %.100s", name, error.text);
        json_decref(root);
    }
    arena_release(&arena);
    return s;
}

void prom_meta_write(const struct prom_meta *meta, struct writer *out)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "{\n\t\"ulid\": \"%s\",\n\t\"minTime\": %lld,\n\t\"maxTime\": %lld,\n\t\"stats\": {\n"
                       "\t\t\"numSamples\": %llu,\n\t\t\"numSeries\": %llu,\n\t\t\"numChunks\": %llu\n\t},\n"
                       "\t\"compaction\": {\n\t\t\"level\": 1,\n\t\t\"sources\": [\n\t\t\t\"%s\"\n\t\t]\n\t},\n"
                       "\t\"version\": 1\n}\n",
                       meta->ulid, (long long)meta->min_ms, (long long)meta->end_ms, (unsigned long long)meta->samples,
                       (unsigned long long)meta->series, (unsigned long long)meta->chunks, meta->ulid);

    writer_bytes(out, text, (size_t)len);
}
