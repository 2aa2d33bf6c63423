"""`AWS::Serverless::StateMachine` with its role, versions and event sources.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-statemachine.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.events import schedule_v2
from kmsguard.cloudformation.serverless.nodes import Data, get_att, literal, node, ref
from kmsguard.cloudformation.serverless.roles import TRACING, Role, s3_location, statement, tag_list, trust
from kmsguard.cloudformation.serverless.targets import Event, Target, dead_letter_queue, events_of, target_id
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Mapping


def translate_state_machine(source: Source) -> None:
    """A state machine and all that it implies."""
    given = source.entry("Role")
    properties: dict[str, Data] = {
        "RoleArn": given,
        "StateMachineName": source.entry("Name"),
        "StateMachineType": source.entry("Type"),
        "LoggingConfiguration": source.entry("Logging"),
        "TracingConfiguration": source.entry("Tracing"),
        "DefinitionSubstitutions": source.entry("DefinitionSubstitutions"),
        "EncryptionConfiguration": source.entry("EncryptionConfiguration"),
        "Tags": tag_list(source.key, source.get("Tags"), ("stateMachine:createdBy", "SAM")),
    }
    definition, uri = source.entry("Definition"), source.entry("DefinitionUri")
    if definition is not None:
        properties["DefinitionString"] = node(definition.key, {"Fn::ToJsonString": definition})
    elif uri is not None:
        properties["DefinitionS3Location"] = s3_location(uri.value, "Bucket", "Key", "Version")
    if given is None:
        role = _role(source)
        properties["RoleArn"] = get_att(role.name, "Arn")
        source.imply(role.name, "AWS::IAM::Role", role.properties())
    alias = _alias(source)
    for event in events_of(Target(source, None, alias)):
        _event(event)
    source.become("AWS::StepFunctions::StateMachine", properties)


def _role(source: Source) -> Role:
    role = Role(source.key, f"{source.name}Role", "states.amazonaws.com")
    role.path = source.entry("RolePath")
    role.boundary = source.entry("PermissionsBoundary")
    role.tags = tag_list(source.key, source.get("Tags"), ("stateMachine:createdBy", "SAM"))
    role.policies(source.get("Policies"))
    tracing = source.entry("Tracing")
    if tracing is not None and isinstance(tracing.value, Mapping):
        enabled = literal(tracing.value.get("Enabled")) or ""
        if enabled.lower() == "true":
            role.attach(tracing.key, TRACING)
    return role


def _alias(source: Source) -> str | None:
    written = source.entry("AutoPublishAlias")
    name = source.text("AutoPublishAlias")
    if written is None or name is None:
        return None
    version = f"{source.name}Version"
    held = source.block.get("DeletionPolicy")
    replaced = source.block.get("UpdateReplacePolicy")
    revision: dict[str, Data] = {
        "StateMachineArn": ref(source.name),
        "StateMachineRevisionId": get_att(source.name, "StateMachineRevisionId"),
    }
    kept: dict[str, Data] = {"DeletionPolicy": held or "Retain", "UpdateReplacePolicy": replaced or "Retain"}
    source.imply(version, "AWS::StepFunctions::StateMachineVersion", revision, written.key, **kept)
    preference = source.get("DeploymentPreference")
    chosen: dict[str, Data] = {"Type": "ALL_AT_ONCE"}
    if isinstance(preference, Mapping):
        chosen = {one.key.text: one for one in preference.entries}
    chosen["StateMachineVersionArn"] = ref(version)
    alias = f"{source.name}Alias{name}"
    source.imply(alias, "AWS::StepFunctions::StateMachineAlias", {"Name": written, "DeploymentPreference": chosen}, written.key)
    source.sam.parts[f"{source.name}.Version"], source.sam.parts[f"{source.name}.Alias"] = version, alias
    used = literal(source.get("UseAliasAsEventTarget")) or ""
    return alias if used.lower() == "true" else None


def _event(event: Event) -> None:
    machine: Data = ref(event.target.alias or event.source.name)
    if event.kind == "ScheduleV2":
        schedule_v2(event)
        return
    if event.kind == "Api":
        _starting_role(event, "apigateway.amazonaws.com", machine)
        return
    if event.kind not in ("Schedule", "CloudWatchEvent", "EventBridgeRule"):
        return
    given = event.entry("RoleArn") if event.kind == "Schedule" else None
    role: Data = given if given is not None else _starting_role(event, "events.amazonaws.com", machine)
    config = event.get("Target")
    own = config.get("Id") if isinstance(config, Mapping) else None
    target: dict[str, Data] = {
        "Arn": machine,
        "Id": own or target_id(event.name, "StepFunctionsTarget"),
        "RoleArn": role,
        **event.kept("Input", "InputPath", "InputTransformer", "RetryPolicy"),
    }
    queue = dead_letter_queue(event, get_att(event.name, "Arn"))
    if queue is not None:
        target["DeadLetterConfig"] = {"Arn": queue}
    properties: dict[str, Data] = {"State": event.state(), "Targets": [target]}
    if event.kind == "Schedule":
        properties |= {"ScheduleExpression": event.entry("Schedule"), **event.kept("Name", "Description")}
    else:
        properties |= {"EventPattern": event.entry("Pattern"), "Name": event.entry("RuleName"), **event.kept("EventBusName")}
    event.imply("", "AWS::Events::Rule", properties)


def _starting_role(event: Event, service: str, machine: Data) -> Data:
    """The role by which a service starts the state machine."""
    name = f"{event.name}Role"
    policy: Data = {
        "PolicyName": f"{name}StartExecutionPolicy",
        "PolicyDocument": {"Statement": [statement("states:StartExecution", machine)]},
    }
    properties: dict[str, Data] = {
        "AssumeRolePolicyDocument": trust(service),
        "Policies": [policy],
        "PermissionsBoundary": event.source.entry("PermissionsBoundary"),
    }
    event.imply("Role", "AWS::IAM::Role", properties)
    return get_att(name, "Arn")
