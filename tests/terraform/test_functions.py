"""Functions that get what they cannot use, and the table of functions itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Unknown
from kmsguard.terraform import read
from kmsguard.terraform.functions import FAMILIES

SPECIAL = {"try", "can"}  # they look at expressions, not at values
OPENTOFU = {"base64gunzip", "cidrcontains", "flip_sensitive", "urldecode"}  # that OpenTofu has beyond Terraform's


def test_every_family_holds_what_it_says() -> None:
    """The index of functions by family and the families agree."""
    for family, names in FAMILIES.items():
        table = import_module(f"kmsguard.terraform.functions.{family}").FUNCTIONS
        assert sorted(table) == sorted(names), family


@pytest.mark.terraform
@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs the real terraform program")
def test_every_function_of_terraform_is_there() -> None:
    """Terraform's own list of functions, with how many arguments they take, is ours."""
    said = subprocess.run(["terraform", "metadata", "functions", "-json"], capture_output=True, text=True, check=True)
    signatures = json.loads(said.stdout)["function_signatures"]
    ours = {name: takes for names in FAMILIES.values() for name, takes in names.items() if not name.startswith("provider::")}
    theirs = {name.removeprefix("core::") for name in signatures}
    assert theirs - set(ours) == SPECIAL
    assert set(ours) - theirs == OPENTOFU
    for name, takes in ours.items():
        if name not in OPENTOFU:
            least = len(signatures[name].get("parameters", []))
            more = "variadic_parameter" in signatures[name]
            # a function that needs one of its variadic arguments says so only when it is called
            assert takes.startswith(str(least)) or (more and takes in ("1+", "2+", "1-3")), name


@pytest.mark.parametrize(
    "argument", ["null", "5", '"x"', "[]", "{}", "[null]", "{ a = null }", "local.unknown", "local.either"]
)
def test_nothing_breaks(tmp_path: Path, argument: str) -> None:
    """Every function takes any kind of argument without breaking: the result is a value or unknown."""
    lines = [
        'variable "open" {}\nvariable "flag" { type = bool }\n',
        'locals {\n  unknown = var.open\n  either  = var.flag ? "x" : null\n}\n',
    ]
    number = 0
    for names in FAMILIES.values():
        for name, takes in names.items():
            least = int(takes.split("-")[0].rstrip("+"))
            for count in {least, least + 1} if takes.endswith("+") or "-" in takes else {least}:
                arguments = ", ".join([argument] * count)
                lines.append(f'output "o{number}" {{\n  value = {name}({arguments})\n}}\n')
                number += 1
    (tmp_path / "main.tf").write_text("".join(lines), encoding="utf-8")
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert len(unit.outputs) == number
    assert not [problem for problem in unit.problems if problem.level == "error"]


def test_too_many_and_too_few_arguments(tmp_path: Path) -> None:
    """A call with the wrong number of arguments is unknown."""
    calls = [
        (name, count)
        for names in FAMILIES.values()
        for name, takes in names.items()
        for count in (int(takes.split("-")[0].rstrip("+")) - 1, 9 if not takes.endswith("+") else -1)
        if count >= 0
    ]
    lines = [
        f'output "{name.replace(":", "_")}_{count}" {{\n  value = {name}({", ".join(["1"] * count)})\n}}\n'
        for name, count in calls
    ]
    (tmp_path / "main.tf").write_text("".join(lines), encoding="utf-8")
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [name for name, value in unit.outputs.items() if not isinstance(value.data, Unknown)] == []


def test_unknown_function(tmp_path: Path) -> None:
    """A function that is not known is a warning, and its result unknown; it hides what it was given."""
    text = 'output "o" {\n  value = provider::time::rfc3339_parse(sensitive("x"))\n  sensitive = true\n}\n'
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [(problem.code, problem.line) for problem in unit.problems] == [("unsupported-function", 2)]
    assert unit.outputs["o"].sensitive


def test_templates_in_templates(tmp_path: Path) -> None:
    """A template calls no other one (Terraform 1.11.4 refuses it); one that is a single `${ }` gives that value, not a text."""
    calls = {
        "list": 'templatefile("list.tftpl", { l = [1, 2] })',
        "number": 'templatefile("one.tftpl", { l = 5 })',
        "null": 'templatefile("one.tftpl", { l = null })',
        "string": "templatestring(local.one, { l = 5 })",
        "nested": 'templatefile("nested.tftpl", {})',
        "caught": 'try(templatefile("nested.tftpl", {}), "no")',
        "inside": 'templatefile("inside.tftpl", { x = "q" })',
    }
    (tmp_path / "list.tftpl").write_text("${[for i in l : i * 2]}", encoding="utf-8")
    (tmp_path / "one.tftpl").write_text("${l}", encoding="utf-8")
    (tmp_path / "nested.tftpl").write_text('${templatefile("one.tftpl", { l = 1 })}', encoding="utf-8")
    (tmp_path / "inside.tftpl").write_text("${templatestring(x, {})}", encoding="utf-8")
    outputs = "".join(f"output {name} {{\n  value = {call}\n}}\n" for name, call in calls.items())
    (tmp_path / "main.tf").write_text(f'locals {{\n  one = "$${{l}}"\n}}\n{outputs}', encoding="utf-8")
    found = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path))).outputs
    assert [item.data for item in found["list"].items] == [2, 4]
    assert (found["number"].data, found["string"].text, found["caught"].text) == (5, "5", "no")
    assert [name for name in calls if isinstance(found[name].data, Unknown)] == ["null", "nested", "inside"]


def test_ephemeral_as_null(tmp_path: Path) -> None:
    """What is ephemeral becomes null, also inside of an object; all else stays (Terraform 1.11.4)."""
    calls = ["var.t", "local.o", '"p-${var.t}"', '[local.o.b, "y"]', "local.o.b"]
    text = 'variable "t" {\n  type      = string\n  ephemeral = true\n  default   = "t"\n}\n'
    text += 'locals {\n  o = { a = var.t, b = "x" }\n}\n'
    text += "".join(f'output "o{n}" {{\n  value = ephemeralasnull({call})\n}}\n' for n, call in enumerate(calls))
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    found = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path))).outputs
    assert [found["o0"].data, found["o2"].data, found["o4"].text] == [None, None, "x"]
    assert {name: item.text for name, item in found["o1"].members.items()} == {"a": None, "b": "x"}
    assert found["o1"].members["a"].data is None
    assert [item.text for item in found["o3"].items] == ["x", "y"]
