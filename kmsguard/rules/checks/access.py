"""From the graph to the access decision: principals with all their policies, keys with policy, grants and aliases.

Every check that asks who may use a key goes through here, so that all of them mean the same principal and the same key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar, cast

from kmsguard.iam.decide import (
    EMPTY,
    NOT_HELD,
    OWN_ACCOUNT,
    OWN_REGION,
    Grant,
    Key,
    Layer,
    Principal,
    aws_managed_key_policy,
    via_service_of_alias,
)
from kmsguard.iam.document import PolicyDocument, read_policy
from kmsguard.iam.key_policies import ALIAS_OF_AWS
from kmsguard.iam.managed_policies import managed_policy, managed_policy_of_name
from kmsguard.iam.principals import CallerKind
from kmsguard.iam.service_linked import service_linked_role, service_of
from kmsguard.iam.texts import Deployment, show, sym
from kmsguard.model.finding import Open
from kmsguard.model.guard import NOWHERE_ASSUMED, Atom, Formula, UndecidedError, World, atoms, decide
from kmsguard.model.resource import Edge, External, Graph, Resource
from kmsguard.model.rule import JudgeSettings, Question
from kmsguard.model.truth import Truth
from kmsguard.model.value import PARTITION, Absent, Choice, Text, Unknown, Value, resolve_deep

AWS_POLICY = ":iam::aws:policy/"
_MAX_READERS = 256  # worlds of which it is kept what was read in them
_MAX_DOCUMENTS = 20_000
_SHORTENED = 8  # CloudFormation leaves more than so many characters of a logical id


T = TypeVar("T")


class _Held(NamedTuple):
    """An attribute in all worlds that it was asked for in: those that say the same of what it hangs on share it."""

    subjects: frozenset[tuple[str, str]] | None
    values: dict[tuple[frozenset[tuple[Atom, bool]], bool], Value]


class Access:
    """What one check asks of one graph in one world. `wider` is the same in a world that assumes less."""

    def __init__(self, graph: Graph, world: World, settings: JudgeSettings, wider: Access | None = None) -> None:
        self.graph = graph
        self.world = world
        self.settings = settings
        self.wider = wider
        self.deployments: dict[tuple[str | None, str | None], Deployment] = wider.deployments if wider is not None else {}
        self.kept: dict[tuple[object, ...], object] = {}
        self.undecided: dict[tuple[object, ...], tuple[Atom, Formula]] = {}  # what this world does not decide
        self._values: dict[tuple[Resource, str], _Held] = graph.kept.setdefault("values", {})  # type: ignore[assignment]

    @property
    def widest(self) -> Access:
        """The same in the world that assumes nothing."""
        return self if self.wider is None else self.wider.widest

    def once(self, find: Callable[..., T], *of: object) -> T:
        """What a function finds of some things that are the same whenever they are equal: it is asked once in a world.

        What it finds in a wider world without an UndecidedError is so in this one too.

        Raises:
            UndecidedError: where the world does not decide it.
        """
        name = (find, *of)
        undecided = self.undecided.get(name)
        if undecided is not None:
            raise UndecidedError(*undecided)
        reader: Access | None = self
        while reader is not None:
            if name in reader.kept:
                return cast("T", reader.kept[name])
            reader = reader.wider
        try:
            found = find(self, *of)
        except UndecidedError as error:
            self.undecided[name] = error.atom, error.formula
            raise
        self.kept[name] = found
        return found

    def deployment(self, resource: Resource) -> Deployment:
        """Where a resource is deployed to, as the decision needs it."""
        region = resource.region.text if resource.region is not None else None
        account = resource.account.text if resource.account is not None else None
        found = self.deployments.get((account, region))
        if found is None:
            found = self.deployments[account, region] = Deployment(
                account=account or self.settings.account,
                region=region,
                trusted=self.settings.trusted_accounts,
                organizations=self.settings.organizations,
            )
        return found

    def read(self, value: Value, deployment: Deployment) -> PolicyDocument:
        """A policy document; one that several resources or worlds share is read once."""
        documents = _kept_documents(self.graph)
        name = (id(value), deployment.account, deployment.region)
        found = documents.get(name)
        if found is None:
            if len(documents) >= _MAX_DOCUMENTS:
                documents.clear()
            found = documents[name] = (value, read_policy(value, deployment))
        return found[1]

    def ends(self, resource: Resource, edge: str) -> tuple[tuple[Resource | External, Truth], ...]:
        """The ends of the edges of a name in this world; UNKNOWN beside an end: nobody can decide whether it is there.

        Raises:
            UndecidedError: where the world does not decide an edge.
        """
        return self.once(_ends, resource, edge)

    def sources(self, resource: Resource, edge: str, kind: str) -> list[tuple[Resource, Truth]]:
        """The resources of a kind whose edges of a name end here, in this world."""
        found: list[tuple[Resource, Truth]] = []
        for one in self.graph.into(resource, edge):
            if one.source.kind == kind:
                there = self.is_there(one) & decide(one.source.exists, self.world)
                if there is not Truth.NO:
                    found.append((one.source, there))
        return found

    def is_there(self, edge: Edge) -> Truth:
        """Whether an edge is there in this world, and its end."""
        there = decide(edge.guard, self.world)
        if there is Truth.YES and isinstance(edge.target, Resource):
            exists = decide(edge.target.exists, self.world)
            # A resource whose number is open is spoken of as if there is any: what hangs on it holds then.
            return Truth.NO if exists is Truth.NO else Truth.YES
        return there

    def value(self, resource: Resource, name: str) -> Value:
        """An attribute with all that it holds, in this world.

        Raises:
            UndecidedError: where the world does not decide it.
        """
        held = self._values.get((resource, name))
        if held is None:
            held = self._values[resource, name] = _held(resource, name)
        if held.subjects is None:
            return self.once(_value, resource, name)
        said = self.world.key
        if said:
            said = frozenset(one for one in said if (one[0].unit, one[0].subject) in held.subjects)
        vague = self.world.vague and bool(held.subjects)
        found = held.values.get((said, vague))
        if found is None:
            found = held.values[said, vague] = _value(self, resource, name)
        return found

    # Principals

    def principal(self, end: Resource | External) -> Principal:
        """A role or user with its policies, boundary and tags; of one that is not defined here only the ARN is known."""
        if isinstance(end, External):
            return external_principal(end.value)
        return self.once(Access.read_principal, end)

    def read_principal(self, end: Resource) -> Principal:
        """As `principal`, without looking whether it was read before."""
        linked = self.value(end, "service").text if end.kind == "iam.role" else None
        if linked is not None:
            return service_linked_role(self.value(end, "arn"), end.account or OWN_ACCOUNT, linked)
        deployment = self.deployment(end)
        kind: CallerKind = "user" if end.kind == "iam.user" else "role"
        boundary = [self._policy(one, there, deployment) for one, there in self.ends(end, "boundary")]
        return Principal(
            kind=kind,
            arn=self.value(end, "arn"),
            account=end.account or OWN_ACCOUNT,
            name=self._name(end),
            identity_policies=self.identity_policies(end),
            boundary=_joined(boundary) if boundary else None,
            tags=partial(self._tags, end),
        )

    def _name(self, end: Resource) -> Value | None:
        name, path = self.value(end, "name"), self.value(end, "path").text
        if isinstance(name.data, Absent):
            name = self._made_name(end)
        if path is None:
            return None
        return name if path == "/" else name.with_data(Text((Value(path.lstrip("/")), name)))

    def _made_name(self, end: Resource) -> Value:
        """What is known of a name that nobody gave.

        CloudFormation makes it of the stack's name, the logical id and random characters, and shortens where all is too long:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html. Terraform begins it
        with `terraform-`: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/create/naming.go
        """
        unit = self.graph.units.get(end.unit)
        some = Value(Unknown("is made up", f"the name of {end.address}", not_null=True))
        if unit is None or unit.dialect == "cloudformation":
            logical_id = re.split(r"[./]", end.address)[-1]
            return Value(Text((some, Value(f"-{logical_id[:_SHORTENED]}"), some, Value("-"), some)))
        return Value(Text((Value("terraform-"), some)))

    def identity_policies(self, end: Resource) -> Layer:
        """The inline and managed policies of a role or user, and of a user's groups."""
        deployment = self.deployment(end)
        layers = [self._inline(end, deployment)]
        layers += [self._policy(one, there, deployment) for one, there in self.ends(end, "managed")]
        managed = self.value(end, "managed_policies")
        if isinstance(managed.data, Unknown):
            layers.append(_missing(managed.data, f"the managed policies of {end.address}"))
        for group, there in self.ends(end, "groups") if end.kind == "iam.user" else ():
            if isinstance(group, Resource) and there is Truth.YES:
                layers.append(self.identity_policies(group))
            else:
                layers.append(Layer(missing=(Open(_shown(group), "its policies are not known"),)))
        return _joined(layers)

    def _inline(self, end: Resource, deployment: Deployment) -> Layer:
        inline = self.value(end, "inline_policies")
        if isinstance(inline.data, Unknown):
            return _missing(inline.data, f"the inline policies of {end.address}")
        return Layer(documents=tuple(self.read(item, deployment) for item in inline.items))

    def _policy(self, end: Resource | External, there: Truth, deployment: Deployment) -> Layer:
        if there is not Truth.YES:
            return Layer(missing=(Open(_shown(end), "whether it is attached is not known"),))
        if isinstance(end, Resource):
            return Layer(documents=(self.read(self.value(end, "policy"), deployment),))
        arn = _in_any_partition(end.value)
        if arn is not None and AWS_POLICY in arn:
            return aws_managed_policy(arn)
        # Looked up by a name of AWS's: were there one of the account with this name too, the lookup would fail.
        named = managed_policy_of_name(arn) if arn is not None and ":" not in arn else None
        if named is not None:
            return Layer(documents=(named,))
        return Layer(missing=(Open(_shown(end), "what this policy says is not known here"),))

    def _tags(self, end: Resource) -> dict[str, Value] | None:
        """All tags: those of Terraform's provider are put on whatever it makes, and the resource's own go before them.

        https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/resource-tagging
        """
        tags = self.value(end, "tags")
        given = end.declarations[0].provider.name if end.declarations else ""
        of_all = [
            self.value(one, "default_tags")
            for one in self.graph.by_address.get((end.unit, f"provider.{given}"), ())
            if one.kind == "template.provider"
        ]
        if any(isinstance(one.data, Unknown) for one in (tags, *of_all)):
            return None
        return {name: value for one in (*of_all, tags) for name, value in one.members.items()}

    # Keys

    def key(self, end: Resource | External, user: Resource, region: Value | None = None) -> Key:
        """A key with its policy, grants and aliases.

        `user` is the resource that uses it: an alias or a key id alone means a key of its account and Region, or of `region`
        where it is used in another one.
        """
        if isinstance(end, Resource):
            return self.once(Access.read_key, end)
        return self._external_key(end.value, user, region or user.region or OWN_REGION)

    def read_key(self, end: Resource) -> Key:
        """As `key`, without looking whether it was read before."""
        deployment = self.deployment(end)
        grants = self.sources(end, "key", "kms.grant")
        aliases = self.sources(end, "key", "kms.alias")
        multi_region = self.value(end, "multi_region")
        replica = self.value(end, "replica").data
        return Key(
            arn=self.value(end, "arn"),
            policies=Layer(documents=(self.read(self.value(end, "policy"), deployment),)),
            account=end.account or OWN_ACCOUNT,
            region=end.region or OWN_REGION,
            id=self.value(end, "key_id"),
            grants=tuple(self._grant(grant) for grant, there in grants if there is Truth.YES),
            grants_missing=tuple(
                Open(g.address, "whether there is this grant") for g, there in grants if there is not Truth.YES
            ),
            spec=self.value(end, "spec"),
            usage=self.value(end, "usage"),
            origin=self.value(end, "material"),
            multi_region=multi_region,
            multi_region_type=Value("REPLICA" if replica is True else "PRIMARY") if multi_region.data is True else None,
            aliases=tuple(self.value(alias, "name") for alias, there in aliases if there is Truth.YES),
            tags=partial(self._tags, end),
        )

    def _grant(self, grant: Resource) -> Grant:
        return Grant(
            grantee=self.value(grant, "grantee"),
            operations=self.value(grant, "operations"),
            subset=_given(self.value(grant, "context_subset")),
            equals=_given(self.value(grant, "context_equals")),
            value=Value(None, grant.span, grant.span),
            address=grant.address,
        )

    def _external_key(self, value: Value, user: Resource, own_region: Value) -> Key:
        deployment = self.deployment(user)
        own_account = user.account or OWN_ACCOUNT
        account, region = arn_part(value, 4), arn_part(value, 3)
        text, end = value.text, _end(value)
        if ALIAS_OF_AWS in end:
            service = via_service_of_alias(end[end.index(ALIAS_OF_AWS) :])
            account, region = account or own_account, region or own_region
            policy = aws_managed_key_policy(service or "", account, region, deployment)
            return Key(arn=_hole(value, "an AWS managed key"), policies=Layer(documents=(policy,)), account=account,
                       region=region, customer_managed=False)  # fmt: skip
        missing = Layer(missing=(Open(text or _written(value), "the policy of this key is not known here"),))
        if account is not None and region is not None:
            arn = _hole(value, "an alias") if ":alias/" in end or end.startswith("alias/") else value
            return Key(arn=arn, policies=missing, account=account, region=region)
        if text is not None:  # a key id or alias alone names a key of the caller's own account
            return Key(arn=_hole(value, "a key"), policies=missing, account=own_account, region=own_region)
        unknown = Value(Unknown("the account of the key is not known", _reference(value), not_null=True))
        return Key(arn=value, policies=missing, account=unknown, region=region or unknown)


