/* What the codecs cost: bytes and time a sample, beside Gorilla's.
 *
 *     bench_chunk [--node-hosts N] [--cpu-hosts N] [--hours N] [--run N] [--packed] [--bonus P]
 *
 * The fleets' values are made first; then each series is cut into runs of --run samples (all of them by default) and
 * goes through both codecs, and everything is compared bit for bit. Gorilla chunks hold 120 samples and times; of runs,
 * times are counted once for each host. Speeds are samples by CPU time, of decoding the best of five times. --packed:
 * no entropy coding; --bonus P: packed frames may be larger by so many permille.
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
    double encode_seconds, decode_seconds, gorilla_encode_seconds, gorilla_decode_seconds;
};

/* One column being measured: encoded pieces one behind the other, each with slack. */
struct pieces {
    struct writer bytes;
    vec(size_t) ends; /* without slack */
};

enum { SLACK_BYTES = 32, DECODES = 5 };

struct bench {
    struct run_encoder encoder;
    struct models models;
    struct model_decoders *decoders;
    struct figures figures[KINDS], times;
    uint32_t coders[3], predictors[PREDICTORS];
    size_t run_samples;
    struct pieces pieces;
    double *decoded;
    int64_t *decoded_times;
};

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "bench_chunk: %s\n", what);
    exit(1);
}

static void end_piece(struct pieces *pieces)
{
    vec_push(&pieces->ends, pieces->bytes.count);
    memset(writer_reserve(&pieces->bytes, SLACK_BYTES), 0, SLACK_BYTES);
    pieces->bytes.count += SLACK_BYTES;
}

/* Where piece i begins, and its bytes. */
static const uint8_t *piece_at(const struct pieces *pieces, size_t i, size_t *bytes)
{
    size_t start = i ? pieces->ends.data[i - 1] + SLACK_BYTES : 0;

    *bytes = pieces->ends.data[i] - start;
    return pieces->bytes.data + start;
}

static struct run run_at(const struct bench *bench, size_t i, size_t count)
{
    struct run run = {.count = count, .models = bench->decoders};

    run.bytes = piece_at(&bench->pieces, i, &run.size);
    return run;
}

static size_t part_of(size_t total, size_t first, size_t part)
{
    return total - first < part ? total - first : part;
}

static void empty_pieces(struct pieces *pieces)
{
    pieces->bytes.count = pieces->ends.count = 0;
}

