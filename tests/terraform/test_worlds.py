"""What is left open and then decided is what would have been evaluated with those values in the first place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from kmsguard.model.declaration import Unit, UnitSettings, UnitSource
from kmsguard.model.guard import Atom, UndecidedError, World
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value, resolve_deep
from kmsguard.terraform import read

UNKNOWN = object()
VARIABLES = """
variable "a" { type = bool }
variable "b" { type = bool }
variable "e" {
  type = string
  validation {
    condition     = contains(["x", "y", "z"], var.e)
    error_message = "x, y or z"
  }
}
"""
WORLDS = [dict(zip("abe", values, strict=True)) for values in itertools.product((True, False), (True, False), ("x", "y", "z"))]


def world_of(unit: str, values: dict[str, object]) -> World:
    """The world in which the variables have those values."""
    world: World | None = World()
    for name, value in values.items():
        among = (True, False) if isinstance(value, bool) else ("x", "y", "z")
        for option in among:
            assert world is not None
            world = world.assume(Atom(unit, f"var.{name}", option, among), option == value)
    assert world is not None
    return world


def plain(value: Value) -> object:
    """A value as Python has it; UNKNOWN where anything of it is not known."""
    data = value.data
    if isinstance(data, Text):
        return UNKNOWN if data.known is None else data.known
    if isinstance(data, (Unknown, Choice)):
        return UNKNOWN
    if isinstance(data, tuple):
        items = [plain(item) for item in data if item.data is not ABSENT]
        return UNKNOWN if UNKNOWN in items else items
    if isinstance(data, dict):
        members = {name: plain(item) for name, item in data.items() if item.data is not ABSENT}
        return UNKNOWN if UNKNOWN in members.values() else members
    return float(data) if isinstance(data, Decimal) else data


def read_text(folder: Path, text: str, values: dict[str, object] | None = None) -> Unit:
    """A root module of one file, open or with values."""
    (folder / "main.tf").write_text(VARIABLES + text, encoding="utf-8")
    given = tuple(
        (name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in (values or {}).items()
    )
    return read(UnitSource(str(folder), "terraform", UnitSettings(variables=given), boundary=str(folder)))


def resolved(value: Value, world: World) -> object:
    """A value in a world."""
    try:
        return plain(resolve_deep(value, world))
    except UndecidedError:
        return UNKNOWN


def disagreements(folder: Path, text: str) -> Iterator[str]:
    """Where an output or a declaration that was left open is something else than with its values."""
    opened = read_text(folder, text)
    for values in WORLDS:
        decided = read_text(folder, text, values)
        world = world_of(opened.path, values)
        for name, value in decided.outputs.items():
            mine, wanted = resolved(opened.outputs[name], world), plain(value)
            if UNKNOWN not in (mine, wanted) and (mine != wanted or type(mine) is not type(wanted)):
                yield f"{values} {name}: {wanted!r}, left open {mine!r}"
        there = {d.address: d for d in decided.declarations if d.mode == "managed"}
        for declaration in opened.declarations:
            if declaration.mode != "managed":
                continue
            exists = world.truth(declaration.exists)
            if exists is not Truth.UNKNOWN and (exists is Truth.YES) != (declaration.address in there):
                yield f"{values} {declaration.address}: exists is {exists.name}"
            if exists is Truth.YES and declaration.address in there:
                mine, wanted = resolved(declaration.body, world), plain(there[declaration.address].body)
                if UNKNOWN not in (mine, wanted) and mine != wanted:
                    yield f"{values} {declaration.address}: {wanted!r}, left open {mine!r}"
        # what is an error in a world is not deployed there, and nothing is said of it
        missing = {a for a, d in there.items() if d.exists is Truth.YES} - {d.address for d in opened.declarations}
        if missing:
            yield f"{values}: {sorted(missing)} are missing"


FORMS: dict[str, list[str]] = {
    "BOOL": [
        "var.a", "var.b", "true", "false", 'var.e == "x"', 'var.e != "y"', 'contains(["x", "z"], var.e)', "!var.a",
        "(BOOL && BOOL)", "(BOOL || BOOL)", "!(BOOL)", "(TEXT == TEXT)", "(length(LIST) > 1)", "can(LIST[1])",
        "alltrue([BOOL, BOOL])", "anytrue([BOOL, BOOL])", "(BOOL ? BOOL : BOOL)", "(LIST == LIST)",
    ],
    "TEXT": [
        '"x"', '"y"', '""', "var.e", '"p-${var.e}"', '"${var.a}"',
        "(BOOL ? TEXT : TEXT)", 'join("-", LIST)', "upper(TEXT)", 'coalesce(TEXT, "d")', 'try(LIST[0], "none")',
        'lookup(MAP, TEXT, "d")', '"${TEXT}+${TEXT}"', 'format("%s/%s", TEXT, TEXT)', "jsonencode(LIST)", "sha1(TEXT)",
        '"%{ if BOOL }t${TEXT}%{ else }f%{ endif }"', '"%{ for v in LIST }<${v}>%{ endfor }"', "try(MAP.x, TEXT)",
        'trimprefix(TEXT, "p-")', "try(LIST[length(LIST) - 1], TEXT)", 'element(concat(LIST, ["z"]), 0)',
    ],
    "LIST": [
        "[]", '["x"]', '["x", "y"]', "[var.e]",
        "(BOOL ? LIST : LIST)", "[TEXT, TEXT]",
        "concat(LIST, LIST)", "flatten([LIST, [LIST]])", "compact(LIST)",
        "[for v in LIST : v if BOOL]", '[for v in LIST : "${v}!" if v != TEXT]', "keys(MAP)", "values(MAP)",
        "sort(LIST)", "distinct(LIST)", "tolist(toset(LIST))", 'split("-", TEXT)', "LIST[*]", "reverse(LIST)",
        "[for k, v in MAP : k if BOOL]",
        "setunion(LIST, LIST)", "setsubtract(LIST, LIST)", "slice(LIST, 0, min(1, length(LIST)))",
    ],
    "MAP": [
        "{}", '{ x = "1" }', '{ x = "1", y = "2" }',
        "(BOOL ? MAP : {})", "{ (TEXT) = TEXT }", "merge(MAP, MAP)", "{ for v in toset(LIST) : v => upper(v) }",
        "{ for k, v in MAP : v => k... }", "zipmap(keys(MAP), values(MAP))",
    ],
}  # fmt: skip
"""How expressions are put together; the first ones of each kind hold no others."""
PLAIN = {"BOOL": 8, "TEXT": 6, "LIST": 4, "MAP": 3}


def grown(random: Random, kind: str, depth: int) -> str:
    """An expression of a kind, with so many levels of others in it."""
    forms = FORMS[kind] if depth > 0 else FORMS[kind][: PLAIN[kind]]
    return re.sub("BOOL|TEXT|LIST|MAP", lambda match: grown(random, match[0], depth - 1), random.choice(forms))


@pytest.mark.parametrize("seed", range(12))
def test_expressions(tmp_path: Path, seed: int) -> None:
    """Any expression over open variables, decided afterwards, has the value that it has with those variables given."""
    random = Random(seed)
    texts = [grown(random, kind, 3) for kind in FORMS for _ in range(8)]
    outputs = "".join(f'output "o{number}" {{\n  value = {text}\n}}\n' for number, text in enumerate(texts))
    assert [f"{found}\n  {texts[int(found.split(' o')[1].split(':')[0])]}" for found in disagreements(tmp_path, outputs)] == []


@pytest.mark.parametrize("seed", range(100, 110))
def test_instances(tmp_path: Path, seed: int) -> None:
    """So have instances of count and for_each, dynamic blocks, and references to instances."""
    random = Random(seed)
    count, keys, blocks, argument = (grown(random, kind, 3) for kind in ("BOOL", "MAP", "LIST", "TEXT"))
    text = f"""
