/* What the codecs cost: bytes and time a sample, beside Gorilla's.
 *
 *     bench_chunk [--node-hosts N] [--cpu-hosts N] [--hours N] [--run N] [--packed]
 *
 * The fleets' values are made first; then each series is cut into runs of --run samples (all of them by default) and
 * goes through both codecs, and every run is compared bit for bit. Gorilla chunks hold 120 samples and times; of runs,
 * times are counted once for each host. --packed: no entropy coding.
 */
#include "bench/fleet.h"
#include "bench/model.h"
#include "storage/base/clock.h"
#include "storage/chunk_gorilla.h"
#include "storage/chunk_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GORILLA_SAMPLES = 120, KINDS = VALUE_WALK + 1, TRAIN_EVERY = 16 };

static const char *const kind_names[KINDS] = {"constant",    "integer counter", "decimal counter", "slow gauge",
                                              "bytes gauge", "noise",           "bucket",          "sum",
                                              "walk"};

/* The samples of one fleet, series by series; times by host. */
struct columns_of {
    uint32_t series, per_host, rounds;
    double *values;
    int64_t *times;
    uint8_t *kinds; /* of a host's series */
};

static void make_columns(enum model_kind kind, uint32_t hosts, uint64_t seed, uint64_t hours, struct columns_of *out)
{
    const struct model_options options = {.kind = kind, .hosts = hosts, .seed = seed, .start_ms = 1700000000000};
    struct model *model = model_new(&options);
    struct prototypes prototypes = {0};
    struct arena arena;

    arena_init(&arena, NULL);
    (kind == MODEL_NODE ? &node_fleet : &cpu_fleet)->describe(&prototypes, &arena);
    out->series = model_series_count(model);
    out->per_host = (uint32_t)prototypes.rows.count;
    out->rounds = (uint32_t)(hours * 3600000 / (uint64_t)model_step_ms(model));
    out->values = memory_alloc((size_t)out->series * out->rounds * sizeof *out->values);
    out->times = memory_alloc((size_t)hosts * out->rounds * sizeof *out->times);
    out->kinds = memory_alloc(out->per_host);
    for (uint32_t i = 0; i < out->per_host; i++) out->kinds[i] = (uint8_t)prototypes.rows.data[i].kind;
    struct model_sample *round = memory_alloc(out->series * sizeof *round);
    for (uint32_t r = 0; r < out->rounds; r++) {
        model_read(model, r, 0, out->series, round);
        for (uint32_t i = 0; i < out->series; i++) out->values[(size_t)i * out->rounds + r] = round[i].value;
        for (uint32_t h = 0; h < hosts; h++)
            out->times[(size_t)h * out->rounds + r] = round[(size_t)h * out->per_host].time_ms;
    }
    free(round);
    vec_release(&prototypes.rows);
    arena_release(&arena);
    model_free(model);
}

struct figures {
    uint64_t count, bytes, gorilla_bytes;
    int64_t encode_ns, decode_ns, gorilla_encode_ns, gorilla_decode_ns;
};

struct bench {
    struct run_encoder encoder;
    struct models models;
    struct model_decoders *decoders;
    struct figures figures[KINDS], times;
    uint32_t coders[3], predictors[PREDICTORS];
    size_t run_samples;
    struct writer run, chunk;
    double *decoded;
    int64_t *decoded_times;
};

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "bench_chunk: %s\n", what);
    exit(1);
}

static struct run stored_run(struct bench *bench, size_t count)
{
    memset(writer_reserve(&bench->run, RUN_SLACK_BYTES), 0, RUN_SLACK_BYTES);
    return (struct run){bench->run.data, bench->run.count, count, bench->decoders};
}

static void measure_run(struct bench *bench, const double *values, size_t count, struct figures *out)
{
    struct run_summary summary;

    bench->run.count = 0;
    int64_t start = clock_monotonic_ns();
    run_encode_values(&bench->encoder, values, count, &bench->run);
    int64_t middle = clock_monotonic_ns();
    struct run run = stored_run(bench, count);
    bool good = run_decode_values(&run, 0, count, bench->decoded);
    int64_t end = clock_monotonic_ns();
    must(good && memcmp(bench->decoded, values, count * sizeof *values) == 0, "values do not come back");
    must(run_summarise(&run, &summary), "a run has no summary");
    for (int i = 0; i < 3; i++) bench->coders[i] += summary.frames_by_coder[i];
    for (int i = 0; i < PREDICTORS; i++) bench->predictors[i] += summary.frames_by_predictor[i];
    out->count += count;
    out->bytes += run.size;
    out->encode_ns += middle - start;
    out->decode_ns += end - middle;
}

