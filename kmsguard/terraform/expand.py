"""`count`, `for_each` and `dynamic`: how many there are of a block, and what it sees in each instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from kmsguard.model.guard import Atom, Formula, negate
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value
from kmsguard.syntax.hcl.nodes import Block, Conditional, Expression, Parentheses
from kmsguard.terraform.access import entries
from kmsguard.terraform.choices import choose
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.deferred import is_deferred
from kmsguard.terraform.evaluate import conclude
from kmsguard.terraform.guards import any_holds, meet
from kmsguard.terraform.history import derived
from kmsguard.terraform.load import Elsewhere
from kmsguard.terraform.operations import AFTER_APPLY, FRESH, cases
from kmsguard.terraform.partial import Invalid, Many, Open, SetItems, branches, find_unknown
from kmsguard.terraform.scope import Scope
from kmsguard.terraform.types import NUMBER, STRING

MOST_INSTANCES = 10_000
"""So many instances of one block are told apart, if the unit has room for them (`Run.room`)."""


_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def quoted(text: str) -> str:
    """A text as HCL writes it in an address."""
    return f'"{text.translate(_ESCAPES).replace("${", "$${").replace("%{", "%%{")}"'


class Instance(msgspec.Struct, frozen=True, eq=False):
    """One instance of a block."""

    key: int | str | None  # None: there is one, or it is not known which there are
    names: dict[str, Value]  # `count` or `each`
    exists: Formula = Truth.YES
    reason: str | None = None  # where it is not known whether there are any

    @property
    def suffix(self) -> str:
        """What the instance has behind its address."""
        if self.key is None:
            return ""
        return f"[{self.key}]" if isinstance(self.key, int) else f"[{quoted(self.key)}]"


class Expansion(msgspec.Struct, frozen=True, eq=False):
    """All instances of a block, and which of them there are together."""

    kind: str  # single, enabled, count, for_each, many
    instances: tuple[Instance, ...]
    rows: tuple[tuple[Formula, tuple[int | str, ...]], ...] = ()  # the keys that there are, under each guard
    unknown: Unknown | None = None  # of many: why it is not known

    def collect(self, value_of: Callable[[Instance], Value]) -> Value:
        """The block as an expression sees it: one value, or a list or map of the values of its instances."""
        if self.kind == "single":
            return value_of(self.instances[0])
        if self.kind == "enabled":
            given = [(instance.exists, value_of(instance)) for instance in self.instances]
            return choose([*given, (negate(any_holds(*(guard for guard, _ in given))), Value(None))])
        if self.kind == "many":
            assert self.unknown is not None
            element = value_of(self.instances[-1])
            return Value(Many(self.unknown.reason, self.unknown.reference, None, True, "", (), element, keyed=True))
        values = {instance.key: value_of(instance) for instance in self.instances}
        if self.kind == "count":
            return choose((guard, Value(tuple(values[key] for key in keys))) for guard, keys in self.rows)
        return choose((guard, Value({str(key): values[key] for key in keys})) for guard, keys in self.rows)


SINGLE = Expansion("single", (Instance(None, {}),))


def expansion(block: Block, scope: Scope) -> Expansion:
    """The instances of a resource, data source or module call."""
    count = block.body.attributes.get("count")
    if count is not None:
        return _count(count.expression, scope)
    for_each = block.body.attributes.get("for_each")
    if for_each is not None:
        return _for_each(for_each.expression, scope)
    for nested in block.body.blocks:
        enabled = nested.body.attributes.get("enabled") if nested.type == "lifecycle" else None
        if enabled is not None:
            return _enabled(enabled.expression, scope)
    return SINGLE


def _enabled(node: Expression, scope: Scope) -> Expansion:
    """What OpenTofu makes or not: https://opentofu.org/docs/language/meta-arguments/enabled."""
    decided = cases(conclude(node, scope), scope.run.facts, lambda: scope.name_of(node))
    exists = any_holds(*(guard for guard, truth in decided if truth is not False))
    if exists is Truth.YES:
        return SINGLE
    return Expansion("enabled", () if exists is Truth.NO else (Instance(None, {}, exists),))


def _text(name: str, node: Expression, scope: Scope) -> str:
    return f"{name} = {scope.text(node)}"


def _many(name: str, node: Expression, scope: Scope, value: Value, names: dict[str, Value]) -> Expansion:
    unknown = find_unknown(value) or Unknown("it cannot be evaluated")
    _deferred(name, node, scope, unknown)
    reason = _text(name, node, scope)
    return Expansion("many", (Instance(None, names, Truth.UNKNOWN, reason),), (), Unknown(unknown.reason, unknown.reference))


