"""The configuration file: `.kmsguard.yaml`, or `[tool.kmsguard]` of pyproject.toml. Every mistake in it has a place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import msgspec

from kmsguard.model.finding import CATEGORIES, PROFILES, SEVERITIES, UsageError
from kmsguard.model.source import Source, Span
from kmsguard.model.value import Value
from kmsguard.scan.paths import checkout, shown
from kmsguard.scan.settings import (
    UNKNOWN_MODES,
    AddressSuppression,
    PathPattern,
    RuleOverride,
    Settings,
    Trust,
    UnitEntry,
)

NAMES = (".kmsguard.yaml", ".kmsguard.yml")
PYPROJECT = "pyproject.toml"

# Texts, so that a scan without a configuration compiles none of them.
ACCOUNT = r"\d{12}"
ORGANIZATION = r"o-[a-z0-9]{10,32}"  # https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
REGION = r"[a-z]{2,}(?:-[a-z]+)+-\d+"
DATE = r"\d{4}-\d{2}-\d{2}"
RULE = r"[A-Za-z][A-Za-z0-9_-]*"


def find(paths: tuple[str, ...]) -> str | None:
    """The configuration of the nearest folder, from the deepest folder that all paths lie in up to the root of the checkout."""
    folders = [os.path.abspath(p if os.path.isdir(p) else os.path.dirname(p) or ".") for p in paths if p != "-"] or [
        os.getcwd()
    ]
    try:
        folder = os.path.commonpath(folders)
    except ValueError:  # several drives
        folder = os.getcwd()
    last = checkout(folder)
    while True:
        for name in NAMES:
            if os.path.isfile(os.path.join(folder, name)):
                return shown(os.path.join(folder, name))
        project = os.path.join(folder, PYPROJECT)
        if os.path.isfile(project) and _mentions_us(project):
            return shown(project)
        parent = os.path.dirname(folder)
        if folder in (last, parent):
            return None
        folder = parent


def _mentions_us(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return re.search(rb"^\s*\[+\s*tool\s*\.\s*kmsguard\b", file.read(), re.MULTILINE) is not None
    except OSError:
        return False


def load(path: str) -> Settings:
    """The settings that a configuration file says.

    Raises:
        UsageError: with one line `file:line:column: message` for every mistake.
    """
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 (byte {error.start})") from None
    source = Source(path, text)
    read = _Reading(path)
    tree = _toml(source, read) if path.endswith(".toml") else _yaml(source, read)
    fields = read.table(tree, TOP, "the configuration") if tree is not None and not read.mistakes else {}
    if read.mistakes:
        raise UsageError("\n".join(f"{s.file}:{s.start_line}:{s.start_column}: {m}" for s, m in sorted(set(read.mistakes))))
    return Settings(**fields, config=path)


def _yaml(source: Source, read: _Reading) -> Value | None:
    from kmsguard.syntax.plain import read_plain

    tree, problems = read_plain(source)
    for problem in problems:
        read.mistakes.append((Span(problem.file, problem.line, problem.column, problem.line, problem.column), problem.message))
    if tree is not None and tree.data == "":
        return None  # an empty file, or `---`
    return tree


def _toml(source: Source, read: _Reading) -> Value | None:
    import tomllib

    try:
        tree = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (1, 1)
        read.mistakes.append((Span(source.path, line, column, line, column), str(error)))
        return None
    ours = tree.get("tool", {}).get("kmsguard")
    return _Toml(source).value(ours, ("tool", "kmsguard")) if ours is not None else None


class _Toml:
    """Places of TOML's keys, which the standard library does not tell: the line that opens a table or begins with the key."""

    def __init__(self, source: Source) -> None:
        self._places: dict[tuple[str, ...], list[Span]] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(source.text.splitlines(), 1):
            header = re.match(_HEADER, line)
            entry = None if header else re.match(_ENTRY, line)
            if header is not None:
                table = _keys(header["name"])
                self._note(table, Span(source.path, number, header.start("name") + 1, number, header.end("name") + 1))
            elif entry is not None:
                key = (*table, *_keys(entry["name"]))
                self._note(key, Span(source.path, number, entry.start("name") + 1, number, len(line) + 1))
        self._seen: dict[tuple[str, ...], int] = {}
        self._top = Span(source.path, 1, 1, 1, 1)

    def _note(self, key: tuple[str, ...], span: Span) -> None:
        for length in range(1, len(key)):
            self._places.setdefault(key[:length], [span])
        self._places.setdefault(key, []).append(span)

    def value(self, data: Any, key: tuple[str, ...], outer: Span | None = None) -> Value:
        places = self._places.get(key)
        place = places[-1] if places else outer or self._top
        if isinstance(data, dict):
            return Value({name: self.value(item, (*key, name), place) for name, item in data.items()}, place, place)
        if isinstance(data, list):
            # of an array of tables every element has its own header
            tables = places if places and len(places) == len(data) and all(isinstance(i, dict) for i in data) else None
            return Value(
                tuple(
                    self.value(item, key if tables else (*key, ""), tables[n] if tables else place)
                    for n, item in enumerate(data)
                ),
                place,
                place,
            )
        text = ("true" if data else "false") if isinstance(data, bool) else str(data)
        return Value(text, place, place)


