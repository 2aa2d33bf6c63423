"""The plain parts of what is written for kinds: texts, maps and scalars, mistakes with their place."""

from __future__ import annotations

from collections.abc import Iterable

from kmsguard.conditions.parsing import suggestion
from kmsguard.kinds.table import Plain
from kmsguard.model.declaration import Problem
from kmsguard.model.value import Value

CODE = "kind-file"


class Reader:
    """Reads values of kind files as what they are expected to be; what is not so is a problem, and something empty."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, value: Value, message: str, *, key: bool = False) -> None:
        """A mistake at a value; `key`: at its name."""
        span = (value.place or value.span) if key else (value.span or value.place)
        file, line, column = (span.file, span.start_line, span.start_column) if span is not None else ("", 1, 1)
        self.problems.append(Problem("error", CODE, file, line, column, message))

    def text(self, value: Value) -> str:
        """A text; empty where it is none."""
        if isinstance(value.data, str):
            return value.data
        self.wrong(value, "a text is expected here")
        return ""

    def texts(self, value: Value) -> tuple[str, ...]:
        """A list of texts, or one text."""
        return tuple(self.text(item) for item in value.data) if isinstance(value.data, tuple) else (self.text(value),)

    def members(self, value: Value, known: Iterable[str] | None = None) -> dict[str, Value]:
        """The members of a map, of which all are `known`; none where it is no map."""
        if not isinstance(value.data, dict):
            self.wrong(value, "a map is expected here")
            return {}
        if known is not None:
            for name, item in value.data.items():
                if name not in known:
                    self.wrong(item, f"`{name}` is not known here" + suggestion(name, known), key=True)
        return value.data

    def plain(self, value: Value, type_: str = "string") -> Plain:
        """Data of a type of attributes."""
        data = value.data
        if isinstance(data, tuple):
            return [self.plain(item, "string" if type_ == "list" else type_) for item in data]
        if isinstance(data, dict):
            return {name: self.plain(item, "string" if type_ == "map" else type_) for name, item in data.items()}
        text = self.text(value)
        if type_ == "bool":
            if text not in ("true", "false"):
                self.wrong(value, f"`{text}` is neither true nor false")
            return text == "true"
        if type_ in ("int", "number"):
            try:
                return int(text) if type_ == "int" else float(text)
            except ValueError:
                self.wrong(value, f"`{text}` is not a number")
        return text

    def scalar(self, value: Value) -> Plain:
        """A text that means a truth where it spells one."""
        text = self.plain(value)
        return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text

    def given(self, members: dict[str, Value], name: str) -> dict[str, Value]:
        """The members of a member; none where it is not given."""
        return self.members(members[name]) if name in members else {}
