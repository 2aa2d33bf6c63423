"""What the blocks of Terraform's AWS provider may hold, whichever of its versions is used.

`aws_arguments.txt` is written by `docs/aws_arguments.py`; it is read where a resource of the provider is met, and of it the
lines of those resources only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from kmsguard.terraform.types import BOOL, NUMBER, STRING, Type

_FILE = Path(__file__).parent / "aws_arguments.txt"
_BOUNDS = re.compile(r"<(?:(?:(\d+)-)?(\d+)/)?(\d+)")
_KINDS = {"managed": "resource"}
_SCALARS = {"s": STRING, "n": NUMBER, "b": BOOL}

Version: TypeAlias = tuple[int, ...]


class Entry(msgspec.Struct, frozen=True):
    """A name in a block. `computed`: AWS decides it; `objects`: a list of objects, which may be written as blocks too;
    `any`: versions differ in what it is."""

    kind: Literal["argument", "computed", "block", "objects", "any"]
    required: bool = False
    sensitive: bool = False
    type: Type | None = None  # of an argument; None where versions differ
    least: int = 0  # blocks
    most: int = 0  # 0: any number
    inner: int = -1  # the number of the block


class Schema(dict[str, Entry]):
    """The names that a block may hold. `needed`: those that it has to hold."""

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        super().__init__(entries)
        self.needed = tuple(name for name, entry in self.items() if entry.required or entry.least)


@cache
def _file() -> bytes:
    return _FILE.read_bytes()


@cache
def _blocks() -> list[bytes]:
    return _file().partition(b"\nblocks\n")[2].split(b"\n")


@cache
def resource_schema(mode: str, of_type: str) -> Schema | None:
    """What a resource (mode `managed`), data source or ephemeral resource may hold; None where no known version has it.

    The mode `provider` and the type `aws` are the provider's own block.
    """
    head = f"\n{_KINDS.get(mode, mode)} {of_type}\t".encode()
    file = _file()
    start = file.find(head)
    return None if start < 0 else _parsed(file[start + len(head) : file.index(b"\n", start + 1)])


@cache
def block_schema(number: int) -> Schema:
    """What a nested block may hold."""
    return _parsed(_blocks()[number])


@cache
def resource_types(mode: str) -> tuple[str, ...]:
    """All resources, data sources or ephemeral resources, in order."""
    return tuple(re.findall(rf"^{_KINDS.get(mode, mode)} (\w+)\t", _file().decode(), re.MULTILINE))


@cache
def newest() -> Version:
    """The newest version of the provider that is known."""
    first = _file()[: _file().index(b"\n")].decode()
    return tuple(int(part) for part in first.split()[-1].split("."))


_ANY = Entry("any")
TERRAFORM = {
    ("managed", "terraform_data"): Schema(
        {"id": Entry("computed"), "input": _ANY, "output": Entry("computed"), "triggers_replace": _ANY}.items()
    ),
    ("data", "terraform_remote_state"): Schema(
        {
            "backend": Entry("argument", required=True, type=STRING),
            "config": _ANY,
            "defaults": _ANY,
            "outputs": Entry("computed"),
            "workspace": Entry("argument", type=STRING),
        }.items()
    ),
}
"""What Terraform's own provider has, by mode and type: https://developer.hashicorp.com/terraform/language/resources/terraform-data
and https://developer.hashicorp.com/terraform/language/state/remote-state-data."""


def _parsed(line: bytes) -> Schema:
    words = (word.partition(":") for word in line.decode().split(" ") if word)
    return Schema((name, _entry(said)) for name, _, said in words)


@cache
def _entry(said: str) -> Entry:
    """What stands behind the colon of a name."""
    required = said.startswith("!")
    rest = said.removeprefix("!")
    if rest.startswith("="):
        return Entry("computed", sensitive=rest == "=*")
    if rest.startswith("<"):
        found = _BOUNDS.fullmatch(rest)
        assert found is not None, said
        return Entry("block", least=int(found[1] or 0), most=int(found[2] or 0), inner=int(found[3]))
    if rest.startswith("["):
        return Entry("objects", inner=int(rest[1:]))  # Terraform takes none of them as no blocks
    if rest == "~":
        return Entry("any", required)
    return Entry("argument", required, rest.startswith("*"), _type(rest.removeprefix("*")))


def _type(said: str) -> Type | None:
    if said[0] in _SCALARS:
        return _SCALARS[said[0]]
    if said[0] not in "lm":
        return None
    element = _type(said[1:])
    return None if element is None else Type("list" if said[0] == "l" else "map", element)
