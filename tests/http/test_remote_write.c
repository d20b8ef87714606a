#include "http/remote_write.h"
#include "storage/base/arena.h"
#include "tests/support/test.h"
#include "tsdb/labels.h"

/* Messages are put together from these. L is a label field, S a sample field, T a series field. */
#define L(content_len, name_len, name, value_len, value) "\x0A" content_len "\x0A" name_len name "\x12" value_len value
#define A1                                               L("\x06", "\x01", "a", "\x01", "1")
#define B2                                               L("\x06", "\x01", "b", "\x01", "2")
#define ONE                                              "\x09\0\0\0\0\0\0\xF0\x3F"
#define S_ONE_AT_1                                       "\x12\x0B" ONE "\x10\x01"

/* What a batch holds: `{labels} value@time …; ` for each series, then metadata, then counts; or the error. */
static const struct {
    const char *name;
    str message;
    const char *batch;
} messages[] = {
    {"empty", STR(""), ""},
    {"one sample", STR("\x0A\x15" A1 S_ONE_AT_1), "{a=\"1\"} 1@1; "},
    {"two labels", STR("\x0A\x1D" A1 B2 S_ONE_AT_1), "{a=\"1\", b=\"2\"} 1@1; "},
    {"two samples", STR("\x0A\x22" A1 S_ONE_AT_1 S_ONE_AT_1), "{a=\"1\"} 1@1 1@1; "},
    {"two series", STR("\x0A\x15" A1 S_ONE_AT_1 "\x0A\x15" B2 S_ONE_AT_1), "{a=\"1\"} 1@1; {b=\"2\"} 1@1; "},
    {"sample before label", STR("\x0A\x15" S_ONE_AT_1 A1), "{a=\"1\"} 1@1; "},
    {"labels apart", STR("\x0A\x1D" A1 S_ONE_AT_1 B2), "{a=\"1\", b=\"2\"} 1@1; "},
    {"labels apart, twice", STR("\x0A\x1D" A1 S_ONE_AT_1 B2 "\x0A\x1D" B2 S_ONE_AT_1 A1),
     "{a=\"1\", b=\"2\"} 1@1; {b=\"2\", a=\"1\"} 1@1; "},
    {"time before value", STR("\x0A\x15" A1 "\x12\x0B\x10\x01" ONE), "{a=\"1\"} 1@1; "},
    {"value only", STR("\x0A\x13" A1 "\x12\x09" ONE), "{a=\"1\"} 1@0; "},
    {"time only", STR("\x0A\x0C" A1 "\x12\x02\x10\x05"), "{a=\"1\"} 0@5; "},
    {"empty sample", STR("\x0A\x0A" A1 "\x12\x00"), "{a=\"1\"} 0@0; "},
    {"last value wins", STR("\x0A\x1E" A1 "\x12\x14\x09\0\0\0\0\0\0\0\x40" ONE "\x10\x01"), "{a=\"1\"} 1@1; "},
    {"last time wins", STR("\x0A\x0E" A1 "\x12\x04\x10\x05\x10\x06"), "{a=\"1\"} 0@6; "},
    {"negative time", STR("\x0A\x15" A1 "\x12\x0B\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "{a=\"1\"} 0@-1; "},
    {"today", STR("\x0A\x11" A1 "\x12\x07\x10\x80\xF0\xD5\xC9\x82\x34"), "{a=\"1\"} 0@1787397765120; "},
    {"stale", STR("\x0A\x13" A1 "\x12\x09\x09\x02\0\0\0\0\0\xF0\x7F"), "{a=\"1\"} stale@0; "},
    {"no labels", STR("\x0A\x0D" S_ONE_AT_1), "{} 1@1; "},
    {"no samples", STR("\x0A\x08" A1), ""},
    {"empty series", STR("\x0A\x00"), ""},
    {"empty label", STR("\x0A\x0F\x0A\x00" S_ONE_AT_1), "{\"\"=\"\"} 1@1; "},
    {"value before name",
     STR("\x0A\x15\x0A\x06\x12\x01"
         "1\x0A\x01"
         "a" S_ONE_AT_1),
     "{a=\"1\"} 1@1; "},
    {"label without value",
     STR("\x0A\x12\x0A\x03\x0A\x01"
         "a" S_ONE_AT_1),
     "{a=\"\"} 1@1; "},
    {"unknown in label",
     STR("\x0A\x17\x0A\x08\x0A\x01"
         "a\x18\x07\x12\x01"
         "1" S_ONE_AT_1),
     "{a=\"1\"} 1@1; "},
    {"unknown in sample", STR("\x0A\x17" A1 "\x12\x0D" ONE "\x10\x01\x18\x07"), "{a=\"1\"} 1@1; "},
    {"unknown in series", STR("\x0A\x19" A1 "\x30\x01\x2A\x00" S_ONE_AT_1), "{a=\"1\"} 1@1; "},
    {"unknown between labels", STR("\x0A\x1F" A1 "\x30\x01" B2 S_ONE_AT_1), "{a=\"1\", b=\"2\"} 1@1; "},
    {"unknown in request", STR("\x50\x01\x12\x00\x0A\x15" A1 S_ONE_AT_1 "\x5D\0\0\0\0\x61\0\0\0\0\0\0\0\0"),
     "{a=\"1\"} 1@1; "},
    {"group in request", STR("\x53\x08\x01\x54\x0A\x15" A1 S_ONE_AT_1), "{a=\"1\"} 1@1; "},
    {"label with a long tag",
     STR("\x0A\x16\x8A\x00\x06\x0A\x01"
         "a\x12\x01"
         "1" S_ONE_AT_1),
     "{a=\"1\"} 1@1; "},
    {"name with a long tag",
     STR("\x0A\x16\x0A\x07\x8A\x00\x01"
         "a\x12\x01"
         "1" S_ONE_AT_1),
     "{a=\"1\"} 1@1; "},
    {"exemplar", STR("\x0A\x17" A1 S_ONE_AT_1 "\x1A\x00"), "{a=\"1\"} 1@1; exemplars=1"},
    {"histogram", STR("\x0A\x17" A1 S_ONE_AT_1 "\x22\x00"), "{a=\"1\"} 1@1 count=0@0; "},
    {"histogram only", STR("\x0A\x0E" A1 "\x22\x04\x08\x07\x78\x05"), "{a=\"1\"} count=7@5; "},
    {"bad histogram", STR("\x0A\x0E" A1 "\x22\x04\x5A\x02\x10\x01"), "bad histograms=1"},
    {"metadata", STR("\x1A\x0D\x08\x01\x12\x02up\x22\x02ok\x2A\x01s"), "up type=1 help=ok unit=s; "},
    {"metadata name only", STR("\x1A\x04\x12\x02up"), "up type=0 help= unit=; "},
    {"metadata without name", STR("\x1A\x02\x08\x01"), ""},
    {"metadata of an unknown type", STR("\x1A\x06\x08\x63\x12\x02up"), "up type=0 help= unit=; "},
    {"metadata unknown field", STR("\x1A\x06\x18\x05\x12\x02up"), "up type=0 help= unit=; "},
    {"both", STR("\x1A\x04\x12\x02up\x0A\x15" A1 S_ONE_AT_1), "{a=\"1\"} 1@1; up type=0 help= unit=; "},
    {"a 2.0 request", STR("\x22\x00\x22\x01x\x2A\x04\x0A\x02\x01\x02"), ""},
    {"series of a wrong type", STR("\x08\x01"), "malformed at 0"},
    {"metadata of a wrong type", STR("\x18\x01"), "malformed at 0"},
    {"label of a wrong type", STR("\x0A\x02\x08\x01"), "malformed at 2"},
    {"sample of a wrong type", STR("\x0A\x02\x10\x01"), "malformed at 2"},
    {"name of a wrong type", STR("\x0A\x04\x0A\x02\x08\x01"), "malformed at 4"},
    {"value of a wrong type", STR("\x0A\x04\x12\x02\x08\x01"), "malformed at 4"},
    {"time of a wrong type", STR("\x0A\x04\x12\x02\x12\x00"), "malformed at 4"},
    {"type of a wrong type", STR("\x1A\x02\x0A\x00"), "malformed at 2"},
    {"series cut", STR("\x0A\x15" A1), "malformed at 0"},
    {"label cut", STR("\x0A\x04\x0A\x06\x0A\x01"), "malformed at 2"},
    {"label content cut",
     STR("\x0A\x05\x0A\x03\x0A\x05"
         "a"),
     "malformed at 4"},
    {"value cut", STR("\x0A\x06\x12\x04\x09\0\0\0"), "malformed at 4"},
    {"time cut", STR("\x0A\x05\x12\x03\x10\x80\x80"), "malformed at 4"},
    {"time too long", STR("\x0A\x0F\x12\x0D\x10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "malformed at 4"},
    {"second series broken", STR("\x0A\x15" A1 S_ONE_AT_1 "\x0A\x02\x0A\x05"), "malformed at 25"},
};

static str describe_labels(str raw, struct arena *arena)
{
    label pair, pairs[8];
    size_t count = 0;

    while (count < 8 && labels_next(&raw, &pair)) pairs[count++] = pair;
    cr_expect(raw.len == 0, "labels are not in the spelling that labels.h promises");
    return labels_print(pairs, count, arena);
}

static str describe(const struct write_batch *batch, struct arena *arena)
{
    struct append_batch view = write_batch_view(batch);
    str text = STR("");

    for (size_t i = 0; i < view.series_count; i++) {
        const struct append_series *series = &view.series[i];
        text = arena_format(arena, "%.*s%.*s", STR_ARG(text), STR_ARG(describe_labels(series->labels, arena)));
        for (size_t j = series->first; j < series->first + series->count; j++) {
            if (view.histograms && view.histograms[j]) {
                text = arena_format(arena, "%.*s count=%g@%lld", STR_ARG(text), view.histograms[j]->count,
                                    (long long)view.times_ms[j]);
                continue;
            }
            bool stale = view.values[j] == 0x7FF0000000000002ULL;
            text = stale ? arena_format(arena, "%.*s stale@%lld", STR_ARG(text), (long long)view.times_ms[j])
                         : arena_format(arena, "%.*s %g@%lld", STR_ARG(text), double_from_bits(view.values[j]),
                                        (long long)view.times_ms[j]);
        }
        text = arena_format(arena, "%.*s; ", STR_ARG(text));
    }
    for (size_t i = 0; i < view.metadata_count; i++) {
        const struct append_metadata *entry = &view.metadata[i];
        text = arena_format(arena, "%.*s%.*s type=%d help=%.*s unit=%.*s; ", STR_ARG(text), STR_ARG(entry->metric),
                            entry->type, STR_ARG(entry->help), STR_ARG(entry->unit));
    }
    if (batch->exemplars.count) text = arena_format(arena, "%.*sexemplars=%zu", STR_ARG(text), batch->exemplars.count);
    if (batch->malformed) text = arena_format(arena, "%.*sbad histograms=%zu", STR_ARG(text), batch->malformed);
    return text;
}

/* One batch takes all messages, as a worker's does. */
Test(remote_write, messages_become_batches)
{
    struct write_batch batch = {0};

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct arena arena = {0};
        char *exact = memory_alloc(messages[i].message.len); /* so that a read beyond the end is seen */
        memcpy(exact, messages[i].message.data, messages[i].message.len);
        status s = write_decode(str_make(exact, messages[i].message.len), &batch);
        str got = failed(s) ? arena_format(&arena, "malformed at %d", (int)s.at) : describe(&batch, &arena);
        cr_expect(str_equal(got, str_from(messages[i].batch)), "%s: %.*s", messages[i].name, STR_ARG(got));
        free(exact);
        arena_release(&arena);
    }
    write_batch_release(&batch);
}

Test(remote_write, labels_side_by_side_are_not_copied)
{
    str message = STR("\x0A\x1D" A1 B2 S_ONE_AT_1);
    struct write_batch batch = {0};

    cr_assert(!failed(write_decode(message, &batch)));
    cr_expect(batch.series.data[0].labels.data == message.data + 2 && batch.series.data[0].labels.len == 16);
    cr_expect(batch.scratch.capacity == 0);
    write_batch_release(&batch);
}

/* Labels of 127, 128 and more bytes, in any place, beside short ones. */
Test(remote_write, long_labels_stay_in_place)
{
    static const size_t lengths[] = {120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 300, 20000};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct writer label = {0}, series = {0}, request = {0};
        struct write_batch batch = {0};
        char *value = memory_zalloc(lengths[i]);
        writer_u8(&label, 0x0A);
        writer_str(&label, STR("a"));
        writer_u8(&label, 0x12);
        writer_str(&label, str_make(value, lengths[i]));
        writer_bytes(&series, A1, 8);
        writer_u8(&series, 0x0A);
        writer_str(&series, str_make((const char *)label.data, label.count));
        writer_bytes(&series, B2, 8);
        size_t labels_len = series.count;
        writer_bytes(&series, S_ONE_AT_1, 13);
        writer_u8(&request, 0x0A);
        writer_str(&request, str_make((const char *)series.data, series.count));
        cr_assert(!failed(write_decode(str_make((const char *)request.data, request.count), &batch)));
        cr_assert(batch.series.count == 1 && batch.scratch.capacity == 0);
        cr_expect(batch.series.data[0].labels.len == labels_len, "%zu", lengths[i]);
        write_batch_release(&batch);
        writer_release(&label);
        writer_release(&series);
        writer_release(&request);
        free(value);
    }
}

/* All varints of one to ten bytes as times, also at the very end of the message, where less than eight bytes follow. */
Test(remote_write, times_of_every_length)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        for (int wrap = 0; wrap < 2; wrap++) {
            uint64_t time = (1ULL << bits) | (bits ? 0x155555555555555ULL & ((1ULL << bits) - 1) : 0);
            struct writer request = {0};
            uint8_t text[VARINT_BYTES_MAX];
            uint8_t len = (uint8_t)(varint_put(text, time) - text);
            struct write_batch batch = {0};
            writer_u8(&request, 0x0A);
            writer_u8(&request, (uint8_t)(3 + len));
            writer_u8(&request, 0x12);
            writer_u8(&request, (uint8_t)(1 + len));
            writer_u8(&request, 0x10);
            writer_bytes(&request, text, len);
            if (wrap) writer_bytes(&request, "\x52\x08\x80\x80\x80\x80\x80\x80\x80\x80", 10);
            status s = write_decode(str_make((const char *)request.data, request.count), &batch);
            cr_assert(!failed(s), "%s", s.text);
            cr_expect(batch.times_ms.count == 1 && (uint64_t)batch.times_ms.data[0] == time, "2^%u", bits);
            write_batch_release(&batch);
            writer_release(&request);
        }
    }
}

