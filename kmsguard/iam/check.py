"""Judges bare key policy documents: `kmsguard policy check`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, Self

from kmsguard.iam.audience import Question
from kmsguard.iam.document import NO_STATEMENT, PolicyDocument, read_policy
from kmsguard.iam.facts import Facts
from kmsguard.iam.operations import CLASSES
from kmsguard.iam.request import Call
from kmsguard.iam.texts import Deployment
from kmsguard.iam.widest import Audience
from kmsguard.model.value import Value

FORMAT_VERSION = 1


def check(
    files: Sequence[str],
    *,
    account: str,
    trusted_accounts: Sequence[str] = (),
    organizations: Sequence[str] = (),
    region: str | None = None,
    action: str | None = None,
) -> dict[str, Any]:
    """Judges files; the tree that `kmsguard policy check --format json` prints.

    `action` (`kms:Decrypt`) asks for one operation instead of the four classes. What is wrong with a file is in `errors`.
    """
    deployment = Deployment(account, region, tuple(trusted_accounts), tuple(organizations))
    policies: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for file in files:
        try:
            with open(file, "rb") as opened:
                raw = opened.read()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            errors.append({"file": file, "message": f"OSError: {reason}"})
            continue
        judged = check_text(raw, deployment, action)
        if isinstance(judged, str):
            errors.append({"file": file, "message": judged})
        else:
            policies.append({"file": file, **judged})
    return {"format_version": FORMAT_VERSION, "account": account, "policies": policies, "errors": errors}


def check_text(raw: bytes | str, deployment: Deployment, action: str | None = None) -> dict[str, Any] | str:
    """Judges one document: the answers, or the message of an error. The deployment's account has to be known."""
    try:
        document = read_document(raw)
    except json.JSONDecodeError as error:
        return f"JSONDecodeError: {error.msg}: line {error.lineno} column {error.colno}"
    if document.error is not None:
        return document.error
    question = Question(document, deployment)
    if action is not None:
        return {action: _answer(question, question.audience((action.partition(":")[2],)))}
    answers: dict[str, Any] = {name: _answer(question, question.audience(operations)) for name, operations in CLASSES.items()}
    answers["lockout"] = question.lockout()
    return answers


def place_of_error(raw: bytes) -> str:
    """Where in a document what makes it bad stands (`Statement[2].Action`); empty where it is the whole document."""
    try:
        document = read_document(raw)
    except json.JSONDecodeError:
        return ""
    wanted = document.error_value
    pending: list[tuple[str, Value]] = [("", document.value)]
    while pending and wanted is not None:
        path, value = pending.pop()
        if value is wanted:
            return path.removeprefix(".")
        pending.extend((f"{path}.{name}", member) for name, member in value.members.items())
        pending.extend((f"{path}[{index}]", item) for index, item in enumerate(value.items))
    return ""


def _answer(question: Question, audience: Audience) -> dict[str, Any]:
    witness = shown(question.facts, audience.witness) if audience.witness is not None else None
    if audience.decided:
        return {"audience": audience.at_most, "witness": witness}
    answer: dict[str, Any] = {"audience": "unknown", "at_least": audience.at_least, "at_most": audience.at_most}
    if audience.too_large:
        answer["reason"] = "too large"
    return {**answer, "witness": witness}


def shown(facts: Facts, call: Call) -> dict[str, Any]:
    """A request as a witness: keys of its context by the names that the document gives them."""
    names = {**facts.keys, "aws:principalarn": "aws:PrincipalArn"}
    context = {names[key]: list(value) if isinstance(value, tuple) else value for key, value in call.values.items()}
    return {
        "principal": call.principal,
        "account": call.account,
        "action": f"kms:{call.operation}",
        "context": dict(sorted(context.items())),
    }


def read_document(raw: bytes | str) -> PolicyDocument:
    """A policy document from JSON text.

    Raises:
        json.JSONDecodeError: where it is no JSON in UTF-8.
    """
    if isinstance(raw, bytes):
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError(f"not UTF-8 ({error.reason})", "", 0) from error
    else:
        text = raw.removeprefix("\ufeff")
    data = load(text)
    if not isinstance(data, dict) or "Statement" not in data:
        return PolicyDocument((), Value(None), NO_STATEMENT)
    return read_policy(_value(data, 0))


class Numeral(int):
    """A number of a JSON document; only how it is written matters."""

    written: str

    def __new__(cls, text: str) -> Self:
        """A number that is written like this."""
        self = super().__new__(cls, 0)
        self.written = text
        return self


# What is nested deeper than any element of a policy is left open; only the strings in it are looked at.
_MAX_DEPTH = 12


def _value(data: Any, depth: int) -> Value:
    if isinstance(data, (dict, list)) and depth > _MAX_DEPTH:
        return Value(tuple(Value(text) for text in _strings(data)))
    if isinstance(data, dict):
        return Value({name: _value(member, depth + 1) for name, member in data.items()})
    if isinstance(data, list):
        return Value(tuple(_value(item, depth + 1) for item in data))
    return Value(data)


def _strings(data: Any) -> Iterator[str]:
    pending = [data]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending.extend(reversed(one.values()))
        elif isinstance(one, list):
            pending.extend(reversed(one))


def load(text: str) -> Any:
    """JSON text as plain data, numbers as they are written.

    Raises:
        json.JSONDecodeError: where it is no JSON.
    """

    def constant(name: str) -> Any:
        raise json.JSONDecodeError(f"{name} is no JSON", text, max(text.find(name), 0))

    try:
        return json.loads(text, parse_int=Numeral, parse_float=Numeral, parse_constant=constant)
    except RecursionError:
        return _Deep(text).read()


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}


class _Deep:
    """Reads JSON that is nested deeper than the interpreter can follow."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Any:
        """The data."""
        root: list[Any] = []
        # where the next value goes, and the bracket that ends it
        stack: list[tuple[Callable[[Any], None], Any, str]] = [(root.append, None, "")]
        while True:
            value, closes = self._start()
            stack[-1][0](value)
            if closes:
                stack.append((value.append if closes == "]" else self._member(value), value, closes))
                if self._peek() != closes:
                    continue
                self.at += 1
                stack.pop()
            while len(stack) > 1 and self._peek() == stack[-1][2]:
                self.at += 1
                stack.pop()
            if len(stack) == 1:
                if self._peek():
                    self._fail("Extra data")
                return root[0]
            self._take(",")
            if stack[-1][2] == "}":
                stack[-1] = (self._member(stack[-1][1]), stack[-1][1], "}")

    def _member(self, into: dict[str, Any]) -> Callable[[Any], None]:
        if self._peek() != '"':
            if self._peek() == "}" and not into:
                return lambda _: None
            self._fail("Expecting property name enclosed in double quotes")
        name = self._string()
        self._take(":")
        return lambda value: into.__setitem__(name, value)

    def _start(self) -> tuple[Any, str]:
        char = self._peek()
        if char in ("{", "["):
            self.at += 1
            return ({}, "}") if char == "{" else ([], "]")
        if char == '"':
            return self._string(), ""
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value, ""
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            self._fail("Expecting value")
        self.at = found.end()
        return Numeral(found[0]), ""

    def _string(self) -> str:
        value, self.at = json.decoder.scanstring(self.text, self.at + 1, True)  # type: ignore[attr-defined]
        return str(value)

    def _peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def _take(self, char: str) -> None:
        if self._peek() != char:
            self._fail(f"Expecting {char!r} delimiter")
        self.at += 1

    def _fail(self, message: str) -> NoReturn:
        raise json.JSONDecodeError(message, self.text, self.at)
