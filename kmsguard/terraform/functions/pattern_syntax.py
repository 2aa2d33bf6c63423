"""RE2's syntax: a pattern as a tree of nodes, and the same as a pattern of Python's.

See https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from kmsguard.terraform.functions.adapt import FunctionError

Node: TypeAlias = tuple[Any, ...]
"""`char TEST PYTHON`, `assert TEST PYTHON`, `group NUMBER NODE`, `sequence NODES`, `either NODES`, or
`repeat NODE LEAST MOST GREEDY`."""

MOST_REPEATS = 1000
DEEPEST = 200

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PERL = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_CONTROL = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_FLAGS = re.compile(r"\?([imsU]*)(-[imsU]+)?([:)])")
_NAME = re.compile(r"\?P?<(\w+)>", re.ASCII)
_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_SCRIPTS = {
    "Arabic": "ARABIC", "Cyrillic": "CYRILLIC", "Devanagari": "DEVANAGARI", "Greek": "GREEK", "Han": "CJK", "Hangul": "HANGUL",
    "Hebrew": "HEBREW", "Hiragana": "HIRAGANA", "Katakana": "KATAKANA", "Latin": "LATIN", "Thai": "THAI",
}  # fmt: skip


class Flags(msgspec.Struct, frozen=True):
    """What is set in a group: ignore case, many lines, dot matches newlines, ungreedy."""

    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


class Syntax:
    """A pattern while it is read, and what is known of it then."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.flags = Flags()
        self.names: list[str | None] = []
        self.slow = False  # Python's engine could take long, or give another result
        self.power = 1  # it takes this power of the length at most: each repetition may give back what it took

    # --- structure ----------------------------------------------------------------------------------------------------------

    def either(self) -> Node:
        """Alternatives, up to the end or a closing parenthesis."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise FunctionError("this regular expression is nested too deep")
        parts = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else ("either", parts)

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def sequence(self) -> Node:
        """What stands one behind the other."""
        parts: list[Node] = []
        unbounded = 0
        while self.peek() not in ("", "|", ")"):
            node = self.atom()
            if node is None:
                continue
            node = self.repeated(node)
            unbounded += node[0] == "repeat" and node[3] is None
            parts.append(node)
        self.power = max(self.power, unbounded + 1)
        return parts[0] if len(parts) == 1 else ("sequence", parts)

    def repeated(self, node: Node) -> Node:
        """A node with the repetition behind it."""
        found = self.repetition()
        if found is None:
            return node
        least, most, greedy = found
        if self.repetition() is not None:
            raise _refused("a repetition of a repetition")
        if _repeats(node) or _may_be_empty(node):
            self.slow = True
        return "repeat", node, least, most, greedy != self.flags.U

    def repetition(self) -> tuple[int, int | None, bool] | None:
        """`*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`, each perhaps with `?`: least, most, greedy."""
        character = self.peek()
        least: int
        most: int | None
        if character in ("*", "+", "?") and character:
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
            self.at += 1
        elif character == "{":
            match = _REPEAT.match(self.text, self.at)
            if match is None:
                return None
            least = int(match[1])
            most = least if match[2] is None else int(match[3]) if match[3] else None
            if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
                raise _refused("so many repetitions")
            self.at = match.end()
        else:
            return None
        greedy = self.peek() != "?"
        self.at += not greedy
        return least, most, greedy

    def atom(self) -> Node | None:
        """One character, set, group or position; None where it was only a setting of flags."""
        character = self.peek()
        if character == "(":
            return self.group()
        if character == "[":
            return self.set()
        if character == "\\":
            return self.escape()
        if character in "*+?":
            raise _refused("a repetition of nothing")
        if character == "{" and _REPEAT.match(self.text, self.at):
            raise _refused("a repetition of nothing")
        self.at += 1
        if character == ".":
            return _set(r"\x00-\U0010ffff" if self.flags.s else r"\n", negated=not self.flags.s, ignore=False)
        if character == "^":
            return _LINE_START if self.flags.m else _TEXT_START
        if character == "$":
            return _LINE_END if self.flags.m else _TEXT_END
        return self.literal(character)

    def literal(self, character: str) -> Node:
        """One character that stands for itself."""
        return _set(re.escape(character), negated=False, ignore=self.flags.i)

    def group(self) -> Node | None:
        """`(…)`, `(?:…)`, `(?P<name>…)`, `(?i:…)`, `(?i)`."""
        self.at += 1
        before = self.flags
        number = 0
        if self.peek() == "?":
            named = _NAME.match(self.text, self.at)
            flags = _FLAGS.match(self.text, self.at)
            if named is not None:
                self.at = named.end()
                self.names.append(named[1])
                number = len(self.names)
            elif flags is not None and (flags[1] or flags[2] or flags[3] == ":"):
                self.at = flags.end()
                on = dict.fromkeys(flags[1], True)
                off = dict.fromkeys((flags[2] or "")[1:], False)
                self.flags = msgspec.structs.replace(self.flags, **on, **off)
                if flags[3] == ")":
                    return None  # it counts up to the end of the group around it
            else:
                raise _refused("what stands behind (?")
        else:
            self.names.append(None)
            number = len(self.names)
        inner = self.either()
        if self.peek() != ")":
            raise _refused("a parenthesis that is not closed")
        self.at += 1
        self.flags = before
        return ("group", number, inner) if number else ("sequence", [inner])

    # --- characters -----------------------------------------------------------------------------------------------------------

    def escape(self) -> Node:
        """What stands behind a backslash."""
        text = self.text
        following = text[self.at + 1 : self.at + 2]
        position = _POSITIONS.get(following) if following else None
        if position is not None:
            self.at += 2
            return position
        if following == "Q":
            end = text.find("\\E", self.at + 2)
            quoted = text[self.at + 2 :] if end < 0 else text[self.at + 2 : end]
            self.at = len(text) if end < 0 else end + 2
            parts = [self.literal(character) for character in quoted]
            return parts[0] if len(parts) == 1 else ("sequence", parts)
        inside, negated = self.class_escape() or (None, False)
        if inside is None:
            return self.literal(self.character_escape())
        return _set(inside, negated=negated, ignore=self.flags.i)

    def class_escape(self) -> tuple[str, bool] | None:
        r"""`\d`, `\W`, `\pL`, `\P{Greek}` as the inside of a set of Python's, and whether it is negated."""
        following = self.text[self.at + 1 : self.at + 2]
        if following and following.lower() in _PERL:
            self.at += 2
            return _PERL[following.lower()], following.isupper()
        if following in ("p", "P") and following:
            match = re.compile(r"\\[pP](?:\{(\^?)(\w+)\}|(\w))").match(self.text, self.at)
            if match is None:
                raise _refused("that kind of characters")
            self.at = match.end()
            return _category(match[2] or match[3]), (following == "P") != bool(match[1])
        return None

    def character_escape(self) -> str:
        """The one character that an escape is."""
        text, at = self.text, self.at
        following = text[at + 1 : at + 2]
        self.at += 2
        if following in _CONTROL and following:
            return _CONTROL[following]
        octal = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})").match(text, at)
        if octal is not None:
            self.at = octal.end()
            return chr(int(octal[1], 8))
        hexadecimal = re.compile(r"\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})").match(text, at)
        if hexadecimal is not None:
            code = int(hexadecimal[1] or hexadecimal[2], 16)
            if code > 0x10FFFF:
                raise _refused("that character")
            self.at = hexadecimal.end()
            return chr(code)
        if _PUNCTUATION.fullmatch(following):
            return following
        raise _refused(f"\\{following}")

    def set(self) -> Node:
        """`[a-z]`, `[^[:alpha:]_]`."""
        text = self.text
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        inside: list[str] = []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise _refused("a set that is not closed")
            first = False
            posix = re.compile(r"\[:(\^?)(\w+):\]").match(text, self.at)
            if posix is not None:
                if posix[2] not in _CLASSES:
                    raise _refused(posix[0])
                self.at = posix.end()
                inside.append(_negated(_CLASSES[posix[2]]) if posix[1] else _CLASSES[posix[2]])
                continue
            found = self.class_escape() if self.peek() == "\\" else None
            if found is not None:
                inside.append(_negated(found[0]) if found[1] else found[0])
                continue
            low = self.set_character()
            if self.peek() == "-" and text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.set_character()
                if high < low:
                    raise _refused("a range that ends before it begins")
                inside.append(f"{_in_set(low)}-{_in_set(high)}")
            else:
                inside.append(_in_set(low))
        self.at += 1
        return _set("".join(inside), negated=negated, ignore=self.flags.i)

    def set_character(self) -> str:
        """A character of a set."""
        if self.peek() == "\\":
            return self.character_escape()
        self.at += 1
        return self.text[self.at - 1]

    # --- Python's -------------------------------------------------------------------------------------------------------------

    def python(self, node: Node) -> str:
        """The same for Python's engine."""
        kind = node[0]
        if kind in ("char", "assert"):
            written: str = node[2]
            return written
        if kind == "group":
            return f"({self.python(node[2])})"
        if kind == "sequence":
            return "(?:" + "".join(self.python(part) for part in node[1]) + ")"
        if kind == "either":
            return "(?:" + "|".join(self.python(part) for part in node[1]) + ")"
        _, inner, least, most, greedy = node
        count = f"{{{least},{'' if most is None else most}}}"
        return f"(?:{self.python(inner)}){count}{'' if greedy else '?'}"