Test(remote_write, tiny_samples_are_limited)
{
    size_t samples = WRITE_SAMPLES_MAX + 1;
    struct writer series = {0}, request = {0};
    struct write_batch batch = {0};

    for (size_t i = 0; i < samples; i++) writer_bytes(&series, "\x12\0", 2);
    writer_u8(&request, 0x0A);
    writer_str(&request, str_make((const char *)series.data, series.count));
    status s = write_decode(str_make((const char *)request.data, request.count), &batch);
    cr_expect(s.code == STATUS_LIMIT);
    cr_expect(str_equal(str_from(s.text), STR("too many samples in one request; send smaller ones")));
    request.count = 0;
    for (size_t i = 0; i <= WRITE_METADATA_MAX; i++)
        writer_bytes(&request,
                     "\x1A\x03\x12\x01"
                     "a",
                     5);
    s = write_decode(str_make((const char *)request.data, request.count), &batch);
    cr_expect(s.code == STATUS_LIMIT);
    cr_expect(write_batch_bytes(&batch) > 0);
    write_batch_release(&batch);
    cr_expect(write_batch_bytes(&batch) == 0);
    writer_release(&series);
    writer_release(&request);
}

/* Random changes to a good message never make it read beyond the end or give spans outside of message and scratch. */
Test(remote_write, damaged_messages)
{
    static const char good[] = "\x0A\x1D" A1 S_ONE_AT_1 B2 "\x1A\x0D\x08\x01\x12\x02up\x22\x02ok\x2A\x01s"
                               "\x0A\x17\x0A\x08\x0A\x01"
                               "a\x18\x07\x12\x01"
                               "1" S_ONE_AT_1;
    enum { LEN = sizeof good - 1 };
    struct write_batch batch = {0};
    uint64_t random = 42;

    for (int round = 0; round < 100000; round++) {
        char message[LEN];
        memcpy(message, good, LEN);
        for (int i = 0; i < 1 + round % 4; i++) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            message[(random >> 33) % LEN] = (char)(random >> 20);
        }
        size_t len = round % 3 ? LEN : (random >> 40) % LEN;
        char *exact = memory_alloc(len);
        memcpy(exact, message, len);
        if (!failed(write_decode(str_make(exact, len), &batch))) {
            vec_each (series, &batch.series) {
                const char *scratch = (const char *)batch.scratch.data;
                str labels = series->labels;
                bool inside = labels.data >= exact && labels.data + labels.len <= exact + len;
                bool gathered =
                    scratch && labels.data >= scratch && labels.data + labels.len <= scratch + batch.scratch.count;
                cr_assert(inside || gathered);
                cr_assert(series->first + series->count <= batch.times_ms.count);
            }
        }
        free(exact);
    }
    write_batch_release(&batch);
}
