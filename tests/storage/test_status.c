/* The error value. */
#include "storage/base/status.h"

#include "storage/base/str.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

Test(status, success_is_zero_and_empty)
{
    status s = ok();

    cr_expect(s.code == 0 && !failed(s) && s.at == 0 && s.text[0] == 0);
    for (int code = 1; code < STATUS_COUNT; code++)
        cr_expect(failed(status_make((enum status_code)code, "x")), "code %d", code);
}

Test(status, texts_and_places)
{
    status s = status_at(STATUS_CORRUPT, 77, "block/%08u: page %d", 12u, -1);

    cr_expect(s.code == STATUS_CORRUPT && s.at == 77 && strcmp(s.text, "block/00000012: page -1") == 0, "%s", s.text);
    cr_expect(status_make(STATUS_IO, "x").at == 0);
}

Test(status, names_are_distinct)
{
    cr_expect(strcmp(status_name(STATUS_OK), "ok") == 0 && strcmp(status_name(STATUS_NO_SPACE), "no_space") == 0);
    for (int i = 0; i < STATUS_COUNT; i++) {
        for (int k = 0; k < i; k++)
            cr_expect(strcmp(status_name((enum status_code)i), status_name((enum status_code)k)) != 0);
    }
    cr_expect(strcmp(status_name((enum status_code)STATUS_COUNT), "unknown") == 0);
}

Test(status, errors_of_the_system)
{
    static const struct {
        int error;
        enum status_code code;
    } rows[] = {
        {ENOSPC, STATUS_NO_SPACE},    {EDQUOT, STATUS_NO_SPACE},
        {ENOENT, STATUS_NOT_FOUND},   {EEXIST, STATUS_EXISTS},
        {EMFILE, STATUS_UNAVAILABLE}, {ENFILE, STATUS_UNAVAILABLE},
        {ENOMEM, STATUS_UNAVAILABLE}, {EIO, STATUS_IO},
        {EACCES, STATUS_IO},          {12345, STATUS_IO},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        status s = status_errno(rows[i].error, "open wal/3-0");
        cr_expect(s.code == rows[i].code, "errno %d: %s", rows[i].error, status_name(s.code));
        cr_expect(strncmp(s.text, "open wal/3-0: ", 14) == 0 && strlen(s.text) > 14, "%s", s.text);
    }
}

/* Texts of two-, three- and four-byte characters, cut at every place in one: what is left is whole characters. */
Test(status, long_texts_are_cut_between_characters)
{
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};

    for (size_t c = 0; c < sizeof characters / sizeof characters[0]; c++) {
        for (size_t lead = 0; lead < 5; lead++) {
            char text[1000] = "";
            size_t len = strlen(characters[c]), at = lead;
            memset(text, '.', lead);
            for (; at + len < 500; at += len) memcpy(text + at, characters[c], len);
            status s = status_make(STATUS_INVALID, "%s", text);
            size_t kept = strlen(s.text);
            cr_expect(kept >= STATUS_TEXT_BYTES - 4 && kept < STATUS_TEXT_BYTES, "%zu bytes are kept", kept);
            cr_expect(str_is_utf8(str_from(s.text)), "characters of %zu bytes behind %zu", len, lead);
        }
    }
}

/* Bytes that are no text at all must not make it worse. */
Test(status, long_texts_of_any_bytes)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[500];
        memset(text, byte, sizeof text - 1);
        text[sizeof text - 1] = 0;
        status s = status_make(STATUS_INVALID, "%s", text);
        cr_expect(strlen(s.text) >= STATUS_TEXT_BYTES - 4 && strlen(s.text) < STATUS_TEXT_BYTES, "byte %d", byte);
    }
}

static status fail_at(int step, int *steps)
{
    ++*steps;
    TRY(step == 1 ? status_make(STATUS_LIMIT, "first") : ok());
    ++*steps;
    TRY(step == 2 ? status_make(STATUS_IO, "second") : ok());
    ++*steps;
    return ok();
}

Test(status, try_returns_the_failure)
{
    static const enum status_code codes[] = {STATUS_OK, STATUS_LIMIT, STATUS_IO};

    for (int step = 0; step < 3; step++) {
        int steps = 0;
        cr_expect(fail_at(step, &steps).code == codes[step] && steps == (step ? step : 3));
    }
}
