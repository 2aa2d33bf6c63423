"""What a document mentions and names: accounts, organizations, callers, networks, and the condition keys that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kmsguard.iam.conditions import BASES, network
from kmsguard.iam.document import PolicyDocument, Test, Variable, parts
from kmsguard.iam.keys import CONTEXT, PRINCIPAL_TAG, find
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value

_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_ORGANIZATION = re.compile(r"(?<![A-Za-z0-9-])o-[a-z0-9]{10,32}(?![a-z0-9])")
_WIDEST = {4: 8, 6: 32}


class Facts(msgspec.Struct, frozen=True):
    """What the answers about a document rest on besides its statements."""

    accounts: tuple[str, ...]  # mentioned
    organizations: tuple[str, ...]  # mentioned
    strings: frozenset[str]  # in Principal, NotPrincipal and condition values, whole
    user_names: tuple[str, ...]  # that a condition tests aws:username against
    networks: tuple[tuple[int, int, int], ...]  # ranges of addresses that name a network
    keys: dict[str, str]  # condition keys that the document reads, in lower case, as spelled


def facts(document: PolicyDocument) -> Facts:
    """Reads a document through."""
    accounts, organizations = mentioned(document)
    strings: set[str] = set()
    user_names: dict[str, None] = {}
    networks: dict[tuple[int, int, int], None] = {}
    keys: dict[str, str] = {}
    variables: dict[str, str] = {}
    for statement in document.statements:
        members = statement.value.members
        for name in ("Principal", "NotPrincipal"):
            strings.update(texts(members.get(name)))
        for test in statement.tests:
            strings.update(texts(test.value))
            known = find(test.key)
            keys.setdefault(test.key, _spelled(test.name, known.name if known is not None else test.name))
            for entry in test.values:
                if not isinstance(entry.value.data, str) or entry.known is None:
                    continue
                if test.key == "aws:username":
                    user_names[entry.known] = None
                elif test.key in ("aws:sourceip", "aws:vpcsourceip"):
                    range_ = network(entry.known)
                    if range_ is not None and _is_named(range_):
                        networks[range_] = None
            if test.variables and _takes_variables(test):
                for entry in test.values:
                    for part in parts(entry.text):
                        if isinstance(part, Variable):
                            read = find(part.key)
                            variables.setdefault(part.key, read.name if read is not None else part.key)
    return Facts(accounts, organizations, frozenset(strings), tuple(user_names), tuple(networks), {**variables, **keys})


def mentioned(document: PolicyDocument) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The accounts and the organizations that a document mentions, in order."""
    accounts: dict[str, None] = {}
    organizations: dict[str, None] = {}
    for text in texts(document.value.members.get("Statement")):
        accounts.update(dict.fromkeys(_ACCOUNT.findall(text)))
        organizations.update(dict.fromkeys(_ORGANIZATION.findall(text)))
    return tuple(accounts), tuple(organizations)


def _takes_variables(test: Test) -> bool:
    base = BASES.get(test.base)
    return base is not None and base.family in ("equals", "ignore_case", "like", "arn")


def _spelled(written: str, known: str) -> str:
    """The name of a key as it is shown: as AWS spells it; the name of a tag or of an entry as the document does."""
    for prefix, shown in ((CONTEXT, "kms:EncryptionContext:"), (PRINCIPAL_TAG, "aws:PrincipalTag/")):
        if known.lower().startswith(prefix):
            return shown + written[len(prefix) :]
    return known


def _is_named(range_: tuple[int, int, int]) -> bool:
    version, first, last = range_
    bits = 32 if version == 4 else 128
    return last - first < 1 << (bits - _WIDEST[version])


def texts(value: Value | None) -> Iterator[str]:
    """All strings in a value, at any depth; not the names of members."""
    pending = [value] if value is not None else []
    while pending:
        data = pending.pop().data
        if isinstance(data, str):
            yield data
        elif isinstance(data, tuple):
            pending.extend(reversed(data))
        elif isinstance(data, dict):
            pending.extend(reversed(data.values()))
        elif isinstance(data, Text):
            if data.known is not None:
                yield data.known
            else:
                pending.extend(reversed(data.pieces))
        elif isinstance(data, Choice):
            pending.extend(branch.value for branch in reversed(data.branches))
        elif isinstance(data, Unknown):
            yield from (scalar for scalar in data.allowed if isinstance(scalar, str))
        elif data is ABSENT:
            continue
