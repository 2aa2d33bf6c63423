"""Code that would take for ever, or fill the memory, ends with a warning and unknown values."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kmsguard.model.declaration import Unit, UnitSource
from kmsguard.model.value import Unknown
from kmsguard.terraform import evaluate, read, scope
from kmsguard.terraform.functions import encoding


def read_text(folder: Path, text: str) -> Unit:
    """A root module of one file."""
    (folder / "main.tf").write_text(text, encoding="utf-8")
    return read(UnitSource(str(folder), "terraform", boundary=str(folder)))


def codes(unit: Unit) -> set[str]:
    """The codes of the unit's problems."""
    return {problem.code for problem in unit.problems}


def test_chains_of_locals_that_are_too_deep(tmp_path: Path) -> None:
    """What is nested deeper than can be followed is unknown with a warning."""
    chain = "".join(f"  l{n} = [local.l{n + 1}]\n" for n in range(2000))
    unit = read_text(tmp_path, f'locals {{\n{chain}  l2000 = 1\n}}\noutput "deep" {{\n  value = local.l0\n}}\n')
    assert "too-deep" in codes(unit)


def test_loops_in_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops in loops end after so many steps; what was evaluated before stays."""
    monkeypatch.setattr(evaluate, "MOST_STEPS", 20_000)
    monkeypatch.setattr(scope, "MOST_STEPS", 20_000)
    text = (
        'output "a_before" { value = 1 + 1 }\n'
        'output "loops" { value = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]] }\n'
        'output "z_after" { value = 1 + 1 }\n'
    )
    unit = read_text(tmp_path, text)
    assert "too-large" in codes(unit)
    assert unit.outputs["a_before"].data == 2
    assert isinstance(unit.outputs["z_after"].data, Unknown)


def test_loops_in_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops of a template end after so many steps too, also where they hold text alone."""
    monkeypatch.setattr(evaluate, "MOST_STEPS", 20_000)
    monkeypatch.setattr(scope, "MOST_STEPS", 20_000)
    loops = "%{ for a in n }%{ for b in n }%{ for c in n }x%{ endfor }%{ endfor }%{ endfor }"
    (tmp_path / "t.tftpl").write_text(loops, encoding="utf-8")
    unit = read_text(tmp_path, 'output "o" { value = templatefile("t.tftpl", { n = range(1000) }) }\n')
    assert [(problem.code, Path(problem.file).name) for problem in unit.problems] == [("too-large", "t.tftpl")]
    assert unit.outputs["o"].text is None


def test_a_large_product_is_told(tmp_path: Path) -> None:
    """A product of a million rows is not made; a problem says so at its place."""
    text = (
        'locals {\n  all = { for p in setproduct(range(1000), range(1000)) : join("-", p) => p }\n}\n'
        'resource "aws_sqs_queue" "q" {\n  for_each = local.all\n  name     = each.key\n}\n'
    )
    unit = read_text(tmp_path, text)
    assert [(problem.code, problem.line, problem.column) for problem in unit.problems] == [("too-large", 2, 20)]
    assert len(unit.declarations) == 1


def test_doubling_lists_and_texts(tmp_path: Path) -> None:
    """Names that double what another name holds, forty times, end in an unknown value."""
    lists = "".join(f"  l{n} = [local.l{n + 1}, local.l{n + 1}]\n" for n in range(40))
    texts = "".join(f'  t{n} = "${{local.t{n + 1}}}${{local.t{n + 1}}}"\n' for n in range(40))
    outputs = 'output "list" { value = local.l0 }\noutput "text" { value = jsonencode(local.t0) }\n'
    started = time.monotonic()
    unit = read_text(tmp_path, f'locals {{\n{lists}  l40 = "x"\n{texts}  t40 = "0123456789"\n}}\n{outputs}')
    assert "too-large" in codes(unit)
    assert time.monotonic() - started < 20