/* Decodes all runs of the column a few times; the fastest counts, as others use the machine, too. */
static double decode_runs(struct bench *bench, size_t total)
{
    double best = 1e9;

    for (int round = 0; round < DECODES; round++) {
        double start = clock_process_seconds();
        size_t i = 0;
        for (size_t first = 0; first < total; first += bench->run_samples, i++) {
            struct run run = run_at(bench, i, part_of(total, first, bench->run_samples));
            must(run_decode_values(&run, 0, run.count, bench->decoded + first, NULL), "a run does not decode");
        }
        double seconds = clock_process_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static void measure_runs(struct bench *bench, const double *values, size_t total, struct figures *out)
{
    struct run_summary summary;
    size_t pieces = 0, bytes;

    empty_pieces(&bench->pieces);
    double start = clock_process_seconds();
    for (size_t first = 0; first < total; first += bench->run_samples) {
        run_encode_values(&bench->encoder, values + first, part_of(total, first, bench->run_samples),
                          &bench->pieces.bytes);
        end_piece(&bench->pieces);
    }
    out->encode_seconds += clock_process_seconds() - start;
    out->decode_seconds += decode_runs(bench, total);
    must(memcmp(bench->decoded, values, total * sizeof *values) == 0, "values do not come back");
    for (size_t first = 0; first < total; first += bench->run_samples) {
        struct run run = run_at(bench, pieces, part_of(total, first, bench->run_samples));
        must(run_summarise(&run, &summary), "a run has no summary");
        for (int i = 0; i < 3; i++) bench->coders[i] += summary.frames_by_coder[i];
        for (int i = 0; i < PREDICTORS; i++) bench->predictors[i] += summary.frames_by_predictor[i];
        piece_at(&bench->pieces, pieces++, &bytes);
        out->bytes += bytes;
    }
    out->count += total;
}

static double decode_gorilla(struct bench *bench, size_t total)
{
    double best = 1e9;

    for (int round = 0; round < DECODES; round++) {
        double start = clock_process_seconds();
        size_t i = 0, bytes;
        for (size_t first = 0; first < total; first += GORILLA_SAMPLES, i++) {
            const uint8_t *chunk = piece_at(&bench->pieces, i, &bytes);
            must(gorilla_decode(chunk, bytes, bench->decoded_times + first, bench->decoded + first),
                 "a chunk does not decode");
        }
        double seconds = clock_process_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static void measure_gorilla(struct bench *bench, const int64_t *times, const double *values, size_t total,
                            struct figures *out)
{
    empty_pieces(&bench->pieces);
    double start = clock_process_seconds();
    for (size_t first = 0; first < total; first += GORILLA_SAMPLES) {
        gorilla_encode(times + first, (const uint64_t *)(const void *)(values + first),
                       part_of(total, first, GORILLA_SAMPLES), &bench->pieces.bytes);
        end_piece(&bench->pieces);
    }
    out->gorilla_encode_seconds += clock_process_seconds() - start;
    out->gorilla_bytes += bench->pieces.bytes.count - bench->pieces.ends.count * SLACK_BYTES;
    out->gorilla_decode_seconds += decode_gorilla(bench, total);
    must(memcmp(bench->decoded, values, total * sizeof *values) == 0, "Gorilla's values do not come back");
}

static void measure_times(struct bench *bench, const int64_t *times, size_t total)
{
    empty_pieces(&bench->pieces);
    double start = clock_process_seconds();
    run_encode_times(&bench->encoder, times, total, &bench->pieces.bytes);
    bench->times.encode_seconds += clock_process_seconds() - start;
    bench->times.bytes += bench->pieces.bytes.count;
    end_piece(&bench->pieces);
    struct run run = run_at(bench, 0, total);
    start = clock_process_seconds();
    bool good = run_decode_times(&run, 0, total, bench->decoded_times);
    bench->times.decode_seconds += clock_process_seconds() - start;
    must(good && memcmp(bench->decoded_times, times, total * sizeof *times) == 0, "times do not come back");
    bench->times.count += total;
}

static void measure(struct bench *bench, const struct columns_of *columns)
{
    for (uint32_t i = 0; i < columns->series; i++) {
        const double *values = columns->values + (size_t)i * columns->rounds;
        const int64_t *times = columns->times + (size_t)(i / columns->per_host) * columns->rounds;
        struct figures *figures = &bench->figures[columns->kinds[i % columns->per_host]];
        measure_runs(bench, values, columns->rounds, figures);
        measure_gorilla(bench, times, values, columns->rounds, figures);
        if (i % columns->per_host == 0) measure_times(bench, times, columns->rounds);
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
    printf("%-16s %5.1f%%  %8.3f %8.3f   %8.0f %8.0f   %8.0f %8.0f\n", name, 100 * count / (double)all,
           (double)f->bytes / count, (double)f->gorilla_bytes / count, count / 1e6 / f->encode_seconds,
           count / 1e6 / f->decode_seconds, f->gorilla_bytes ? count / 1e6 / f->gorilla_encode_seconds : 0,
           f->gorilla_bytes ? count / 1e6 / f->gorilla_decode_seconds : 0);
}

static void print_all(const struct bench *bench)
{
    struct figures all = {0};

    for (int k = 0; k < KINDS; k++) {
        const struct figures *f = &bench->figures[k];
        all.count += f->count;
        all.bytes += f->bytes;
        all.gorilla_bytes += f->gorilla_bytes;
        all.encode_seconds += f->encode_seconds;
        all.decode_seconds += f->decode_seconds;
        all.gorilla_encode_seconds += f->gorilla_encode_seconds;
        all.gorilla_decode_seconds += f->gorilla_decode_seconds;
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
    bench->run_samples = run ? run : SIZE_MAX / 2;
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
    writer_release(&bench->pieces.bytes);
    vec_release(&bench->pieces.ends);
    run_encoder_release(&bench->encoder);
    arena_release(&arena);
    free(bench);
    return 0;
}
