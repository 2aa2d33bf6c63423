"""The examples of rules, run as their tests: verdicts and lines as marked, in both languages, and no vacuous pass."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import msgspec

from kmsguard.model.declaration import Problem, Unit, UnitSettings, UnitSource
from kmsguard.model.finding import Judgement
from kmsguard.model.rule import JudgeSettings, Rule, RuleTable
from kmsguard.model.value import Value
from kmsguard.rules.load import bad_rules, kind_directories, rule_files
from kmsguard.rules.reading import problem, read_document, read_rules

if TYPE_CHECKING:
    from kmsguard.kinds.table import KindTable

Group: TypeAlias = Literal["fail", "pass", "unknown", "not_applicable"]
GROUPS: tuple[Group, ...] = ("fail", "pass", "unknown", "not_applicable")
COMPULSORY: tuple[Group, ...] = ("fail", "pass")
MARKED: tuple[Group, ...] = ("fail", "unknown")  # those in which lines are reported
Language: TypeAlias = Literal["terraform", "cloudformation"]
LANGUAGES: tuple[Language, ...] = ("terraform", "cloudformation")

MARK = re.compile(r"(?:#|//)\s*here\b")
_WORDS = ("title", *LANGUAGES, "only", "reason", "here", "with")
_SETTINGS = ("account", "region", "trusted_accounts", "organizations", "today", "vars", "parameters")


class ExampleSettings(msgspec.Struct, frozen=True):
    """What an example is judged with."""

    account: str | None = None
    region: str | None = None  # of CloudFormation; Terraform names its own
    trusted_accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    today: str = "2026-01-01"
    vars: tuple[tuple[str, str], ...] = ()  # of Terraform
    parameters: tuple[tuple[str, str], ...] = ()  # of CloudFormation


class Example(msgspec.Struct, frozen=True):
    """One example in one language."""

    group: Group
    title: str
    language: Language
    files: dict[str, str]  # by name: `main.tf`, `template.yaml`
    marks: tuple[tuple[str, int], ...]  # (file, line) that must be reported
    settings: ExampleSettings
    line: int  # in the rule file


class ExampleFailure(msgspec.Struct, frozen=True, order=True):
    """What an example shows that its rule does not do."""

    file: str  # the rule file
    line: int  # of the example
    code: str
    group: str
    title: str
    language: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code} {self.group} in {self.language}, “{self.title}”: {self.message}"


def run_examples(directories: Sequence[str]) -> list[ExampleFailure]:
    """Runs all examples of some rule packs.

    Raises:
        UsageError: a pack cannot be read, or something is wrong with how a rule is written.
    """
    kinds = _kinds(directories)
    failures: list[ExampleFailure] = []
    for directory in directories:
        rules, problems = read_rules(rule_files(directory), kinds)
        if problems:
            raise bad_rules(problems)
        for rule in rules:
            failures += run_rule(rule, kinds)
    return failures


def _kinds(directories: Sequence[str]) -> KindTable:
    from kmsguard.kinds.load import load

    return load(kind_directories(directories))


def run_rule(rule: Rule, kinds: KindTable) -> list[ExampleFailure]:
    """Runs the examples of one rule."""
    return [
        ExampleFailure(rule.file, example.line, rule.info.code, example.group, example.title, example.language, message)
        for example in examples_of(rule.file)
        if rule.kinds or rule.trait  # else the scan itself reports it, and its tests are the scan's
        for message in run_example(rule, example, kinds)
    ]


def examples_of(file: str) -> list[Example]:
    """The examples of a rule file."""
    document, _ = read_document(file)
    return list(_examples(document)) if document is not None else []


# --- reading ---------------------------------------------------------------------------------------------------------


def check_examples(document: Value) -> list[Problem]:
    """What is wrong with how the examples of a rule are written."""
    examples = document.members.get("examples")
    if examples is None:
        return []
    if not isinstance(examples.data, dict):
        return [problem(examples, "`examples` is a map of fail, pass, unknown and not_applicable")]
    problems = [
        problem(group, f"`{name}` is no group of examples; there are {', '.join(GROUPS)}", key=True)
        for name, group in examples.members.items()
        if name not in GROUPS
    ]
    missing = (name for name in COMPULSORY if name not in examples.members)
    problems += [problem(examples, f"there is no example that shows `{name}`", key=True) for name in missing]
    for name in GROUPS:
        for example in examples.members[name].items if name in examples.members else ():
            problems += _check_example(example, name)
    return problems


def _check_example(example: Value, group: Group) -> Iterator[Problem]:
    members = example.members
    for name, value in members.items():
        if name not in _WORDS:
            yield problem(value, f"`{name}` is not known here; there are {', '.join(_WORDS)}", key=True)
    for name in members["with"].members if "with" in members else ():
        if name not in _SETTINGS:
            yield problem(members["with"], f"`{name}` is not known here; there are {', '.join(_SETTINGS)}")
    if "title" not in members:
        yield problem(example, "an example has a title")
    only = members.get("only")
    if only is not None and (only.text not in LANGUAGES or "reason" not in members):
        yield problem(only, "`only` is terraform or cloudformation, and comes with a `reason`", key=True)
    for language in LANGUAGES:
        if only is not None and only.text != language:
            continue
        if language not in members:
            yield problem(example, f"`{language}` is missing, or `only` with a reason")
        elif group in MARKED and not _marks(_files(members[language], language), members.get("here")):
            yield problem(members[language], "no line is marked with `# here`, and `here` names none", key=True)


def _examples(document: Value) -> Iterator[Example]:
    groups = document.members["examples"].members if "examples" in document.members else {}
    for group in GROUPS:
        for example in groups[group].items if group in groups else ():
            members = example.members
            for language in LANGUAGES:
                if language in members:
                    files = _files(members[language], language)
                    yield Example(
                        group=group,
                        title=_text(members.get("title")),
                        language=language,
                        files=files,
                        marks=_marks(files, members.get("here")) if group in MARKED else (),
                        settings=_settings(members.get("with")),
                        line=example.span.start_line if example.span is not None else 1,
                    )


def _text(value: Value | None) -> str:
    return (value.text or "") if value is not None else ""


def _files(value: Value, language: Language) -> dict[str, str]:
    """The files of an example: a text is the main one, a map has several by name."""
    if isinstance(value.data, dict):
        return {name: _text(item) for name, item in value.data.items()}
    text = _text(value)
    if language == "terraform":
        return {"main.tf": text}
    return {"template.json" if text.lstrip().startswith("{") else "template.yaml": text}


def _marks(files: Mapping[str, str], here: Value | None) -> tuple[tuple[str, int], ...]:
    texts = [_text(item) for item in (here.items or (here,))] if here is not None else []
    return tuple(
        (name, number)
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if MARK.search(line) or any(wanted in line for wanted in texts)
    )


def _settings(value: Value | None) -> ExampleSettings:
    given = value.members if value is not None else {}

    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        return tuple((key, _text(item)) for key, item in given[name].members.items()) if name in given else ()

    def texts(name: str) -> tuple[str, ...]:
        return tuple(_text(item) for item in given[name].items) if name in given else ()

    return ExampleSettings(
        account=_text(given.get("account")) or None,
        region=_text(given.get("region")) or None,
        trusted_accounts=texts("trusted_accounts"),
        organizations=texts("organizations"),
        today=_text(given.get("today")) or ExampleSettings().today,
        vars=pairs("vars"),
        parameters=pairs("parameters"),
    )


# --- running ---------------------------------------------------------------------------------------------------------


def run_example(rule: Rule, example: Example, kinds: KindTable) -> list[str]:
    """What is not as the example says; empty where all is well."""
    from kmsguard.kinds.build import build
    from kmsguard.rules.judge import judge

    with tempfile.TemporaryDirectory() as folder:
        unit = _read(example, folder)
        broken = [
            f"the example cannot be read: {p.code}, line {p.line}: {p.message}" for p in unit.problems if p.level == "error"
        ]
        if broken:
            return broken
        judged = judge(build([unit], kinds), RuleTable((rule,)), _judge_settings(rule, example.settings))
        broken = [problem.message for problem in judged.problems]
        return broken or list(_differences(example, judged.judgements, folder))


def _read(example: Example, folder: str) -> Unit:
    for name, text in example.files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = example.settings
    if example.language == "terraform":
        from kmsguard.terraform import read as read_terraform

        terraform = UnitSettings(account=settings.account, variables=settings.vars)
        first = next(iter(example.files))
        if first.endswith(".json") and not first.endswith(".tf.json"):
            from kmsguard.terraform.plan import read as read_plan

            return read_plan(UnitSource(Path(folder, first).as_posix(), "terraform-plan", terraform, boundary=folder))
        return read_terraform(UnitSource(folder, "terraform", terraform, boundary=folder))
    from kmsguard.cloudformation import read as read_cloudformation

    cloudformation = UnitSettings(account=settings.account, region=settings.region, variables=settings.parameters)
    template = Path(folder, next(iter(example.files))).as_posix()
    return read_cloudformation(UnitSource(template, "cloudformation", cloudformation, boundary=folder))


def _judge_settings(rule: Rule, settings: ExampleSettings) -> JudgeSettings:
    return JudgeSettings(
        profile="strict",
        select=(rule.info.code,),
        trusted_accounts=settings.trusted_accounts,
        organizations=settings.organizations,
        account=settings.account,
        today=settings.today,
    )


class _Line(NamedTuple):
    file: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line} of {self.file}"


def _differences(example: Example, judgements: Sequence[Judgement], folder: str) -> Iterator[str]:
    reported: dict[_Line, Judgement] = {}
    for judgement in judgements:
        line = _line(judgement, folder)
        if judgement.verdict == "pass":
            if example.group == "not_applicable":
                yield f"{judgement.resource.address} passes, but the rule should say nothing of it"
        elif judgement.verdict != example.group:
            opened = "".join(f"; {one.message}" for one in judgement.open)
            yield f"{line} is {judgement.verdict} ({judgement.resource.address}: {judgement.message}{opened})"
        else:
            reported[line] = judgement
    marks = [_Line(*mark) for mark in example.marks]
    for mark in marks:
        if mark not in reported:
            yield f"{mark} is marked, but not reported as {example.group}"
    for line, judgement in reported.items():
        if line not in marks:
            yield f"{line} is reported, but not marked ({judgement.resource.address}: {judgement.message})"
    if example.group == "pass" and not any(judgement.verdict == "pass" for judgement in judgements):
        yield "nothing passes: the rule matched no resource, so the example proves nothing"


def _line(judgement: Judgement, folder: str) -> _Line:
    place = judgement.place
    path = Path(place.file)
    return _Line(path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name, place.start_line)
