"""Conditions of policies in words: `via s3.eu-west-1`, `with the encryption context department = finance`."""

from __future__ import annotations

from collections.abc import Sequence

from kmsguard.iam.document import Test
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS, PRINCIPAL_TAG
from kmsguard.iam.template_keys import find_further
from kmsguard.iam.texts import Sym, fold, show, sym
from kmsguard.model.value import ABSENT, Value

_IS = {
    "kms:viaservice": "via {}",
    "aws:calledvia": "via {}",
    "aws:sourcearn": "for {}",
    "aws:sourceaccount": "for account {}",
    "aws:sourceorgid": "for the organization {}",
    "aws:sourcevpc": "from the VPC {}",
    "aws:sourcevpce": "through the VPC endpoint {}",
    "aws:sourceip": "from {}",
    "aws:principalorgid": "from the organization {}",
    CONTEXT_KEYS: "with the encryption context keys {}",
    "kms:granteeprincipal": "for the grantee {}",
    "kms:grantoperations": "for the operations {}",
    "kms:requestalias": "by the alias {}",
    "kms:encryptionalgorithm": "with {}",
    "kms:signingalgorithm": "with {}",
}
_FLAGS = {
    ("kms:grantisforawsresource", True): "for AWS resources only",
    ("kms:grantisforawsresource", False): "not for an AWS resource",
    ("aws:multifactorauthpresent", True): "with MFA",
    ("aws:multifactorauthpresent", False): "without MFA",
    ("aws:viaawsservice", True): "via an AWS service",
    ("aws:viaawsservice", False): "not via an AWS service",
    ("kms:bypasspolicylockoutsafetycheck", False): "with the lockout safety check",
}
_WITHOUT = {
    "kms:viaservice": "not via a service",
    "aws:sourcevpce": "not through a VPC endpoint",
    "aws:sourcevpc": "not from a VPC",
}
_ANY = {"kms:viaservice": "via any service"}
_COMPARED = {
    "equals": "is",
    "notequals": "is not",
    "lessthan": "is below",
    "lessthanequals": "is at most",
    "greaterthan": "is above",
    "greaterthanequals": "is at least",
}
_DATES = {"lessthan": "before", "lessthanequals": "until", "greaterthan": "after", "greaterthanequals": "from"}


OTHERS: dict[str, tuple[str, ...]] = {
    "ip": ("203.0.113.7",),  # https://www.rfc-editor.org/rfc/rfc5737
    "date": ("1999-12-31T00:00:00Z", "2999-12-31T00:00:00Z"),
    "arn": ("arn:aws:other:::other",),
    "string": ("other",),
}
"""Values by the type of a condition key that stand for any that no policy names."""


def said(text: Sym) -> str:
    """A text as people read it: what is left open by its name."""
    return by_name(show(text))


def by_name(message: str) -> str:
    """A message in which account and Region that are not given stand by their names, not by the options that give them."""
    return message.replace("${--account}", "${account}").replace("${--region}", "${region}")


def is_any(value: Value) -> bool:
    """Whether a value stands for any that no policy names."""
    every = [other for others in OTHERS.values() for other in others]
    return all(item.text in every for item in value.items or (value,))


def say_test(test: Test) -> str:
    """What a test of an Allow statement asks of a request."""
    values = [_shown(entry.text, test.key) for entry in test.values]
    optional = " or without it" if test.if_exists else ""
    if test.base == "null":
        absent = [fold(value) == "true" for value in values]
        return _without(test.key, test.name) if all(absent) else f"with {_name(test.key, test.name)}"
    if test.base == "bool":
        return _flag(test.key, test.name, values) + optional
    for family in ("numeric", "date"):
        if test.base.startswith(family):
            return _compared(test, family, values) + optional
    if "not" in test.base:
        return f"where {_name(test.key, test.name)} is not {_either(values)}" + optional
    return _is(test.key, test.name, values) + optional


def say_value(name: str, value: Value) -> str:
    """That a request holds a value, or nothing, under a condition key."""
    found = find_further(name)
    shown = found.name if found is not None else name
    if value.data is ABSENT:
        return _without(name, shown)
    items = value.items or (value,)
    texts = [_shown(sym(item), name) for item in items]
    if found is not None and found.type == "bool":
        return _flag(name, shown, texts)
    if is_any(value):
        return _ANY.get(name, f"where {shown} is none that the policies name")
    return _is(name, shown, texts)


def _is(key: str, name: str, values: Sequence[str]) -> str:
    text = _either(values)
    if key in _IS:
        return _IS[key].format(text)
    if key.startswith(CONTEXT):
        return f"with the encryption context {name[len(CONTEXT) :]} = {text}"
    if key.startswith(PRINCIPAL_TAG):
        return f"with the principal tag {name[len(PRINCIPAL_TAG) :]} = {text}"
    return f"where {name} is {text}"


def _name(key: str, name: str) -> str:
    return f"the encryption context {name[len(CONTEXT) :]}" if key.startswith(CONTEXT) else name


def _flag(key: str, name: str, values: Sequence[str]) -> str:
    flags = {fold(value) == "true" for value in values}
    words = _FLAGS.get((key, flags.pop())) if len(flags) == 1 else None
    return words or f"where {name} is {_either([fold(value) for value in values])}"


def _compared(test: Test, family: str, values: Sequence[str]) -> str:
    order = test.base.removeprefix(family)
    if test.key in ("aws:currenttime", "aws:epochtime") and order in _DATES:
        return f"{_DATES[order]} {_either(values)}"
    return f"where {test.name} {_COMPARED.get(order, 'is')} {_either(values)}"


def _without(key: str, name: str) -> str:
    return _WITHOUT.get(key, f"without {_name(key, name)}")


def _either(values: Sequence[str]) -> str:
    if len(values) < 2:
        return "".join(values) or "nothing"
    return f"{', '.join(values[:-1])} or {values[-1]}"


def _shown(text: Sym, key: str) -> str:
    shown = said(text)
    if key in ("kms:viaservice", "aws:calledvia"):
        return shown.removesuffix(".amazonaws.com")
    return shown
