"""Terraform root modules to units: what the code evaluates to, with what is not known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmsguard.model.declaration import Unit, UnitSource


def read(source: UnitSource) -> Unit:
    """Evaluates a root module with the local modules that it calls. Never raises for what the code says."""
    from kmsguard.terraform.unit import read_unit

    return read_unit(source)