static void measure_gorilla(struct bench *bench, const int64_t *times, const double *values, size_t count,
                            struct figures *out)
{
    uint64_t bits[GORILLA_SAMPLES];

    for (size_t first = 0; first < count; first += GORILLA_SAMPLES) {
        size_t part = count - first < GORILLA_SAMPLES ? count - first : GORILLA_SAMPLES;
        memcpy(bits, values + first, part * sizeof *bits);
        bench->chunk.count = 0;
        int64_t start = clock_monotonic_ns();
        gorilla_encode(times + first, bits, part, &bench->chunk);
        int64_t middle = clock_monotonic_ns();
        memset(writer_reserve(&bench->chunk, GORILLA_SLACK_BYTES), 0, GORILLA_SLACK_BYTES);
        bool good = gorilla_decode(bench->chunk.data, bench->chunk.count, bench->decoded_times, bench->decoded);
        int64_t end = clock_monotonic_ns();
        must(good && memcmp(bench->decoded, bits, part * sizeof *bits) == 0, "Gorilla's values do not come back");
        out->gorilla_bytes += bench->chunk.count;
        out->gorilla_encode_ns += middle - start;
        out->gorilla_decode_ns += end - middle;
    }
}

static void measure_times(struct bench *bench, const int64_t *times, size_t count)
{
    bench->run.count = 0;
    int64_t start = clock_monotonic_ns();
    run_encode_times(&bench->encoder, times, count, &bench->run);
    int64_t middle = clock_monotonic_ns();
    struct run run = stored_run(bench, count);
    bool good = run_decode_times(&run, 0, count, bench->decoded_times);
    bench->times.decode_ns += clock_monotonic_ns() - middle;
    must(good && memcmp(bench->decoded_times, times, count * sizeof *times) == 0, "times do not come back");
    bench->times.encode_ns += middle - start;
    bench->times.count += count;
    bench->times.bytes += run.size;
}

static void measure(struct bench *bench, const struct columns_of *columns)
{
    for (uint32_t i = 0; i < columns->series; i++) {
        const double *values = columns->values + (size_t)i * columns->rounds;
        const int64_t *times = columns->times + (size_t)(i / columns->per_host) * columns->rounds;
        struct figures *figures = &bench->figures[columns->kinds[i % columns->per_host]];
        for (size_t first = 0; first < columns->rounds; first += bench->run_samples) {
            size_t part = columns->rounds - first;
            if (part > bench->run_samples) part = bench->run_samples;
            measure_run(bench, values + first, part, figures);
            measure_gorilla(bench, times + first, values + first, part, figures);
            if (i % columns->per_host == 0) measure_times(bench, times + first, part);
        }
    }
}

/* The models are learnt from every sixteenth run or so, chosen at random. */
static void train(struct bench *bench, const struct columns_of *columns, uint32_t fleets, struct arena *arena)
{
    struct models_trainer trainer = {0};
    uint64_t random = 1;

    bench->encoder.trainer = &trainer;
    for (uint32_t f = 0; f < fleets; f++) {
        for (uint32_t i = 0; i < columns[f].series; i++) {
            for (size_t first = 0; first < columns[f].rounds; first += bench->run_samples) {
                size_t part = columns[f].rounds - first;
                if (part > bench->run_samples) part = bench->run_samples;
                random = random * 6364136223846793005u + 1442695040888963407u;
                if (random >> 33 & (TRAIN_EVERY - 1)) continue;
                run_encode_values(&bench->encoder, columns[f].values + (size_t)i * columns[f].rounds + first, part,
                                  NULL);
            }
        }
    }
    bench->encoder.trainer = NULL;
    int64_t start = clock_monotonic_ns();
    models_train(&trainer, MODELS_MAX, &bench->models, arena);
    printf("%zu frames taught %u models in %.1f ms\n", trainer.frames.count, bench->models.count,
           (double)(clock_monotonic_ns() - start) / 1e6);
    models_trainer_release(&trainer);
    struct writer written = {0};
    models_write(&bench->models, &written);
    bench->decoders = model_decoders_read(str_make((const char *)written.data, written.count));
    printf("models take %zu bytes\n", written.count);
    writer_release(&written);
    bench->encoder.models = &bench->models;
}

