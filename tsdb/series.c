/* The samples of one series in a head; see series.h. */
#include "tsdb/series.h"

#include <assert.h>

enum {
    AT_NEXT = 0,
    AT_BEFORE = 4,
    AT_MIN = 8,
    AT_BITS = 16,
    AT_GAP = 18,
    FIRST_BIT = 20 * 8, /* where a chunk's bits begin in its first line */
    NEXT_BIT = 4 * 8,   /* and in the others */
    LINE_BITS = SERIES_LINE_BYTES * 8,
    LINES_GROWN = 256 /* lines are made usable this many at a time */
};

void series_arena_init(struct series_arena *arena)
{
    paged_init(&arena->lines, SERIES_LINE_BYTES);
    paged_init(&arena->lates, sizeof(struct late_samples));
    atomic_init(&arena->line_count, 1); /* line 0 means none */
    atomic_init(&arena->lines_ready, 0);
    atomic_init(&arena->late_count, 0);
    atomic_init(&arena->late_bytes, 0);
    paged_init(&arena->riches, sizeof(struct rich_samples));
    atomic_init(&arena->rich_count, 0);
    atomic_init(&arena->rich_bytes, 0);
    pthread_mutex_init(&arena->grow, NULL);
}

void series_arena_release(struct series_arena *arena)
{
    for (uint32_t i = 0; i < atomic_load(&arena->late_count); i++) late_release(paged_at(&arena->lates, i));
    for (uint32_t i = 0; i < atomic_load(&arena->rich_count); i++) rich_release(paged_at(&arena->riches, i));
    paged_release(&arena->riches);
    paged_release(&arena->lines);
    paged_release(&arena->lates);
    pthread_mutex_destroy(&arena->grow);
}

uint64_t series_arena_bytes(const struct series_arena *arena)
{
    return (uint64_t)atomic_load_explicit(&arena->line_count, memory_order_relaxed) * SERIES_LINE_BYTES +
           atomic_load_explicit(&arena->late_bytes, memory_order_relaxed) +
           atomic_load_explicit(&arena->rich_bytes, memory_order_relaxed);
}

static uint8_t *line_at(const struct series_arena *arena, uint32_t line)
{
    return paged_at(&arena->lines, line);
}

static uint32_t new_line(struct series_arena *arena)
{
    uint32_t line = atomic_fetch_add_explicit(&arena->line_count, 1, memory_order_relaxed);

    assert(line != UINT32_MAX);
    if (line >= atomic_load_explicit(&arena->lines_ready, memory_order_acquire)) {
        pthread_mutex_lock(&arena->grow);
        if (line >= atomic_load_explicit(&arena->lines_ready, memory_order_relaxed)) {
            uint32_t ready = (line / LINES_GROWN + 1) * LINES_GROWN;
            paged_reserve(&arena->lines, ready);
            atomic_store_explicit(&arena->lines_ready, ready, memory_order_release);
        }
        pthread_mutex_unlock(&arena->grow);
    }
    return line;
}

/* Sets `bits` bits of a line from bit `at` on; they were zero. */
static void set_bits(uint8_t *line, unsigned at, uint64_t word, unsigned bits)
{
    uint8_t *place = line + (at >> 6) * 8;
    unsigned room = 64 - (at & 63);

    if (bits < 64) word &= ((uint64_t)1 << bits) - 1;
    if (bits <= room) {
        store_u64(place, load_u64(place) | __builtin_bswap64(word << (room - bits)));
    } else {
        store_u64(place, load_u64(place) | __builtin_bswap64(word >> (bits - room)));
        store_u64(place + 8, __builtin_bswap64(word << (64 - (bits - room))));
    }
}

static void add_bits(struct series *series, struct series_arena *arena, uint64_t word, unsigned bits)
{
    unsigned room = LINE_BITS - series->tail_bit;

    series->open_bits = (uint16_t)(series->open_bits + bits);
    if (bits > room) {
        uint32_t next = new_line(arena);
        if (room) set_bits(line_at(arena, series->tail_line), series->tail_bit, word >> (bits - room), room);
        store_u32(line_at(arena, series->tail_line) + AT_NEXT, next);
        series->tail_line = next;
        series->tail_bit = NEXT_BIT;
        bits -= room;
    }
    set_bits(line_at(arena, series->tail_line), series->tail_bit, word, bits);
    series->tail_bit = (uint16_t)(series->tail_bit + bits);
}

/* Notes what is known of the open chunk now that the next one begins. */
static void close_chunk(const struct series *series, const struct series_arena *arena, int64_t next_ms)
{
    uint8_t *bytes = line_at(arena, series->open_line);
    uint64_t gap_ms = (uint64_t)next_ms - (uint64_t)series->open.time_ms;

    store_u16(bytes + AT_BITS, series->open_bits);
    store_u16(bytes + AT_GAP, gap_ms <= UINT16_MAX ? (uint16_t)gap_ms : 0);
}

