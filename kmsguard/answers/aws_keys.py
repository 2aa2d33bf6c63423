"""The resources that are under an AWS managed key because they name none."""

from __future__ import annotations

from collections.abc import Iterator

from kmsguard.answers.parties import explore
from kmsguard.model.guard import World, decide
from kmsguard.model.resource import Graph, Resource
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown
from kmsguard.rules.checks.default_keys import DEFAULTS, Default


def under_aws_keys(graph: Graph, units: frozenset[str]) -> Iterator[tuple[Resource, Default, bool]]:
    """The resources that are under an AWS managed key for want of another one, and whether that is certain."""
    for kind, default in DEFAULTS.items():
        for resource in graph.by_kind.get(kind, ()):
            if resource.unit in units and resource.declarations[0].mode == "managed":
                truth = _is_under(graph, resource, default)
                if truth is not Truth.NO:
                    yield resource, default, truth is Truth.YES


def _is_under(graph: Graph, resource: Resource, default: Default) -> Truth:
    edges = [edge for name in ("encrypted_with", *default.takes_from) for edge in graph.out(resource, name)]

    def in_world(world: World) -> Truth | None:
        if decide(resource.exists, world) is Truth.NO:
            return None
        if any(decide(edge.guard, world) is not Truth.NO for edge in edges):
            return Truth.NO
        found = default.values[0] if not default.attribute else resource.attribute(default.attribute, world).data
        if isinstance(found, Unknown) or default.unless is not None:
            return Truth.UNKNOWN if isinstance(found, Unknown) or found in default.values else Truth.NO
        return Truth.of(found in default.values)

    worlds = explore(in_world)
    truths = {truth for _, truth in worlds.found}
    if worlds.too_many or len(truths) > 1:
        return Truth.UNKNOWN
    truth = truths.pop() if truths else Truth.NO
    return truth & Truth.YES if resource.exists is Truth.YES or truth is Truth.NO else Truth.UNKNOWN