def _ends(access: Access, resource: Resource, edge: str) -> tuple[tuple[Resource | External, Truth], ...]:
    if access.wider is not None and access.widest.once(_are_certain, resource, edge):
        return access.widest.ends(resource, edge)
    found: dict[int, tuple[Resource | External, Truth]] = {}
    for one in access.graph.out(resource, edge):
        there = access.is_there(one)
        if there is not Truth.NO:
            before = found[id(one.target)][1] if id(one.target) in found else Truth.NO
            found[id(one.target)] = (one.target, there | before)
    return tuple(found.values())


def _are_certain(access: Access, resource: Resource, edge: str) -> bool:
    """Whether the edges of a name are there in every world, and what they lead to."""
    edges = access.graph.out(resource, edge)
    ends = (one.target.exists for one in edges if isinstance(one.target, Resource))
    return all(isinstance(one, Truth) for one in (*(edge.guard for edge in edges), *ends))


def _value(access: Access, resource: Resource, name: str) -> Value:
    return resolve_deep(resource.attribute(name, access.world), access.world)


def _held(resource: Resource, name: str) -> _Held:
    """What an attribute hangs on: units, and what of them is open; None where that is not known before it is asked for."""
    value = resource.attributes.get(name)
    if value is None:
        return _Held(None if name in resource.derived else frozenset(), {})
    try:
        return _Held(frozenset(), {(frozenset(), False): resolve_deep(value, NOWHERE_ASSUMED)})
    except UndecidedError:
        guards = (branch.guard for part in value.walk() if isinstance(part.data, Choice) for branch in part.data.branches)
        return _Held(frozenset((atom.unit, atom.subject) for guard in guards for atom in atoms(guard)), {})


