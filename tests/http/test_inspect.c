/* varve inspect. */
#include "storage/base/vec.h"
#include "tests/http/command.h"

#include <jansson.h>

static const struct command_case cases[] = {
    {"inspect data", 0,
     "series      3, of which 3 are in one block or head only\n"
     "samples     6 in blocks\n"},
    {"inspect missing", 2, "varve: missing: No such file or directory\n"},
    {"inspect empty", 2, "varve: empty: No such file or directory\n"},
    {"inspect", 2, "varve: inspect takes one folder; see varve help inspect\n"},
    {"inspect data data", 2, "varve: inspect takes one folder; see varve help inspect\n"},
    {"inspect --limit=many data", 2, "varve: --limit=many: "},
    {"inspect --jsn data", 2, "varve: unknown flag --jsn; did you mean --json?\n"},
};

Test(inspect, outcomes, .init = command_enter, .fini = command_leave)
{
    COMMAND_CHECK(cases);
}

Test(inspect, json, .init = command_enter, .fini = command_leave)
{
    struct arena arena = {0};
    json_int_t total = 0, bytes = 0;
    const char *key;
    json_t *value;
    int code;

    str output = command_run("inspect --json --limit 1 data", &code, &arena);
    json_t *all = json_loadb(output.data, output.len, 0, NULL);
    cr_assert(code == 0 && all, "%.*s", STR_ARG(output));
    json_object_foreach(json_object_get(all, "bytes_by_part"), key, value) total += json_integer_value(value);
    json_unpack(all, "{s:I}", "block_bytes", &bytes);
    cr_expect(total == bytes && bytes > 0);
    cr_expect(json_array_size(json_object_get(all, "metrics")) == 1);
    cr_expect(json_array_size(json_object_get(all, "sources")) == 1);
    json_decref(all);
    arena_release(&arena);
}
