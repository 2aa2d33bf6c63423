"""Root modules and what they evaluate to: cases/<case>/ with expect.json.

`expect.json` says what the case is about (`fact`), what it is read with (`settings`; `root` where the root module is a folder
of the case), and what must come of it. `resources` are just those that there are; of each the named things must be as said, in
the shape of `kmsguard evaluate`: `values` by argument, `unknown` by JSON pointer, `exists_when`. `outputs` likewise. `problems`
are all there are. `places` names the text that stands at a value's span, `entries` that at its place, `trails` its way, oldest
step first, `refs` the attributes that it was taken from, and `targets` the symbolic values; all by `address/argument/0/…`.
"""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from kmsguard.model.declaration import Declaration, Unit, UnitSettings, UnitSource
from kmsguard.model.guard import All, Atom, Formula, Not, show
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value
from kmsguard.terraform import read

CASES = Path(__file__).parent / "cases"
MODES = ("managed", "data")


def when(guard: Formula) -> dict[str, bool]:
    """The conditions that a guard asks for, and their outcomes."""
    if isinstance(guard, All):
        return {name: outcome for part in guard.of for name, outcome in when(part).items()}
    if isinstance(guard, Not):
        return (
            {name: not outcome for name, outcome in when(guard.of).items()}
            if isinstance(guard.of, Atom)
            else {show(guard): True}
        )
    if isinstance(guard, Atom) and guard.value is False:
        return {guard.subject: False}
    return {show(guard): True}


class Plain:
    """A value in the shape of `kmsguard evaluate`, but for texts with holes, whose literal parts are kept."""

    def __init__(self) -> None:
        self.unknown: dict[str, dict] = {}
        self.sensitive: list[str] = []

    def of(self, value: Value, pointer: str = "") -> object:
        """The value; what is unknown of it is noted by JSON pointer."""
        data = value.data
        if value.sensitive:
            self.sensitive.append(pointer)
        if isinstance(data, dict):
            return {name: self.of(member, f"{pointer}/{name}") for name, member in data.items()}
        if isinstance(data, tuple):
            return [self.of(item, f"{pointer}/{number}") for number, item in enumerate(data)]
        if isinstance(data, Unknown):
            self.unknown[pointer] = {"reason": data.reason, **({"reference": data.reference} if data.reference else {})}
            return None
        if isinstance(data, Choice):
            self.unknown[pointer] = {"choices": [{"when": when(b.guard), "value": branch(b.value)} for b in data.branches]}
            return None
        if data is ABSENT:
            return "(absent)"
        if isinstance(data, Text):
            return data.known if data.known is not None else "".join(hole(piece) for piece in data.pieces)
        return float(data) if isinstance(data, Decimal) else data


def branch(value: Value) -> object:
    """A branch, with what is unknown of it in place."""
    plain = Plain()
    made = plain.of(value)
    if plain.unknown:
        return {"value": made, "unknown": plain.unknown} if made is not None else {"unknown": plain.unknown[""]}
    return made


def hole(piece: Value) -> str:
    """A piece of a text, holes as `<reference>`."""
    data = piece.data
    if isinstance(data, str):
        return data
    if isinstance(data, Unknown):
        return f"<{data.reference or data.reason}>"
    assert isinstance(data, Choice)
    return "<" + "|".join(f"{show(b.guard)}: {branch(b.value)}" for b in data.branches) + ">"


def settings_of(said: dict) -> UnitSettings:
    """The settings of a case."""
    return UnitSettings(
        account=said.get("account"),
        region=said.get("region"),
        workspace=said.get("workspace", "default"),
        variables=tuple(said.get("variables", {}).items()),
        variable_files=tuple(said.get("variable_files", ())),
        environment=tuple(said.get("environment", {}).items()),
        all_values=said.get("all_values", False),
        follow_modules=said.get("follow_modules", True),
    )


def at(unit: Unit, path: str) -> Value:
    """The value at `address/argument/0/…`."""
    # an address may hold slashes: the longest one that fits
    for declaration in sorted(unit.declarations, key=lambda d: -len(d.address)):
        if path.startswith(declaration.address + "/"):
            value = declaration.body
            for step in path[len(declaration.address) + 1 :].split("/"):
                data = value.data
                if isinstance(data, Text) and step == "encodes":
                    assert data.encodes is not None
                    value = data.encodes
                elif isinstance(data, Choice):
                    value = data.branches[int(step)].value
                else:
                    value = value.items[int(step)] if step.isdigit() else value.members[step]
            return value
    raise AssertionError(f"there is no {path}")