def access_of(question: Question) -> Access:
    """The reader of a question's graph in its world. Questions in one world share it, and what it has read."""
    return _reader(question.graph, question.world, question.settings)


def _reader(graph: Graph, world: World, settings: JudgeSettings) -> Access:
    kept = graph.kept.setdefault("access", {})
    name = (world.key, world.vague, settings)
    found = kept.get(name)
    if not isinstance(found, Access):
        wider = _reader(graph, world.wider, settings) if world.wider is not None else None
        if len(kept) >= _MAX_READERS:
            del kept[next(key for key in kept if key != (NOWHERE_ASSUMED.key, False, settings))]
        found = kept[name] = Access(graph, world, settings, wider)
    return found


def _kept_documents(graph: Graph) -> dict[tuple[int, str | None, str | None], tuple[Value, PolicyDocument]]:
    """By the identity of the value, which is kept with it so that it stays its own."""
    return graph.kept.setdefault("documents", {})  # type: ignore[return-value]


def arn_part(value: Value, index: int) -> Value | None:
    """A part of an ARN, counted from 0 (3: Region, 4: account), which may be a hole; None of what is not known to be an ARN."""
    parts: list[list[Value]] = [[]]
    for piece in value.data.pieces if isinstance(value.data, Text) else (value,):
        if not isinstance(piece.data, str):
            parts[-1].append(piece)
            continue
        first, *further = piece.data.split(":")
        parts[-1].append(Value(first))
        parts += [[Value(text)] for text in further]
    if len(parts) < 6 or "".join(str(piece.data) for piece in parts[0]) != "arn":
        return None
    pieces = [piece for piece in parts[index] if piece.data != ""]
    if len(pieces) == 1:
        return pieces[0]
    known = Text(tuple(pieces)).known
    return Value(Text(tuple(pieces))) if known is None else Value(known)


