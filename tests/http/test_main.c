/* The table of commands, help and version. */
#include "http/version.h"
#include "tests/http/command.h"
#include "tests/support/folder.h"
#include "tests/support/must.h"

static const struct command_case cases[] = {
    {"", 1, "Varve keeps time series."},
    {"help", 0, "Varve keeps time series."},
    {"--help", 0, "Varve keeps time series."},
    {"help serve", 0, "Usage: varve serve [FLAGS]\n"},
    {"serve --help", 0, "Usage: varve serve [FLAGS]\n"},
    {"help features", 0, "Features of PromQL"},
    {"help nothing", 1, "varve: unknown command \"nothing\"; see varve help\n"},
    {"sreve", 1, "varve: unknown command \"sreve\"; did you mean serve?\n"},
    {"serve --web.listen-adress=x", 1, "varve: unknown flag --web.listen-adress; did you mean --web.listen-address?\n"},
};

Test(main, commands, .init = command_enter, .fini = command_leave)
{
    COMMAND_CHECK(cases);
}

Test(main, version, .init = command_enter, .fini = command_leave)
{
    struct arena arena = {0};
    int code;
    str want = arena_format(&arena, "varve %s (revision %s)\n", version_text, version_revision);

    cr_expect(str_equal(command_run("version", &code, &arena), want) && code == 0);
    cr_expect(str_equal(command_run("--version", &code, &arena), want) && code == 0);
    arena_release(&arena);
}

/* The page is the table of routes. */
Test(main, api_page_is_up_to_date, .init = command_enter, .fini = command_leave)
{
    struct arena arena = {0};
    int code;
    str page, printed = command_run("help api", &code, &arena);

    must(folder_read_file(VARVE_SOURCE_DIR "/docs/api.md", &arena, &page));
    cr_expect(code == 0 && str_equal(page, printed), "varve help api > docs/api.md");
    arena_release(&arena);
}
