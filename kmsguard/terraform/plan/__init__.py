"""Plans (`terraform show -json PLAN`, `tofu show -json PLAN`) and states in the same format, to units.

See https://developer.hashicorp.com/terraform/internals/json-format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmsguard.model.declaration import Unit, UnitSource


def read(source: UnitSource) -> Unit:
    """What a plan deploys. Where its root module lies beside it, places lead into that. Never raises for what the plan says."""
    from kmsguard.terraform.plan.unit import read_plan

    return read_plan(source)


def looks_like_plan(text: str) -> bool:
    """Whether a text is, or begins like, the JSON of a plan or a state. It is not parsed."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{") or '"format_version"' not in text:
        return False
    if any(f'"{name}"' in text for name in ("planned_values", "resource_changes")):
        return True
    return '"terraform_version"' in text and ('"values"' in text or '"planned_values' in text)
