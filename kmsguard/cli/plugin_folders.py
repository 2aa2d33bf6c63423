"""Where the plug-ins for other tools are."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def print_folder(plugin: str, tool: str) -> int:
    """Prints the folder that holds a plug-in of ours (`checkov`) for a tool.

    Raises:
        UsageError: where the installation has none.
    """
    import os.path

    from kmsguard.model.finding import UsageError

    parent = "kmsguard.plugins"
    spec = find_spec(f"{parent}.{plugin}") if find_spec(parent) is not None else None
    if spec is None or spec.origin is None:
        raise UsageError(f"this installation has no plug-in for {tool}")
    sys.stdout.write(os.path.dirname(spec.origin) + "\n")
    return 0
