"""What CloudFormation refuses though it can be read: it is told, and the rest is judged as it stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kmsguard.cloudformation.parameters import parameter_value, refused
from kmsguard.model.truth import Truth
from kmsguard.syntax.yaml import CORE, Mapping, Scalar, Sequence, scalar_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kmsguard.cloudformation.template import Template
    from kmsguard.model.source import Span

MAX_BYTES = 1_000_000
LIMITS = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200}
"""See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""
MAX_NAME = 255  # characters
MAX_VALUE = 4096  # bytes of a parameter's value
MAX_DESCRIPTION = 1024  # bytes
SECTIONS = frozenset(
    {
        *("AWSTemplateFormatVersion", "Conditions", "Description", "Fn::Transform", "Globals", "Hooks", "Mappings", "Metadata"),
        *("Outputs", "Parameters", "Resources", "Rules", "Transform"),
    }
)
"""See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html; Globals is SAM's."""
ATTRIBUTES = frozenset(
    {
        *("Condition", "Connectors", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "IgnoreGlobals"),
        *("Metadata", "Properties", "Type", "UpdatePolicy", "UpdateReplacePolicy", "Version"),
    }
)
"""See https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-product-attribute-reference.html.

Connectors and IgnoreGlobals are SAM's, Version is that of a custom resource, and Description is let through."""
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")


def tell(template: Template) -> None:
    """Notes what CloudFormation would refuse of a template whose resources have been evaluated."""
    _limits(template)
    _names(template)
    _keys(template)
    _conditions(template)
    _sections(template)
    _parameters(template)
    _dependencies(template)


def _limits(template: Template) -> None:
    """The service's limits; where a macro runs, what it makes counts, and the file may be larger."""
    context = template.context
    if len(template.file.source.text.encode()) > MAX_BYTES and template.root is not None:
        message = "the template is larger than 1 MB: CloudFormation refuses it"
        context.problem("warning", "template-limits", template.root.span, message)
    for name, most in LIMITS.items():
        entries = template.section(name)
        if len(entries) > most:
            message = f"the template has {len(entries)} {name}, and CloudFormation takes {most}"
            context.problem("warning", "template-limits", entries[most].key.span, message)


def _names(template: Template) -> None:
    """Logical ids are alphanumeric: CloudFormation says that a name "is non alphanumeric"."""
    context = template.context
    for section in LIMITS:
        for entry in template.section(section):
            name = entry.key.text
            if _ALPHANUMERIC.fullmatch(name) is not None and len(name) <= MAX_NAME:
                continue
            wrong = f"is longer than {MAX_NAME} characters" if len(name) > MAX_NAME else "is not of letters and digits alone"
            message = f"the name {name[:40]} in {section} {wrong}: CloudFormation refuses it"
            context.problem("warning", "template-limits", entry.key.span, message)
    described = template.root.get("Description") if template.root is not None else None
    if isinstance(described, Scalar) and len(described.text.encode()) > MAX_DESCRIPTION:
        message = f"the description is longer than {MAX_DESCRIPTION} bytes: CloudFormation refuses it"
        context.problem("warning", "template-limits", described.span, message)


def _keys(template: Template) -> None:
    """Keys that are none of a template's or resource's: CloudFormation says "Invalid template property", "resource property".

    A property that stands beside Properties is not one, whatever its author meant.
    """
    context = template.context
    for entry in template.root.entries if template.root is not None else ():
        if entry.key.text not in SECTIONS:
            message = f"{entry.key.text} is no section of a template: CloudFormation refuses it"
            context.problem("warning", "template-invalid", entry.key.span, message)
    for resource in template.section("Resources"):
        for entry in resource.value.entries if isinstance(resource.value, Mapping) else ():
            if entry.key.text not in ATTRIBUTES and not entry.key.text.startswith("Fn::"):
                message = f"{entry.key.text} of {resource.key.text} stands beside its Properties: CloudFormation refuses it"
                context.problem("warning", "template-invalid", entry.key.span, message)


def _conditions(template: Template) -> None:
    """Also those that nothing names must be well written."""
    for entry in template.section("Conditions"):
        template.condition(entry.key.text, entry.key.span)


