"""The mapping words of kind files, read and checked."""

from __future__ import annotations

from collections.abc import Callable

from kmsguard.conditions.parsing import suggestion
from kmsguard.kinds.reading import Reader
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
    Prefix,
    Present,
    Together,
    Translate,
    Word,
)
from kmsguard.model.value import Value


class Words:
    """From what is written to mapping words."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def words(self, members: dict[str, Value], attributes: dict[str, Attribute], *, adds: bool = False) -> dict[str, Word]:
        """The word of each attribute; `adds`: all of them must be lists."""
        words: dict[str, Word] = {}
        for name, value in members.items():
            attribute = attributes.get(name)
            if attribute is None and name not in ("region", "account"):
                self.reader.wrong(value, f"there is no attribute `{name}`" + suggestion(name, attributes), key=True)
            elif adds and attribute is not None and attribute.type != "list":
                self.reader.wrong(value, f"`{name}` is no list: `adds` appends to lists", key=True)
            words[name] = self.word(value, attribute.type if attribute is not None else "string")
        return words

    def word(self, value: Value, type_: str = "string") -> Word:
        """A word for an attribute of a type."""
        if isinstance(value.data, str):
            return self.path(value)
        if isinstance(value.data, tuple):
            return FirstOf(tuple(self.word(item, type_) for item in value.data))
        members = self.reader.members(value, (*_FORMS, *_OPTIONS))
        forms = [name for name in members if name in _FORMS]
        if len(forms) != 1:
            self.reader.wrong(value, f"one of {', '.join(_FORMS)} is expected here")
            return Const(None)
        word = _FORMS[forms[0]](self, members[forms[0]], members, type_)
        for option, form in _BELONGS.items():
            if option in members and form not in forms:
                self.reader.wrong(members[option], f"`{option}` belongs to `{form}`", key=True)
        if "values" in members:
            table = {name: self.reader.scalar(item) for name, item in self.reader.members(members["values"]).items()}
            word = Translate(word, table, (self.reader.scalar(members["else"]),) if "else" in members else ())
        elif "else" in members:
            self.reader.wrong(members["else"], "`else` belongs to `values`", key=True)
        if "default" in members:
            word = Fallback(word, self.reader.plain(members["default"], type_))
        return word

    def path(self, value: Value) -> Path:
        """A path, from the root where it begins with `^`."""
        text = self.reader.text(value)
        steps = split_path(text.removeprefix("^"))
        if steps is None:
            self.reader.wrong(
                value, f"`{text}` is no path: names with dots between them, `[]`, `[0]` or `[Key=x]` after a name"
            )
            steps = ()
        return Path(steps, text.startswith("^"))


def _path(words: Words, value: Value, _members: dict[str, Value], type_: str) -> Word:
    return words.word(value, type_)


def _const(words: Words, value: Value, _members: dict[str, Value], type_: str) -> Word:
    return Const(words.reader.plain(value, type_))


def _together(words: Words, value: Value, _members: dict[str, Value], type_: str) -> Word:
    if not isinstance(value.data, tuple):
        words.reader.wrong(value, "`together` is a list of words that yield lists")
    return Together(tuple(words.word(item, type_) for item in value.items))


def _json(words: Words, value: Value, members: dict[str, Value], _type: str) -> Word:
    at = words.path(members["at"]).steps if "at" in members else ()
    return Json(words.word(value), at, "yaml" in members and words.reader.scalar(members["yaml"]) is True)


def _present(words: Words, value: Value, _members: dict[str, Value], _type: str) -> Word:
    return Present(words.word(value))


def _not(words: Words, value: Value, _members: dict[str, Value], _type: str) -> Word:
    return Translate(words.word(value), {"true": False, "false": True, "True": False, "False": True})


def _items(words: Words, value: Value, members: dict[str, Value], _type: str) -> Word:
    if "fields" not in members:
        words.reader.wrong(value, "`items` needs `fields`: the members that each element gets")
    return Items(words.word(value), {n: words.word(v) for n, v in words.reader.given(members, "fields").items()})


def _pairs(words: Words, value: Value, members: dict[str, Value], _type: str) -> Word:
    if "key" not in members or "value" not in members:
        words.reader.wrong(value, "`pairs` needs `key` and `value`: what an element calls its name and its value")
        return Const(None)
    return Pairs(words.word(value), words.reader.text(members["key"]), words.reader.text(members["value"]))


def _prefix(words: Words, value: Value, _members: dict[str, Value], _type: str) -> Word:
    return Prefix(words.word(value))


def _self(words: Words, value: Value, _members: dict[str, Value], _type: str) -> Word:
    return Itself(words.reader.text(value))


def _meta(words: Words, value: Value, _members: dict[str, Value], _type: str) -> Word:
    return Meta(words.reader.text(value))


_FORMS: dict[str, Callable[[Words, Value, dict[str, Value], str], Word]] = {
    "path": _path,
    "const": _const,
    "together": _together,
    "json": _json,
    "present": _present,
    "not": _not,
    "items": _items,
    "pairs": _pairs,
    "prefix": _prefix,
    "self": _self,
    "meta": _meta,
}
_OPTIONS = ("values", "else", "default", "fields", "key", "value", "at", "yaml")
_BELONGS = {"at": "json", "yaml": "json", "fields": "items", "key": "pairs", "value": "pairs"}


def split_path(text: str) -> tuple[str, ...] | None:
    """The steps of a path: `a.b[].c` is `a`, `b`, `[]`, `c`; `.` is what is at hand. None where it is no path."""
    if text == ".":
        return ()
    steps: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            end = text.find("]", at)
            inner = text[at + 1 : end]
            if end < 0 or not steps or not (inner in ("", "*") or inner.isdigit() or "=" in inner):
                return None
            steps.append(text[at : end + 1])
            at = end + 1
            if at < len(text) and text[at] == ".":
                at += 1
            continue
        ends = [end for end in (text.find(".", at), text.find("[", at)) if end >= 0]
        end = min(ends, default=len(text))
        if end == at:
            return None
        steps.append(text[at:end])
        at = end + 1 if end < len(text) and text[end] == "." else end
    return tuple(steps) if steps and not text.endswith(".") else None
