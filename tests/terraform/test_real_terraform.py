"""The real Terraform and this package evaluate the same expressions to the same values.

The expressions stand in `real/expressions/*.txt`, one a line; between `<<<` and `>>>` one that has several lines. `ahead:` in
front of one says that we know more than Terraform does (`false && unknown`), and `type:` that a variable of a module gets a
value: `type: list(string) <- [1]`, with more arguments of the variable behind ` | `. A line `calls: substr("a" ; 0 ; 1)` stands
for that call, and for those in which each argument is replaced by what it may not expect.

What Terraform says of them stands in `real/recorded.json`, with its version. `pytest --update` where the program is installed
records it again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.terraform import read

REAL = Path(__file__).parent / "real"
RECORDED = REAL / "recorded.json"
TERRAFORM = shutil.which("terraform")
UNKNOWN = "(unknown)"
NUMBER = "(number) "
BATCH = 150
STATIC = ("hcl-syntax", "undeclared-reference", "invalid-type", "not-constant", "invalid-value")
UNEXPECTED = ("null", "local.u_any", "[]", "{}", '""', "5", '"5"', "-1.5", "true", '["a"]', '{ a = "b" }', "[null]")


def entries() -> list[tuple[str, bool]]:
    """The expressions of the lists, and whether we may know more of them than Terraform does."""
    out: dict[str, bool] = {}
    for path in sorted((REAL / "expressions").glob("*.txt")):
        lines = iter(path.read_text(encoding="utf-8").splitlines())
        for line in lines:
            if not line or line.startswith("# "):
                continue
            text = line
            if line == "<<<":
                text = "\n".join(iter(lambda: next(lines), ">>>"))  # noqa: B023 - used at once
            if text.startswith("calls: "):
                for call in calls(text.removeprefix("calls: ")):
                    out.setdefault(call, False)
                continue
            out[text.removeprefix("ahead: ")] = text.startswith("ahead: ")
    return list(out.items())


def calls(pattern: str) -> list[str]:
    """A call, and the same with each of its arguments replaced by others."""
    name, _, rest = pattern.partition("(")
    arguments = rest.removesuffix(")").split(" ; ")
    out = [f"{name}({', '.join(arguments)})", f"{name}({', '.join(arguments[:-1])})", f"{name}({', '.join([*arguments, '1'])})"]
    for number, argument in enumerate(arguments):
        for other in (*UNEXPECTED, f"sensitive({argument})"):
            changed = f"{name}({', '.join([*arguments[:number], other, *arguments[number + 1 :]])})"
            out.append(f"issensitive({changed})" if other.startswith("sensitive(") else changed)
    return out


def write(folder: Path, number: int, text: str) -> None:
    """An expression as an output of a root module."""
    if not text.startswith("type: "):
        code = f'output "e{number}" {{\n  value     = {text}\n  sensitive = true\n}}\n'
    else:
        constraint, _, value = text.removeprefix("type: ").rpartition(" <- ")
        arguments = "\n  ".join(constraint.split(" | "))
        module = folder / f"m{number}"
        module.mkdir(exist_ok=True)
        code = f'variable "v" {{\n  type = {arguments}\n}}\n\noutput "o" {{\n  value     = var.v\n  sensitive = true\n}}\n'
        (module / "main.tf").write_text(code, encoding="utf-8")
        argument = "" if value == "(nothing)" else f"  v      = {value}\n"
        code = f'module "m{number}" {{\n  source = "./m{number}"\n{argument}}}\n\n'
        code += f'output "e{number}" {{\n  value     = module.m{number}.o\n  sensitive = true\n}}\n'
    (folder / f"e{number}.tf").write_text(code, encoding="utf-8")


# --- what we say ------------------------------------------------------------------------------------------------------------


def number_of(data: Decimal | float) -> object:
    """A number as it is recorded: a fraction as its digits."""
    return data if isinstance(data, int) else f"{NUMBER}{data if isinstance(data, Decimal) else Decimal(repr(data)):f}"


def plain(value: Value) -> object:
    """A value as the plan shows it."""
    data = value.data
    if isinstance(data, Text):
        return UNKNOWN if data.known is None else data.known
    if isinstance(data, (Unknown, Choice)):
        return UNKNOWN
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, dict):
        return {name: plain(item) for name, item in data.items()}
    if isinstance(data, (int, float, Decimal)) and not isinstance(data, bool):
        return number_of(data)
    assert data is None or isinstance(data, (str, bool)), data
    return data


class Ours:
    """What we make of expressions: their values, and those of which we say that something is wrong with them."""

    def __init__(self, folder: Path, texts: list[str]) -> None:
        shutil.copytree(REAL / "data", folder / "data")
        shutil.copy(REAL / "main.tf", folder / "main.tf")
        for number, text in enumerate(texts):
            write(folder, number, text)
        unit = read(UnitSource(str(folder), "terraform", boundary=str(folder)))
        self.values = {text: plain(unit.outputs[f"e{number}"]) for number, text in enumerate(texts)}
        places = [(p.code, number) for p in unit.problems for number in re.findall(r"[em](\d+)(?:/main)?\.tf$", p.file)]
        self.refused = {texts[int(number)] for _, number in places}
        # an error before anything is evaluated; what can be read all the same has its value
        self.static = {texts[int(number)] for code, number in places if code in STATIC}


# --- what Terraform says ----------------------------------------------------------------------------------------------------


def planned(after: object, unknown: object) -> object:
    """What the plan says of an output: its value, with what is not known in it."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict):
        known = after if isinstance(after, dict) else {}
        return {name: planned(known.get(name), unknown.get(name)) for name in {**known, **unknown}}
    if isinstance(unknown, list):
        known_list = after if isinstance(after, list) else []
        size = max(len(known_list), len(unknown))
        return [
            planned(known_list[n] if n < len(known_list) else None, unknown[n] if n < len(unknown) else None)
            for n in range(size)
        ]
    if isinstance(after, dict):
        return {name: planned(item, None) for name, item in after.items()}
    if isinstance(after, list):
        return [planned(item, None) for item in after]
    return number_of(after) if isinstance(after, Decimal) else after