static void print_row(const char *name, const struct figures *f, uint64_t all)
{
    double count = (double)f->count;

    if (f->count == 0) return;
    printf("%-16s %5.1f%%  %8.3f %8.3f   %8.1f %8.1f   %8.1f %8.1f\n", name, 100 * count / (double)all,
           (double)f->bytes / count, (double)f->gorilla_bytes / count, count * 1e3 / (double)f->encode_ns,
           count * 1e3 / (double)f->decode_ns, count * 1e3 / (double)(f->gorilla_encode_ns + 1),
           count * 1e3 / (double)(f->gorilla_decode_ns + 1));
}

static void print_all(const struct bench *bench)
{
    struct figures all = {0};

    for (int k = 0; k < KINDS; k++) {
        const struct figures *f = &bench->figures[k];
        all.count += f->count;
        all.bytes += f->bytes;
        all.gorilla_bytes += f->gorilla_bytes;
        all.encode_ns += f->encode_ns;
        all.decode_ns += f->decode_ns;
        all.gorilla_encode_ns += f->gorilla_encode_ns;
        all.gorilla_decode_ns += f->gorilla_decode_ns;
    }
    printf("%-16s %6s  %17s   %17s   %17s\n%-16s %6s  %8s %8s   %8s %8s   %8s %8s\n", "", "", "bytes a sample",
           "M/s, run", "M/s, gorilla", "kind", "share", "run", "gorilla", "encode", "decode", "encode", "decode");
    for (int k = 0; k < KINDS; k++) print_row(kind_names[k], &bench->figures[k], all.count);
    print_row("all", &all, all.count);
    print_row("times", &bench->times, all.count);
    printf("frames: zero %u, lanes %u, ans %u; level %u, delta %u, delta2 %u, means %u, line %u\n", bench->coders[0],
           bench->coders[1], bench->coders[2], bench->predictors[0], bench->predictors[1], bench->predictors[2],
           bench->predictors[3], bench->predictors[4]);
}

int main(int count, char **values)
{
    uint64_t node_hosts = 8, cpu_hosts = 100, hours = 25, run = 0, bonus = 0;
    bool packed = false;
    struct columns_of columns[2];
    struct arena arena;
    uint32_t fleets = 0;

    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? values[i + 1] : "";
        uint64_t *number = strcmp(values[i], "--node-hosts") == 0  ? &node_hosts
                           : strcmp(values[i], "--cpu-hosts") == 0 ? &cpu_hosts
                           : strcmp(values[i], "--hours") == 0     ? &hours
                           : strcmp(values[i], "--run") == 0       ? &run
                           : strcmp(values[i], "--bonus") == 0     ? &bonus
                                                                   : NULL;
        if (number && str_to_uint64(str_from(value), number)) {
            i++;
        } else if (strcmp(values[i], "--packed") == 0) {
            packed = true;
        } else {
            fprintf(stderr, "bench_chunk: unknown option %s\n", values[i]);
            return 1;
        }
    }
    if (node_hosts) make_columns(MODEL_NODE, (uint32_t)node_hosts, 1, hours, &columns[fleets++]);
    if (cpu_hosts) make_columns(MODEL_CPU, (uint32_t)cpu_hosts, 2, hours, &columns[fleets++]);

    struct bench *bench = memory_zalloc(sizeof *bench);
    arena_init(&arena, NULL);
    bench->run_samples = run ? run : SIZE_MAX;
    bench->encoder.packed_bonus_permille = (unsigned)bonus;
    size_t longest = 0;
    for (uint32_t f = 0; f < fleets; f++) longest = columns[f].rounds > longest ? columns[f].rounds : longest;
    bench->decoded = memory_alloc(longest * sizeof *bench->decoded);
    bench->decoded_times = memory_alloc(longest * sizeof *bench->decoded_times);
    if (!packed) train(bench, columns, fleets, &arena);
    for (uint32_t f = 0; f < fleets; f++) measure(bench, &columns[f]);
    print_all(bench);

    for (uint32_t f = 0; f < fleets; f++) {
        free(columns[f].values);
        free(columns[f].times);
        free(columns[f].kinds);
    }
    free(bench->decoded);
    free(bench->decoded_times);
    free(bench->decoders);
    writer_release(&bench->run);
    writer_release(&bench->chunk);
    run_encoder_release(&bench->encoder);
    arena_release(&arena);
    free(bench);
    return 0;
}
