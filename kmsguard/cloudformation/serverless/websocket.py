"""`AWS::Serverless::WebSocketApi`: its routes, what they invoke, and who may.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-websocketapi.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.domain import add_domain, propagated
from kmsguard.cloudformation.serverless.nodes import Data, entries_of, literal, ref, sub
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Entry, Mapping

_INVOKE = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s}/invocations"
_EXECUTE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
_KEPT = (
    "ApiKeySelectionExpression", "Description", "DisableExecuteApiEndpoint", "DisableSchemaValidation", "IpAddressType",
    "RouteSelectionExpression",
)  # fmt: skip


def translate_websocket_api(source: Source) -> None:
    """A WebSocket API with its stage, routes, integrations, permissions, authorizer and domain name."""
    tags: dict[str, Data] = {one.key.text: one for one in entries_of(source.get("Tags"))}
    created: dict[str, Data] = {"websocketapi:createdBy": "SAM"}
    properties: dict[str, Data] = {name: source.entry(name) for name in _KEPT}
    properties |= {"Name": source.entry("Name") or source.name, "ProtocolType": "WEBSOCKET", "Tags": tags | created}
    source.become("AWS::ApiGatewayV2::Api", properties)
    written = source.entry("StageName")
    text = literal(written.value) if written is not None else "default"
    stage = f"{source.name}DefaultStage" if text == "default" else f"{source.name}{text or ''}Stage"
    source.sam.parts[f"{source.name}.Stage"] = stage
    routes = entries_of(source.get("Routes"))
    settings: dict[str, Data] = {
        "ApiId": ref(source.name),
        "StageName": written or "default",
        "Tags": propagated(source) | created,
        "AutoDeploy": True,
    }
    for kept in ("StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"):
        settings[kept] = source.entry(kept)
    source.imply(stage, "AWS::ApiGatewayV2::Stage", settings, written.key if written is not None else None)
    for one in routes:
        if isinstance(one.value, Mapping):
            _route(source, one, one.value, written or "default")
    add_domain(source)


def _route(source: Source, written: Entry, route: Mapping, stage: Data) -> None:
    key = written.key.text
    name = f"{source.name}{key.removeprefix('$').capitalize()}"
    function = route.entry("FunctionArn")
    integration: dict[str, Data] = {
        "ApiId": ref(source.name),
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": sub(_INVOKE % "FunctionArn", {"FunctionArn": function}),
        "TimeoutInMillis": route.entry("IntegrationTimeout"),
    }
    source.imply(f"{name}Integration", "AWS::ApiGatewayV2::Integration", integration, written.key)
    properties: dict[str, Data] = {
        "RouteKey": key,
        "ApiId": ref(source.name),
        "Target": {"Fn::Join": ["/", ["integrations", ref(f"{name}Integration")]]},
    }
    for kept in (
        "ApiKeyRequired", "ModelSelectionExpression", "OperationName", "RequestModels", "RequestParameters",
        "RouteResponseSelectionExpression",
    ):  # fmt: skip
        properties[kept] = route.entry(kept)
    if key == "$connect":
        properties |= _authorization(source)
    source.imply(f"{name}Route", "AWS::ApiGatewayV2::Route", properties, written.key)
    known = literal(stage.value) if isinstance(stage, Entry) else stage
    arn = f"{_EXECUTE}${{{source.name}.ApiId}}/"
    text = isinstance(known, str)
    permission: dict[str, Data] = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": function,
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": sub(f"{arn}{known}/{key}") if text else sub(f"{arn}${{__StageName__}}/{key}", {"__StageName__": stage}),
    }
    source.imply(f"{name}Permission", "AWS::Lambda::Permission", permission, written.key)


def _authorization(source: Source) -> dict[str, Data]:
    """Who may connect: what the route says, with the authorizer and the permission to call it."""
    given = source.get("Auth")
    if not isinstance(given, Mapping):
        return {}
    kind = source.sam.text(given.get("AuthType"))
    function = given.entry("AuthArn")
    if kind != "CUSTOM" or function is None:
        return {"AuthorizationType": kind if kind == "AWS_IAM" else "NONE"}
    name = f"{source.name}ConnectAuthorizer"
    role = given.entry("InvokeRole")
    properties: dict[str, Data] = {
        "ApiId": ref(source.name),
        "AuthorizerCredentialsArn": role,
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": sub(_INVOKE % "AuthArn", {"AuthArn": function}),
        "IdentitySource": given.entry("IdentitySource"),
        "Name": given.entry("Name") or name,
    }
    source.imply(name, "AWS::ApiGatewayV2::Authorizer", properties, function.key)
    if role is None:
        arn = sub(f"{_EXECUTE}${{__ApiId__}}/authorizers/*", {"__ApiId__": ref(source.name)})
        permission: dict[str, Data] = {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function,
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": arn,
        }
        source.imply(f"{source.name}AuthorizerPermission", "AWS::Lambda::Permission", permission, function.key)
    return {"AuthorizationType": "CUSTOM", "AuthorizerId": ref(name)}
