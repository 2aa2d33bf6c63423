"""Provider configurations: which one a resource belongs to, and where that deploys to.

See https://developer.hashicorp.com/terraform/language/modules/develop/providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from kmsguard.model.declaration import Declaration
from kmsguard.model.value import ACCOUNT, PARTITION, REGION, Choice, Target, Text, Unknown, Value
from kmsguard.syntax.hcl.nodes import (
    Expression,
    GetAttr,
    Index,
    Interpolation,
    ObjectExpr,
    StringPart,
    Template,
    TupleExpr,
    Variable,
)
from kmsguard.terraform.body import argument, block_body, nested_blocks
from kmsguard.terraform.choices import distribute
from kmsguard.terraform.conversion import canonical, convert
from kmsguard.terraform.evaluate import evaluate
from kmsguard.terraform.expand import SINGLE, Instance, each, expansion
from kmsguard.terraform.load import Located
from kmsguard.terraform.partial import Open, export
from kmsguard.terraform.scope import Scope
from kmsguard.terraform.texts import pieces_of, text_value
from kmsguard.terraform.types import STRING, key_name

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module
    from kmsguard.terraform.resource import Resource

_IDENTITY = (
    "allowed_account_ids",
    "profile",
    "access_key",
    "shared_credentials_files",
    "shared_credentials_file",
    "shared_config_files",
)


_OWN = ("alias", "version", "for_each")


class Configuration:
    """A provider's configuration: a `provider` block, or none at all. `instance`: one of those that `for_each` makes of it.

    See https://opentofu.org/docs/language/providers/configuration/#for_each-multiple-instances-of-a-provider-configuration.
    """

    def __init__(self, module: Module, key: str, located: Located | None, instance: Instance | None = None) -> None:
        self.module = module
        self.key = key + (instance.suffix if instance is not None else "")  # `aws`, `aws.replica`, `aws.by["eu-west-1"]`
        self.located = located
        self.name = module.within(self.key) if module.address else self.key
        self._names = instance.names if instance is not None else {}
        self._cache: dict[str, Value | None] = {}
        self._instances: dict[int | str | None, Configuration] | None = None

    def scope(self, located: Located) -> Scope:
        """Where the expressions of its block are evaluated."""
        return self.module.scope(located.file, self._names, f"provider.{self.key}")

    def instances(self) -> dict[int | str | None, Configuration]:
        """The configurations that `for_each` makes of the block, by key; under None the one that may be any of them."""
        if self._instances is None:
            found = expansion(self.located.block, self.scope(self.located)) if self.located is not None else SINGLE
            self._instances = {one.key: Configuration(self.module, self.key, self.located, one) for one in found.instances}
            if None not in self._instances:
                unknown = Value(Unknown("which provider configuration it is is not known", not_null=True))
                self._instances[None] = Configuration(
                    self.module, self.key, self.located, Instance(None, each(unknown, unknown))
                )
        return self._instances

    @property
    def is_repeated(self) -> bool:
        """Whether `for_each` makes several of the block."""
        return self.located is not None and not self._names and self.located.attribute("for_each") is not None

    def _argument(self, name: str) -> Value | None:
        if name not in self._cache:
            located = self.located
            self._cache[name] = None if located is None else argument(located.block, name, self.scope(located))
        return self._cache[name]

    @property
    def is_default(self) -> bool:
        """Whether it is what the settings speak of: the root module's configuration without alias."""
        return not self.module.address and "." not in self.key

    @property
    def is_aws(self) -> bool:
        """Whether it is one of AWS's providers."""
        return self.key.split(".")[0] in ("aws", "awscc")

    @property
    def region(self) -> Value | None:
        """The Region; None where nothing says it."""
        if "*region" not in self._cache:
            self._cache["*region"] = self._region()
        return self._cache["*region"]

    def _region(self) -> Value | None:
        written = self._argument("region")
        given = self.module.run.settings.region
        target = REGION if self.is_default else Target(f"provider.{self.name}", "region")
        if written is not None and not isinstance(written.data, Unknown):
            return replace(written, refs=(*written.refs, target), place=None)
        if given is not None and self.is_default and self.is_aws:
            return Value(given, refs=(REGION,))
        if written is None:
            return None if self.is_default or not self.is_aws else self._of_environment(given, target)
        assert isinstance(written.data, Unknown)
        return written.with_data(replace(written.data, target=target, not_null=True))

    def _of_environment(self, given: str | None, target: Target) -> Value | None:
        """The Region of a configuration that says none: that of the environment, and not that of another block."""
        if given is not None:
            return Value(given, refs=(target,))
        default = self.module.root.configurations.get(self.key.split(".")[0])
        if default is None or default.region is None:
            return None
        return Value(Unknown("the provider's Region is not known", f"provider.{self.name}", target, not_null=True))

    @property
    def account(self) -> Value | None:
        """The account; None where nothing says it."""
        if "*account" not in self._cache:
            self._cache["*account"] = self._account()
        return self._cache["*account"]

    def _account(self) -> Value | None:
        target = ACCOUNT if not self.has_identity or self.is_default else Target(f"provider.{self.name}", "account")
        role = self._role()
        account = distribute(lambda arn: arn_part(arn, 4), role) if role is not None else None
        if account is not None and account.text and account.text.isdigit():
            return replace(account, refs=(*account.refs, target))
        only = self._argument("allowed_account_ids")
        if only is not None and len(only.items) == 1 and only.items[0].text:
            return replace(only.items[0], refs=(target,), place=None)
        default = self.module.root.configurations.get(self.key.split(".")[0])
        if target == ACCOUNT and not self.is_default and default is not None and default is not self and not default.has_role:
            return default.account
        given = self.module.run.settings.account
        if given is not None and target == ACCOUNT and self.is_aws:
            return Value(given, refs=(ACCOUNT,))
        if account is not None:
            if isinstance(account.data, Open):
                return account.with_data(replace(account.data, target=target))
            if isinstance(account.data, (Choice, Text)):
                return replace(account, refs=(*account.refs, target))
        if target != ACCOUNT:
            return Value(Unknown("the provider's account is not known", f"provider.{self.name}", target, not_null=True))
        return None

    @property
    def has_role(self) -> bool:
        """Whether it deploys as a role that it assumes."""
        if self.located is None:
            return False
        names = {block.type for block in self.located.block.body.blocks}
        return "assume_role" in names or "assume_role_with_web_identity" in names

    @property
    def has_identity(self) -> bool:
        """Whether it may deploy as somebody else than the root module's default configuration."""
        if self.located is None:
            return "." in self.key  # an alias that whoever calls the module has to give
        if self.has_role:
            return True
        mine = {name: self._argument(name) for name in _IDENTITY}
        if all(value is None for value in mine.values()):
            return False
        default = self.module.root.configurations.get(self.key.split(".")[0])
        if default is None or default is self:
            return True
        return any(_key(value) != _key(default._argument(name)) for name, value in mine.items())  # noqa: SLF001

    def _role(self) -> Value | None:
        if self.located is None:
            return None
        scope = self.scope(self.located)
        for kind in ("assume_role", "assume_role_with_web_identity"):
            nested = [block for block in self.located.block.body.blocks if block.type == kind]
            blocks = nested_blocks(nested, scope) if nested else None
            if blocks is not None and blocks.items:
                role = blocks.items[-1].members.get("role_arn")  # of several, the last one is assumed in the end
                if role is not None:
                    return role
        return None

    def partition(self) -> Value:
        """The partition."""
        target = Target(f"provider.{self.name}", "partition") if self.has_identity else PARTITION
        # an identity belongs to one partition: any Region that it works in tells which
        alike = [] if self.has_identity else [c for c in self.module.root.configurations.values() if not c.has_identity]
        for configuration in (self, *alike):
            region = configuration.region
            if region is not None and region.text is not None:
                return Value(partition_of(region.text), refs=(target,))
        return Value(Unknown("the partition is not known", "data.aws_partition", target, not_null=True))

    def declaration(self) -> Declaration | None:
        """The `provider` block, to the outside."""
        located = self.located
        if located is None:
            return None
        scope = self.scope(located)
        body = {name: export(value) for name, value in block_body(located.block, scope, _OWN).items()}
        return Declaration(
            address=self.module.within(f"provider.{self.key}"),
            type=f"provider.{self.key.split('.')[0]}",
            mode="provider",
            body=Value(body, located.span, located.span),
            span=located.span,
            head=located.head,
            exists=self.module.exists,
            exists_reason=self.module.exists_reason,
            comments=located.comments,
            metadata=self.module.metadata(located.block),
            calls=self.module.calls,
        )


