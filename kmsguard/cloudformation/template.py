"""One template with its parameters: what its values, conditions, resources and outputs are."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Hashable

import msgspec

from kmsguard.cloudformation.assertions import RULE_FUNCTIONS, asserted, compared
from kmsguard.cloudformation.context import MAX_STACKS, Context
from kmsguard.cloudformation.equality import Equality, simplified
from kmsguard.cloudformation.expansion import Expansion, expanded, included
from kmsguard.cloudformation.given import Given
from kmsguard.cloudformation.parameters import Parameter, declared, parameter_value, refused
from kmsguard.cloudformation.pseudo import pseudo_parameter
from kmsguard.cloudformation.refusals import tell
from kmsguard.cloudformation.texts import AFTER_DEPLOYMENT, joined, pieces_of
from kmsguard.model.declaration import NOT_READ, Call, Declaration, Export, Problem, Provider
from kmsguard.model.guard import All, Any, Atom, Formula, Named, Not, conjunction, disjunction, negate
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, NOTHING, REGION, Branch, Choice, Data, Target, Unknown, Value, flatten, map_choices
from kmsguard.syntax.yaml import CORE, Entry, Mapping, Scalar, Sequence, YamlFile, YamlNode, scalar_data, text_value

SERVERLESS = "AWS::Serverless-2016-10-31"
_TRANSFORMS = frozenset(
    {
        SERVERLESS,
        "AWS::LanguageExtensions",
        "AWS::Include",
        "AWS::CodeDeployBlueGreen",
        "AWS::CodeStar",
        "AWS::SecretsManager-2020-07-23",
        "AWS::SecretsManager-2024-09-16",
        "AWS::ServiceCatalog",
    }
)
_STACK_TEMPLATES = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}
_OTHER_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn")
_MAX_FORMULA = 2000  # parts of a condition, the conditions that it names written out
_MAX_DEPTH = 50  # conditions that name one another


class Template:
    """A template, evaluated when asked."""

    def __init__(
        self,
        context: Context,
        file: YamlFile,
        *,
        prefix: str = "",
        given: dict[str, Given] | None = None,
        chain: tuple[str, ...] = (),
        calls: tuple[Call, ...] = (),
        exists: Formula = Truth.YES,
        place: Provider | None = None,
    ) -> None:
        from kmsguard.cloudformation.functions import FUNCTIONS, OF_RULES

        self._functions = FUNCTIONS
        self._of_rules = OF_RULES
        self.context = context
        self.file = file
        self.prefix = prefix
        self.chain = (*chain, file.source.path)
        self.calls = calls
        self.exists = exists
        self.place = place  # of an instance of a stack set: where it is deployed to
        self.given = given or {}
        text = file.source.text
        self.has_macros = "Fn::ForEach" in text or "Fn::Transform" in text or "AWS::Include" in text
        self.including: list[str] = []  # files that are being included
        self.includes: dict[str, Span] = {}  # files that were included, and where
        self.root = file.root if isinstance(file.root, Mapping) else None
        self.transforms: tuple[str, ...] = ()
        self.macro: str | None = None  # one of the user's own that may change all of the template
        self._hidden: dict[str, str] = {}  # of resources: what may add to them
        self._top = self._read_top()
        self._sections: dict[str, list[Entry]] = {}
        self._parameters: dict[str, Parameter] | None = None
        self._values: dict[str, Value] = {}
        self._conditions: dict[str, Formula | None] = {}  # None: being evaluated
        self._compared: tuple[str, ...] | None = None
        self.asserting = False  # a rule is being read: its functions are known
        self.waits: dict[str, dict[str, Span]] = {}  # of each resource: those that it certainly refers to, and where
        self.looked_up: dict[tuple[Hashable, ...], tuple[Value, list[Value]]] = {}  # what Fn::FindInMap found, and for what
        self.maybe = 0  # how many undecided Fn::If what is being evaluated stands in
        self._of: str | None = None  # the resource that is being evaluated
        self._resources: dict[str, Entry] | None = None
        self._parts: dict[str, str] = {}
        self._stacks: dict[str, Template | str | None] = {}  # a text: why there is none; None: being read
        self._outputs: dict[str, Value | None] = {}  # None: being evaluated

    # --- Sections ---

    def _read_top(self) -> dict[str, YamlNode]:
        """The sections, also those that a transform of the whole template includes."""
        top = {entry.key.text: entry.value for entry in self.root.entries} if self.root is not None else {}
        node = top.get("Transform")
        names = []
        for item in node.items if isinstance(node, Sequence) else [node]:
            name = item.get("Name") if isinstance(item, Mapping) else item
            if not isinstance(name, Scalar):
                continue
            names.append(name.text)
            if name.text not in _TRANSFORMS:
                self._is_changed_by(f"the macro {name.text}")
                message = f"the macro {name.text} is not run; what it changes or adds is not seen"
                self.context.problem("warning", "unsupported-transform", name.span, message)
            elif name.text == "AWS::Include" and isinstance(item, Mapping):
                for entry in included(self, item).entries:
                    top.setdefault(entry.key.text, entry.value)
        self.transforms = tuple(names)
        return top

    def _is_changed_by(self, what: str) -> None:
        """All that is not written may be there all the same, and what is written need not be a template yet."""
        self.macro = self.macro or what
        self.context.macros.add(self.file.source.path)

    def section(self, name: str) -> list[Entry]:
        """The entries of a section of the template; empty where it is not there."""
        if name not in self._sections:
            node = self._top.get(name)
            entries: list[Entry] = []
            if isinstance(node, Mapping):
                self._sections[name] = entries  # what is asked for on the way is not there yet
                expansion = self.expansion(node)
                entries = expansion.entries
                if expansion.missing is not None and expansion.missing.startswith("the macro"):
                    self._is_changed_by(expansion.missing)
            elif node is not None and not _is_null(node):
                self.context.problem("error", "template-invalid", node.span, f"{name} must be a map")
            self._sections[name] = entries
        return self._sections[name]

    def entries(self, node: Mapping) -> list[Entry]:
        """The entries of a map, loops and inclusions written out."""
        return self.expansion(node).entries

    def expansion(self, node: Mapping) -> Expansion:
        """The entries of a map, loops and inclusions written out, and whether there may be others."""
        return expanded(self, node) if self.has_macros else Expansion(node.entries)

    def address(self, name: str) -> str:
        """The address of a logical id of this template."""
        return self.prefix + name

    # --- Parameters ---

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters that the template declares."""
        if self._parameters is None:
            self._parameters = {
                entry.key.text: declared(entry.key.text, self.address(entry.key.text), entry.value, entry.span)
                for entry in self.section("Parameters")
                if isinstance(entry.value, Mapping)
            }
        return self._parameters

    def parameter(self, name: str) -> Value:
        """The value of a parameter that is declared."""
        if name not in self._values:
            parameter = self.parameters[name]
            given = self.given.get(name)
            value = given.value if given is not None else None
            # in a nested stack a parameter that is not passed has its default, whatever the outer parameters are
            default_decides = bool(self.prefix) or not self.context.settings.all_values
            default_decides = default_decides and (given is None or value is not None)
            value = parameter_value(parameter, self.context.unit, value, default_decides=default_decides)
            self._values[name] = value
            why = refused(parameter, value) if given is not None else None
            if given is not None and why is not None:
                span = given.span or parameter.span
                message = f"the value given for {parameter.name} {why}: CloudFormation refuses it"
                self.context.problem("warning", "parameter-not-allowed", span, message)
        return self._values[name]

    # --- Conditions ---

    def condition(self, name: str, span: Span) -> Formula:
        """A condition of the template; UNKNOWN, and a problem, where there is none of that name."""
        if name in self._conditions:
            formula = self._conditions[name]
            if formula is None:
                self.context.problem("error", "circular-condition", span, f"the condition {name} depends on itself")
                return Truth.UNKNOWN
            return formula
        node = next((entry.value for entry in reversed(self.section("Conditions")) if entry.key.text == name), None)
        if node is None:
            self.context.problem("warning", "unresolved-reference", span, f"there is no condition {name}")
            self._conditions[name] = Truth.UNKNOWN
            return Truth.UNKNOWN
        opaque = Atom(self.context.unit, self.address(name), True, (True, False))
        if sum(formula is None for formula in self._conditions.values()) >= _MAX_DEPTH:
            return opaque
        self._conditions[name] = None
        try:
            formula = self.formula(node)
        except RecursionError:
            del self._conditions[name]
            raise
        if too_large(formula):
            formula = opaque
        formula = simplified(formula)
        if not isinstance(formula, Truth):
            formula = Named(self.address(name), formula)
        self._conditions[name] = formula
        return formula

    def formula(self, node: YamlNode) -> Formula:
        """What stands under Conditions, or in Fn::And, Fn::Or and Fn::Not."""
        name, argument = function_of(node)
        if name == "Condition" and isinstance(argument, Scalar):
            return self.condition(argument.text, node.span)
        items = argument.items if isinstance(argument, Sequence) else []
        if name in ("Fn::And", "Fn::Or") and items:
            parts = [self.formula(item) for item in items]
            return simplified(conjunction(*parts) if name == "Fn::And" else disjunction(*parts))
        if name == "Fn::Not" and len(items) == 1:
            return negate(self.formula(items[0]))
        if name == "Fn::Equals" and len(items) == 2:
            return self.equality(node).formula(self.evaluate(items[0]), self.evaluate(items[1]))
        if self.asserting and name in RULE_FUNCTIONS:
            return RULE_FUNCTIONS[name](self, node, items)
        if isinstance(node, Scalar) and not node.tag:
            data = scalar_data(node)
            if isinstance(data, bool):
                return Truth.of(data)
        what = f"{name} decides no condition" if name else "a condition must be a condition function"
        self.context.problem("warning", "unsupported-function", node.span, what)
        return Truth.UNKNOWN

    def equality(self, node: YamlNode) -> Equality:
        """Who compares the operands of a condition function."""
        if self._compared is None:
            self._compared = compared(self)
        return Equality(self.context.unit, lambda: self.prefix + written(node), self._compared)

    def constraints(self) -> list[Formula]:
        """What must hold for this template to be deployed, and for those that it nests."""
        found = [] if self.exists is Truth.NO else [disjunction(negate(self.exists), part) for part in asserted(self)]
        for stack in self._stacks.values():
            if isinstance(stack, Template):
                found.extend(stack.constraints())
        return found

    # --- Values ---

    def evaluate(self, node: YamlNode, place: Span | None = None, span: Span | None = None) -> Value:
        """The value of a node: ABSENT where nothing is left of it.

        `place` is the entry or element that holds it; `span` is the node's own, where that is known already.
        """
        if node.alias is not None:
            value = self.evaluate(msgspec.structs.replace(node, alias=None), place)
            return _held(value, lambda part: _through_alias(part, node.place))
        if node.tag and not node.tag.startswith(CORE):
            return self._call(node, place, span)
        kind = type(node)  # of a struct that costs less than isinstance
        if kind is Scalar:
            return self._scalar(node, place, span)  # type: ignore[arg-type]
        if kind is Mapping:
            assert isinstance(node, Mapping)
            if len(node.entries) == 1:
                name = node.entries[0].key.text
                if name == "Ref" or (name[:4] == "Fn::" and not name.startswith(("Fn::ForEach", "Fn::Transform"))):
                    return self._call(node, place, span)
            return self._mapping(node, place, span)
        assert isinstance(node, Sequence)
        items = []
        for item in node.items:
            where = item.place
            value = self.evaluate(item, where, where if item.alias is None else None)
            if value.data is not ABSENT:
                items.append(value)
        return Value(tuple(items), span or node.span, place)

    def _entry(self, entry: Entry) -> Value:
        value = self.evaluate(entry.value, *entry.spans)
        return value if entry.alias is None else _brought(value, entry, entry.alias)

    def _scalar(self, node: Scalar, place: Span | None, span: Span | None) -> Value:
        data = node.text if node.style else scalar_data(node)
        if span is None or node.content != node.start:
            span = node.source.span(node.content, node.end)
        if not isinstance(data, str):
            return Value(data, span, place)
        value = text_value(node, span, place)
        if "{{resolve:" in data:
            return msgspec.structs.replace(joined(pieces_of(value) or (), span), place=place)
        return value

    def _mapping(self, node: Mapping, place: Span | None, span: Span | None) -> Value:
        span = span or node.span
        entries = node.entries
        if self.has_macros:
            expansion = expanded(self, node)
            if expansion.missing is not None:
                return Value(Unknown(expansion.missing), span, place)
            entries = expansion.entries
        members: dict[str, Value] = {}
        for entry in entries:
            name = entry.key.text
            if name[:4] == "Fn::" and len(entries) > 1:
                message = f"{name} stands in a map with other keys; a function must be the only key of its map"
                self.context.problem("warning", "invalid-function", entry.key.span, message)
                return Value(Unknown(f"{name} that is not written as it must be"), span, place)
            value = self.evaluate(entry.value, *entry.spans)
            if entry.alias is not None:
                value = _brought(value, entry, entry.alias)
            if value.data is not ABSENT:
                members[name] = value
            else:
                members.pop(name, None)
        return Value(members, span, place)

    def _call(self, node: YamlNode, place: Span | None, span: Span | None) -> Value:
        name, argument = function_of(node)
        span = span or node.span
        function = self._functions.get(name) or (self._of_rules.get(name) if self.asserting else None)
        value = self.unsupported(name, span) if function is None else function(self, argument, span)
        return msgspec.structs.replace(value, span=value.span or span, place=place)

    def unsupported(self, name: str, span: Span) -> Value:
        """What a function returns that is not known."""
        self.context.problem(
            "warning", "unsupported-function", span, f"the function {name} is not supported; its value is unknown"
        )
        return Value(Unknown(f"unsupported function {name}"), span)

    def malformed(self, name: str, span: Span, wants: str) -> Value:
        """What a function returns that is not written as it must be."""
        self.context.problem("warning", "invalid-function", span, f"{name} takes {wants}")
        return Value(Unknown(f"{name} that is not written as it must be"), span)

    # --- References ---

    def ref(self, name: str, span: Span) -> Value:
        """What Ref returns."""
        if name.startswith("AWS::"):
            stack = self.context.stack.name if self.context.stack is not None else None
            value = pseudo_parameter(name, self.context.settings, self.prefix, stack)
            if value is not None:
                return value
        if name in self.parameters:
            return self.parameter(name).via("parameter", self.address(name), span)
        return self._of_resource(self.parts.get(name, name) if "." in name else name, "Ref", span)

    def get_att(self, name: str, attribute: str, span: Span) -> Value:
        """What Fn::GetAtt returns."""
        if SERVERLESS in self.transforms:
            part, _, rest = attribute.partition(".")
            named = self.parts.get(f"{name}.{part}")
            if named is None and name in self.parts:  # `Fn::GetAtt: [MyFunction.Alias, Name]`
                named, rest = self.parts[name], attribute
            if named is not None:
                return self.get_att(named, rest, span) if rest else self.ref(named, span)
        if attribute.startswith("Outputs.") and name in self.resources:
            stack = self.stack(name)
            output = attribute.removeprefix("Outputs.")
            if isinstance(stack, Template):
                return stack.output(output, span)
            if stack:
                reference = f"{self.address(name)}.{attribute}"
                return Value(Unknown(stack, reference, Target(self.address(name), attribute)), span)
        return self._of_resource(name, attribute, span)

    def _of_resource(self, name: str, attribute: str, span: Span) -> Value:
        address = self.address(name)
        reference = address if attribute == "Ref" else f"{address}.{attribute}"
        if name not in self.resources:
            return self._of_nothing(name, reference, span)
        exists = self.exists_formula(name)
        if self._of is not None and not self.maybe and exists is Truth.YES:
            self.waits.setdefault(self._of, {}).setdefault(name, span)
        if exists is Truth.NO:
            message = f"{name} is referred to, but its condition is false"
            self.context.problem("warning", "unresolved-reference", span, message)
            return Value(Unknown(f"{name} does not exist", reference), span)
        prefix = "arn:" if attribute == "Arn" and self._is_of_aws(name) else ""
        return Value(Unknown(AFTER_DEPLOYMENT, reference, Target(address, attribute), not_null=True, prefix=prefix), span)

    def _is_of_aws(self, name: str) -> bool:
        """Whether AWS makes the attributes of a resource, and no code of the user's."""
        node = self.resources[name].value
        kind = node.get("Type") if isinstance(node, Mapping) else None
        return isinstance(kind, Scalar) and kind.text.startswith("AWS::") and kind.text != "AWS::CloudFormation::CustomResource"

    def _of_nothing(self, name: str, reference: str, span: Span) -> Value:
        module = next((m for m in self.modules() if name == m or name.startswith(m)), None)
        if module is not None:
            return Value(Unknown(f"made by the module {module}", reference, not_null=True), span)
        made = [transform for transform in self.transforms if transform not in ("AWS::LanguageExtensions", "AWS::Include")]
        if made:
            return Value(Unknown(f"made by the transform {made[0]}", reference, not_null=True), span)
        message = f"{name} is neither a parameter nor a resource of this template"
        self.context.problem("warning", "unresolved-reference", span, message)
        return Value(Unknown(message, reference), span)

    def modules(self) -> list[str]:
        """The modules of the CloudFormation registry that are used; what they make is named after them.

        See https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/modules.html.
        """
        kinds = ((name, e.value.get("Type")) for name, e in self.resources.items() if isinstance(e.value, Mapping))
        return [name for name, kind in kinds if isinstance(kind, Scalar) and kind.text.endswith("::MODULE")]

    # --- Resources ---

    @property
    def resources(self) -> dict[str, Entry]:
        """The resources that are declared, by logical id, also those that do not exist."""
        if self._resources is None:
            self._resources = {}
            self._resources = {entry.key.text: self._whole(entry) for entry in self.section("Resources")}
            if SERVERLESS in self.transforms:
                from kmsguard.cloudformation.serverless import translated

                made = translated(self, self._resources)
                self._resources, self._parts = made.resources, made.parts
        return self._resources

    def _whole(self, entry: Entry) -> Entry:
        """A resource with what a transform within its block includes."""
        if not self.has_macros or not isinstance(entry.value, Mapping):
            return entry
        expansion = self.expansion(entry.value)
        if expansion.missing is not None:
            self._hidden[entry.key.text] = expansion.missing
        if expansion.entries is entry.value.entries:
            return entry
        return Entry(entry.key, msgspec.structs.replace(entry.value, entries=expansion.entries), entry.alias)

    @property
    def parts(self) -> dict[str, str]:
        """What a transform lets one refer to by the resource that implies it: `MyFunction.Alias`, and its logical id."""
        return self._parts if self.resources else {}

    def exists_formula(self, name: str) -> Formula:
        """When a resource exists, this template given."""
        node = self.resources[name].value
        condition = node.entry("Condition") if isinstance(node, Mapping) else None
        if condition is None:
            return Truth.YES
        if isinstance(condition.value, Scalar) and not condition.value.tag:
            return self.condition(condition.value.text, condition.value.span)
        return self.formula(condition.value)

    def declarations(self) -> list[Declaration]:
        """All that is declared: parameters, resources with what nested stacks declare, outputs."""
        found = [self._parameter_declaration(e) for e in self.section("Parameters") if isinstance(e.value, Mapping)]
        for name, entry in self.resources.items():
            try:
                found.extend(self._resource_declarations(name, entry))
            except RecursionError:
                self._too_deep(entry)
        found.extend(self._output_declarations())
        tell(self)
        return found

    def _parameter_declaration(self, entry: Entry) -> Declaration:
        name = entry.key.text
        node = entry.value
        assert isinstance(node, Mapping)
        # what the block says is data, not something to evaluate
        body = {e.key.text: self.evaluate(e.value, e.span) for e in node.entries}
        return self._declaration(entry, "Parameter", "parameter", Value({**body, "value": self.parameter(name)}, node.span))

    def _resource_declarations(self, name: str, entry: Entry) -> list[Declaration]:
        node = entry.value
        if not isinstance(node, Mapping):
            self.context.problem("error", "template-invalid", entry.span, f"the resource {name} must be a map")
            return []
        if node.broken:
            return []  # what it says after the syntax error is not known
        kind = node.get("Type")
        if kind is None and name in self._hidden:
            return []  # a macro says it
        if not isinstance(kind, Scalar) or not kind.text:
            wrong = "has no Type" if kind is None else "has a Type that is no text; package the template before it is scanned"
            self.context.problem("error", "template-invalid", entry.key.span, f"the resource {name} {wrong}")
            return []
        exists = simplified(conjunction(self.exists, self.exists_formula(name)))
        if exists is Truth.NO:
            return []
        self._of = name if exists is Truth.YES else None
        properties = node.entry("Properties")
        body = self._entry(properties) if properties is not None else Value({})
        if node.alias is not None:
            body = _through_alias(body, node.place)
        self._of = None
        complete = isinstance(body.data, (dict, Unknown, Choice)) or body.data in ("", None, ABSENT)
        if not complete:
            self.context.problem("error", "template-invalid", body.where or entry.span, f"Properties of {name} must be a map")
        if not isinstance(body.data, (dict, Unknown, Choice)):
            body = Value({}, body.span)
        metadata = node.entry("Metadata")
        declaration = self._declaration(
            entry,
            kind.text,
            "managed",
            body,
            exists=exists,
            hidden=self._why_hidden(name) if complete else NOT_READ,
            metadata=self.evaluate(metadata.value, metadata.span) if metadata is not None else None,
            attributes={e.key.text: self.evaluate(e.value, e.span) for e in node.entries if e.key.text in _OTHER_ATTRIBUTES},
        )
        if kind.text == "AWS::CloudFormation::StackSet":
            from kmsguard.cloudformation.stack_sets import declarations_of

            return [declaration, *declarations_of(self, name, body, exists)]
        stack = self.stack(name) if kind.text in _STACK_TEMPLATES else None
        return [declaration, *(stack.declarations() if isinstance(stack, Template) else [])]

    def _calls_to(self, span: Span) -> tuple[Call, ...]:
        """The way to a block: nested stacks, and where the file that it stands in is included."""
        at = self.includes.get(span.file)
        if at is None:
            return self.calls
        return (*self.calls, Call("AWS::Include", at, self.context.comments(self.context.parsed[at.file], at)))

    def _why_hidden(self, name: str) -> str | None:
        what = self._hidden.get(name) or self.macro
        return f"{what} may add it" if what is not None else None

    def _declaration(
        self,
        entry: Entry,
        kind: str,
        mode: str,
        body: Value,
        *,
        exists: Formula = Truth.YES,
        hidden: str | None = None,
        metadata: Value | None = None,
        attributes: dict[str, Value] | None = None,
    ) -> Declaration:
        span = entry.span
        region = self.context.settings.region
        here = Value(region, refs=(REGION,)) if region is not None else None
        return Declaration(
            address=self.address(entry.key.text),
            type=kind,
            mode=mode,  # type: ignore[arg-type]
            body=body,
            span=span,
            head=entry.key.span,
            exists=exists,
            exists_reason="a condition that is not known" if exists is Truth.UNKNOWN else None,
            provider=Provider() if mode != "managed" else self.place or Provider(region=here),
            comments=self.context.comments(self.file, span),
            metadata=metadata,
            origin=self.context.origin(self.file.source.path, entry.key.text, metadata) if mode == "managed" else None,
            calls=self._calls_to(span) if mode == "managed" else self.calls,
            hidden=hidden,
            resource_attributes=attributes or {},
        )

    # --- Nested stacks ---

    def stack(self, name: str) -> Template | str:
        """The template of a nested stack; where there is none, why; empty where the resource is no nested stack."""
        if name in self._stacks:
            stack = self._stacks[name]
            if stack is None:
                span = self.resources[name].key.span
                message = f"the nested stack {name} gets a parameter that depends on its own outputs"
                self.context.problem("error", "template-cycle", span, message)
                return f"the nested stack {name} depends on itself"
            return stack
        self._stacks[name] = None
        try:
            self._stacks[name] = found = self._read_stack(name)
        except RecursionError:
            del self._stacks[name]
            raise
        return found

    def _read_stack(self, name: str) -> Template | str:
        entry = self.resources[name]
        node = entry.value
        kind = node.get("Type") if isinstance(node, Mapping) else None
        properties = node.get("Properties") if isinstance(node, Mapping) else None
        where = _STACK_TEMPLATES.get(kind.text) if isinstance(kind, Scalar) else None
        location = properties.get(where) if where is not None and isinstance(properties, Mapping) else None
        if location is None or not isinstance(properties, Mapping):
            return ""
        exists = simplified(conjunction(self.exists, self.exists_formula(name)))
        if exists is Truth.NO:
            return ""
        outside = f"the template of the nested stack {self.address(name)} is not in the checkout"
        path = self.local_path(self.evaluate(location)) or self._packaged(node)
        if path is None:
            message = f"{outside}; what it makes is not seen"
            self.context.problem("warning", "template-not-found", location.span, message)
            return outside
        if path in self.chain:
            self.context.problem("error", "template-cycle", location.span, f"the template {path} contains itself")
            return f"the template {path} contains itself"
        if self.context.stacks >= MAX_STACKS:
            message = f"more than {MAX_STACKS} nested stacks; this one was not read"
            self.context.problem("error", "template-too-large", location.span, message)
            return outside
        self.context.stacks += 1
        file = self.context.read(path)
        if isinstance(file, Problem):
            message = f"the template {path} was not read: {file.message}"
            self.context.problem("warning", "template-not-found", location.span, message)
            return outside
        if not is_template(file):
            self.context.problem("error", "not-a-template", location.span, f"{path} is not a template: it has no map Resources")
            return outside
        span = entry.span
        address = self.address(name)
        given = self._passed(properties, address)
        call = Call(address, span, self.context.comments(self.file, span))
        stack = Template(
            self.context,
            file,
            prefix=f"{address}.",
            given=given,
            chain=self.chain,
            calls=(*self.calls, call),
            exists=exists,
            place=self.place,
        )
        for parameter, passed in given.items():
            if parameter not in stack.parameters:
                message = f"the template {path} has no parameter {parameter}"
                self.context.problem("warning", "undeclared-parameter", passed.span or span, message)
        return stack

    def _packaged(self, node: YamlNode | None) -> str | None:
        """The file of a nested template that CDK packages: what its metadata names in the folder of the assembly.

        See https://docs.aws.amazon.com/cdk/v2/guide/assets.html.
        """
        metadata = node.get("Metadata") if isinstance(node, Mapping) else None
        path = metadata.get("aws:asset:path") if isinstance(metadata, Mapping) else None
        what = metadata.get("aws:asset:property") if isinstance(metadata, Mapping) else None
        if not isinstance(path, Scalar) or not isinstance(what, Scalar) or what.text != "TemplateURL":
            return None
        return self.local_path(Value(path.text))

    def _passed(self, properties: Mapping, address: str) -> dict[str, Given]:
        parameters = properties.entry("Parameters")
        if parameters is None:
            return {}
        passed = settled_map(self.evaluate(parameters.value, parameters.span))
        given = {}
        for name, value in passed.items():
            span = value.where or parameters.span
            given[name] = Given(value.via("stack parameter", f"{address}.{name}", span), span)
        return given

    def local_path(self, location: Value) -> str | None:
        """The path of a file beside this template; None for what is in S3 or not known."""
        text = location.text
        if text is None or "://" in text or text.startswith("arn:") or not text.strip():
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.file.source.path), text))
        # what leads out of the working directory and back has one name
        return posixpath.relpath(path) if path.startswith("../") and not posixpath.isabs(text) else path

    # --- Outputs ---

    def outputs(self) -> dict[str, Value]:
        """The outputs, by name; those whose condition is undecided are ABSENT where it does not hold."""
        found = {}
        for entry in self.section("Outputs"):
            value = self._output(entry)
            if value.data is not ABSENT:
                found[entry.key.text] = value
        return found

    def output(self, name: str, span: Span) -> Value:
        """An output, as it is seen from outside."""
        entry = next((entry for entry in reversed(self.section("Outputs")) if entry.key.text == name), None)
        if entry is None:
            message = f"the template {self.file.source.path} has no output {name}"
            self.context.problem("warning", "unresolved-reference", span, message)
            return Value(Unknown(message, f"{self.prefix}Outputs.{name}"), span)
        return self._output(entry).via("output", self.address(name), entry.span)

    def _output(self, entry: Entry) -> Value:
        name = entry.key.text
        if name in self._outputs:
            known = self._outputs[name]
            if known is None:
                self.context.problem("error", "template-cycle", entry.key.span, f"the output {name} depends on itself")
                return Value(Unknown(f"the output {name} depends on itself"), entry.span)
            return known
        self._outputs[name] = None
        try:
            value = self._output_value(entry)
        except RecursionError:
            value = Value(Unknown("what refers to too many things through one another"), entry.span)
            self._too_deep(entry)
        self._outputs[name] = value
        return value

    def _too_deep(self, entry: Entry) -> None:
        message = f"{entry.key.text} refers to too many things through one another and was not read"
        self.context.problem("error", "template-too-deep", entry.key.span, message)

    def _output_value(self, entry: Entry) -> Value:
        node = entry.value
        if not isinstance(node, Mapping):
            self.context.problem("error", "template-invalid", entry.span, f"the output {entry.key.text} must be a map")
            return NOTHING
        held = node.entry("Value")
        if held is None:
            self.context.problem("error", "template-invalid", entry.key.span, f"the output {entry.key.text} has no Value")
            return NOTHING
        return self._where(node, lambda: self.evaluate(held.value, held.span))

    def _where(self, node: Mapping, value: Callable[[], Value]) -> Value:
        """A value as far as the condition of its block holds."""
        condition = node.entry("Condition")
        if condition is None or not isinstance(condition.value, Scalar):
            return value()
        formula = self.condition(condition.value.text, condition.value.span)
        if formula is Truth.NO:
            return NOTHING
        if formula is Truth.YES:
            return value()
        return either(formula, value(), NOTHING)

    def _output_declarations(self) -> list[Declaration]:
        found = []
        for entry in self.section("Outputs"):
            value = self._output(entry)
            if value.data is ABSENT or not isinstance(entry.value, Mapping):
                continue
            body = {e.key.text: value if e.key.text == "Value" else self.evaluate(e.value, e.span) for e in entry.value.entries}
            condition = entry.value.entry("Condition")
            exists = self.exists
            if condition is not None and isinstance(condition.value, Scalar):
                exists = simplified(conjunction(exists, self.condition(condition.value.text, condition.value.span)))
            body["value"] = value
            found.append(self._declaration(entry, "Output", "output", Value(body, entry.value.span), exists=exists))
        return found

    def exports(self) -> list[Export]:
        """What other stacks can import, also of nested stacks."""
        found = []
        for entry in self.section("Outputs"):
            export = entry.value.get("Export") if isinstance(entry.value, Mapping) else None
            name = export.get("Name") if isinstance(export, Mapping) else None
            value = self._output(entry) if name is not None else NOTHING
            if name is not None and value.data is not ABSENT:
                found.append(Export(self.evaluate(name, name.place), value))
        for resource in self.resources:
            stack = self._stacks.get(resource)
            if isinstance(stack, Template):
                found.extend(stack.exports())
        return found