class Real:
    """A root module with one output for each expression, planned by the real program."""

    def __init__(self, folder: Path, texts: list[str]) -> None:
        self.folder = folder
        self.texts = texts
        self.environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": os.devnull}
        self.errors: dict[int, str] = {}
        folder.mkdir()
        shutil.copytree(REAL / "data", folder / "data")
        shutil.copy(REAL / "main.tf", folder / "main.tf")
        for number, text in enumerate(texts):
            write(folder, number, text)

    def run(self, *arguments: str) -> str:
        """Runs the program in the folder; what it writes to standard output."""
        return subprocess.run(
            [TERRAFORM or "terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def refuse(self, output: str) -> bool:
        """Takes out the expressions that are errors; whether there were any. An error without place is that of a lonely one."""
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        errors = [line["diagnostic"] for line in lines if line.get("diagnostic", {}).get("severity") == "error"]
        wrong = {}
        for error in errors:
            found = re.fullmatch(r"[em](\d+)(?:/main)?\.tf", error.get("range", {}).get("filename", ""))
            text = " ".join(f"{error['summary']}: {error.get('detail', '')}".split())
            if found is not None:
                wrong.setdefault(int(found[1]), text)
            elif len(self.texts) == 1:
                wrong.setdefault(0, text)
        for number in wrong:
            (self.folder / f"e{number}.tf").unlink(missing_ok=True)
            shutil.rmtree(self.folder / f"m{number}", ignore_errors=True)
        self.errors.update(wrong)
        self.placeless = bool(errors) and not wrong
        return bool(wrong)

    def says(self) -> dict[str, dict[str, object]]:
        """What each expression is: its value, or the error."""
        self.placeless = False
        while self.refuse(self.run("init", "-json", "-input=false")):
            pass
        while not self.placeless and self.refuse(
            self.run("plan", "-json", "-input=false", "-lock=false", "-refresh=false", "-out=p")
        ):
            pass
        if self.placeless:
            half = len(self.texts) // 2
            parts = {"a": self.texts[:half], "b": self.texts[half:]}
            return {k: v for name, texts in parts.items() for k, v in Real(self.folder / name, texts).says().items()}
        changes = json.loads(self.run("show", "-json", "p"), parse_float=Decimal).get("output_changes", {})
        out: dict[str, dict[str, object]] = {}
        for number, text in enumerate(self.texts):
            if number in self.errors:
                out[text] = {"error": self.errors[number]}
            else:
                change = changes.get(f"e{number}", {})
                out[text] = {"value": planned(change.get("after"), change.get("after_unknown"))}
        return out


# --- tests ------------------------------------------------------------------------------------------------------------------


def same(mine: object, wanted: object) -> bool:
    """Whether two recorded values are the same one; numbers that are no whole ones but for their last digits."""
    if isinstance(wanted, str) and isinstance(mine, str) and wanted.startswith(NUMBER) and mine.startswith(NUMBER):
        a, b = Decimal(mine[len(NUMBER) :]), Decimal(wanted[len(NUMBER) :])
        return abs(a - b) <= abs(b) * Decimal("1e-150")
    if isinstance(wanted, dict) and isinstance(mine, dict):
        return mine.keys() == wanted.keys() and all(same(mine[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(mine, list):
        return len(mine) == len(wanted) and all(same(a, b) for a, b in zip(mine, wanted, strict=True))
    return type(mine) is type(wanted) and mine == wanted


def test_same_as_recorded(tmp_path: Path) -> None:
    """What Terraform makes of an expression is what we make of it, and what it refuses is a problem at its place."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["expressions"]
    lines = entries()
    assert len(lines) > 1000
    ours = Ours(tmp_path, [text for text, _ in lines])
    differences = []
    for text, ahead in lines:
        mine, wanted = ours.values[text], recorded[text]
        if "error" in wanted:
            if mine != UNKNOWN and text not in ours.static:
                differences.append(f"{text}\n    is an error ({wanted['error']}), ours is {mine!r}")
            elif text not in ours.refused:
                differences.append(f"{text}\n    is an error ({wanted['error']}), we do not say so")
        elif ahead:
            if wanted["value"] == mine or UNKNOWN not in str(wanted["value"]):
                differences.append(f"{text}\n    {wanted['value']!r}: we do not know more")
        elif not same(mine, wanted["value"]):
            differences.append(f"{text}\n    {wanted['value']!r}, ours is {mine!r}")
        elif text in ours.refused:
            differences.append(f"{text}\n    is no error, but we say that something is wrong")
    assert not differences, "\n".join([f"{len(differences)} of {len(lines)}:", *differences])


@pytest.mark.terraform
@pytest.mark.skipif(TERRAFORM is None, reason="needs the real terraform program")
def test_recorded_is_what_terraform_says(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The recorded values are those of the real program; a part of them, or all where they are recorded again."""
    update = request.config.getoption("--update")
    texts = [text for text, _ in entries()]
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {"expressions": {}}
    if not update and not os.environ.get("KMSGUARD_LONG"):
        texts = texts[:: max(1, len(texts) // BATCH)]
    said: dict[str, dict[str, object]] = {}
    for at in range(0, len(texts), BATCH):
        said.update(Real(tmp_path / f"real{at}", texts[at : at + BATCH]).says())
    if update:
        version = json.loads(subprocess.run([TERRAFORM or "", "version", "-json"], capture_output=True, check=True).stdout)
        lines = [f"{json.dumps(text)}: {json.dumps(said[text], sort_keys=True)}" for text in sorted(said)]
        head = f'{{"terraform": {json.dumps(version["terraform_version"])}, "expressions": {{\n'
        RECORDED.write_text(head + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
        return
    changed = [text for text in texts if "error" not in said[text] and said[text] != recorded["expressions"].get(text)]
    assert changed == []
