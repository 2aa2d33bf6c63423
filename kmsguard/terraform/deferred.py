"""What a plan does not know: attributes that a provider gives when a resource is made, and functions that are called then.

Terraform refuses a `count` or `for_each` that hangs on it. See https://developer.hashicorp.com/terraform/language/meta-arguments/for_each.
"""

from __future__ import annotations

import re

from kmsguard.terraform.aws_schema import resource_schema

_CALLS = frozenset(("timestamp()", "uuid()", "bcrypt()"))
_INDEX = r'(?:\[(?:\d+|\*|"(?:[^"\\]|\\.)*")\])?'
_ATTRIBUTE = re.compile(rf"(?:module\.[\w-]+{_INDEX}\.)*([a-z]\w*)\.[\w-]+{_INDEX}\.(\w+)")
_OF_TERRAFORM_DATA = ("id", "output")


def is_deferred(reference: str | None) -> bool:
    """Whether a reference (`module.m.aws_kms_key.k[0].arn`) leads to what is surely not known before the resource is made.

    What a configuration may leave to its provider (an argument that is computed where it is not written) does not count.
    """
    if reference is None or reference in _CALLS:
        return reference is not None
    found = _ATTRIBUTE.match(reference)
    if found is None:
        return False
    of_type, name = found[1], found[2]
    if of_type == "terraform_data":
        return name in _OF_TERRAFORM_DATA
    if name == "id":
        return True
    schema = resource_schema("managed", of_type) if of_type.startswith("aws_") else None
    entry = schema.get(name) if schema is not None else None
    return entry is not None and entry.kind == "computed" and name != "tags_all"