def _refused(node: Expression, scope: Scope, code: str, message: str) -> None:
    """Says of a `count` or `for_each` that Terraform refuses it."""
    scope.run.report("warning", code, scope.span(node), message)


def _deferred(name: str, node: Expression, scope: Scope, unknown: Unknown) -> None:
    """Says of a `count` or `for_each` that it hangs on what a plan does not know."""
    if unknown.reason == AFTER_APPLY or unknown.reason in FRESH:
        _hangs_on(name, node, scope, (unknown.reference,))


def _hangs_on(name: str, node: Expression, scope: Scope, references: Iterable[str | None]) -> None:
    found = next((one for one in references if is_deferred(one)), None)
    if found is not None:
        message = (
            f"`{name}` hangs on {found}, which is known only after apply, so that Terraform refuses to plan it before: "
            f"{_INSTEAD[name]}"
        )
        _refused(node, scope, f"invalid-{name.replace('_', '-')}", message)


_INSTEAD = {
    "count": "let a variable say how many there are",
    "for_each": "use keys that are written in the code, as those of a map, and leave this to its values",
}


def _limit(node: Expression, scope: Scope, wanted: int) -> int:
    """How many of so many instances are read; says so where they are not all."""
    most = min(MOST_INSTANCES, scope.run.room)
    if wanted <= most:
        return wanted
    message = f"there are more instances than can be read of one block ({MOST_INSTANCES}) or unit; only the first ones are"
    scope.run.report("warning", "too-many-instances", scope.span(node), message)
    return most


# --- count ----------------------------------------------------------------------------------------------------------------


def _count(node: Expression, scope: Scope) -> Expansion:
    value, met = _concluded(node, scope)
    _hangs_on("count", node, scope, met)
    rows: list[tuple[Formula, tuple[int | str, ...]]] = []
    for guard, option in branches(value):
        number = convert(option, NUMBER).data
        if isinstance(number, Invalid) and value.data is not option.data:
            continue
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            if not isinstance(value.data, Invalid) and (option.is_known or isinstance(number, Invalid)):
                _refused(
                    node,
                    scope,
                    "invalid-count",
                    "`count` is a whole number, not negative; how many there are is unknown",
                )
            index = Value(Unknown("the index is not known", "count.index", not_null=True))
            return _many("count", node, scope, value, {"count": Value({"index": index})})
        rows.append((guard, tuple(range(_limit(node, scope, number)))))
    instances = tuple(
        Instance(number, {"count": Value({"index": Value(number)})}, _when(rows, number))
        for number in range(max((len(keys) for _, keys in rows), default=0))
    )
    return Expansion("count", instances, tuple(rows))


def _concluded(node: Expression, scope: Scope) -> tuple[Value, tuple[str, ...]]:
    """The value of an expression, and the references that are known after apply only and that a truth in it hangs on."""
    facts = scope.run.facts
    before, facts.met = facts.met, {}
    value = conclude(node, scope)
    met = tuple(facts.met)
    facts.met = before
    return value, met


def _when(rows: list[tuple[Formula, tuple[int | str, ...]]], key: int | str) -> Formula:
    """Under which guards there is an instance of a key."""
    if all(key in keys for _, keys in rows):
        return Truth.YES
    return any_holds(*(guard for guard, keys in rows if key in keys))


# --- for_each -------------------------------------------------------------------------------------------------------------


def each(key: Value, value: Value) -> dict[str, Value]:
    """What `each` is."""
    return {"each": Value({"key": key, "value": value})}


_HIDDEN = (
    "`for_each` takes no sensitive or ephemeral value, as its keys stand in addresses: use nonsensitive() "
    "where they are no secret"
)
_WANTED = "`for_each` takes a map, or a set of texts"