def text_at(unit: Unit, span: Span | None) -> str | None:
    """The text that stands at a place."""
    return None if span is None else unit.sources[span.file].slice(span)


def place(span: Span | None) -> str:
    """A place as file and line."""
    return "" if span is None else f" {span.file}:{span.start_line}"


def described(declaration: Declaration, wanted: dict) -> dict:
    """What a declaration is, as far as the case asks for it."""
    plain = Plain()
    values = plain.of(declaration.body)
    assert isinstance(values, dict)
    exists = declaration.exists
    everything = {
        "exists": "yes" if exists is Truth.YES else "unknown",
        "exists_when": None if isinstance(exists, Truth) else when(exists),
        "exists_reason": declaration.exists_reason,
        "provider": declaration.provider.name,
        "region": branch(declaration.provider.region) if declaration.provider.region is not None else None,
        "account": branch(declaration.provider.account) if declaration.provider.account is not None else None,
        "values": {name: values.get(name, "(not there)") for name in wanted.get("values", {})},
        "all_values": values,
        "unknown": {pointer: plain.unknown.get(pointer, "(known)") for pointer in wanted.get("unknown", {})},
        "sensitive": plain.sensitive,
        "calls": [call.address for call in declaration.calls],
        "line": f"{declaration.span.file}:{declaration.span.start_line}",
    }
    # what hangs on nothing is not said
    for key in ("exists_when", "exists_reason"):
        if everything[key] is not None and everything["exists"] == "unknown":
            wanted.setdefault(key, None)
    return {key: everything[key] for key in wanted}


def output(value: Value) -> dict:
    """An output in the shape of `kmsguard evaluate`."""
    plain = Plain()
    made = {"value": plain.of(value), **({"unknown": plain.unknown} if plain.unknown else {})}
    return {**made, **({"sensitive": plain.sensitive} if plain.sensitive else {})}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root module evaluates to what its case expects."""
    monkeypatch.chdir(CASES / case)
    expect = json.loads(Path("expect.json").read_text(encoding="utf-8"))
    source = UnitSource(expect.get("root", "."), "terraform", settings_of(expect.get("settings", {})))
    unit = read(source)
    assert [f"{p.level} {p.code} {p.file}:{p.line}" for p in unit.problems] == expect.get("problems", [])
    declarations = {d.address: d for d in unit.declarations}
    assert len(declarations) == len(unit.declarations), "addresses are unique"
    resources = expect.get("resources", {})
    assert sorted(d.address for d in unit.declarations if d.mode in MODES) == sorted(resources)
    others = expect.get("others", {})
    for address, wanted in {**resources, **others}.items():
        assert described(declarations[address], wanted) == wanted, address
    outputs = {name: output(value) for name, value in unit.outputs.items()}
    assert outputs == expect.get("outputs", {})
    assert {path: text_at(unit, at(unit, path).span) for path in expect.get("places", {})} == expect.get("places", {})
    assert {path: text_at(unit, at(unit, path).place) for path in expect.get("entries", {})} == expect.get("entries", {})
    trails = {
        path: [f"{step.what} {step.name}{place(step.span)}" for step in trail.chain()]
        if (trail := at(unit, path).trail)
        else []
        for path in expect.get("trails", {})
    }
    assert trails == expect.get("trails", {})
    refs = {path: [f"{ref.address}#{ref.attribute}" for ref in at(unit, path).refs] for path in expect.get("refs", {})}
    assert refs == expect.get("refs", {})
    targets = {path: (t := at(unit, path).target) and f"{t.address}#{t.attribute}" for path in expect.get("targets", {})}
    assert targets == expect.get("targets", {})
    encoded = {
        path: branch(d.encodes)
        for path in expect.get("encodes", {})
        if isinstance(d := at(unit, path).data, Text) and d.encodes
    }
    assert encoded == expect.get("encodes", {})
    if "state" in expect:
        assert unit.state == expect["state"]
    assert len(pickle.loads(pickle.dumps(unit)).declarations) == len(unit.declarations)
