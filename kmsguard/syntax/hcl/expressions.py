"""Tokens of HCL to the trees of expressions and templates, by recursive descent.

See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#expressions.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from kmsguard.syntax.hcl.lexer import WHITE_SPACE, Lexer, Token
from kmsguard.syntax.hcl.nodes import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    GetAttr,
    Index,
    Interpolation,
    Literal,
    ObjectExpr,
    ObjectItem,
    Parentheses,
    Splat,
    SplatItem,
    StringPart,
    Template,
    TemplateFor,
    TemplateIf,
    TemplatePart,
    TupleExpr,
    Unary,
    Variable,
)

MAX_DEPTH = 100
"""How deep brackets, templates, conditionals and blocks may be nested. Each level costs up to five frames of Python's stack."""
MAX_CHAIN = 400
"""How many operators or attributes may follow each other on one level: the tree grows to the left with each."""

MAX_PROBLEMS = 50
"""So many mistakes in one text are reported; what stands behind them is not read."""

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_POSTFIX = frozenset({".", "["})
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_FOUND = {
    "word": "a name",
    "path": "a name",
    "number": "a number",
    "string": "a string",
    "quote": "a string",
    "heredoc": "a heredoc",
    "newline": "the end of the line",
    "end": "the end of the file",
    "more": "the end of the line",
    "close": "`}`",
    "endquote": "the end of the string",
    "endheredoc": "the end of the heredoc",
}
_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "$${": "${", "%%{": "%{"}


