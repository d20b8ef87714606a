/* How well a text fits a term; see search_score.h. */
#include "http/search_score.h"

#include "storage/base/bytes.h"

#define INEXACT_SCALE 0.999 /* only what begins with the term has 1 */

static struct search_text characters(str text, bool folds_case, struct arena *arena)
{
    uint32_t *data = arena_array(arena, uint32_t, text.len);
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c & 0xC0) == 0x80 && count) { /* goes on */
            data[count - 1] = data[count - 1] << 8 | c;
        } else {
            data[count++] = folds_case && c >= 'A' && c <= 'Z' ? c + 32U : c;
        }
    }
    return (struct search_text){data, count};
}

static bool begins_with(struct search_text text, struct search_text term)
{
    return text.count >= term.count && memcmp(text.data, term.data, term.count * sizeof *term.data) == 0;
}

/* What taking the term's characters as early as they come is worth from one start on; negative infinity is not needed:
 * false if they are not all there. */
static bool take_from(struct search_text term, struct search_text text, size_t start, double *score)
{
    double cost = 1.0 / (double)text.count;
    size_t at = start, taken = 0, end = 0;

    *score = 0;
    while (taken < term.count) {
        size_t first = at;
        while (first < text.count && text.data[first] != term.data[taken]) first++;
        if (first == text.count) return false;
        *score -= (double)(first - end) * cost;
        for (at = first; at < text.count && taken < term.count && text.data[at] == term.data[taken]; at++) taken++;
        *score += (double)((at - first) * (at - first));
        end = at;
    }
    *score -= (double)(text.count - end) * cost * 0.5;
    return true;
}

double search_subsequence(struct search_text term, struct search_text text)
{
    double best = -1, score;

    if (term.count == 0) return 1;
    if (term.count == text.count && begins_with(text, term)) return 1;
    for (size_t start = 0; start + term.count <= text.count; start++) {
        if (text.data[start] != term.data[0]) continue;
        if (!take_from(term, text, start, &score)) break; /* nor from any later start */
        if (score > best) best = score;
    }
    return best < 0 ? 0 : best / (double)(term.count * term.count) * INEXACT_SCALE;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

double search_jaro_winkler(struct search_text term, struct search_text text, struct arena *scratch)
{
    struct search_text a = term.count <= text.count ? term : text, b = term.count <= text.count ? text : term;
    size_t reach = larger(b.count / 2, 1) - 1, same = 0, swapped = 0, prefix = 0, k = 0;

    if (a.count == b.count && begins_with(a, b)) return 1;
    bool *in_a = arena_zalloc(scratch, a.count + 1), *in_b = arena_zalloc(scratch, b.count + 1);
    for (size_t i = 0; i < a.count; i++) {
        size_t first = i > reach ? i - reach : 0, end = i + reach + 1 < b.count ? i + reach + 1 : b.count;
        for (size_t j = first; j < end; j++) {
            if (in_b[j] || a.data[i] != b.data[j]) continue;
            in_a[i] = in_b[j] = true;
            same++;
            break;
        }
    }
    if (same == 0) return 0;
    for (size_t i = 0; i < a.count; i++) {
        if (!in_a[i]) continue;
        while (!in_b[k]) k++;
        swapped += a.data[i] != b.data[k++];
    }
    double m = (double)same;
    double jaro = (m / (double)a.count + m / (double)b.count + (m - (double)swapped / 2) / m) / 3;
    while (prefix < 4 && prefix < a.count && a.data[prefix] == b.data[prefix]) prefix++;
    return jaro + (double)prefix * 0.1 * (1 - jaro);
}

/* From 1 for a text that begins with the term down to 0.1 for one that ends with it; 0 if it does not have it. */
static double substring(struct search_text term, struct search_text text)
{
    for (size_t at = 0; at + term.count <= text.count; at++) {
        struct search_text rest = {text.data + at, text.count - at};
        if (begins_with(rest, term)) return at == 0 ? 1 : 1 - 0.9 * (double)at / (double)(text.count - term.count);
    }
    return 0;
}

static bool accepts(const struct search_terms *search, struct search_text term, struct search_text text,
                    struct arena *scratch, double *score)
{
    if (search->algorithm == SEARCH_SUBSEQUENCE) {
        *score = begins_with(text, term) ? 1 : search_subsequence(term, text);
        return *score > 0 && *score >= search->threshold;
    }
    *score = substring(term, text);
    if (*score > 0) return true;
    if (search->threshold <= 0) return false;
    *score = search_jaro_winkler(term, text, scratch);
    return *score >= search->threshold;
}

bool search_accepts(const struct search_terms *search, str text, struct arena *scratch, double *score)
{
    bool is_accepted = search->count == 0;

    *score = is_accepted ? 1 : 0;
    arena_reset(scratch);
    struct search_text characters_of = characters(text, search->folds_case, scratch);
    for (size_t i = 0; i < search->count && *score < 1; i++) {
        struct search_text term = characters(search->terms[i], false, scratch);
        double found;
        if (!accepts(search, term, characters_of, scratch, &found)) continue;
        is_accepted = true;
        if (found > *score) *score = found;
    }
    return is_accepted;
}
