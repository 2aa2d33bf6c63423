"""`AWS::Serverless::Function` with its role, versions, destinations and event sources.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.events import add_events
from kmsguard.cloudformation.serverless.nodes import (
    Data,
    branches,
    entries_of,
    get_att,
    is_call,
    is_nothing,
    literal,
    node,
    ref,
)
from kmsguard.cloudformation.serverless.roles import TRACING, Role, document, managed_arn, s3_location, statement, tag_list
from kmsguard.cloudformation.serverless.targets import Target, allow_destination
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Mapping, YamlNode

_KEPT = (
    "FunctionName", "Handler", "Runtime", "PackageType", "Description", "MemorySize", "Timeout", "VpcConfig", "Environment",
    "KmsKeyArn", "ReservedConcurrentExecutions", "Layers", "FileSystemConfigs", "ImageConfig", "CodeSigningConfigArn",
    "Architectures", "SnapStart", "EphemeralStorage", "RuntimeManagementConfig", "LoggingConfig", "RecursiveLoop",
    "TenancyConfig", "DurableConfig", "FunctionScalingConfig", "PublishToLatestPublished",
)  # fmt: skip
_DEAD_LETTERS = {"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}


def translate_function(source: Source) -> None:
    """A function and all that it implies."""
    alias = _alias(source)
    role = _role(source)
    given = source.entry("Role")
    own_role = _is_made(given.value if given is not None else None)
    _destinations(source, role, alias)
    add_events(Target(source, role if own_role else None, alias))
    if own_role:
        _add_role(source, role, given.value if given is not None else None)
    _add_url(source, alias)
    source.become("AWS::Lambda::Function", _properties(source, role.name if own_role else None))


def _is_made(given: YamlNode | None) -> bool:
    """Whether SAM makes the role: none is given, or none in one outcome of a condition."""
    if given is None:
        return True
    parts = branches(given)
    return parts is not None and (is_nothing(parts[1]) or is_nothing(parts[2]))


def _add_role(source: Source, role: Role, given: YamlNode | None) -> None:
    parts = branches(given)
    condition: Data = None
    if parts is not None and not (is_nothing(parts[1]) and is_nothing(parts[2])):
        holds: Data = {"Condition": parts[0]}
        condition = parts[0] if is_nothing(parts[1]) else {"Fn::Not": [holds]}
    attributes: dict[str, Data] = {} if condition is None else {"Condition": condition}
    source.imply(role.name, "AWS::IAM::Role", role.properties(), None, **attributes)


def _properties(source: Source, role: str | None) -> dict[str, Data]:
    given = source.entry("Role")
    arn: Data = given
    if role is not None:
        arn = get_att(role, "Arn")
        parts = branches(given.value if given is not None else None)
        if given is not None and parts is not None and not (is_nothing(parts[1]) and is_nothing(parts[2])):
            values: list[Data] = [get_att(role, "Arn") if is_nothing(value) else value for value in parts[1:]]
            arn = node(given.key, {"Fn::If": [parts[0], *values]})
    properties: dict[str, Data] = {"Code": _code(source), "Role": arn}
    properties.update((name, source.entry(name)) for name in _KEPT)
    tracing = source.entry("Tracing")
    if tracing is not None and source.text("Tracing") not in ("Disabled", ""):
        properties["TracingConfig"] = node(tracing.key, {"Mode": tracing})
    dead = source.entry("DeadLetterQueue")
    if dead is not None and isinstance(dead.value, Mapping):
        properties["DeadLetterConfig"] = node(dead.key, {"TargetArn": dead.value.entry("TargetArn")})
    provider = source.get("CapacityProviderConfig")
    if isinstance(provider, Mapping):
        config = {
            "CapacityProviderArn": provider.entry("Arn"),
            "PerExecutionEnvironmentMaxConcurrency": provider.entry("PerExecutionEnvironmentMaxConcurrency"),
            "ExecutionEnvironmentMemoryGiBPerVCpu": provider.entry("ExecutionEnvironmentMemoryGiBPerVCpu"),
        }
        properties["CapacityProviderConfig"] = {"LambdaManagedInstancesCapacityProviderConfig": config}
    digest = source.get("AutoPublishCodeSha256")
    if digest is not None and source.get("AutoPublishAlias") is not None:
        told = source.get("Description")
        properties["Description"] = node(digest, {"Fn::Join": [" ", [told, digest]]}) if told is not None else digest
    properties["Tags"] = tag_list(source.key, source.get("Tags"), ("lambda:createdBy", "SAM"))
    return properties


def _code(source: Source) -> Data:
    inline = source.entry("InlineCode")
    image = source.entry("ImageUri")
    key = source.entry("SourceKMSKeyArn")
    if inline is not None:
        return node(inline.key, {"ZipFile": inline, "SourceKMSKeyArn": key})
    if image is not None:
        return node(image.key, {"ImageUri": image})
    uri = source.entry("CodeUri")
    if uri is None:
        return {"SourceKMSKeyArn": key} if key is not None else None
    made = s3_location(uri.value)
    if made is None:  # a local path: packaging puts it into a bucket
        return node(uri.key, {"SourceKMSKeyArn": key}) if key is not None else None
    return node(made, {**{one.key.text: one for one in entries_of(made)}, "SourceKMSKeyArn": key})


def _role(source: Source) -> Role:
    role = Role(source.key, f"{source.name}Role", "lambda.amazonaws.com")
    durable = source.get("DurableConfig") is not None
    basic = "AWSLambdaBasicDurableExecutionRolePolicy" if durable else "AWSLambdaBasicExecutionRole"
    role.attach(source.key, managed_arn(basic))
    tracing = source.entry("Tracing")
    if tracing is not None and source.text("Tracing") not in ("Disabled", ""):
        role.attach(tracing.key, TRACING)
    network = source.entry("VpcConfig")
    if network is not None:
        role.attach(network.key, managed_arn("AWSLambdaVPCAccessExecutionRole"))
    trusted = source.entry("AssumeRolePolicyDocument")
    if trusted is not None:
        role.trust = trusted
    role.path = source.entry("RolePath")
    role.boundary = source.entry("PermissionsBoundary")
    role.tags = tag_list(source.key, source.get("Tags"), ("lambda:createdBy", "SAM"))
    dead = source.get("DeadLetterQueue")
    if isinstance(dead, Mapping):
        action = _DEAD_LETTERS.get(literal(dead.get("Type")) or "")
        if action is not None and dead.get("TargetArn") is not None:
            policy = document(statement(action, dead.get("TargetArn")))
            role.add(dead, "DeadLetterQueuePolicy", policy)
    role.policies(source.get("Policies"))
    return role


def _alias(source: Source) -> str | None:
    """The alias that is published, where there is one: its logical id."""
    written = source.entry("AutoPublishAlias")
    if written is None:
        return None
    name = source.text("AutoPublishAlias")
    source.sam.parts[f"{source.name}.Version"] = version = f"{source.name}Version"
    suffix = name.replace("-", "D").replace("_", "U") if name is not None else ""
    source.sam.parts[f"{source.name}.Alias"] = alias = f"{source.name}Alias{suffix}"
    held = source.block.get("DeletionPolicy")
    kept = source.get("VersionDeletionPolicy")
    default = "Delete" if source.get("CapacityProviderConfig") is not None else "Retain"
    properties: dict[str, Data] = {"FunctionName": ref(source.name), "Description": source.entry("VersionDescription")}
    if source.get("CapacityProviderConfig") is not None:
        properties["FunctionScalingConfig"] = source.entry("FunctionScalingConfig")
    policy = held if held is not None else kept if kept is not None else default
    source.imply(version, "AWS::Lambda::Version", properties, written.key, DeletionPolicy=policy)
    source.imply(
        alias,
        "AWS::Lambda::Alias",
        {
            "Name": written,
            "FunctionName": ref(source.name),
            "FunctionVersion": get_att(version, "Version"),
            "ProvisionedConcurrencyConfig": source.entry("ProvisionedConcurrencyConfig"),
        },
        written.key,
    )
    return alias


def _add_url(source: Source, alias: str | None) -> None:
    written = source.entry("FunctionUrlConfig")
    if written is None or not isinstance(written.value, Mapping):
        return
    config = written.value
    function = ref(alias or source.name)
    source.imply(
        f"{source.name}Url",
        "AWS::Lambda::Url",
        {
            "TargetFunctionArn": function,
            "AuthType": config.entry("AuthType"),
            "Cors": config.entry("Cors"),
            "InvokeMode": config.entry("InvokeMode"),
        },
        written.key,
    )
    if is_call(config) or literal(config.get("AuthType")) != "NONE":
        return
    anyone: dict[str, Data] = {"FunctionName": function, "Principal": "*"}
    at = config.get("AuthType") or written.key
    source.imply(
        f"{source.name}UrlPublicPermissions",
        "AWS::Lambda::Permission",
        {"Action": "lambda:InvokeFunctionUrl", **anyone, "FunctionUrlAuthType": "NONE"},
        at,
    )
    source.imply(
        f"{source.name}URLInvokeAllowPublicAccess",
        "AWS::Lambda::Permission",
        {"Action": "lambda:InvokeFunction", **anyone, "InvokedViaFunctionUrl": True},
        at,
    )


# --- Destinations of asynchronous invocations ---


def _destinations(source: Source, role: Role, alias: str | None) -> None:
    written = source.entry("EventInvokeConfig")
    if written is None or not isinstance(written.value, Mapping):
        return
    config = written.value
    name = f"{source.name}EventInvokeConfig"
    destinations: dict[str, Data] = {}
    for one in entries_of(config.get("DestinationConfig")):
        if one.key.text in ("OnSuccess", "OnFailure") and isinstance(one.value, Mapping):
            arn = _destination(source, role, one.value, f"{name}{one.key.text}")
            destinations[one.key.text] = node(one.key, {"Destination": arn})
    qualifier: Data = source.entry("AutoPublishAlias") or "$LATEST"
    source.imply(
        name,
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": ref(source.name),
            "Qualifier": qualifier,
            "DestinationConfig": destinations,
            "MaximumEventAgeInSeconds": config.entry("MaximumEventAgeInSeconds"),
            "MaximumRetryAttempts": config.entry("MaximumRetryAttempts"),
        },
        written.key,
        DependsOn=[alias] if alias is not None else None,
    )


def _destination(source: Source, role: Role, config: Mapping, name: str) -> Data:
    """The ARN of a destination; without one SAM makes a queue or topic."""
    kind = literal(config.get("Type")) or ""
    given = config.entry("Destination")
    parts = branches(given.value if given is not None else None)
    absent = [is_nothing(part) for part in parts[1:]] if parts is not None else []
    arn: Data = given
    made = {"SQS": ("Queue", "AWS::SQS::Queue"), "SNS": ("Topic", "AWS::SNS::Topic")}.get(kind)
    if made is not None and (given is None or any(absent)):
        suffix, made_type = made
        at = config.get("Type") or config
        own: Data = get_att(f"{name}{suffix}", "Arn") if kind == "SQS" else ref(f"{name}{suffix}")
        attributes: dict[str, Data] = {}
        arn = own
        if parts is not None and not all(absent):
            holds: Data = {"Condition": parts[0]}
            there: Data = holds if absent[0] else {"Fn::Not": [holds]}
            condition = source.condition()
            together: Data = there if condition is None else {"Fn::And": [{"Condition": condition}, there]}
            attributes["Condition"] = together
            values: list[Data] = [own if gone else part for gone, part in zip(absent, parts[1:], strict=True)]
            arn = {"Fn::If": [parts[0], *values]}
        source.imply(f"{name}{suffix}", made_type, {}, at, **attributes)
        source.sam.parts[f"{source.name}.Destination{suffix}"] = f"{name}{suffix}"
    target = node(config, arn) if arn is not None else None
    if target is not None:
        allow_destination(role, config, kind, target, name)
    return target