class HclSyntaxError(Exception):
    """A mistake at an offset. Stays inside this package: whoever parses an item turns it into a Problem."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message


class _Directive:
    """`%{ if … }`, `%{ else }` and the like, before they are put together."""

    __slots__ = ("collection", "end", "key", "name", "start", "value")

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.start = start
        self.end = start
        self.key: str | None = None
        self.value = ""
        self.collection: Expression | None = None  # of `if`: the condition


_Flat: TypeAlias = "StringPart | Interpolation | _Directive"


class Expressions:
    """A reader of expressions. `at` is the index of the next token."""

    __slots__ = ("at", "depth", "lexer", "soft", "text", "tokens")

    def __init__(self, lexer: Lexer) -> None:
        self.lexer = lexer
        self.text = lexer.text
        self.tokens: list[Token] = lexer.tokens
        self.at = 0
        self.depth = 0
        self.soft: list[HclSyntaxError] | None = None  # mistakes after which reading can go on; None: it need not

    def lex(self, offset: int, *, template: bool = False, line: bool = False, margin: int = -1) -> None:
        """Reads tokens from an offset on, instead of those that are left."""
        self.lexer.lex(offset, template=template, line=line, margin=margin)
        self.tokens = self.lexer.tokens
        self.at = 0

    def failure(self, token: Token, expected: str) -> HclSyntaxError:
        """The mistake that a token cannot stand where it stands."""
        kind, start, _ = token
        if kind in ("bad", "broken"):
            return HclSyntaxError(*self.lexer.messages[start])
        return HclSyntaxError(start, f"expected {expected}, found {_FOUND.get(kind) or f'`{kind}`'}")

    def mistake(self, offset: int, message: str) -> None:
        """A mistake after which reading goes on."""
        error = HclSyntaxError(offset, message)
        if self.soft is None or len(self.soft) >= MAX_PROBLEMS:
            raise error
        self.soft.append(error)

    def _deeper(self, offset: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise HclSyntaxError(offset, f"nested deeper than {MAX_DEPTH} levels; name parts of it as locals")

    def expression(self) -> Expression:
        """One expression, up to the first token that cannot belong to it."""
        left = self.term()
        kind = self.tokens[self.at][0]
        if kind in _PRECEDENCE:
            left = self._operation(left, 1)
            kind = self.tokens[self.at][0]
        if kind != "?":
            return left
        self._deeper(left.start)
        self.at += 1
        then = self.expression()
        token = self.tokens[self.at]
        if token[0] != ":":
            raise self.failure(token, "`:` and the other result of the condition")
        self.at += 1
        otherwise = self.expression()
        self.depth -= 1
        return Conditional(left.start, otherwise.end, left, then, otherwise)

    def _operation(self, left: Expression, lowest: int) -> Expression:
        """Precedence climbing: all that follows `left` with operators that bind as tightly as `lowest` or tighter."""
        tokens, chain = self.tokens, 0
        while True:
            operator, start, _ = tokens[self.at]
            level = _PRECEDENCE.get(operator, 0)
            if level < lowest:
                return left
            chain += 1
            if chain > MAX_CHAIN:
                raise HclSyntaxError(start, f"more than {MAX_CHAIN} operators in a row; name parts of it as locals")
            self.at += 1
            right = self.term()
            if _PRECEDENCE.get(tokens[self.at][0], 0) > level:
                right = self._operation(right, level + 1)
            left = Binary(left.start, right.end, operator, left, right)

    def term(self) -> Expression:
        """An operand with all that follows it without an operator."""
        tokens = self.tokens
        kind, start, end = tokens[self.at]
        node: Expression
        if kind == "path":
            self.at += 1
            node = self._path(start, end)
        elif kind == "word":
            self.at += 1
            following = tokens[self.at][0]
            name = self.text[start:end]
            if following in {"(", "::"}:
                node = self._call(name, start)
            elif name in _CONSTANTS:
                node = Literal(start, end, _CONSTANTS[name])
            else:
                node = Variable(start, end, name)
        elif kind == "string":
            self.at += 1
            parts = (StringPart(start + 1, end - 1, self.text[start + 1 : end - 1]),) if end - start > 2 else ()
            node = Template(start, end, parts)
        else:
            reader = _TERMS.get(kind)
            if reader is None:
                raise self.failure(tokens[self.at], "an expression")
            self._deeper(start)
            node = reader(self)
            self.depth -= 1
        if tokens[self.at][0] in _POSTFIX and kind not in ("-", "!"):
            return self._postfix(node)
        return node

    def _path(self, start: int, end: int) -> Expression:
        names = self.text[start:end].split(".")
        at = start + len(names[0])
        node: Expression = Literal(start, at, _CONSTANTS[names[0]]) if names[0] in _CONSTANTS else Variable(start, at, names[0])
        for name in names[1:]:
            at += 1 + len(name)
            node = GetAttr(start, at, node, name)
        return node

    def _postfix(self, node: Expression) -> Expression:
        tokens, first, chain = self.tokens, node.start, 0
        while True:
            kind, start, _ = tokens[self.at]
            if kind == ".":
                self.at += 1
                node = self._attribute_only(node) if tokens[self.at][0] == "*" else self._attribute(node)
            elif kind == "[":
                if tokens[self.at + 1][0] == "*" and tokens[self.at + 2][0] == "]":
                    return self._splat(node)
                self.at += 1
                self._deeper(start)
                key = self.expression()
                self.depth -= 1
                token = tokens[self.at]
                if token[0] != "]":
                    raise self.failure(token, "`]` after the index")
                self.at += 1
                node = Index(first, token[2], node, key)
            else:
                return node
            chain += 1
            if chain > MAX_CHAIN:
                raise HclSyntaxError(start, f"more than {MAX_CHAIN} attributes in a row; name parts of it as locals")

    def _attribute(self, of: Expression) -> Expression:
        """What stands behind a dot: one or more names, or an index in the old spelling."""
        token = self.tokens[self.at]
        kind, start, end = token
        self.at += 1
        if kind == "word":
            return GetAttr(of.start, end, of, self.text[start:end])
        if kind == "path":
            at = start - 1
            for name in self.text[start:end].split("."):
                at += 1 + len(name)
                of = GetAttr(of.start, at, of, name)
            return of
        digits = self.text[start:end]
        if kind != "number":
            raise self.failure(token, "a name after the dot")
        if isinstance(of, Literal) and of.end == start - 1 and type(of.value) in (int, Decimal):
            raise HclSyntaxError(of.start, "this is not a number; it has more than one dot")
        if "." in digits:
            raise HclSyntaxError(start, "two indexes in a row stand in brackets, like [0][1]")
        return Index(of.start, end, of, Literal(start, end, self._number(start, end)))

    def _attribute_only(self, of: Expression) -> Expression:
        """`.*` and the names that follow; an index that follows is one of the whole result."""
        tokens = self.tokens
        _, start, end = tokens[self.at]
        self.at += 1
        each: Expression = SplatItem(start - 1, end)
        chain = 0
        while tokens[self.at][0] == ".":
            self.at += 1
            if tokens[self.at][0] == "*":
                raise HclSyntaxError(tokens[self.at][1], "`.*` cannot stand inside another `.*`; write `[*]`")
            each = self._attribute(each)
            chain += 1
            if chain > MAX_CHAIN:
                raise HclSyntaxError(start, f"more than {MAX_CHAIN} attributes in a row; name parts of it as locals")
        return Splat(of.start, each.end, of, each, full=False)

    def _splat(self, of: Expression) -> Expression:
        """`[*]` and all that follows, which is done to each element."""
        start, end = self.tokens[self.at][1], self.tokens[self.at + 2][2]
        if "\n" in self.text[start:end]:
            raise HclSyntaxError(start, "`[*]` cannot stand on more than one line")
        self.at += 3
        self._deeper(start)
        each = self._postfix(SplatItem(start, end))
        self.depth -= 1
        return Splat(of.start, each.end, of, each, full=True)

    def _number(self, start: int, end: int) -> int | Decimal:
        digits = self.text[start:end]
        if end - start < 19 and digits.isdecimal():
            return int(digits)
        try:
            value = Decimal(digits)
        except InvalidOperation:
            raise HclSyntaxError(start, "this number is too large") from None
        # Python refuses to print whole numbers of more than 4300 digits, and 1e999999999 would fill the memory.
        whole = value.adjusted() < 4000 and value == value.to_integral_value()
        return int(value) if whole else value

    def _literal(self) -> Expression:
        _, start, end = self.tokens[self.at]
        self.at += 1
        return Literal(start, end, self._number(start, end))

    def _unary(self) -> Expression:
        operator, start, _ = self.tokens[self.at]
        self.at += 1
        operand = self.term()
        return Unary(start, operand.end, operator, operand)

    def _parentheses(self) -> Expression:
        start = self.tokens[self.at][1]
        self.at += 1
        inner = self.expression()
        token = self.tokens[self.at]
        if token[0] != ")":
            raise self.failure(token, "`)`")
        self.at += 1
        return Parentheses(start, token[2], inner)

    def _call(self, name: str, start: int) -> Expression:
        """A call, from behind the first name."""
        tokens = self.tokens
        names = [name]
        while tokens[self.at][0] == "::":
            self.at += 1
            names.append(self._word("the name of a function after `::`"))
        if tokens[self.at][0] != "(":
            raise self.failure(tokens[self.at], "`(` after the name of the function")
        opened = tokens[self.at][1]
        self.at += 1
        self._deeper(opened)
        arguments: list[Expression] = []
        expand = False
        while tokens[self.at][0] != ")":
            arguments.append(self.expression())
            token = tokens[self.at]
            if token[0] == ",":
                self.at += 1
            elif token[0] == "...":
                expand = True
                self.at += 1
                if tokens[self.at][0] != ")":
                    raise self.failure(tokens[self.at], "`)` after `...`")
            elif token[0] != ")":
                raise self.failure(token, "`,` or `)` after the argument")
        end = tokens[self.at][2]
        self.at += 1
        self.depth -= 1
        return Call(start, end, "::".join(names), tuple(arguments), expand)

    def _tuple(self) -> Expression:
        tokens = self.tokens
        _, start, _ = tokens[self.at]
        self.at += 1
        kind, begin, end = tokens[self.at]
        if kind == "word" and self.text[begin:end] == "for":
            return self._for(start, "]")
        items: list[Expression] = []
        while tokens[self.at][0] != "]":
            items.append(self.expression())
            token = tokens[self.at]
            if token[0] == ",":
                self.at += 1
            elif token[0] != "]":
                raise self.failure(token, "`,` or `]` after the element")
        end = tokens[self.at][2]
        self.at += 1
        return TupleExpr(start, end, tuple(items))

    def _object(self) -> Expression:
        tokens, text = self.tokens, self.text
        _, start, _ = tokens[self.at]
        self.at += 1
        kind, begin, end = tokens[self.at]
        # A for expression has lost its line ends already.
        if kind == "word" and end - begin == 3 and text.startswith("for", begin):
            return self._for(start, "}")
        items: list[ObjectItem] = []
        while True:
            kind = tokens[self.at][0]
            if kind == "newline":
                self.at += 1
                continue
            if kind == "}":
                break
            key = self.expression()
            token = tokens[self.at]
            if token[0] != "=" and token[0] != ":":
                raise self.failure(token, "`=` and a value after the key")
            if type(key) is Literal and (key.value is None or type(key.value) is bool):
                key = Variable(
                    key.start, key.end, text[key.start : key.end]
                )  # a name is a name here, whatever it means elsewhere
            self.at += 1
            value = self.expression()
            items.append(ObjectItem(key.start, value.end, key, value))
            token = tokens[self.at]
            if token[0] == "newline" or token[0] == ",":
                self.at += 1
            elif token[0] != "}":
                raise self.failure(token, "a new line, `,` or `}` after the value")
        end = tokens[self.at][2]
        self.at += 1
        return ObjectExpr(start, end, tuple(items))

    def _names(self, what: str) -> tuple[str | None, str, Expression]:
        """`k, v in collection`, from behind the word `for`."""
        key, value = None, self._word(f"the name of a variable after `for` in {what}")
        if self.tokens[self.at][0] == ",":
            self.at += 1
            key, value = value, self._word(f"the name of a second variable after `,` in {what}")
        kind, start, end = self.tokens[self.at]
        if kind != "word" or self.text[start:end] != "in":
            raise self.failure(self.tokens[self.at], "`in` and a collection after the names of the variables")
        self.at += 1
        return key, value, self.expression()

    def _word(self, expected: str) -> str:
        kind, start, end = self.tokens[self.at]
        if kind != "word":
            raise self.failure(self.tokens[self.at], expected)
        self.at += 1
        return self.text[start:end]

    def _for(self, start: int, closer: str) -> Expression:
        """A for expression, from its word `for` on."""
        tokens = self.tokens
        self.at += 1
        key_name, value_name, collection = self._names("the for expression")
        if tokens[self.at][0] != ":":
            raise self.failure(tokens[self.at], "`:` after the collection of the for expression")
        self.at += 1
        key: Expression | None = None
        value = self.expression()
        if tokens[self.at][0] == "=>":
            if closer == "]":
                raise HclSyntaxError(tokens[self.at][1], "a for expression in `[ ]` has no keys; write it in `{ }`")
            self.at += 1
            key, value = value, self.expression()
        elif closer == "}":
            raise self.failure(tokens[self.at], "`=>` and a value: a for expression in `{ }` has keys")
        grouping = tokens[self.at][0] == "..."
        if grouping:
            if closer == "]":
                raise HclSyntaxError(tokens[self.at][1], "`...` groups by key; a for expression in `[ ]` has no keys")
            self.at += 1
        condition: Expression | None = None
        kind, begin, end = tokens[self.at]
        if kind == "word" and self.text[begin:end] == "if":
            self.at += 1
            condition = self.expression()
        token = tokens[self.at]
        if token[0] != closer:
            raise self.failure(token, f"`{closer}` at the end of the for expression")
        self.at += 1
        return For(start, token[2], key_name, value_name, collection, key, value, condition, grouping)

    # Templates

    def _quoted(self) -> Expression:
        start = self.tokens[self.at][1]
        self.at += 1
        parts = self._parts("endquote", flush=False)
        end = self.tokens[self.at][2]
        self.at += 1
        return Template(start, end, parts)

    def _heredoc(self) -> Expression:
        start = self.tokens[self.at][1]
        self.at += 1
        parts = self._parts("endheredoc", flush=self.text.startswith("<<-", start))
        end = self.tokens[self.at][2]
        self.at += 1
        return Template(start, end, parts, heredoc=True)

    def template(self) -> Template:
        """A whole text as a template."""
        parts = self._parts("end", flush=False)
        return Template(0, self.lexer.limit, parts)

    def _parts(self, closer: str, *, flush: bool) -> tuple[TemplatePart, ...]:
        """What stands in a template, up to the token that ends it, which is left."""
        tokens, text = self.tokens, self.text
        lines = closer != "endquote"
        flat: list[_Flat] = []
        directives = False
        while True:
            token = tokens[self.at]
            kind, start, end = token
            if kind == "text":
                self.at += 1
                flat.append(StringPart(start, end, text[start:end]))
            elif kind == "escape":
                self.at += 1
                flat.append(StringPart(start, end, self._escape(start, end)))
            elif kind == "interp":
                self.at += 1
                if end - start == 3:
                    _strip_end(flat, lines=lines)
                expression = self.expression()
                close = self._close(start, "the expression")
                flat.append(Interpolation(start, close, expression))
                if text[close - 2] == "~":
                    self._strip_start(flat, lines=lines)
            elif kind == "control":
                self.at += 1
                directives = True
                if end - start == 3:
                    _strip_end(flat, lines=lines)
                directive = self._directive(start)
                directive.end = self._close(start, f"`{directive.name}`")
                flat.append(directive)
                if text[directive.end - 2] == "~":
                    self._strip_start(flat, lines=lines)
            elif kind == closer:
                break
            else:
                raise self.failure(token, "the rest of the template")
        if flush:
            _flush(flat)
        parts = _Tree(flat).parts() if directives else flat
        return _trimmed(parts)  # type: ignore[arg-type]

    def _close(self, start: int, what: str) -> int:
        """Reads the `}` that ends a `${` or `%{`; its end."""
        token = self.tokens[self.at]
        kind = token[0]
        if kind == "close":
            self.at += 1
            return token[2]
        if kind in ("string", "quote", "newline", "end", "more", "bad", "broken"):
            opener = self.text[start : start + 2]
            raise HclSyntaxError(
                start, f"this `{opener}` is not closed; add `}}` (a literal `{opener}` is written `{opener[0]}{opener}`)"
            )
        raise self.failure(token, f"`}}` after {what}")

    def _directive(self, start: int) -> _Directive:
        kind, begin, end = self.tokens[self.at]
        name = self.text[begin:end] if kind == "word" else ""
        directive = _Directive(name, start)
        if name not in _DIRECTIVES:
            raise self.failure(
                self.tokens[self.at], "`if`, `else`, `endif`, `for` or `endfor` after `%{` (a literal `%{` is written `%%{`)"
            )
        self.at += 1
        if name == "if":
            directive.collection = self.expression()
        elif name == "for":
            directive.key, directive.value, directive.collection = self._names("the directive")
        return directive

    def _escape(self, start: int, end: int) -> str:
        written = self.text[start:end]
        known = _ESCAPES.get(written)
        if known is not None:
            return known
        digits = written[2:]
        if written[1:2] in ("u", "U"):
            wanted = 4 if written[1] == "u" else 8
            if len(digits) != wanted:
                self.mistake(start, f"`\\{written[1]}` is followed by {wanted} hexadecimal digits")
            elif (code := int(digits, 16)) > 0x10FFFF or 0xD800 <= code < 0xE000:
                self.mistake(start, "there is no character with this number")
            else:
                return chr(code)
            return written
        self.mistake(start, 'after `\\` stands one of n, r, t, ", \\, u, U; write `\\\\` for a backslash itself')
        return written[1:]

    def _strip_start(self, flat: list[_Flat], *, lines: bool) -> None:
        """After `~}`: reads the literal that follows, up to the end of its line, and leaves its white space out."""
        tokens, text = self.tokens, self.text
        while True:
            kind, start, end = tokens[self.at]
            if kind not in ("text", "escape"):
                return
            self.at += 1
            written = text[start:end] if kind == "text" else self._escape(start, end)
            left = written.lstrip(WHITE_SPACE)
            if left:
                flat.append(StringPart(end - len(left) if kind == "text" else start, end, left))
                return
            flat.append(StringPart(end, end, ""))  # that something stood there still counts: the value becomes a text
            if lines and written.endswith("\n"):
                return


_DIRECTIVES = frozenset({"if", "else", "endif", "for", "endfor"})
_TERMS = {
    "number": Expressions._literal,  # noqa: SLF001
    "quote": Expressions._quoted,  # noqa: SLF001
    "heredoc": Expressions._heredoc,  # noqa: SLF001
    "-": Expressions._unary,  # noqa: SLF001
    "!": Expressions._unary,  # noqa: SLF001
    "(": Expressions._parentheses,  # noqa: SLF001
    "[": Expressions._tuple,  # noqa: SLF001
    "{": Expressions._object,  # noqa: SLF001
}


def _strip_end(flat: list[_Flat], *, lines: bool) -> None:
    """Before `${~`: takes the white space off the literal that stands before it in its line."""
    for part in reversed(flat):
        if not isinstance(part, StringPart):
            return
        left = part.text.rstrip(WHITE_SPACE)
        if len(left) < len(part.text):
            part.end = part.start + len(left)
            part.text = left
        if left or lines:
            return


def _flush(flat: list[_Flat]) -> None:
    """`<<-`: takes from each line the white space that all of them begin with.

    As HashiCorp does it: blank lines neither count nor change, a line that begins with `${` counts as not indented, and a line
    whose line end was stripped by `~}` does not begin a new one.
    """
    indented: list[StringPart] = []
    least: int | None = None
    fresh = True
    for part in flat:
        literal = isinstance(part, StringPart)
        if fresh:
            fresh = False
            if not isinstance(part, StringPart):
                least = 0
            else:
                spaces = len(part.text) - len(part.text.lstrip(WHITE_SPACE))
                if spaces < len(part.text) or not part.text.endswith("\n"):
                    least = spaces if least is None else min(least, spaces)
                    indented.append(part)
        if literal and part.text.endswith("\n"):  # type: ignore[union-attr]
            fresh = True
    if least:
        for part in indented:
            part.start += least
            part.text = part.text[least:]


def _trimmed(parts: list[TemplatePart]) -> tuple[TemplatePart, ...]:
    """Without empty literals, except beside an interpolation that would stand alone without them: alone it keeps its type."""
    kept = [part for part in parts if type(part) is not StringPart or part.text]
    if len(kept) == 1 < len(parts) and type(kept[0]) is Interpolation:
        return tuple(parts[:2])
    return tuple(kept)


class _Tree:
    """Puts directives and what stands between them together."""

    def __init__(self, flat: list[_Flat]) -> None:
        self.flat = flat
        self.at = 0
        self.depth = 0

    def parts(self, opener: _Directive | None = None, *ends: str) -> list[TemplatePart]:
        """Parts up to one of the directives that end them, which is left; without `opener` up to the end."""
        out: list[TemplatePart] = []
        self.depth += 1
        while self.at < len(self.flat):
            part = self.flat[self.at]
            if not isinstance(part, _Directive):
                out.append(part)
                self.at += 1
            elif part.name in ends:
                self.depth -= 1
                return out
            elif self.depth > MAX_DEPTH:
                raise HclSyntaxError(part.start, f"nested deeper than {MAX_DEPTH} levels")
            elif part.name == "if":
                out.append(self._if(part))
            elif part.name == "for":
                out.append(self._for(part))
            else:
                raise HclSyntaxError(part.start, f"`%{{ {part.name} }}` belongs to nothing; {_BELONGS[part.name]}")
        if opener is not None:
            raise HclSyntaxError(opener.start, f"this `%{{ {opener.name} }}` is not closed; add `%{{ end{opener.name} }}`")
        self.depth -= 1
        return out

    def _if(self, opener: _Directive) -> TemplateIf:
        self.at += 1
        then = self.parts(opener, "else", "endif")
        otherwise: list[TemplatePart] = []
        if self.flat[self.at].name == "else":  # type: ignore[union-attr]
            self.at += 1
            otherwise = self.parts(opener, "endif")
        end = self.flat[self.at].end
        self.at += 1
        assert opener.collection is not None
        return TemplateIf(opener.start, end, opener.collection, _full(then), _full(otherwise))

    def _for(self, opener: _Directive) -> TemplateFor:
        self.at += 1
        parts = self.parts(opener, "endfor")
        end = self.flat[self.at].end
        self.at += 1
        assert opener.collection is not None
        return TemplateFor(opener.start, end, opener.key, opener.value, opener.collection, _full(parts))


_BELONGS = {
    "else": "an `if` has one `else`, before its `endif`",
    "endif": "remove it, or add `%{ if … }` before it",
    "endfor": "remove it, or add `%{ for … }` before it",
}


def _full(parts: list[TemplatePart]) -> tuple[TemplatePart, ...]:
    return tuple(part for part in parts if type(part) is not StringPart or part.text)
