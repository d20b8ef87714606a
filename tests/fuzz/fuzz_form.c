/* Any bytes as a form, and as a path: nothing is read beyond them, and decoding never makes text longer. */
#include "http/escape.h"
#include "http/form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    str text = str_make((const char *)data, bytes), decoded, *all;
    struct arena arena = {0};
    struct form form = {0}, multipart = {0};
    size_t total = 0;

    form_parse(&form, text, &arena);
    for (size_t i = 0; i < form.count; i++) total += form.values[i].name.len + form.values[i].value.len;
    if (total > bytes || form.count > FORM_VALUES_MAX) abort();
    if (form.count && form_all(&form, form.values[0].name, &all, &arena) == 0) abort();
    form_parse_multipart(&multipart, STR("multipart/form-data; boundary=b"), text, &arena);
    for (size_t i = total = 0; i < multipart.count; i++)
        total += multipart.values[i].name.len + multipart.values[i].value.len;
    if (total > bytes) abort();
    if (escape_decode(text, ESCAPE_PATH, &decoded, &arena) && decoded.len > bytes) abort();
    if (escape_decode_label(text, &arena).len > bytes) abort();
    arena_release(&arena);
    return 0;
}