def parse(pattern: str) -> tuple[Node, Syntax]:
    """The tree of a pattern.

    Raises:
        FunctionError: where RE2 refuses it.
    """
    syntax = Syntax(pattern)
    node = syntax.either()
    if syntax.at < len(pattern):
        raise _refused("a parenthesis that was not opened")
    return node, syntax


def _refused(what: str) -> FunctionError:
    return FunctionError(f"this is no regular expression: it does not know {what}")


def _repeats(node: Node) -> bool:
    """Whether a node holds a repetition without bound, or alternatives."""
    kind = node[0]
    if kind == "repeat":
        return node[3] is None or _repeats(node[1])
    if kind == "group":
        return _repeats(node[2])
    if kind == "either":
        return True
    return kind == "sequence" and any(map(_repeats, node[1]))


def _may_be_empty(node: Node) -> bool:
    kind = node[0]
    if kind == "repeat":
        return node[2] == 0 or _may_be_empty(node[1])
    if kind == "group":
        return _may_be_empty(node[2])
    if kind == "either":
        return any(map(_may_be_empty, node[1]))
    return all(map(_may_be_empty, node[1])) if kind == "sequence" else kind == "assert"


def _in_set(character: str) -> str:
    return re.escape(character) if character not in "[]&~|^-\\" else f"\\{character}"