def _key(value: Value | None) -> object:
    """Equal for equal values; a value that is not known equals none."""
    return None if value is None else canonical(value) or value


_PARTITIONS = (
    ("us-gov-", "aws-us-gov"),
    ("cn-", "aws-cn"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """The partition that a Region lies in.

    See https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html.
    """
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def arn_part(arn: Value, number: int) -> Value:
    """The part of an ARN behind so many colons (the last part, 5, holds the rest); an Unknown where that cannot be said."""
    parts = arn_parts(arn)
    if parts is None:
        return Value(Unknown("the ARN is not known"))
    return parts[number]


def arn_parts(arn: Value) -> list[Value] | None:
    """The six parts of an ARN; None where they cannot be told apart. A hole is one part, or inside of one."""
    if isinstance(arn.data, (Unknown, Choice)):
        return None
    parts: list[list[Value]] = [[]]
    for piece in pieces_of(arn):
        if not isinstance(piece.data, str):
            parts[-1].append(piece)
            continue
        for number, run in enumerate(piece.data.split(":")):
            if number and len(parts) < 6:
                parts.append([])
            elif number:
                parts[-1].append(Value(":"))
            parts[-1].append(Value(run))
    if len(parts) != 6 or text_value(parts[0]).text != "arn":
        return None
    return [replace(text_value(pieces), span=arn.span, trail=arn.trail) for pieces in parts]


# --- which one --------------------------------------------------------------------------------------------------------------


def configuration_key(node: Expression) -> tuple[str | None, Expression | None]:
    """`aws.replica`, as it is written in `provider =` and `providers =`; of `aws.by[KEY]` the key too."""
    if isinstance(node, Variable):
        return node.name, None
    if isinstance(node, GetAttr) and isinstance(node.of, Variable):
        return f"{node.of.name}.{node.name}", None
    if isinstance(node, Index):
        return configuration_key(node.of)[0], node.key
    if isinstance(node, Template) and len(node.parts) == 1:  # the JSON syntax, and Terraform before 0.12
        part = node.parts[0]
        if isinstance(part, Interpolation):
            return configuration_key(part.expression)
        return part.text if isinstance(part, StringPart) else None, None
    inner = getattr(node, "inner", None)
    return configuration_key(inner) if inner is not None else (None, None)


def expected_aliases(settings: list[Located]) -> dict[str, None]:
    """The configurations that a module expects from whoever calls it: `configuration_aliases`."""
    found: dict[str, None] = {}
    for located in settings:
        for block in located.block.body.blocks:
            for attribute in block.body.attributes.values() if block.type == "required_providers" else ():
                node = getattr(attribute.expression, "inner", attribute.expression)
                items = node.items if isinstance(node, ObjectExpr) else ()
                for item in items:
                    if key_name(item.key) == "configuration_aliases" and isinstance(item.value, TupleExpr):
                        found.update((name, None) for one in item.value.items if (name := configuration_key(one)[0]))
    return found


def chosen(node: Expression, module: Module, scope: Scope) -> Configuration | None:
    """The configuration of a module that is written; None where nothing is that could be one."""
    name, key = configuration_key(node)
    if name is None:
        return None
    found = module.configuration(name, scope.span(node))
    if key is None or not found.is_repeated:
        return found
    instances = found.instances()
    at = convert(evaluate(key, scope), STRING).text
    return instances.get(at) or instances[None]


def provider_of(resource: Resource) -> Configuration:
    """The configuration that a resource is made with."""
    written = resource.located.attribute("provider")
    found = chosen(written, resource.module, resource.scope) if written is not None else None
    return found or resource.module.configuration(resource.type.split("_")[0])
