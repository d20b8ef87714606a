/* What a start costs: opening a data folder until it answers, as a clean stop or a killed process left it.
 *
 *     bench_open DIR
 *
 * One line of JSON: wall and CPU seconds of the open, series and samples of the head, memory. The folder is left as it
 * was found but for a new segment of the log.
 */
#include "storage/base/clock.h"
#include "tsdb/db.h"

#include <stdio.h>
#include <stdlib.h>

static void must(status s)
{
    if (!failed(s)) return;
    fprintf(stderr, "bench_open: %s\n", s.text);
    exit(1);
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long kib = 0;

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
    }
    if (file) fclose(file);
    return kib;
}

int main(int count, char **values)
{
    struct db_options options = db_options_default();
    struct db *db;
    struct db_stats stats;

    if (count != 2) {
        fprintf(stderr, "usage: bench_open DIR\n");
        return 1;
    }
    options.background = false;
    must(fs_open_folder(values[1], &options.fs));
    double cpu = clock_process_seconds();
    int64_t wall = clock_monotonic_ns();
    must(db_open(&options, &db));
    wall = clock_monotonic_ns() - wall;
    cpu = clock_process_seconds() - cpu;
    db_stats(db, &stats);
    printf("{\"wall_seconds\": %.3f, \"cpu_seconds\": %.3f, \"head_series\": %u, \"head_samples\": %llu, "
           "\"blocks\": %u, \"rss_kib\": %ld}\n",
           (double)wall / 1e9, cpu, stats.head_series, (unsigned long long)stats.head_samples, stats.blocks,
           resident_kib());
    db_abandon(db);
    fs_release(options.fs);
    return 0;
}
