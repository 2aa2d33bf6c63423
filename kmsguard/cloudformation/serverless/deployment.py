"""What SAM makes for gradual deployments of functions: CodeDeploy's application, its role and the groups.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html.
"""

from __future__ import annotations

import re

from kmsguard.cloudformation.serverless.nodes import (
    Data,
    branches,
    get_att,
    is_nothing,
    items_of,
    literal,
    node,
    ref,
    sub,
)
from kmsguard.cloudformation.serverless.roles import managed_arn, tag_list, trust
from kmsguard.cloudformation.serverless.translation import Source, Translation
from kmsguard.cloudformation.template import function_of
from kmsguard.syntax.yaml import Mapping, YamlNode

APPLICATION, ROLE = "ServerlessDeploymentApplication", "CodeDeployServiceRole"
_PREDEFINED = frozenset(
    {f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)}
    | {f"Linear10PercentEvery{minutes}" for minutes in ("1Minute", "2Minutes", "3Minutes", "10Minutes")}
    | {"AllAtOnce"}
)
_EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")


def add_deployments(sam: Translation) -> None:
    """The resources of all functions that are deployed gradually."""
    wanted = [(source, found) for source in sam.sources.values() if (found := _preference(source)) is not None]
    if not wanted:
        return
    first, preference = wanted[0]
    conditions = [source.condition() for source, _ in wanted]
    held: dict[str, YamlNode] = {literal(one) or "": one for one in conditions if one is not None}
    condition: Data = None
    if None not in conditions:
        several: list[Data] = [{"Condition": one} for one in held.values()]
        condition = next(iter(held.values())) if len(held) == 1 else {"Fn::Or": several}
    shared: dict[str, Data] = {"Condition": condition, "DeletionPolicy": None, "UpdateReplacePolicy": None}
    first.imply(APPLICATION, "AWS::CodeDeploy::Application", {"ComputePlatform": "Lambda"}, preference, **shared)
    if any(found.get("Role") is None for _, found in wanted):
        properties: dict[str, Data] = {
            "AssumeRolePolicyDocument": trust("codedeploy.amazonaws.com"),
            "ManagedPolicyArns": [managed_arn("AWSCodeDeployRoleForLambda")],
        }
        first.imply(ROLE, "AWS::IAM::Role", properties, preference, **shared)
    for source, found in wanted:
        _group(source, found)


def _preference(source: Source) -> Mapping | None:
    found = source.get("DeploymentPreference")
    if source.kind != "Function" or not isinstance(found, Mapping):
        return None
    enabled = source.sam.text(found.get("Enabled"))
    return found if enabled is None or enabled.lower() != "false" else None


def _group(source: Source, preference: Mapping) -> None:
    alarms = preference.get("Alarms")
    kind = preference.get("Type")
    if kind is not None:
        kind = _configuration(source, kind)
    properties: dict[str, Data] = {
        "ApplicationName": ref(APPLICATION),
        "AlarmConfiguration": {"Enabled": True, "Alarms": _alarms(alarms)} if items_of(alarms) else None,
        "AutoRollbackConfiguration": {"Enabled": True, "Events": list(_EVENTS)},
        "DeploymentConfigName": kind,
        "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
        "ServiceRoleArn": preference.entry("Role") or get_att(ROLE, "Arn"),
        "TriggerConfigurations": preference.entry("TriggerConfigurations"),
        "Tags": tag_list(source.key, source.get("Tags")) if literal(source.get("PropagateTags")) == "true" else None,
    }
    passed = (source.sam.text(preference.get("PassthroughCondition")) or "").lower() == "true"
    attributes: dict[str, Data] = {} if passed else {"Condition": None}
    source.imply(f"{source.name}DeploymentGroup", "AWS::CodeDeploy::DeploymentGroup", properties, preference, **attributes)


def _alarms(given: YamlNode | None) -> Data:
    parts = branches(given)
    if parts is not None:
        return {"Fn::If": [parts[0], _alarms(parts[1]), _alarms(parts[2])]}
    return given if is_nothing(given) else [{"Name": alarm} for alarm in items_of(given)]


def _configuration(source: Source, kind: YamlNode) -> YamlNode:
    """The name of a configuration of CodeDeploy; one that AWS has made has a prefix."""
    parts = branches(kind)
    if parts is not None:
        return node(kind, {"Fn::If": [parts[0], *(_configuration(source, part) for part in parts[1:])]})
    name, argument = function_of(kind)
    alone = _ALONE.fullmatch(literal(argument) or "") if name == "Fn::Sub" else None
    known = source.sam.text(node(kind, ref(alone.group(1))) if alone is not None else kind)
    if known not in _PREDEFINED:
        return kind
    return node(kind, sub("CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": known}))


_ALONE = re.compile(r"\$\{(\w+)\}")
