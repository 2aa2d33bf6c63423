"""The quotas of KMS that a template can reach by itself.

As of 24 November 2026 a key policy has 32 KB at most, which cannot be raised, and a key 50 aliases, which can:
https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
"""

from __future__ import annotations

import json

from kmsguard.model.finding import Evidence
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import Choice, Text, Unknown, Value
from kmsguard.rules.checks.access import access_of
from kmsguard.rules.checks.telling import here, opens

_GOOD = Answer(Truth.YES)
_POLICY, _NEAR_POLICY = 32_768, 29_491  # bytes; nine tenths of it
_ALIASES, _NEAR_ALIASES = 50, 45
_LONGEST_NAME = 256  # what a name that is not known adds to an ARN at most, much more than most


def far(question: Question) -> Answer:
    """Whether the policy and the aliases of a key are well within their quotas."""
    access, key = access_of(question), question.resource
    aliases = [alias for alias, there in access.sources(key, "key", "kms.alias") if there is Truth.YES]
    if len(aliases) >= _NEAR_ALIASES:
        evidence = (Evidence("this key has many aliases", key.head, None, key),)
        return Answer(Truth.NO, evidence, values={"problem": f"has {len(aliases)} aliases, of {_ALIASES} that a key can have"})
    policy = access.value(key, "policy")
    least, most = (0, _POLICY) if isinstance(policy.data, Unknown) else _length(policy)
    if most < _NEAR_POLICY:
        return _GOOD
    place = (here("the key policy", policy, key),)
    if least < _NEAR_POLICY:
        problem = f"may have a policy near {_POLICY:,} bytes, which is all that KMS takes"
        return Answer(Truth.UNKNOWN, place, opens(policy), values={"problem": problem})
    return Answer(Truth.NO, place, values={"problem": f"has a policy of {least:,} bytes, of {_POLICY:,} that KMS takes"})


def _length(value: Value) -> tuple[int, int]:
    """How many bytes a value has as JSON without white space, at least and at most."""
    data = value.data
    if isinstance(data, dict):
        parts = [(_bytes(name) + 2, _length(item)) for name, item in data.items()]
        return 1 + sum(n + low for n, (low, _) in parts), 1 + sum(n + high for n, (_, high) in parts)
    if isinstance(data, tuple):
        inner = [_length(item) for item in data]
        return 1 + len(inner) + sum(low for low, _ in inner), 1 + len(inner) + sum(high for _, high in inner)
    if isinstance(data, Text):
        inner = [_length(piece) for piece in data.pieces]
        return sum(max(low - 2, 0) for low, _ in inner) + 2, sum(max(high - 2, 0) for _, high in inner) + 2
    if isinstance(data, Choice):
        inner = [_length(branch.value) for branch in data.branches]
        return min(low for low, _ in inner), max(high for _, high in inner)
    if isinstance(data, Unknown):
        return 0, _LONGEST_NAME if value.target is not None or data.not_null else _POLICY
    return (_bytes(data), _bytes(data)) if data is None or isinstance(data, (str, bool, int, float)) else (0, 0)


def _bytes(data: object) -> int:
    return len(json.dumps(data, ensure_ascii=False).encode())