/* Closes the open chunk, if there is one, and begins another. */
static void start_chunk(struct series *series, struct series_arena *arena, int64_t time_ms)
{
    uint32_t line = new_line(arena);
    uint8_t *bytes = line_at(arena, line);

    if (series->open_line) close_chunk(series, arena, time_ms);
    store_u32(bytes + AT_BEFORE, series->open_line);
    store_u64(bytes + AT_MIN, (uint64_t)time_ms);
    series->open_line = series->tail_line = line;
    series->tail_bit = FIRST_BIT;
    series->open_bits = 0;
    series->open.count = 0;
    series->open.delta_ms = 0;
    series->open.leading = GORILLA_NO_WINDOW;
    series->open.trailing = 0;
}

static struct rich_samples *rich_of(const struct series *series, const struct series_arena *arena)
{
    return series->rich ? paged_at(&arena->riches, series->rich - 1) : NULL;
}

const struct rich_samples *series_rich(const struct series *series, const struct series_arena *arena)
{
    return rich_of(series, arena);
}

int64_t series_newest_ms(const struct series *series, const struct series_arena *arena)
{
    const struct rich_samples *rich = rich_of(series, arena);

    if (!rich || (series->samples && series->open.time_ms > rich->last.time_ms)) return series->open.time_ms;
    return rich->last.time_ms;
}

/* The first sample of a request: notes how many there were before it. */
static void note_ticket(struct series *series, const struct series_arena *arena, uint32_t ticket)
{
    struct rich_samples *rich = rich_of(series, arena);

    if (series->ticket == ticket) return;
    series->ticket = ticket;
    series->samples_before = series->samples;
    if (rich) rich->count_before = rich->count;
}

enum series_verdict series_append(struct series *series, struct series_arena *arena, uint32_t ticket, int64_t time_ms,
                                  uint64_t value)
{
    struct gorilla_bits bits;

    if (series->samples && time_ms <= series->open.time_ms) {
        if (time_ms < series->open.time_ms) return SERIES_LATE;
        return value == series->open.value ? SERIES_REPEATED : SERIES_DUPLICATE;
    }
    if (series->rich) {
        int64_t newest_ms = rich_of(series, arena)->last.time_ms;
        if (time_ms <= newest_ms) return time_ms < newest_ms ? SERIES_LATE : SERIES_DUPLICATE;
    }
    if (series->samples % SERIES_CHUNK_SAMPLES == 0) start_chunk(series, arena, time_ms);
    note_ticket(series, arena, ticket);
    gorilla_append(&series->open, time_ms, value, &bits);
    for (unsigned i = 0; i < bits.pieces; i++) add_bits(series, arena, bits.word[i], bits.bits[i]);
    series->samples++;
    return SERIES_STORED;
}

static struct late_samples *make_late(struct series *series, struct series_arena *arena)
{
    if (series->late == 0) {
        pthread_mutex_lock(&arena->grow);
        uint32_t index = atomic_load(&arena->late_count);
        paged_reserve(&arena->lates, index + 1);
        atomic_store(&arena->late_count, index + 1);
        pthread_mutex_unlock(&arena->grow);
        series->late = index + 1;
    }
    return paged_at(&arena->lates, series->late - 1);
}

enum series_verdict series_append_late(struct series *series, struct series_arena *arena, int64_t time_ms,
                                       uint64_t value)
{
    struct late_samples *late = make_late(series, arena);
    const struct late_sample *known = late_find(late, time_ms);

    if (known) return known->value == value ? SERIES_REPEATED : SERIES_DUPLICATE;
    if (series->rich && rich_has_late(rich_of(series, arena), time_ms)) return SERIES_DUPLICATE;
    atomic_fetch_add_explicit(&arena->late_bytes, late_add(late, time_ms, value), memory_order_relaxed);
    return SERIES_STORED;
}

static struct rich_samples *make_rich(struct series *series, struct series_arena *arena)
{
    if (series->rich == 0) {
        pthread_mutex_lock(&arena->grow);
        uint32_t index = atomic_load(&arena->rich_count);
        paged_reserve(&arena->riches, index + 1);
        atomic_store(&arena->rich_count, index + 1);
        pthread_mutex_unlock(&arena->grow);
        series->rich = index + 1;
    }
    return rich_of(series, arena);
}

