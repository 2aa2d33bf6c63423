"""What a plan's `configuration` says of expressions: constants, and the names that they refer to.

A plan holds no expressions, only the names in them: what is unknown after them is followed to an attribute only where nothing
else can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from kmsguard.model.value import Target
from kmsguard.terraform.addresses import within
from kmsguard.terraform.expand import quoted
from kmsguard.terraform.plan.document import Json, Members, members, objects, text

Key = int | str | None
MAX_HOPS = 40  # calls and outputs in a row

_STEP = re.compile(r'\.?([^.\[\]"]+)|\[("(?:[^"\\]|\\.)*"|\d+)\]')


class Instance(msgspec.Struct, frozen=True, eq=False):
    """A resource or data source as the plan makes it."""

    address: str
    module: str  # the address of its module; empty: the root module
    mode: str
    type: str
    name: str
    key: Key
    after: Members
    unknown: Members
    sensitive: Json
    path: tuple[str | int, ...]  # where it stands in the plan
    values: tuple[str | int, ...]  # and its attributes

    @property
    def local(self) -> str:
        """Its address in its module, without an index."""
        return f"{'data.' if self.mode == 'data' else ''}{self.type}.{self.name}"


class View(msgspec.Struct, frozen=True, eq=False):
    """An instance of a module: what its configuration is, and who calls it with what."""

    address: str
    configuration: Members
    path: tuple[str | int, ...]  # of the configuration in the plan
    parent: View | None = None
    key: Key = None
    call: Members = {}

    def within(self, name: str) -> str:
        """The full address of something in this module."""
        return within(self.address, name)


class Source(msgspec.Struct, frozen=True):
    """What an unknown value may come from; None: something that a plan does not tell."""

    target: Target | None
    instance: Instance | None = None


def steps(reference: str) -> list[str | int]:
    """`module.m["x"].out[0]` as its names and indices; indices that are text keep their quotes."""
    out: list[str | int] = []
    for match in _STEP.finditer(reference):
        index = match[2]
        out.append(match[1] if index is None else index if index.startswith('"') else int(index))
    return out


def is_expression(node: Json) -> bool:
    """Whether a node of `expressions` is an argument, and no nested block."""
    return isinstance(node, dict) and not (node.keys() - {"constant_value", "references"})


def whole_references(node: Json) -> list[str]:
    """The names that an expression refers to, without those that only lead to a longer one."""
    if isinstance(node, list):
        return list(dict.fromkeys(name for item in node for name in whole_references(item)))
    if not isinstance(node, dict):
        return []
    if not is_expression(node):
        return list(dict.fromkeys(name for item in node.values() for name in whole_references(item)))
    listed = node.get("references")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return [
        name
        for number, name in enumerate(names)
        if not any(longer.startswith((f"{name}.", f"{name}[")) for longer in names[:number])
    ]


class References:
    """The names of a plan, and what they lead to."""

    def __init__(self, configuration: Members, instances: Iterable[Instance], relevant: Json = None) -> None:
        self._relevant = list(_relevant(relevant))
        self._behind_locals: dict[str, list[Source]] = {}
        self._root = View("", members(configuration, "root_module"), ("configuration", "root_module"))
        self._instances: dict[tuple[str, str], dict[Key, list[Instance]]] = {}
        self.by_address: dict[str, Instance] = {}
        self.by_arn: dict[str, Instance] = {}
        self._views: dict[str, View | None] = {"": self._root}
        self._blocks: dict[int, dict[str, tuple[Members, int]]] = {}
        self._modules: dict[str, None] = {"": None}
        for instance in instances:
            self.by_address[instance.address] = instance
            self._instances.setdefault((instance.module, instance.local), {}).setdefault(instance.key, []).append(instance)
            module = instance.module
            while module not in self._modules:
                self._modules[module] = None
                module, _, _ = split_module(module)
            arn = instance.after.get("arn")
            if instance.mode == "managed" and isinstance(arn, str) and arn.startswith("arn:"):
                self.by_arn.setdefault(arn, instance)

    def view(self, address: str) -> View | None:
        """The instance of a module at an address; None where the configuration does not have it."""
        if address not in self._views:
            self._views[address] = self._view(address)
        return self._views[address]

    def _view(self, address: str) -> View | None:
        parent, name, key = split_module(address)
        above = self.view(parent) if name else None
        if above is None:
            return None
        call = members(above.configuration, "module_calls", name)
        path = (*above.path, "module_calls", name, "module")
        return View(address, members(call, "module"), path, above, key, call) if call else None

    def block(self, instance: Instance) -> Members:
        """What the configuration says of a resource; empty where it says nothing."""
        view = self.view(instance.module)
        if view is None:
            return {}
        known = self._blocks.get(id(view.configuration))
        if known is None:
            listed = view.configuration.get("resources")
            known = self._blocks[id(view.configuration)] = {
                text(block, "address"): (block, number) for number, block in enumerate(objects(listed))
            }
        return known.get(instance.local, ({}, 0))[0]

    def sources(self, node: Json, view: View, key: Key, each: Json = None, hops: int = MAX_HOPS) -> list[Source]:
        """What makes an expression unknown: the attributes in it that are known only after apply.

        `key` is the instance that it is evaluated for, `each` the `for_each_expression` of its block.
        """
        found: list[Source] = []
        names = [name for name in map(steps, whole_references(node)) if name]
        if not any(name[0] in ("each", "count") for name in names):
            key = None
        for name in names:
            found.extend(self._sources(name, view, key, each, hops - 1) if hops else [Source(None)])
        return list({source.target: source for source in found}.values())

    def _sources(self, name: list[str | int], view: View, key: Key, each: Json, hops: int) -> list[Source]:
        root = name[0]
        if root == "each" and name[1:2] == ["value"]:
            whole = [self._member(one, name[2:]) for one in map(steps, whole_references(each)) if one]
            return [source for one in whole for source in self._sources(one, view, key, None, hops)]
        if root in ("each", "count", "path", "terraform", "self"):
            return []
        if root == "var" and len(name) > 1:
            if view.parent is None:
                return []  # a plan knows the values of all of them
            argument = members(view.call, "expressions").get(str(name[1]))
            return self.sources(argument, view.parent, view.key, view.call.get("for_each_expression"), hops)
        if root == "module" and len(name) > 1:
            return self._output(name, view, key, hops)
        if root == "local":
            return self._behind_local(view, hops)
        if len(name) < 2:
            return [Source(None)]
        return self._attribute(name, view, key)

    def _behind_local(self, view: View, hops: int) -> list[Source]:
        """What a local value of a module may come from. A plan holds no locals; it lists all attributes that its changes hang
        on: of them those of the module and of those that it calls, and what the call hands to it."""
        known = self._behind_locals.get(view.address)
        if known is None:
            self._behind_locals[view.address] = [Source(None)]  # of a module that hands its locals to itself
            known = self._behind_locals[view.address] = self._relevant_to(view, hops)
        return known

    def _relevant_to(self, view: View, hops: int) -> list[Source]:
        found: list[Source] = []
        for address, attribute in self._relevant:
            for instance in self._instances_of(address):
                inside = not view.address or f"{instance.module}.".startswith(f"{view.address}.")
                if inside and is_unknown(instance.unknown.get(attribute.partition(".")[0])):
                    found.append(Source(Target(instance.address, attribute), instance))
        if view.parent is not None:
            each = view.call.get("for_each_expression")
            for argument in members(view.call, "expressions").values():
                found.extend(self.sources(argument, view.parent, view.key, each, hops))
        return list({source.target: source for source in found}.values()) or [Source(None)]

    def _instances_of(self, address: str) -> list[Instance]:
        """The instance of an address, or all of a resource that is named without an index."""
        one = self.by_address.get(address)
        return [one] if one is not None else [i for name, i in self.by_address.items() if name.startswith(f"{address}[")]

    @staticmethod
    def _member(whole: list[str | int], rest: list[str | int]) -> list[str | int]:
        """What is asked of an element of `for_each`, where that is all of a resource."""
        return whole + rest if len(whole) == (3 if whole[0] == "data" else 2) else whole

    def _output(self, name: list[str | int], view: View, key: Key, hops: int) -> list[Source]:
        call, rest = str(name[1]), name[2:]
        address = view.within(f"module.{call}")
        if rest and (isinstance(rest[0], int) or rest[0].startswith('"')):
            candidates = [f"{address}[{rest[0]}]"]
            rest = rest[1:]
        else:
            candidates = [address, f"{address}[{_index(key)}]"]
        known = next((candidate for candidate in candidates if candidate in self._modules), None)
        child = self.view(known) if known is not None else None
        if child is None or not rest:
            return [Source(None)]
        output = members(child.configuration, "outputs", str(rest[0])).get("expression")
        return [Source(None)] if output is None else self.sources(output, child, None, None, hops)

    def _attribute(self, name: list[str | int], view: View, key: Key) -> list[Source]:
        count = 3 if name[0] == "data" else 2
        local, rest = ".".join(str(step) for step in name[:count]), name[count:]
        meant, rest = self._meant(view, local, rest, key)
        # behind an index that is an expression, and behind a splat, the plan leaves the attribute out
        attribute = ".".join(str(step).strip('"') for step in rest) or "arn"
        if not meant:
            return [Source(None)]
        return [
            Source(Target(instance.address, attribute), instance)
            for instance in meant
            if is_unknown(instance.unknown.get(attribute.partition(".")[0]))
        ]

    def _meant(self, view: View, local: str, rest: list[str | int], key: Key) -> tuple[Sequence[Instance], list[str | int]]:
        """The instances of a resource that a reference may mean, and what it asks of them: without an index all of them."""
        by_key = self._instances.get((view.address, local), {})
        if rest and (isinstance(rest[0], int) or rest[0].startswith('"')):
            return by_key.get(rest[0] if isinstance(rest[0], int) else _unquoted(rest[0]), ()), rest[1:]
        if key is not None and key in by_key:
            return by_key[key], rest
        return [instance for instances in by_key.values() for instance in instances], rest

    def known(self, node: Json, view: View, key: Key, value: Json) -> Source | None:
        """The attribute that a known value was taken from, where it is one that its resource's code does not write."""
        for name in whole_references(node):
            for source in self._computed(steps(name), view, key, MAX_HOPS):
                instance, target = source.instance, source.target
                if instance is not None and target is not None and instance.after.get(target.attribute) == value:
                    return source
        return None

    def _computed(self, name: list[str | int], view: View, key: Key, hops: int) -> list[Source]:
        root = name[0] if name else ""
        node: Json = None
        inner: View | None = None
        if root == "var" and len(name) > 1 and view.parent is not None:
            node, inner, key = members(view.call, "expressions").get(str(name[1])), view.parent, view.key
        elif root == "module" and len(name) > 2:
            address = view.within(f"module.{name[1]}")
            rest = name[2:]
            if isinstance(rest[0], int) or rest[0].startswith('"'):
                address, rest = f"{address}[{rest[0]}]", rest[1:]
            inner = self.view(address) if address in self._modules and rest else None
            node = members(inner.configuration, "outputs", str(rest[0])).get("expression") if inner is not None else None
        elif root not in ("var", "module", "local", "each", "count", "path", "terraform", "self", "data") and len(name) > 2:
            return self._written_elsewhere(name, view, key)
        if inner is None or not hops:
            return []
        return [s for one in whole_references(node) for s in self._computed(steps(one), inner, key, hops - 1)]

    def _written_elsewhere(self, name: list[str | int], view: View, key: Key) -> list[Source]:
        local, rest = f"{name[0]}.{name[1]}", name[2:]
        known, rest = self._meant(view, local, rest, key)
        if len(known) != 1 or len(rest) != 1 or known[0].mode != "managed":
            return []
        attribute = str(rest[0])
        if attribute in members(self.block(known[0]), "expressions"):
            return []
        return [Source(Target(known[0].address, attribute), known[0])]


