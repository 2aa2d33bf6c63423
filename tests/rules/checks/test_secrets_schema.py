"""Every argument that the provider's schema calls sensitive is looked at for a secret, but for those that hold none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings
from kmsguard.terraform.aws_schema import Schema, block_schema, resource_schema, resource_types

SECRET = '"kT9vQ2mX8pL4wZ7c"'
NONE_IN_IT = re.compile(
    # user names, ids, names of principals, what is shown to everybody, schemas
    r"\.(?:master_user_name|username|admin_username|platform_principal|client_id|bundle_id|team_id|token_key_id|notes"
    r"|kms_key_id|kms_encryption_context|(?:pre|post)_authentication_login_banner|schema)$"
    # certificates and public keys; a private key beside one is found by what it looks like
    r"|certificate|\.ca_pem$|token_signing_public_keys$"
    # PEM and JSON, whose private keys are found by what they look like
    r"|\.(?:ssh_key|host_key|token_key|service_json)$"
    # documents and maps, which are looked into
    r"|\.(?:content|payload|input|athena_properties|connection_properties|credentials_map|airflow_configuration_options)$"
    # secret only where another argument says so
    r"|http_parameters\.\w+\.value$|^aws_ssm_parameter\.value"
    # the caller's own key for S3, and data sources
    r"|customer_key$|^data\."
)


def sensitive(schema: Schema, path: tuple[str, ...] = (), seen: tuple[int, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The sensitive arguments of a block, by their ways."""
    for name, entry in schema.items():
        if entry.kind == "argument" and entry.sensitive:
            kind = entry.type.kind if entry.type is not None else "string"
            yield (*path, name, kind)
        elif entry.kind == "block" and entry.inner not in seen:
            yield from sensitive(block_schema(entry.inner), (*path, name), (*seen, entry.inner))


def test_sensitive_arguments_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A literal in a sensitive argument is a finding of the secrets rules."""
    monkeypatch.chdir(tmp_path)
    names: list[str] = []
    text: list[str] = []
    for of_type in resource_types("managed"):
        for *path, kind in sensitive(resource_schema("managed", of_type) or Schema(())):
            value = {"map": f"{{ a = {SECRET} }}", "list": f"[{SECRET}]"}.get(kind, SECRET)
            body = f"{path[-1]} = {value}"
            for block in reversed(path[:-1]):
                body = f"{block} {{\n{body}\n}}"
            text.append(f'resource "{of_type}" "r{len(names)}" {{\n{body}\n}}\n')
            names.append(".".join((of_type, *path)))
    assert len(names) > 150
    (tmp_path / "main.tf").write_text("".join(text), encoding="utf-8")
    report = scan(["main.tf"], Settings(profile="strict"))
    told = {finding.resource.address.rpartition(".r")[2] for finding in report.findings if finding.code.startswith("KG1")}
    missed = [name for number, name in enumerate(names) if str(number) not in told and not NONE_IN_IT.search(name)]
    assert missed == []
