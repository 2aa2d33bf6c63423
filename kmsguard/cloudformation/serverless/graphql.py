"""`AWS::Serverless::GraphQLApi` with its schema, data sources and their roles.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-graphqlapi.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, entries_of, get_att, items_of, literal, node, ref, signature, sub
from kmsguard.cloudformation.serverless.roles import managed_arn, tag_list, trust
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Mapping, YamlNode

_KEPT = ("XrayEnabled", "Visibility", "OwnerContact", "IntrospectionConfig", "QueryDepthLimit", "ResolverCountLimit")


def translate_graphql(source: Source) -> None:
    """An API of AppSync with what it implies."""
    properties: dict[str, Data] = {"Name": source.entry("Name") or source.name}
    authentication = source.get("Auth")
    callers = [authentication] if isinstance(authentication, Mapping) else []
    properties |= _provider(authentication) if isinstance(authentication, Mapping) else {}
    if isinstance(authentication, Mapping) and authentication.get("Additional") is not None:
        more = [one for one in items_of(authentication.get("Additional")) if isinstance(one, Mapping)]
        properties["AdditionalAuthenticationProviders"] = [_provider(one, "DefaultAction") for one in more]
        callers.extend(more)
    for kept in _KEPT:
        properties[kept] = source.entry(kept)
    properties["Tags"] = tag_list(source.key, source.get("Tags"), ("graphqlapi:createdBy", "SAM"))
    properties["LogConfig"] = _logging(source)
    source.become("AWS::AppSync::GraphQLApi", properties)
    schema: dict[str, Data] = {
        "ApiId": get_att(source.name, "ApiId"),
        "Definition": source.entry("SchemaInline"),
        "DefinitionS3Location": source.entry("SchemaUri"),
    }
    source.imply(f"{source.name}Schema", "AWS::AppSync::GraphQLSchema", schema)
    _authorizers(source, callers)
    _domain(source)
    _api_keys(source)
    _cache(source)
    _data_sources(source)


_PROVIDERS = {
    "OpenIDConnect": "OpenIDConnectConfig",
    "UserPool": "UserPoolConfig",
    "LambdaAuthorizer": "LambdaAuthorizerConfig",
}


def _provider(given: Mapping, *left_out: str) -> dict[str, Data]:
    """One way to authenticate."""
    made: dict[str, Data] = {"AuthenticationType": given.entry("Type")}
    for name, plain in _PROVIDERS.items():
        config = given.entry(name)
        if config is not None:
            kept = {one.key.text: one for one in entries_of(config.value) if one.key.text not in left_out}
            made[plain] = node(config.key, kept)
    return made


def _authorizers(source: Source, callers: list[Mapping]) -> None:
    """What lets the API call the functions that authorize its callers."""
    from kmsguard.cloudformation.serverless.connector import connect

    found: dict[object, YamlNode] = {}
    for one in callers:
        config = one.get("LambdaAuthorizer")
        arn = config.get("AuthorizerUri") if isinstance(config, Mapping) else None
        if arn is not None:
            found.setdefault(signature(arn), arn)
    for number, arn in enumerate(found.values(), 1):
        start = {"Type": "AWS::AppSync::GraphQLApi", "Arn": ref(source.name), "ResourceId": get_att(source.name, "ApiId")}
        ends = node(arn, start), node(arn, {"Type": "AWS::Lambda::Function", "Arn": arn})
        connect(source, f"{source.name}ToLambdaAuthConnector{number}", *ends, node(arn, ["Write"]))  # type: ignore[arg-type]


def _domain(source: Source) -> None:
    written = source.entry("DomainName")
    if written is None or not isinstance(written.value, Mapping):
        return
    name = f"{source.name}DomainName"
    properties = {kept: written.value.entry(kept) for kept in ("CertificateArn", "DomainName", "Description")}
    source.imply(name, "AWS::AppSync::DomainName", properties, written.key)
    link: dict[str, Data] = {"ApiId": get_att(source.name, "ApiId"), "DomainName": ref(name)}
    source.imply(f"{source.name}DomainNameApiAssociation", "AWS::AppSync::DomainNameApiAssociation", link, written.key)


def _logging(source: Source) -> Data:
    written = source.entry("Logging")
    given = written.value if written is not None else None
    if literal(given) in ("false", "False"):
        return None
    if isinstance(given, Mapping) and given.get("CloudWatchLogsRoleArn") is not None:
        return written
    role = f"{source.name}CloudWatchRole"
    source.imply(
        role,
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": trust("appsync.amazonaws.com"),
            "ManagedPolicyArns": [managed_arn("AWSAppSyncPushToCloudWatchLogs")],
        },
        written.key if written is not None else None,
    )
    own: dict[str, Data] = {one.key.text: one for one in entries_of(given)}
    own = own or {"FieldLogLevel": "ALL"}
    return {"CloudWatchLogsRoleArn": get_att(role, "Arn"), **own}


def _api_keys(source: Source) -> None:
    for one in entries_of(source.get("ApiKeys")):
        properties: dict[str, Data] = {"ApiId": get_att(source.name, "ApiId")}
        properties |= {part.key.text: part for part in entries_of(one.value) if part.key.text != "ExpiresOn"}
        if isinstance(one.value, Mapping):
            properties["Expires"] = one.value.entry("ExpiresOn")
        source.imply(f"{source.name}{one.key.text}", "AWS::AppSync::ApiKey", properties, one.key)


def _cache(source: Source) -> None:
    written = source.entry("Cache")
    if written is not None and isinstance(written.value, Mapping):
        properties: dict[str, Data] = {"ApiId": get_att(source.name, "ApiId")}
        properties |= {one.key.text: one for one in written.value.entries}
        source.imply(f"{source.name}ApiCache", "AWS::AppSync::ApiCache", properties, written.key)


def _data_sources(source: Source) -> None:
    given = source.get("DataSources")
    for section, kind, config, target in (
        ("DynamoDb", "AMAZON_DYNAMODB", "DynamoDBConfig", "TableName"),
        ("Lambda", "AWS_LAMBDA", "LambdaConfig", "FunctionArn"),
    ):
        for one in entries_of(given.get(section) if isinstance(given, Mapping) else None):
            if isinstance(one.value, Mapping):
                _data_source(source, one.key.text, section, kind, config, target, one.value)


def _data_source(source: Source, name: str, section: str, kind: str, config: str, target: str, given: Mapping) -> None:
    made = f"{source.name}{name}{'DynamoDB' if section == 'DynamoDb' else section}DataSource"
    role: Data = given.entry("ServiceRoleArn")
    if role is None:
        role = get_att(f"{made}Role", "Arn")
        source.imply(f"{made}Role", "AWS::IAM::Role", {"AssumeRolePolicyDocument": trust("appsync.amazonaws.com")}, given)
        connected = _connection(made, section, given)
        if connected is not None:
            from kmsguard.cloudformation.serverless.connector import connect

            connect(source, *connected)
    settings: dict[str, Data] = {}
    if section == "DynamoDb":
        settings = {
            "TableName": given.entry("TableName"),
            "AwsRegion": given.entry("Region") or {"Ref": "AWS::Region"},
            "UseCallerCredentials": given.entry("UseCallerCredentials"),
            "Versioned": given.entry("Versioned"),
            "DeltaSyncConfig": given.entry("DeltaSync"),
        }
    else:
        settings = {"LambdaFunctionArn": given.entry(target)}
    properties: dict[str, Data] = {
        "ApiId": get_att(source.name, "ApiId"),
        "Name": given.entry("Name") or name,
        "Type": kind,
        "Description": given.entry("Description"),
        "ServiceRoleArn": role,
        config: settings,
    }
    source.imply(made, "AWS::AppSync::DataSource", properties, given)


def _connection(made: str, section: str, given: Mapping) -> tuple[str, Mapping, YamlNode, YamlNode] | None:
    """Name, ends and permissions of the connector between a data source and what it reads."""
    word, arn, kind = (
        ("Table", given.get("TableArn"), "AWS::DynamoDB::Table")
        if section == "DynamoDb"
        else ("Lambda", given.get("FunctionArn"), "AWS::Lambda::Function")
    )
    name = given.get("TableName")
    if arn is None and section == "DynamoDb" and name is not None:
        region = given.entry("Region") or {"Ref": "AWS::Region"}
        text = "arn:${AWS::Partition}:dynamodb:${__Region__}:${AWS::AccountId}:table/${__Table__}"
        arn = node(name, sub(text, {"__Region__": region, "__Table__": name}))
    if arn is None:
        return None
    start = {"Type": "AWS::AppSync::DataSource", "Arn": get_att(made, "DataSourceArn"), "RoleName": {"Ref": f"{made}Role"}}
    end = {"Type": kind, "Arn": arn}
    permissions = given.get("Permissions")
    wanted: Data = permissions if permissions is not None else ["Read", "Write"] if section == "DynamoDb" else ["Write"]
    return f"{made}To{word}Connector", node(given, start), node(given, end), node(given, wanted)  # type: ignore[return-value]