def _relevant(listed: Json) -> Iterable[tuple[str, str]]:
    """The attributes that the changes of a plan hang on, each with its resource's address.

    See https://developer.hashicorp.com/terraform/internals/json-format#plan-representation.
    """
    for one in objects(listed):
        path = one.get("attribute")
        if isinstance(path, list) and path and text(one, "resource"):
            yield text(one, "resource"), ".".join(str(step) for step in path)


def is_unknown(node: Json) -> bool:
    """Whether anything in a node of `after_unknown` is unknown."""
    if isinstance(node, dict):
        return any(map(is_unknown, node.values()))
    return any(map(is_unknown, node)) if isinstance(node, list) else node is True


def split_module(address: str) -> tuple[str, str, Key]:
    """The parent, name and index of a module's address; an empty name where it is none."""
    last: tuple[str, str, Key] = ("", "", None)
    at = 0
    pattern = re.compile(r'\.?module\.([^.\[\]"]+)(?:\[("(?:[^"\\]|\\.)*"|\d+)\])?')
    while at < len(address):
        match = pattern.match(address, at)
        if match is None:
            return "", "", None
        index = match[2]
        key: Key = None if index is None else _unquoted(index) if index.startswith('"') else int(index)
        last = address[:at], match[1], key
        at = match.end()
    return last


def _unquoted(written: str) -> str:
    from json import loads

    try:
        found = loads(written)
    except ValueError:
        return written.strip('"')
    return found if isinstance(found, str) else written


def _index(key: Key) -> str:
    return quoted(key) if isinstance(key, str) else str(key)
