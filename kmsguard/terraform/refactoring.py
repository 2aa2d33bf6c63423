"""`moved`, `removed` and `import`: what they name is there no more, or is there.

See https://developer.hashicorp.com/terraform/language/modules/develop/refactoring and
https://developer.hashicorp.com/terraform/language/import.
"""

from __future__ import annotations

from collections.abc import Iterable

from kmsguard.syntax.hcl.nodes import Attribute, Block, Expression, GetAttr, Index, ObjectExpr, TupleExpr
from kmsguard.terraform.lifecycle import check_removed
from kmsguard.terraform.load import Located, ModuleSource
from kmsguard.terraform.places import Say, address, is_literal, literal_text, plain, refers, says, says_inside, undeclared
from kmsguard.terraform.scope import Run

_WANTED = "write the address without quotes, as aws_kms_key.a"


def check_refactoring(run: Run, module: ModuleSource) -> None:
    """Says what is wrong with the blocks of a module that say where something was before."""
    for located in module.history:
        say = says(run, located)
        if located.block.type == "import":
            _import(located.block, module, say)
        elif located.block.type == "moved":
            _moved(located.block, module, say)
        else:
            _removed(run, located, module, say)
    _once(run, module)


def _path(block: Block, name: str, say: Say, *, computed: bool = False) -> list[str] | None:
    """The address that an argument names; None where there is none, or no address. `computed`: its keys may be."""
    found = block.body.attributes.get(name)
    if found is None:
        return None
    path = address(found.expression)
    if path is None:
        say("invalid-expression", found.expression, f"`{name}` is an address: {_WANTED}")
        return None
    if not computed and any(refers(key) for key in _keys(found.expression)):
        say("invalid-expression", found.expression, f"the keys in `{name}` are literal ones")
        return None
    return path if _is_address(path, found, say) else None


def _is_address(path: list[str], found: Attribute, say: Say) -> bool:
    names = [name for name in path if name != "[]"]
    while names[:1] == ["module"]:
        if len(names) < 2:
            say("invalid-expression", found.expression, f"this names no module: {_WANTED}, or module.a")
            return False
        names = names[2:]
    if names and names[0] != "data" and len(names) != 2:
        say("invalid-expression", found.expression, f"this is no address of a resource or module: {_WANTED}")
        return False
    return True


def _keys(node: Expression) -> Iterable[Expression]:
    node = plain(node)
    while isinstance(node, (GetAttr, Index)):
        if isinstance(node, Index):
            yield node.key
        node = plain(node.of)


def _is_module(path: list[str]) -> bool:
    names = [name for name in path if name != "[]"]
    return len(names) % 2 == 0 and all(name == "module" for name in names[::2])


def _resource_of(path: list[str]) -> list[str]:
    """What of an address stands behind its modules."""
    names = [name for name in path if name != "[]"]
    while names[:1] == ["module"]:
        names = names[2:]
    return names


def _moved(block: Block, module: ModuleSource, say: Say) -> None:
    before, after = _path(block, "from", say), _path(block, "to", say)
    if before is None or after is None:
        return
    if _is_module(before) != _is_module(after):
        say("invalid-block", block, "`from` and `to` are two resources, or two modules")
    elif before == after and "[]" not in before:
        say("invalid-block", block, "this moves something to where it is; remove it")
    elif _is_declared_single(before, module):
        _still("moved", before, block, say)


def _still(how: str, path: list[str], block: Block, say: Say) -> None:
    name = ".".join(name for name in path if name != "[]")
    say("invalid-block", block, f"{name} is declared still, so that it cannot be {how}; remove its block, or this one")


def _removed(run: Run, located: Located, module: ModuleSource, say: Say) -> None:
    block = located.block
    path = _path(block, "from", say)
    for part in block.body.blocks:
        if part.type == "lifecycle":
            inside = says_inside(run, located, part)
            for name, attribute in part.body.attributes.items():
                if name != "destroy":
                    inside(
                        "unknown-argument",
                        attribute,
                        f"the `lifecycle` of a `removed` block has no argument `{name}`; remove it",
                    )
                elif refers(attribute.expression):
                    inside("not-constant", attribute.expression, "`destroy` is the literal true or false, without references")
    check_removed(run, located)
    if path is None:
        return
    if _resource_of(path)[:1] == ["data"]:
        say("invalid-block", block, "data sources are never destroyed; remove the data source, and this block")
    elif "[]" in path:
        say("invalid-block", block, "`from` is a whole resource or module, without an index")
    elif len(path) == 2 and (
        path[1] in module.calls if path[0] == "module" else ("managed", path[0], path[1]) in module.resources
    ):
        _still("removed", path, block, say)


