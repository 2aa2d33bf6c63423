"""HCL's native syntax to trees with places.

A text without mistakes is read in one go. One with mistakes is read again line by line, so that each mistake costs no more than
the argument or block that it stands in; and where braces do not add up, once more by indentation.
See https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md.
"""

from __future__ import annotations

import re
from typing import Literal as OneOf

from kmsguard.model.declaration import Comment, Problem
from kmsguard.model.source import Source, Span
from kmsguard.syntax.hcl.expressions import MAX_DEPTH, MAX_PROBLEMS, Expressions, HclSyntaxError
from kmsguard.syntax.hcl.lexer import Lexer, Token
from kmsguard.syntax.hcl.nodes import (
    Attribute,
    Block,
    Body,
    Expression,
    HclFile,
    Interpolation,
    Label,
    Missing,
    StringPart,
    Template,
)

CODE = "hcl-syntax"
_BYTE_ORDER_MARK = "\ufeff"
# A line that looks like an attribute, a block, or the end of one.
_ITEM = re.compile(
    r"""[ \t]*+(?:
      (?P<shut>[}\])]++[ \t]*+(?:$|\#|//|\r))
    | (?P<item>[^\W\d][\w-]*+(?:[ \t]*+(?:=(?![=>])|\{)|[ \t]++"[^"\n]*+"))
    | (?P<nothing>$|\#|//|\r)
    )""",
    re.VERBOSE | re.MULTILINE,
)
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")
_BRACE = re.compile(r"\s*+\{[ \t]*+(?=\r?\n|\})")
_Mode = OneOf["whole", "lines", "indentation"]


def parse(source: Source) -> HclFile:
    """The tree of a file (`.tf`, `.tfvars`, `.hcl`), with all that could be read of a broken one. Never raises."""
    reader, body = _read(source)
    comments = tuple(_comments(source, reader.expressions.lexer.comments))
    return HclFile(source, body, comments, _problems(source, reader.mistakes))


def parse_expression(source: Source, start: int = 0, end: int | None = None) -> tuple[Expression, list[Problem]]:
    """The expression that stands between two offsets, as if it stood in parentheses: line ends do not count.

    With a problem the expression is a Missing. Never raises.
    """
    text = source.text
    limit = len(text) if end is None else end
    begin = start + 1 if start == 0 and text.startswith(_BYTE_ORDER_MARK) else start
    expressions = Expressions(Lexer(text, limit, free=True))
    try:
        expressions.lex(begin)
        expression = expressions.expression()
        token = expressions.tokens[expressions.at]
        if token[0] != "end":
            raise expressions.failure(token, "the end of the expression")
    except HclSyntaxError as mistake:
        return Missing(start, limit), list(_problems(source, [mistake]))
    return expression, []


def parse_template(source: Source) -> tuple[Template, list[Problem]]:
    """A whole text as a template, as `templatefile` reads it. With a problem it is one Missing interpolation. Never raises."""
    expressions = Expressions(Lexer(source.text, len(source.text)))
    try:
        expressions.lex(0, template=True)
        return expressions.template(), []
    except HclSyntaxError as mistake:
        size = len(source.text)
        missing = Interpolation(0, size, Missing(0, size))
        return Template(0, size, (StringPart(0, 0, ""), missing)), list(_problems(source, [mistake]))


def _read(source: Source) -> tuple[_Bodies, Body]:
    reader = _Bodies(source.text, "whole")
    try:
        return reader, reader.file()
    except HclSyntaxError:
        pass
    reader = _Bodies(source.text, "lines")
    body = reader.file()
    if reader.unbalanced:
        # Braces that do not add up say that one is missing or too many, not which; indentation usually does.
        second = _Bodies(source.text, "indentation")
        other = second.file()
        if len(second.mistakes) <= len(reader.mistakes):
            return second, other
    return reader, body


def _comments(source: Source, found: dict[int, int]) -> list[Comment]:
    out = []
    text, path = source.text, source.path
    for start, end in sorted(found.items()):
        written = text[start:end].removesuffix("\r")
        line, column = source.place(start)
        span = source.span(start, end) if "\n" in written else Span(path, line, column, line, column + len(written))
        out.append(Comment(written, span))
    return out


