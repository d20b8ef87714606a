/* The made-up fleets; see model.h. */
#include "bench/model.h"

#include "bench/fleet.h"
#include "storage/base/hash.h"

enum {
    DAY_MS = 24 * 60 * 60 * 1000,
    RESET_EVERY = 2000, /* scrapes of a host, on average */
    STALE_EVERY = 500
};

static const uint64_t stale_marker_bits = 0x7FF0000000000002;

struct model {
    struct model_options options;
    const struct fleet *fleet;
    struct arena arena;
    struct prototypes prototypes;
    uint8_t *kinds;             /* enum value_kind of the prototypes, close together */
    struct value_state *series; /* those of a host are neighbours, in the order of the prototypes */
};

/* What all series of a host share in one round. */
struct scrape {
    int64_t time_ms;
    double load;
    bool is_reset, is_stale;
};

bool model_parse_kind(str name, enum model_kind *out)
{
    if (str_equal(name, STR("node"))) {
        *out = MODEL_NODE;
    } else if (str_equal(name, STR("cpu"))) {
        *out = MODEL_CPU;
    } else {
        return false;
    }
    return true;
}

struct model *model_new(const struct model_options *options)
{
    struct model *model = memory_zalloc(sizeof *model);

    model->options = *options;
    model->fleet = options->kind == MODEL_NODE ? &node_fleet : &cpu_fleet;
    if (options->step_ms == 0) model->options.step_ms = model->fleet->step_ms;
    arena_init(&model->arena, NULL);
    model->fleet->describe(&model->prototypes, &model->arena);
    model->kinds = memory_alloc(model->prototypes.rows.count);
    for (size_t i = 0; i < model->prototypes.rows.count; i++)
        model->kinds[i] = (uint8_t)model->prototypes.rows.data[i].kind;
    model->series = memory_alloc(sizeof *model->series * model_series_count(model));
    for (uint32_t i = 0; i < model_series_count(model); i++) {
        uint32_t host = i / (uint32_t)model->prototypes.rows.count;
        const struct prototype *p = &model->prototypes.rows.data[i % model->prototypes.rows.count];
        uint64_t salt = hash_mix(hash_mix(options->seed, host), p->group);
        model->series[i] = value_start(p->kind, salt, p->pace, p->share);
    }
    return model;
}

void model_free(struct model *model)
{
    if (!model) return;
    free(model->series);
    free(model->kinds);
    vec_release(&model->prototypes.rows);
    arena_release(&model->arena);
    free(model);
}

uint32_t model_series_count(const struct model *model)
{
    return model->options.hosts * (uint32_t)model->prototypes.rows.count;
}

int64_t model_step_ms(const struct model *model)
{
    return model->options.step_ms;
}

int64_t model_round_ms(const struct model *model, uint32_t round)
{
    return model->options.start_ms + round * model->options.step_ms;
}

bool model_shares_time(const struct model *model, uint32_t series)
{
    return series % model->prototypes.rows.count != 0;
}

void model_labels(const struct model *model, uint32_t series, struct writer *out)
{
    size_t per_host = model->prototypes.rows.count;
    const struct prototype *p = &model->prototypes.rows.data[series % per_host];
    label pairs[2 * FLEET_LABELS_MAX];
    struct arena arena;

    arena_init(&arena, NULL);
    memcpy(pairs, p->labels, sizeof pairs[0] * p->label_count);
    uint32_t host = (uint32_t)(series / per_host);
    uint32_t count =
        p->label_count + model->fleet->name_host(host, model->options.seed, p->port, pairs + p->label_count, &arena);
    labels_sort(pairs, count);
    labels_write(pairs, count, out);
    arena_release(&arena);
}

/* Busy by day, quiet by night: a triangle over the hours, shifted for each host. */
static double load_of(uint64_t host_salt, int64_t time_ms)
{
    double day = (double)((time_ms + (int64_t)(host_salt % DAY_MS)) % DAY_MS) / DAY_MS;
    return 0.6 + 0.8 * (day < 0.5 ? 2 * day : 2 - 2 * day);
}

static struct scrape scrape_of(const struct model *model, uint32_t round, uint32_t host)
{
    uint64_t host_salt = hash_mix(model->options.seed ^ 0x5C7A9E, host), random = hash_mix(host_salt, round);
    int64_t time_ms = model_round_ms(model, round), jitter_ms = model->fleet->jitter_ms;

    if (jitter_ms) {
        int64_t room_ms = model->options.step_ms - 2 * jitter_ms;
        assert(room_ms > 0 && "the step leaves no room for the jitter");
        time_ms += jitter_ms + (int64_t)(host_salt % (uint64_t)room_ms) +
                   (int64_t)(random % (uint64_t)(2 * jitter_ms - 1)) - (jitter_ms - 1);
    }
    return (struct scrape){
        .time_ms = time_ms,
        .load = load_of(host_salt, time_ms),
        .is_reset = model->options.resets && hash_mix(random, 1) % RESET_EVERY == 0,
        .is_stale = model->options.stale_markers && hash_mix(random, 2) % STALE_EVERY == 0,
    };
}

void model_read(struct model *model, uint32_t round, uint32_t first, uint32_t count, struct model_sample *out)
{
    uint32_t per_host = (uint32_t)model->prototypes.rows.count, end = first + count;

    assert(end <= model_series_count(model));
    while (first < end) {
        uint32_t host = first / per_host, next_host = (host + 1) * per_host;
        uint32_t host_end = next_host < end ? next_host : end;
        const uint8_t *kind = model->kinds + first % per_host;
        struct scrape scrape = scrape_of(model, round, host);
        for (; first < host_end; first++, kind++, out++) {
            out->time_ms = scrape.time_ms;
            out->value = value_next(*kind, &model->series[first], round, scrape.load, scrape.is_reset);
            if (scrape.is_stale) out->value = double_from_bits(stale_marker_bits);
        }
    }
}