def _sections(template: Template) -> None:
    held = template.root.get("Resources") if template.root is not None else None
    if (
        isinstance(held, (Mapping, Scalar))
        and not template.resources
        and (isinstance(held, Mapping) or scalar_data(held) is None)
    ):
        message = "the template has no resource: CloudFormation refuses it"
        template.context.problem("warning", "template-invalid", held.span, message)
    for name, what in (("Parameters", "parameter"), ("Mappings", "mapping"), ("Conditions", "condition")):
        for entry in template.section(name):
            if isinstance(entry.value, Mapping) or (name == "Conditions" and entry.value.tag):
                continue
            if name == "Conditions" and isinstance(entry.value, Scalar) and entry.value.text in ("true", "false"):
                continue
            message = f"the {what} {entry.key.text} must be a map"
            template.context.problem("error", "template-invalid", entry.value.span, message)


def _parameters(template: Template) -> None:
    """The types of what a parameter says of itself."""
    for entry in template.section("Parameters"):
        if not isinstance(entry.value, Mapping):
            continue
        for name, form, what in (("Type", Scalar, "a text"), ("AllowedValues", Sequence, "a list")):
            said = entry.value.get(name)
            if said is not None and not isinstance(said, form):
                message = f"{name} of the parameter {entry.key.text} must be {what}"
                template.context.problem("error", "template-invalid", said.span, message)
        _default(template, entry.key.text, entry.value)


def _default(template: Template, name: str, node: Mapping) -> None:
    """A default has to adhere to the parameter's own type and constraints, also where another value is given.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html.
    """
    written = node.entry("Default")
    if written is None or (isinstance(written.value, Scalar) and scalar_data(written.value) is None):
        return
    if not isinstance(written.value, Scalar) or (written.value.tag and not written.value.tag.startswith(CORE)):
        message = f"the default of the parameter {name} must be a text: CloudFormation refuses anything else"
        template.context.problem("warning", "parameter-not-allowed", written.span, message)
        return
    if len(written.value.text.encode()) > MAX_VALUE:
        message = f"the default of the parameter {name} is longer than {MAX_VALUE} bytes: CloudFormation refuses it"
        template.context.problem("warning", "template-limits", written.span, message)
    parameter = template.parameters[name]
    why = refused(parameter, parameter_value(parameter, template.context.unit, None, default_decides=True))
    if why is not None:
        message = f"the default of the parameter {name} {why}: CloudFormation refuses it"
        template.context.problem("warning", "parameter-not-allowed", written.span, message)


def _dependencies(template: Template) -> None:
    """`DependsOn` of what is not there, and resources that wait for one another."""
    made = any(transform not in ("AWS::LanguageExtensions", "AWS::Include") for transform in template.transforms)
    if (
        made
        or template.modules()
        or any(_kind(entry.value).startswith("AWS::Serverless::") for entry in template.resources.values())
    ):
        return  # what a macro makes is not seen
    waits = template.waits
    for name, entry in template.resources.items():
        if template.exists_formula(name) is Truth.NO:
            continue
        for other, span in _depends_on(entry.value):
            if other not in template.resources:
                message = f"DependsOn names {other}, which is no resource of this template"
                template.context.problem("warning", "unresolved-reference", span, message)
            elif template.exists_formula(other) is Truth.YES:
                waits.setdefault(name, {}).setdefault(other, span)
    done: set[str] = set()
    for start in waits:
        if start not in done:
            cycle = _cycle(waits, start, done)
            if cycle:
                message = f"the resources {', '.join(cycle)} wait for one another: CloudFormation refuses that"
                if len(cycle) == 1:
                    message = f"the resource {cycle[0]} waits for itself: CloudFormation refuses that"
                template.context.problem("warning", "circular-dependency", waits[cycle[-1]][cycle[0]], message)


def _kind(node: object) -> str:
    kind = node.get("Type") if isinstance(node, Mapping) else None
    return kind.text if isinstance(kind, Scalar) else ""


def _depends_on(node: object) -> Iterator[tuple[str, Span]]:
    depends = node.get("DependsOn") if isinstance(node, Mapping) else None
    for item in depends.items if isinstance(depends, Sequence) else [depends]:
        if isinstance(item, Scalar) and not item.tag and item.text:
            yield item.text, item.span


def _cycle(waits: dict[str, dict[str, Span]], start: str, done: set[str]) -> list[str]:
    """A way from a resource back to itself, or to one on the way; what was looked at goes into `done`."""
    way = [start]
    on_way = {start}
    pending = [iter(waits.get(start, ()))]
    while way:
        following = next(pending[-1], None)
        if following is None:
            done.add(way[-1])
            on_way.discard(way.pop())
            pending.pop()
        elif following in on_way:
            done.update(way)
            return way[way.index(following) :]
        elif following not in done:
            way.append(following)
            on_way.add(following)
            pending.append(iter(waits.get(following, ())))
    return []
