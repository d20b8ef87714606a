/* Varve with TLS, client certificates and passwords, asked by the program curl: who has all of them is let in, who
 * lacks one is not, and a changed file holds without a restart. */
#include "storage/base/clock.h"
#include "tests/http/certificates.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"
#include "tests/support/server.h"

enum { PATIENCE_MS = 60000, ARGUMENTS_MAX = 24 };

/* bcrypt of "secret" */
#define SECRET_HASH "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

struct fortress {
    struct arena arena;
    struct server varve;
    const char *folder, *url, *config_path;
};

/* NAME.crt and NAME.key in the folder. */
static struct certificate put_certificate(struct fortress *fortress, const char *file, const char *name,
                                          const struct certificate *issuer)
{
    struct certificate made = certificate_make(name, issuer, &fortress->arena);

    must(folder_write_file(arena_format(&fortress->arena, "%s/%s.crt", fortress->folder, file).data, made.pem));
    must(folder_write_file(arena_format(&fortress->arena, "%s/%s.key", fortress->folder, file).data, made.key_pem));
    return made;
}

static void let_in(struct fortress *fortress, const char *user)
{
    must(folder_write_file(fortress->config_path, arena_format(&fortress->arena,
                                                               "tls_server_config:\n"
                                                               "  cert_file: server.crt\n"
                                                               "  key_file: server.key\n"
                                                               "  client_auth_type: RequireAndVerifyClientCert\n"
                                                               "  client_ca_file: ca.crt\n"
                                                               "basic_auth_users:\n"
                                                               "  %s: %s\n"
                                                               "http_server_config:\n"
                                                               "  headers: {X-Frame-Options: deny}\n",
                                                               user, SECRET_HASH)));
}

static void open_fortress(struct fortress *fortress)
{
    *fortress = (struct fortress){.url = NULL};
    must(folder_make_temporary(&fortress->arena, &fortress->folder));
    fortress->config_path = arena_format(&fortress->arena, "%s/web.yml", fortress->folder).data;
    struct certificate ca = put_certificate(fortress, "ca", "ca", NULL);
    struct certificate other = put_certificate(fortress, "other", "other", NULL);
    put_certificate(fortress, "server", "server", &ca);
    put_certificate(fortress, "alice", "alice", &ca);
    put_certificate(fortress, "stranger", "alice", &other);
    let_in(fortress, "alice");
    str flag = arena_format(&fortress->arena, "--web.config.file=%s", fortress->config_path);
    must(server_varve(&fortress->arena, (const char *const[]){flag.data, NULL}, &fortress->varve));
    fortress->url = arena_format(&fortress->arena, "https://%s", fortress->varve.address).data;
    must(server_launch(&fortress->varve));
}

struct caller {
    const char *ca, *certificate, *password; /* NULL: none */
};

/* The HTTP code that curl prints, 0 if there was no answer; *answer is the header and body. `more` ends with NULL. */
static int curl(struct fortress *fortress, const struct caller *caller, const char *path, const char *const *more,
                str *answer)
{
    struct arena *arena = &fortress->arena;
    const char *out = arena_format(arena, "%s/answer", fortress->folder).data;
    const char *arguments[ARGUMENTS_MAX] = {"curl", "--silent", "--include", "--globoff", "--max-time", "20"};
    size_t count = 6;
    int exit_code;

    must(folder_write_file(out, STR("")));
    if (caller->ca) {
        arguments[count++] = "--cacert";
        arguments[count++] = arena_format(arena, "%s/%s.crt", fortress->folder, caller->ca).data;
    }
    if (caller->certificate) {
        arguments[count++] = "--cert";
        arguments[count++] = arena_format(arena, "%s/%s.crt", fortress->folder, caller->certificate).data;
        arguments[count++] = "--key";
        arguments[count++] = arena_format(arena, "%s/%s.key", fortress->folder, caller->certificate).data;
    }
    if (caller->password) {
        arguments[count++] = "--user";
        arguments[count++] = caller->password;
    }
    for (; more && *more; more++) arguments[count++] = *more;
    arguments[count++] = arena_format(arena, "%s%s", fortress->url, path).data;
    must(process_run(arguments, out, &exit_code));
    must(folder_read_file(out, arena, answer));
    if (exit_code != 0) return 0;
    str line = *answer, code = (str_cut(&line, ' '), str_cut(&line, ' '));
    uint64_t number = 0;
    return str_to_uint64(code, &number) ? (int)number : 0;
}

static bool holds(str text, const char *piece)
{
    return memmem(text.data, text.len, piece, strlen(piece)) != NULL;
}

static bool becomes(struct fortress *fortress, const struct caller *caller, int code)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    str answer;

    while (curl(fortress, caller, "/-/ready", NULL, &answer) != code) {
        if (clock_now_ms() > deadline_ms) return false;
        process_sleep_ms(200);
    }
    return true;
}

static const struct caller alice = {"ca", "alice", "alice:secret"};

static const struct {
    struct caller caller;
    int code;
} callers[] = {
    {{"ca", "alice", "alice:secret"}, 200},  {{"ca", "alice", "alice:wrong"}, 401},
    {{"ca", "alice", "bob:secret"}, 401},    {{"ca", "alice", NULL}, 401},
    {{"ca", NULL, "alice:secret"}, 0},       /* without a certificate */
    {{"ca", "stranger", "alice:secret"}, 0}, /* one of another CA */
    {{"other", "alice", "alice:secret"}, 0}, /* who expects another server */
    {{NULL, "alice", "alice:secret"}, 0},
};

Test(security, curl_is_let_in_with_all_of_it, .timeout = 300)
{
    static const char *const paths[] = {"/-/ready", "/metrics", "/api/v1/query?query=1", "/api/v1/status/flags"};
    static const char *const write[] = {"--data-binary", "written 1", NULL};
    struct fortress fortress;
    str answer;

    open_fortress(&fortress);
    cr_assert(becomes(&fortress, &alice, 200), "it does not start");
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        for (size_t j = 0; j < sizeof paths / sizeof paths[0]; j++) {
            int code = curl(&fortress, &callers[i].caller, paths[j], NULL, &answer);
            cr_expect(code == callers[i].code, "caller %zu, %s: %d", i, paths[j], code);
            if (code == 200) cr_expect(holds(answer, "X-Frame-Options: deny"), "%.*s", STR_ARG(answer));
        }
        int code = curl(&fortress, &callers[i].caller, "/api/v1/import/prometheus", write, &answer);
        cr_expect(code == (callers[i].code == 200 ? 204 : callers[i].code), "caller %zu writes: %d", i, code);
    }
    const char *plain = fortress.url;
    fortress.url = fortress.varve.url;
    cr_expect(curl(&fortress, &alice, "/-/ready", NULL, &answer) == 0, "in the clear");
    fortress.url = plain;
    cr_expect(curl(&fortress, &alice, "/api/v1/query?query=count_over_time(written[1h])", NULL, &answer) == 200);
    cr_expect(holds(answer, ",\"1\"]"), "written by one of them: %.*s", STR_ARG(answer));

    let_in(&fortress, "carol");
    cr_expect(becomes(&fortress, &(struct caller){"ca", "alice", "carol:secret"}, 200), "the changed file");
    cr_expect(curl(&fortress, &alice, "/-/ready", NULL, &answer) == 401);
    must(process_stop(&fortress.varve.process, SERVER_STOP_MS));
    arena_release(&fortress.arena);
}
