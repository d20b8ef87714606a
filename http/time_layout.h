/* Times in a form of one's own, written as Go writes them: by how it shows the second of January 2006, 15:04:05, seven
 * hours west of Greenwich. `2006-01-02 15:04:05`, `02/Jan/2006:15:04:05 -0700`, `Jan _2 03:04:05.000 PM`.
 */
#ifndef VARVE_HTTP_TIME_LAYOUT_H
#define VARVE_HTTP_TIME_LAYOUT_H

#include "storage/base/arena.h"
#include "storage/base/str.h"

/* False if the text is not of that form. Without a zone it is UTC; a fraction may follow the seconds in any case; what
 * the layout does not have is that of the first of January, 00:00:00; without a year it is none. */
bool time_layout_parse(str layout, str text, int64_t *out_ms);

/* In UTC; in the arena. */
str time_layout_print(str layout, int64_t ms, struct arena *arena);

#endif
