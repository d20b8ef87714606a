/* The other forms of an expression: as the printer has it in one line and laid out, and as the tree of parse_query. */
#ifndef VARVE_TESTS_CONFORMANCE_FORMS_H
#define VARVE_TESTS_CONFORMANCE_FORMS_H

#include "query/ast.h"

/* Whether both printed texts read back as an equal tree, and the trees as JSON are valid and the same for both (as
 * written, matchers may have another order than printed). If not, *why says what is wrong. */
bool forms_agree(const struct node *tree, str *why, struct arena *arena);

#endif
