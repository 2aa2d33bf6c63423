"""Answers without secrets."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kmsguard.model.source import Span
from kmsguard.scan.redact import Secrets

T = TypeVar("T")


def without_secrets(tree: T, secrets: Secrets) -> T:
    """The same answer: paths and addresses as in every report, all other texts with secrets masked."""
    return _shown(tree, "", secrets)  # type: ignore[no-any-return]


_ADDRESSES = ("address", "principal", "primary", "replicas")
_PATHS = ("unit",)  # as the user names them


def _shown(tree: Any, name: str, secrets: Secrets) -> Any:
    if isinstance(tree, str):
        if name in _PATHS:
            return tree
        return secrets.address(tree) if name in _ADDRESSES and not tree.startswith("arn:") else secrets.text(tree)
    if isinstance(tree, (list, tuple)):
        return tuple(_shown(item, name, secrets) for item in tree)
    if isinstance(tree, msgspec.Struct) and not isinstance(tree, Span):
        fields = {field: _shown(getattr(tree, field), field, secrets) for field in tree.__struct_fields__}
        return msgspec.structs.replace(tree, **fields)
    return tree