_HEADER = r"\s*\[+\s*(?P<name>[^\]#]+?)\s*\]+\s*(?:#.*)?$"
_ENTRY = r"""\s*(?P<name>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""


def _keys(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", name))


# --- what may stand where -----------------------------------------------------------------------------------------------------


class _Reading:
    """A file that is being read, with the mistakes found so far."""

    def __init__(self, path: str) -> None:
        self.base = os.path.dirname(path) or "."
        self.mistakes: list[tuple[Span, str]] = []

    def wrong(self, value: Value, message: str) -> None:
        self.mistakes.append((value.where or Span(self.base, 1, 1, 1, 1), message))

    def table(self, value: Value, keys: dict[str, Key], of: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The fields that a map stands for, by the names that `keys` gives them."""
        if not isinstance(value.data, dict):
            self.wrong(value, f"{of} must be a map")
            return {}
        fields: dict[str, Any] = {}
        for name, item in value.data.items():
            key = keys.get(name)
            if key is None:
                self.wrong(item, f"{of} has no key `{name}`{_nearest(name, keys)}")
                continue
            field, reader = key
            read = reader(self, item, name)
            if read is not None:
                fields[field] = read
        for name in required:
            if name not in value.data:
                self.wrong(value, f"{of} needs the key `{name}`")
        return fields


Reader = Callable[[_Reading, Value, str], Any]
Key = tuple[str, Reader]


def _nearest(name: str, known: Any) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else f"; it may have {', '.join(known)}"


def _text(read: _Reading, value: Value, name: str) -> str | None:
    if isinstance(value.data, str) and value.data.strip():
        return value.data
    read.wrong(value, f"`{name}` must be a text")
    return None


def _bool(read: _Reading, value: Value, name: str) -> bool | None:
    if isinstance(value.data, str) and value.data.lower() in ("true", "false"):
        return value.data.lower() == "true"
    read.wrong(value, f"`{name}` must be true or false")
    return None


def _one_of(*choices: str) -> Reader:
    def reader(read: _Reading, value: Value, name: str) -> str | None:
        if isinstance(value.data, str) and value.data in choices:
            return value.data
        read.wrong(value, f"`{name}` must be one of {', '.join(choices)}")
        return None

    return reader


def _shaped(pattern: str, what: str) -> Reader:
    def reader(read: _Reading, value: Value, name: str) -> str | None:
        if isinstance(value.data, str) and re.fullmatch(pattern, value.data):
            return value.data
        read.wrong(value, f"`{name}` must be {what}")
        return None

    return reader


def _list(of: Reader) -> Reader:
    """A list, or one element alone."""

    def reader(read: _Reading, value: Value, name: str) -> tuple[Any, ...]:
        items = value.data if isinstance(value.data, tuple) else (value,)
        return tuple(item for item in (of(read, v, name) for v in items) if item is not None)

    return reader


def _date(read: _Reading, value: Value, name: str) -> str | None:
    text = value.data if isinstance(value.data, str) else ""
    if is_date(text):
        return text
    read.wrong(value, f"`{name}` must be a day, YYYY-MM-DD")
    return None


