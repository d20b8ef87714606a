/* The syntax tree of PromQL.
 *
 * Made by parse_query (query/parse.h), typed and checked by types_check, read-only from then on. Nodes and strings
 * belong to the arena given to the parser. Positions are byte offsets into the query text, end exclusive.
 */
#ifndef VARVE_QUERY_AST_H
#define VARVE_QUERY_AST_H

#include "storage/base/arena.h"
#include "tsdb/matcher.h"

enum value_type { VALUE_NONE, VALUE_SCALAR, VALUE_VECTOR, VALUE_MATRIX, VALUE_STRING };

/* "scalar", "instant vector", "range vector", "string". */
str value_type_name(enum value_type type);

enum node_kind {
    NODE_NUMBER,
    NODE_STRING,
    NODE_SELECTOR,
    NODE_RANGE, /* a selector with a range */
    NODE_SUBQUERY,
    NODE_CALL,
    NODE_AGGREGATE,
    NODE_BINARY,
    NODE_UNARY,
    NODE_PAREN,
    NODE_DURATION /* arithmetic on durations; only below the *_expr members */
};

/* Operators of expressions and of duration expressions. */
enum operator_kind {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_POW,
    OP_ATAN2,
    OP_EQL,
    OP_NEQ,
    OP_LTE,
    OP_LSS,
    OP_GTE,
    OP_GTR,
    OP_TRIM_UPPER, /* </ */
    OP_TRIM_LOWER, /* >/ */
    OP_AND,
    OP_OR,
    OP_UNLESS,
    /* only in NODE_DURATION */
    OP_STEP,  /* step() */
    OP_RANGE, /* range() */
    OP_MIN_OF,
    OP_MAX_OF
};

/* As it is written: "+", "and", "min_of". */
str operator_text(enum operator_kind op);

static inline bool operator_is_comparison(enum operator_kind op)
{
    return op >= OP_EQL && op <= OP_GTR;
}

static inline bool operator_is_set(enum operator_kind op)
{
    return op >= OP_AND && op <= OP_UNLESS;
}

enum aggregate_kind {
    AGGREGATE_SUM,
    AGGREGATE_AVG,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_GROUP,
    AGGREGATE_STDDEV,
    AGGREGATE_STDVAR,
    AGGREGATE_TOPK,
    AGGREGATE_BOTTOMK,
    AGGREGATE_COUNT_VALUES,
    AGGREGATE_QUANTILE,
    AGGREGATE_LIMITK,
    AGGREGATE_LIMIT_RATIO
};

str aggregate_text(enum aggregate_kind kind);

enum at_kind { AT_NONE, AT_TIME, AT_START, AT_END };

/* Where in time a selector or subquery looks. A written literal is in offset_ms; anything computed is in offset_expr
 * and evaluated for each query. The same goes for ranges and steps, but there a literal below one millisecond stays an
 * expression too, since 0 is none. */
struct time_modifier {
    int64_t offset_ms;
    struct node *offset_expr; /* NULL for a literal or none */
    enum at_kind at;
    int64_t at_ms; /* for AT_TIME */
};

struct selector {
    str name; /* as written before the braces; empty if none, also for one in quotes inside */
    struct matcher *matchers;
    size_t matcher_count; /* with the one made from the name, which comes last */
    struct time_modifier time;
    bool anchored, smoothed;
};

struct range {
    struct node *selector; /* NODE_SELECTOR */
    int64_t range_ms;
    struct node *range_expr; /* NULL for a literal */
};

struct subquery {
    struct node *expr;
    int64_t range_ms, step_ms; /* step 0: the default */
    struct node *range_expr, *step_expr;
    struct time_modifier time;
};

struct call {
    const struct function *function;
    struct node **args;
    size_t arg_count;
};

struct aggregate {
    enum aggregate_kind op;
    struct node *expr;
    struct node *param; /* NULL if the operator takes none */
    str *grouping;
    size_t grouping_count;
    bool without;
    bool has_grouping; /* `by ()` was written out */
};

enum cardinality_kind { ONE_TO_ONE, MANY_TO_ONE /* group_left */, ONE_TO_MANY /* group_right */, MANY_TO_MANY };

struct matching {
    enum cardinality_kind cardinality;
    bool on; /* else ignoring */
    str *labels;
    size_t label_count;
    str *include; /* labels of group_x(…) */
    size_t include_count;
    bool has_fill_left, has_fill_right;
    double fill_left, fill_right;
};

struct binary {
    enum operator_kind op;
    struct node *left, *right;
    bool return_bool;
    struct matching *matching; /* after the check of types NULL unless both sides are vectors */
};

struct unary {
    enum operator_kind op; /* OP_ADD or OP_SUB */
    struct node *expr;
};

/* A duration expression: literals are NODE_NUMBER in seconds, `step()` and `range()` have no operands, a minus has only
 * `right` (a plus leaves no trace). */
struct duration {
    enum operator_kind op;
    struct node *left, *right;
    bool wrapped; /* in parentheses */
};

struct node {
    enum node_kind kind;
    enum value_type type;
    uint32_t start, end;
    uint32_t height; /* nodes on the longest way down, at most PARSE_DEPTH_MAX: recursion over a tree is safe */
    union {
        struct {
            double value;
            bool is_duration; /* written as a duration, e.g. 5m */
        } number;
        str string;
        struct selector selector;
        struct range range;
        struct subquery subquery;
        struct call call;
        struct aggregate aggregate;
        struct binary binary;
        struct unary unary;
        struct node *paren;
        struct duration duration;
    };
};

/* The node inside any parentheses. */
const struct node *ast_unwrap(const struct node *node);

/* Calls visit for the node and all below it, parents first, operands in written order; duration expressions are not
 * visited. Stops when visit returns false. */
bool ast_walk(const struct node *node, bool (*visit)(void *context, const struct node *node), void *context);

/* Whether two trees say the same; where they were written, and `by ()` for no grouping, makes no difference. */
bool ast_equal(const struct node *a, const struct node *b);

/* The canonical one-line text, as Prometheus prints expressions; in the arena. Parsing it gives an equal tree. */
str ast_print(const struct node *node, struct arena *arena);

/* The indented text of format_query (lines up to 100 columns, two spaces a level); in the arena. */
str ast_pretty(const struct node *node, struct arena *arena);

#endif
