"""kmsguard tells, before you deploy, what is wrong with the encryption of your AWS infrastructure code.

    from kmsguard import Settings, scan

    report = scan(["infra"], Settings(profile="strict"))

Nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmsguard.model.finding import Finding as Finding
    from kmsguard.model.finding import Report as Report
    from kmsguard.model.finding import UsageError as UsageError
    from kmsguard.scan.run import scan as scan
    from kmsguard.scan.settings import Settings as Settings

__version__ = "0.1.0"
__all__ = ["Finding", "Report", "Settings", "UsageError", "__version__", "scan"]

_HOMES = {
    "Finding": "kmsguard.model.finding",
    "Report": "kmsguard.model.finding",
    "Settings": "kmsguard.scan.settings",
    "UsageError": "kmsguard.model.finding",
}


def __getattr__(name: str) -> object:
    if name != "scan" and name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("kmsguard.scan") if name == "scan" else getattr(import_module(_HOMES[name]), name)
