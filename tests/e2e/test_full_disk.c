/* A small disk that fills up under the server: writes are refused with the reason, queries are answered, and it goes on
 * by itself when there is space; nothing acknowledged is lost. Needs leave to mount a tmpfs; without it, it says so. */
#include "storage/base/clock.h"
#include "tests/support/must.h"
#include "tests/support/prom_api.h"
#include "tests/support/remote_write_client.h"
#include "tests/support/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERIES = 2000, DISK_MB = 48, BALLAST_MB = 20, REQUESTS_MAX = 4000, RECOVERY_MS = 5000 };

static const char path_flag[] = "--storage.tsdb.path=";

/* A request with a sample of each series; values that nothing makes smaller. */
static void make_request(struct write_request *request, int64_t time_ms, uint64_t number)
{
    write_request_reset(request);
    for (uint64_t i = 0; i < SERIES; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", (int)i);
        label pairs[] = {{METRIC_NAME, STR("filler")}, {STR("i"), str_from(text)}};
        uint64_t mixed = (i + 1) * 0x9E3779B97F4A7C15ULL ^ number * 0xBF58476D1CE4E5B9ULL;
        struct write_sample sample = {time_ms, (double)(mixed >> 11) / 3};
        write_request_add(request, pairs, 2, &sample, 1);
    }
}

static bool mount_disk(const char *path)
{
    char options[32];

    snprintf(options, sizeof options, "size=%dm", DISK_MB);
    if (mkdir(path, 0750) == 0 && mount("tmpfs", path, "tmpfs", 0, options) == 0) return true;
    fprintf(stderr, "full_disk: not run, since a tmpfs can not be mounted: %s\n", strerror(errno));
    return false;
}

static void make_ballast(const char *path)
{
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    cr_assert(fd >= 0 && posix_fallocate(fd, 0, (off_t)BALLAST_MB << 20) == 0);
    close(fd);
}

/* Sends one request after the other until one is refused or there were enough; counts those that were stored. */
static struct http_answer send_until_refused(struct http_client *client, const struct server *varve, int64_t *time_ms,
                                             int *stored)
{
    struct write_request request = {0};
    struct http_answer answer = {0};

    for (int i = 0; i < REQUESTS_MAX; i++) {
        *time_ms += 100;
        make_request(&request, *time_ms, (uint64_t)*time_ms);
        must(remote_write_send(client, varve->write_url, write_request_compress(&request), &answer));
        if (answer.code / 100 != 2) break;
        ++*stored;
    }
    write_request_release(&request);
    return answer;
}

static double count_samples(struct http_client *client, const struct server *varve, int64_t time_ms,
                            struct arena *arena)
{
    struct prom_result result;

    must(prom_query(client, varve->url, STR("count_over_time(filler{i=\"7\"}[1h])"), time_ms, arena, &result));
    return result.series_count ? result.series[0].points[0].value : 0;
}

static void run(struct server *varve, const char *ballast, struct arena *arena)
{
    struct http_client *client = http_client_new();
    int64_t time_ms = clock_now_ms() - 3600 * 1000;
    int stored = 0;

    must(server_start(varve, client));
    struct http_answer answer = send_until_refused(client, varve, &time_ms, &stored);
    cr_assert(answer.code == 503, "after %d requests: %d %.*s", stored, answer.code, STR_ARG(answer.body));
    cr_expect(http_answer_header(&answer, STR("Retry-After")).len > 0);
    cr_expect(memmem(answer.body.data, answer.body.len, "disk", 4) ||
                  memmem(answer.body.data, answer.body.len, "space", 5),
              "%.*s", STR_ARG(answer.body));
    /* The head becomes a block with the help of the reserve, and its log makes room; in the end there is none. */
    int64_t until_ns = clock_monotonic_ns() + (int64_t)20 * 1000 * 1000 * 1000;
    for (int refused = 0; refused < 30 && clock_monotonic_ns() < until_ns;) {
        int before = stored;
        answer = send_until_refused(client, varve, &time_ms, &stored);
        refused = stored == before ? refused + 1 : 0;
        process_sleep_ms(100);
    }
    cr_expect(memmem(answer.body.data, answer.body.len, "the disk of the data folder is full", 35), "%.*s",
              STR_ARG(answer.body));
    cr_expect(count_samples(client, varve, time_ms, arena) >= stored, "reads go on");

    cr_assert(unlink(ballast) == 0);
    int64_t freed_ns = clock_monotonic_ns();
    for (int before = stored; stored == before;) {
        struct write_request request = {0};
        time_ms += 100;
        make_request(&request, time_ms, (uint64_t)time_ms);
        must(remote_write_send(client, varve->write_url, write_request_compress(&request), &answer));
        stored += answer.code / 100 == 2;
        write_request_release(&request);
        cr_assert(clock_monotonic_ns() - freed_ns < (int64_t)RECOVERY_MS * 1000 * 1000, "it does not go on: %.*s",
                  STR_ARG(answer.body));
        process_sleep_ms(50);
    }
    process_kill(&varve->process);
    must(server_start(varve, client));
    cr_expect(count_samples(client, varve, time_ms, arena) >= stored);
    must(process_stop(&varve->process, SERVER_STOP_MS));
    must(server_check_folder(varve, arena));
    http_client_free(client);
}

Test(full_disk, writes_stop_and_go_on, .timeout = 180)
{
    const char *const flags[] = {"--storage.reserve=6MB", "--storage.tsdb.out-of-order-time-window=any", NULL};
    struct arena arena = {0};
    struct server varve;
    const char *path = NULL;

    must(server_varve(&arena, flags, &varve));
    for (int i = 0; varve.arguments[i]; i++) {
        if (strncmp(varve.arguments[i], path_flag, sizeof path_flag - 1) == 0)
            path = varve.arguments[i] + sizeof path_flag - 1;
    }
    cr_assert(path);
    if (mount_disk(path)) {
        const char *ballast = arena_format(&arena, "%s/ballast", path).data;
        make_ballast(ballast);
        run(&varve, ballast, &arena);
        umount2(path, MNT_DETACH);
    }
    arena_release(&arena);
}
