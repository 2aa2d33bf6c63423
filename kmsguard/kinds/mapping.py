"""From a declaration's body to attributes: the mapping words, and what the types of attributes make of what is written.

Everything here is lifted over Choices: what hangs on a condition yields an attribute that hangs on it. What is not known
yields what is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import msgspec

from kmsguard.kinds.table import (
    Attribute,
    Const,
    Fallback,
    FirstOf,
    Items,
    Itself,
    Json,
    Meta,
    Pairs,
    Path,
    Plain,
    Prefix,
    Present,
    Together,
    Translate,
    Word,
)
from kmsguard.model.declaration import Declaration, Problem
from kmsguard.model.guard import conjunction
from kmsguard.model.source import Source, Span
from kmsguard.model.value import ABSENT, NOTHING, Branch, Choice, Step, Target, Text, Unknown, Value, flatten, map_choices


class Scope(msgspec.Struct):
    """Where words look: the body of a declaration, and the element of it that is at hand."""

    declaration: Declaration
    here: Value
    problems: list[Problem]
    resource: Callable[[str], str] | None = None  # fills `{region}`, … into the texts of constants


def lift(value: Value, function: Callable[[Value], Value]) -> Value:
    """Applies a function to a value, to each branch where it is a Choice. Absent in all branches is absent."""
    data = value.data
    if type(data) is not Choice:
        return function(value)
    branches: list[Branch] = []
    for branch in data.branches:
        found = lift(branch.value, function)
        for guard, leaf in flatten(found) if type(found.data) is Choice else [(None, found)]:
            if guard is None:
                branches.append(Branch(branch.guard, leaf))
            else:
                branches.append(Branch(conjunction(branch.guard, guard), leaf))
    if all(branch.value.data is ABSENT for branch in branches):
        return NOTHING
    return value.with_data(Choice(tuple(branches)))


def otherwise(value: Value, fallback: Callable[[], Value]) -> Value:
    """The value, and where it is absent (also in a branch) what `fallback` yields."""
    if value.data is ABSENT:
        return fallback()
    if type(value.data) is Choice and any(branch.value.data is ABSENT for branch in value.data.branches):
        other = fallback()
        if other.data is ABSENT:
            return value
        return lift(value, lambda leaf: other if leaf.data is ABSENT else leaf)
    return value


# --- Words --------------------------------------------------------------------------------------------------------------------


def select(word: Word, scope: Scope) -> Value:
    """What a word yields; its data is ABSENT where nothing is there."""
    return _WORDS[type(word)](word, scope)


def _path(word: Path, scope: Scope) -> Value:
    return follow(scope.declaration.body if word.root else scope.here, word.steps)


def _const(word: Const, scope: Scope) -> Value:
    return plain(word.value, scope.declaration.head)


def _first_of(word: FirstOf, scope: Scope) -> Value:
    found = NOTHING
    for option in word.words:
        found = otherwise(found, lambda option=option: select(option, scope))  # type: ignore[misc]
        if found.data is not ABSENT and type(found.data) is not Choice:
            break
    return found


def _together(word: Together, scope: Scope) -> Value:
    lists = [found for option in word.words if (found := as_list(select(option, scope))).data is not ABSENT]
    if not lists:
        return NOTHING
    unknown = next((found for found in lists if isinstance(found.data, Unknown)), None)
    if unknown is not None:
        lists = [found.with_data((found,)) if isinstance(found.data, Unknown) else found for found in lists]
    if any(type(found.data) is Choice for found in lists):
        return lists[0].with_data(map_choices(lambda parts: Value(_joined(parts)), tuple(lists)).data)
    return lists[0].with_data(_joined(tuple(lists)))


def _translate(word: Translate, scope: Scope) -> Value:
    def translated(value: Value) -> Value:
        text = scalar_text(value)
        if text is None:
            return value
        if text in word.table:
            return value.with_data(plain(word.table[text]).data)
        return value.with_data(plain(word.otherwise[0]).data) if word.otherwise else value

    return each_leaf(select(word.word, scope), translated)


def _fallback(word: Fallback, scope: Scope) -> Value:
    return otherwise(select(word.word, scope), lambda: default(word.value, scope.declaration.type, scope.declaration.head))


def _json(word: Json, scope: Scope) -> Value:
    def parsed(value: Value) -> Value:
        if not isinstance(value.data, (str, Text)) or value.text == "":
            return NOTHING if value.text == "" else value
        if word.yaml and not _begins_as_json(value):
            return _yaml(value)
        from kmsguard.syntax.json import parse_json

        document, problems = parse_json(value)
        scope.problems.extend(problems)
        if document is None:
            return value.with_data(Unknown("the text is not valid JSON"))
        return msgspec.structs.replace(
            document,
            place=document.place or value.place,
            trail=document.trail or value.trail,
            sensitive=document.sensitive or value.sensitive,
        )

    found = each_leaf(select(word.word, scope), parsed)
    return follow(found, word.at) if word.at else found


def _begins_as_json(value: Value) -> bool:
    first = value.data.pieces[0].data if type(value.data) is Text and value.data.pieces else value.data
    return not isinstance(first, str) or first.lstrip().startswith("{")


def _yaml(value: Value) -> Value:
    """What a text in YAML says, every scalar as text; a text of which a part is not known is not looked into."""
    if value.text is None:
        return value.with_data(Unknown("a part of the text is not known"))
    from kmsguard.syntax.yaml import Mapping, Scalar, YamlNode, parse

    def plain(node: YamlNode) -> Value:
        span = value.data.place(node.start, node.end) if type(value.data) is Text else value.span
        if isinstance(node, Scalar):
            return Value(node.text, span, span, value.trail)
        if isinstance(node, Mapping):
            return Value({entry.key.text: plain(entry.value) for entry in node.entries}, span, span, value.trail)
        return Value(tuple(plain(item) for item in node.items), span, span, value.trail)

    root, problems = parse(Source("", value.text))
    if root is None or any(problem.level == "error" for problem in problems):
        return value.with_data(Unknown("the text is neither JSON nor YAML"))
    return plain(root)


def _present(word: Present, scope: Scope) -> Value:
    return lift(select(word.word, scope), _presence)


def _presence(value: Value) -> Value:
    data = value.data
    if isinstance(data, Unknown):
        there = data.not_null or data.prefix or data.target is not None
        return value.with_data(True) if there else value.with_data(Unknown(data.reason, data.reference))
    if data is ABSENT or data is None or data == () or value.text == "":
        return NOTHING
    return value.with_data(True)


def _items(word: Items, scope: Scope) -> Value:
    def mapped(element: Value) -> Value:
        if _undecided(element):
            return element
        inner = Scope(scope.declaration, element, scope.problems)
        fields = {name: select(field, inner) for name, field in word.fields.items()}
        return element.with_data({name: value for name, value in fields.items() if value.data is not ABSENT})

    return each_leaf(as_list(select(word.word, scope)), mapped)


def _pairs(word: Pairs, scope: Scope) -> Value:
    def collected(elements: Value) -> Value:
        if _undecided(elements) or isinstance(elements.data, dict):
            return elements
        members: dict[str, Value] = {}
        for element in elements.items:
            name = follow(element, (word.key,))
            text = name.text
            if text is not None:
                members[text] = follow(element, (word.value,)).at(element.where)
            elif type(element.data) is Choice or isinstance(element.data, Unknown) or name.data is not ABSENT:
                return elements.with_data(Unknown("the name of a member is not known"))
        return elements.with_data(members)

    return lift(as_list(select(word.word, scope), keep_map=True), collected)


def _prefix(word: Prefix, scope: Scope) -> Value:
    def made_up(value: Value) -> Value:
        text = value.text
        if value.data is ABSENT or text == "":
            return NOTHING
        return value.with_data(Unknown("made up when it is created", not_null=True, prefix=text or ""))

    return lift(select(word.word, scope), made_up)


def _itself(word: Itself, scope: Scope) -> Value:
    declaration = scope.declaration
    reference = f"{declaration.address}.{word.attribute}"
    target = Target(declaration.address, word.attribute)
    return Value(Unknown("known after apply", reference, target, not_null=True), declaration.head, refs=(target,))


def _meta(word: Meta, scope: Scope) -> Value:
    return scope.declaration.resource_attributes.get(word.name, NOTHING)


_WORDS: dict[type, Callable[..., Value]] = {
    Path: _path,
    Const: _const,
    FirstOf: _first_of,
    Together: _together,
    Translate: _translate,
    Fallback: _fallback,
    Json: _json,
    Present: _present,
    Items: _items,
    Pairs: _pairs,
    Prefix: _prefix,
    Itself: _itself,
    Meta: _meta,
}


def follow(value: Value, steps: tuple[str, ...]) -> Value:
    """What stands at a path inside a value.

    A list of one block is entered by itself: blocks that cannot be repeated are lists too.
    """
    for number, step in enumerate(steps):
        data = value.data
        if type(data) is not dict or step.startswith("["):
            return _follow(value, steps[number:])
        member = data.get(step)
        if member is None:
            return NOTHING
        value = member
    return value


def _follow(value: Value, steps: tuple[str, ...]) -> Value:
    """The same at what is no map, or by a step that is no name."""
    data = value.data
    if data is ABSENT:
        return _elements(value, steps[0], steps[1:]) if steps[0].startswith("[") else NOTHING
    if type(data) is Choice:
        return lift(value, lambda branch: follow(branch, steps))
    if isinstance(data, Unknown):
        return _inside_unknown(value, data, steps)
    step = steps[0]
    if step.startswith("["):
        return _elements(value, step, steps[1:])
    if isinstance(data, tuple):
        if not data:
            return NOTHING
        return follow(data[0], steps) if len(data) == 1 else value.with_data(Unknown(f"there is more than one {step}"))
    if type(data) is Text:
        return value.with_data(Unknown("a text stands where a block is expected"))
    return NOTHING


def _inside_unknown(value: Value, data: Unknown, steps: tuple[str, ...]) -> Value:
    names = [step for step in steps if not step.startswith("[")]
    target = data.target
    inside = None
    if target is not None and len(names) == len(steps):
        inside = Target(target.address, ".".join([target.attribute, *names]))
    return value.with_data(Unknown(data.reason, data.reference, inside))


def _elements(value: Value, step: str, rest: tuple[str, ...]) -> Value:
    data = value.data
    elements = data if isinstance(data, tuple) else () if data is ABSENT or data is None else (value,)
    if step == "[*]" and isinstance(data, dict):
        elements = tuple(data.values())
    if step in ("[]", "[*]"):
        return _gathered(value, elements, rest)
    name, equals, wanted = step[1:-1].partition("=")
    if not equals:
        index = int(name)
        return follow(elements[index], rest) if index < len(elements) else NOTHING
    chosen = [element for element in elements if follow(element, (name,)).text == wanted]
    if len(chosen) == 1:
        return follow(chosen[0], rest)
    if not chosen:
        unclear = any(_undecided(e) or _undecided(follow(e, (name,))) for e in elements)
        return value.with_data(Unknown(f"the {name} of an element is not known")) if unclear else NOTHING
    return _gathered(value, tuple(chosen), rest)


def _gathered(value: Value, elements: tuple[Value, ...], rest: tuple[str, ...]) -> Value:
    """The list of what stands at a path in each element; lists in it are joined."""
    found = [follow(element, rest) for element in elements]
    if "[]" not in rest and "[*]" not in rest:
        items = tuple(item for item in found if item.data is not ABSENT)
        return value.with_data(items) if items or isinstance(value.data, tuple) else NOTHING
    if any(type(item.data) is Choice for item in found):
        joined = map_choices(lambda parts: Value(_joined(parts)), tuple(found))
        return value.with_data(joined.data)
    return value.with_data(_joined(tuple(found)))


def _joined(lists: tuple[Value, ...]) -> tuple[Value, ...]:
    items: list[Value] = []
    for part in lists:
        if isinstance(part.data, tuple):
            items.extend(_brought(part, item) for item in part.data)
        elif part.data is not ABSENT:
            items.append(part)
    return tuple(items)


def _brought(part: Value, item: Value) -> Value:
    """An element of a list that comes from elsewhere (a parameter, a variable) stands where the whole list is used."""
    if part.trail is None or part.trail.what in ("alias", "include") or part.place is None:
        return item
    return msgspec.structs.replace(item, place=part.place, trail=item.trail or part.trail)


def each_leaf(value: Value, function: Callable[[Value], Value]) -> Value:
    """Applies a function to a value, or to each element where it is a list; lifted over Choices."""

    def apply(leaf: Value) -> Value:
        if isinstance(leaf.data, tuple):
            items = tuple(lift(item, function) for item in leaf.data)
            return leaf.with_data(tuple(item for item in items if item.data is not ABSENT))
        return leaf if leaf.data is ABSENT else function(leaf)

    return lift(value, apply)


def as_list(value: Value, *, keep_map: bool = False) -> Value:
    """A single element as a list of one; CloudFormation takes one for the other."""

    def listed(leaf: Value) -> Value:
        data = leaf.data
        if data is ABSENT or data is None:
            return NOTHING
        if isinstance(data, (tuple, Unknown)) or (keep_map and isinstance(data, dict)):
            return leaf
        return leaf.with_data((leaf,))

    return lift(value, listed)


def _undecided(value: Value) -> bool:
    return isinstance(value.data, (Unknown, Choice)) or (type(value.data) is Text and value.data.known is None)


# --- Plain data of kind files -------------------------------------------------------------------------------------------------


def plain(data: Plain, span: Span | None = None) -> Value:
    """Data of a kind file as a Value, which stands where the declaration begins."""
    if isinstance(data, list):
        return Value(tuple(plain(item, span) for item in data), span)
    if isinstance(data, dict):
        return Value({name: plain(item, span) for name, item in data.items()}, span)
    return Value(data, span)


def default(data: Plain, name: str, span: Span | None = None) -> Value:
    """What AWS does when nothing is said."""
    value = plain(data)
    return msgspec.structs.replace(value, trail=Step("AWS default", name, span))


# --- Types --------------------------------------------------------------------------------------------------------------------


def typed(value: Value, attribute: Attribute) -> Value:
    """A value as its attribute's type says: `"true"` becomes true, `"30"` 30, a single element a list."""
    return _typed(value, attribute.type, attribute.of)


