"""What is not known never turns a known result into another one, and what is printed is read back as it was."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.terraform import read

COUNT = int(os.environ.get("KMSGUARD_EXPRESSIONS", "12"))
VALUES = ('"a"', '"true"', '""', "5", "true", "null", '["a", "b"]', "[]", "{ a = 1 }", '{ a = "x", b = null }', '"a-b/c"')

ATOMS = st.sampled_from((*VALUES, "var.a", "var.b", "var.c", "var.a", '"x-${var.a}"', "[var.b]", "{ a = var.c }", "0.5", "-1"))
FORMS = (
    "({0} == {1})", "({0} != {1})", "({0} && {1})", "({0} || {1})", "(!{0})", "({0} + {1})", "({0} < {1})", "(-{0})",
    "({0} ? {1} : {2})", "{0}[0]", "{0}.a", "{0}[{1}]", "{0}[*]", "[{0}, {1}]", "{{ a = {0}, b = {1} }}", "{{ ({0}) = {1} }}",
    "[for x in {0} : x]", "[for x in {0} : x if x == {1}]", "{{ for k, v in {0} : k => v }}",
    "{{ for x in {0} : x => {1}... }}",
    '"${{{0}}}-${{{1}}}"', '"%{{ if {0} }}y%{{ else }}n%{{ endif }}"', '"%{{ for x in {0} }}${{x}}%{{ endfor }}"',
    "try({0}, {1})", "can({0})", "coalesce({0}, {1})", "concat({0}, {1})", "compact({0})",
    "contains({0}, {1})", "distinct({0})",
    "element({0}, {1})", "flatten([{0}, {1}])", 'format("%s-%v", {0}, {1})', "format({0})", 'join("-", {0})', "keys({0})",
    "length({0})", 'lookup({0}, "a", {1})', "lower({0})", "upper({0})", "merge({0}, {1})", "one({0})", "range({0})",
    'regex("[a-c]", {0})', 'replace({0}, "a", {1})', 'replace({0}, "-x", {1})', "reverse({0})",
    "setunion({0}, {1})", "sort({0})",
    "setintersection({0}, {1})", "setsubtract({0}, {1})", "setproduct({0}, {1})", "slice({0}, 0, {1})", "zipmap({0}, {1})",
    'split("-", {0})', "startswith({0}, {1})", "endswith({0}, {1})", "strcontains({0}, {1})", "substr({0}, 0, {1})", "sum({0})",
    "substr({0}, {1}, 2)", "title({0})", 'trim({0}, "a")', "trimprefix({0}, {1})", "trimsuffix({0}, {1})", "trimspace({0})",
    "tolist({0})", "tomap({0})", "toset({0})", "tostring({0})", "tonumber({0})", "tobool({0})",
    "values({0})", "index({0}, {1})",
    "jsonencode({0})", "jsondecode({0})", "jsondecode(jsonencode({0}))", "yamldecode(yamlencode({0}))", "base64encode({0})",
    "base64decode(base64encode({0}))", "max({0}, {1})", "abs({0})", "alltrue({0})", "anytrue({0})", "chunklist({0}, 1)",
    "matchkeys({0}, {1}, {0})", "transpose({0})", "sha256({0})", 'cidrsubnet("10.0.0.0/8", 8, {0})', "urlencode({0})",
)  # fmt: skip


def written(form: str, parts: tuple[str, str, str]) -> str:
    """A form with its parts filled in."""
    return form.format(*parts)


EXPRESSIONS = st.recursive(
    ATOMS, lambda inner: st.builds(written, st.sampled_from(FORMS), st.tuples(inner, inner, inner)), max_leaves=6
)


def evaluated(expressions: list[str], variables: dict[str, str | None]) -> dict[str, Value]:
    """The outputs of a root module: variables with a default, or without value."""
    with tempfile.TemporaryDirectory() as folder:
        for number, expression in enumerate(expressions):
            (Path(folder) / f"o{number}.tf").write_text(
                f'output "o{number}" {{\n  value = {expression}\n}}\n', encoding="utf-8"
            )
        declared = [f'variable "{n}" {{\n  {"" if v is None else f"default = {v}"}\n}}\n' for n, v in variables.items()]
        (Path(folder) / "variables.tf").write_text("".join(declared), encoding="utf-8")
        return dict(read(UnitSource(folder, "terraform", boundary=folder)).outputs)


def contradicts(known: Value, open_: Value) -> bool:
    """Whether what is said without the inputs is not what it is with them. Where it is an error with them, anything may be."""
    a, b = known.data, open_.data
    if isinstance(a, (Unknown, Choice)) or isinstance(b, (Unknown, Choice)):
        return isinstance(b, Unknown) and a is None and b.not_null
    if isinstance(b, Text) and b.known is None:
        return not isinstance(a, (str, Text))
    if isinstance(a, (str, Text)):
        return known.text != open_.text
    if isinstance(a, tuple) and isinstance(b, tuple):
        if len(a) < len(b) and any(isinstance(item.data, Unknown) for item in b):
            return False  # of a set, elements that are not known may be the same
        return len(a) != len(b) or any(contradicts(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() != b.keys() or any(contradicts(a[name], b[name]) for name in a)
    return type(a) is not type(b) or a != b


@settings(max_examples=COUNT, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=COUNT < 100)
@given(
    st.lists(EXPRESSIONS, min_size=20, max_size=40),
    st.lists(st.sampled_from(VALUES), min_size=3, max_size=3),
    st.integers(1, 7),
)
def test_monotony(expressions: list[str], values: list[str], hidden: int) -> None:
    """Whatever variables have no value, a result that is known then is the result that they give."""
    expressions = [*expressions, *(f"length({expression})" for expression in expressions)]
    given_values = dict(zip("abc", values, strict=True))
    known = evaluated(expressions, dict(given_values))
    open_ = evaluated(expressions, {n: None if hidden >> k & 1 else v for k, (n, v) in enumerate(given_values.items())})
    wrong = [
        f"{expression}: {known[f'o{n}'].data!r}, {open_[f'o{n}'].data!r}"
        for n, expression in enumerate(expressions)
        if contradicts(known[f"o{n}"], open_[f"o{n}"])
    ]
    assert not wrong, f"{given_values} {hidden}\n" + "\n".join(wrong)


FOUND = {
    'can("x-${var.a}")': "null",
    'try("x-${var.a}", "y")': "null",
    'try(length([upper(var.a)]), "y")': "null",
    "can([var.a.b])": "{}",
    "can([var.a + 1])": '"x"',
    "can([!var.a])": '"x"',
    "length(setunion([var.a], [var.a]))": '"a"',
    'length(setproduct(toset([var.a, "b"]), ["c"]))': '"b"',
    'length(tolist(toset([var.a, "b"])))': '"b"',
    'length([for x in toset([var.a, "b"]) : x])': '"b"',
    'length(toset([var.a, "b"])[*])': '"b"',
}
"""Expressions, with the value of `var.a` that makes them something else than most others do."""


def test_found() -> None:
    """What Terraform says with a value is not said otherwise without it: `try`, `can` and the size of a set stay open."""
    known = [evaluated([expression], {"a": value})["o0"] for expression, value in FOUND.items()]
    open_ = evaluated(list(FOUND), {"a": None})
    for number, (expression, value) in enumerate(zip(FOUND, known, strict=True)):
        assert not contradicts(value, open_[f"o{number}"]), (expression, value.data, open_[f"o{number}"].data)


def printed(data: object) -> str:
    """A value as Terraform's language writes it."""
    if isinstance(data, str):
        escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        text = "".join(escapes.get(c) or (c if c.isprintable() else f"\\U{ord(c):08X}") for c in data)
        return '"' + text.replace("${", "$${").replace("%{", "%%{") + '"'
    if isinstance(data, list):
        return "[" + ", ".join(map(printed, data)) + "]"
    if isinstance(data, dict):
        return "{ " + ", ".join(f"({printed(k)}) = {printed(v)}" for k, v in data.items()) + " }"
    return "null" if data is None else str(data).lower()


TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "Cc"]), max_size=12).filter(
    lambda t: "$${" not in t and "%%{" not in t and unicodedata.is_normalized("NFC", t)
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda d: d),
    TEXTS,
)
DATA = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)), max_leaves=12
)


def plain(value: Value) -> object:
    """A value as Python's."""
    data = value.data
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {name: plain(item) for name, item in data.items()}
    return value.text if value.text is not None else data


@settings(max_examples=COUNT, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=COUNT < 100)
@given(st.lists(DATA, min_size=5, max_size=15))
def test_printed_and_read_back(values: list[object]) -> None:
    """A value that is written as an expression, and the same through JSON, is read as itself."""
    texts = [printed(value) for value in values]
    found = evaluated([*texts, *(f"jsondecode(jsonencode({text}))" for text in texts)], {})
    for number, value in enumerate([*values, *values]):
        got = plain(found[f"o{number}"])
        assert got == value or (isinstance(value, Decimal) and got == Decimal(str(value))), (value, got)
