/* Regular expressions on RE2; see regex.h. */
#include <algorithm>
#include <cstring>
#include <re2/re2.h>
#include <string>
#include <vector>

extern "C" {
#include "tsdb/regex.h"
}

struct regex {
    RE2 compiled;
    std::string pattern;
    std::string prefix;
    bool anchored;
};

namespace
{

re2::StringPiece piece(str s)
{
    return re2::StringPiece(s.data, s.len);
}

str view(const re2::StringPiece &piece)
{
    return str_make(piece.data() ? piece.data() : "", piece.size());
}

RE2::Options options()
{
    RE2::Options options;

    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(REGEX_MEMORY_BYTES);
    return options;
}

/* Bytes of the class that opens at `at`, brackets included. */
size_t class_length(const std::string &pattern, size_t at)
{
    const size_t name_bytes_max = 10; /* "^xdigit:]" */
    size_t i = at + 1;

    if (i < pattern.size() && pattern[i] == '^') i++;
    if (i < pattern.size() && pattern[i] == ']') i++;
    for (; i < pattern.size() && pattern[i] != ']'; i++) {
        if (pattern[i] == '\\') i++;
        if (pattern.compare(i, 2, "[:") == 0) {
            size_t name = pattern.substr(i + 2, name_bytes_max).find(":]");
            if (name != std::string::npos) i += name + 3;
        }
    }
    return std::min(i + 1, pattern.size()) - at;
}

/* Bytes of what stands at `at`: an escape, a class, or a character that means something on its own. */
size_t token_length(const std::string &pattern, size_t at)
{
    if (pattern.compare(at, 2, "\\Q") == 0) return std::min(pattern.find("\\E", at), pattern.size()) - at;
    if (pattern[at] == '\\') return std::min<size_t>(2, pattern.size() - at);
    return pattern[at] == '[' ? class_length(pattern, at) : 1;
}

/* Go also takes (?<name>…), which this version of RE2 knows as (?P<name>…) only. */
std::string spell_for_re2(const std::string &pattern)
{
    std::string spelled;

    for (size_t at = 0, length; at < pattern.size(); at += length) {
        length = token_length(pattern, at);
        spelled.append(pattern, at, length);
        if (pattern.compare(at, 3, "(?<") == 0) {
            spelled += "?P";
            at++;
        }
    }
    return spelled;
}

bool has_alternatives(const std::string &pattern)
{
    int depth = 0;

    for (size_t at = 0; at < pattern.size(); at += token_length(pattern, at)) {
        depth += (pattern[at] == '(') - (pattern[at] == ')');
        if (depth == 0 && pattern[at] == '|') return true;
    }
    return false;
}

/* The same mistakes in Go's words, which clients of Prometheus know. */
const char *fault(RE2::ErrorCode code)
{
    switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    default: return "regexp/syntax: internal error";
    }
}

/* The part of the pattern that is wrong, as the pattern has it. */
std::string faulty_part(const RE2 &compiled, const std::string &pattern)
{
    std::string part = compiled.error_arg();
    bool respelled = part.compare(0, 4, "(?P<") == 0 && pattern.find(part) == std::string::npos;

    return respelled ? part.erase(2, 1) : part;
}

using strings = std::vector<std::string>;

/* Expands a pattern to the strings that it matches. Knows alternatives, groups, classes, escaped punctuation, optional
 * parts, and anchors at the ends; gives up at everything else, flags among it. The pattern has compiled, so mistakes
 * need not be found. */
class expansion
{
  public:
    expansion(const std::string &pattern, size_t max) : pattern_(pattern), max_(max)
    {
    }

    bool run(strings *out)
    {
        return alternatives(0, out) && at_ == pattern_.size();
    }

    /* The characters that the pattern starts with, if it has no alternatives. */
    std::string prefix()
    {
        std::string prefix;
        uint32_t character;

        skip("^");
        while (at_ < pattern_.size() && !std::strchr(special_, pattern_[at_]) && literal(&character)) {
            char bytes[4];
            if (next_is("*") || next_is("?") || next_is("{")) break;
            prefix.append(bytes, str_put_utf8(character, bytes));
            if (next_is("+")) break;
        }
        return prefix;
    }

