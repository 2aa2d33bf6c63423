"""A template file into a unit."""

from __future__ import annotations

import posixpath

import msgspec

from kmsguard.cloudformation.assembly import assembly_beside
from kmsguard.cloudformation.context import Context
from kmsguard.cloudformation.given import Given, from_command_line, from_file
from kmsguard.cloudformation.template import Template, is_template
from kmsguard.model.declaration import Problem, Unit, UnitSource
from kmsguard.model.source import Source
from kmsguard.model.value import Step, Value
from kmsguard.syntax.files import Files
from kmsguard.syntax.yaml import Mapping


def read_unit(source: UnitSource) -> Unit:
    """The unit of a template; see `kmsguard.cloudformation.read`."""
    context = Context(source.path, source.settings, Files(source.boundary))
    assembly = assembly_beside(context.files, source.path) if source.text is None else None
    stack = assembly.stacks.get(posixpath.basename(source.path)) if assembly is not None else None
    if stack is not None:
        context.stack = stack
        account, region = stack.account or source.settings.account, stack.region or source.settings.region
        context.settings = msgspec.structs.replace(source.settings, account=account, region=region)
    file = context.read(source.path) if source.text is None else context.parse(Source(source.path, source.text))
    if isinstance(file, Problem):
        context.problems.append(file)
        return _unit(source, context, None)
    broken = any(problem.level == "error" for problem in context.problems)
    if not is_template(file) and not (broken and isinstance(file.root, Mapping)):
        if not broken:
            what = "it is empty" if file.root is None else "it has no map Resources"
            context.problems.append(
                Problem("error", "not-a-template", source.path, 1, 1, f"not a CloudFormation template: {what}")
            )
        return _unit(source, context, None)
    template = Template(context, file, given=_given(source, context))
    _undeclared(source, context, template)
    return _unit(source, context, template)


def _given(source: UnitSource, context: Context) -> dict[str, Given]:
    """The values that are given: of a name the last one counts, and the command line goes before files."""
    told = context.stack.parameters if context.stack is not None else ()
    given = {name: Given(Value(text, trail=Step("parameter", name))) for name, text in told}
    for path in source.settings.parameter_files:
        found = Files(posixpath.dirname(path) or ".").read(path)  # wherever the user keeps it
        if isinstance(found, Problem):
            context.problems.append(found)
            continue
        context.sources[found.path] = found
        values, problems = from_file(found)
        context.problems.extend(problems)
        given.update(values)
    given.update({name: from_command_line(name, text) for name, text in source.settings.variables})
    return given


def _undeclared(source: UnitSource, context: Context, template: Template) -> None:
    for name, given in template.given.items():
        if name not in template.parameters:
            file, line, column = source.path, 1, 1
            if given.span is not None:
                file, line, column = given.span.file, given.span.start_line, given.span.start_column
            message = f"the template {source.path} has no parameter {name}"
            context.problems.append(Problem("warning", "undeclared-parameter", file, line, column, message))


def _unit(source: UnitSource, context: Context, template: Template | None) -> Unit:
    declarations = tuple(template.declarations()) if template is not None else ()
    outputs = template.outputs() if template is not None else {}
    exports = tuple(template.exports()) if template is not None else ()
    constraints = tuple(template.constraints()) if template is not None else ()
    return Unit(
        path=source.path,
        dialect="cloudformation",
        declarations=declarations,
        outputs=outputs,
        exports=exports,
        constraints=constraints,
        state=f"stack:{context.stack.name}" if context.stack is not None and context.stack.name else None,
        files=tuple(dict.fromkeys((source.path, *context.sources))),
        sources=context.sources,
        comments={path: file.comments for path, file in context.parsed.items()},
        problems=tuple(dict.fromkeys(context.problems)),
        account=context.settings.account,
        region=context.settings.region,
    )
