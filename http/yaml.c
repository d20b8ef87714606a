/* YAML files; see yaml.h. */
#include "http/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <yaml.h>

struct reading {
    yaml_parser_t parser;
    struct arena *arena;
    size_t nodes;
};

status yaml_error(const struct yaml *node, const char *format, ...)
{
    char sentence[STATUS_TEXT_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return status_make(STATUS_INVALID, "line %u: %s", node->line, sentence);
}

static status next_event(struct reading *reading, yaml_event_t *event)
{
    if (yaml_parser_parse(&reading->parser, event)) return ok();
    return status_make(STATUS_INVALID, "line %zu: %s", reading->parser.problem_mark.line + 1,
                       reading->parser.problem ? reading->parser.problem : "no YAML");
}

static bool says_null(const yaml_event_t *event, str text)
{
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text.len == 0 || str_equal(text, STR("~")) || str_equal(text, STR("null")));
}

static status read_node(struct reading *reading, yaml_event_t *event, unsigned depth, struct yaml *out);

/* Reads members up to the end of a list or a map. */
static status read_members(struct reading *reading, unsigned depth, struct yaml *out)
{
    yaml_event_type_t end = out->kind == YAML_LIST ? YAML_SEQUENCE_END_EVENT : YAML_MAPPING_END_EVENT;
    struct yaml **place = &out->first;
    yaml_event_t event;

    for (;;) {
        struct yaml *member = arena_zalloc(reading->arena, sizeof *member);
        TRY(next_event(reading, &event));
        if (event.type == end) break;
        member->key = STR("");
        if (out->kind == YAML_MAP) {
            status s = read_node(reading, &event, depth, member);
            yaml_event_delete(&event);
            if (failed(s)) return s;
            if (member->kind != YAML_TEXT) return yaml_error(member, "a key must be a text");
            str key = member->text;
            if (yaml_get(out, key.data)) return yaml_error(member, "%s occurs twice", key.data);
            *member = (struct yaml){.key = key};
            TRY(next_event(reading, &event));
        }
        status s = read_node(reading, &event, depth, member);
        yaml_event_delete(&event);
        if (failed(s)) return s;
        *place = member;
        place = &member->next;
    }
    yaml_event_delete(&event);
    return ok();
}

static status read_node(struct reading *reading, yaml_event_t *event, unsigned depth, struct yaml *out)
{
    out->line = (uint32_t)event->start_mark.line + 1;
    out->text = STR("");
    if (depth == YAML_DEPTH_MAX) return yaml_error(out, "nested more than %d deep", YAML_DEPTH_MAX);
    if (++reading->nodes > YAML_NODES_MAX) return yaml_error(out, "more than %d values", YAML_NODES_MAX);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        out->kind = YAML_TEXT;
        out->text =
            arena_copy_str(reading->arena, str_make((const char *)event->data.scalar.value, event->data.scalar.length));
        out->is_null = says_null(event, out->text);
        return ok();
    case YAML_SEQUENCE_START_EVENT: out->kind = YAML_LIST; return read_members(reading, depth + 1, out);
    case YAML_MAPPING_START_EVENT: out->kind = YAML_MAP; return read_members(reading, depth + 1, out);
    case YAML_ALIAS_EVENT: return yaml_error(out, "anchors are not supported; write the value out");
    default: return yaml_error(out, "only one document may be in the file");
    }
}

/* The events around the one document. */
static status read_file(struct reading *reading, struct yaml *root)
{
    yaml_event_t event;
    bool has_document = false;

    for (;;) {
        TRY(next_event(reading, &event));
        yaml_event_type_t type = event.type;
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
            yaml_event_delete(&event);
            continue;
        }
        status s = ok();
        if (type != YAML_STREAM_END_EVENT) {
            root->line = (uint32_t)event.start_mark.line + 1;
            s = has_document ? yaml_error(root, "only one document may be in the file")
                             : read_node(reading, &event, 0, root);
        }
        has_document = true;
        yaml_event_delete(&event);
        if (failed(s) || type == YAML_STREAM_END_EVENT) return s;
    }
}

status yaml_parse(str text, struct arena *arena, const struct yaml **out)
{
    struct reading reading = {.arena = arena};
    struct yaml *root = arena_zalloc(arena, sizeof *root);

    *root = (struct yaml){.kind = YAML_MAP, .line = 1, .key = STR(""), .text = STR("")};
    if (!yaml_parser_initialize(&reading.parser)) return status_make(STATUS_INVALID, "line 1: no memory to parse");
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text.data, text.len);
    status s = read_file(&reading, root);
    yaml_parser_delete(&reading.parser);
    if (!failed(s) && root->kind == YAML_TEXT && root->is_null) root->kind = YAML_MAP;
    if (!failed(s) && root->kind != YAML_MAP) s = yaml_error(root, "the file must hold keys and values");
    *out = root;
    return s;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP) return NULL;
    for (const struct yaml *member = map->first; member; member = member->next) {
        if (str_equal(member->key, str_from(key))) return member;
    }
    return NULL;
}

status yaml_text(const struct yaml *node, str *out)
{
    if (!node || node->is_null) return ok();
    if (node->kind != YAML_TEXT) return yaml_error(node, "%.*s must be a text", STR_ARG(node->key));
    *out = node->text;
    return ok();
}

status yaml_bool(const struct yaml *node, bool *out)
{
    if (!node || node->is_null) return ok();
    bool yes = str_equal(node->text, STR("true")), no = str_equal(node->text, STR("false"));
    if (node->kind != YAML_TEXT || (!yes && !no))
        return yaml_error(node, "%.*s must be true or false", STR_ARG(node->key));
    *out = yes;
    return ok();
}

status yaml_texts(const struct yaml *node, struct arena *arena, str **out, size_t *count)
{
    size_t room = 1;

    if (!node || node->is_null) return ok();
    for (const struct yaml *member = node->first; member; member = member->next) room++;
    *out = arena_array(arena, str, room);
    *count = 0;
    if (node->kind == YAML_TEXT) (*out)[(*count)++] = node->text;
    if (node->kind == YAML_MAP) return yaml_error(node, "%.*s must be a list of texts", STR_ARG(node->key));
    for (const struct yaml *member = node->first; member; member = member->next) {
        if (member->kind != YAML_TEXT) return yaml_error(member, "%.*s must be a list of texts", STR_ARG(node->key));
        (*out)[(*count)++] = member->text;
    }
    return ok();
}

status yaml_check_keys(const struct yaml *map, const char *const *known)
{
    if (!map || map->is_null) return ok();
    if (map->kind != YAML_MAP) return yaml_error(map, "%.*s must hold keys and values", STR_ARG(map->key));
    for (const struct yaml *member = map->first; member; member = member->next) {
        size_t i = 0;
        while (known[i] && !str_equal(member->key, str_from(known[i]))) i++;
        if (!known[i]) return yaml_error(member, "unknown key %.*s", STR_ARG(member->key));
    }
    return ok();
}
