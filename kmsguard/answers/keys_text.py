"""The inventory of keys as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kmsguard.answers.keys import ADMINISTRATION, SYMMETRIC, Holder, Inventory, KeyEntry, Protected, uses_of
from kmsguard.answers.layout import entry, place, text_of, titled
from kmsguard.answers.who_can import Everybody
from kmsguard.answers.who_can_text import AUDIENCES, decider
from kmsguard.model.finding import Open

COLUMN = 16
MAX_TOLD = 2


def render(tree: Inventory, width: int) -> str:
    """Key by key what it is, who administers and uses it, what it protects and costs; in the end all costs."""
    lines: list[str] = []
    for key in tree.keys:
        lines += ["", *_key(key, tree, width)] if lines else _key(key, tree, width)
    costs = [key.cost for key in tree.keys if key.cost is not None and key.made_here]
    if costs:
        now, later = sum(cost.monthly for cost in costs), sum(cost.monthly_rotated for cost in costs)
        text = f"together {_money(now, later, tree)}, without requests; prices of {tree.price.as_of}, {tree.price.source}"
        lines += ["", *entry("", text, width, column=0)]
    return text_of(lines or ["no keys"])


def _key(key: KeyEntry, tree: Inventory, width: int) -> Iterator[str]:
    yield titled(key.address, key.unit, key.region, key.account)
    for label, text in _facts(key, tree):
        yield from entry(f"  {label}", text, width, column=COLUMN)


def _facts(key: KeyEntry, tree: Inventory) -> Iterator[tuple[str, str]]:
    yield "kind", _kind(key)
    if key.exists == "unknown" and key.made_here:
        yield "exists", "not decided"
    if key.multi_region is not None and key.multi_region.role in ("primary", "replica"):
        yield "multi-Region", _multi_region(key)
    if key.made_here or key.managed_by == "aws":
        yield "rotation", _rotation(key)
        yield "state", key.state
    if key.aliases and key.made_here:
        yield "aliases", ", ".join(key.aliases)
    if key.made_here:
        yield from _people("administers", key.administrators, (), ADMINISTRATION)
        yield from _people("uses", key.users, key.open_to, uses_of(key.spec, key.usage))
    yield from _labelled("protects", list(_protected(key)))
    if key.cost is not None:
        yield "cost", _money(key.cost.monthly, key.cost.monthly_rotated, tree)
    yield from _labelled("decided by", [decider(one) for one in key.decided_by])


def _kind(key: KeyEntry) -> str:
    if key.managed_by == "aws":
        return "AWS managed key, used by this account through its service only"
    if not key.made_here:
        return "not of this scan" if key.managed_by == "customer" else "not known"
    spec = "symmetric" if key.spec == SYMMETRIC else key.spec or "unknown spec"
    usage = {"ENCRYPT_DECRYPT": "encryption", "SIGN_VERIFY": "signatures", "GENERATE_VERIFY_MAC": "MACs",
             "KEY_AGREEMENT": "key agreement"}.get(key.usage or "", "unknown usage")  # fmt: skip
    origin = {"AWS_KMS": "", "EXTERNAL": ", imported material", "AWS_CLOUDHSM": ", in a CloudHSM cluster",
              "EXTERNAL_KEY_STORE": ", in an external key store"}.get(key.origin or "", ", unknown origin")  # fmt: skip
    return f"{spec}, for {usage}{origin}"


def _multi_region(key: KeyEntry) -> str:
    assert key.multi_region is not None
    if key.multi_region.role == "replica":
        return f"replica of {key.multi_region.primary or 'a key that is not known'}"
    replicas = ", ".join(key.multi_region.replicas)
    return f"primary of {replicas}" if replicas else "primary, without a replica in this scan"


def _rotation(key: KeyEntry) -> str:
    if key.rotation.status != "on":
        return key.rotation.status
    return f"on, every {key.rotation.period_days} days" if key.rotation.period_days is not None else "on"


def _people(
    label: str, holders: Sequence[Holder], audiences: Sequence[Everybody], asked: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    lines = [_audience(one, asked) for one in audiences] + [_holder(one, asked) for one in holders if one.answer == "yes"]
    lines += _perhaps([one for one in holders if one.answer == "unknown"], asked)
    yield from _labelled(label, lines or ["nobody that this scan knows of"])


def _labelled(label: str, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        yield "" if number else label, line


def _holder(one: Holder, asked: tuple[str, ...]) -> str:
    what = one.principal + _operations(one.operations, asked)
    if one.kind == "account":
        what += ", as far as its IAM policies allow"
    return what + (f", {' or '.join(one.conditions)}" if one.conditions else "")


def _perhaps(holders: Sequence[Holder], asked: tuple[str, ...]) -> Iterator[str]:
    """Those who may be able to, together where they could do the same."""
    same: dict[tuple[object, ...], list[Holder]] = {}
    for one in holders:
        same.setdefault((one.operations, one.conditions, one.kind == "account"), []).append(one)
    for alike in same.values():
        names = ", ".join(one.principal for one in alike)
        text = _holder(msgspec.structs.replace(alike[0], principal=names), asked)
        yield f"perhaps {text}{_deciders([open_ for one in alike for open_ in one.decided_by])}"


def _deciders(opens: Sequence[Open]) -> str:
    """The first ones: `kmsguard who-can` tells them all."""
    told = list(dict.fromkeys(decider(one) for one in opens))
    more = "; …" if len(told) > MAX_TOLD else ""
    return f" [{'; '.join(told[:MAX_TOLD])}{more}]" if told else ""


def _operations(operations: tuple[str, ...], asked: tuple[str, ...]) -> str:
    return f" ({', '.join(operations)})" if operations != asked else ""


def _audience(one: Everybody, asked: tuple[str, ...]) -> str:
    certain = one.at_least != "nobody"
    who = AUDIENCES[one.at_least if certain else one.at_most]
    if certain and one.at_least != one.at_most:
        who += f", perhaps {AUDIENCES[one.at_most]}"
    text = ", ".join((who + _operations(one.operations, asked), *one.conditions))
    at = f" [{place(one.location)}]" if one.location is not None else ""
    return f"{'' if certain else 'perhaps '}{text}{_deciders(one.decided_by)}{at}"


def _protected(key: KeyEntry) -> Iterator[str]:
    """What it protects, each once; how it names the key where that is not how its data is encrypted."""
    same: dict[tuple[str, str], list[Protected]] = {}
    for one in key.protects:
        same.setdefault((one.unit, one.address), []).append(one)
    for (unit, address), uses in same.items():
        where = f" in {unit}" if unit != key.unit else ""
        ways = [one.by.replace("_", " ") for one in uses]
        how = f" ({', '.join(ways)})" if "encrypted with" not in ways else ""
        yield f"{'' if any(one.certain for one in uses) else 'perhaps '}{address}{where}{how}"


def _money(now: float, later: float, tree: Inventory) -> str:
    currency = tree.price.currency
    if now == later == 0:
        return "nothing"
    more = f", {later:.2f} {currency} after {tree.price.rotations} rotations" if later != now else ""
    return f"{now:.2f} {currency} a month{more}"