def _typed(value: Value, kind: str, of: tuple[str, dict[str, str]] | None) -> Value:
    if value.data is ABSENT:
        return NOTHING
    if kind == "list":
        listed = as_list(value)
        return each_leaf(listed, lambda item: _element(item, of)) if of is not None else listed
    if kind == "map" and of is not None:
        return lift(value, lambda leaf: _element(leaf, ("map", of[1])) if of[1] else _members(leaf, of[0]))
    convert = _CONVERT.get(kind)
    if convert is None:
        return lift(value, lambda leaf: NOTHING if leaf.data is None else leaf)
    return lift(spread(value), lambda leaf: _converted(leaf, convert))


def _element(item: Value, of: tuple[str, dict[str, str]] | None) -> Value:
    assert of is not None
    kind, members = of
    if not isinstance(item.data, dict) or not members:
        return _typed(item, kind, None) if kind != "map" else item
    return item.with_data(
        {
            name: typed_member
            for name, member in item.data.items()
            if (typed_member := _member(member, members.get(name))).data is not ABSENT
        }
    )


def _member(member: Value, kind: str | None) -> Value:
    if kind is None:
        return member
    name, _, inner = kind.partition(" of ")
    return _typed(member, name, (inner, {}) if inner else None)


def _members(leaf: Value, kind: str) -> Value:
    if not isinstance(leaf.data, dict):
        return leaf
    return leaf.with_data({name: _typed(member, kind, None) for name, member in leaf.data.items()})


