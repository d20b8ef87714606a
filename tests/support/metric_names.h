/* Whether a layer's metrics are named as Prometheus wants them, each once. */
#ifndef VARVE_TESTS_SUPPORT_METRIC_NAMES_H
#define VARVE_TESTS_SUPPORT_METRIC_NAMES_H

#include "storage/base/metric.h"
#include "tests/support/test.h"

#include <string.h>

static inline bool metric_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static inline void expect_good_names(const struct metric_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct metric *metric = list->metrics[i];
        cr_expect(strncmp(metric->name, "varve_", 6) == 0, "%s", metric->name);
        cr_expect(metric_ends_with(metric->name, "_total") == (metric->kind == METRIC_KIND_COUNTER), "%s",
                  metric->name);
        bool is_duration = metric_ends_with(metric->name, "_seconds") &&
                           !metric_ends_with(metric->name, "_timestamp_seconds"); /* a gauge of the clock */
        cr_expect(is_duration == (metric->kind == METRIC_KIND_SECONDS), "%s", metric->name);
        cr_expect(metric_ends_with(metric->help, "."), "%s: the help is no sentence", metric->name);
        for (size_t k = 0; k < i; k++) {
            const struct metric *other = list->metrics[k];
            cr_expect(strcmp(metric->name, other->name) != 0 || strcmp(metric->labels, other->labels) != 0,
                      "%s is there twice", metric->name);
        }
    }
}

#endif