def test_quotes_that_are_encoded_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote doubles each time its text is encoded: sixty names end in an unknown value."""
    monkeypatch.setattr(encoding, "MOST_CHARACTERS", 50_000)
    texts = "".join(f"  t{n} = jsonencode({{ a = local.t{n + 1} }})\n" for n in range(60))
    unit = read_text(tmp_path, f'locals {{\n{texts}  t60 = "x"\n}}\noutput "text" {{ value = local.t0 }}\n')
    text = unit.outputs["text"].data
    assert sum(len(piece.data) for piece in text.pieces if isinstance(piece.data, str)) <= 50_000


def test_numbers_that_grow(tmp_path: Path) -> None:
    """Squaring a number forty times ends in an error of that expression."""
    squares = "".join(f"  n{n} = local.n{n + 1} * local.n{n + 1}\n" for n in range(40))
    unit = read_text(tmp_path, f'locals {{\n{squares}  n40 = 7\n}}\noutput "number" {{ value = local.n0 }}\n')
    assert isinstance(unit.outputs["number"].data, Unknown)


@pytest.mark.parametrize(
    "expression",
    [
        'regex("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")',
        'format("%999999999d", 1)',
        'indent(999999999, "a\\nb")',
        "range(100000000)",
        "setproduct(range(1000), range(1000), range(1000))",
        "pow(10, 100000)",
        'parseint("9", 99)',
        'cidrsubnets("10.0.0.0/8", 999)',
        "1e999999 * 1e999999",
    ],
)
def test_calls_that_would_be_too_much(tmp_path: Path, expression: str) -> None:
    """A call whose result would be too large, or take too long, is unknown."""
    started = time.monotonic()
    unit = read_text(tmp_path, f'output "o" {{\n  value = {expression}\n}}\n')
    assert isinstance(unit.outputs["o"].data, Unknown)
    assert time.monotonic() - started < 5


def test_too_many_instances(tmp_path: Path) -> None:
    """Of a hundred thousand instances the first ten thousand are read, with a warning."""
    unit = read_text(tmp_path, 'resource "aws_kms_key" "k" {\n  count = 100000\n}\n')
    assert "too-many-instances" in codes(unit)
    assert len(unit.declarations) == 10_000


def test_many_conditions(tmp_path: Path) -> None:
    """Twelve open bools in one text are more combinations than are told apart: the text is unknown, and says why."""
    names = [f"b{n}" for n in range(12)]
    variables = "".join(f'variable "{name}" {{ type = bool }}\n' for name in names)
    holes = "".join(f'${{var.{name} ? "x" : "y"}}' for name in names)
    unit = read_text(tmp_path, f'{variables}output "o" {{ value = sha256("{holes}") }}\n')
    value = unit.outputs["o"]
    assert isinstance(value.data, Unknown)
    assert value.data.reference == "var.b0"


def test_growth_is_linear(tmp_path: Path) -> None:
    """Many keys, many statements of a document and many instances that refer to each other are not compared pair by pair."""
    many = 3_000
    keys = "".join(f'    "k{n}" = "v{n}"\n' for n in range(many))
    statements = "".join(f'  statement {{\n    sid     = "s{n}"\n    actions = ["kms:*"]\n  }}\n' for n in range(1_000))
    text = (
        f"locals {{\n  all = {{\n{keys}  }}\n}}\n"
        'resource "aws_kms_key" "k" {\n  for_each    = local.all\n  description = each.value\n}\n'
        'resource "aws_sqs_queue" "q" {\n  for_each          = aws_kms_key.k\n'
        "  kms_master_key_id = aws_kms_key.k[each.key].description\n}\n"
        f'data "aws_iam_policy_document" "d" {{\n{statements}}}\n'
        'output "document" { value = data.aws_iam_policy_document.d.json }\n'
    )
    started = time.process_time()
    unit = read_text(tmp_path, text)
    assert len(unit.declarations) > 2 * many
    assert time.process_time() - started < 4  # half a second; pair by pair it is fifteen


def test_modules_that_call_others_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that each call the next one twice are any number: so many are read, and the rest is told."""
    monkeypatch.setattr(scope, "MOST_RESOURCES", 100)
    calls = 'module "a" {\n  source = "../m%d"\n}\nmodule "b" {\n  source = "../m%d"\n}\n'
    for level in range(20):
        (tmp_path / f"m{level}").mkdir()
        text = calls % (level + 1, level + 1) if level < 19 else 'resource "aws_sqs_queue" "q" {}\n'
        (tmp_path / f"m{level}/main.tf").write_text(text)
    unit = read_text(tmp_path, 'module "top" {\n  source = "./m0"\n}\nresource "aws_kms_key" "own" {}\n')
    assert "too-many-instances" in codes(unit)
    assert "aws_kms_key.own" in [declaration.address for declaration in unit.declarations]


def test_loops_that_ask_the_same_of_a_list(tmp_path: Path) -> None:
    """What every round asks of one list of 10,000 elements costs no search of it each time: eight loops in a few seconds."""
    names = ", ".join(f'"k{n}"' for n in range(10_000))
    loops = {
        "at": "[for x in local.l : index(local.l, x)][9999]",
        "absent": '[for x in local.l : contains(local.l, "z${x}")][9999]',
        "object": "[for x in local.d : index(local.d, x)][9999]",
        "part": "[for i, x in local.l : slice(local.l, i, i + 1)][9999][0]",
        "rest": "length([for x in local.l : x if length(setsubtract([x], local.l)) == 0])",
        "found": 'lookup({ for x in local.l : x => x }, "k7", "")',
        "keyed": "matchkeys(local.l, local.l, local.l)[9999]",
        "merged": "length(merge([for x in local.l : { (x) = 1 }]...))",
    }
    outputs = "".join(f'output "{name}" {{\n  value = {text}\n}}\n' for name, text in loops.items())
    started = time.monotonic()
    unit = read_text(tmp_path, f"locals {{\n  l = [{names}]\n  d = [for x in local.l : {{ name = x }}]\n}}\n{outputs}")
    assert unit.problems == ()
    assert {name: unit.outputs[name].text or unit.outputs[name].data for name in loops} == {
        "at": 9999,
        "absent": False,
        "object": 9999,
        "part": "k9999",
        "rest": 10_000,
        "found": "k7",
        "keyed": "k9999",
        "merged": 10_000,
    }
    assert time.monotonic() - started < 30  # each of them alone took minutes
