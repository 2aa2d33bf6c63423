"""Functions of texts. Texts with holes stay texts with holes where a function only puts texts together."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from kmsguard.model.source import Source
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.terraform.arithmetic import SHOWN_IN_FULL, as_binary, narrow
from kmsguard.terraform.choices import compose
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation, holes
from kmsguard.terraform.functions.adapt import INT64, FunctionError, pure, settled, to_dynamic, whole_number
from kmsguard.terraform.functions.patterns import Match, Pattern, compiled, expand
from kmsguard.terraform.graphemes import graphemes
from kmsguard.terraform.history import derived, from_parts
from kmsguard.terraform.operations import ends
from kmsguard.terraform.partial import Invalid, ListItems, Open, SetItems, Typed, find_unknown, invalid
from kmsguard.terraform.texts import number_text, pieces_of, text_value
from kmsguard.terraform.types import BOOL, NUMBER, STRING, Type

_STRINGS = Type("list", STRING)
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def _text_argument(value: Value) -> Value:
    found = convert(value, STRING)
    return invalid("an argument must not be null") if found.data is None else found


# --- joining --------------------------------------------------------------------------------------------------------------


def _join(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    separator = _text_argument(arguments[0])
    if isinstance(separator.data, Invalid):
        return separator
    pieces: list[Value] = []
    for argument in arguments[1:]:
        items = convert(argument, _STRINGS)
        if isinstance(items.data, Invalid):
            return items
        if not isinstance(items.data, tuple) or (isinstance(argument.data, SetItems) and find_unknown(items) is not None):
            return derived((argument,), not_null=True)  # of a set the order is not known either
        for item in items.data:
            if item.data is None:
                return invalid("a text to join must not be null")
            if pieces:
                pieces.append(separator)
            pieces.append(item)
    return _marked(compose(pieces, [True] * len(pieces), None), arguments)


def _marked(value: Value, arguments: tuple[Value, ...]) -> Value:
    if any(argument.sensitive for argument in arguments) and not value.sensitive:
        return replace(value, sensitive=True)
    return value


_VERB = re.compile(r"%(?:%|([-+# 0]*)(\d+)?(?:\.(\d+)?)?(?:\[(\d+)\])?([a-zA-Z])?)", re.DOTALL)


WIDEST = 10_000


def _format(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    pattern = _text_argument(arguments[0])
    if pattern.text is not None:
        return _formatted(pattern.text, arguments[1:])
    if isinstance(pattern.data, Text):
        return _format_open(pattern, arguments[1:])
    return pattern if isinstance(pattern.data, Invalid) else derived(arguments, not_null=True)


def _format_open(pattern: Value, arguments: tuple[Value, ...]) -> Value:
    """A format with holes: they stay in it, as long as nothing else than they can use the arguments (an ARN holds no verbs)."""
    pieces = []
    for piece in pieces_of(pattern):
        made = piece
        if isinstance(piece.data, str) and "%" in piece.data:
            if arguments:
                return derived((pattern, *arguments), not_null=True)
            made = _formatted(piece.data, ())
        if isinstance(made.data, Invalid):
            return made
        pieces.append(made)
    if arguments:
        return derived((pattern, *arguments), not_null=True)
    return holes.joined(pieces, pattern)


def _formatted(pattern: str, arguments: tuple[Value, ...]) -> Value:
    pieces: list[Value] = []
    at, number = 0, 0
    used = 0
    for match in _VERB.finditer(pattern):
        if match.start() > at:
            pieces.append(Value(pattern[at : match.start()]))
        at = match.end()
        if match[0] == "%%":
            pieces.append(Value("%"))
            continue
        flags, width, verb = match[1], match[2], match[5]
        precision = match[3]
        sizes = [int(size) if size else None for size in (width, precision)]
        if any(size is not None and size > WIDEST for size in sizes):
            return invalid("the format is too wide")
        if precision is None and "." in match[0]:
            sizes[1] = 0
        if match[4] is not None:
            number = int(match[4]) - 1
        if verb is None or not 0 <= number < len(arguments):
            return invalid("the format does not fit its arguments")
        if verb == "v" and "#" in flags:
            verb, flags = "json", flags.replace("#", "")
        piece = _verb(verb, flags, sizes[0], sizes[1], arguments[number])
        number += 1
        used = max(used, number)
        if isinstance(piece.data, Invalid):
            return piece
        pieces.append(piece)
    if at < len(pattern):
        pieces.append(Value(pattern[at:]))
    if used < len(arguments):
        return invalid("format has too many arguments")
    return compose(pieces, [True] * len(pieces), None)


def _verb(verb: str, flags: str, width: int | None, precision: int | None, argument: Value) -> Value:
    if verb == "v":
        verb, flags, precision = _natural(argument), flags.replace("+", "").replace(" ", ""), None
    to = _VERB_TYPES.get(verb)
    if verb == "json":
        from kmsguard.terraform.functions.encoding import json_text

        made = json_text(argument)
        return made if width is None or made.text is None else from_parts(_padded(made.text, flags, width), (made,))
    if to is None:
        return invalid(f"format does not know %{verb}")
    value = convert(argument, to)
    data = value.data
    if isinstance(data, Invalid):
        return value
    if data is None:
        return invalid("an argument must not be null")
    plain = not flags and width is None and precision is None
    if isinstance(data, (Unknown, Choice)) or (isinstance(data, Text) and data.known is None):
        if verb in ("s", "d", "t") and plain:
            if isinstance(data, Unknown):
                return value.with_data(replace(data, not_null=True))
            return convert(value, STRING) if isinstance(data, Choice) else value
        return settled(lambda known: _written(verb, flags, width, precision, known), (value,), not_null=True)
    if verb == "s" and plain:
        return value
    if verb in "bdoxX" and isinstance(data, Decimal):
        return invalid("a whole number is required")
    return _written(verb, flags, width, precision, value)


def _natural(argument: Value) -> str:
    data = argument.data
    if isinstance(data, bool):
        return "s"
    if isinstance(data, (int, float, Decimal)):
        return "g"
    return "json" if isinstance(data, (tuple, dict)) or data is None else "s"


_VERB_TYPES = {
    **dict.fromkeys("sq", STRING),
    **dict.fromkeys("bdoxXeEfFgG", NUMBER),
    "t": BOOL,
}


def _written(verb: str, flags: str, width: int | None, precision: int | None, value: Value) -> Value:
    data = value.data
    if isinstance(data, (str, Text)):
        text = value.text or ""
        if precision is not None:
            text = "".join(graphemes(text)[:precision])
        if verb == "q":
            from kmsguard.terraform.functions.encoding import json_string

            text = json_string(text)
    elif isinstance(data, bool):
        return from_parts("true" if data else "false", (value,))  # without regard to width
    else:
        assert isinstance(data, (int, float, Decimal))
        text = _number(verb, flags, precision, narrow(data))
    return from_parts(text if width is None else _padded(text, flags, width), (value,))


def _padded(text: str, flags: str, width: int) -> str:
    """A text filled up to a width."""
    if "-" in flags:
        return text + " " * (width - len(graphemes(text)))
    if "0" in flags:
        sign = text[0] if text[:1] in ("-", "+") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return " " * (width - len(graphemes(text))) + text


def _number(verb: str, flags: str, precision: int | None, number: int | Decimal) -> str:
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if verb in "dboxX":
        whole = int(number)
        digits = format(abs(whole), {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}[verb])
        head = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") if "#" in flags else ""
        return ("-" if whole < 0 else sign) + head + digits
    if verb in "gG":
        text = _general(number) if precision is None else _exponent(f"{float(number):.{precision}g}")
        text = text.upper() if verb == "G" else text
        return text if number < 0 else sign + text
    if verb in "fF":
        text = format(as_binary(Decimal(number)), f".{6 if precision is None else precision}f")
    else:
        shown = as_binary(Decimal(number)) if number else 0.0  # Python's Decimal gives a zero an exponent
        text = _exponent(format(shown, f".{6 if precision is None else precision}{verb}"))
    return text if text.startswith("-") else sign + text


def _general(number: int | Decimal) -> str:
    """Go's shortest form: with an exponent from a million on and below 10**-4."""
    sign, digits, exponent = Decimal(number_text(number)).normalize(SHOWN_IN_FULL).as_tuple()
    assert isinstance(exponent, int)
    size = len(digits) + exponent - 1
    if -4 <= size < 6:
        return number_text(number)
    text = "".join(map(str, digits))
    mantissa = f"{text[0]}.{text[1:]}" if len(text) > 1 else text
    return f"{'-' if sign else ''}{mantissa}e{'-' if size < 0 else '+'}{abs(size):02}"


