"""Whether a grant on a key lets a caller do an operation.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html and, for what constrains them,
https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
"""

from __future__ import annotations

from kmsguard.iam import result
from kmsguard.iam.conditions import Held, Undecided
from kmsguard.iam.context import Asked
from kmsguard.iam.evidence import Evidence, Found, join
from kmsguard.iam.keys import CONTEXT, CONTEXT_KEYS
from kmsguard.iam.operations import WITH_CONTEXT
from kmsguard.iam.result import NO, YES, Result
from kmsguard.iam.subjects import Grant
from kmsguard.iam.texts import Sym, equal, fold, known, opens, sym
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Value


def granted(asked: Asked) -> Found:
    """Whether some grant on the key allows the operation."""
    found: list[Found] = []
    for grant in asked.key.grants:
        one = result.every((_is_grantee(asked, grant), _is_granted(asked, grant), _is_constrained(asked, grant)))
        if one.truth is not Truth.NO:
            message = (
                f"a grant lets it do {asked.action}" if one.truth is Truth.YES else f"a grant may let it do {asked.action}"
            )
            span = grant.value.where if grant.value is not None else None
            found.append(Found(one, (Evidence("grants", "grant", one.truth, message, span, grant=grant),)))
    if asked.key.grants_missing:
        found.append(Found(result.unknown(*asked.key.grants_missing)))
    return join(found)


def _is_grantee(asked: Asked, grant: Grant) -> Result:
    grantee = sym(grant.grantee, asked.deployment)
    forms = [asked.caller.arn, *asked.caller.also]
    named = result.agreed([result.of(equal(grantee, form), opens(grantee, form)) for form in forms])
    if asked.caller.session is not None:
        session = result.of(equal(grantee, asked.caller.session), opens(grantee, asked.caller.session))
        return result.some((named, session))
    return named


def _is_granted(asked: Asked, grant: Grant) -> Result:
    value = grant.operations
    if not isinstance(value.data, tuple):
        return result.of(equal(sym(value, asked.deployment), (asked.operation,)), opens(sym(value, asked.deployment)))
    texts = [sym(item, asked.deployment) for item in value.items]
    return result.some(result.of(equal(text, (asked.operation,)), opens(text)) for text in texts)


def _is_constrained(asked: Asked, grant: Grant) -> Result:
    if asked.operation not in WITH_CONTEXT or asked.operation == "CreateGrant":
        return YES
    results: list[Result] = []
    for constraint, whole in ((grant.subset, False), (grant.equals, True)):
        if constraint is None or constraint.data is None or constraint.data is ABSENT:
            continue
        if not isinstance(constraint.data, dict):
            results.append(result.unknown(*opens(sym(constraint, asked.deployment))))
            continue
        results.extend(_pair(asked, name, value) for name, value in constraint.data.items())
        if whole:
            results.append(_no_more(asked, tuple(constraint.data)))
    return result.every(results)


def _pair(asked: Asked, name: str, value: Value) -> Result:
    state = asked.request.state(CONTEXT + fold(name))
    if isinstance(state, Undecided):
        return Result(Truth.UNKNOWN, state.open)
    if not isinstance(state, Held):
        return NO
    wanted = sym(value, asked.deployment)
    return result.of(equal(wanted, state.values[0]), opens(wanted, state.values[0]))


def _no_more(asked: Asked, names: tuple[str, ...]) -> Result:
    state = asked.request.state(CONTEXT_KEYS)
    if isinstance(state, Undecided):
        return Result(Truth.UNKNOWN, state.open)
    wanted = {fold(name) for name in names}
    held = state.values if isinstance(state, Held) else ()
    return result.every(result.of(Truth.of(_among(text, wanted)), opens(text)) for text in held)


def _among(text: Sym, names: set[str]) -> bool | None:
    plain = known(text)
    return None if plain is None else fold(plain) in names