def _for_each(node: Expression, scope: Scope) -> Expansion:
    value, met = _concluded(node, scope)
    rows: list[tuple[Formula, tuple[int | str, ...]]] = []
    values: dict[str, list[tuple[Formula, Value, Value]]] = {}
    loose: list[Value] = []  # elements of sets that are not known
    for guard, option in branches(value):
        found = entries(option)
        if isinstance(found, Many):
            key = Value(Unknown("the key is not known", "each.key", not_null=True))
            return _many("for_each", node, scope, value, each(key, found.element))
        if isinstance(found, Value):
            if isinstance(found.data, Invalid) and option is not value:
                continue
            if isinstance(found.data, Invalid) and not isinstance(value.data, Invalid):
                _refused(node, scope, "invalid-for-each", f"{_WANTED}; which there are is unknown")
            unknown = Value(Unknown("the key is not known", "each.key", not_null=True))
            return _many("for_each", node, scope, value, each(unknown, derived((found,))))
        keys: list[int | str] = []
        if not isinstance(option.data, (dict, SetItems, Unknown)):
            _refused(node, scope, "invalid-for-each", f"{_WANTED}; make the list a set with toset()")
        elif isinstance(option.data, SetItems) and any(_is_no_key(item) for _, item in found):
            _refused(node, scope, "invalid-for-each", f"{_WANTED}: a set of numbers or with null is none; use tostring()")
        if option.sensitive or value.sensitive:
            _refused(node, scope, "invalid-for-each", _HIDDEN)
        for name, item in found:
            # a list is not allowed here; who gives one means a set
            key = convert(item if isinstance(option.data, tuple) else name, STRING)
            text = key.text
            if text is None:
                loose.append(key)
                continue
            keys.append(text)
            values.setdefault(text, []).append((guard, key, item))
        rows.append((guard, tuple(sorted(dict.fromkeys(str(key) for key in keys)))))
    instances = [_keyed(rows, text, values[text]) for text in sorted(values)[: _limit(node, scope, len(values))]]
    if met and _hangs_on_a_condition(node, scope, rows):
        _hangs_on("for_each", node, scope, met)
    if loose:
        return _with_loose(node, scope, instances, loose)
    kept = {instance.key for instance in instances}
    shown = tuple((guard, tuple(key for key in keys if key in kept)) for guard, keys in rows)
    return Expansion("for_each", tuple(instances), shown)


def _hangs_on_a_condition(node: Expression, scope: Scope, rows: list[tuple[Formula, tuple[int | str, ...]]]) -> bool:
    """Whether which keys there are hangs on what is known after apply only, and not just values."""
    if len({keys for _, keys in rows}) > 1:
        return True
    while isinstance(node, (Parentheses, Elsewhere)):
        node = node.inner
    return isinstance(node, Conditional) and bool(_concluded(node.condition, scope)[1])


def _is_no_key(item: Value) -> bool:
    return item.data is None or isinstance(item.data, (bool, int, float, Decimal, tuple, dict))


def _keyed(
    rows: list[tuple[Formula, tuple[int | str, ...]]], text: str, values: list[tuple[Formula, Value, Value]]
) -> Instance:
    value = values[0][2] if len(values) == 1 else choose((guard, item) for guard, _, item in values)
    return Instance(text, each(values[0][1], value), _when(rows, text))


def _with_loose(node: Expression, scope: Scope, instances: list[Instance], loose: list[Value]) -> Expansion:
    unknown = find_unknown(loose[0]) or Unknown("the key is not known")
    _deferred("for_each", node, scope, unknown)
    key = loose[0] if len(loose) == 1 else derived(loose, not_null=True)
    exists = Truth.YES if len(loose) == 1 and not instances else Truth.UNKNOWN
    reason = None if exists is Truth.YES else _text("for_each", node, scope)
    other = Instance(None, each(key, key), exists, reason)
    return Expansion("many", (*instances, other), (), Unknown(unknown.reason, unknown.reference))


# --- dynamic --------------------------------------------------------------------------------------------------------------


def repeated(node: Expression, scope: Scope) -> list[tuple[Formula, Value, Value]] | Invalid:
    """The keys and values that a `dynamic` block is repeated for, each under its guard.

    Where it is not known how many there are it is one, under the guard that there is any: what is said of it holds for all.
    """
    collection = conclude(node, scope)
    out: list[tuple[Formula, Value, Value]] = []
    for guard, option in branches(collection):
        if option.data is None:
            continue
        found = entries(option)
        if isinstance(found, Value) and isinstance(found.data, Invalid):
            if option is collection:
                if not isinstance(collection.data, Invalid):
                    message = "`for_each` takes a collection; which blocks there are is unknown"
                    _refused(node, scope, "invalid-for-each", message)
                return found.data
        elif isinstance(found, list):
            out.extend((guard, key, item) for key, item in found[: _limit(node, scope, len(found))])
        else:
            name = option.data.subject if isinstance(option.data, Open) else scope.name_of(node)
            any_of_them = Atom(scope.run.unit, f"length({name}) > 0", True, (True, False))
            value = found.element if isinstance(found, Many) else derived((found,))
            out.append((meet(guard, any_of_them), Value(Unknown("the key is not known", not_null=True)), value))
    return out


def both(outer: Formula, inner: Formula) -> Formula:
    """Whether there is something inside of something; where one of them is not known at all, neither is this."""
    if Truth.NO in (outer, inner):
        return Truth.NO
    if Truth.UNKNOWN in (outer, inner):
        return Truth.UNKNOWN
    return meet(outer, inner)