def _brought(value: Value, entry: Entry, by: Span) -> Value:
    """The value of an entry that a merge key or an inclusion brings."""
    return _through_alias(value, by, "alias" if by.file == entry.key.source.path else "include")


def _through_alias(value: Value, alias: Span, what: str = "alias") -> Value:
    """A value, and all that it holds, that is written at an anchor or in another file."""
    return _held(value, lambda part: _through_alias(part, alias, what)).via(what, "", alias)


def _held(value: Value, change: Callable[[Value], Value]) -> Value:
    """A value with what it holds changed."""
    data: Data = value.data
    if isinstance(data, dict):
        return value.with_data({name: change(member) for name, member in data.items()})
    if isinstance(data, tuple):
        return value.with_data(tuple(change(item) for item in data))
    if isinstance(data, Choice):
        branches = (msgspec.structs.replace(one, value=_held(one.value, change)) for one in data.branches)
        return value.with_data(Choice(tuple(branches)))
    return value


def _is_null(node: YamlNode) -> bool:
    return isinstance(node, Scalar) and not node.tag and scalar_data(node) is None


def is_template(file: YamlFile) -> bool:
    """Whether a file has what a template must have: a map Resources, or one that a transform includes."""
    root = file.root
    return isinstance(root, Mapping) and (root.get("Resources") is not None or _includes(root.get("Transform")))


