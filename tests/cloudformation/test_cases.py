"""Templates and what they evaluate to: cases/<case>/template.* with expect.json.

`expect.json` says what the case is about (`fact`), what it is read with (`settings`), and what must come of it. Values are
JSON; what is no plain value is a map: `{"?": reference}` unknown, `{"text": […]}` a text with holes, `{"absent": true}`
nothing, `{"when": [[guard, value], …]}` what hangs on conditions, `{"encodes": value, "in": encoding}` what an encoder made.
Addresses, problems, outputs and exports must be just those; of the values those that are named. `places` names the text that
stands at a value's span, `entries` that at its place, `trails` its way, oldest step first.
"""

import json
from pathlib import Path

import pytest

from kmsguard.cloudformation import read
from kmsguard.model.declaration import Declaration, Unit, UnitSettings, UnitSource
from kmsguard.model.guard import show
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value

CASES = Path(__file__).parent / "cases"


def plain(value: Value):
    """A value as the expectations write it."""
    data = value.data
    if isinstance(data, dict):
        return {name: plain(member) for name, member in data.items()}
    if isinstance(data, tuple):
        return [plain(item) for item in data]
    if isinstance(data, Unknown):
        return {"?": data.reference if data.reference is not None else data.reason}
    if isinstance(data, Choice):
        return {"when": [[show(branch.guard), plain(branch.value)] for branch in data.branches]}
    if data is ABSENT:
        return {"absent": True}
    if isinstance(data, Text):
        if data.encodes is not None:
            return {"encodes": plain(data.encodes), "in": data.encoding, **({"text": data.known} if data.known else {})}
        if data.known is not None:
            return data.known
        runs: list = []
        for piece in data.pieces:
            if isinstance(piece.data, str) and runs and isinstance(runs[-1], str):
                runs[-1] += piece.data
            else:
                runs.append(plain(piece))
        return {"text": runs}
    return data


def at(unit: Unit, path: str) -> Value:
    """The value at `Address/Property/0/…`."""
    address, *steps = path.split("/")
    value = next(d.body for d in unit.declarations if d.address == address and d.mode != "output")
    for step in steps:
        value = value.items[int(step)] if step.isdigit() else value.members[step]
    return value


def settings_of(said: dict) -> UnitSettings:
    """The settings of a case."""
    return UnitSettings(
        account=said.get("account"),
        region=said.get("region"),
        variables=tuple((said.get("parameters") or {}).items()),
        parameter_files=tuple(said.get("parameter_files") or ()),
        all_values=said.get("all_values", False),
    )


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case, monkeypatch):
    """A template evaluates to what its case expects."""
    monkeypatch.chdir(CASES / case)
    expect = json.loads(Path("expect.json").read_text(encoding="utf-8"))
    template = next(str(path) for path in sorted(Path().glob("template.*")))
    unit = read(UnitSource(template, "cloudformation", settings_of(expect.get("settings") or {})))
    problems = [f"{p.level} {p.code} {p.file}:{p.line}" for p in unit.problems]
    assert problems == expect.get("problems", [])
    resources = {d.address: d for d in unit.declarations if d.mode == "managed"}
    assert list(resources) == list(expect["resources"])
    for address, said in expect["resources"].items():
        check_resource(resources[address], said)
    if "constraints" in expect:
        assert [show(formula) for formula in unit.constraints] == expect["constraints"]
    for name in ("outputs", "exports"):
        if name in expect:
            assert found(unit, name) == expect[name]
    for path, text in (expect.get("places") or {}).items():
        span = at(unit, path).span
        assert span is not None
        assert (path, unit.sources[span.file].slice(span)) == (path, text)
    for path, text in (expect.get("entries") or {}).items():
        place = at(unit, path).place
        assert place is not None
        assert (path, unit.sources[place.file].slice(place)) == (path, text)
    for path, steps in (expect.get("trails") or {}).items():
        trail = at(unit, path).trail
        chain = trail.chain() if trail is not None else []
        assert [f"{s.what} {s.name} {s.span.start_line if s.span else '-'}" for s in chain] == steps


def check_resource(declaration: Declaration, said: dict) -> None:
    """What is said of a resource holds."""
    assert (declaration.address, show(declaration.exists)) == (declaration.address, said.get("exists", "yes"))
    for name, value in said.get("values", {}).items():
        member = declaration.body.members.get(name)
        assert (name, plain(member) if member is not None else {"absent": True}) == (name, value)
    if "type" in said:
        assert declaration.type == said["type"]
    if "sensitive" in said:
        assert [name for name, value in declaration.body.members.items() if value.sensitive] == said["sensitive"]
    if "comments" in said:
        assert [comment.text for comment in declaration.comments] == said["comments"]
    if "calls" in said:
        assert [call.address for call in declaration.calls] == said["calls"]


def found(unit: Unit, name: str):
    """The outputs or exports of a unit."""
    if name == "outputs":
        return {output: plain(value) for output, value in unit.outputs.items()}
    return [[plain(export.name), plain(export.value)] for export in unit.exports]
