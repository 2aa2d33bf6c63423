"""What a finding is known by from scan to scan."""

from __future__ import annotations

LENGTH = 32


class Fingerprints:
    """Made of code, unit path from the root of the checkout, address, attribute, and a running number where several are equal.

    They are asked for in the order of the report.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str], int] = {}

    def of(self, code: str, unit: str, address: str, attribute: str) -> str:
        """The fingerprint of the next finding of this kind."""
        import hashlib

        key = (code, unit, address, attribute)
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        text = "\0".join((*key, str(number)))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