def _import(block: Block, module: ModuleSource, say: Say) -> None:
    path = _path(block, "to", say, computed=True)
    repeated = "for_each" in block.body.attributes
    if path is not None:
        _target(path, block, module, repeated, say)
    attributes = block.body.attributes
    if block.body.complete and not {"id", "identity"} & attributes.keys():
        say("missing-argument", block, "this `import` block lacks its argument `id`")
    if {"id", "identity"} <= attributes.keys():
        say("conflicting-arguments", attributes["identity"], "an `import` block has `id` or `identity`, not both")
    given = attributes.get("id")
    if given is not None and _is_no_id(plain(given.expression)):
        say("invalid-value", given.expression, "`id` is a text, and not empty")


def _is_no_id(node: Expression) -> bool:
    return is_literal(node, None) or literal_text(node) == "" or isinstance(node, (TupleExpr, ObjectExpr))


def _target(path: list[str], block: Block, module: ModuleSource, repeated: bool, say: Say) -> None:
    to = block.body.attributes["to"].expression
    names = _resource_of(path)
    if not names or names[0] == "data":
        say("invalid-expression", to, "only resources are imported: name one of them, and not a module or data source")
        return
    if path[0] == "module":
        if path[1] not in module.calls:
            say("undeclared-reference", block, f"module.{path[1]}, into which this imports, is not declared; declare it")
        return
    missing = undeclared(path, module)
    if missing is not None:
        say("undeclared-reference", block, f"{missing}, which this imports, is not declared; declare it")
        return
    declared = module.resources[("managed", names[0], names[1])].block.body.attributes
    argument = next((name for name in ("count", "for_each") if name in declared), None)
    if (argument is not None) != ("[]" in path):
        message = (
            f"{'.'.join(names)} has `{argument}`: name one of its instances" if argument else "this resource has no instances"
        )
        say("invalid-expression", to, message)
    for key in _keys(to):
        if not repeated and (address(key) or [""])[0] == "each":
            say("invalid-expression", key, "each is not known here: only an `import` block with `for_each` knows it")


def _is_declared_single(path: list[str], module: ModuleSource) -> bool:
    located = None
    if len(path) == 2:
        located = module.calls.get(path[1]) if path[0] == "module" else module.resources.get(("managed", path[0], path[1]))
    return located is not None and not {"count", "for_each"} & located.block.body.attributes.keys()


# --- several of them ----------------------------------------------------------------------------------------------------


def _once(run: Run, module: ModuleSource) -> None:
    """Nothing is moved to two places, or two to one; nothing is imported twice."""
    seen: dict[tuple[str, str], Located] = {}
    moves: dict[str, tuple[str, Located]] = {}
    for located in module.history:
        block = located.block
        for name in {"moved": ("from", "to"), "import": ("to",)}.get(block.type, ()):
            written = _written(block, name, located)
            first = seen.setdefault((f"{block.type} {name}", written), located) if written else located
            if first is not located:
                line = first.head.start_line
                message = f"{written} is {_TWICE[block.type, name]} already, in line {line}; remove one of the blocks"
                says(run, located)("duplicate", block, message)
        if block.type == "moved":
            moves.setdefault(_written(block, "from", located), (_written(block, "to", located), located))
    for start, (_, located) in moves.items():
        way = [start]
        while (step := moves.get(way[-1])) is not None and step[0] not in way:
            way.append(step[0])
        if len(way) > 1 and step is not None and step[0] == start and start == min(way):
            says(run, located)(
                "cycle", located.block, f"{' → '.join((*way, start))} is a circle of moves; take one of them out"
            )


_TWICE = {("moved", "from"): "moved", ("moved", "to"): "the end of a move", ("import", "to"): "imported"}


def _written(block: Block, name: str, located: Located) -> str:
    found = block.body.attributes.get(name)
    if found is None or address(found.expression) is None or any(refers(key) for key in _keys(found.expression)):
        return ""
    return "".join(located.file.source.text[found.expression.start : found.expression.end].split())
