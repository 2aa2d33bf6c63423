"""What AWS asks for keys."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Price(msgspec.Struct, frozen=True):
    """The price of keys, as AWS publishes it; requests are charged beside it."""

    currency: str
    key: Annotated[float, Meta(description="a month for a key, a replica being a key of its own; by the hour")]
    rotation: Annotated[float, Meta(description="more a month for each rotation that is charged")]
    rotations: Annotated[int, Meta(description="the rotations that are charged, the first ones")]
    as_of: Annotated[str, Meta(description="the day on which this was the price")]
    source: str


PRICE = Price(
    currency="USD",
    key=1.0,
    rotation=1.0,
    rotations=2,
    as_of="2026-03-14",
    source="https://aws.amazon.com/kms/pricing/",
)
"""Keys of every kind cost the same, imported ones and those in key stores of one's own too; AWS managed keys cost nothing.
Rotations from the third on are free since April 2024."""