def is_date(text: str) -> bool:
    """Whether a text is a day that exists, as YYYY-MM-DD."""
    from datetime import date

    try:
        return re.fullmatch(DATE, text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _path(read: _Reading, value: Value, name: str) -> str | None:
    text = _text(read, value, name)
    return shown(os.path.join(read.base, text)) if text is not None else None


def _glob(read: _Reading, value: Value, name: str) -> PathPattern | None:
    text = _text(read, value, name)
    return PathPattern(text, read.base) if text is not None else None


def _rules(read: _Reading, value: Value, name: str) -> tuple[RuleOverride, ...]:
    if not isinstance(value.data, dict):
        read.wrong(value, f"`{name}` must be a map from rules to what changes in them")
        return ()
    overrides = []
    for rules, change in value.data.items():
        if not re.fullmatch(RULE, rules):
            read.wrong(change, f"`{rules}` is no code, code prefix, name or category of a rule")
        fields = read.table(change, OVERRIDE, f"`{rules}`")
        overrides.append(RuleOverride(rules, **fields, place=change.where))
    return tuple(overrides)


def _unit(read: _Reading, value: Value, name: str) -> UnitEntry | None:
    fields = read.table(value, UNIT, f"an element of `{name}`", ("path",))
    return UnitEntry(**fields, place=value.where) if "path" in fields else None


def _suppression(read: _Reading, value: Value, name: str) -> AddressSuppression | None:
    fields = read.table(value, SUPPRESSION, f"an element of `{name}`", ("code", "address", "reason"))
    complete = {"code", "address", "reason"} <= fields.keys()
    return AddressSuppression(**fields, place=value.where) if complete else None


def _trust(read: _Reading, value: Value, name: str) -> Trust:
    return Trust(**read.table(value, TRUST, f"`{name}`"))


_account = _shaped(ACCOUNT, "an account: twelve digits, in quotes")
_rule = _shaped(RULE, "a code, code prefix, name or category of rules")
_severity = _one_of(*SEVERITIES[::-1])

TRUST: dict[str, Key] = {
    "accounts": ("accounts", _list(_account)),
    "organizations": ("organizations", _list(_shaped(ORGANIZATION, "an organization: o-…"))),
}
UNIT: dict[str, Key] = {
    "path": ("path", _glob),
    "account": ("account", _account),
    "region": ("region", _shaped(REGION, "a Region, such as eu-west-1")),
    "workspace": ("workspace", _text),
    "var_files": ("var_files", _list(_text)),
    "parameters": ("parameters", _list(_text)),
}
OVERRIDE: dict[str, Key] = {
    "severity": ("severity", _severity),
    "enabled": ("enabled", _bool),
    "paths": ("paths", _list(_glob)),
}
SUPPRESSION: dict[str, Key] = {
    "code": ("code", _rule),
    "address": ("address", _text),
    "reason": ("reason", _text),
    "until": ("until", _date),
}
TOP: dict[str, Key] = {
    "profile": ("profile", _one_of(*PROFILES)),
    "select": ("select", _list(_rule)),
    "ignore": ("ignore", _list(_rule)),
    "min_severity": ("min_severity", _severity),
    "fail_on": ("fail_on", _one_of(*SEVERITIES[::-1], "never")),
    "unknown": ("unknown", _one_of(*UNKNOWN_MODES)),
    "trust": ("trust", _trust),
    "account": ("account", UNIT["account"][1]),
    "region": ("region", UNIT["region"][1]),
    "units": ("units", _list(_unit)),
    "rules": ("rules", _rules),
    "rule_dirs": ("rule_dirs", _list(_path)),
    "suppress": ("suppress", _list(_suppression)),
    "baseline": ("baseline", _path),
    "exclude": ("exclude", _list(_glob)),
    "all_values": ("all_values", _bool),
    "follow_modules": ("follow_modules", _bool),
    "strict_input": ("strict_input", _bool),
}
"""The keys of a configuration file, the settings that they stand for, and what may stand there."""


def join(configured: Settings, given: dict[str, Any]) -> Settings:
    """The configuration with what the command line says. The command line goes first; what adds up is added."""
    changed = dict(given)
    for field in ("exclude", "rule_dirs"):
        if changed.get(field):
            changed[field] = (*getattr(configured, field), *changed[field])
    trust: Trust | None = changed.get("trust")
    if trust is not None:
        before = configured.trust
        changed["trust"] = Trust(
            tuple(dict.fromkeys((*before.accounts, *trust.accounts))),
            tuple(dict.fromkeys((*before.organizations, *trust.organizations))),
        )
    return msgspec.structs.replace(configured, **changed)


def check_rules(settings: Settings, known: Callable[[str], bool]) -> None:
    """Complains about selections that stand for no rule.

    Raises:
        UsageError: where `--select`, `--ignore` or the configuration name rules that there are not.
    """
    named: list[tuple[str, Span | None]] = [(name, None) for name in (*settings.select, *settings.ignore)]
    named += [(override.rules, override.place) for override in settings.rules]
    named += [(suppression.code, suppression.place) for suppression in settings.suppress]
    wrong = []
    for name, place in named:
        if not known(name):
            where = f"{place.file}:{place.start_line}:{place.start_column}: " if place is not None else ""
            wrong.append(f"{where}no rule has the code, code prefix, name or category `{name}`")
    if wrong:
        raise UsageError("\n".join([*wrong, f"the categories are {', '.join(CATEGORIES)}; `kmsguard rules` lists the rules"]))
