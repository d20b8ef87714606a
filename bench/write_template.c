/* A compressed remote-write request with holes for its samples; see write_template.h.
 *
 * The message is a sequence of
 *
 *     0x0A length { label fields, 0x12 0x10 0x09 | value (8 bytes) 0x10 time (6 bytes) }
 *
 * and what is behind the bar changes. The text before it is matched against earlier texts; a match never reaches into
 * values or times. Snappy's elements: a tag's low two bits say 0 literal, 1 copy of 4..11 bytes from less than 2 KiB
 * back, 2 copy of 1..64 bytes from less than 64 KiB back (format_description.txt of google/snappy).
 */
#include "bench/write_template.h"

enum {
    TAG_SERIES = 0x0A,
    TAG_SAMPLE = 0x12,
    TAG_VALUE = 0x09,
    TAG_TIME = 0x10,
    VALUE_BYTES = 8,
    TIME_BYTES = 6,
    CHANGING_BYTES = VALUE_BYTES + 1 + TIME_BYTES,
    SAMPLE_BYTES = 1 + CHANGING_BYTES,

    MATCH_BYTES_MIN = 4,
    COPY_BYTES_MAX = 64,
    WINDOW_BYTES = 65535,
    TABLE_BITS = 14
};

/* A place in a text where a match may begin. */
struct place {
    uint32_t at, text_end;
};

struct compressor {
    const uint8_t *input;
    uint32_t literal_start; /* input from here on is not written yet */
    struct hole *holes;     /* first in the input, then in the output */
    uint32_t hole_count, holes_placed;
    struct writer out;
    struct place table[1 << TABLE_BITS];
};

static void put_literal(struct compressor *c, uint32_t end)
{
    uint32_t bytes = end - c->literal_start, start = c->literal_start;

    if (bytes == 0) return;
    if (bytes <= 60) {
        writer_u8(&c->out, (uint8_t)((bytes - 1) << 2));
    } else {
        writer_u8(&c->out, 62 << 2); /* the length follows in three bytes */
        writer_u16(&c->out, (uint16_t)(bytes - 1));
        writer_u8(&c->out, (uint8_t)((bytes - 1) >> 16));
    }
    for (; c->holes_placed < c->hole_count && c->holes[c->holes_placed].at < end; c->holes_placed++) {
        struct hole *hole = &c->holes[c->holes_placed];
        assert(hole->at >= start && hole->at + VALUE_BYTES <= end);
        hole->at = (uint32_t)c->out.count + hole->at - start;
    }
    writer_bytes(&c->out, c->input + start, bytes);
    c->literal_start = end;
}

static void put_copy(struct compressor *c, uint32_t distance, uint32_t bytes)
{
    c->literal_start += bytes;
    while (bytes > 0) {
        uint32_t part = bytes < COPY_BYTES_MAX ? bytes : COPY_BYTES_MAX;
        if (part >= 4 && part <= 11 && distance < 2048) {
            writer_u8(&c->out, (uint8_t)(distance >> 8 << 5 | (part - 4) << 2 | 1));
            writer_u8(&c->out, (uint8_t)distance);
        } else {
            writer_u8(&c->out, (uint8_t)((part - 1) << 2 | 2));
            writer_u16(&c->out, (uint16_t)distance);
        }
        bytes -= part;
    }
}

static uint32_t match_length(const uint8_t *a, const uint8_t *a_end, const uint8_t *b, const uint8_t *b_end)
{
    const uint8_t *start = a;

    while (a < a_end && b < b_end && *a == *b) {
        a++;
        b++;
    }
    return (uint32_t)(a - start);
}

/* Enters the place into the table; returns the one that had its slot. */
static struct place remember(struct compressor *c, struct place place)
{
    struct place *slot = &c->table[load_u32(c->input + place.at) * 0x9E3779B1U >> (32 - TABLE_BITS)], before = *slot;

    *slot = place;
    return before;
}