def _converted(leaf: Value, convert: Callable[[Value], Value]) -> Value:
    data = leaf.data
    if data is ABSENT or data is None:
        return NOTHING
    if isinstance(data, Unknown):
        return leaf
    return convert(leaf)


def spread(value: Value) -> Value:
    """A text whose holes hang on conditions as a Choice of texts."""
    return lift(value, _expanded) if type(value.data) is Text or type(value.data) is Choice else value


def _expanded(leaf: Value) -> Value:
    data = leaf.data
    if type(data) is not Text:
        return leaf
    if len(data.pieces) == 1 and not isinstance(data.pieces[0].data, str):
        piece = data.pieces[0]
        return msgspec.structs.replace(
            piece,
            place=leaf.place or piece.place,
            refs=piece.refs or leaf.refs,
            sensitive=piece.sensitive or leaf.sensitive,
        )
    if not any(type(piece.data) is Choice for piece in data.pieces):
        return leaf
    chosen = map_choices(lambda parts: leaf.with_data(Text(_flat(parts), None, data.encoding)), data.pieces)
    return leaf.with_data(chosen.data) if type(chosen.data) is Choice else leaf


def _flat(parts: tuple[Value, ...]) -> tuple[Value, ...]:
    pieces: list[Value] = []
    for part in parts:
        data = part.data
        if type(data) is str:
            pieces.append(part)
        elif type(data) is Text:
            pieces.extend(data.pieces)
        elif isinstance(data, Unknown):
            pieces.append(part)
        elif data is not ABSENT and data is not None:
            pieces.append(part.with_data(scalar_text(part) or ""))
    return tuple(pieces)