def _end(value: Value) -> str:
    """What a text ends with, as far as it is known; all of it where it is known."""
    data = value.data
    if isinstance(data, Text) and data.known is None:
        last = data.pieces[-1].data if data.pieces else ""
        return last if isinstance(last, str) else ""
    return value.text or ""


def external_principal(arn: Value) -> Principal:
    """A principal that nothing of the scan defines, named by its ARN or account."""
    text = show(sym(arn)) if isinstance(arn.data, Text) else arn.text or ""
    if len(text) == 12 and text.isdigit():
        return account_root(arn)
    account = arn_part(arn, 4)
    if account is None:
        unknown = Value(Unknown("the account of the principal is not known", _reference(arn), not_null=True))
        return Principal("role", arn, unknown, identity_policies=NOT_HELD)
    if text.endswith(":root"):
        return account_root(account)
    service_linked_to = service_of(text)
    if service_linked_to is not None:
        return service_linked_role(arn, account, service_linked_to)
    return Principal("user" if ":user/" in text else "role", arn, account, identity_policies=NOT_HELD)


def account_root(account: Value) -> Principal:
    """An account as a whole: what its administrators may be let do. The key's owner cannot see what they decide."""
    return Principal("root", account, account, identity_policies=EMPTY)


def service(name: Value, customer: Value) -> Principal:
    """An AWS service that calls for an account."""
    return Principal("service", name, customer, identity_policies=EMPTY)


