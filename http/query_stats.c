/* Statistics as JSON; see query_stats.h. */
#include "http/query_stats.h"

#include "http/json.h"

/* `"name":[[t,count],…],` */
static void put_steps(struct writer *w, const char *name, const struct query *query, const uint64_t *counts)
{
    struct query_stats stats = query_get_stats(query);

    json_put_string(w, str_from(name));
    json_put_raw(w, ":[");
    for (size_t s = 0; s < stats.steps; s++) {
        if (s) writer_u8(w, ',');
        writer_u8(w, '[');
        json_put_time(w, stats.start_ms + (int64_t)s * stats.step_ms);
        writer_u8(w, ',');
        json_put_unsigned(w, counts[s]);
        writer_u8(w, ']');
    }
    json_put_raw(w, "],");
}

void query_stats_put(struct writer *w, const struct query *query)
{
    struct query_stats stats = query_get_stats(query);
    const struct {
        const char *name;
        double seconds;
    } timings[] = {
        {"evalTotalTime", stats.eval_seconds},
        {"resultSortTime", 0}, /* results are rendered in their order */
        {"queryPreparationTime", stats.prepare_seconds},
        {"innerEvalTime", stats.eval_seconds - stats.prepare_seconds},
        {"execQueueTime", stats.queue_seconds},
        {"execTotalTime", stats.total_seconds},
    };

    json_put_raw(w, "\"stats\":{\"timings\":{");
    for (size_t i = 0; i < sizeof timings / sizeof timings[0]; i++) {
        if (i) writer_u8(w, ',');
        json_put_string(w, str_from(timings[i].name));
        writer_u8(w, ':');
        json_put_seconds(w, timings[i].seconds);
    }
    json_put_raw(w, "},\"samples\":{");
    if (stats.step_queryable) put_steps(w, "totalQueryableSamplesPerStep", query, stats.step_queryable);
    json_put_raw(w, "\"totalQueryableSamples\":");
    json_put_unsigned(w, stats.samples_queryable);
    writer_u8(w, ',');
    if (stats.step_read) put_steps(w, "samplesReadPerStep", query, stats.step_read);
    json_put_raw(w, "\"samplesRead\":");
    json_put_unsigned(w, stats.samples_read);
    json_put_raw(w, ",\"peakSamples\":");
    json_put_unsigned(w, stats.samples_peak);
    json_put_raw(w, "}}");
}
