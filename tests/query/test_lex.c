/* Tokens, and what the scanner says of text that has none. */
#include "query/lex.h"

#include "storage/base/bytes.h"
#include "tests/query/expect.h"

/* Descriptions of the tokens, each after a space; an error as its offset and message. */
static str scan(str text, struct arena *arena)
{
    struct lexer lexer;
    struct token token;
    struct writer out = {0};

    lex_init(&lexer, text, arena);
    do {
        token = lex_next(&lexer);
        str description = token.kind == TOKEN_ERROR ? arena_format(arena, "%u: %.*s", token.start, STR_ARG(token.text))
                                                    : token_describe(&token, arena);
        writer_u8(&out, ' ');
        writer_bytes(&out, description.data, description.len);
        cr_assert(token.kind == TOKEN_ERROR || token_end(&token) <= text.len);
    } while (token.kind != TOKEN_ERROR && token.kind != TOKEN_END);
    str found = arena_copy_str(arena, str_make((const char *)out.data, out.count));
    writer_release(&out);
    return found;
}

static const struct {
    const char *text, *tokens;
} rows[] = {
    {"", " end of input"},
    {" \t\r\n# all of this\n", " end of input"},
    {"foo a:b :c _d1",
     " identifier \"foo\" metric identifier \"a:b\" metric identifier \":c\" identifier \"_d1\" end of input"},
    {"+-*/%^@,=", " <op:+> <op:-> <op:*> <op:/> <op:%> <op:^> <op:@> \",\" \"=\" end of input"},
    {"== != <= < >= > </ >/", " <op:==> <op:!=> <op:<=> <op:<> <op:>=> <op:>> <op:</> <op:>/> end of input"},
    {"a</b>=/c", " identifier \"a\" <op:</> identifier \"b\" <op:>=> <op:/> identifier \"c\" end of input"},
    {"AND Or unless aTan2", " <op:AND> <op:Or> <op:unless> <op:aTan2> end of input"},
    {"Sum count_values limit_ratio", " <aggr:Sum> <aggr:count_values> <aggr:limit_ratio> end of input"},
    {"by ON bool group_left offset smoothed", " <by> <ON> <bool> <group_left> <offset> <smoothed> end of input"},
    {"start End step range max_of min_of", " \"start\" \"End\" \"step\" \"range\" \"max_of\" \"min_of\" end of input"},
    {"fill fill_left+ fill\n(fill_right(fill", " identifier \"fill\" identifier \"fill_left\" <op:+> <fill> \"(\" "
                                               "<fill_right> \"(\" identifier \"fill\" 37: unclosed left parenthesis"},
    {"inf NaN InF Infinity", " number \"inf\" number \"NaN\" number \"InF\" identifier \"Infinity\" end of input"},
    /* numbers */
    {"1 01 1.5 .5 5. 1e3 1E-3 1.e+3 1_000.2_5e1_0",
     " number \"1\" number \"01\" number \"1.5\" number \".5\" number \"5.\" number \"1e3\" number \"1E-3\" number "
     "\"1.e+3\" number \"1_000.2_5e\"... end of input"},
    {"0x1F 0X_ff 0x1e5 0xe", " number \"0x1F\" number \"0X_ff\" number \"0x1e5\" number \"0xe\" end of input"},
    {"1+2 .5.5 1e3-2",
     " number \"1\" <op:+> number \"2\" number \".5.5\" number \"1e3\" <op:-> number \"2\" end of input"},
    {"5m 1h30m 1y2w3d4h5m6s7ms 1m1h 5ys",
     " duration \"5m\" duration \"1h30m\" duration \"1y2w3d4h5m\"... duration \"1m1h\" duration \"5ys\" end of input"},
    /* strings */
    {"\"a\" 'b' `c\\d\n`", " string \"\\\"a\\\"\" string \"'b'\" string \"`c\\\\d\\n`\" end of input"},
    {"\"a'b`\\\"\\a\\b\\f\\n\\r\\t\\v\\\\\\101\\x41\\u00e9\\U0001F600\"",
     " string \"\\\"a'b`\\\\\\\"\\\\a\\\\\"... end of input"},
    {"'\\'' # c", " string \"'\\\\''\" end of input"},
    {"\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"",
     " string \"\\\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"... end of input"},
    {"\"\xff\"", " 0: invalid UTF-8 rune"},
    {"`\xef\xbf\xbd`", " 0: invalid UTF-8 rune"},
    {"a \"\\", " identifier \"a\" 2: escape sequence not terminated"},
    /* braces */
    {"{sum=~'a',by!~\"b\"}", " \"{\" identifier \"sum\" <op:=~> string \"'a'\" \",\" identifier \"by\" <op:!~> string "
                             "\"\\\"b\\\"\" \"}\" end of input"},
    {"{a # b}\n!=`c`}sum", " \"{\" identifier \"a\" <op:!=> string \"`c`\" \"}\" <aggr:sum> end of input"},
    {"{a==", " \"{\" identifier \"a\" \"=\" \"=\" 4: unexpected end of input inside braces"},
    {"{0", " \"{\" 1: unexpected character inside braces: '0'"},
    {"{a!", " \"{\" identifier \"a\" 2: unexpected character after '!' inside braces: '\xef\xbf\xbd'"},
    {"{\n\x01", " \"{\" 2: unexpected character inside braces: '\\x01'"},
    /* brackets */
    {"a[ 5m : 1m ]", " identifier \"a\" \"[\" duration \"5m\" \":\" duration \"1m\" \"]\" end of input"},
    {"[-(step()+Range())*2^min_of(1,2)%3/4]sum",
     " \"[\" <op:-> \"(\" \"step\" \"(\" \")\" <op:+> \"Range\" \"(\" \")\" \")\" <op:*> number \"2\" <op:^> "
     "\"min_of\" \"(\" number \"1\" \",\" number \"2\" \")\" <op:%> number \"3\" <op:/> number \"4\" \"]\" <aggr:sum> "
     "end of input"},
    {"[1 # c\n step", " \"[\" number \"1\" \"step\" 12: unclosed left bracket"},
    {"[1 {a", " \"[\" number \"1\" \"{\" identifier \"a\" 5: unexpected end of input inside braces"},
    {"[step:", " \"[\" \"step\" 6: unexpected colon before duration in duration expression"},
    {"[1][::", " \"[\" number \"1\" \"]\" \"[\" \":\" 6: unexpected repeated colon in duration expression"},
    {"[1:2:", " \"[\" number \"1\" \":\" number \"2\" 4: unexpected colon ':'"},
    {"[max", " \"[\" 1: unexpected character in duration expression: 'm'"},
    {"[1 max", " \"[\" number \"1\" 3: unexpected character: 'm', expected ':'"},
    {"[1 )", " \"[\" number \"1\" 4: unexpected right parenthesis ')'"},
    {"\xc3\xa9", " 0: unexpected character: '\xc3\xa9'"},
    {"\xff", " 0: unexpected character: '\xef\xbf\xbd'"},
    {"\x7f", " 0: unexpected character: '\\x7f'"},
};

Test(lex, tokens)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        arena_init(&arena, NULL);
        str found = scan(str_from(rows[i].text), &arena);
        cr_expect(str_equal(found, str_from(rows[i].tokens)), "%s:\n%.*s, expected\n%s", rows[i].text, STR_ARG(found),
                  rows[i].tokens);
        arena_release(&arena);
    }
}

