"""For condition keys that are compared by order: the few values that stand for all in a document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from kmsguard.iam.conditions import instant, network, number
from kmsguard.iam.document import PolicyDocument
from kmsguard.iam.facts import Facts

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_FIRST_ADDRESSES = ("198.51.100.7", "2001:db8::7", "0.0.0.0", "::")  # noqa: S104 - values of requests
_LATEST = 4102444800


def _text_of(version: int, value: int) -> str:
    import ipaddress

    return str(ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value))


def within(range_: tuple[int, int, int], address: tuple[int, int, int]) -> bool:
    """Whether an address lies in a range."""
    return range_[0] == address[0] and range_[1] <= address[1] <= range_[2]


class Candidates:
    """One value of each sort that the document's values tell apart."""

    def __init__(self, document: PolicyDocument, facts: Facts) -> None:
        self._values: dict[str, dict[str, None]] = {}
        for statement in document.statements:
            for test in statement.tests:
                texts = self._values.setdefault(test.key, {})
                texts.update((entry.known, None) for entry in test.values if entry.known is not None)
        self.facts = facts

    def _read(self, *keys: str) -> list[str]:
        return [text for key in keys for text in self._values.get(key, ())]

    def addresses(self, key: str, *, public: bool) -> tuple[str, ...]:
        """Addresses; with `public` none that the internet does not carry."""
        ranges = [found for text in (*self._read(key), *_PRIVATE) if (found := network(text)) is not None]
        out = dict.fromkeys(_FIRST_ADDRESSES)
        for version, first, last in (*ranges, *self.facts.networks):
            out[_text_of(version, first)] = None
            if last + 1 < 1 << (32 if version == 4 else 128):
                out[_text_of(version, last + 1)] = None
        private = [found for text in _PRIVATE if (found := network(text)) is not None]
        return tuple(text for text in out if not public or not any(within(p, _address(text)) for p in private))

    def is_named(self, address: str) -> bool:
        """Whether an address lies in a range that names a network."""
        return any(within(range_, _address(address)) for range_ in self.facts.networks)

    def numbers(self, key: str, low: int, high: int) -> tuple[str, ...]:
        """Whole numbers of a range."""
        return tuple(str(value) for value in _whole((number(text) for text in self._read(key)), low, high))

    def times(self) -> tuple[str, ...]:
        """Instants, as witnesses show them."""
        from datetime import datetime, timedelta

        values = _whole((instant(text) for text in self._read("aws:currenttime", "aws:epochtime")), 0, _LATEST)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return tuple((epoch + timedelta(seconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ") for value in values)


def _address(text: str) -> tuple[int, int, int]:
    found = network(text)
    assert found is not None
    return found


def _whole(bounds: Iterable[Decimal | None], low: int, high: int) -> list[int]:
    out = {low: None, high: None}
    for bound in bounds:
        if bound is None or not low - 2 < bound < high + 2:
            continue
        for rounding in (ROUND_FLOOR, ROUND_CEILING):
            near = int(bound.to_integral_value(rounding))
            out.update((value, None) for value in (near - 1, near, near + 1) if low <= value <= high)
    return list(out)
