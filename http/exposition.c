/* Metrics as text; see exposition.h. */
#include "http/exposition.h"

#include "storage/base/number.h"

#include <string.h>

static void put(struct writer *w, const char *text)
{
    writer_bytes(w, text, strlen(text));
}

static void put_number(struct writer *w, double value)
{
    w->count += number_format(value, NUMBER_GENERAL, (char *)writer_reserve(w, NUMBER_TEXT_MAX));
}

static void put_head(struct writer *w, const char *type, const char *name, const char *help)
{
    put(w, "# HELP ");
    put(w, name);
    put(w, " ");
    put(w, help);
    put(w, "\n# TYPE ");
    put(w, name);
    put(w, " ");
    put(w, type);
    put(w, "\n");
}

/* `name_suffix{labels,extra} value` */
static void put_sample(struct writer *w, const char *name, const char *suffix, const char *labels, const char *extra,
                       double value)
{
    put(w, name);
    put(w, suffix);
    if (labels[0] || extra[0]) {
        put(w, "{");
        put(w, labels);
        if (labels[0] && extra[0]) put(w, ",");
        put(w, extra);
        put(w, "}");
    }
    put(w, " ");
    put_number(w, value);
    put(w, "\n");
}

static void put_bucket(struct writer *w, const struct metric *metric, const char *bound, size_t bound_len, double count)
{
    char extra[64] = "le=\"";

    memcpy(extra + 4, bound, bound_len);
    memcpy(extra + 4 + bound_len, "\"", 2);
    put_sample(w, metric->name, "_bucket", metric->labels, extra, count);
}

static void put_histogram(struct writer *w, const struct metric *metric)
{
    const double *bounds;
    size_t count = metric_bounds(metric->kind, &bounds);
    double unit = metric->kind == METRIC_KIND_SECONDS ? 1e9 : 1;
    uint64_t observed = 0;

    for (size_t i = 0; i < count; i++) {
        char bound[NUMBER_TEXT_MAX];
        observed += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        put_bucket(w, metric, bound, number_format(bounds[i], NUMBER_GENERAL, bound), (double)observed);
    }
    observed += atomic_load_explicit(&metric->buckets[count], memory_order_relaxed);
    put_bucket(w, metric, "+Inf", 4, (double)observed);
    put_sample(w, metric->name, "_sum", metric->labels, "", (double)metric_get(metric) / unit);
    put_sample(w, metric->name, "_count", metric->labels, "", (double)observed);
}

void exposition_write_list(struct writer *w, const struct metric_list *list)
{
    static const char *const types[] = {
        [METRIC_KIND_COUNTER] = "counter",
        [METRIC_KIND_GAUGE] = "gauge",
        [METRIC_KIND_SECONDS] = "histogram",
        [METRIC_KIND_BYTES] = "histogram",
    };

    for (size_t i = 0; i < list->count; i++) {
        const struct metric *metric = list->metrics[i];
        bool is_new = i == 0 || strcmp(metric->name, list->metrics[i - 1]->name) != 0;
        if (is_new) put_head(w, types[metric->kind], metric->name, metric->help);
        if (metric->kind == METRIC_KIND_SECONDS || metric->kind == METRIC_KIND_BYTES) {
            put_histogram(w, metric);
        } else {
            put_sample(w, metric->name, "", metric->labels, "", (double)metric_get(metric));
        }
    }
}

void exposition_write_value(struct writer *w, const char *type, const char *name, const char *labels, const char *help,
                            double value)
{
    put_head(w, type, name, help);
    put_sample(w, name, "", labels, "", value);
}
