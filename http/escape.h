/* Text as paths and forms spell it: percent-encoding, and the escapes of label names. */
#ifndef VARVE_HTTP_ESCAPE_H
#define VARVE_HTTP_ESCAPE_H

#include "storage/base/arena.h"
#include "storage/base/str.h"

enum escape_place { ESCAPE_PATH, ESCAPE_FORM /* a plus is a space */ };

/* Decodes %XX; gives `text` itself if there is nothing to decode. False if an escape is malformed; *out is then that
 * escape. */
bool escape_decode(str text, enum escape_place place, str *out, struct arena *arena);

/* A label name as it stands in a path: `U__` and then escapes for what can not stand there (`U__a_2e_b` is a.b, `__` an
 * underscore). A text that is not well escaped is itself. */
str escape_decode_label(str name, struct arena *arena);

#endif
