"""Where a root module keeps its state, as a key that is the same from the backend's block and from `terraform_remote_state`."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kmsguard.model.value import Value
from kmsguard.syntax.hcl.nodes import Block
from kmsguard.terraform.body import block_body
from kmsguard.terraform.schema import label

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module
    from kmsguard.terraform.resource import Resource

_NAMED_BY: dict[str, tuple[str, ...]] = {
    "azurerm": ("storage_account_name", "container_name", "key"),
    "consul": ("path",),
    "cos": ("bucket", "prefix", "key"),
    "gcs": ("bucket", "prefix"),
    "http": ("address",),
    "kubernetes": ("namespace", "secret_suffix"),
    "oss": ("bucket", "prefix", "key"),
    "pg": ("conn_str", "schema_name"),
    "s3": ("bucket", "key"),
}
_REQUIRED = {"s3": ("bucket", "key"), "gcs": ("bucket",), "azurerm": ("storage_account_name", "container_name", "key")}


def backend_key(module: Module) -> str | None:
    """The key of a root module's own state; None where its backend does not name it (the rest may be given to `init`)."""
    workspace = module.run.settings.workspace
    for settings in module.source.settings:
        for block in settings.block.body.blocks:
            scope = module.scope(settings.file)
            if block.type == "backend":
                return _key(label(block, 0), block_body(block, scope), workspace, module.source.path)
            if block.type == "cloud":
                return _cloud_key(block, block_body(block, scope))
    return None


def _cloud_key(block: Block, body: Mapping[str, Value]) -> str | None:  # noqa: ARG001
    workspaces = body.get("workspaces")
    name = workspaces.items[0].members.get("name") if workspaces is not None and workspaces.items else None
    return _remote(body.get("organization"), name)


def _remote(organization: Value | None, workspace: Value | None) -> str | None:
    if organization is None or workspace is None or organization.text is None or workspace.text is None:
        return None
    return f"remote:{organization.text}/{workspace.text}"


def remote_key(resource: Resource) -> str | None:
    """The key of the state that a `terraform_remote_state` reads; None where it cannot be said."""
    body = resource.written()
    backend, config, workspace = body.get("backend"), body.get("config"), body.get("workspace")
    if backend is None or backend.text is None or (config is not None and not isinstance(config.data, dict)):
        return None
    name = workspace.text if workspace is not None else "default"
    if name is None:
        return None
    members = config.members if config is not None else {}
    return _key(backend.text, members, name, resource.module.run.unit)


def _key(backend: str, config: Mapping[str, Value], workspace: str, folder: str) -> str | None:
    if backend == "local":
        path = _text(config, "path")
        if path is None:
            return None
        if workspace != "default":
            path = posixpath.join(_text(config, "workspace_dir") or "terraform.tfstate.d", workspace, "terraform.tfstate")
        return f"local:{posixpath.normpath(posixpath.join(folder, path or 'terraform.tfstate'))}"
    if backend == "remote":
        workspaces = config.get("workspaces")
        inner = workspaces.members if workspaces is not None else {}
        if workspaces is not None and workspaces.items:
            inner = workspaces.items[0].members
        name = inner.get("name")
        if name is None and "prefix" in inner and inner["prefix"].text is not None:
            name = Value(inner["prefix"].text + workspace)
        return _remote(config.get("organization"), name)
    names = _NAMED_BY.get(backend)
    if names is None:
        return None
    parts = {name: _text(config, name) for name in names}
    if any(part is None for part in parts.values()) or not all(parts[name] for name in _REQUIRED.get(backend, names[:1])):
        return None
    if workspace != "default":
        prefix = _text(config, "workspace_key_prefix") or "env:"
        parts[names[-1]] = f"{prefix}/{workspace}/{parts[names[-1]]}"
    return f"{backend}:" + "/".join(part for part in parts.values() if part)


def _text(config: Mapping[str, Value], name: str) -> str | None:
    """An argument as text: empty where it is not written, None where it is not known."""
    value = config.get(name)
    return "" if value is None or value.data is None else value.text
