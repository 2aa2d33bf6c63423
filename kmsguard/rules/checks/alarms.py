"""Whether somebody is told when a key is disabled or is to be deleted.

https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys-creating-cloudwatch-alarm.html and
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-7
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kmsguard.iam.texts import equal, show, sym
from kmsguard.model.finding import Evidence, Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import Resource
from kmsguard.model.rule import Answer, Question
from kmsguard.model.truth import Truth, all_of, any_of
from kmsguard.model.value import ABSENT, Unknown, Value
from kmsguard.rules.checks.access import Access, access_of
from kmsguard.rules.checks.telling import name_of, opens

_GOOD = Answer(Truth.YES)
_CALLS = ("DisableKey", "ScheduleKeyDeletion")


def on_loss_of_keys(question: Question) -> Answer:
    """Whether what a trail records of KMS alarms somebody: by a metric filter and an alarm, or by a rule of EventBridge."""
    access, trail = access_of(question), question.resource
    by_event = [any_of(access.once(_told_by_event, call)) for call in _CALLS]
    if all_of(by_event) is Truth.YES:
        return _GOOD
    groups = access.ends(trail, "log_group")
    place = question.attribute("log_group")
    head = Evidence("what the trail records of KMS alarms nobody", place.where or trail.head, place.trail, trail)
    if not groups:
        truth = all_of(by_event)
        values = {"problem": "it sends nothing to CloudWatch Logs, and no rule of EventBridge reacts"}
        return Answer(truth, (head,), _open_rules(access) if truth is Truth.UNKNOWN else (), values=values)
    for group, there in groups:
        if not isinstance(group, Resource) or there is not Truth.YES:
            open_ = Open(name_of(group), "which metric filters the log group has is not known here")
            values = {"problem": f"nothing here counts them in {name_of(group)}"}
            return Answer(Truth.UNKNOWN, (head,), (open_,), values=values)
        filters = [one for one, sure in access.sources(group, "log_group", "logs.metric_filter") if sure is Truth.YES]
        counted = {call: [(one, _counts(access, one, call)) for one in filters] for call in _CALLS}
        truths, open_ones = [], []
        for call, event in zip(_CALLS, by_event, strict=True):
            found = [(truth & any_of(_alarmed(access, one)), one) for one, truth in counted[call]]
            truths.append(event | any_of(truth for truth, _ in found))
            open_ones += [one for truth, one in found if truth is Truth.UNKNOWN]
        truth = all_of(truths)
        if truth is Truth.YES:
            return _GOOD
        handed_out = access.graph.exported(group)
        if handed_out:
            truth = Truth.UNKNOWN
        missing = [call for call, one in zip(_CALLS, truths, strict=True) if one is not Truth.YES]
        seen = all(any(one is Truth.YES for _, one in counted[call]) for call in missing)
        problem = f"{'no alarm follows the metric of' if seen else 'no metric filter counts'} {' and '.join(missing)}"
        evidence = (head, *(Evidence("a metric filter of its log group", one.head, None, one) for one in filters[:3]))
        undecided = tuple(dict.fromkeys(o for one in open_ones for o in opens(access.value(one, "pattern"))))
        if handed_out:
            undecided = (*undecided, Open(group.address, "an output hands it out, and its metric filters may be elsewhere"))
        undecided = undecided or _open_rules(access) or (Open(name_of(group), "which alarms follow its metrics"),)
        values = {"problem": problem}
        return Answer(truth, evidence, undecided if truth is Truth.UNKNOWN else (), values=values)
    return _GOOD


def _counts(access: Access, filter_: Resource, call: str) -> Truth:
    """Whether the pattern of a metric filter fits the record of a call."""
    pattern = access.value(filter_, "pattern")
    text = show(sym(pattern)) if pattern.text is None else pattern.text
    if re.search(rf"\b{call}\b", text) and "!=" not in text:
        return Truth.YES
    if isinstance(pattern.data, Unknown) or pattern.text is None or "!=" in text or not text.strip():
        return Truth.UNKNOWN if text.strip() else Truth.YES
    return Truth.of("kms.amazonaws.com" in text and "eventName" not in text)


def _alarmed(access: Access, filter_: Resource) -> Iterator[Truth]:
    """For each alarm whether it follows the metric of a filter, and does something."""
    own = [access.value(filter_, name) for name in ("namespace", "metric")]
    deployment = access.deployment(filter_)
    for alarm in access.graph.by_kind.get("cloudwatch.alarm", ()):
        theirs = [access.value(alarm, name) for name in ("namespace", "metric")]
        if any(value.data is ABSENT for value in theirs):
            continue
        same = all_of(equal(sym(a, deployment), sym(b, deployment)) for a, b in zip(own, theirs, strict=True))
        acts = access.value(alarm, "acts")
        does = Truth.of(access.value(alarm, "actions").data not in (ABSENT, ()) and acts.data is not False)
        yield same & does & decide(alarm.exists, access.world)


def _told_by_event(access: Access, call: str) -> tuple[Truth, ...]:
    """For each rule of EventBridge that has a target whether it reacts to a call of KMS."""
    found: list[Truth] = []
    for rule in access.graph.by_kind.get("events.rule", ()):
        pattern = access.value(rule, "pattern")
        if pattern.data is ABSENT or access.value(rule, "enabled").data is False:
            continue
        if access.sources(rule, "rule", "events.target"):
            found.append(_fits_event(pattern, call) & decide(rule.exists, access.world))
    return tuple(found)


def _fits_event(pattern: Value, call: str) -> Truth:
    members = pattern.members
    if isinstance(pattern.data, Unknown):
        return Truth.UNKNOWN
    detail = members.get("detail", Value(ABSENT))
    return all_of(
        (
            _has(members.get("source", Value(ABSENT)), "aws.kms"),
            _has(members.get("detail-type", Value(ABSENT)), "AWS API Call via CloudTrail"),
            _has(detail.members.get("eventSource", Value(ABSENT)), "kms.amazonaws.com"),
            _has(detail.members.get("eventName", Value(ABSENT)), call),
        )
    )


def _has(wanted: Value, text: str) -> Truth:
    """Whether a list of an event pattern has a text; one that is not there asks nothing."""
    if wanted.data is ABSENT:
        return Truth.YES
    if isinstance(wanted.data, Unknown):
        return Truth.UNKNOWN
    return any_of(
        Truth.of(item.text == text) if item.text is not None else _matches(item, text) for item in wanted.items or (wanted,)
    )


def _matches(item: Value, text: str) -> Truth:
    prefix = item.members.get("prefix", Value(ABSENT)).text
    return Truth.of(text.startswith(prefix)) if prefix is not None and len(item.members) == 1 else Truth.UNKNOWN


def _open_rules(access: Access) -> tuple[Open, ...]:
    rules = access.graph.by_kind.get("events.rule", ())
    return tuple(o for rule in rules for o in opens(access.value(rule, "pattern"))) or tuple(
        Open(rule.address, "to which calls this rule reacts") for rule in rules[:1]
    )