def aws_managed_policy(arn: str) -> Layer:
    """What is known of an AWS managed policy of an ARN."""
    document = managed_policy(arn)
    if document is not None:
        return Layer(documents=(document,))
    return Layer(missing_allows=(Open(arn, "what this AWS managed policy allows is not known here"),))


def _in_any_partition(value: Value) -> str | None:
    """An ARN as text, also where only its partition is open: AWS's policies are the same in all of them."""
    if value.text is not None or not isinstance(value.data, Text):
        return value.text
    pieces = ["aws" if piece.target == PARTITION else piece.data for piece in value.data.pieces]
    return "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else None  # type: ignore[arg-type]


def _given(value: Value) -> Value | None:
    return None if isinstance(value.data, Absent) else value


def _hole(value: Value, what: str) -> Value:
    return value.with_data(Unknown(f"the ARN of {what}", value.text, not_null=True, prefix="arn:"))


def _missing(unknown: Unknown, what: str) -> Layer:
    return Layer(missing=(Open(unknown.reference or what, unknown.reason),))


def _joined(layers: Iterable[Layer]) -> Layer:
    documents: list[PolicyDocument] = []
    missing: list[Open] = []
    allows: list[Open] = []
    for layer in layers:
        documents += layer.documents
        missing += layer.missing
        allows += layer.missing_allows
    return Layer(tuple(documents), tuple(missing), tuple(allows))


def _shown(end: Resource | External) -> str:
    return end.address if isinstance(end, Resource) else end.value.text or _reference(end.value)


def _written(value: Value) -> str:
    """A text with its holes as references; what is unknown as a whole as its own."""
    return _reference(value) if isinstance(value.data, Unknown) else show(sym(value))


def _reference(value: Value) -> str:
    return next(_references(value), "a value that is not known")


def _references(value: Value) -> Iterator[str]:
    for part in value.walk():
        if isinstance(part.data, Unknown):
            yield part.data.reference or part.data.reason