def _includes(node: YamlNode | None) -> bool:
    """Whether a transform of the whole template may bring its resources."""
    return any(isinstance(item, Mapping) for item in (node.items if isinstance(node, Sequence) else [node]))


def function_of(node: YamlNode) -> tuple[str, YamlNode]:
    """The function that a node calls, by its full name, and its argument; an empty name where it calls none."""
    tag = node.tag
    if tag and not tag.startswith(CORE):
        name = tag[1:]
        return (name if name in ("Ref", "Condition") else f"Fn::{name}"), msgspec.structs.replace(node, tag="")
    if isinstance(node, Mapping) and len(node.entries) == 1:
        return node.entries[0].key.text, node.entries[0].value
    return "", node


def written(node: YamlNode) -> str:
    """A node in one line, the same in YAML and JSON."""
    name, argument = function_of(node)
    if name in ("Ref", "Condition") and isinstance(argument, Scalar):
        return f"!{name} {argument.text}"
    if name.startswith("Fn::"):
        return f"!{name.removeprefix('Fn::')} {written(argument)}"
    if isinstance(node, Scalar):
        return f'"{node.text}"' if node.style else node.text
    if isinstance(node, Sequence):
        return f"[{', '.join(map(written, node.items))}]"
    return f"{{{', '.join(f'{entry.key.text}: {written(entry.value)}' for entry in node.entries)}}}"