/* Compresses the text [at, end); what precedes it and is not written yet goes out as a literal with it. */
static void compress_text(struct compressor *c, uint32_t at, uint32_t end)
{
    while (at + MATCH_BYTES_MIN <= end) {
        struct place earlier = remember(c, (struct place){at, end});
        uint32_t bytes = 0;
        if (earlier.text_end && at - earlier.at <= WINDOW_BYTES)
            bytes = match_length(c->input + at, c->input + end, c->input + earlier.at, c->input + earlier.text_end);
        if (bytes < MATCH_BYTES_MIN) {
            at++;
            continue;
        }
        put_literal(c, at);
        put_copy(c, at - earlier.at, bytes);
        for (uint32_t next = at + 1; next < at + bytes && next + MATCH_BYTES_MIN <= end; next++)
            remember(c, (struct place){next, end});
        at += bytes;
    }
}

/* The message with zeroes for values and times, and where these are. */
static void write_message(const struct model *model, uint32_t first, uint32_t count, struct writer *out,
                          struct hole *holes)
{
    struct writer labels = {0};

    for (uint32_t i = 0; i < count; i++) {
        labels.count = 0;
        model_labels(model, first + i, &labels);
        writer_u8(out, TAG_SERIES);
        writer_varint(out, labels.count + 2 + SAMPLE_BYTES);
        writer_bytes(out, labels.data, labels.count);
        writer_u8(out, TAG_SAMPLE);
        writer_u8(out, SAMPLE_BYTES);
        writer_u8(out, TAG_VALUE);
        holes[i] = (struct hole){(uint32_t)out->count, i > 0 && model_shares_time(model, first + i)};
        memset(writer_reserve(out, CHANGING_BYTES), 0, CHANGING_BYTES);
        out->count += CHANGING_BYTES;
    }
    writer_release(&labels);
}

static void compress_message(struct compressor *c, uint32_t message_bytes)
{
    uint32_t before = 0, text = 0;

    writer_varint(&c->out, message_bytes);
    for (uint32_t i = 0; i < c->hole_count; i++) {
        uint32_t value = c->holes[i].at;
        compress_text(c, text, value);
        if (c->holes[i].copies_time) {
            put_literal(c, value + VALUE_BYTES);
            put_copy(c, value - before, CHANGING_BYTES - VALUE_BYTES);
        }
        before = value;
        text = value + CHANGING_BYTES;
    }
    put_literal(c, message_bytes);
}

struct write_template write_template_make(const struct model *model, uint32_t first, uint32_t count)
{
    struct writer message = {0};
    struct compressor *c = memory_zalloc(sizeof *c);

    c->holes = memory_alloc(sizeof *c->holes * count);
    c->hole_count = count;
    write_message(model, first, count, &message, c->holes);
    assert(message.count < 1 << 24 && "literal lengths have three bytes");
    c->input = message.data;
    compress_message(c, (uint32_t)message.count);

    struct write_template made = {c->out.data, c->out.count, c->holes, count};
    writer_release(&message);
    free(c);
    return made;
}

void write_template_release(struct write_template *template)
{
    free(template->bytes);
    free(template->holes);
    *template = (struct write_template){0};
}

str write_template_fill(struct write_template *template, const struct model_sample *samples)
{
    for (uint32_t i = 0; i < template->hole_count; i++) {
        uint8_t *hole = template->bytes + template->holes[i].at;
        store_u64(hole, double_bits(samples[i].value));
        if (template->holes[i].copies_time) {
            assert(samples[i].time_ms == samples[i - 1].time_ms);
            continue;
        }
        assert(samples[i].time_ms >> 35 > 0 && samples[i].time_ms >> 42 == 0 && "a varint of six bytes");
        hole[VALUE_BYTES] = TAG_TIME;
        varint_put(hole + VALUE_BYTES + 1, (uint64_t)samples[i].time_ms);
    }
    return str_make((const char *)template->bytes, template->byte_count);
}