  private:
    static const size_t bytes_max_ = 1 << 20;
    static const int depth_max_ = 100;
    static constexpr char special_[] = ".*+?{}^$|()[]";

    bool next_is(const char *text) const
    {
        return pattern_.compare(at_, std::strlen(text), text) == 0;
    }

    bool skip(const char *text)
    {
        if (!next_is(text)) return false;
        at_ += std::strlen(text);
        return true;
    }

    bool at_end_of_sequence() const
    {
        return at_ == pattern_.size() || pattern_[at_] == '|' || pattern_[at_] == ')';
    }

    bool alternatives(int depth, strings *out)
    {
        do {
            strings sequence = {""};
            if (depth > depth_max_ || !parts(depth, &sequence)) return false;
            out->insert(out->end(), sequence.begin(), sequence.end());
            if (out->size() > max_) return false;
        } while (skip("|"));
        return true;
    }

    bool parts(int depth, strings *sequence)
    {
        if (depth == 0) skip("^");
        while (!at_end_of_sequence()) {
            strings part;
            if (depth == 0 && skip("$")) return at_end_of_sequence();
            if (!atom(depth, &part)) return false;
            if (skip("?")) {
                part.push_back("");
                skip("?"); /* prefers the empty string; to match all of a text makes no difference */
            }
            if (next_is("*") || next_is("+") || next_is("?") || next_is("{")) return false;
            if (!append(part, sequence)) return false;
        }
        return true;
    }

    bool append(const strings &part, strings *sequence) const
    {
        strings joined;
        size_t bytes = 0;

        if (part.size() > max_ / sequence->size()) return false;
        for (const std::string &before : *sequence) {
            for (const std::string &after : part) {
                joined.push_back(before + after);
                bytes += joined.back().size();
                if (bytes > bytes_max_) return false;
            }
        }
        sequence->swap(joined);
        return true;
    }

    bool atom(int depth, strings *out)
    {
        if (skip("(")) return group(depth, out);
        if (skip("[")) return character_class(out);
        if (skip("\\d")) return range('0', '9', out);
        if (std::strchr(special_, pattern_[at_])) return false;
        uint32_t character;
        return literal(&character) && range(character, character, out);
    }

    bool group(int depth, strings *out)
    {
        if (skip("?P<") || skip("?<")) {
            at_ = pattern_.find('>', at_) + 1;
        } else if (next_is("?") && !skip("?:")) {
            return false;
        }
        return alternatives(depth + 1, out) && skip(")");
    }

    bool character_class(strings *out)
    {
        bool first = true;

        if (next_is("^")) return false;
        for (; first || !skip("]"); first = false) {
            uint32_t from, to;
            if (next_is("[:")) return false;
            if (skip("\\d")) {
                if (!range('0', '9', out)) return false;
                continue;
            }
            if (!literal(&from)) return false;
            to = from;
            if (next_is("-") && !next_is("-]")) {
                at_++;
                if (!literal(&to)) return false;
            }
            if (!range(from, to, out)) return false;
        }
        return true;
    }

    bool range(uint32_t from, uint32_t to, strings *out) const
    {
        if (to - from >= max_ || out->size() + (to - from) >= max_) return false;
        for (uint32_t c = from; c <= to; c++) {
            char bytes[4];
            out->emplace_back(bytes, str_put_utf8(c, bytes));
        }
        return true;
    }

    /* A character that stands for itself, or an escaped one; elsewhere than in classes the caller has excluded the
     * special ones. */
    bool literal(uint32_t *character)
    {
        unsigned char byte = static_cast<unsigned char>(pattern_[at_++]);

        if (byte == '\\') return escaped(character);
        *character = byte;
        if (byte < 0x80) return true;
        size_t more = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
        *character = byte & (0x3FU >> more);
        for (; more; more--) *character = *character << 6 | (static_cast<unsigned char>(pattern_[at_++]) & 0x3F);
        return true;
    }

    bool escaped(uint32_t *character)
    {
        static const char letters[] = "aftnrv", meanings[] = "\a\f\t\n\r\v";
        char c = pattern_[at_++];
        const char *letter = std::strchr(letters, c);
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c < 0;

        if (c != 0 && letter) {
            *character = static_cast<unsigned char>(meanings[letter - letters]);
            return true;
        }
        *character = static_cast<unsigned char>(c);
        return !is_word;
    }

