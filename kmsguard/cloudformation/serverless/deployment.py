"""What SAM makes for gradual deployments of functions: CodeDeploy's application, its role and the groups.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, get_att, items_of, literal, node, ref, sub
from kmsguard.cloudformation.serverless.roles import managed_arn, tag_list, trust
from kmsguard.cloudformation.serverless.translation import Source, Translation
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
    alarms = items_of(preference.get("Alarms"))
    kind: Data = preference.entry("Type")
    known = source.sam.text(preference.get("Type"))
    if known in _PREDEFINED:
        kind = node(preference.get("Type") or preference, sub("CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": known}))
    properties: dict[str, Data] = {
        "ApplicationName": ref(APPLICATION),
        "AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": alarm} for alarm in alarms]} if alarms else None,
        "AutoRollbackConfiguration": {"Enabled": True, "Events": list(_EVENTS)},
        "DeploymentConfigName": kind,
        "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
        "ServiceRoleArn": preference.entry("Role") or get_att(ROLE, "Arn"),
        "TriggerConfigurations": preference.entry("TriggerConfigurations"),
        "Tags": tag_list(source.key, source.get("Tags")) if literal(source.get("PropagateTags")) == "true" else None,
    }
    source.imply(f"{source.name}DeploymentGroup", "AWS::CodeDeploy::DeploymentGroup", properties, preference)
