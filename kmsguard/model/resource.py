"""The graph that rules judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from kmsguard.model.declaration import Declaration, Problem, Unit
from kmsguard.model.guard import Formula, World
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import NOTHING, Unknown, Value, resolve


class KeyUse(msgspec.Struct, frozen=True):
    """Who uses a key because of a resource, and how: what its kind's file says under `key_use`.

    Of `edge`, `attribute` and `service` one is given; `edge` and `service` together: either of them will do. In texts
    `{region}`, `{account}`, `{partition}`, `{arn}`, other parts of the resource's identity and its attributes stand for its
    own, `{holder.arn}` for that of the resource from which the last edge of `through` leads to the key, `{EDGE.arn}` for that
    of an edge's end. `{….object}` of a bucket is what S3 sends as encryption context for an object in it.
    """

    through: str  # the edge to the key, or edges in a row: `topic.encrypted_with`
    actions: tuple[str, ...]  # `kms:Decrypt`
    edge: str = ""  # the principals are the ends of this edge (roles, users), or of edges in a row; `itself`: the resource
    attribute: str = ""  # the principal is named by this attribute
    service: str = ""  # the principal is this AWS service: `logs.{region}.amazonaws.com`
    via: str = ""  # the call comes through this service (`kms:ViaService` is `VIA.{region}.amazonaws.com`)
    context: dict[str, str] = {}  # the encryption context that is sent
    source_arn: str = ""  # `aws:SourceArn` of a service's call, `?`: there is one, and the account's own, `-`: there is none
    grant: bool = False  # the service makes a grant for the principal in the name of whoever deploys, and then works by it
    title: str = ""  # what the use is for: `to read messages`
    asks: tuple[str, ...] = ()  # only where the principal may do one of these with the holder: `secretsmanager:GetSecretValue`
    when: str = ""  # it is only used where this attribute is true, or holds something
    switched: bool = False  # `when` is a truth, of which nothing follows from its being that of another resource
    unless: str = ""  # it is not used where this attribute is true, or holds something
    refused: str = ""  # why it works with no KMS key at all


class Resource(msgspec.Struct, frozen=True, eq=False):
    """One node of the graph, in normalized terms. Its identity is its own; two resources are never equal."""

    address: str
    kind: str  # `kms.key`
    type: str  # `aws_kms_key`: for the report, never for a rule
    unit: str
    traits: tuple[str, ...]
    attributes: Mapping[str, Value]  # what is written or follows by default; normalized names and types
    derived: Mapping[str, Callable[[World], Value]]  # computed when asked for; a cycle is unknown
    declarations: tuple[Declaration, ...]  # the first is its own, others complete it
    span: Span
    head: Span
    exists: Formula = Truth.YES
    region: Value | None = None
    account: Value | None = None
    secrets: tuple[str, ...] = ()  # the attributes that must not be written into a template
    key_use: tuple[KeyUse, ...] = ()  # of its kind
    mend: Mapping[str, str] = {}  # attribute or edge -> what to write in its language, where its kind says so

    def attribute(self, name: str, world: World) -> Value:
        """An attribute in a world: its data is ABSENT where nothing is there, never a Choice.

        Raises:
            UndecidedError: where the world does not decide it.
        """
        value = self.attributes.get(name)
        if value is None:
            derive = self.derived.get(name)
            value = derive(world) if derive is not None else NOTHING
        return resolve(value, world)


class External(msgspec.Struct, frozen=True, gc=False):
    """The end of an edge that is in no unit of the scan: an ARN, an alias, an account, a name, or what is unknown of it."""

    kind: str  # the kind that it would be
    value: Value  # the ARN, alias, name or account, or an Unknown


class Edge(msgspec.Struct, frozen=True, eq=False):
    """A link from one resource to another one. There is one for each branch of a value that hangs on a condition."""

    name: str
    source: Resource
    target: Resource | External
    by: Value  # the value that makes it
    guard: Formula = Truth.YES


class Graph:
    """All resources of a scan and the edges between them. Built once, then read only."""

    def __init__(
        self,
        units: tuple[Unit, ...],
        resources: tuple[Resource, ...],
        edges: tuple[Edge, ...],
        problems: tuple[Problem, ...] = (),
    ) -> None:
        self.units = {unit.path: unit for unit in units}
        self.resources = resources
        self.written = tuple(one for one in resources if not (one.declarations and one.declarations[0].mode == "change"))
        self.problems = problems
        self.kept: dict[str, dict[object, object]] = {}  # what its readers found out and need again, by reader
        self.by_kind: dict[str, list[Resource]] = {}
        self.by_trait: dict[str, list[Resource]] = {}
        self.by_address: dict[tuple[str, str], list[Resource]] = {}
        for resource in resources:
            self.by_kind.setdefault(resource.kind, []).append(resource)
            self.by_address.setdefault((resource.unit, resource.address), []).append(resource)
            for trait in resource.traits:
                self.by_trait.setdefault(trait, []).append(resource)
        self._out: dict[tuple[Resource, str], list[Edge]] = {}
        self._into: dict[tuple[Resource, str], list[Edge]] = {}
        self._open: dict[tuple[str, str], list[Edge]] = {}
        self._exported: dict[str, frozenset[str]] = {}
        for edge in edges:
            self._out.setdefault((edge.source, edge.name), []).append(edge)
            if isinstance(edge.target, Resource):
                self._into.setdefault((edge.target, edge.name), []).append(edge)
            elif isinstance(edge.target.value.data, Unknown):
                self._open.setdefault((edge.source.unit, edge.name), []).append(edge)

    def out(self, resource: Resource, name: str) -> list[Edge]:
        """The edges of a name that leave a resource, whatever they hang on."""
        return self._out.get((resource, name), [])

    def into(self, resource: Resource, name: str) -> list[Edge]:
        """The edges of a name that end at a resource, whatever they hang on."""
        return self._into.get((resource, name), [])

    def open_ends(self, unit: str, name: str) -> list[Edge]:
        """The edges of a name that leave resources of a unit and end at something that is not known."""
        return self._open.get((unit, name), [])

    def edges(self) -> list[Edge]:
        """All edges."""
        return [edge for edges in self._out.values() for edge in edges]

    def exported(self, resource: Resource) -> bool:
        """Whether an output of its unit hands the resource, or anything of it, out to other units."""
        exported = self._exported.get(resource.unit)
        if exported is None:
            unit = self.units.get(resource.unit)
            exported = self._exported[resource.unit] = _handed_out(unit) if unit is not None else frozenset()
        return any(declaration.address in exported for declaration in resource.declarations)


def _handed_out(unit: Unit) -> frozenset[str]:
    """The addresses of the declarations that the outputs and exports of a unit are made from."""
    values = [*unit.outputs.values(), *(export.value for export in unit.exports)]
    targets = [target for value in values for part in value.walk() for target in (*part.refs, part.target)]
    return frozenset(target.address for target in targets if target is not None)