def _problems(source: Source, mistakes: list[HclSyntaxError]) -> tuple[Problem, ...]:
    out = []
    for mistake in sorted(mistakes, key=lambda m: m.offset):
        line, column = source.place(min(mistake.offset, len(source.text)))
        out.append(Problem("error", CODE, source.path, line, column, mistake.message))
    return tuple(dict.fromkeys(out))


class _TooMuchError(Exception):
    """Reading on costs more than it is worth."""


class _Bodies:
    """A reader of attributes and blocks."""

    __slots__ = ("astray", "budget", "cut_short", "expressions", "limit", "mistakes", "mode", "text", "unbalanced")

    def __init__(self, text: str, mode: _Mode) -> None:
        self.text = text
        self.limit = len(text)
        self.mode = mode
        self.expressions = Expressions(Lexer(text, self.limit))
        self.mistakes: list[HclSyntaxError] = []
        self.unbalanced = False  # whether a brace is missing or too many
        self.astray = False  # whether nothing was understood since the last mistake: what cannot be understood belongs to it
        self.cut_short = False  # whether the text ended inside an item, which was said already
        self.budget = 4 * self.limit + 10_000  # characters that may be read, however often

    def file(self) -> Body:
        """The whole text.

        Raises:
            HclSyntaxError: for the first mistake, where the text is read in one go.
        """
        begin = 1 if self.text.startswith(_BYTE_ORDER_MARK) else 0
        reader = self.expressions
        body = Body(0, self.limit, {}, ())
        blocks: list[Block] = []
        if self.mode == "whole":
            reader.lex(begin)
            self._items(body, blocks, None)
        else:
            reader.soft = self.mistakes
            self._continue(begin)
            try:
                self._items(body, blocks, None)
            except _TooMuchError:
                body.complete = False
        body.blocks = tuple(blocks)
        return body

    def _items(self, body: Body, blocks: list[Block], block: tuple[int, int] | None, *, inline: bool = False) -> bool:
        """Reads attributes and blocks into `body` and `blocks`, up to the brace that ends them, which is left, or the end.

        `block` is the start and column of the block around them, None for a file; `inline`: it began in the middle of a logical
        line, and with a mistake in it the whole line is lost. Returns whether a brace that is theirs was found (for a file: the
        end).
        """
        reader = self.expressions
        depth = reader.depth
        while True:
            tokens, at = reader.tokens, reader.at
            token = tokens[at]
            kind = token[0]
            if kind == "newline":
                reader.at += 1
                continue
            if kind == "more":
                self._fill(token[1])
                continue
            if block is not None and self.mode == "indentation" and at == 0 and kind != "end" and self._ends(token, block):
                return False
            if kind == "end":
                return block is None
            if kind == "}":
                if block is not None and not self._stray(token, block):
                    return True
                self._unbalance(token[1], "this `}` closes nothing; remove it, or a `}` before it")
                reader.at += 1
                continue
            try:
                if kind != "word":
                    raise self._misplaced(token)
                if tokens[at + 1][0] == "=":
                    self._attribute(body)
                else:
                    blocks.append(self._block())
                self.astray = False
            except HclSyntaxError as mistake:
                if reader.soft is None or inline:
                    raise
                reader.depth = depth
                self._recover(mistake, token, body, block)

    def _attribute(self, body: Body) -> None:
        reader = self.expressions
        _, start, name_end = reader.tokens[reader.at]
        reader.at += 2
        begin = reader.tokens[reader.at][1]
        name = self.text[start:name_end]
        mistake: HclSyntaxError | None = None
        expression: Expression
        try:
            expression = reader.expression()
            if reader.tokens[reader.at][0] == "newline":
                reader.at += 1
            else:
                self._end_of_item("the value", one_line=False)
        except HclSyntaxError as error:
            if reader.soft is None:
                raise
            mistake = error
            expression = Missing(begin, max(begin, reader.tokens[reader.at - 1][2]))
        known = body.attributes.get(name)
        if known is None:
            body.attributes[name] = Attribute(start, expression.end, name, name_end, expression)
        else:
            line = self.text.count("\n", 0, known.start) + 1
            reader.mistake(start, f"this argument is set already, in line {line}; remove one of the two")
        if mistake is not None:
            raise mistake

    def _end_of_item(self, what: str, *, one_line: bool) -> None:
        """Reads the line end behind an attribute or block."""
        reader = self.expressions
        token = reader.tokens[reader.at]
        kind, start, _ = token
        if kind == "newline":
            reader.at += 1
        elif kind in ("end", "more") or (one_line and kind == "}"):
            return
        elif kind == "}":
            reader.mistake(start, f"a new line is missing before this `}}`, behind {what}")
        elif kind == "word" and reader.tokens[reader.at + 1][0] in ("=", "{", "string"):
            reader.mistake(start, f"a new line is missing here, behind {what}")
            self._continue(start)
        elif kind == "," and reader.tokens[reader.at + 1][0] in ("newline", "more", "end"):
            reader.mistake(start, "arguments are separated by new lines; remove this comma")
            reader.at += 1
        else:
            raise reader.failure(token, f"a new line behind {what}")

    def _block(self) -> Block:
        reader, text = self.expressions, self.text
        _, start, end = reader.tokens[reader.at]
        reader.at += 1
        labels: list[Label] = []
        try:
            while True:
                token = reader.tokens[reader.at]
                kind, begin, stop = token
                if kind == "{":
                    break
                if kind == "string":
                    labels.append(Label(begin, stop, text[begin + 1 : stop - 1]))
                    reader.at += 1
                elif kind == "word":
                    labels.append(Label(begin, stop, text[begin:stop]))
                    reader.at += 1
                elif kind == "quote":
                    labels.append(self._label())
                else:
                    raise self._headless(token, start, labels)
        except HclSyntaxError as mistake:
            if reader.soft is None or not self._opens_anyway(mistake):
                raise
        return self._rest_of_block(start, text[start:end], tuple(labels))

    def _label(self) -> Label:
        template = self.expressions.term()
        parts = template.parts if type(template) is Template else ()
        text = []
        for part in parts:
            if type(part) is not StringPart:
                raise HclSyntaxError(part.start, "a label is plain text; write `$${` or `%%{` for a literal `${` or `%{`")
            text.append(part.text)
        return Label(template.start, template.end, "".join(text))

    def _headless(self, token: Token, start: int, labels: list[Label]) -> HclSyntaxError:
        kind, begin, _ = token
        if kind == "=":
            return HclSyntaxError(begin, "a block has no `=` before its `{`; remove it")
        if kind in ("newline", "more", "end") and (labels or self._brace_follows(begin)):
            return HclSyntaxError(start, "this block lacks its `{`, which stands on the same line as its type")
        expected = "`{` or a label" if labels else "`=` and a value, or `{` of a block"
        return self.expressions.failure(token, expected)

    def _brace_follows(self, offset: int) -> re.Match[str] | None:
        return _BRACE.match(self.text, offset)

    def _opens_anyway(self, mistake: HclSyntaxError) -> bool:
        """After a mistake in a block's head: whether its `{` was found all the same, and is the next token."""
        reader = self.expressions
        tokens = reader.tokens
        if tokens[-1][0] == "more" and len(tokens) > 1 and tokens[-2][0] == "{":
            reader.at = len(tokens) - 2
        elif tokens[reader.at][0] in ("newline", "more") and (brace := self._brace_follows(tokens[reader.at][1])):
            end = brace.end()
            opening = self.text.rindex("{", 0, end)
            reader.tokens, reader.at = [("{", opening, opening + 1), ("more", end, end)], 0
        elif tokens[reader.at][0] == "newline" and self._deeper_follows(tokens[0][1], tokens[reader.at][2]):
            end = tokens[reader.at][2]
            reader.tokens, reader.at = [("{", end, end), ("more", end, end)], 0
        else:
            return False
        self._report(mistake)
        return True

    def _deeper_follows(self, start: int, following: int) -> bool:
        """Whether the line in which `following` stands is indented deeper than the one in which `start` does."""
        rfind = self.text.rfind
        return following - rfind("\n", 0, following) > start - rfind("\n", 0, start)

    def _rest_of_block(self, start: int, kind: str, labels: tuple[Label, ...]) -> Block:
        """A block from its `{` on."""
        reader = self.expressions
        head_end = reader.tokens[reader.at][2]
        reader.at += 1
        reader.depth += 1
        if reader.depth > MAX_DEPTH:
            self._stop(HclSyntaxError(start, f"nested deeper than {MAX_DEPTH} levels"))
        body = Body(head_end, head_end, {}, ())
        blocks: list[Block] = []
        following = reader.tokens[reader.at][0]
        if following not in ("newline", "}", "more", "end"):
            closed = self._one_line(body, blocks, start)
        else:
            column = start - self.text.rfind("\n", 0, start) - 1
            closed = self._items(body, blocks, (start, column), inline=following != "more")
        reader.depth -= 1
        body.blocks = tuple(blocks)
        instead, begin, end = reader.tokens[reader.at]
        if not closed:
            told = self.cut_short if instead == "end" else instead not in ("word", "}")  # what stands there is the mistake
            if not told and (self.mode == "indentation" or not self.unbalanced):
                self._unbalance(start, "this block is not closed; add `}`")
            self.unbalanced = True
            body.end = begin
            body.complete = False
            return Block(start, begin, kind, labels, body, head_end)
        body.end = begin
        reader.at += 1
        if reader.tokens[reader.at][0] == "newline":
            reader.at += 1
        else:
            self._behind_block()
        return Block(start, end, kind, labels, body, head_end)

    def _behind_block(self) -> None:
        reader = self.expressions
        try:
            self._end_of_item("the block", one_line=False)
        except HclSyntaxError as mistake:
            if reader.soft is None or reader.tokens[-1][0] == "broken":
                raise
            self._report(mistake)
            reader.at = len(reader.tokens) - 1

    def _one_line(self, body: Body, blocks: list[Block], start: int) -> bool:
        """`a = 1 }`: the one attribute of a block that is closed in the line where it was opened."""
        reader = self.expressions
        token = reader.tokens[reader.at]
        if token[0] != "word" or reader.tokens[reader.at + 1][0] != "=":
            raise HclSyntaxError(
                token[1], "a block in one line holds one argument (`name = value`); begin a new line behind its `{`"
            )
        _, begin, name_end = token
        reader.at += 2
        expression = reader.expression()
        name = self.text[begin:name_end]
        body.attributes[name] = Attribute(begin, expression.end, name, name_end, expression)
        kind, stop, _ = reader.tokens[reader.at]
        if kind == "}":
            return True
        if kind == "newline":
            reader.mistake(
                stop, "a block that begins with an argument behind its `{` ends in the same line; begin a new line there"
            )
            return self._items(body, blocks, (start, -1), inline=True)
        if kind == ",":
            raise HclSyntaxError(stop, "a block in one line holds one argument; write each on a line of its own")
        raise reader.failure(reader.tokens[reader.at], "`}` behind the one argument of a block in one line")

    # Mistakes

    def _misplaced(self, token: Token) -> HclSyntaxError:
        """What stands where an attribute or block should begin."""
        kind, start, _ = token
        if kind in ("bad", "broken"):
            return self.expressions.failure(token, "")
        if self.text.startswith(_CONFLICT, start):
            return HclSyntaxError(start, "a merge left this line behind; resolve its conflict")
        if kind == "path":
            return HclSyntaxError(start, "the name of an argument or block has no dots")
        if kind in ("string", "quote"):
            return HclSyntaxError(start, "the name of an argument or block stands without quotes")
        return self.expressions.failure(token, "an argument (`name = value`) or a block")

    def _report(self, mistake: HclSyntaxError) -> None:
        self.mistakes.append(mistake)
        if len(self.mistakes) >= MAX_PROBLEMS:
            message = f"{MAX_PROBLEMS} mistakes; what stands behind this was not read"
            self._stop(HclSyntaxError(mistake.offset, message))

    def _stop(self, mistake: HclSyntaxError) -> None:
        if self.expressions.soft is None:
            raise mistake
        self.mistakes.append(mistake)
        raise _TooMuchError

    def _unbalance(self, offset: int, message: str) -> None:
        mistake = HclSyntaxError(offset, message)
        if self.expressions.soft is None:
            raise mistake
        self.unbalanced = True
        self._report(mistake)

    def _continue(self, offset: int) -> None:
        """What comes next is the logical line that begins at an offset."""
        if self.expressions.soft is not None:
            self.expressions.tokens, self.expressions.at = [("more", offset, offset)], 0

    def _fill(self, offset: int) -> None:
        """Reads the logical line that begins at an offset."""
        reader = self.expressions
        margin = offset - self.text.rfind("\n", 0, offset) - 1 if self.mode == "indentation" else -1
        reader.lex(offset, line=True, margin=margin)
        self.budget -= reader.tokens[-1][1] - offset + 1
        if self.budget < 0:
            self._stop(HclSyntaxError(offset, "too many mistakes; what stands behind this was not read"))

    def _ends(self, token: Token, block: tuple[int, int]) -> bool:
        """By indentation: whether a token at the start of a line shows that the block around it ended before."""
        column = token[1] - self.text.rfind("\n", 0, token[1]) - 1
        return column < block[1] if token[0] == "}" else column <= block[1]

    def _stray(self, token: Token, block: tuple[int, int]) -> bool:
        """By indentation: whether a brace that begins a line is not the one that closes the block around it."""
        if self.mode != "indentation" or self.expressions.at:
            return False
        return token[1] - self.text.rfind("\n", 0, token[1]) - 1 > block[1]

    def _recover(self, mistake: HclSyntaxError, first: Token, body: Body, block: tuple[int, int] | None) -> None:
        """After a mistake in the item that begins with the token `first`: goes on behind it."""
        reader = self.expressions
        if not self.astray or first[0] == "word":
            self._report(mistake)
        self.astray = True
        tokens = reader.tokens
        last = tokens[-1]
        attribute = body.attributes.get(self.text[first[1] : first[2]]) if first[0] == "word" else None
        if attribute is None or attribute.start != first[1] or last[0] == "broken":
            body.complete = False
        if last[0] == "broken":
            behind = self._resume(first[1], first[1], block)
            if attribute is not None and attribute.end > behind:
                attribute.end = attribute.expression.end = behind
            self._continue(behind)
        elif last[0] == "more" and (open_string := self._open_string(tokens)) is not None:
            self._continue(self._resume(first[1], open_string, block))
        elif last[0] == "more" and self.mode == "indentation" and tokens[-2][0] != "{":
            self._continue(self._resume(first[1], tokens[-2][1], block))
        elif last[0] == "more" and len(tokens) > 1 and tokens[-2][0] == "{":
            reader.at = len(tokens) - 2
            self._rest_of_block(first[1], "", ())
        else:
            reader.at = len(tokens) - 1

    def _open_string(self, tokens: list[Token]) -> int | None:
        """Where a string was not closed that makes the last line of a logical line what it is; more of it may follow."""
        for kind, start, end in reversed(tokens):
            if kind == "newline" and end != tokens[-1][1]:
                return None
            if kind == "bad" and start == end:
                return start
        return None

    def _resume(self, start: int, wrong: int, block: tuple[int, int] | None) -> int:
        """Where the next item begins, by indentation.

        Behind the line in which `wrong` stands, which belongs to an item that begins at `start` and cannot be read to its end.
        """
        text = self.text
        column = start - text.rfind("\n", 0, start) - 1
        first = line = text.find("\n", wrong)
        while line >= 0:
            line += 1
            match = _ITEM.match(text, line)
            kind = match.lastgroup if match is not None else None
            if match is None or kind is None:
                first = -1  # what is skipped holds more than comments
            elif kind != "nothing":
                begin = match.start(kind)
                indent = begin - line
                if indent < column or (indent == column and (kind == "item" or (block is not None and block[1] == column))):
                    return first if first >= 0 else begin
                if indent == column:
                    end = text.find("\n", begin)
                    return end if end >= 0 else self.limit
                first = -1
            line = text.find("\n", line)
        self.cut_short = True
        return self.limit