def scalar_text(value: Value) -> str | None:
    """A scalar as text (`true`, `30`); None for what is no scalar or not known."""
    data = value.data
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, Decimal)):
        return str(data)
    if isinstance(data, float):
        return str(int(data)) if data.is_integer() else str(data)
    return value.text


def _opaque(leaf: Value) -> Value:
    """What a text with holes is for a type that is no text."""
    if type(leaf.data) is Text:
        for piece in leaf.data.pieces:
            if isinstance(piece.data, Unknown):
                return leaf.with_data(Unknown(piece.data.reason, piece.data.reference))
    return leaf.with_data(Unknown("not a value of its type"))


_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def _bool(leaf: Value) -> Value:
    if isinstance(leaf.data, bool):
        return leaf
    text = scalar_text(leaf)
    truth = _TRUTHS.get(text.lower()) if text is not None else None
    return _opaque(leaf) if truth is None else leaf.with_data(truth)


def _int(leaf: Value) -> Value:
    if isinstance(leaf.data, int) and not isinstance(leaf.data, bool):
        return leaf
    text = scalar_text(leaf)
    if text is None or isinstance(leaf.data, bool):
        return _opaque(leaf)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _opaque(leaf)
    return leaf.with_data(int(number)) if number == number.to_integral_value() else _opaque(leaf)


def _number(leaf: Value) -> Value:
    if isinstance(leaf.data, (int, float, Decimal)) and not isinstance(leaf.data, bool):
        return leaf
    text = scalar_text(leaf)
    if text is None or isinstance(leaf.data, bool):
        return _opaque(leaf)
    try:
        return leaf.with_data(Decimal(text))
    except InvalidOperation:
        return _opaque(leaf)


def _string(leaf: Value) -> Value:
    if isinstance(leaf.data, (str, Text)):
        return leaf
    text = scalar_text(leaf)
    return leaf if text is None else leaf.with_data(text)


def _reference(leaf: Value) -> Value:
    """An empty text names nothing: the AWS provider and CloudFormation take it as not written."""
    text = _string(leaf)
    return NOTHING if text.text == "" else text


_CONVERT: dict[str, Callable[[Value], Value]] = {
    "bool": _bool,
    "int": _int,
    "number": _number,
    "string": _string,
    "secret": _string,
    "ref": _reference,
}
