"""Domain names of SAM's APIs: the name, what leads from it to a stage, and its records in Route 53.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-domainconfiguration.html and
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-route53configuration.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, as_json, get_att, items_of, literal, node, ref, resolved
from kmsguard.cloudformation.serverless.roles import tag_list
from kmsguard.cloudformation.serverless.targets import hashed
from kmsguard.cloudformation.serverless.translation import Source
from kmsguard.syntax.yaml import Mapping, YamlNode

_DISTRIBUTIONS_ZONE = "Z2FDTNDATAQYW2"  # of all CloudFront distributions
_CREATED_BY = {"HttpApi": "httpapi:createdBy", "WebSocketApi": "websocketapi:createdBy"}


def add_domain(source: Source) -> None:
    """The resources of the property Domain, where it is given."""
    written = source.entry("Domain")
    if written is None or not isinstance(written.value, Mapping):
        return
    domain = written.value
    endpoint = source.sam.text(domain.get("EndpointConfiguration")) or "REGIONAL"
    suffix = _hash(source, domain.get("DomainName"))
    if source.kind != "Api":
        kind, prefix = "AWS::ApiGatewayV2::DomainName", "ApiGatewayDomainNameV2"
        properties = _second_version(source, domain)
    elif endpoint == "PRIVATE":
        kind, prefix = "AWS::ApiGateway::DomainNameV2", "ApiGatewayDomainNameV2"
        properties = _first_version(source, domain, endpoint)
    else:
        kind, prefix = "AWS::ApiGateway::DomainName", "ApiGatewayDomainName"
        properties = {**_first_version(source, domain, endpoint), "MutualTlsAuthentication": _mutual(domain)}
    name = f"{prefix}{suffix}"
    source.imply(name, kind, properties, written.key)
    _paths(source, domain, name, endpoint == "PRIVATE")
    association = domain.get("AccessAssociation")
    if endpoint == "PRIVATE" and isinstance(association, Mapping):
        _associate(source, association, name)
    records = domain.get("Route53")
    if isinstance(records, Mapping):
        _records(source, domain, records, name, endpoint)


def _hash(source: Source, *values: YamlNode | None) -> str:
    """What SAM hashes of values for a logical id: of one its text, of several a list."""
    known = [resolved(value, source.sam.text) for value in values if value is not None]
    return hashed(as_json(known[0] if len(values) == 1 else node(source.key, known)) if known else "")


def _mutual(domain: Mapping) -> Data:
    given = domain.entry("MutualTlsAuthentication")
    if given is None or not isinstance(given.value, Mapping):
        return given
    kept = [one for one in given.value.entries if literal(one.value) not in ("", "0")]
    return node(given.key, {one.key.text: one for one in kept})


def _first_version(source: Source, domain: Mapping, endpoint: str) -> dict[str, Data]:
    given: Data = domain.get("EndpointConfiguration") or endpoint
    regional = endpoint == "REGIONAL"
    properties: dict[str, Data] = {
        "DomainName": domain.entry("DomainName"),
        "RegionalCertificateArn" if regional else "CertificateArn": domain.entry("CertificateArn"),
        "EndpointConfiguration": {"Types": [given], "IpAddressType": domain.entry("IpAddressType")},
    }
    for kept in ("SecurityPolicy", "EndpointAccessMode", "Policy", "OwnershipVerificationCertificateArn"):
        properties[kept] = domain.entry(kept)
    if source.get("PropagateTags") is not None and literal(source.get("PropagateTags")) == "true":
        properties["Tags"] = tag_list(source.key, source.get("Tags"))
    return properties


def _second_version(source: Source, domain: Mapping) -> dict[str, Data]:
    configuration: dict[str, Data] = {"EndpointType": domain.entry("EndpointConfiguration") or "REGIONAL"}
    for kept in ("CertificateArn", "OwnershipVerificationCertificateArn", "SecurityPolicy"):
        configuration[kept] = domain.entry(kept)
    return {
        "DomainName": domain.entry("DomainName"),
        "DomainNameConfigurations": [configuration],
        "MutualTlsAuthentication": _mutual(domain),
        "Tags": propagated(source) | {_CREATED_BY[source.kind]: "SAM"},
    }


def propagated(source: Source) -> dict[str, Data]:
    """The tags of an API that it hands on to what it implies, as a map."""
    tags = source.get("Tags")
    handed_on = literal(source.get("PropagateTags")) == "true" and isinstance(tags, Mapping)
    return {one.key.text: one for one in tags.entries} if handed_on and isinstance(tags, Mapping) else {}


def _paths(source: Source, domain: Mapping, name: str, private: bool) -> None:
    """What leads from the domain name to the stage."""
    stage = ref(source.sam.parts[f"{source.name}.Stage"])
    word = "BasePathMapping" if source.kind == "Api" else "ApiMapping"
    kept = (literal(domain.get("NormalizeBasePath")) or "").lower() == "false"
    paths: list[YamlNode | None] = [*items_of(domain.get("BasePath"))]
    for written in paths or [None]:
        text = source.sam.text(written) or ""
        plain = "".join(letter for letter in text if letter.isalnum())
        path: Data = None if written is None else text if kept else plain
        if source.kind != "Api":
            kind = "AWS::ApiGatewayV2::ApiMapping"
            properties: dict[str, Data] = {"ApiId": ref(source.name), "DomainName": ref(name), "Stage": stage}
            properties["ApiMappingKey"] = None if written is None else text.strip("/")
        elif private:
            kind = "AWS::ApiGateway::BasePathMappingV2"
            properties = {"RestApiId": ref(source.name), "DomainNameArn": ref(name), "Stage": stage, "BasePath": path}
        else:
            kind = "AWS::ApiGateway::BasePathMapping"
            properties = {"RestApiId": ref(source.name), "DomainName": ref(name), "Stage": stage, "BasePath": path}
        source.imply(f"{source.name}{plain}{word}", kind, properties, written or domain)


def _associate(source: Source, association: Mapping, name: str) -> None:
    endpoint = association.get("VpcEndpointId")
    properties: dict[str, Data] = {
        "DomainNameArn": ref(name),
        "AccessAssociationSourceType": "VPCE",
        "AccessAssociationSource": endpoint,
    }
    suffix = _hash(source, endpoint, node(association, name))
    source.imply(
        f"DomainNameAccessAssociation{suffix}", "AWS::ApiGateway::DomainNameAccessAssociation", properties, association
    )


def _records(source: Source, domain: Mapping, records: Mapping, name: str, endpoint: str) -> None:
    """The alias records of the name: those of one hosted zone together."""
    zone = records.get("HostedZoneId") or records.get("HostedZoneName")
    alone = literal(records.get("SeparateRecordSetGroup")) == "true"
    suffix = _hash(source, zone, domain.get("DomainName")) if alone else _hash(source, zone)
    group = f"RecordSetGroup{suffix}"
    made: list[Data] = [_record("A", domain, records, name, endpoint)]
    if literal(records.get("IpV6")) == "true":
        made.append(_record("AAAA", domain, records, name, endpoint))
    if group in source.sam.made:
        source.sam.extend(group, records, ("RecordSets",), made)
        return
    named = {kept: records.entry(kept) for kept in ("HostedZoneId", "HostedZoneName")}
    source.imply(group, "AWS::Route53::RecordSetGroup", {**named, "RecordSets": made}, records)


def _record(kind: str, domain: Mapping, records: Mapping, name: str, endpoint: str) -> Data:
    target: dict[str, Data] = {"EvaluateTargetHealth": records.entry("EvaluateTargetHealth")}
    if endpoint == "REGIONAL":
        target |= {
            "HostedZoneId": get_att(name, "RegionalHostedZoneId"),
            "DNSName": get_att(name, "RegionalDomainName"),
        }
    elif endpoint == "EDGE":
        told = records.entry("DistributionDomainName")
        target |= {"HostedZoneId": _DISTRIBUTIONS_ZONE, "DNSName": told or get_att(name, "DistributionDomainName")}
    else:
        target |= {
            "HostedZoneId": records.entry("VpcEndpointHostedZoneId"),
            "DNSName": records.entry("VpcEndpointDomainName"),
        }
    routing = {kept: records.entry(kept) for kept in ("Region", "SetIdentifier")}
    return {"Name": domain.entry("DomainName"), "Type": kind, "AliasTarget": target, **routing}
