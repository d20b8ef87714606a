/* Log lines: their form, levels, quoting, and that a line stays whole. */
#include "storage/base/log.h"

#include "storage/base/clock.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct lines {
    char last[4096];
    enum log_level level;
    unsigned count, broken;
};

static void keep(void *context, enum log_level level, str line)
{
    struct lines *lines = context;

    cr_assert(line.len < sizeof lines->last);
    memcpy(lines->last, line.data, line.len);
    lines->last[line.len] = 0;
    lines->level = level;
    lines->count++;
}

Test(log, a_line)
{
    struct lines lines = {0};

    clock_hold(1700000000007);
    log_set_sink(keep, &lines);
    log_info("head frozen", "head=%u series=%zu", 3u, (size_t)12);
    cr_expect(strcmp(lines.last, "time=2023-11-14T22:13:20.007Z level=info msg=\"head frozen\" head=3 series=12") == 0,
              "%s", lines.last);
    cr_expect(lines.level == LOG_INFO);
    log_error("bad", "%s", "");
    cr_expect(strncmp(lines.last, "time=2023-11-14T22:13:20.007Z level=error msg=\"bad\"", 50) == 0, "%s", lines.last);
    log_set_sink(NULL, NULL);
    clock_release();
}

Test(log, levels)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct lines lines = {0};
    enum log_level level;

    log_set_sink(keep, &lines);
    for (int least = LOG_DEBUG; least <= LOG_ERROR; least++) {
        log_set_level((enum log_level)least);
        for (int of = LOG_DEBUG; of <= LOG_ERROR; of++) {
            lines.count = 0;
            log_write((enum log_level)of, "x", "%s", "");
            cr_expect(lines.count == (of >= least), "level %s with %s wanted", names[of], names[least]);
        }
        cr_expect(log_parse_level(str_from(names[least]), &level) && level == (enum log_level)least);
    }
    cr_expect(!log_parse_level(STR("Info"), &level) && !log_parse_level(STR(""), &level));
    log_set_sink(NULL, NULL);
}

Test(log, quoting)
{
    static const struct {
        str text;
        const char *quoted;
    } rows[] = {
        {STR(""), "\"\""},
        {STR("plain"), "\"plain\""},
        {STR("two words"), "\"two words\""},
        {STR("a\"b\\c"), "\"a\\\"b\\\\c\""},
        {STR("line\nfeed\r\t\x7F"), "\"line\\nfeed\\x0d\\x09\\x7f\""},
        {STR("\0zero"), "\"\\x00zero\""},
        {STR("\xC3\xA9t\xC3\xA9"), "\"\xC3\xA9t\xC3\xA9\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct log_quoted out;
        cr_expect(strcmp(log_quote(&out, rows[i].text), rows[i].quoted) == 0, "row %zu: %s", i, out.text);
    }
}

Test(log, long_text_is_cut_and_stays_quoted)
{
    static char text[3000];

    for (int c = 1; c < 256; c++) {
        struct log_quoted out;
        memset(text, c, sizeof text);
        log_quote(&out, str_make(text, sizeof text));
        size_t len = strlen(out.text);
        cr_expect(len < sizeof out.text && len > 400 && out.text[0] == '"' && out.text[len - 1] == '"', "byte %d", c);
    }
}

Test(log, long_lines_are_cut)
{
    static char text[5000];
    struct lines lines = {0};

    memset(text, 'x', sizeof text - 1);
    log_set_sink(keep, &lines);
    log_warn("a long field", "field=%s", text);
    cr_expect(lines.count == 1 && strlen(lines.last) > 2000 && strlen(lines.last) < 2048);
    log_warn(text, "field=%s", "1");
    cr_expect(lines.count == 2 && strlen(lines.last) > 2000 && strlen(lines.last) < 2048);
    log_set_sink(NULL, NULL);
}

/* Lines of several threads, each the same digit over and over. */
static void check_line(void *context, enum log_level level, str line)
{
    struct lines *lines = context;
    str field = str_part(line, line.len - 40, 40);

    (void)level;
    lines->count++;
    for (size_t i = 1; i < field.len; i++) lines->broken += field.data[i] != field.data[0];
}

static void *write_lines(void *context)
{
    char digits[41] = {0};

    memset(digits, '0' + *(const int *)context, 40);
    for (int i = 0; i < 200; i++) log_info("from a thread", "field=%s", digits);
    return NULL;
}

Test(log, lines_of_threads_do_not_mix)
{
    static const int numbers[] = {1, 2, 3, 4};
    struct lines lines = {0};
    pthread_t threads[4];

    log_set_sink(check_line, &lines);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_lines, (void *)&numbers[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    log_set_sink(NULL, NULL);
    cr_expect(lines.count == 800 && lines.broken == 0);
}
