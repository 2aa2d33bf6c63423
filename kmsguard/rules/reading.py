"""One rule file: its document checked and made a rule. Only imported where the table is compiled, tested or explained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kmsguard.conditions.parsing import Schema, parse, suggestion
from kmsguard.kinds.schema import schema as schema_of
from kmsguard.kinds.table import KindTable
from kmsguard.model.condition import (
    ALWAYS,
    AllOf,
    AnyOf,
    Check,
    Condition,
    EdgeTest,
    NotOf,
)
from kmsguard.model.declaration import Problem
from kmsguard.model.finding import CATEGORIES, PROFILES, SEVERITIES, Profile, RuleInfo, Severity
from kmsguard.model.rule import EVERYTHING, Rule
from kmsguard.model.source import Source
from kmsguard.model.value import Value
from kmsguard.rules.checks import find_check
from kmsguard.syntax.plain import read_plain

CODE = re.compile(r"[A-Z]{2,8}(?P<number>[0-9]{3})")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

REQUIRED = ("code", "name", "category", "profile", "severity", "title", "why", "remediation", "links", "message", "examples")
OPTIONAL = ("concerns", "controls", "covers", "match", "require")

_RANGES = {"scan": range(10), "key-lifecycle": range(10, 100)}
_HUNDREDS = {"scan": 0, "key-lifecycle": 0} | {name: 100 * number for number, name in enumerate(CATEGORIES[2:], 1)}


def read_rules(files: Sequence[str], kinds: KindTable) -> tuple[list[Rule], list[Problem]]:
    """The rules of some files, sorted by code, and all that is wrong with any of them."""
    from kmsguard.rules.examples import check_examples

    rules: list[Rule] = []
    problems: list[Problem] = []
    for file in files:
        document, wrong = read_document(file)
        problems += wrong
        if document is None or wrong:  # what comes after a syntax error is not told: it may be its shadow
            continue
        reader = _Reader(document, file, kinds)
        rules.append(reader.rule())
        problems += reader.problems
        problems += check_examples(document)
    return sorted(rules, key=lambda rule: rule.info.code), problems


def read_document(file: str) -> tuple[Value | None, list[Problem]]:
    """The document of a rule file, if it is a map."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return None, [Problem("error", "unreadable", file, 1, 1, f"cannot be read: {reason}")]
    document, problems = read_plain(Source(file, text))
    if document is not None and not isinstance(document.data, dict):
        problems.append(problem(document, "a rule is a map"))
        document = None
    return document, problems


def problem(value: Value, message: str, *, key: bool = False) -> Problem:
    """Something that is wrong with a rule file, at a value (or at the entry that holds it)."""
    span = (value.place or value.span) if key else (value.span or value.place)
    assert span is not None, "every value of a rule file has its place"
    return Problem("error", "bad-rule", span.file, span.start_line, span.start_column, message)


