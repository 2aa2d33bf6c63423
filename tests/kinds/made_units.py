"""Units made by hand: what a front end would yield, without one."""

from __future__ import annotations

from kmsguard.model.declaration import Declaration, Export, Provider, Unit
from kmsguard.model.guard import Atom, Formula, Not
from kmsguard.model.resource import External, Graph, Resource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Branch, Choice, Target, Text, Unknown, Value

HERE = Span("main.tf", 1, 1, 1, 10)


def value(data: object) -> Value:
    """Plain data as a Value; Values in it stay."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value({name: value(item) for name, item in data.items()}, HERE, HERE)
    if isinstance(data, list):
        return Value(tuple(value(item) for item in data), HERE, HERE)
    return Value(data, HERE, HERE)  # type: ignore[arg-type]


def ref(reference: str) -> Value:
    """What is known after apply: `aws_kms_key.a.arn`; of CloudFormation `K.Arn`, `K.Ref`."""
    address, _, attribute = reference.rpartition(".")
    target = Target(address, attribute)
    return Value(Unknown("known after apply", reference, target, not_null=True), HERE, HERE, refs=(target,))


def var(name: str, **refined: object) -> Value:
    """A variable without a value."""
    return Value(Unknown(f"variable {name} has no value", name, **refined), HERE, HERE)  # type: ignore[arg-type]


def text(*pieces: str | Value) -> Value:
    """A text with holes."""
    return Value(Text(tuple(piece if isinstance(piece, Value) else Value(piece) for piece in pieces)), HERE, HERE)


def switch(subject: str, unit: str = "u") -> Atom:
    """A variable that is true or false."""
    return Atom(unit, subject, True, (True, False))


def choice(subject: str, yes: object, no: object, unit: str = "u") -> Value:
    """What hangs on a variable."""
    atom = switch(subject, unit)
    return Value(Choice((Branch(atom, value(yes)), Branch(Not(atom), value(no)))), HERE, HERE)


def declare(
    address: str,
    body: dict[str, object] | None = None,
    *,
    type_: str = "",
    exists: Formula = Truth.YES,
    region: str | None = None,
    account: str | None = None,
    reason: str | None = None,
) -> Declaration:
    """A declaration: `aws_kms_key.a`, `data.aws_kms_key.a`; of CloudFormation a logical id, with its type."""
    is_data = address.startswith("data.")
    names = address.removeprefix("data.").split(".")
    provider = Provider(
        region=Value(region) if region is not None else None, account=Value(account) if account is not None else None
    )
    return Declaration(
        address=address,
        type=type_ or names[-2],
        mode="data" if is_data else "managed",
        body=value(body or {}),
        span=HERE,
        head=HERE,
        exists=exists,
        exists_reason=reason,
        provider=provider,
    )


def terraform(*declarations: Declaration, path: str = "u", **fields: object) -> Unit:
    """A root module."""
    return Unit(path, "terraform", declarations, **fields)  # type: ignore[arg-type]


def template(*declarations: Declaration, path: str = "t.yaml", exports: tuple[Export, ...] = (), **fields: object) -> Unit:
    """A CloudFormation template."""
    return Unit(path, "cloudformation", declarations, exports=exports, **fields)  # type: ignore[arg-type]


# --- What a graph looks like --------------------------------------------------------------------------------------------------


def one(graph: Graph, kind: str, address: str | None = None) -> Resource:
    """The resource of a kind."""
    found = [r for r in graph.by_kind[kind] if address is None or r.address == address]
    assert len(found) == 1
    return found[0]


def shown(found: Value) -> object:
    """A value as plain data: holes of texts as `${ADDRESS.ATTRIBUTE}`, what is unknown otherwise as `?`."""
    data = found.data
    if isinstance(data, Text):
        return "".join(str(shown(piece)) for piece in data.pieces)
    if isinstance(data, Unknown):
        return "?" if data.target is None else "${" + f"{data.target.address}.{data.target.attribute}".lstrip(".") + "}"
    if isinstance(data, tuple):
        return [shown(item) for item in data]
    if isinstance(data, dict):
        return {name: shown(item) for name, item in data.items()}
    if isinstance(data, Choice):
        return [shown(branch.value) for branch in data.branches]
    return data


def targets(graph: Graph, resource: Resource, edge: str) -> list[str]:
    """Where edges lead: addresses, or what lies outside in angle brackets."""
    return [
        f"<{shown(e.target.value)}>" if isinstance(e.target, External) else e.target.address for e in graph.out(resource, edge)
    ]
