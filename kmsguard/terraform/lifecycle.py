"""What a resource's block says to Terraform itself: `lifecycle`, `provisioner`, `connection`.

See https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle and
https://developer.hashicorp.com/terraform/language/provisioners.
"""

from __future__ import annotations

import msgspec

from kmsguard.syntax.hcl.nodes import Block, Expression, TupleExpr, Variable
from kmsguard.terraform.load import Located, ModuleSource
from kmsguard.terraform.places import Say, address, is_text, literal_text, plain, refers, says, says_inside, undeclared
from kmsguard.terraform.schema import instead, label
from kmsguard.terraform.scope import Run
from kmsguard.terraform.traversals import of_block

_FOR_RESOURCES = ("create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by")


def check_lifecycle(run: Run, module: ModuleSource, located: Located) -> None:
    """Says what is wrong with the `lifecycle` blocks of a resource, data source or ephemeral resource."""
    kind = located.block.type
    for block in located.block.body.blocks:
        if block.type != "lifecycle" or kind == "module":
            continue
        say = says_inside(run, located, block)
        if block.labels:
            say("invalid-block", block, "a `lifecycle` block has no labels: write `lifecycle {`")
        attributes = block.body.attributes
        if kind != "resource":
            for name in _FOR_RESOURCES:
                if name in attributes:
                    say("unknown-argument", attributes[name], f"`{name}` is for resources that Terraform makes; remove it")
            continue
        for name in ("create_before_destroy", "prevent_destroy"):
            found = attributes.get(name)
            if found is not None and not run.is_opentofu and _is_no_bool(found.expression):
                say("not-constant", found.expression, f"`{name}` is the literal true or false, without references")
        if "ignore_changes" in attributes:
            _ignored(attributes["ignore_changes"].expression, say)
        if "replace_triggered_by" in attributes:
            repeated = "for_each" in located.block.body.attributes or "count" in located.block.body.attributes
            _triggers(attributes["replace_triggered_by"].expression, module, repeated, say)


def _is_no_bool(node: Expression) -> bool:
    text = literal_text(node)
    return refers(node) or (text is not None and text not in ("true", "false"))


def _ignored(node: Expression, say: Say) -> None:
    whole = plain(node)
    if not isinstance(whole, TupleExpr):
        if not (isinstance(whole, Variable) and whole.name == "all") and literal_text(whole) != "all":
            say("invalid-expression", node, "`ignore_changes` is a list of attributes, or the word `all`")
        elif not isinstance(whole, Variable):
            say("invalid-expression", node, "`ignore_changes` is a list of attributes, or the word `all` without quotes")
        return
    for item in whole.items:
        if literal_text(item) == "*":
            say("invalid-expression", item, "write `ignore_changes = all` to ignore the changes of all attributes")
        elif address(item) is None and not is_text(item):
            say("invalid-expression", item, "`ignore_changes` lists names of attributes, as they are written in the block")


def _triggers(node: Expression, module: ModuleSource, repeated: bool, say: Say) -> None:
    whole = plain(node)
    if not isinstance(whole, TupleExpr):
        say("invalid-expression", node, "`replace_triggered_by` is a list of resources and their attributes")
        return
    for item in whole.items:
        path = address(item)
        if path is None or path[0] in ("var", "local", "module", "data", "path", "terraform", "each", "count", "self"):
            say("invalid-expression", item, "`replace_triggered_by` lists resources of this module and their attributes")
            continue
        missing = undeclared(path, module)
        if missing is not None:
            say("undeclared-reference", item, f"{missing} is not declared; declare it, or remove this")
        if not repeated and "[]" in path and _has_each(item):
            say(
                "invalid-expression",
                item,
                "each and count are not known here: only a block with `for_each` or `count` knows them",
            )


def _has_each(node: Expression) -> bool:
    from kmsguard.terraform.traversals import traversal

    return any((address(key) or [""])[0] in ("each", "count") for key in traversal(plain(node))[1])  # type: ignore[arg-type]


# --- provisioners -------------------------------------------------------------------------------------------------------------