enum series_verdict series_append_rich(struct series *series, struct series_arena *arena, uint32_t ticket,
                                       const struct rich_sample *sample)
{
    struct rich_samples *rich = rich_of(series, arena);
    bool follows_float = series->samples && (!rich || series->open.time_ms > rich->last.time_ms);

    if (!series_is_empty(series)) {
        int64_t newest_ms = series_newest_ms(series, arena);
        if (sample->time_ms < newest_ms) return SERIES_LATE;
        if (sample->time_ms == newest_ms)
            return !follows_float && rich_same(&rich->last, sample) ? SERIES_REPEATED : SERIES_DUPLICATE;
    }
    if (!rich) rich = make_rich(series, arena);
    note_ticket(series, arena, ticket);
    atomic_fetch_add_explicit(&arena->rich_bytes, rich_append(rich, sample, follows_float), memory_order_relaxed);
    return SERIES_STORED;
}

enum series_verdict series_append_late_rich(struct series *series, struct series_arena *arena,
                                            const struct rich_sample *sample)
{
    const struct late_samples *late = series_late(series, arena);

    if (late && late_find(late, sample->time_ms)) return SERIES_DUPLICATE;
    bool is_first = series->rich == 0;
    struct rich_samples *rich = make_rich(series, arena);
    if (is_first) rich->last.time_ms = INT64_MIN; /* there is none in order */
    size_t bytes = 0;
    enum rich_verdict verdict = rich_append_late(rich, sample, &bytes);
    atomic_fetch_add_explicit(&arena->rich_bytes, bytes, memory_order_relaxed);
    return verdict == RICH_STORED ? SERIES_STORED : verdict == RICH_REPEATED ? SERIES_REPEATED : SERIES_DUPLICATE;
}

const struct late_samples *series_late(const struct series *series, const struct series_arena *arena)
{
    return series->late ? paged_at(&arena->lates, series->late - 1) : NULL;
}

bool series_open_chunk(const struct series *series, const struct series_arena *arena, struct series_chunk *out)
{
    if (series->open_line == 0) return false;
    series_full_chunk(arena, series->open_line, out);
    out->count = series->open.count;
    out->bits = series->open_bits;
    out->gap_ms = 0;
    return true;
}

void series_full_chunk(const struct series_arena *arena, uint32_t line, struct series_chunk *out)
{
    const uint8_t *bytes = line_at(arena, line);

    *out = (struct series_chunk){.line = line,
                                 .before = load_u32(bytes + AT_BEFORE),
                                 .min_ms = (int64_t)load_u64(bytes + AT_MIN),
                                 .count = SERIES_CHUNK_SAMPLES,
                                 .bits = load_u16(bytes + AT_BITS),
                                 .gap_ms = load_u16(bytes + AT_GAP)};
}

void series_copy_chunk(const struct series_arena *arena, const struct series_chunk *chunk, struct writer *out)
{
    size_t left = ((size_t)chunk->bits + 7) / 8;
    uint8_t *to = writer_reserve(out, GORILLA_HEADER_BYTES + left + GORILLA_SLACK_BYTES);
    uint32_t line = chunk->line;
    unsigned from = FIRST_BIT / 8;

    store_u16(to, __builtin_bswap16(chunk->count));
    to += GORILLA_HEADER_BYTES;
    out->count += GORILLA_HEADER_BYTES + left;
    while (left) {
        const uint8_t *bytes = line_at(arena, line);
        size_t take = SERIES_LINE_BYTES - from < left ? SERIES_LINE_BYTES - from : left;
        memcpy(to, bytes + from, take);
        to += take;
        left -= take;
        line = load_u32(bytes + AT_NEXT);
        from = NEXT_BIT / 8;
    }
    memset(to, 0, GORILLA_SLACK_BYTES);
}

bool series_valid(const struct series *series, const struct series_arena *arena)
{
    struct series_chunk chunk;
    uint32_t samples = 0;
    const struct late_samples *late = series_late(series, arena);

    if (series_open_chunk(series, arena, &chunk)) {
        if (chunk.min_ms > series->open.time_ms) return false;
        for (;;) {
            int64_t later = chunk.min_ms;
            if (chunk.count == 0 || chunk.bits == 0) return false;
            samples += chunk.count;
            if (chunk.before == 0) break;
            series_full_chunk(arena, chunk.before, &chunk);
            if (chunk.min_ms >= later) return false;
        }
    }
    if (late && !late_valid(late)) return false;
    const struct rich_samples *rich = series_rich(series, arena);
    uint64_t rows = 0;
    for (size_t i = 0; rich && i < rich->chunks.count; i++) {
        rows += rich->chunks.data[i].count;
        if (i > 0 && rich->chunks.data[i - 1].min_ms >= rich->chunks.data[i].min_ms) return false;
    }
    if (rich && (rows != rich->count || !late_valid(&rich->late))) return false;
    return samples == series->samples && series->samples_before <= series->samples;
}
