"""`AWS::Serverless::Api` and `HttpApi`, and the ones that events imply.

The definition that SAM writes from the events of functions is not made here; what it lets in is in the permissions of events.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html and
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-httpapi.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.domain import add_domain
from kmsguard.cloudformation.serverless.nodes import Data, entries_of, is_call, literal, node, ref, sub
from kmsguard.cloudformation.serverless.roles import s3_location, tag_list
from kmsguard.cloudformation.serverless.targets import hashed
from kmsguard.cloudformation.serverless.translation import Source, Translation
from kmsguard.syntax.yaml import Entry, Mapping, YamlNode

REST, HTTP = "ServerlessRestApi", "ServerlessHttpApi"


def translate_api(source: Source) -> None:
    """A REST API with its deployment, stage and domain name."""
    body = source.entry("DefinitionBody")
    location = source.entry("DefinitionUri")
    properties: dict[str, Data] = {
        "Body": body,
        "BodyS3Location": s3_location(location.value, "Bucket", "Key", "Version") if location else None,
        "EndpointConfiguration": _endpoint(source.entry("EndpointConfiguration")),
        "Tags": tag_list(source.key, source.get("Tags")) if source.get("PropagateTags") is not None else None,
        "Policy": source.entry("Policy"),
    }
    for kept in (
        "BinaryMediaTypes", "MinimumCompressionSize", "FailOnWarnings", "Name", "Description", "Mode", "ApiKeySourceType",
        "SecurityPolicy", "EndpointAccessMode",
    ):  # fmt: skip
        properties[kept] = source.entry(kept)
    parameters = source.get("EndpointConfiguration")
    if isinstance(parameters, Mapping) and parameters.get("Type") is not None:
        properties["Parameters"] = {"endpointConfigurationTypes": parameters.get("Type")}
    source.become("AWS::ApiGateway::RestApi", properties)
    deployment = f"{source.name}Deployment"
    source.imply(deployment, "AWS::ApiGateway::Deployment", {"RestApiId": ref(source.name)})
    stage = source.entry("StageName")
    text = literal(stage.value if stage is not None else None) or ""
    name = f"{source.name}{text}Stage" if text.isalnum() else f"{source.name}Stage{hashed(text)}"
    settings: dict[str, Data] = {
        "RestApiId": ref(source.name),
        "DeploymentId": ref(deployment),
        "StageName": stage,
        "Tags": tag_list(source.key, source.get("Tags")),
    }
    for kept in (
        "CacheClusterEnabled", "CacheClusterSize", "Variables", "MethodSettings", "AccessLogSetting", "CanarySetting",
        "TracingEnabled",
    ):  # fmt: skip
        settings[kept] = source.entry(kept)
    source.imply(name, "AWS::ApiGateway::Stage", settings, stage.key if stage is not None else None)
    source.sam.parts[f"{source.name}.Deployment"] = deployment
    source.sam.parts[f"{source.name}.Stage"] = name
    add_domain(source)
    _authorizers(source, "/authorizers/*")


def _authorizers(source: Source, path: str) -> None:
    """What lets an API call the functions that authorize its callers."""
    given = source.get("Auth")
    for one in entries_of(given.get("Authorizers") if isinstance(given, Mapping) else None):
        function = one.value.get("FunctionArn") if isinstance(one.value, Mapping) else None
        if function is None or not isinstance(one.value, Mapping):
            continue
        if (literal(one.value.get("DisableFunctionDefaultPermissions")) or "").lower() == "true":
            continue
        enabled = (literal(one.value.get("EnableFunctionDefaultPermissions")) or "").lower() == "true"
        if source.kind == "HttpApi" and not enabled:
            continue
        arn = sub(
            f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{__ApiId__}}{path}",
            {"__ApiId__": ref(source.name)},
        )
        properties: dict[str, Data] = {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": arn,
        }
        source.imply(f"{source.name}{one.key.text}AuthorizerPermission", "AWS::Lambda::Permission", properties, one.key)


def _endpoint(given: Entry | None) -> YamlNode | None:
    if given is None:
        return None
    if not isinstance(given.value, Mapping) or is_call(given.value):
        return node(given.key, {"Types": [given.value]})
    config = given.value
    endpoints = config.entry("VPCEndpointIds") or config.entry("VpcEndpointIds")
    kind = config.get("Type")
    types: Data = node(kind, [kind]) if kind is not None else None
    return node(given.key, {"Types": types, "VpcEndpointIds": endpoints, "IpAddressType": config.entry("IpAddressType")})


def translate_http_api(source: Source) -> None:
    """An HTTP API with its stage and domain name."""
    location = source.entry("DefinitionUri")
    properties: dict[str, Data] = {
        "Body": source.entry("DefinitionBody"),
        "BodyS3Location": s3_location(location.value, "Bucket", "Key", "Version") if location else None,
        "FailOnWarnings": source.entry("FailOnWarnings"),
    }
    source.become("AWS::ApiGatewayV2::Api", properties)
    stage = source.entry("StageName")
    text = literal(stage.value) if stage is not None else "$default"
    if text == "$default":
        name = f"{source.name}ApiGatewayDefaultStage"
    else:
        known = text or ""
        name = f"{source.name}{known}Stage" if known.isalnum() else f"{source.name}Stage{hashed(known)}"
    settings: dict[str, Data] = {
        "ApiId": ref(source.name),
        "StageName": stage or "$default",
        "StageVariables": source.entry("StageVariables"),
        "AutoDeploy": True,
        "Tags": _http_tags(source),
    }
    for kept in ("AccessLogSettings", "DefaultRouteSettings", "RouteSettings"):
        settings[kept] = source.entry(kept)
    source.imply(name, "AWS::ApiGatewayV2::Stage", settings, stage.key if stage is not None else None)
    source.sam.parts[f"{source.name}.Stage"] = name
    add_domain(source)
    _authorizers(source, "/authorizers/*")


def _http_tags(source: Source) -> Data:
    """The tags of an HTTP API: only of one whose definition stands in the template, or is made from events."""
    body = source.get("DefinitionBody")
    written = body is None or (isinstance(body, Mapping) and not is_call(body))
    if source.get("DefinitionUri") is not None or not written:
        return None
    created = entries_of(node(source.key, {"httpapi:createdBy": "SAM"}))
    return node(source.key, {one.key.text: one for one in (*entries_of(source.get("Tags")), *created)})


def add_implied_apis(sam: Translation) -> None:
    """The API that events have which name none."""
    for kind, by, name, event_kind in (("Api", "RestApiId", REST, "Api"), ("HttpApi", "ApiId", HTTP, "HttpApi")):
        conditions: list[YamlNode | None] = []
        at: YamlNode | None = None
        for source in sam.sources.values():
            for one in entries_of(source.get("Events")):
                block = one.value
                if not isinstance(block, Mapping) or literal(block.get("Type")) != event_kind:
                    continue
                properties = block.get("Properties")
                if isinstance(properties, Mapping) and properties.get(by) is not None:
                    continue
                if kind == "Api" and not (isinstance(properties, Mapping) and properties.entries):
                    continue
                at = at or one.key
                conditions.append(source.condition())
        if at is not None and name not in sam.sources and name not in sam.written:
            sam.sources[name] = _implied(sam, name, kind, at, conditions)


def _implied(sam: Translation, name: str, kind: str, at: YamlNode, conditions: list[YamlNode | None]) -> Source:
    block: dict[str, Data] = {"Type": f"AWS::Serverless::{kind}"}
    block["Properties"] = {"StageName": "Prod"} if kind == "Api" else {}
    named = [one for one in conditions if one is not None]
    if len(named) == len(conditions):
        different = {literal(one): one for one in named}
        whole: list[Data] = [{"Condition": one} for one in different.values()]
        block["Condition"] = named[0] if len(different) == 1 else {"Fn::Or": whole}
    key = node(at, name)
    return Source(sam, name, Entry(key, node(at, block)))  # type: ignore[arg-type]
