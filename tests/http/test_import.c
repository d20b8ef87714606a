#include "tests/http/command.h"
#include "tests/http/import_cases.h"
#include "tests/support/folder.h"

Test(import, extra_labels_replace)
{
    const label extra[] = {{STR("job"), STR("z")}, {STR("dc"), STR("1")}};
    const struct import settings = {.extra = extra, .extra_count = 2};
    const struct import_case one[] = {
        {"up{job=\"x\",a=\"b\"} 1", "{__name__=\"up\", a=\"b\", dc=\"1\", job=\"z\"} 1@7\n"}};

    CHECK_IMPORTS(import_text, &settings, one);
}

Test(import, extra_labels_are_read)
{
    const str good[] = {STR("a=b=c"), STR("x=")}, bad[] = {STR("ab")};
    struct arena arena = {0};
    label *pairs;

    cr_assert(import_read_extra(good, 2, &arena, &pairs));
    cr_expect(str_equal(pairs[0].name, STR("a")) && str_equal(pairs[0].value, STR("b=c")) && pairs[1].value.len == 0);
    cr_expect(!import_read_extra(bad, 1, &arena, &pairs));
    arena_release(&arena);
}

Test(import, labels_have_a_limit)
{
    struct import import = {0};

    for (int i = 0; i < IMPORT_LABELS_MAX; i++) cr_expect(import_label(&import, STR("a"), STR("b")));
    cr_expect(!import_label(&import, STR("a"), STR("b")));
}

static const struct command_case commands[] = {
    {"import", 1, "varve: say import prometheus or import openmetrics; see varve help import\n"},
    {"import influx x", 1, "varve: say import prometheus or import openmetrics"},
    {"import prometheus", 1, "varve: import prometheus takes one folder\n"},
    {"import prometheus a b", 1, "varve: import prometheus takes one folder\n"},
    {"import prometheus missing", 1, "varve: missing: No such file or directory\n"},
    {"import prometheus --storage.tsdb.paht=x y", 1, "varve: unknown flag --storage.tsdb.paht; did you mean "},
    {"import openmetrics", 1, "varve: import openmetrics takes one file, or - for its input\n"},
    {"import openmetrics --log.level=error missing.txt", 1, "varve: missing.txt: No such file or directory\n"},
    {"import openmetrics --log.level=error good.txt", 0, ""},
    {"import openmetrics --log.level=error - < more.txt", 0, ""},
    {"query instant --time=3 good+more", 0, "{job=\"x\"} => 7 @[3]\n"},
    {"import openmetrics --log.level=warn bad.txt", 0, "time="},
    {"query instant --time=3 fine", 0, "fine => 5 @[3]\n"},
};

/* Texts of any length go in in pieces; lines that make no sense are counted, and the others are taken. */
Test(import, commands, .init = command_enter, .fini = command_leave)
{
    struct arena arena = {0};
    struct writer text = {0};
    int code;

    cr_assert(!failed(folder_write_file("good.txt", STR("# TYPE good gauge\ngood{job=\"x\"} 3 1\n# EOF\n"))));
    cr_assert(!failed(folder_write_file("more.txt", STR("more{job=\"x\"} 4 2\n"))));
    cr_assert(!failed(folder_write_file("bad.txt", STR("fine 5 2\n{{{ 1\n"))));
    COMMAND_CHECK(commands);
    for (int i = 0; i < 100000; i++) {
        str line = arena_format(&arena, "%smany{n=\"%d\"} %d 10\n", i % 7 ? "" : "# HELP many Of them.\n", i, i);
        writer_bytes(&text, line.data, line.len);
    }
    cr_assert(!failed(folder_write_file("many.txt", str_make((const char *)text.data, text.count))));
    str output = command_run("import openmetrics many.txt", &code, &arena);
    cr_expect(code == 0 && memmem(output.data, output.len, " samples=100000 ", 16), "%.*s", STR_ARG(output));
    output = command_run("query instant --time=11 'count(many) + max(many)'", &code, &arena);
    cr_expect(str_starts_with(output, STR("{} => 199999 @")), "%.*s", STR_ARG(output));
    writer_release(&text);
    arena_release(&arena);
}
