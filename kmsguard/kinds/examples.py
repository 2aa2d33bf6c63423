"""The examples of kind files, which are no part of the table."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kmsguard.kinds.reading import Reader
from kmsguard.kinds.table import Plain
from kmsguard.model.finding import UsageError
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value

_EXAMPLE = ("title", "subject", "terraform", "cloudformation", "expect", "absent", "unknown", "edges", "number", "only")


class Example(msgspec.Struct, frozen=True):
    """An example of a kind file: a template in one or both languages, and what its resource then looks like."""

    kind: str
    title: str
    file: str
    terraform: str | None = None
    cloudformation: str | None = None
    expect: dict[str, Plain] = {}  # attributes; for `expect` of a text with holes, `${…}` stands for a hole
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    edges: dict[str, tuple[str, ...]] = {}  # to kinds, `external:TEXT` or `unknown`
    subject: dict[str, str] = {}  # language -> the address of the resource that is meant, where there are several
    number: int | None = None  # how many resources of the kind there are
    span: Span | None = None


def read_examples(files: Sequence[str]) -> list[Example]:
    """The examples of kind files, which are no part of the table.

    Raises:
        UsageError: where one is not written as it should be.
    """
    from kmsguard.syntax.plain import read_plain

    examples: list[Example] = []
    reader = Reader()
    for path in files:
        with open(path, encoding="utf-8-sig") as handle:
            root, _ = read_plain(Source(path.replace("\\", "/"), handle.read()))
        for name, kind in (root.members if root is not None else {}).items():
            written = kind.members.get("examples", Value(())).items
            examples.extend(_example(reader, name, path, item) for item in written)
    if reader.problems:
        raise UsageError("an example is wrong", tuple(reader.problems))
    return examples


def _example(reader: Reader, kind: str, path: str, value: Value) -> Example:
    members = reader.members(value, _EXAMPLE)
    title = reader.text(members["title"]) if "title" in members else ""
    if not title:
        reader.wrong(value, "an example needs a title")
    if "terraform" not in members and "cloudformation" not in members:
        reader.wrong(value, "an example needs a template")
    return Example(
        kind=kind,
        title=title,
        file=path,
        terraform=reader.text(members["terraform"]) if "terraform" in members else None,
        cloudformation=reader.text(members["cloudformation"]) if "cloudformation" in members else None,
        expect={n: reader.plain(v) for n, v in reader.given(members, "expect").items()},
        absent=reader.texts(members["absent"]) if "absent" in members else (),
        unknown=reader.texts(members["unknown"]) if "unknown" in members else (),
        edges={n: reader.texts(v) for n, v in reader.given(members, "edges").items()},
        subject={n: reader.text(v) for n, v in reader.given(members, "subject").items()},
        number=int(reader.text(members["number"])) if "number" in members else None,
        span=value.span,
    )
