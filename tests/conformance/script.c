/* The test language: lines to commands; see script.h. */
#include "tests/conformance/script.h"

#include "query/parse.h"
#include "query/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct parsing {
    str *lines;
    size_t line_count, at;
    struct arena *arena;
    str *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parsing *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    str text = arena_format_list(p->arena, format, args);
    va_end(args);
    *p->error = arena_format(p->arena, "%zu: %.*s", p->at + 1, STR_ARG(text));
    return false;
}

/* The next word; *rest is what follows it without white space in front. */
static str take_word(str *rest)
{
    size_t len = 0;

    while (len < rest->len && !isspace((unsigned char)rest->data[len])) len++;
    str word = str_part(*rest, 0, len);
    *rest = str_trim(str_part(*rest, len, rest->len));
    return word;
}

static bool take_duration(struct parsing *p, str *rest, int64_t *out)
{
    str word = take_word(rest);

    return parse_duration(word, out) || fail(p, "\"%.*s\" is no duration", STR_ARG(word));
}

static bool take_keyword(struct parsing *p, str *rest, str keyword)
{
    return str_equal(take_word(rest), keyword) || fail(p, "\"%.*s\" is missing", STR_ARG(keyword));
}

/* from A to B step C */
static bool take_range(struct parsing *p, str *rest, int64_t *start, int64_t *end, int64_t *step)
{
    return take_keyword(p, rest, STR("from")) && take_duration(p, rest, start) && take_keyword(p, rest, STR("to")) &&
           take_duration(p, rest, end) && take_keyword(p, rest, STR("step")) && take_duration(p, rest, step) &&
           (*end >= *start || fail(p, "the end is before the start"));
}

static bool at_block_end(const struct parsing *p)
{
    return p->at == p->line_count || p->lines[p->at].len == 0;
}

#define PUSH(p, list, count, item)                                                             \
    do {                                                                                       \
        void *old_ = (list);                                                                   \
        if (((count) & ((count)-1)) == 0) {                                                    \
            (list) = arena_alloc_items((p)->arena, (count) ? 2 * (count) : 1, sizeof *(list)); \
            if (count) memcpy((list), old_, (count) * sizeof *(list));                         \
        }                                                                                      \
        (list)[(count)++] = (item);                                                            \
    } while (0)

static bool same_labels(const struct series *a, const struct series *b)
{
    return labels_compare(a->labels, a->label_count, b->labels, b->label_count) == 0;
}

/* A later line of the same series takes the place of the earlier one. */
static void add_series(struct parsing *p, struct command *load, const struct series *series)
{
    for (size_t i = 0; i < load->series_count; i++) {
        if (!same_labels(&load->series[i], series)) continue;
        load->series[i] = *series;
        return;
    }
    PUSH(p, load->series, load->series_count, *series);
}

/* load 5m, and a line for each series; a line of start times belongs to the next one. */
static bool parse_load(struct parsing *p, str word, str rest, struct command *out)
{
    str start_times = STR("");

    out->kind = COMMAND_LOAD;
    out->with_nhcb = str_equal(word, STR("load_with_nhcb"));
    if (!out->with_nhcb && !str_equal(word, STR("load"))) return fail(p, "unknown command");
    if (!take_duration(p, &rest, &out->step_ms)) return false;
    for (p->at++; !at_block_end(p); p->at++) {
        struct series series;
        str line = p->lines[p->at], after = line, message;
        if (str_ends_with(take_word(&after), STR("@st"))) {
            start_times = line;
            continue;
        }
        if (!series_parse(line, &series, p->arena, &message)) return fail(p, "%.*s", STR_ARG(message));
        if (start_times.len && !start_times_parse(start_times, &series, p->arena, &message))
            return fail(p, "%.*s", STR_ARG(message));
        start_times = STR("");
        add_series(p, out, &series);
    }
    return true;
}

/* expect warn msg: text */
static bool parse_expectation(struct parsing *p, str rest, struct eval *eval)
{
    static const char *const kinds[] = {"fail", "warn", "info", "no_warn", "no_info", "ordered"};
    struct expectation expectation = {.match = MATCH_ANYTHING};
    str word = take_word(&rest);
    size_t kind = 0;

    while (kind < 6 && !str_equal(word, str_from(kinds[kind]))) kind++;
    if (kind == 6) return fail(p, "\"%.*s\" can not be expected", STR_ARG(word));
    expectation.kind = (int)kind;
    if (rest.len) {
        str match = str_cut(&rest, ':');
        if (!str_equal(match, STR("msg")) && !str_equal(match, STR("regex")))
            return fail(p, "msg: or regex: is missing");
        expectation.match = str_equal(match, STR("msg")) ? MATCH_TEXT : MATCH_PATTERN;
        expectation.text = str_trim(rest);
    }
    PUSH(p, eval->expectations, eval->expectation_count, expectation);
    return true;
}

