"""How checks compare and name what they tell of: values, ends of edges and places."""

from __future__ import annotations

from kmsguard.iam.texts import show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.resource import External, Resource
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value


def same_text(one: Value, other: Value) -> Truth:
    """Whether two texts are the same, as far as they are known."""
    if one.text is not None and other.text is not None:
        return Truth.of(one.text == other.text)
    if one.target is not None and (one.target == other.target or _are_of_one_variable(one.data, other.data)):
        return Truth.YES
    for unknown, known in ((one.data, other.text), (other.data, one.text)):
        if isinstance(unknown, Unknown) and unknown.allowed and known is not None and known not in unknown.allowed:
            return Truth.NO
    return Truth.UNKNOWN


def _are_of_one_variable(one: object, other: object) -> bool:
    """Whether the Regions of two providers of a root module are one variable, of which nothing is known."""
    if not (isinstance(one, Unknown) and isinstance(other, Unknown) and one.target is not None and other.target is not None):
        return False
    of_root = one.target.address.startswith("provider.") and other.target.address.startswith("provider.")
    return of_root and one.target.attribute == other.target.attribute and one.reference == other.reference is not None


def opens(*values: Value) -> tuple[Open, ...]:
    """What would decide values."""
    return tuple(
        dict.fromkeys(
            Open(part.data.reference or (part.data.target.attribute if part.data.target else "a value"), part.data.reason)
            for value in values
            for part in value.walk()
            if isinstance(part.data, Unknown)
        )
    )


def name_of(end: Resource | External) -> str:
    """How a message names an end."""
    if isinstance(end, Resource):
        return end.address
    if isinstance(end.value.data, Unknown):
        return next((open_.reference for open_ in opens(end.value)), "a value that is not known")
    return show(sym(end.value))


def shown(region: Value) -> str:
    """A Region for a message."""
    return region.text or "a Region that is not known"


def here(message: str, value: Value, resource: Resource) -> Evidence:
    """Where the resource says something, or its head where it says nothing."""
    return Evidence(message, value.where or resource.head, value.trail, resource)