def _exponent(text: str) -> str:
    """Go writes at least two digits of an exponent."""
    head, mark, tail = text.partition("e" if "e" in text else "E")
    if not mark:
        return text
    sign, digits = (tail[0], tail[1:]) if tail[:1] in ("+", "-") else ("+", tail)
    return f"{head}{mark}{sign}{digits.rjust(2, '0')}"


def _format_list(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    pattern = _text_argument(arguments[0])
    if pattern.text is None:
        return pattern if isinstance(pattern.data, Invalid) else derived(arguments)
    lengths = {len(argument.data) for argument in arguments[1:] if isinstance(argument.data, tuple)}
    for argument in arguments[1:]:
        if isinstance(argument.data, Unknown) and not argument.data.prefix and not _scalar_unknown(argument.data):
            return derived((argument,))  # it may be a list
    if len(lengths) > 1:
        return invalid("the lists of formatlist differ in length")
    count = lengths.pop() if lengths else 1
    out = []
    for index in range(count):
        row = tuple(a.data[index] if isinstance(a.data, tuple) else a for a in arguments[1:])
        item = _formatted(pattern.text, row)
        if isinstance(item.data, Invalid):
            return item
        out.append(item)
    return _marked(Value(ListItems(out)), arguments)


def _scalar_unknown(unknown: Unknown) -> bool:
    if isinstance(unknown, (Open, Typed)):
        return unknown.type is not None and unknown.type.kind in ("string", "number", "bool")
    return unknown.target is not None and unknown.target.attribute in ("arn", "id", "account", "region", "partition")


# --- looking at the ends --------------------------------------------------------------------------------------------------


def _end_test(at_start: bool) -> Function:
    def run(_: Invocation, arguments: tuple[Value, ...]) -> Value:
        text, part = (_text_argument(argument) for argument in arguments)
        for side in (text, part):
            if isinstance(side.data, Invalid):
                return side
        wanted = part.text
        if wanted is not None and text.text is None:
            head, tail = ends(text)
            if at_start and (head.startswith(wanted) or not wanted.startswith(head)):
                return from_parts(head.startswith(wanted), arguments)
            if not at_start and (tail.endswith(wanted) or (tail and not wanted.endswith(tail))):
                return from_parts(tail.endswith(wanted), arguments)
        test: Callable[[str, str], bool] = str.startswith if at_start else str.endswith
        return settled(lambda a, b: from_parts(test(a.text or "", b.text or ""), (a, b)), (text, part), not_null=True)

    return run


def _trim_end(at_start: bool) -> Function:
    """Trimprefix and trimsuffix: of a text with holes too, where that end of it is a literal."""

    def run(_: Invocation, arguments: tuple[Value, ...]) -> Value:
        text, part = (_text_argument(argument) for argument in arguments)
        for side in (text, part):
            if isinstance(side.data, Invalid):
                return side
        wanted = part.text
        if wanted is not None and isinstance(text.data, Text) and text.text is None:
            trimmed = _without_end(text, wanted, at_start)
            if trimmed is not None:
                return trimmed
        cut: Callable[[str, str], str] = str.removeprefix if at_start else str.removesuffix
        return settled(lambda a, b: from_parts(cut(a.text or "", b.text or ""), (a, b)), (text, part), not_null=True)

    return run


def _without_end(text: Value, wanted: str, at_start: bool) -> Value | None:
    assert isinstance(text.data, Text)
    pieces = list(pieces_of(text))
    piece = pieces[0 if at_start else -1]
    literal = piece.data
    if not isinstance(literal, str):
        return None
    if at_start and literal.startswith(wanted):
        pieces[0] = Value(literal[len(wanted) :])
    elif not at_start and literal.endswith(wanted):
        pieces[-1] = Value(literal[: len(literal) - len(wanted)])
    elif len(literal) < len(wanted) and (wanted.startswith(literal) if at_start else wanted.endswith(literal)):
        return None
    else:
        return text
    return replace(text_value(pieces, text.span), trail=text.trail)


# --- of known texts ---------------------------------------------------------------------------------------------------------


def _upper(text: str) -> str:
    """Each character by itself: `ß` has no single upper case."""
    return text.upper() if text.isascii() else "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join("i" if c == "\u0130" else c.lower() for c in text)


def _by_character(change: Callable[[str], str], keep: Callable[[Unknown], bool]) -> Function:
    known = pure(change, STRING)

    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        text = _text_argument(arguments[0])
        if holes.is_open_text(text) and not isinstance(text.data, Invalid):
            return holes.mapped(text, change, keep)
        return known(invocation, arguments)

    return run


def _trim_space(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    text = _text_argument(arguments[0])
    if isinstance(text.data, Text) and (text.text is None or text.data.encodes is not None):
        return holes.trimmed(text, lambda t: t.strip(_SPACE), lambda t: t.lstrip(_SPACE), lambda t: t.rstrip(_SPACE))
    return _TRIM_SPACE(invocation, arguments)


def _substr(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    text = _text_argument(arguments[0])
    start, count = (convert(argument, NUMBER).data for argument in arguments[1:])
    if holes.is_open_text(text) and isinstance(start, int) and isinstance(count, int):
        part = holes.cut(text, start, count)
        if part is not None:
            return from_parts(part, (text,))
    return _SUBSTR(invocation, arguments)


def _chomp(text: str) -> str:
    return text.rstrip("\r\n")


def _indent(spaces: int | Decimal, text: str) -> str:
    width = whole_number(spaces)
    if not 0 <= width <= WIDEST:
        raise FunctionError("a text cannot be indented so far")
    return text.replace("\n", "\n" + " " * width)


def _split(separator: str, text: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _substr_known(text: str, offset: int | Decimal, length: int | Decimal) -> str:
    start, count = whole_number(offset), whole_number(length)
    if start not in INT64 or count not in INT64:
        raise FunctionError("a number of 64 bits is required")
    known = graphemes(text)
    if start < 0:
        start, count = max(len(known) + start, 0), count or -1  # no length counts as all of the rest here, and only here
    return "".join(known[start:] if count < 0 else known[start : start + count])


def _title(text: str) -> str:
    out = []
    before = " "
    for character in text:
        titled = character.title()
        # beyond ASCII Go takes nothing but spaces for the end of a word
        apart = before in _SPACE if not before.isascii() else not (before.isalnum() or before == "_")
        out.append(titled if apart and len(titled) == 1 else character)
        before = character
    return "".join(out)


def _trim(text: str, characters: str) -> str:
    return text.strip(characters) if characters else text


def _replace_known(text: str, search: str, by: str) -> str:
    if _is_pattern(search):
        pattern = compiled(search[1:-1])
        out: list[str] = []
        at = 0
        for match in pattern.all(text):
            out.extend((text[at : match.start], expand(by, match, pattern.names)))
            at = match.end
        return "".join((*out, text[at:]))
    if not search:
        return by + "".join(character + by for character in text)
    return text.replace(search, by)


def _is_pattern(search: str) -> bool:
    return len(search) > 1 and search.startswith("/") and search.endswith("/")


def _replace(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    text, search, by = (_text_argument(argument) for argument in arguments)
    for side in (text, search, by):
        if isinstance(side.data, Invalid):
            return side
    literal = search.text
    if literal and not _is_pattern(literal) and not isinstance(text.data, Unknown) and (text.text is None or by.text is None):
        return _with_encoded(text, literal, by)
    return _REPLACE(invocation, (text, search, by))


def _with_encoded(text: Value, search: str, by: Value) -> Value:
    """A literal replaced in a text, and in what it encodes."""
    made = holes.replaced(text, search, by)
    data = text.data
    if (
        not isinstance(data, Text)
        or data.encodes is None
        or data.encoding != "json"
        or not _STANDS_IN_STRINGS.fullmatch(search)
    ):
        return made
    encodes = _in_strings(data.encodes, lambda leaf: holes.replaced(leaf, search, by), lambda name: search in name)
    if encodes is None or not isinstance(made.data, Text):
        return made
    return made.with_data(Text(made.data.pieces, encodes))


_STANDS_IN_STRINGS = re.compile(r"[\w.:/${}@%#*+ -]*[_$A-Z@%#][\w.:/${}@%#*+ -]*", re.ASCII)
"""A literal that stands in no number, and in none of JSON's words and marks."""


def _in_strings(value: Value, change: Callable[[Value], Value], touches: Callable[[str], bool]) -> Value | None:
    """A value with all its texts changed; None where the name of a member would be changed, too."""
    data = value.data
    if isinstance(data, (str, Text)):
        return replace(change(value), place=value.place, span=value.span)
    if isinstance(data, tuple):
        items = [_in_strings(item, change, touches) for item in data]
        known = [item for item in items if item is not None]
        return value.with_data(type(data)(known)) if len(known) == len(items) else None
    if isinstance(data, dict):
        members = {name: _in_strings(item, change, touches) for name, item in data.items()}
        found = {name: item for name, item in members.items() if item is not None and not touches(name)}
        return value.with_data(type(data)(found)) if len(found) == len(members) else None
    return value if not isinstance(data, Choice) else None


def _regex(pattern: str, text: str) -> Any:
    found = compiled(pattern)
    match = found.search(text)
    if match is None:
        raise FunctionError("the pattern does not match")
    return Value(to_dynamic(_captures(found, match)))


def _regex_all(pattern: str, text: str) -> Any:
    found = compiled(pattern)
    return Value(ListItems(Value(to_dynamic(_captures(found, match))) for match in found.all(text)))


def _captures(pattern: Pattern, match: Match) -> Any:
    named = [name for name in pattern.names if name is not None]
    groups = [match.group(number) for number in range(1, len(pattern.names) + 1)]
    if named and len(named) == len(groups):
        return {name: groups[number] for number, name in enumerate(named)}
    if named:
        raise FunctionError("a pattern has either named or unnamed groups")
    return groups or match.group(0)


def _with_pattern(function: Function) -> Function:
    """A function of a pattern, which is looked at also where the text is not known."""

    def run(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
        pattern = convert(arguments[0], STRING).text
        if pattern is not None:
            try:
                compiled(pattern)
            except FunctionError as error:
                return invalid(str(error))
        return function(invocation, arguments)

    return run


def _template_string(invocation: Invocation, arguments: tuple[Value, ...]) -> Value:
    from kmsguard.terraform.functions.filesystem import rendered

    text = arguments[0].text
    if text is None:
        return (
            derived(arguments, not_null=True)
            if isinstance(arguments[0].data, (Unknown, Text))
            else invalid("a text is required")
        )
    source = Source(invocation.span.file, text)
    return rendered(invocation, source, arguments[1], None, fixed=arguments[0].span or invocation.span)


_TRIM_SPACE = pure(lambda text: text.strip(_SPACE), STRING)
_SUBSTR = pure(_substr_known, STRING, NUMBER, NUMBER)
_REPLACE = pure(_replace_known, STRING, STRING, STRING)


FUNCTIONS: dict[str, Function] = {
    "chomp": pure(_chomp, STRING),
    "endswith": _end_test(at_start=False),
    "format": _format,
    "formatlist": _format_list,
    "indent": pure(_indent, NUMBER, STRING),
    "join": _join,
    "lower": _by_character(_lower, holes.is_name),
    "regex": _with_pattern(pure(_regex, STRING, STRING)),
    "regexall": _with_pattern(pure(_regex_all, STRING, STRING)),
    "replace": _replace,
    "split": pure(_split, STRING, STRING),
    "startswith": _end_test(at_start=True),
    "strcontains": pure(lambda text, part: part in text, STRING, STRING),
    "strrev": pure(lambda text: "".join(graphemes(text)[::-1]), STRING),
    "substr": _substr,
    "templatestring": _template_string,
    "title": pure(_title, STRING),
    "trim": pure(_trim, STRING, STRING),
    "trimprefix": _trim_end(at_start=True),
    "trimspace": _trim_space,
    "trimsuffix": _trim_end(at_start=False),
    "upper": _by_character(_upper, lambda _: False),
}
