/* How well a text fits what somebody types: the scores of Prometheus' search, from 0 to 1.
 *
 * A *subsequence* has the characters of the term in their order: runs count by the square of their length, characters
 * in between and around cost a little. *Jaro-Winkler* compares whole texts and forgives swaps and misspellings
 * (Winkler, "String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model of Record Linkage",
 * 1990). A *substring* scores by how early it stands.
 */
#ifndef VARVE_HTTP_SEARCH_SCORE_H
#define VARVE_HTTP_SEARCH_SCORE_H

#include "storage/base/arena.h"

enum search_algorithm { SEARCH_SUBSEQUENCE, SEARCH_JARO_WINKLER };

struct search_terms {
    const str *terms; /* none: everything is accepted with 1 */
    size_t count;
    enum search_algorithm algorithm;
    double threshold; /* of the score; Jaro-Winkler with 0 means substrings only */
    bool folds_case;  /* of ASCII; the terms are in lower case then */
};

/* Whether a text fits one of the terms, and the best score. The scratch arena is emptied. */
bool search_accepts(const struct search_terms *search, str text, struct arena *scratch, double *score);

/* The parts of it; texts as characters. */
struct search_text {
    const uint32_t *data;
    size_t count;
};
double search_subsequence(struct search_text term, struct search_text text);
double search_jaro_winkler(struct search_text term, struct search_text text, struct arena *scratch);

#endif