def _set(inside: str, *, negated: bool, ignore: bool) -> Node:
    written = f"[{'^' if negated else ''}{inside}]"
    if ignore:
        written = f"(?i:{written})"
    return "char", re.compile(written).match, written


def _negated(inside: str) -> str:
    """The characters that are not in a set, as the inside of a set."""
    test = re.compile(f"[{inside}]").match
    ranges: list[str] = []
    start: int | None = 0 if not test("\0") else None
    for code in range(1, 0x250):
        if test(chr(code)):
            if start is not None:
                ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
        elif start is None:
            start = code
    return "".join(ranges) + f"\\U{start if start is not None else 0x250:08x}-\\U0010ffff"


def _category(name: str) -> str:
    """The characters of a general category or script as the inside of a set."""
    test: Callable[[str], bool]
    if name in _SCRIPTS:
        head = _SCRIPTS[name]
        test = lambda c: unicodedata.name(c, "").startswith(head)  # noqa: E731
    elif name in _CATEGORIES:
        test = lambda c: unicodedata.category(c).startswith(name)  # noqa: E731
    else:
        raise _refused(f"the kind of characters {name}")
    if name not in _KNOWN:
        _KNOWN[name] = _ranges(test)
    return _KNOWN[name]


_CATEGORIES = frozenset(
    (
        *("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi"),
        *("Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co"),
    )
)
_KNOWN: dict[str, str] = {}


def _ranges(test: Callable[[str], bool]) -> str:
    out: list[str] = []
    start: int | None = None
    for code in range(0x32000):
        holds = test(chr(code))
        if holds and start is None:
            start = code
        elif not holds and start is not None:
            out.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(out)


def _is_word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at] in _WORD


def _boundary(text: str, at: int) -> bool:
    return _is_word(text, at - 1) != _is_word(text, at)


_TEXT_START: Node = ("assert", lambda _, at: at == 0, r"\A")
_TEXT_END: Node = ("assert", lambda text, at: at == len(text), r"\Z")
_LINE_START: Node = ("assert", lambda text, at: at == 0 or text[at - 1] == "\n", r"(?m:^)")
_LINE_END: Node = ("assert", lambda text, at: at == len(text) or text[at] == "\n", r"(?m:$)")
_POSITIONS: dict[str, Node] = {
    "A": _TEXT_START,
    "z": _TEXT_END,
    "b": ("assert", _boundary, r"(?a:\b)"),
    "B": ("assert", lambda text, at: not _boundary(text, at), r"(?a:\B)"),
}