def either(formula: Formula, then: Value, otherwise: Value) -> Value:
    """One of two values, as a condition has it."""
    if formula is Truth.UNKNOWN:
        return Value(Unknown("a condition that is not known"))
    return Value(Choice((Branch(formula, then), Branch(negate(formula), otherwise))))


def settled_map(value: Value) -> dict[str, Value]:
    """The members of a map that hangs on conditions, each as a Choice."""
    if not isinstance(value.data, Choice):
        return value.members
    names = dict.fromkeys(name for _, leaf in flatten(value) for name in leaf.members)

    def member(name: str) -> Value:
        return map_choices(lambda leaves: leaves[0].members.get(name, Value(Unknown(f"{name} is not passed"))), (value,))

    return {name: member(name) for name in names}


def too_large(formula: Formula) -> bool:
    """Whether a formula has too many parts, or is too deep, to be asked again and again."""
    count = 0
    pending = [(formula, 0)]
    while pending:
        part, depth = pending.pop()
        count += 1
        if count > _MAX_FORMULA or depth > 4 * _MAX_DEPTH:
            return True
        if isinstance(part, (Not, Named)):
            pending.append((part.of, depth + 1))
        elif isinstance(part, (All, Any)):
            pending.extend((inner, depth + 1) for inner in part.of)
    return False