/* Errors as the parser passes them on. */
static const struct expected_error errors[] = {
    /* text */
    {"foo)", "1:5: parse error: unexpected right parenthesis ')'"},
    {"(foo", "1:5: parse error: unclosed left parenthesis"},
    {"foo[5m", "1:7: parse error: unclosed left bracket"},
    {"[5m", "1:1: parse error: unexpected \"[\""},
    {"foo[5m] + bar[", "1:15: parse error: unexpected end of input in duration expression"},
    {"{a=\"b\"", "1:7: parse error: unexpected end of input inside braces"},
    {"foo{", "1:5: parse error: unexpected end of input inside braces"},
    {"foo{{", "1:5: parse error: unexpected left brace '{'"},
    {"foo }", "1:5: parse error: unexpected character: '}'"},
    {"foo ]", "1:5: parse error: unexpected right bracket ']'"},
    {"foo[5m[1m]]", "1:7: parse error: unexpected left bracket '['"},
    {"foo =~ bar", "1:5: parse error: unexpected character after '=': '~'"},
    {"foo ! bar", "1:5: parse error: unexpected character after '!': ' '"},
    {"foo !", "1:5: parse error: unexpected character after '!': '\xef\xbf\xbd'"},
    {"foo $ bar", "1:5: parse error: unexpected character: '$'"},
    {"foo \xc3\xa9 bar", "1:5: parse error: unexpected character: '\xc3\xa9'"},
    {"{a!\"b\"}", "1:3: parse error: unexpected character after '!' inside braces: '\"'"},
    {"{a=5}", "1:4: parse error: unexpected character inside braces: '5'"},
    {"{a:b=\"c\"}", "1:3: parse error: unexpected character inside braces: ':'"},
    {"\"abc", "1:1: parse error: unterminated quoted string"},
    {"'abc", "1:1: parse error: unterminated quoted string"},
    {"`abc", "1:1: parse error: unterminated raw string"},
    {"\"a\nb\"", "1:1: parse error: unterminated quoted string"},
    {"\"\\", "1:1: parse error: escape sequence not terminated"},
    {"\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"},
    {"\"\\x4\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
    {"\"\\x4g\"", "1:1: parse error: illegal character U+0067 'g' in escape sequence"},
    {"\"\\u12\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
    {"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\U00110000\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"'\\\"'", "1:1: parse error: unknown escape sequence U+0022 '\"'"},
    {"\"\\'\"", "1:1: parse error: unknown escape sequence U+0027 '''"},
    {"1..5", "1:1: parse error: bad number or duration syntax: \"1..\""},
    {"1.5.5", "1:1: parse error: bad number or duration syntax: \"1.5.\""},
    {"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
    {"1e+", "1:1: parse error: bad number or duration syntax: \"1e+\""},
    {"1e5e5", "1:1: parse error: bad number or duration syntax: \"1e5e\""},
    {"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
    {"1__0", "1:1: parse error: bad number or duration syntax: \"1__\""},
    {"1_.5", "1:1: parse error: bad number or duration syntax: \"1_.\""},
    {"1._5", "1:1: parse error: bad number or duration syntax: \"1._\""},
    {"5mm", "1:1: parse error: bad number or duration syntax: \"5mm\""},
    {"5m5", "1:1: parse error: bad number or duration syntax: \"5m5\""},
    {"1h_", "1:1: parse error: bad number or duration syntax: \"1h_\""},
    {"0b101", "1:1: parse error: bad number or duration syntax: \"0\""},
    {"0o17", "1:1: parse error: bad number or duration syntax: \"0\""},
    {"0xg", "1:1: parse error: bad number or duration syntax: \"0x\""},
    {"0x1.5", "1:1: parse error: bad number or duration syntax: \"0x1.\""},
    {"5h3x", "1:1: parse error: bad number or duration syntax: \"5h3\""},
    {"foo[:5m]", "1:6: parse error: unexpected colon before duration in duration expression"},
    {"foo[5m:5m:5m]", "1:10: parse error: unexpected colon ':'"},
    {"foo[5m sum]", "1:8: parse error: unexpected character: 's', expected ':'"},
    {"foo[sum]", "1:5: parse error: unexpected character in duration expression: 's'"},
    {"foo[5m:sum]", "1:8: parse error: unexpected character: 's', expected ':'"},
    {"foo[5m#]", "1:9: parse error: unclosed left bracket"},
    {"foo[#]", "1:5: parse error: unexpected character in duration expression: '#'"},
    {"foo[5m $]", "1:8: parse error: unexpected character: '$'"},
    {"foo[$]", "1:5: parse error: unexpected character in duration expression: '$'"},
    {"foo[", "1:5: parse error: unexpected end of input in duration expression"},
};

Test(lex, errors)
{
    expect_errors(errors, sizeof errors / sizeof errors[0], 0);
}
