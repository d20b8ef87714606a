/* The hosts of the Time Series Benchmark Suite's cpu-only case; see model.h. */
#include "bench/fleet.h"
#include "storage/base/hash.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const names[] = {"cpu_usage_user",   "cpu_usage_system",    "cpu_usage_idle",    "cpu_usage_nice",
                                    "cpu_usage_iowait", "cpu_usage_irq",       "cpu_usage_softirq", "cpu_usage_steal",
                                    "cpu_usage_guest",  "cpu_usage_guest_nice"};

static const struct {
    const char *name;
    unsigned datacenters;
} regions[] = {{"us-east-1", 5},      {"us-west-1", 2},      {"us-west-2", 3},
               {"eu-west-1", 3},      {"eu-central-1", 2},   {"ap-southeast-1", 2},
               {"ap-southeast-2", 2}, {"ap-northeast-1", 2}, {"sa-east-1", 3}};

static const char *const systems[] = {"Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"};
static const char *const architectures[] = {"x64", "x86"};
static const char *const teams[] = {"SF", "NYC", "LON", "CHI"};
static const char *const environments[] = {"production", "staging", "test"};

static void describe(struct prototypes *out, struct arena *arena)
{
    (void)arena;
    for (uint32_t i = 0; i < COUNT(names); i++) {
        struct prototype p = {.kind = VALUE_WALK, .pace = 1, .share = 1, .group = i};
        p.labels[p.label_count++] = (label){METRIC_NAME, str_from(names[i])};
        vec_push(&out->rows, p);
    }
}

static uint32_t name_host(uint32_t host, uint64_t seed, uint32_t port, label *out, struct arena *arena)
{
    uint64_t random = hash_mix(seed ^ 0x7565, host);
    size_t region = random % COUNT(regions);
    const char *region_name = regions[region].name;
    const label pairs[] = {
        {STR("hostname"), arena_format(arena, "host_%u", host)},
        {STR("region"), str_from(region_name)},
        {STR("datacenter"),
         arena_format(arena, "%s%c", region_name, 'a' + (int)(random >> 8 & 0xFF) % (int)regions[region].datacenters)},
        {STR("rack"), arena_format(arena, "%u", (unsigned)(random >> 16 & 0xFF) % 100)},
        {STR("os"), str_from(systems[(random >> 24 & 0xFF) % COUNT(systems)])},
        {STR("arch"), str_from(architectures[(random >> 32 & 0xFF) % COUNT(architectures)])},
        {STR("team"), str_from(teams[(random >> 40 & 0xFF) % COUNT(teams)])},
        {STR("service"), arena_format(arena, "%u", (unsigned)(random >> 48 & 0xFF) % 20)},
        {STR("service_version"), arena_format(arena, "%u", (unsigned)(random >> 56 & 1))},
        {STR("service_environment"), str_from(environments[(random >> 57) % COUNT(environments)])},
    };

    (void)port;
    memcpy(out, pairs, sizeof pairs);
    return COUNT(pairs);
}

const struct fleet cpu_fleet = {.step_ms = 10000, .jitter_ms = 0, .describe = describe, .name_host = name_host};
