"""API keys and usage plans that SAM makes for APIs: one of each API, or one that several share.

See https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiusageplan.html.
"""

from __future__ import annotations

from kmsguard.cloudformation.serverless.nodes import Data, literal, ref
from kmsguard.cloudformation.serverless.translation import Source, Translation
from kmsguard.syntax.yaml import Mapping, YamlNode

_KEPT = ("UsagePlanName", "Description", "Quota", "Tags", "Throttle")


def add_usage_plans(sam: Translation) -> None:
    """The usage plans of all APIs."""
    shared: list[tuple[Source, Mapping]] = []
    for source in sam.sources.values():
        plan = _plan(source)
        kind = sam.text(plan.get("CreateUsagePlan")) if plan is not None else None
        if plan is not None and kind == "PER_API":
            _make(source.name, [(source, plan)], {})
        elif plan is not None and kind == "SHARED":
            shared.append((source, plan))
    if shared:
        _make("Serverless", shared, _attributes([source for source, _ in shared]))


def _plan(source: Source) -> Mapping | None:
    given = source.get("Auth") if source.kind == "Api" else None
    plan = given.get("UsagePlan") if isinstance(given, Mapping) else None
    return plan if isinstance(plan, Mapping) else None


def _attributes(sources: list[Source]) -> dict[str, Data]:
    """What resources hang on that several APIs share: there while any of them is, kept where one is to be."""
    conditions: dict[str, YamlNode] = {}
    for source in sources:
        condition = source.condition()
        if condition is None:
            conditions = {}
            break
        conditions[literal(condition) or ""] = condition
    several: list[Data] = [{"Condition": one} for one in conditions.values()]
    together: Data = {"Fn::Or": several} if len(several) > 1 else next(iter(conditions.values()), None)
    attributes: dict[str, Data] = {"Condition": together}
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        given = [one for source in sources if (one := source.block.get(name)) is not None]
        attributes[name] = next((one for one in given if literal(one) == "Retain"), given[0] if given else None)
    return attributes


def _make(prefix: str, apis: list[tuple[Source, Mapping]], attributes: dict[str, Data]) -> None:
    first, plan = apis[0]
    names = f"{prefix}UsagePlan", f"{prefix}ApiKey"
    stages = [(ref(source.name), ref(source.sam.parts[f"{source.name}.Stage"])) for source, _ in apis]
    properties: dict[str, Data] = {"ApiStages": [{"ApiId": api, "Stage": stage} for api, stage in stages]}
    properties |= {kept: apis[-1][1].entry(kept) for kept in _KEPT}  # of several, what the last one says
    on: Data = [source.name for source, _ in apis]
    first.imply(names[0], "AWS::ApiGateway::UsagePlan", properties, plan, DependsOn=on, **attributes)
    key: dict[str, Data] = {
        "Enabled": True,
        "StageKeys": [{"RestApiId": api, "StageName": stage} for api, stage in stages],
    }
    first.imply(names[1], "AWS::ApiGateway::ApiKey", key, plan, DependsOn=[names[0]], **attributes)
    link: dict[str, Data] = {"KeyId": ref(names[1]), "KeyType": "API_KEY", "UsagePlanId": ref(names[0])}
    first.imply(f"{prefix}UsagePlanKey", "AWS::ApiGateway::UsagePlanKey", link, plan, DependsOn=[names[1]], **attributes)