class _Reader:
    """Reads one document, collecting what is wrong."""

    def __init__(self, document: Value, file: str, kinds: KindTable) -> None:
        self.document = document
        self.fields = document.members
        self.file = file
        self.kinds = kinds
        self.problems: list[Problem] = []

    def wrong(self, value: Value, message: str, *, key: bool = False) -> None:
        self.problems.append(problem(value, message, key=key))

    def rule(self) -> Rule:
        for name, value in self.fields.items():
            if name not in REQUIRED and name not in OPTIONAL:
                self.wrong(value, f"`{name}` is not known here; there are {', '.join((*REQUIRED, *OPTIONAL))}", key=True)
        for name in REQUIRED:
            if name not in self.fields:
                self.wrong(self.document, f"`{name}` is missing")
        info = self.info()
        kinds, trait, where, schema = self.match(info.category)
        require: Condition = ALWAYS
        if "require" in self.fields:
            require = self.condition(self.fields["require"], schema)
        elif kinds or trait:
            self.wrong(self.document, "`require` is missing")
        message = self.text("message")
        return Rule(info, message, require, kinds, trait, where, attribute=_subject(require), file=self.file)

    def info(self) -> RuleInfo:
        code, name, category = self.text("code"), self.text("name"), self.choice("category", CATEGORIES)
        self.check_code(code, name, category)
        links = self.texts("links")
        for link, value in zip(links, self.fields["links"].items if "links" in self.fields else (), strict=False):
            if not link.startswith("https://"):
                self.wrong(value, "a link begins with https://")
        return RuleInfo(
            code=code,
            name=name,
            category=category,
            profile=self.profile(),
            severity=self.severity(),
            title=self.text("title"),
            why=self.text("why"),
            remediation=self.text("remediation"),
            links=links,
            concerns=self.texts("concerns"),
            controls=self.lists("controls"),
            covers=self.lists("covers"),
            help_url=links[0] if links else "",
        )

    def check_code(self, code: str, name: str, category: str) -> None:
        if "code" in self.fields:
            match = CODE.fullmatch(code)
            if match is None:
                self.wrong(self.fields["code"], f"`{code}` is no code: capitals and three digits, like KG401")
            elif category and int(match["number"]) not in _codes(category):
                codes = _codes(category)
                self.wrong(self.fields["code"], f"the codes of {category} end in {codes[0]:03} to {codes[-1]:03}")
        if "name" in self.fields and NAME.fullmatch(name) is None:
            self.wrong(self.fields["name"], f"`{name}` is no name: small words joined by hyphens")
        path = Path(self.file)
        if code and name and path.stem != f"{code}-{name}":
            self.wrong(self.document, f"the file of this rule is called {code}-{name}.yaml")
        if category and path.parent.name != category:
            self.wrong(self.document, f"the file of this rule lies in the folder {category}")

    def match(self, category: str) -> tuple[tuple[str, ...], str, Condition, Schema | None]:
        match = self.fields.get("match")
        if match is None:
            if category != "scan":
                self.wrong(self.document, "`match` is missing")
            return (), "", ALWAYS, None
        kinds: tuple[str, ...] = ()
        trait = ""
        for name, value in match.members.items():
            if name == "kind":
                kinds = tuple(self.kind(item) for item in (value.items or (value,)))
            elif name == "trait":
                trait = self.trait(value)
            elif name != "where":
                self.wrong(value, f"`{name}` is not known here; there are kind, trait and where", key=True)
        if bool(kinds) == bool(trait) and all(name in ("kind", "trait", "where") for name in match.members):
            self.wrong(match, "one of `kind` and `trait` is expected here")
        schema = schema_of(self.kinds, kinds or (trait,))
        where = match.members.get("where")
        return kinds, trait, self.condition(where, schema) if where is not None else ALWAYS, schema

    def kind(self, value: Value) -> str:
        text = value.text or ""
        if text not in self.kinds.kinds:
            self.wrong(value, f"there is no kind `{text}`{suggestion(text, self.kinds.kinds)}")
        return text

    def trait(self, value: Value) -> str:
        text = value.text or ""
        if text != EVERYTHING and not any(text in kind.traits for kind in self.kinds.kinds.values()):
            self.wrong(value, f"no kind has the trait `{text}`")
        return text

    def condition(self, value: Value, schema: Schema | None) -> Condition:
        parsed = parse(value, schema, is_check=lambda name: find_check(name) is not None, code="bad-rule")
        self.problems += parsed.problems
        return parsed.condition

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value.data, str) or not value.data.strip():
            self.wrong(value, f"`{name}` is a text")
            return ""
        return value.data.strip()

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.fields.get(name)
        return self.list_of(value, name) if value is not None else ()

    def list_of(self, value: Value, name: str) -> tuple[str, ...]:
        if not isinstance(value.data, tuple) or not all(isinstance(item.data, str) for item in value.data):
            self.wrong(value, f"`{name}` is a list of texts")
            return ()
        return tuple(item.text or "" for item in value.data)

    def lists(self, name: str) -> dict[str, tuple[str, ...]]:
        value = self.fields.get(name)
        if value is None:
            return {}
        if not isinstance(value.data, dict):
            self.wrong(value, f"`{name}` is a map of lists")
            return {}
        return {key: self.list_of(item, key) for key, item in value.data.items()}

    def choice(self, name: str, choices: Iterable[str]) -> str:
        text = self.text(name)
        if text and text not in choices:
            self.wrong(self.fields[name], f"`{text}` is none of {', '.join(choices)}")
            return ""
        return text

    def profile(self) -> Profile:
        text = self.choice("profile", PROFILES)
        return next((profile for profile in PROFILES if profile == text), "strict")

    def severity(self) -> Severity:
        text = self.choice("severity", SEVERITIES)
        return next((severity for severity in SEVERITIES if severity == text), "info")


def _codes(category: str) -> range:
    start = _HUNDREDS[category]
    return _RANGES.get(category, range(start, start + 100))


def _subject(condition: Condition) -> str:
    """What a condition is about: the first attribute or edge in it."""
    return next(subjects(condition), "")


def subjects(condition: Condition) -> Iterator[str]:
    """The attributes and edges of the resource itself that a condition asks for, in order."""
    if isinstance(condition, (AllOf, AnyOf)):
        for part in condition.parts:
            yield from subjects(part)
    elif isinstance(condition, NotOf):
        yield from subjects(condition.part)
    elif isinstance(condition, EdgeTest):
        yield condition.name
    elif not isinstance(condition, Check):
        yield str(condition.operand)
