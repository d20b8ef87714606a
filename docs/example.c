/* Embedding the engine: appends a series to a folder and reads it back. See tsdb/db.h.
 *
 *     cc example.c $(pkg-config --cflags --libs libvarve) -o example && ./example
 */
#include <stdio.h>
#include <tsdb/db.h>

static void must(status s)
{
    if (failed(s)) fprintf(stderr, "%s\n", s.text);
    if (failed(s)) exit(1); /* what was appended is in the log */
}

int main(void)
{
    const int64_t times_ms[] = {1000, 2000, 3000};
    const uint64_t values[] = {double_bits(20.5), double_bits(20.75), double_bits(21)};
    const label pairs[] = {{METRIC_NAME, STR("room_celsius")}, {STR("room"), STR("kitchen")}};
    struct db_options options = db_options_default();
    struct db *db;

    must(fs_open_folder("data", &options.fs));
    options.retention_ms = 0; /* for ever */
    must(db_open(&options, &db));

    struct writer text = {0};
    labels_write(pairs, 2, &text);
    struct append_series series = {.labels = str_make((const char *)text.data, text.count), .count = 3};
    struct append_batch batch = {
        .series = &series, .series_count = 1, .times_ms = times_ms, .values = values, .sample_count = 3};
    struct append_result result;
    must(db_append_wait(db, &batch, &result)); /* now it survives a crash */
    writer_release(&text);

    struct snapshot *snapshot = db_snapshot(db, NULL);
    struct matcher matcher;
    struct select_request request = {&matcher, 1, INT64_MIN, INT64_MAX};
    struct selection *selection;
    struct column_buffer buffer = {0};
    samples found;
    must(matcher_compile(MATCH_REGEX, STR("room"), STR("k.*"), &matcher, snapshot_arena(snapshot)));
    must(snapshot_select(snapshot, &request, &selection));
    for (uint32_t row = 0; row < selection_count(selection); row++) {
        if (!selection_read(selection, row, &buffer, &found)) must(buffer.error);
        for (size_t i = 0; i < found.count; i++) printf("%lld %g\n", (long long)found.times_ms[i], found.values[i]);
    }
    column_buffer_release(&buffer);
    snapshot_release(snapshot);

    must(db_close(db));
    fs_release(options.fs);
    return 0;
}
