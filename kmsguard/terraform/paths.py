"""Paths of files as expressions speak of them. Where the checkout lies is not part of the code, what lies in it is."""

from __future__ import annotations

import os
import posixpath

from kmsguard.model.source import Span
from kmsguard.model.value import Text, Unknown, Value
from kmsguard.terraform.scope import Run
from kmsguard.terraform.texts import text_value

CHECKOUT = Unknown("where the checkout lies is not part of the code", "path.cwd", not_null=True, prefix="/")
"""The folder of the checkout, as a hole in a path."""


def checkout_path(run: Run, span: Span | None, path: str = ".") -> Value:
    """The absolute path of a file that is named relative to the root module."""
    inside = posixpath.normpath(posixpath.join(_unit_in_checkout(run), path))
    pieces = [Value(CHECKOUT, span)] if inside == "." else [Value(CHECKOUT, span), Value(f"/{inside}", span)]
    return text_value(pieces, span)


def _unit_in_checkout(run: Run) -> str:
    relative = os.path.relpath(os.path.realpath(run.unit or "."), os.path.realpath(run.boundary))
    return relative.replace(os.sep, "/")


def lies_inside(run: Run, path: str) -> bool:
    """Whether a path leads to something in the checkout, or to the checkout itself."""
    real, boundary = os.path.realpath(path or "."), os.path.realpath(run.boundary)
    return real == boundary or real.startswith(boundary.rstrip(os.sep) + os.sep)


def relative_to_root(run: Run, path: Value) -> str | None:
    """A path that is known, or lies in the checkout, relative to the root module; None where it is not known."""
    text = path.text
    if text is not None:
        return text
    data = path.data
    pieces = data.pieces if isinstance(data, Text) else (path,)
    if pieces[0].data != CHECKOUT:
        return None
    rest = text_value(pieces[1:]).text
    if rest is None or (rest and not rest.startswith("/")):
        return None
    return posixpath.relpath(rest.lstrip("/") or ".", _unit_in_checkout(run))
