/* Names of OpenTelemetry as names of Prometheus; see otlp_names.h. */
#include "http/otlp_names.h"

#include <string.h>

struct word {
    str unit, text;
};

/* Units after UCUM. */
static const struct word units[] = {
    {STR("d"), STR("days")},          {STR("h"), STR("hours")},
    {STR("min"), STR("minutes")},     {STR("s"), STR("seconds")},
    {STR("ms"), STR("milliseconds")}, {STR("us"), STR("microseconds")},
    {STR("ns"), STR("nanoseconds")},  {STR("By"), STR("bytes")},
    {STR("KiBy"), STR("kibibytes")},  {STR("MiBy"), STR("mebibytes")},
    {STR("GiBy"), STR("gibibytes")},  {STR("TiBy"), STR("tibibytes")},
    {STR("KBy"), STR("kilobytes")},   {STR("kBy"), STR("kilobytes")},
    {STR("MBy"), STR("megabytes")},   {STR("GBy"), STR("gigabytes")},
    {STR("TBy"), STR("terabytes")},   {STR("m"), STR("meters")},
    {STR("V"), STR("volts")},         {STR("A"), STR("amperes")},
    {STR("J"), STR("joules")},        {STR("W"), STR("watts")},
    {STR("g"), STR("grams")},         {STR("Cel"), STR("celsius")},
    {STR("Hz"), STR("hertz")},        {STR("1"), STR("")},
    {STR("%"), STR("percent")},
};

static const struct word per_units[] = {
    {STR("s"), STR("second")}, {STR("m"), STR("minute")}, {STR("h"), STR("hour")}, {STR("d"), STR("day")},
    {STR("w"), STR("week")},   {STR("mo"), STR("month")}, {STR("y"), STR("year")},
};

static str find_word(const struct word *words, size_t count, str unit)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(words[i].unit, unit)) return words[i].text;
    }
    return unit;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The word for a unit; none for those in braces, which are remarks. */
static str plain_unit(str unit, const struct word *words, size_t count)
{
    unit = str_trim(unit);
    if (str_find(unit, '{') < unit.len || str_find(unit, '}') < unit.len) return STR("");
    return find_word(words, count, unit);
}

/* A word in the letters of names. */
static str clean_unit(str word, struct arena *arena)
{
    char *text = arena_alloc(arena, word.len);
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++) {
        bool good = is_letter_or_digit(word.data[i]) || word.data[i] == ':';
        if (good || (len && text[len - 1] != '_')) text[len++] = good ? word.data[i] : '_';
    }
    while (len && text[len - 1] == '_') len--;
    return str_make(text, len);
}

/* The two parts of a unit, either of which may be empty. */
static void split_unit(str unit, str *main_unit, str *per_unit)
{
    str rest = unit, head = str_cut(&rest, '/');

    *main_unit = plain_unit(head, units, sizeof units / sizeof units[0]);
    *per_unit = rest.len ? plain_unit(rest, per_units, sizeof per_units / sizeof per_units[0]) : STR("");
}

static void split_clean_unit(str unit, str *main_unit, str *per_unit, struct arena *arena)
{
    split_unit(unit, main_unit, per_unit);
    *main_unit = clean_unit(*main_unit, arena);
    *per_unit = clean_unit(*per_unit, arena);
}

str otlp_unit(str unit, struct arena *arena)
{
    str main_unit, per_unit;

    split_clean_unit(unit, &main_unit, &per_unit, arena);
    if (per_unit.len == 0) return main_unit;
    return main_unit.len ? arena_format(arena, "%.*s_per_%.*s", STR_ARG(main_unit), STR_ARG(per_unit))
                         : arena_format(arena, "per_%.*s", STR_ARG(per_unit));
}

/* Cuts at what is neither a letter, a digit nor a colon, and at underscores if `all`; joins with single ones. */
static str join_words(str name, bool all, struct arena *arena)
{
    char *text = arena_alloc(arena, name.len + 1);
    size_t len = 0;
    bool gap = false;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (is_letter_or_digit(c) || c == ':' || (c == '_' && !all)) {
            if (gap && len) text[len++] = '_';
            text[len++] = c;
            gap = false;
        } else {
            gap = true;
        }
    }
    return str_make(text, len);
}

/* Whether a name of words has this one. */
static bool has_word(str name, str word)
{
    while (name.len) {
        if (str_equal(str_cut(&name, '_'), word)) return true;
    }
    return false;
}