/* Expectations that belong to the command itself: eval_fail, eval_warn, … */
static bool add_suffix(struct parsing *p, str suffix, struct eval *eval)
{
    return suffix.len == 0 || parse_expectation(p, suffix, eval);
}

/* A bare number: the query must give this scalar. */
static bool is_number(str line, double *out)
{
    char text[64];
    char *end;

    if (script_number(line, out)) return true;
    if (line.len == 0 || line.len >= sizeof text) return false;
    memcpy(text, line.data, line.len);
    text[line.len] = 0;
    *out = (double)strtoll(text, &end, 0);
    return *end == 0;
}

/* One line below an eval; *ends tells that nothing may follow. */
static bool parse_expected(struct parsing *p, struct eval *eval, bool *ends)
{
    str line = p->lines[p->at], rest = line, word = take_word(&rest), message;
    struct series series;

    if (str_equal(word, STR("expected_fail_message")) || str_equal(word, STR("expected_fail_regexp"))) {
        struct expectation expectation = {EXPECT_FAIL, MATCH_TEXT, rest};
        if (str_equal(word, STR("expected_fail_regexp"))) expectation.match = MATCH_PATTERN;
        PUSH(p, eval->expectations, eval->expectation_count, expectation);
        *ends = true;
        return true;
    }
    if (str_equal(word, STR("expect"))) {
        if (str_starts_with(rest, STR("range vector"))) {
            rest = str_trim(str_part(rest, strlen("range vector"), rest.len));
            eval->expects_range_vector = true;
            return take_range(p, &rest, &eval->range_start_ms, &eval->range_end_ms, &eval->range_step_ms);
        }
        if (!str_starts_with(rest, STR("string"))) return parse_expectation(p, rest, eval);
        eval->expects_string = true;
        eval->string = quote_read(str_trim(str_part(rest, strlen("string"), rest.len)), p->arena);
        return true;
    }
    if (is_number(line, &eval->scalar)) {
        eval->expects_scalar = *ends = true;
        return true;
    }
    if (!series_parse(line, &series, p->arena, &message)) return fail(p, "%.*s", STR_ARG(message));
    PUSH(p, eval->series, eval->series_count, series);
    return true;
}

static bool parse_eval(struct parsing *p, str word, str rest, struct command *out)
{
    struct eval *eval = &out->eval;
    struct parse_error error;
    bool ends = false;

    out->kind = COMMAND_EVAL;
    if (!str_equal(word, STR("eval")) && !add_suffix(p, str_part(word, strlen("eval_"), word.len), eval)) return false;
    str kind = take_word(&rest);
    eval->is_range = str_equal(kind, STR("range"));
    if (eval->is_range) {
        if (!take_range(p, &rest, &eval->start_ms, &eval->end_ms, &eval->step_ms)) return false;
    } else if (!str_equal(kind, STR("instant"))) {
        return fail(p, "neither instant nor range");
    } else if (!take_keyword(p, &rest, STR("at")) || !take_duration(p, &rest, &eval->start_ms)) {
        return false;
    }
    eval->query = rest;
    eval->tree = parse_query(rest, ALL_FEATURES, p->arena, &error);
    if (!eval->tree) return fail(p, "%.*s", STR_ARG(parse_error_text(&error, p->arena)));
    for (p->at++; !at_block_end(p) && !ends; p->at++) {
        if (!parse_expected(p, eval, &ends)) return false;
    }
    return true;
}

static bool parse_command(struct parsing *p, struct command *out)
{
    str rest = p->lines[p->at], word = take_word(&rest);

    *out = (struct command){.line = (uint32_t)p->at + 1};
    if (str_equal(word, STR("clear"))) {
        out->kind = COMMAND_CLEAR;
        p->at++;
        return true;
    }
    if (str_starts_with(word, STR("load"))) return parse_load(p, word, rest, out);
    if (str_starts_with(word, STR("eval"))) return parse_eval(p, word, rest, out);
    return fail(p, "unknown command \"%.*s\"", STR_ARG(word));
}

bool script_parse(str text, struct script *out, struct arena *arena, str *error)
{
    struct parsing p = {.arena = arena, .error = error};

    *out = (struct script){0};
    while (text.len) {
        str line = str_trim(str_cut(&text, '\n'));
        if (line.len && line.data[0] == '#') line.len = 0;
        PUSH(&p, p.lines, p.line_count, line);
    }
    while (p.at < p.line_count) {
        struct command command;
        if (p.lines[p.at].len == 0) {
            p.at++;
            continue;
        }
        if (!parse_command(&p, &command)) return false;
        PUSH(&p, out->commands, out->command_count, command);
    }
    return true;
}

bool eval_expects(const struct eval *eval, int kind)
{
    for (size_t i = 0; i < eval->expectation_count; i++) {
        if ((int)eval->expectations[i].kind == kind) return true;
    }
    return false;
}
