/* How long requests took; see latencies.h. */
#include "bench/latencies.h"

#include <string.h>

void latencies_add(struct latencies *latencies, int64_t ns)
{
    vec_push(&latencies->ns, ns);
}

void latencies_merge(struct latencies *into, const struct latencies *from)
{
    for (size_t i = 0; i < from->ns.count; i++) latencies_add(into, from->ns.data[i]);
}

void latencies_release(struct latencies *latencies)
{
    vec_release(&latencies->ns);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest latency that at least this part of the requests kept to. */
static double at_ms(const struct latencies *latencies, double part)
{
    size_t count = latencies->ns.count, rank = (size_t)(part * (double)count);

    if (count == 0) return 0;
    if ((double)rank < part * (double)count) rank++;
    return (double)latencies->ns.data[rank ? rank - 1 : 0] / 1e6;
}

void latencies_print(struct latencies *latencies, FILE *out)
{
    double sum_ms = 0;
    size_t count = latencies->ns.count;

    if (count) qsort(latencies->ns.data, count, sizeof latencies->ns.data[0], compare);
    vec_each (ns, &latencies->ns) sum_ms += (double)*ns / 1e6;
    fprintf(out, "{\"mean\": %.4f, \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"max\": %.4f}",
            count ? sum_ms / (double)count : 0, at_ms(latencies, 0.5), at_ms(latencies, 0.9), at_ms(latencies, 0.99),
            at_ms(latencies, 1));
}