    const std::string &pattern_;
    size_t max_;
    size_t at_ = 0;
};

/* RE2 looks for the end of every "[:" through the rest of the pattern, which takes minutes if there are many. */
bool takes_too_long(const std::string &pattern)
{
    const size_t bytes_searched_max = 10000000;
    size_t openings = 0;

    for (size_t at = pattern.find("[:"); at != std::string::npos; at = pattern.find("[:", at + 1)) openings++;
    return openings > bytes_searched_max / (pattern.size() + 1);
}

status check_size(const std::string &pattern)
{
    if (pattern.size() > REGEX_PATTERN_BYTES_MAX)
        return status_make(STATUS_LIMIT, "regular expression has %zu bytes, the limit is %d", pattern.size(),
                           REGEX_PATTERN_BYTES_MAX);
    if (takes_too_long(pattern))
        return status_make(STATUS_LIMIT, "regular expression of %zu bytes has too many character classes",
                           pattern.size());
    return ok();
}

status check_compiled(const RE2 &compiled, const std::string &pattern)
{
    if (compiled.ok()) return ok();
    if (compiled.error_code() == RE2::ErrorPatternTooLarge)
        return status_make(STATUS_LIMIT, "regular expression needs more than %d MiB of memory: `%s`",
                           REGEX_MEMORY_BYTES >> 20, pattern.c_str());
    return status_make(STATUS_INVALID, "error parsing regexp: %s: `%s`", fault(compiled.error_code()),
                       faulty_part(compiled, pattern).c_str());
}

status compile(str pattern, bool anchored, struct regex **out)
{
    std::string text(pattern.data, pattern.len);

    TRY(check_size(text));
    auto *made = new regex{{spell_for_re2(text), options()}, text, "", anchored};
    status result = check_compiled(made->compiled, text);
    if (failed(result)) {
        delete made;
        return result;
    }
    if (anchored && !has_alternatives(text)) made->prefix = expansion(text, 0).prefix();
    *out = made;
    return result;
}

} // namespace

extern "C" {

status regex_compile(str pattern, struct regex **out)
{
    return compile(pattern, true, out);
}

status regex_compile_unanchored(str pattern, struct regex **out)
{
    return compile(pattern, false, out);
}

void regex_free(struct regex *regex)
{
    delete regex;
}

size_t regex_bytes(const struct regex *regex)
{
    const size_t instruction_bytes = 16, programs = 2; /* forward and backward */

    return sizeof *regex + regex->pattern.size() * 2 +
           static_cast<size_t>(regex->compiled.ProgramSize()) * instruction_bytes * programs;
}

bool regex_matches(const struct regex *regex, str text)
{
    return regex_capture(regex, text, nullptr, 0);
}

size_t regex_group_count(const struct regex *regex)
{
    return static_cast<size_t>(regex->compiled.NumberOfCapturingGroups());
}

size_t regex_group_by_name(const struct regex *regex, str name)
{
    const auto &groups = regex->compiled.NamedCapturingGroups();
    auto found = groups.find(std::string(name.data, name.len));

    return found == groups.end() ? 0 : static_cast<size_t>(found->second);
}

bool regex_capture(const struct regex *regex, str text, str *groups, size_t count)
{
    std::vector<re2::StringPiece> pieces(std::min(count, regex_group_count(regex) + 1));
    RE2::Anchor anchor = regex->anchored ? RE2::ANCHOR_BOTH : RE2::UNANCHORED;

    if (!regex->compiled.Match(piece(text), 0, text.len, anchor, pieces.data(), static_cast<int>(pieces.size())))
        return false;
    for (size_t i = 0; i < count; i++) groups[i] = i < pieces.size() ? view(pieces[i]) : str_make("", 0);
    return true;
}

bool regex_as_set(const struct regex *regex, size_t max, void (*add)(void *context, str value), void *context)
{
    strings set;

    if (!regex->anchored || !expansion(regex->pattern, max).run(&set)) return false;
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    for (const std::string &value : set) add(context, str_make(value.data(), value.size()));
    return true;
}

str regex_prefix(const struct regex *regex)
{
    return str_make(regex->prefix.data(), regex->prefix.size());
}
}
