/* Reading a registry's file; see registry_file.h. */
#include "tsdb/registry_file.h"

#include "storage/record.h"
#include "tsdb/db_internal.h"

#include <stdio.h>

struct findings {
    const char *file;
    void (*finding)(void *context, str sentence);
    void *context;
};

static void find(const struct findings *findings, uint64_t at, const char *text)
{
    char sentence[STATUS_TEXT_BYTES + 64];
    int len = snprintf(sentence, sizeof sentence, "%s:%llu: %s", findings->file, (unsigned long long)at, text);

    findings->finding(findings->context, str_make(sentence, (size_t)len));
}

static void apply_records(struct registry *registry, const struct writer *content, const struct findings *findings)
{
    struct reader rest = reader_make(content->data, content->count);
    struct writer scratch = {0};
    struct record record;

    for (;;) {
        const uint8_t *payload, *place = rest.at;
        size_t size;
        enum record_outcome outcome = record_next(&rest, &record);
        if (outcome == RECORD_END) break;
        status applied = outcome == RECORD_GOOD && record_payload(&record, &scratch, &payload, &size)
                             ? registry_apply(registry, payload, size)
                             : status_make(STATUS_CORRUPT, "a record does not match its checksum");
        if (failed(applied)) find(findings, (uint64_t)(place - content->data), applied.text);
    }
    writer_release(&scratch);
}

status registry_file_apply(struct fs *fs, struct registry *registry, uint64_t bytes,
                           void (*finding)(void *context, str sentence), void *context)
{
    char name[32];
    struct findings findings = {name, finding, context};
    struct writer content = {0};
    struct file *file;

    if (bytes == 0) return ok();
    registry_file_name(name, sizeof name, registry_number(registry));
    status s = fs_open(fs, name, FS_READ, &file);
    if (s.code == STATUS_NOT_FOUND) {
        find(&findings, 0, "the file is missing");
        return ok();
    }
    TRY(s);
    s = file_read(file, 0, writer_reserve(&content, (size_t)bytes), (size_t)bytes);
    file_close(file);
    if (!failed(s)) content.count = (size_t)bytes;
    apply_records(registry, &content, &findings);
    if (s.code == STATUS_CORRUPT) {
        find(&findings, 0, s.text);
        s = ok();
    }
    writer_release(&content);
    return s;
}
