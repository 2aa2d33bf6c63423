"""The baseline: findings that were there before and do not count. Holds fingerprints and addresses, no message and no line."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kmsguard.model.finding import Finding, UsageError

FORMAT_VERSION = 1


class Entry(msgspec.Struct, frozen=True, order=True):
    """A finding. Only its fingerprint counts; the rest is for whoever reads the file."""

    unit: str
    address: str
    code: str
    fingerprint: str


class Baseline(msgspec.Struct, frozen=True):
    """The file."""

    format_version: int
    findings: tuple[Entry, ...]


def write(findings: Iterable[Finding]) -> str:
    """The text of a baseline of these findings: sorted, the same for the same findings."""
    entries = sorted({Entry(f.resource.unit, f.resource.address, f.code, f.fingerprint) for f in findings})
    raw = msgspec.json.encode(Baseline(FORMAT_VERSION, tuple(entries)))
    return msgspec.json.format(raw, indent=2).decode() + "\n"


def read(path: str) -> frozenset[str]:
    """The fingerprints in a baseline.

    Raises:
        UsageError: where the file cannot be read or is no baseline.
    """
    try:
        with open(path, "rb") as file:
            baseline = msgspec.json.decode(file.read(), type=Baseline)
    except OSError as error:
        raise UsageError(f"{path}: the baseline cannot be read: {error.strerror}; --write-baseline makes one") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no baseline of kmsguard: {error}") from None
    if baseline.format_version != FORMAT_VERSION:
        raise UsageError(
            f"{path}: the baseline has format version {baseline.format_version}, this program reads {FORMAT_VERSION}"
        )
    return frozenset(entry.fingerprint for entry in baseline.findings)
