"""What a plan does to resources that exist already: what it destroys, replaces and changes.

https://developer.hashicorp.com/terraform/internals/json-format#change-representation
"""

from __future__ import annotations

import re

from kmsguard.model.value import Value
from kmsguard.terraform.plan.document import Json, Members, members, text

_OF_KEYS = re.compile("kms|encrypt")  # of what is changed in place nothing else matters to anybody here
_ACTIONS = {
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("update",): "update",
}


def changed_body(change: Members) -> dict[str, Value] | None:
    """The body of the declaration of a change; None of what is new, only read, or stays as it is. It holds names, no values."""
    what = members(change, "change")
    actions = what.get("actions")
    names = tuple(action for action in actions if isinstance(action, str)) if isinstance(actions, list) else ()
    action = _ACTIONS.get(names)
    if action is None or "deposed" in change or text(change, "mode") != "managed" or not text(change, "address"):
        return None
    body = {"type": Value(text(change, "type")), "action": Value(action)}
    before, after, unknown = members(what, "before"), members(what, "after"), members(what, "after_unknown")
    arn = text(before, "arn")
    if arn:
        body["arn"] = Value(arn)
    if action != "delete":
        changed = [name for name in before if before[name] != after.get(name) or unknown.get(name) is True]
        if action == "update" and not any(_OF_KEYS.search(name) for name in (*changed, text(change, "type"))):
            return None
        body["changed"] = Value(tuple(Value(name) for name in changed))
    if action == "replace" and isinstance(what.get("replace_paths"), list):
        body["forcing"] = Value(tuple(Value(name) for name in _beginnings(what["replace_paths"])))
    return body


def _beginnings(paths: Json) -> tuple[str, ...]:
    """The arguments in which paths begin."""
    found = [path[0] for path in paths if isinstance(path, list) and path] if isinstance(paths, list) else []
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str)))
