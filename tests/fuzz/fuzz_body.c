/* Any bytes as a compressed body and as a configuration file: the first byte chooses. */
#include "http/inflate.h"
#include "http/snappy_body.h"
#include "http/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { LIMIT = 1 << 20 };

static size_t count_nodes(const struct yaml *node)
{
    size_t count = 1;

    for (const struct yaml *member = node->first; member; member = member->next) count += count_nodes(member);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const str codings[] = {STR(""), STR("gzip"), STR("zstd")};
    static char *buffer;
    static size_t capacity;
    struct arena arena = {0};
    const struct yaml *root;
    str out = STR("");

    if (bytes == 0) return 0;
    str text = str_make((const char *)data + 1, bytes - 1);
    if (*data % 5 < 3) {
        if (!failed(inflate_body(text, codings[*data % 5], LIMIT, &buffer, &capacity, &out)) && out.len > LIMIT)
            abort();
    } else if (*data % 5 == 3) {
        if (!failed(snappy_body_read(text, LIMIT, &buffer, &capacity, &out)) && out.len > LIMIT) abort();
    } else if (!failed(yaml_parse(text, &arena, &root)) && count_nodes(root) > YAML_NODES_MAX) {
        abort();
    }
    arena_release(&arena);
    return 0;
}
