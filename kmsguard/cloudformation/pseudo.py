"""Pseudo parameters. See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html."""

from __future__ import annotations

from kmsguard.model.declaration import UnitSettings
from kmsguard.model.value import ACCOUNT, DNS_SUFFIX, NOTHING, PARTITION, REGION, Target, Unknown, Value

_SUFFIXES = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
_OF_STACK = {
    "AWS::StackName": "the name of the stack",
    "AWS::StackId": "the id of the stack",
    "AWS::NotificationARNs": "the notification topics of the stack",
}


def pseudo_parameter(name: str, settings: UnitSettings, prefix: str, stack: str | None = None) -> Value | None:
    """The value of a pseudo parameter; None where it is none.

    `stack` is the name of the stack, where that is known. Of a nested stack (`prefix`) name and id are its own.
    """
    if name == "AWS::NoValue":
        return NOTHING
    if name == "AWS::AccountId":
        return _known(settings.account, "the account is not given", name, ACCOUNT)
    if name == "AWS::Region":
        return _known(settings.region, "the Region is not given", name, REGION)
    if name == "AWS::Partition":
        return _known(settings.partition, "the Region is not given", name, PARTITION)
    if name == "AWS::URLSuffix":
        suffix = _SUFFIXES[settings.partition] if settings.partition is not None else None
        return _known(suffix, "the Region is not given", name, DNS_SUFFIX)
    if name == "AWS::StackName" and stack is not None and not prefix:
        return Value(stack, refs=(Target(name, "Ref"),))
    if name in _OF_STACK:
        return Value(Unknown(_OF_STACK[name], name, Target(f"{prefix}{name}", "Ref"), not_null=True))
    return None


def _known(text: str | None, reason: str, name: str, target: Target) -> Value:
    if text is None:
        return Value(Unknown(reason, name, target, not_null=True))
    return Value(text, refs=(target,))
