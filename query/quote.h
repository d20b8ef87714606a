/* Quoted text: string literals as PromQL reads and prints them, which is Go's way (strconv.Quote and its relatives). */
#ifndef VARVE_QUERY_QUOTE_H
#define VARVE_QUERY_QUOTE_H

#include "storage/base/arena.h"
#include "storage/base/bytes.h"

/* What quote_next gives for bytes that are no UTF-8. */
enum { QUOTE_REPLACEMENT = 0xFFFD };

/* Decodes the character of s at *at and moves past it, by one byte if it is no UTF-8. Needs *at < s.len. */
uint32_t quote_next(str s, size_t *at);

/* Appends s in double quotes: printable characters stay, bytes that are no UTF-8 become \xhh, the rest is escaped. */
void quote_write(str s, struct writer *out);

/* The same as text in the arena. */
str quote_text(str s, struct arena *arena);

/* A character for messages: 'a', '\n', and U+0061 'a'; in the arena. */
str quote_character(uint32_t character, struct arena *arena);
str quote_code_point(uint32_t character, struct arena *arena);

/* The text that a string literal stands for, its quotes (" ' `) included in the literal. The lexer has checked it. */
str quote_read(str literal, struct arena *arena);

#endif
