/* The compliance queries; see compliance.h. */
#include "tests/conformance/compliance.h"

#include "query/parse.h"
#include "tests/conformance/answer.h"
#include "tests/conformance/forms.h"

#include <stdio.h>
#include <stdlib.h>

#define INSTANCE_A "instance=\"demo.promlabs.com:10000\",job=\"demo\""
#define INSTANCE_B "instance=\"demo.promlabs.com:10001\",job=\"demo\""
#define LATENCY    "demo_api_request_duration_seconds_bucket{" INSTANCE_A ",method=\"GET\",path=\"/\",status=\"200\",le="
#define MEMORY     "demo_memory_usage_bytes{type="

/* An hour, every 15 s. */
static const char demo[] = "load 15s\n"
                           "  demo_num_cpus{" INSTANCE_A "} 4x240\n"
                           "  demo_num_cpus{" INSTANCE_B "} 8x240\n"
                           "  demo_cpu_usage_seconds_total{mode=\"idle\"," INSTANCE_A "} 1000+14x240\n"
                           "  demo_cpu_usage_seconds_total{mode=\"user\"," INSTANCE_A "} 10+1.5x120 0+1.5x119\n"
                           "  demo_cpu_usage_seconds_total{mode=\"idle\"," INSTANCE_B "} 1500+13x240\n"
                           "  " MEMORY "\"free\"," INSTANCE_A "} 5e8+1e5x120 5e8-1e5x119\n"
                           "  " MEMORY "\"used\"," INSTANCE_A "} 3e8-1e5x120 3e8+1e5x119\n"
                           "  " MEMORY "\"free\"," INSTANCE_B "} 6e8+2e5x240\n"
                           "  " MEMORY "\"used\"," INSTANCE_B "} 1e8+3e5x240\n"
                           "  demo_disk_usage_bytes{" INSTANCE_A "} 1e9+1e6x240\n"
                           "  demo_disk_usage_bytes{" INSTANCE_B "} 2e9+3e6x240\n"
                           "  demo_batch_last_success_timestamp_seconds{" INSTANCE_A "} 0+15x240\n"
                           "  demo_batch_last_success_timestamp_seconds{" INSTANCE_B "} 1e9+15x240\n"
                           "  demo_intermittent_metric{" INSTANCE_A "} 1x60 stale _x40 2x100\n"
                           "  " LATENCY "\"0.1\"} 0+1x240\n"
                           "  " LATENCY "\"0.5\"} 0+3x240\n"
                           "  " LATENCY "\"+Inf\"} 0+4x240\n"
                           "  demo_api_request_duration_seconds_count{" INSTANCE_A "} 0+4x240\n";

enum { START_MS = 1200000, END_MS = 3000000, STEP_MS = 60000 };

static bool run_query(struct session *session, str query, bool must_fail, size_t *with_series, str *why,
                      struct arena *arena)
{
    struct query_request request = {
        .text = query, .is_range = true, .start_ms = START_MS, .end_ms = END_MS, .step_ms = STEP_MS};
    struct parse_error error;
    struct answer answer;

    struct node *tree = parse_query(query, ALL_FEATURES, arena, &error);
    if (tree && !forms_agree(tree, why, arena)) return false;
    answer_make(session_engine(session), &request, &answer, arena);
    if (must_fail) {
        *why = STR("it is answered");
        return answer.error.len > 0;
    }
    *why = answer.error;
    *with_series += answer.series_count > 0;
    return answer.error.len == 0;
}

static void load_demo(struct session *session, struct arena *arena)
{
    struct script script;
    str why = STR("");

    if (script_parse(str_from(demo), &script, arena, &why) && session_run(session, &script.commands[0], &why, arena))
        return;
    fprintf(stderr, "the data of the demo service: %.*s\n", STR_ARG(why));
    abort();
}

void compliance_run(str list, const struct session_options *options, bool is_verbose, size_t *passed, size_t *failed)
{
    struct session *session = session_new(options);
    size_t with_series = 0;
    struct arena arena;

    arena_init(&arena, NULL);
    load_demo(session, &arena);
    while (list.len) {
        str rest = str_trim(str_cut(&list, '\n')), query = str_cut(&rest, '\t'), why = STR("");
        if (query.len == 0 || query.data[0] == '#') continue;
        bool is_good = run_query(session, query, str_equal(rest, STR("fail")), &with_series, &why, &arena);
        *passed += is_good;
        *failed += !is_good;
        if (!is_good && is_verbose) printf("%.*s\n    %.*s\n", STR_ARG(query), STR_ARG(why));
    }
    if (with_series < (*passed + *failed) * 4 / 5) {
        printf("compliance queries: only %zu answers have series\n", with_series);
        ++*failed;
    }
    session_free(session);
    arena_release(&arena);
}
