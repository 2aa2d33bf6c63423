"""Text of HCL to tokens.

One regular expression for everything outside of templates, one for quoted strings and one for heredocs. A stack of what is open
says which of them is due and whether a line end counts: it does in bodies and objects, it does not inside `( )`, `[ ]`,
`${ }`, `%{ }` and `{for … }`. See https://github.com/hashicorp/hcl/blob/main/hclsyntax/scan_tokens.rl.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Token: TypeAlias = tuple[str, int, int]
"""Kind, start, end. Kinds of one or more marks are the marks themselves (`{`, `==`); the others are:

    word        an identifier                     path        identifiers with dots: `var.a.b`
    number                                        string      a quoted string of plain characters, with its quotes
    newline     one line end or more              text        a literal run inside a template
    quote       `"` that opens a template         endquote    `"` that closes it
    heredoc     `<<A` or `<<-A` with its line end endheredoc  the closing marker
    interp      `${` or `${~`                     control     `%{` or `%{~`
    close       `}` or `~}` of those two          escape      one escape inside a template
    bad         what cannot stand there           broken      what is open is never closed; nothing was read behind it
    end         the end of the text               more        lexing by line: there is more text
"""

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*+"
# Repeats stand on single characters only, and possessively where they could be tried again: time stays linear in the text.
# What lies beyond ASCII is written as what does not lie within: a range up to U+10FFFF takes six milliseconds to compile.
_MAIN = re.compile(
    rf"""[ \t]*+(?:
      (?P<word>{_NAME})(?P<path>\.{_NAME}(?:\.{_NAME})?(?:\.{_NAME})?)?(?![^\x00-\x7f])
    | (?P<newline>\r?\n[ \t\n]*+)
    | (?P<string>"[^"\\$%\r\n]*+")
    | (?P<open>[\[({{])
    | (?P<shut>~?\}}|[\])])
    | (?P<quote>")
    | (?P<comment>\#[^\n]*+|//[^\n]*+)
    | (?P<heredoc><<-?["']?[^\W\d][\w-]*+)
    | (?P<mark>=[=>]?|,|\.(?:\.\.)?|::?|\?|&&|\|\||[!><]=?|[*%+-]|/(?!\*))
    | (?P<number>[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)
    | (?P<remark>/\*)
    | (?P<name>[^\x00-@\[-^`{{-\x7f][^\x00-,./:-@\[-^`{{-\x7f]*+)
    | (?P<end>\Z)
    | (?P<bad>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(
    r"""(?P<text>[^"\\$%\r\n]++)
    | (?P<endquote>")
    | (?P<interp>\$\{~?)
    | (?P<control>%\{~?)
    | (?P<escape>\\u[0-9a-fA-F]{0,4}|\\U[0-9a-fA-F]{0,8}|\\[^\r\n]|\$\$\{|%%\{)
    | (?P<alone>[$%\\])
    """,
    re.VERBOSE,
)
_UNQUOTED = re.compile(
    r"""(?P<text>[^$%\n]++\n?|\n)
    | (?P<interp>\$\{~?)
    | (?P<control>%\{~?)
    | (?P<escape>\$\$\{|%%\{)
    | (?P<alone>[$%])
    """,
    re.VERBOSE,
)
# `resource "a" "b"` at the start of a line cannot stand inside an expression: whatever is open there was never closed.
_HEADER = re.compile(rf'{_NAME}[ \t]++"[^"\n]*+"[ \t]*+["{{]')
_MARKER = re.compile(r"""<<-?(["']?)([^\W\d][\w-]*+)["']?([ \t]*+)(?:\r?\n|(?=\#|//))""")
_OPENS_BODY = re.compile(r"[ \t]*+(?:\#|//|\r?\n|\Z)")

WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's unicode.IsSpace takes for white space, which is what HashiCorp strips."""

_FREE = frozenset({"(", "[", "${", "{for"})  # line ends do not count inside these
_OPENERS = {")": ("(",), "]": ("[",), "}": ("{", "body", "${", "{for"), "~}": ("${",)}
_HEADS = frozenset({"word", "string", "endquote"})  # in a body, a brace behind one of these opens a block's body
_CLOSERS = {
    "(": "`)`",
    "[": "`]`",
    "{": "`}`",
    "{for": "`}`",
    "${": "`}`",
    "body": "`}`",
    "<<": "its marker, alone on a line",
}
_OPEN_STRING = 'this string is not closed at the end of its line; add `"`, or write a heredoc (<<EOT) for more than one line'
_BAD = {
    "'": 'single quotes do not make a string; use double quotes (")',
    "`": 'backticks do not make a string; use double quotes ("), or a heredoc (<<EOT) for more than one line',
    "$": "a reference stands without `${ }` outside of a string",
    ";": "`;` separates nothing here; put each argument on a line of its own, and separate elements with commas",
    "&": "`&` is no operator; use `&&`",
    "|": "`|` is no operator; use `||`",
    "~": "`~` is no operator; use `!`",
    "“": 'a curly quote does not make a string; use a straight double quote (")',
    "”": 'a curly quote does not make a string; use a straight double quote (")',
}


class Lexer:
    """Tokens of one text, from a position to the end or to the end of a logical line."""

    __slots__ = ("comments", "free", "limit", "messages", "stack", "text", "tokens")

    def __init__(self, text: str, limit: int, *, free: bool = False) -> None:
        self.text = text
        self.limit = limit
        self.tokens: list[Token] = []
        self.comments: dict[int, int] = {}  # start → end
        self.messages: dict[int, tuple[int, str]] = {}  # start of a token `bad` or `broken` → where to say what
        self.stack: list[tuple[str, int]] = []  # what is open, and where it was opened
        self.free = free  # whether line ends do not count outside brackets either

    def lex(self, at: int, *, template: bool = False, line: bool = False, margin: int = -1) -> None:
        """Fills `tokens` with what stands from `at` on; with `template` the text is one.

        With `line`, only up to the end of the logical line: a line end outside all brackets, or a brace that opens the lines of
        a block. With `margin`, a line inside brackets that starts at that column (from 0) or before it shows that they were
        never closed.
        """
        tokens: list[Token] = []
        stack: list[tuple[str, int]] = []
        self.tokens, self.stack = tokens, stack
        text, limit, add, scan = self.text, self.limit, tokens.append, _MAIN.finditer
        if template:
            stack.append(("template", at))
            at = self._template(at, start_of_line=False)
        while True:
            free = stack[-1][0] in _FREE if stack else self.free
            for match in scan(text, at, limit):
                kind = match.lastgroup
                at = match.end()
                if kind == "word":
                    start = match.start("word")
                    if at - start == 3 and text.startswith("for", start):
                        free = self._for() or free
                    add(("word", start, at))
                elif kind == "mark":
                    start = match.start("mark")
                    add((text[start:at], start, at))
                elif kind == "newline":
                    start = match.start("newline")
                    if line and not stack:
                        add(("newline", start, at))
                        add(("more", at, at))
                        return
                    if line and self._outside(at, margin):
                        self._break(at)
                        return
                    if not free:
                        add(("newline", start, at))
                elif kind == "path":
                    add(("path", match.start("word"), at))
                elif kind == "string":
                    add(("string", match.start("string"), at))
                elif kind == "open":
                    start = at - 1
                    what = mark = text[start]
                    free = mark != "{"
                    if not free and (not stack or stack[-1][0] == "body") and tokens and tokens[-1][0] in _HEADS:
                        if line and not stack and _OPENS_BODY.match(text, at, limit):
                            add(("{", start, at))
                            add(("more", at, at))
                            return
                        what = "body"
                    stack.append((what, start))
                    add((mark, start, at))
                elif kind == "shut":
                    start = match.start("shut")
                    mark = text[start:at]
                    what = self._close(mark)
                    if line and stack and not what and mark == "}":
                        self._break(start)
                        return
                    if what == "${":
                        add(("close", start, at))
                        at = self._template(at, start_of_line=False)
                        break
                    free = stack[-1][0] in _FREE if stack else self.free
                    add((mark, start, at))
                elif kind == "comment":
                    self.comments[match.start("comment")] = at
                elif kind == "number":
                    add(("number", match.start("number"), at))
                elif kind == "quote":
                    add(("quote", at - 1, at))
                    stack.append(('"', at - 1))
                    at = self._template(at, start_of_line=False)
                    break
                elif kind == "heredoc":
                    at = self._heredoc(match.start("heredoc"))
                    break
                elif kind == "name":
                    self._names(match.start("name"), at)
                elif kind == "remark":
                    at = self._remark(at)
                    break
                elif kind == "end":
                    if stack and stack[-1][0] != "body":
                        self._break(at)
                    else:
                        add(("end", at, at))
                    return
                else:
                    self._bad(at - 1, at, _BAD.get(text[at - 1], "this character has no meaning here; remove it"))
            if tokens and tokens[-1][0] == "broken":
                return

    def _for(self) -> bool:
        """Whether the word `for` that comes makes the brace before it one of a for expression, where line ends do not count."""
        tokens, stack = self.tokens, self.stack
        if not stack or stack[-1][0] != "{":
            return False
        last = len(tokens) - 1
        while tokens[last][0] == "newline":
            last -= 1
        if tokens[last][1] != stack[-1][1]:
            return False
        del tokens[last + 1 :]
        stack[-1] = ("{for", stack[-1][1])
        return True

    def _close(self, mark: str) -> str:
        """Closes what a bracket closes, with all that was left open inside it; what that was, empty for nothing."""
        stack, openers = self.stack, _OPENERS[mark]
        for depth in range(len(stack) - 1, -1, -1):
            if stack[depth][0] in openers:
                what = stack[depth][0]
                del stack[depth:]
                return what
        return ""

    def _outside(self, at: int, margin: int) -> bool:
        """Whether the line at whose first character `at` stands cannot be inside the brackets that are open."""
        if self.stack[-1][0] != "body" and _HEADER.match(self.text, at, self.limit):
            return True
        if margin < 0 or at >= self.limit or self.text[at] in "#/)]}\r\n":
            return False
        return at - self.text.rfind("\n", 0, at) - 1 <= margin

    def _break(self, at: int) -> None:
        """Nothing more can be read: what is open innermost is never closed."""
        kind, start = self.stack[-1]
        self.messages[at] = (start, f"this `{kind.removesuffix('for')}` is not closed; add {_CLOSERS[kind]}")
        self.tokens.append(("broken", at, at))

    def _bad(self, start: int, end: int, message: str) -> None:
        self.messages[start] = (start, message)
        self.tokens.append(("bad", start, end))

    def _names(self, at: int, end: int) -> None:
        """A run of characters with some beyond ASCII: identifiers, and what is none."""
        text = self.text
        while at < end:
            start = at
            at += 1
            if text[start].isidentifier():
                while at < end and (text[at] == "-" or ("a" + text[at]).isidentifier()):
                    at += 1
                self.tokens.append(("word", start, at))
            else:
                while at < end and not text[at].isidentifier():
                    at += 1
                self._bad(start, at, _BAD.get(text[start], "this character has no meaning here; remove it"))

    def _remark(self, at: int) -> int:
        """A comment of the form `/* */`, from behind its opening."""
        close = self.text.find("*/", at, self.limit)
        if close < 0:
            self._bad(at - 2, at, "this comment is not closed; add `*/`")
            return self.limit
        self.comments[at - 2] = close + 2
        return close + 2

    def _heredoc(self, start: int) -> int:
        """A heredoc from its opening marker, up to its end or to a `${` or `%{`; where that ends."""
        match = _MARKER.match(self.text, start, self.limit)
        if match is None:
            self.tokens += (("<", start, start + 1), ("<", start + 1, start + 2))
            return start + 2
        end = match.end()
        if match[1] or match[3] or self.text[end - 1] != "\n":
            self._bad(start, end, "behind `<<` or `<<-` stands a marker without quotes, and nothing else in the line")
            end = self.text.find("\n", end - 1, self.limit) + 1 or self.limit
        else:
            self.tokens.append(("heredoc", start, end))
        self.stack.append(("<<", start))
        return self._template(end, start_of_line=True)

    def _template(self, at: int, *, start_of_line: bool) -> int:
        """What stands in the template that is innermost open, up to its end or to a `${` or `%{`; where that ends."""
        kind, opened = self.stack[-1]
        if kind == '"':
            return self._quoted(at)
        text, limit, tokens, marker = self.text, self.limit, self.tokens, ""
        if kind == "<<" and (opening := _MARKER.match(text, opened)):
            marker = opening[2]
        while at < limit:
            if start_of_line and marker:
                end = text.find("\n", at, limit)
                line = text[at:end] if end >= 0 else ""
                if marker in line and line.strip(WHITE_SPACE) == marker:
                    at = text.index(marker, at)
                    tokens.append(("endheredoc", at, at + len(marker)))
                    self.stack.pop()
                    return at + len(marker)
            match = _UNQUOTED.match(text, at, limit)
            assert match is not None  # its alternatives cover every character
            what, start, at = match.lastgroup or "", at, match.end()
            start_of_line = what == "text" and text[at - 1] == "\n"
            if what in {"interp", "control"}:
                tokens.append((what, start, at))
                self.stack.append(("${", start))
                return at
            self._piece(what, start, at)
        if kind == "<<":
            self._break(at)
        else:
            self.stack.pop()
        return at

    def _quoted(self, at: int) -> int:
        text, limit, tokens = self.text, self.limit, self.tokens
        while True:
            match = _QUOTED.match(text, at, limit)
            if match is None:
                return self._unclosed(at)
            what, start, at = match.lastgroup or "", at, match.end()
            if what == "endquote":
                tokens.append((what, start, at))
                self.stack.pop()
                return at
            if what in {"interp", "control"}:
                tokens.append((what, start, at))
                self.stack.append(("${", start))
                return at
            self._piece(what, start, at)

    def _piece(self, what: str, start: int, end: int) -> None:
        """A run of characters, joined with the run before it in its line, or an escape."""
        tokens = self.tokens
        if what == "escape" or (what == "alone" and self.text[start] == "\\"):
            tokens.append(("escape", start, end))
            return
        kind, before, to = tokens[-1] if tokens else ("", 0, 0)
        if kind == "text" and to == start and self.text[start - 1] != "\n":
            tokens[-1] = ("text", before, end)
        else:
            tokens.append(("text", start, end))

    def _unclosed(self, at: int) -> int:
        """A quoted string that is not closed at the end of its line ends there, with all that was opened in the line since."""
        stack = self.stack
        line = self.text.rfind("\n", 0, at) + 1
        depth = len(stack) - 1
        for number in range(len(stack) - 1, -1, -1):
            kind, start = stack[number]
            if start < line:
                break
            if kind == '"':
                depth = number
        inside = next((start for kind, start in stack[depth:] if kind == "${"), None)
        if inside is None:
            self.messages[at] = (stack[depth][1], _OPEN_STRING)
        else:
            self.messages[at] = (inside, "this `${` is not closed; add `}`")
        self.tokens.append(("bad", at, at))
        del stack[depth:]
        return at