class _Provisioner(msgspec.Struct, frozen=True):
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_PROVISIONERS = {
    "file": _Provisioner(("destination",), ("source", "content")),
    "local-exec": _Provisioner(("command",), ("interpreter", "working_dir", "environment", "quiet")),
    "remote-exec": _Provisioner((), ("inline", "script", "scripts")),
}
_REMOVED = ("chef", "habitat", "puppet", "salt-masterless")
_OF_ANY = ("when", "on_failure")
_CONNECTION = frozenset(
    (
        *("type", "user", "password", "host", "port", "timeout", "script_path", "private_key", "certificate", "agent"),
        *("agent_identity", "host_key", "target_platform", "https", "insecure", "use_ntlm", "cacert"),
        *("proxy_scheme", "proxy_host", "proxy_port", "proxy_user_name", "proxy_user_password"),
        *("bastion_host", "bastion_host_key", "bastion_port", "bastion_user", "bastion_password", "bastion_private_key"),
        "bastion_certificate",
    )
)
_WORDS = {"when": ("create", "destroy"), "on_failure": ("continue", "fail")}


def check_provisioners(run: Run, located: Located) -> None:
    """Says what is wrong with the provisioners and connections of a block; only resources have some.

    A connection that no provisioner uses is looked at by nobody.
    """
    if located.block.type == "module":
        return
    for block in located.block.body.blocks:
        if block.type not in ("provisioner", "connection"):
            continue
        say = says_inside(run, located, block)
        if located.block.type in ("data", "ephemeral"):
            say("unknown-block", block, f"a `{located.block.type}` block has no block `{block.type}`; only a resource has")
        elif block.type == "provisioner" or any(part.type == "provisioner" for part in located.block.body.blocks):
            _arguments(located, block, say)


def check_removed(run: Run, located: Located) -> None:
    """Says what is wrong with the provisioners of a `removed` block, which run when it is destroyed."""
    for block in located.block.body.blocks:
        if block.type == "provisioner":
            say = says(run, located)
            when = block.body.attributes.get("when")
            if when is None or _word(when.expression) != "destroy":
                say("invalid-block", block, "provisioners of what is removed run when it is destroyed: write `when = destroy`")
            _arguments(located, block, say)


def _arguments(located: Located, block: Block, say: Say) -> None:
    if block.type == "connection":
        _known(block, _CONNECTION, say)
        return
    if len(block.labels) != 1:
        say("invalid-block", block, 'this block begins with `provisioner "type" {`, with one label')
        return
    of = label(block, 0)
    known = _PROVISIONERS.get(of)
    if known is None:
        why = "is none of Terraform any more" if of in _REMOVED else "is none of Terraform"
        say("unknown-block", block, f"the provisioner {of} {why}; there are {', '.join(_PROVISIONERS)}")
        return
    _known(block, frozenset((*known.required, *known.optional, *_OF_ANY)), say)
    for name in known.required:
        if block.body.complete and name not in block.body.attributes:
            say("missing-argument", block, f"this `provisioner` block lacks its argument `{name}`")
    for name, words in _WORDS.items():
        found = block.body.attributes.get(name)
        if found is not None and _word(found.expression) not in words:
            say("invalid-value", found.expression, f"`{name}` is one of the words {' and '.join(words)}")
    for part in block.body.blocks:
        if part.type == "connection":
            _known(part, _CONNECTION, say)
        elif part.type != "dynamic":
            say("unknown-block", part, f"a `provisioner` block has no block `{part.type}`; remove it")
    when = block.body.attributes.get("when")
    if when is not None and _word(when.expression) == "destroy":
        for reference in of_block(block, located):
            if reference.names[0] not in ("self", "count", "each", "path", "terraform"):
                message = "when a resource is destroyed only self, count.index and each.key are known"
                say("invalid-expression", reference.node, message)


def _word(node: Expression) -> str | None:
    """A word of the language, which older versions wrote between quotes."""
    path = address(node)
    return literal_text(node) if path is None else path[0] if len(path) == 1 else None


def _known(block: Block, names: frozenset[str], say: Say) -> None:
    for name, attribute in block.body.attributes.items():
        if name not in names:
            say("unknown-argument", attribute, f"a `{block.type}` block has no argument `{name}`{instead(name, names)}")
