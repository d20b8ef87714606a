/* Tables of texts to import and what becomes of them. */
#ifndef VARVE_TESTS_HTTP_IMPORT_CASES_H
#define VARVE_TESTS_HTTP_IMPORT_CASES_H

#include "http/import.h"
#include "tests/http/batch_print.h"
#include "tests/support/must.h"

struct import_case {
    const char *text, *want;
};

static inline void check_imports(status (*read)(struct import *import, str text), const struct import *settings,
                                 const struct import_case *cases, size_t count)
{
    struct write_batch batch = {0};
    struct arena arena = {0};

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(cases[i].text);
        char *copy = memory_alloc(len); /* so that reading beyond is seen */
        struct import import = *settings;
        memcpy(copy, cases[i].text, len);
        import.batch = &batch;
        import.now_ms = 7;
        write_batch_reset(&batch);
        must(read(&import, str_make(copy, len)));
        str text = batch_print(&batch, &arena);
        cr_expect(str_equal(text, str_from(cases[i].want)), "%s:\n%.*s", cases[i].text, STR_ARG(text));
        for (size_t cut = 0; cut < len; cut++) { /* no crash, whatever is missing */
            import = *settings;
            import.batch = &batch;
            write_batch_reset(&batch);
            must(read(&import, str_make(copy + len - cut, cut)));
            char before = copy[cut];
            copy[cut] = (char)(before ^ 0x15);
            must(read(&import, str_make(copy, len)));
            copy[cut] = before;
        }
        free(copy);
    }
    write_batch_release(&batch);
    arena_release(&arena);
}

#define CHECK_IMPORTS(read, settings, cases) check_imports(read, settings, cases, sizeof(cases) / sizeof(cases)[0])

#endif
