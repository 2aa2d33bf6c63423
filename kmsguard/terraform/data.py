"""Data sources whose attributes follow from the code and from where it is deployed to."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kmsguard.model.source import Source
from kmsguard.model.value import ABSENT, ACCOUNT, DNS_SUFFIX, PARTITION, REGION, Choice, Target, Text, Unknown, Value
from kmsguard.terraform.choices import compose, distribute
from kmsguard.terraform.history import derived
from kmsguard.terraform.load import join
from kmsguard.terraform.provider import arn_parts, partition_of
from kmsguard.terraform.regions import DESCRIPTIONS, ELB_ACCOUNTS
from kmsguard.terraform.resource import Resource

Compute = Callable[[Resource, str], "Value | None"]


def _with_refs(value: Value, target: Target) -> Value:
    return value if target in value.refs else replace(value, refs=(*value.refs, target))


def _account(resource: Resource) -> Value:
    configuration = resource.configuration
    account = configuration.account
    if account is not None:
        return account
    return Value(Unknown("the account is not given", f"{resource.address}.account_id", ACCOUNT, not_null=True))


def _caller_identity(resource: Resource, name: str) -> Value | None:
    return _account(resource) if name in ("account_id", "id") else None


def _partition(resource: Resource, name: str) -> Value | None:
    partition = resource.configuration.partition()
    if isinstance(partition.data, Unknown) and name in ("partition", "id"):
        return partition.with_data(replace(partition.data, reference=f"{resource.address}.{name}"))
    if name in ("partition", "id"):
        return partition
    if isinstance(partition.data, Unknown) and name == "dns_suffix" and partition.target == PARTITION:
        return partition.with_data(replace(partition.data, reference=f"{resource.address}.{name}", target=DNS_SUFFIX))
    suffix = _SUFFIXES.get(partition.text or "")
    if suffix is None:
        return None
    if name == "dns_suffix":
        return Value(suffix)
    if name == "reverse_dns_prefix":
        return Value(".".join(reversed(suffix.split("."))))
    return None


_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-us-gov": "amazonaws.com",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-eusc": "amazonaws.eu",
}


def _region(resource: Resource, name: str) -> Value | None:
    if name in ("description", "endpoint"):
        return _about_region(_region(resource, "name"), name)
    if name not in ("name", "id", "region"):
        return None
    body = resource.written()
    written = body.get("region") or body.get("name")
    if written is not None:
        return written
    if "endpoint" in body:
        return None
    region = resource.configuration.region
    if region is not None:
        return region
    configuration = resource.configuration
    target = REGION if configuration.is_default or configuration.located is None else None
    if target is None:
        target = Target(f"provider.{configuration.name}", "region")
    return Value(Unknown("the Region is not given", f"{resource.address}.{name}", target, not_null=True))


def _about_region(region: Value | None, name: str) -> Value | None:
    known = region.text if region is not None else None
    if known is None:
        return None
    if name == "endpoint":
        return Value(f"ec2.{known}.{_SUFFIXES[partition_of(known)]}")
    description = DESCRIPTIONS.get(known)
    return Value(description) if description is not None else None


_ARN = {"partition": 1, "service": 2, "region": 3, "account": 4, "resource": 5}


def _arn(resource: Resource, name: str) -> Value | None:
    arn = resource.written().get("arn")
    if arn is None or name not in _ARN:
        return None

    def part(value: Value) -> Value:
        parts = arn_parts(value)
        return derived((value,)) if parts is None else parts[_ARN[name]]

    return distribute(part, arn)


def _policy_document(resource: Resource, name: str) -> Value | None:
    if name not in ("json", "minified_json"):
        return None
    from kmsguard.terraform.policy_document import policy_json

    return policy_json(resource, minified=name != "json")


def _service_principal(resource: Resource, name: str) -> Value | None:
    body = resource.written()
    service = body.get("service_name")
    region = body.get("region") or resource.configuration.region
    known = region.text if region is not None else None
    # in the other partitions some services have names of their own
    if service is None or known is None or known.startswith(("cn-", "us-iso", "eu-iso", "us-gov-")):
        return None
    if name == "name":
        return compose([service, Value(".amazonaws.com")], [True, True], None)
    if name == "id":
        return compose([service, Value(f".{known}.amazonaws.com")], [True, True], None)
    return {"suffix": Value("amazonaws.com"), "region": region}.get(name)


def _service(resource: Resource, name: str) -> Value | None:
    """An endpoint by the service's name, as the provider builds it without asking."""
    body = resource.written()
    service = body.get("service_id")
    region = body.get("region") or resource.configuration.region
    known = region.text if region is not None else None
    if service is None or service.text is None or known is None or "dns_name" in body or "reverse_dns_name" in body:
        return None
    suffix = _SUFFIXES[partition_of(known)]
    reverse = ".".join(reversed(suffix.split(".")))
    made = {
        "dns_name": f"{service.text.lower()}.{known}.{suffix}",
        "partition": partition_of(known),
        "region": known,
        "reverse_dns_name": f"{reverse}.{known}.{service.text.lower()}",
        "reverse_dns_prefix": reverse,
    }
    return Value(made[name]) if name in made else None


