/* What somebody may have meant by a word that is misspelt. */
#ifndef VARVE_QUERY_SUGGEST_H
#define VARVE_QUERY_SUGGEST_H

#include "storage/base/arena.h"

/* Where a word stands decides what it may have meant; bits. */
enum suggestions {
    SUGGEST_FUNCTIONS = 1, /* functions and aggregations */
    SUGGEST_KEYWORDS = 2   /* what may follow an expression: operators and modifiers */
};

/* The word most like the misspelt one, or NULL if none is near. Case makes no difference. */
const char *suggest_word(str misspelt, unsigned among);

/* `, did you mean "rate"?`, or nothing; in the arena. */
str suggest_text(str misspelt, unsigned among, struct arena *arena);

#endif
