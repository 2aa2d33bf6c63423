"""What the values in `import` blocks have to be: known when Terraform plans, and of an instance that there is.

See https://developer.hashicorp.com/terraform/language/import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmsguard.model.value import Unknown, Value
from kmsguard.syntax.hcl.nodes import Index, Literal
from kmsguard.terraform.deferred import is_deferred
from kmsguard.terraform.evaluate import conclude
from kmsguard.terraform.expand import each
from kmsguard.terraform.load import Located
from kmsguard.terraform.partial import find_unknown
from kmsguard.terraform.places import address, literal_text, plain

if TYPE_CHECKING:
    from kmsguard.terraform.module import Module


def report_imports(root: Module) -> None:
    """Says of the `import` blocks of a root module which of them cannot be planned."""
    for located in root.source.history:
        if located.block.type == "import":
            _values(root, located)
            _instance(root, located)


def _values(root: Module, located: Located) -> None:
    element = Value(Unknown("an element of for_each"))
    for name, names in (("for_each", {}), ("id", each(element, element))):
        node = located.attribute(name)
        if node is None:
            continue
        scope = root.scope(located.file, names if located.attribute("for_each") is not None else {})
        unknown = find_unknown(conclude(node, scope))
        if unknown is not None and is_deferred(unknown.reference):
            message = f"`{name}` hangs on {unknown.reference}, which is known only after apply; write it out, or use a variable"
            root.run.report("warning", "invalid-import", scope.span(node), message)


def _instance(root: Module, located: Located) -> None:
    """Whether the instance that is named by a literal key is one that the resource has."""
    to = located.attribute("to")
    node = plain(to) if to is not None else None
    path = address(node) if node is not None else None
    if to is None or not isinstance(node, Index) or path is None or len(path) != 3:
        return
    key_node = plain(node.key)
    key = key_node.value if isinstance(key_node, Literal) else literal_text(key_node)
    resource = ("managed", path[0], path[1])
    if not isinstance(key, (int, str)) or resource not in root.source.resources:
        return
    expanded, instances = root.resource(resource)
    if expanded.kind in ("count", "for_each") and key not in instances:
        message = f"{path[0]}.{path[1]} has no instance {key!r}, which this imports"
        root.run.report("warning", "undeclared-reference", root.scope(located.file).span(to), message)
