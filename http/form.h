/* Forms: `a=1&b=x%20y`, as query strings and as bodies of type application/x-www-form-urlencoded; and as bodies of type
 * multipart/form-data.
 *
 * The rules are those of Go's net/url, since clients of Prometheus rely on them: pieces are cut at `&`, empty ones are
 * nothing, a plus is a space, a name may occur many times. A piece that is malformed is left out, the rest counts; what
 * was wrong first is kept for the handlers that refuse such a form. The parser allocates only what must be decoded.
 */
#ifndef VARVE_HTTP_FORM_H
#define VARVE_HTTP_FORM_H

#include "storage/base/arena.h"
#include "storage/base/str.h"

struct form_value {
    str name, value;
};

/* A zeroed form is empty and valid. Borrows from the parsed texts and from the arena. */
struct form {
    struct form_value *values;
    size_t count;
    str error; /* the first malformed piece in words; empty if there was none */
};

/* More values than this in one form are an error and left out: nobody asks so much, and each costs memory. */
enum { FORM_VALUES_MAX = 10000 };

/* Appends the values of `text` to the form. */
void form_parse(struct form *form, str text, struct arena *arena);

/* Appends the values of a body of type multipart/form-data; the header names its boundary. Files are left out. */
void form_parse_multipart(struct form *form, str content_type, str body, struct arena *arena);

/* The first value of a name, empty if there is none. */
str form_first(const struct form *form, str name);

/* All values of a name, in their order; the array is in the arena. */
size_t form_all(const struct form *form, str name, str **out, struct arena *arena);

#endif
