"""What the code evaluates to: every resource with its values, what is unknown of them and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from kmsguard.model.declaration import Declaration, Problem, Unit
from kmsguard.model.finding import Judgement
from kmsguard.model.guard import All, Atom, Formula, Named, Not, show
from kmsguard.model.redaction import mask
from kmsguard.model.resource import Graph
from kmsguard.model.rule import JudgeSettings
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value, flatten, map_choices
from kmsguard.scan.discover import discover
from kmsguard.scan.read import Progress, read_all
from kmsguard.scan.redact import Secrets, secrets_of
from kmsguard.scan.run import build_graph, complete, load_rules, told
from kmsguard.scan.settings import Settings

FORMAT_VERSION = 1


def evaluate(
    paths: Sequence[str],
    settings: Settings,
    *,
    progress: Progress = lambda _what, _done, _of: None,
    stdin: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """The tree of `kmsguard evaluate`, and whether everything could be read.

    Raises:
        UsageError: for mistakes in the configuration or a rule pack.
    """
    settings = complete(settings)
    problems: list[Problem] = []
    discovery = discover(paths, settings, stdin)
    problems.extend(discovery.problems)
    units = [one.unit for one in read_all(discovery, settings, None, progress, problems)]
    secrets = _secrets(units, settings, problems)
    errors = told(problems, settings)
    tree = {
        "format_version": FORMAT_VERSION,
        "units": [_unit(unit, secrets) for unit in units],
        "errors": errors,
    }
    return tree, not any(problem.level == "error" for problem in errors)


def _secrets(units: Sequence[Unit], settings: Settings, problems: list[Problem]) -> Secrets:
    """What the rules about secrets find, whatever rules the settings select."""
    from kmsguard.rules.judge import judge

    found: list[Judgement] = []
    graphs: list[Graph] = []
    for unit in units:
        graph = build_graph([unit], settings, problems)
        judged = judge(graph, load_rules(settings), JudgeSettings(profile="strict", select=("plaintext-secret",)))
        problems.extend(judged.problems)
        found.extend(judged.judgements)
        graphs.append(graph)
    return secrets_of(graphs, found)


def _unit(unit: Unit, secrets: Secrets) -> dict[str, Any]:
    return {
        "path": unit.path,
        "dialect": unit.dialect,
        "resources": [
            _resource(declaration, unit, secrets)
            for declaration in unit.declarations
            if declaration.mode in ("managed", "data") and declaration.exists is not Truth.NO
        ],
        "outputs": {name: _output(value, secrets) for name, value in unit.outputs.items()},
    }


def _resource(declaration: Declaration, unit: Unit, secrets: Secrets) -> dict[str, Any]:
    plain = _Plain(secrets)
    values = plain.of(declaration.body, "")
    exists = declaration.exists
    resource: dict[str, Any] = {
        "address": secrets.address(declaration.address),
        "type": declaration.type,
        "mode": declaration.mode,
        "exists": "yes" if exists is Truth.YES else "unknown",
        "exists_when": None if isinstance(exists, Truth) else _when(exists, secrets),
    }
    if declaration.exists_reason is not None and exists is not Truth.YES:
        resource["exists_reason"] = secrets.text(declaration.exists_reason)
    resource |= {
        "region": _text_or(declaration.provider.region, unit.region),
        "account": _text_or(declaration.provider.account, unit.account),
        "values": values,
        "unknown": plain.unknown,
        "sensitive": plain.sensitive,
        "location": declaration.span,
    }
    return resource


def _output(value: Value, secrets: Secrets) -> dict[str, Any]:
    plain = _Plain(secrets)
    output: dict[str, Any] = {"value": plain.of(value, ""), "unknown": plain.unknown}
    if plain.sensitive:
        output["sensitive"] = plain.sensitive
    return output


def _text_or(value: Value | None, default: str | None) -> str | None:
    """A text, None where it is not known; the default where nothing says it."""
    return value.text if value is not None else default


class _Plain:
    """Values as JSON has them; notes what is unknown and what is sensitive, by JSON pointer (RFC 6901)."""

    def __init__(self, secrets: Secrets) -> None:
        self.unknown: dict[str, dict[str, Any]] = {}
        self.sensitive: list[str] = []
        self._secrets = secrets

    def of(self, value: Value, pointer: str, *, hidden: bool = False) -> Any:
        """The value, None where it is unknown. `hidden`: what it is part of is sensitive."""
        data = value.data
        if value.sensitive and not hidden:
            self.sensitive.append(pointer)
            hidden = True
        if isinstance(data, dict):
            return {
                name: self.of(member, f"{pointer}/{_escaped(name)}", hidden=hidden)
                for name, member in data.items()
                if member.data is not ABSENT
            }
        if isinstance(data, tuple):
            present = (item for item in data if item.data is not ABSENT)
            return [self.of(item, f"{pointer}/{number}", hidden=hidden) for number, item in enumerate(present)]
        if isinstance(data, Unknown):
            self.unknown[pointer] = self._reason(data)
            return None
        if isinstance(data, Choice):
            self.unknown[pointer] = self._choices(value, pointer, hidden=hidden)
            return None
        if isinstance(data, Text):
            return self._of_text(value, data, pointer, hidden=hidden)
        return self._leaf(data, hidden=hidden)

    def _leaf(self, data: Any, *, hidden: bool) -> Any:
        if data is ABSENT or data is None:
            return None
        if hidden:
            return mask(data if isinstance(data, str) else str(data).lower() if isinstance(data, bool) else str(data))
        if isinstance(data, str):
            return self._secrets.value(data)
        if isinstance(data, Decimal):
            return int(data) if data == data.to_integral_value() else float(data)
        return data

    def _of_text(self, value: Value, text: Text, pointer: str, *, hidden: bool) -> Any:
        known = text.known
        if known is not None:
            return self._leaf(known, hidden=hidden)
        for piece in text.pieces:
            for _, part in flatten(piece):
                if isinstance(part.data, Unknown):
                    self.unknown[pointer] = self._reason(part.data)
                    return None
        whole = map_choices(lambda pieces: Value("".join(p.text or "" for p in pieces)), text.pieces)
        return self.of(whole.at(value.place), pointer, hidden=hidden)

    def _reason(self, unknown: Unknown) -> dict[str, Any]:
        reason: dict[str, Any] = {"reason": self._secrets.text(unknown.reason)}
        if unknown.reference is not None:
            reason["reference"] = self._secrets.text(unknown.reference)
        return reason

    def _choices(self, value: Value, pointer: str, *, hidden: bool) -> dict[str, Any]:
        branches = flatten(value)
        names = dict.fromkeys(name for guard, _ in branches for name in _when(guard, self._secrets))
        choices = []
        for guard, branch in branches:
            inner = _Plain(self._secrets)
            choice = {"when": _when(guard, self._secrets), "value": inner.of(branch, pointer, hidden=hidden)}
            if inner.unknown:
                choice["unknown"] = inner.unknown
            self.sensitive.extend(p for p in inner.sensitive if p not in self.sensitive)
            choices.append(choice)
        return {"reason": f"condition {', '.join(names)}", "choices": choices}


def _when(guard: Formula, secrets: Secrets) -> dict[str, bool]:
    """The conditions that a guard asks for, and their outcomes."""
    return {secrets.text(name): outcome for name, outcome in _asked(guard, holds=True)}


def _asked(guard: Formula, *, holds: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(guard, Named):
        yield from _asked(guard.of, holds=holds)
    elif isinstance(guard, Not):
        yield from _asked(guard.of, holds=not holds)
    elif isinstance(guard, All) and holds:
        for part in guard.of:
            yield from _asked(part, holds=holds)
    elif isinstance(guard, Atom) and guard.value is False:
        yield guard.subject, not holds
    elif not isinstance(guard, Truth):
        yield show(_unnamed(guard)), holds


def _unnamed(guard: Formula) -> Formula:
    """The formula over variables and parameters alone."""
    if isinstance(guard, Named):
        return _unnamed(guard.of)
    if isinstance(guard, Not):
        return Not(_unnamed(guard.of))
    if isinstance(guard, (Atom, Truth)):
        return guard
    return msgspec.structs.replace(guard, of=tuple(_unnamed(part) for part in guard.of))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
