"""How Terraform names what a module holds: https://developer.hashicorp.com/terraform/cli/state/resource-addressing."""

from __future__ import annotations


def local_address(mode: str, of_type: str, name: str) -> str:
    """The address in its module of a resource, data source or ephemeral resource (`mode`: managed, data, ephemeral)."""
    return f"{of_type}.{name}" if mode == "managed" else f"{mode}.{of_type}.{name}"


def within(module: str, name: str) -> str:
    """The full address of something in the module of an address, which is empty for the root module."""
    return f"{module}.{name}" if module else name