resource "aws_kms_key" "counted" {{
  count       = {count} ? 2 : 1
  description = {argument}
}}
resource "aws_kms_key" "maybe" {{
  count = {count} ? 1 : 0
}}
resource "aws_kms_key" "mapped" {{
  for_each    = {keys}
  description = each.value
  tags        = {{ key = each.key }}
}}
resource "aws_lb" "dynamic" {{
  name = {argument} == "" ? null : {argument}
  dynamic "block" {{
    for_each = {blocks}
    content {{
      name = block.value
    }}
  }}
}}
output "counted" {{ value = aws_kms_key.counted[*].description }}
output "maybe" {{ value = length(aws_kms_key.maybe) }}
output "one" {{ value = try(aws_kms_key.counted[1].description, "none") }}
output "mapped" {{ value = {{ for key, one in aws_kms_key.mapped : key => one.description }} }}
output "keys" {{ value = keys(aws_kms_key.mapped) }}
"""
    assert list(disagreements(tmp_path, text)) == []


@pytest.mark.parametrize(
    "text",
    [
        'var.a ? "1" : var.b ? "2" : "3"',
        '{ x = 1, y = 2 }[var.e == "z" ? "x" : var.e]',
        '[for name in ["x", "y"] : name if name != var.e]',
        'join(",", compact([var.a ? "a" : "", var.b ? "b" : ""]))',
        "merge(var.a ? { a = 1 } : {}, var.b ? { b = 2 } : {})",
        'lookup({ x = "small", y = "large" }, var.e, "other")',
    ],
)
def test_common_idioms_are_decided(tmp_path: Path, text: str) -> None:
    """In each world these are known: nothing of them is given up as unknown."""
    outputs = f'output "o" {{\n  value = {text}\n}}\n'
    opened = read_text(tmp_path, outputs)
    for values in WORLDS:
        decided = plain(read_text(tmp_path, outputs, values).outputs["o"])
        assert decided is not UNKNOWN
        assert resolved(opened.outputs["o"], world_of(opened.path, values)) == decided
