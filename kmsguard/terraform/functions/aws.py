"""Functions of the AWS provider. See https://registry.terraform.io/providers/hashicorp/aws/latest/docs/functions/arn_parse."""

from __future__ import annotations

from kmsguard.model.value import Unknown, Value
from kmsguard.terraform.choices import compose
from kmsguard.terraform.conversion import convert
from kmsguard.terraform.functions import Function, Invocation
from kmsguard.terraform.functions.adapt import FunctionError, pure
from kmsguard.terraform.partial import Invalid, invalid
from kmsguard.terraform.types import STRING

PARTS = ("partition", "service", "region", "account_id", "resource")


def _arn_build(_: Invocation, arguments: tuple[Value, ...]) -> Value:
    pieces = [Value("arn")]
    for argument in arguments:
        part = convert(argument, STRING)
        if isinstance(part.data, Invalid) or part.data is None:
            return part if isinstance(part.data, Unknown) else invalid("an argument must not be null")
        pieces.extend((Value(":"), part))
    return compose(pieces, [True] * len(pieces), None)


def _arn_parse(arn: str) -> dict[str, str]:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise FunctionError("this is no ARN")
    return dict(zip(PARTS, parts[1:], strict=True))


def _trim_iam_role_path(arn: str) -> str:
    parts = _arn_parse(arn)
    kind, _, path = parts["resource"].partition("/")
    if kind != "role" or parts["service"] != "iam" or parts["region"] or not path:
        raise FunctionError("this is no ARN of a role")
    name = path.rsplit("/", 1)[-1]
    return f"arn:{parts['partition']}:iam::{parts['account_id']}:role/{name}"


FUNCTIONS: dict[str, Function] = {
    "provider::aws::arn_build": _arn_build,
    "provider::aws::arn_parse": pure(_arn_parse, STRING),
    "provider::aws::trim_iam_role_path": pure(_trim_iam_role_path, STRING),
}
