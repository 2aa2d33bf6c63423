"""Stack sets: the template of `AWS::CloudFormation::StackSet`, in each account and Region that it is deployed to.

See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from copy import copy
from itertools import accumulate

import msgspec

from kmsguard.cloudformation.context import MAX_STACKS, Context
from kmsguard.cloudformation.given import Given
from kmsguard.cloudformation.template import Template, is_template
from kmsguard.cloudformation.texts import pieces_of, scalar_text
from kmsguard.model.declaration import Call, Declaration, Problem, Provider
from kmsguard.model.guard import Formula
from kmsguard.model.source import Source, Span
from kmsguard.model.value import ACCOUNT, REGION, Text, Unknown, Value
from kmsguard.syntax.yaml import Entry, Mapping, YamlFile, YamlNode, parse_file


class Instance(msgspec.Struct, frozen=True):
    """An account and a Region that a stack set is deployed to, and what it is given there. None: not known."""

    account: str | None
    region: str | None
    parameters: tuple[tuple[str, Value], ...] = ()

    @property
    def label(self) -> str:
        """Account and Region."""
        return f"{self.account or '?'}/{self.region or '?'}"


def declarations_of(template: Template, name: str, body: Value, exists: Formula) -> list[Declaration]:
    """What the template of a stack set declares, once for each instance that is known."""
    entry = template.resources[name]
    file = _template_of(template, name, entry, body)
    if file is None:
        return []
    found: list[Declaration] = []
    instances = list({instance.label: instance for instance in _instances(body)}.values())
    for instance in instances:
        context = template.context
        if context.stacks >= MAX_STACKS:
            message = f"more than {MAX_STACKS} nested stacks and stack instances; the others were not read"
            context.problem("error", "template-too-large", entry.key.span, message)
            break
        context.stacks += 1
        address = template.address(name) if len(instances) == 1 else f"{template.address(name)}[{instance.label}]"
        found.extend(_instance(template, entry, address, file, instance, exists).declarations())
    return found


def _instance(template: Template, entry: Entry, address: str, file: YamlFile, instance: Instance, exists: Formula) -> Template:
    context: Context = copy(template.context)  # the same problems and files, deployed elsewhere
    context.settings = msgspec.structs.replace(context.settings, account=instance.account, region=instance.region)
    context.stack = None
    call = Call(address, entry.span, template.context.comments(template.file, entry.span))
    given = {
        key: Given(value.via("stack parameter", f"{address}.{key}", value.where), value.where)
        for key, value in instance.parameters
    }
    return Template(
        context,
        file,
        prefix=f"{address}.",
        given=given,
        chain=template.chain,
        calls=(*template.calls, call),
        exists=exists,
        place=Provider(
            account=_known(instance.account, "the accounts of the stack set are not known", f"{address} account"),
            region=_known(instance.region, "the Regions of the stack set are not known", f"{address} Region"),
        ),
    )


def _known(text: str | None, reason: str, reference: str) -> Value:
    if text is None:
        return Value(Unknown(reason, reference, not_null=True))
    return Value(text, refs=(ACCOUNT if text.isdigit() else REGION,))


def _instances(body: Value) -> Iterator[Instance]:
    """The instances of the groups; one of which nothing is known where none is said or one is open."""
    shared = _parameters(body.members.get("Parameters"))
    groups = body.members.get("StackInstancesGroup")
    for group in groups.items if groups is not None else ():
        targets = group.members.get("DeploymentTargets")
        accounts = targets.members.get("Accounts") if targets is not None else None
        parameters = tuple({**shared, **_parameters(group.members.get("ParameterOverrides"))}.items())
        for account in _texts(accounts):
            for region in _texts(group.members.get("Regions")):
                yield Instance(account, region, parameters)
    if groups is None or not groups.items:
        yield Instance(None, None, tuple(shared.items()))


def _texts(value: Value | None) -> list[str | None]:
    return [item.text for item in value.items] if value is not None and value.items else [None]


def _parameters(value: Value | None) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for item in value.items if value is not None else ():
        key = item.members.get("ParameterKey")
        given = item.members.get("ParameterValue")
        if key is not None and key.text is not None and given is not None:
            found[key.text] = given
    return found


def _template_of(template: Template, name: str, entry: Entry, body: Value) -> YamlFile | None:
    """The template of a stack set: what stands in it, or a file of the checkout."""
    context = template.context
    properties = entry.value.get("Properties") if isinstance(entry.value, Mapping) else None
    if not isinstance(properties, Mapping):
        return None
    written = properties.get("TemplateBody")
    if written is not None:
        source = _text_of(written, body.members.get("TemplateBody"))
        if source is None:
            message = f"not all of the template of the stack set {name} is known; what it makes is not seen"
            context.problem("warning", "template-not-found", written.span, message)
            return None
        file = parse_file(source)
        context.problems.extend(file.problems)
        if not is_template(file):
            context.problem("error", "not-a-template", written.span, f"the TemplateBody of {name} has no map Resources")
            return None
        return file
    location = properties.get("TemplateURL")
    path = template.local_path(body.members["TemplateURL"]) if location is not None and "TemplateURL" in body.members else None
    if location is None:
        return None
    found = context.read(path) if path is not None and path not in template.chain else None
    if isinstance(found, YamlFile) and is_template(found):
        return found
    if path is not None and path in template.chain:
        context.problem("error", "template-cycle", location.span, f"the template {path} contains itself")
        return None
    why = f": {found.message}" if isinstance(found, Problem) else ""
    message = f"the template of the stack set {name} is not in the checkout; what it makes is not seen{why}"
    context.problem("warning", "template-not-found", location.span, message)
    return None


class _Inner(Source):
    """A text inside of a template, in which every character stands where it comes from."""

    def __init__(self, written: YamlNode, text: Text) -> None:
        super().__init__(written.source.path, text.known or "")
        self.outer = written.source
        self.whole = written.span
        self.pieces = text.pieces
        self.starts = [0, *accumulate(len(piece.data) if isinstance(piece.data, str) else 1 for piece in text.pieces)]

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of what an offset comes from."""
        span = self.span(offset, offset + 1)
        return span.start_line, span.start_column

    def span(self, start: int, end: int) -> Span:
        """Where the characters come from."""
        end = max(end, start + 1)
        first, last = bisect_right(self.starts, start) - 1, bisect_left(self.starts, end)
        at = self.starts[first]
        return Text(self.pieces[first:last]).place(start - at, end - at) or self.whole

    def spans(self, start: int, inner: int, end: int) -> tuple[Span, Span]:
        """Where two pieces with one end come from."""
        return self.span(start, end), self.span(inner, end)

    def line(self, number: int) -> str:
        """A line of the file."""
        return self.outer.line(number)


def _text_of(written: YamlNode, value: Value | None) -> Source | None:
    """A text that is literal or made by functions, each character at its own place; None where not all of it is known."""
    if value is None or scalar_text(value) is None:
        return None
    pieces = pieces_of(value)
    return _Inner(written, Text(pieces)) if pieces else None
