"""Rules: what parameters must be for a template to be deployed at all.

See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from kmsguard.cloudformation.equality import MAX_COMMON, simplified
from kmsguard.model.guard import Atom, Formula, conjunction, disjunction, negate
from kmsguard.model.truth import Truth
from kmsguard.model.value import Unknown, Value
from kmsguard.syntax.yaml import Mapping as MappingNode
from kmsguard.syntax.yaml import Scalar, Sequence, YamlNode

if TYPE_CHECKING:
    from kmsguard.cloudformation.template import Template


def asserted(template: Template) -> Iterator[Formula]:
    """What each assertion demands: that it holds wherever its rule applies.

    An assertion that the values break is told and demands nothing: CloudFormation would refuse them, and what they would make
    is judged all the same.
    """
    for entry in template.section("Rules"):
        node = entry.value
        assertions = node.get("Assertions") if isinstance(node, MappingNode) else None
        if not isinstance(node, MappingNode) or not isinstance(assertions, Sequence):
            message = f"the rule {entry.key.text} must be a map with a list Assertions"
            template.context.problem("error", "template-invalid", entry.key.span, message)
            continue
        applies = node.get("RuleCondition")
        for assertion in assertions.items:
            demand = assertion.get("Assert") if isinstance(assertion, MappingNode) else None
            if demand is None:
                message = f"an assertion of the rule {entry.key.text} has no Assert"
                template.context.problem("error", "template-invalid", assertion.span, message)
                continue
            template.asserting = True
            where = template.formula(applies) if applies is not None else Truth.YES
            formula = simplified(disjunction(negate(where), template.formula(demand)))
            template.asserting = False
            if formula is Truth.NO:
                message = f"the rule {entry.key.text} refuses these values: CloudFormation deploys nothing"
                template.context.problem("warning", "rule-assertion", demand.span, message)
            elif not isinstance(formula, Truth):
                yield formula


def compared(template: Template) -> tuple[str, ...]:
    """The texts that conditions and rules compare something with, and their parts, as far as there is room for them.

    Where a text that is put together is compared, what is open in it is compared with a part: `${Env}-${Size}` with `prod-big`.
    """
    texts: dict[str, None] = {}
    pending: list[YamlNode] = [entry.value for name in ("Rules", "Conditions") for entry in reversed(template.section(name))]
    while pending:
        node = pending.pop()
        if isinstance(node, MappingNode):
            for entry in reversed(node.entries):
                if entry.key.text in _COMPARING:
                    texts.update(dict.fromkeys(_literals(entry.value)))
                pending.append(entry.value)
        elif isinstance(node, Sequence):
            if node.tag and f"Fn::{node.tag[1:]}" in _COMPARING:
                texts.update(dict.fromkeys(_literals(node)))
            pending.extend(reversed(node.items))
    parts = {part: None for text in texts for part in _PART.findall(text) if part not in texts}
    return (*texts, *islice(parts, max(MAX_COMMON - len(texts), 0)))


_PART = re.compile(r"[A-Za-z0-9]+")


_COMPARING = ("Fn::Equals", "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals")


def _literals(node: YamlNode) -> Iterator[str]:
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar) and not item.tag:
            yield item.text
        elif isinstance(item, Sequence) and not item.tag:
            yield from _literals(item)


# --- The functions of rules: a call, as it stands, and its operands -----------------------------------------------------------


def contains(template: Template, node: YamlNode, operands: list[YamlNode]) -> Formula:
    """`Fn::Contains`: a text is one of a list."""
    if len(operands) != 2:
        return _malformed(template, node, "a list and a text")
    return _among(template, node, template.evaluate(operands[1]), template.evaluate(operands[0]))


def each_member_equals(template: Template, node: YamlNode, operands: list[YamlNode]) -> Formula:
    """`Fn::EachMemberEquals`: all of a list are one text."""
    if len(operands) != 2:
        return _malformed(template, node, "a list and a text")
    members, wanted = map(template.evaluate, operands)
    if not isinstance(members.data, tuple):
        return _open(template, node)
    return conjunction(*(template.equality(node).formula(member, wanted) for member in members.data))


def each_member_in(template: Template, node: YamlNode, operands: list[YamlNode]) -> Formula:
    """`Fn::EachMemberIn`: each of a list is one of another list."""
    if len(operands) != 2:
        return _malformed(template, node, "two lists")
    members, wanted = map(template.evaluate, operands)
    if not isinstance(members.data, tuple):
        return _open(template, node)
    return conjunction(*(_among(template, node, member, wanted) for member in members.data))


def _among(template: Template, node: YamlNode, value: Value, wanted: Value) -> Formula:
    if not isinstance(wanted.data, tuple):
        return _open(template, node)
    return disjunction(*(template.equality(node).formula(item, value) for item in wanted.data))


def _open(template: Template, node: YamlNode) -> Formula:
    """What cannot be looked into is an open fact of its own."""
    from kmsguard.cloudformation.template import written

    return Atom(template.context.unit, template.prefix + written(node), True, (True, False))


def _malformed(template: Template, node: YamlNode, wants: str) -> Formula:
    from kmsguard.cloudformation.template import function_of

    template.malformed(function_of(node)[0], node.span, wants)
    return Truth.UNKNOWN


RULE_FUNCTIONS: Mapping[str, Callable[[Template, YamlNode, list[YamlNode]], Formula]] = {
    "Fn::Contains": contains,
    "Fn::EachMemberEquals": each_member_equals,
    "Fn::EachMemberIn": each_member_in,
}


# --- The functions of rules that yield values ---------------------------------------------------------------------------------


def ref_all(template: Template, argument: YamlNode, _span: object) -> Value:
    """`Fn::RefAll`: the values of all parameters of a type."""
    kind = argument.text if isinstance(argument, Scalar) else ""
    return Value(tuple(template.parameter(name) for name, parameter in template.parameters.items() if parameter.type == kind))


def value_of(_template: Template, argument: YamlNode, _span: object) -> Value:
    """`Fn::ValueOf` and `Fn::ValueOfAll`: an attribute of what parameters name, which exists already."""
    items = argument.items if isinstance(argument, Sequence) else []
    reference = ".".join(item.text for item in items if isinstance(item, Scalar))
    return Value(Unknown("an attribute of something that exists already", reference or None, not_null=True))