def _bucket(resource: Resource, name: str) -> Value | None:
    """A bucket's id is its name; its ARN holds nothing else than that and the partition."""
    bucket = resource.written().get("bucket")
    if bucket is None or name not in ("id", "arn") or isinstance(bucket.data, Choice):
        return None
    target = Target(resource.address, name)
    if name == "id":
        return _with_refs(bucket, target)
    named = bucket.data.target if isinstance(bucket.data, Unknown) else None
    if named is not None and named.attribute in ("id", "bucket") and "aws_s3_bucket." in named.address:
        of = Target(named.address, "arn")
        return Value(Unknown("known after apply", f"{named.address}.arn", of, True, "arn:"), refs=(target,))
    if bucket.text is None:
        return None
    pieces = [Value("arn:"), resource.configuration.partition(), Value(f":s3:::{bucket.text}")]
    return _with_refs(compose(pieces, [True, True, True], None), target)


def _managed_policy(resource: Resource, name: str) -> Value | None:
    """What an IAM policy's ARN says of it."""
    arn = resource.written().get("arn")
    parts = arn.text.split(":", 5) if arn is not None and arn.text is not None else []
    if name not in ("name", "path", "id") or len(parts) != 6 or not parts[5].startswith("policy/"):
        return None
    path, _, last = parts[5].removeprefix("policy").rpartition("/")
    return {"name": Value(last), "path": Value(f"{path}/"), "id": arn}[name]


def _elb_account(resource: Resource, name: str) -> Value | None:
    region = resource.written().get("region") or resource.configuration.region
    known = region.text if region is not None else None
    account = ELB_ACCOUNTS.get(known or "")
    if known is None or account is None:
        return None
    made = {"id": account, "arn": f"arn:{partition_of(known)}:iam::{account}:root"}
    return Value(made[name]) if name in made else None


def _log_delivery(resource: Resource, name: str) -> Value | None:
    """CloudFront's, outside of China; see
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/AccessLogs.html."""
    region = resource.written().get("region") or resource.configuration.region
    known = region.text if region is not None else None
    if name != "id" or known is None or known.startswith("cn-"):
        return None
    return Value("c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0")


def _template_file(resource: Resource, name: str) -> Value | None:
    if name != "rendered":
        return None
    body = resource.written()
    template = body.get("template")
    if template is None:
        return None
    variables = body.get("vars", Value({}))
    from kmsguard.terraform.functions.filesystem import render

    def rendered(text: Value) -> Value:
        known = text.text
        if known is None or not isinstance(variables.data, dict):
            return derived((text, variables), not_null=True)
        span = text.span or resource.located.span
        source = resource.module.run.sources.get(span.file)
        whole = source is not None and source.text == known
        if whole and source is not None:
            return render(resource.scope, source, variables.members, span.file)
        return render(resource.scope, Source(span.file, known), variables.members, None, fixed=span)

    return distribute(rendered, template)


def _local_file(resource: Resource, name: str) -> Value | None:
    if name not in ("content", "content_base64"):
        return None
    filename = resource.written().get("filename")
    if filename is None or filename.text is None:
        return None
    from kmsguard.terraform.functions.filesystem import text_of

    run = resource.module.run
    found = run.read(join(run.unit, filename.text))
    if not isinstance(found, Source):
        return None
    text = text_of(found)
    if name == "content":
        return text
    import base64

    content = base64.b64encode((text.text or "").encode()).decode()
    return Value(Text((Value(content),), text, "base64"), text.span)


def _remote_state(resource: Resource, name: str) -> Value | None:
    if name != "outputs":
        return None
    from kmsguard.terraform.state import remote_key

    key = remote_key(resource)
    if key is None:
        return None
    return Value(Unknown("the state of another root module", f"{resource.address}.outputs", Target(f"state:{key}", "")))


def _data_output(resource: Resource, name: str) -> Value | None:
    """`terraform_data` gives what it gets."""
    if name != "output":
        return None
    given = resource.written().get("input")
    if given is None or isinstance(given.data, Choice) or given.data is ABSENT:
        return given
    return _with_refs(given, Target(resource.address, "output"))


COMPUTED: dict[str, Compute] = {
    "aws_arn": _arn,
    "aws_caller_identity": _caller_identity,
    "aws_cloudfront_log_delivery_canonical_user_id": _log_delivery,
    "aws_elb_service_account": _elb_account,
    "aws_iam_policy": _managed_policy,
    "aws_iam_policy_document": _policy_document,
    "aws_partition": _partition,
    "aws_region": _region,
    "aws_s3_bucket": _bucket,
    "aws_service": _service,
    "aws_service_principal": _service_principal,
    "local_file": _local_file,
    "template_file": _template_file,
    "terraform_remote_state": _remote_state,
}
COMPUTED_MANAGED: dict[str, Compute] = {"terraform_data": _data_output}
