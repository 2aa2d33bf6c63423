"""References to what a module does not declare, or what is not known where they stand: Terraform refuses them anywhere.

See https://developer.hashicorp.com/terraform/language/expressions/references.
"""

from __future__ import annotations

from kmsguard.terraform.addresses import local_address
from kmsguard.terraform.load import ModuleSource
from kmsguard.terraform.schema import instead
from kmsguard.terraform.scope import Run
from kmsguard.terraform.traversals import Reference, references

_WHERE = {
    "each": "only a block that has `for_each` knows it",
    "count": "only a block that has `count` knows it",
    "self": "only provisioners, connections and postconditions know it",
}
_KNOWN = {"each": ("key", "value"), "count": ("index",)}
_OTHERS = frozenset(("path", "terraform", "tofu", "action", "provider"))
_MODES = {"data": "data", "ephemeral": "ephemeral", "resource": "managed"}


def report_undeclared(run: Run, module: ModuleSource) -> None:
    """Says of each reference of a module that leads nowhere that it does."""
    if not all(file.body.complete for file in module.files):
        return  # a mistake may hide what it leads to
    for reference in references(module):
        root = reference.names[0]
        if root in _WHERE:
            message = _out_of_place(reference, root)
            if message is not None:
                run.report("warning", "invalid-expression", reference.span, f"{message}; what hangs on it is unknown")
            continue
        missing = _missing(module, reference, root)
        if missing is not None:
            run.report("warning", "undeclared-reference", reference.span, missing)


def _out_of_place(reference: Reference, root: str) -> str | None:
    if root not in reference.known:
        return f"{root}.{reference.names[1]} is not known here: {_WHERE[root]}"
    names = _KNOWN.get(root)
    if names is None or reference.names[1] in names:
        return None
    return f"there is no {root}.{reference.names[1]}; write {root}.{names[-1]}"


def _missing(module: ModuleSource, reference: Reference, root: str) -> str | None:
    steps = reference.steps
    if root in _OTHERS or len(steps) < 2 or reference.names[1] != steps[1]:
        return None
    declared = {"var": module.variables.keys(), "local": module.locals.keys(), "module": module.calls.keys()}.get(root)
    if declared is not None:
        return None if steps[1] in declared else _message(f"{root}.{steps[1]}", steps[1], frozenset(declared))
    mode = _MODES.get(root, "managed")
    own = steps[1:] if root in _MODES else steps
    if len(own) < 2:
        return None
    located = module.resources.get((mode, own[0], own[1]))
    name = local_address(mode, own[0], own[1])
    if located is None:
        alike = frozenset(other for kind, of_type, other in module.resources if (kind, of_type) == (mode, own[0]))
        return _message(name, own[1], alike)
    if located.check and located.check != reference.check:
        return f"{name} is known in the check {located.check} only; move it out of that block"
    return None


def _message(name: str, last: str, known: frozenset[str]) -> str:
    return f"{name} is not declared; it is unknown{instead(last, known, otherwise='')}"
