#include "http/batch.h"
#include "tests/support/must.h"

Test(batch, series_are_joined_by_their_labels)
{
    const label pairs[] = {{STR("__name__"), STR("up")}, {STR("job"), STR("x")}};
    struct write_batch batch = {0};
    str first, second, rest;
    label pair;

    must(batch_labels(&batch, pairs, 2, &first));
    must(batch_labels(&batch, pairs, 1, &second));
    must(batch_add_sample(&batch, first, 1, 10));
    must(batch_add_sample(&batch, first, 2, 20));
    must(batch_add_sample(&batch, second, 3, 30));
    must(batch_add_sample(&batch, first, 4, 40));
    struct append_batch view = write_batch_view(&batch);
    cr_assert(view.series_count == 3 && view.sample_count == 4);
    cr_expect(view.series[0].first == 0 && view.series[0].count == 2);
    cr_expect(view.series[1].first == 2 && view.series[1].count == 1);
    cr_expect(view.series[2].first == 3 && view.series[2].count == 1);
    cr_expect(view.times_ms[3] == 4 && view.values[3] == 40);
    rest = view.series[0].labels;
    for (size_t i = 0; i < 2; i++) {
        cr_assert(labels_next(&rest, &pair));
        cr_expect(str_equal(pair.name, pairs[i].name) && str_equal(pair.value, pairs[i].value));
    }
    cr_expect(rest.len == 0);
    write_batch_reset(&batch);
    cr_expect(write_batch_view(&batch).series_count == 0);
    write_batch_release(&batch);
}

Test(batch, limits)
{
    struct write_batch batch = {0};
    char *text = memory_zalloc(1 << 20);
    label pair = {STR("a"), str_make(text, 1 << 20)};
    struct append_exemplar exemplar = {0};
    str labels = STR("");
    status s = ok();

    memset(text, 'x', 1 << 20);
    for (int i = 0; i < 200 && !failed(s); i++) s = batch_labels(&batch, &pair, 1, &labels);
    cr_expect(s.code == STATUS_LIMIT && strstr(s.text, "too many labels in one request"));
    s = ok();
    for (int i = 0; i <= WRITE_SAMPLES_MAX && !failed(s); i++) s = batch_add_sample(&batch, labels, i, 0);
    cr_expect(s.code == STATUS_LIMIT && batch.times_ms.count == WRITE_SAMPLES_MAX);
    s = ok();
    for (int i = 0; i <= WRITE_EXEMPLARS_MAX && !failed(s); i++) s = batch_add_exemplar(&batch, &exemplar);
    cr_expect(s.code == STATUS_LIMIT && batch.exemplars.count == WRITE_EXEMPLARS_MAX);
    s = ok();
    for (int i = 0; i <= 2 * WRITE_METADATA_MAX && !failed(s); i++) {
        struct append_metadata entry = {METRIC_GAUGE, i % 2 ? STR("a") : STR("b"), STR(""), STR("")};
        s = batch_add_metadata(&batch, &entry);
    }
    cr_expect(s.code == STATUS_LIMIT && batch.metadata.count == WRITE_METADATA_MAX);
    free(text);
    write_batch_release(&batch);
}

Test(batch, metadata_and_complaints)
{
    struct write_batch batch = {0};
    struct append_metadata entry = {METRIC_GAUGE, STR("a"), STR("help"), STR("")};

    must(batch_add_metadata(&batch, &entry));
    must(batch_add_metadata(&batch, &entry));
    entry.type = METRIC_COUNTER;
    must(batch_add_metadata(&batch, &entry));
    entry.metric = STR("");
    must(batch_add_metadata(&batch, &entry));
    cr_expect(batch.metadata.count == 2);
    batch_reject(&batch, "first %d", 1);
    batch_reject(&batch, "second");
    cr_expect(batch.malformed == 2 && str_equal(batch.complaint, STR("first 1")));
    write_batch_release(&batch);
}