static str append(str name, str word, struct arena *arena)
{
    return name.len ? arena_format(arena, "%.*s_%.*s", STR_ARG(name), STR_ARG(word)) : word;
}

/* The name without a word, which then goes to its end. */
static str move_to_end(str name, str word, struct arena *arena)
{
    str rest = name, kept = STR("");

    while (rest.len) {
        str part = str_cut(&rest, '_');
        if (!str_equal(part, word)) kept = append(kept, part, arena);
    }
    return append(kept, word, arena);
}

static str with_digit_escaped(str name, struct arena *arena)
{
    bool digit = name.len && name.data[0] >= '0' && name.data[0] <= '9';

    return digit ? arena_format(arena, "_%.*s", STR_ARG(name)) : name;
}

static str escaped_name(str name, str unit, enum otlp_kind kind, struct arena *arena)
{
    str main_unit, per_unit, words = join_words(name, true, arena);

    split_clean_unit(unit, &main_unit, &per_unit, arena);
    if (main_unit.len && !has_word(words, main_unit)) words = append(words, main_unit, arena);
    if (per_unit.len) words = append(words, arena_format(arena, "per_%.*s", STR_ARG(per_unit)), arena);
    if (kind == OTLP_COUNTER) words = move_to_end(words, STR("total"), arena);
    if (kind == OTLP_GAUGE && str_equal(unit, STR("1"))) words = move_to_end(words, STR("ratio"), arena);
    return with_digit_escaped(words, arena);
}

/* Takes a suffix off, and the byte before it, which is taken for a delimiter whatever it is. */
static str without_suffix(str name, str suffix)
{
    if (!str_ends_with(name, suffix) || name.len <= suffix.len + 1) return name;
    if ((unsigned char)name.data[name.len - suffix.len - 1] >= 0x80) return name; /* a part of a character */
    name.len -= suffix.len + 1;
    return name;
}

/* What is there already is not repeated: its place is from the innermost on unit, per unit, total or ratio. */
static str suffixed_name(str name, str unit, enum otlp_kind kind, struct arena *arena)
{
    str main_unit, per_unit, last = STR("");

    if (kind == OTLP_COUNTER) last = STR("total");
    if (kind == OTLP_GAUGE && str_equal(unit, STR("1"))) last = STR("ratio");
    split_unit(unit, &main_unit, &per_unit);
    if (per_unit.len) per_unit = arena_format(arena, "per_%.*s", STR_ARG(per_unit));
    if (last.len) name = without_suffix(name, last);
    if (per_unit.len) name = without_suffix(name, per_unit);
    if (main_unit.len && !str_ends_with(name, main_unit)) name = append(name, main_unit, arena);
    if (per_unit.len) name = append(name, per_unit, arena);
    return last.len ? append(name, last, arena) : name;
}

str otlp_metric_name(str name, str unit, enum otlp_kind kind, enum otlp_strategy strategy, struct arena *arena)
{
    switch (strategy) {
    case OTLP_ESCAPED_SUFFIXED: return escaped_name(name, unit, kind, arena);
    case OTLP_ESCAPED: return with_digit_escaped(join_words(name, false, arena), arena);
    case OTLP_SUFFIXED: return suffixed_name(name, unit, kind, arena);
    case OTLP_UNCHANGED:
    case OTLP_STRATEGY_COUNT: break;
    }
    return name;
}

str otlp_label_name(str name, const struct otlp_config *config, struct arena *arena)
{
    enum otlp_strategy strategy = config->strategy;

    if (strategy == OTLP_SUFFIXED || strategy == OTLP_UNCHANGED || name.len == 0) return name;
    char *text = arena_alloc(arena, name.len);
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (((unsigned char)c & 0xC0) == 0x80) continue; /* of a character that has its underscore */
        char clean = is_letter_or_digit(c) ? c : '_';
        if (clean == '_' && config->collapses_underscores && len && text[len - 1] == '_') continue;
        text[len++] = clean;
    }
    str clean = str_make(text, len);
    if (clean.data[0] >= '0' && clean.data[0] <= '9') return arena_format(arena, "key_%.*s", STR_ARG(clean));
    bool one_underscore = clean.data[0] == '_' && !(clean.len > 1 && clean.data[1] == '_');
    return one_underscore && !config->keeps_leading_underscore ? arena_format(arena, "key%.*s", STR_ARG(clean)) : clean;
}
