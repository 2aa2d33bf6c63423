"""Texts that stand where a secret would, and are none: references to one, forms to be filled in, and fillers."""

from __future__ import annotations

import re

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
_DYNAMIC = re.compile(r"\{\{\s*resolve:[a-z-]+:.+\}\}", re.DOTALL)

_REFERENCE = re.compile(
    r"""
      \$\{.*\} | \$\(.*\) | \$[A-Z_][A-Z0-9_]* | \$[a-z_]+ | `.*`            # a shell's variables and commands, other templates
    | \$!?\{?[A-Za-z_]\w*[.(\[].* | \$\$?[.\[].*                           # templates of API Gateway, paths into JSON
    | \{\{.*\}\} | \{%.*%\} | %[A-Za-z_][A-Za-z0-9_]*% | \#\{.*\}
    | ![A-Za-z]\w*(?:\s.*)?                                          # a tag of YAML: !Ref, !GetAtt
    | (?:arn|urn):.+ | .*:role/.+
    | (?:ssm|ssm-secure|secretsmanager|vault|file|env|s3|op|secret|sops|awssm|kms|parameter|akv)(?::|://).+
    | alias/.+
    | [a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*(?:\[[^\[\]]*\])*)+             # var.password, module.db.token[0]
    | (?:process\.env|os\.environ|ENV)\b.*
    """,
    re.VERBOSE | re.DOTALL,
)

_PATH = re.compile(
    r"""
      (?:[A-Za-z]:[\\/]|\.{0,2}/|~/)[\w@%+=:,./\\ -]*                   # paths, which parameters of SSM are too
    | [A-Za-z_][\w-]*(?:/[\w.-]+)+                                    # orders/db-password
    """,
    re.VERBOSE,
)
_BASE64 = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/]{20,}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SHORT_WORDS = 3  # characters: in a path words are longer than this in the middle, in random characters two long

_FORM = re.compile(
    r"""
      <[^<>]*> | \[[^\[\]]*\] | \{[^{}]*\} | __.*__ | %[^%]+% | \(.*\)   # <password>, [password], {####}, __PASSWORD__
    | [*.x_#?-]+ | [Xx][Xx_ -]* | \#+.*
    | (?:redacted|masked|hidden|removed|omitted|sensitive|no_?echo|tbd|todo|fixme|n/?a)\W*
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_NOTHING = frozenset({"", "null", "none", "nil", "undefined", "true", "false", "yes", "no", "on", "off", "empty", "unset", "-"})

_FILLER = re.compile(
    r"""
      (?:please[-_ ]?)?(?:change|replace|update|set|fill|insert|enter|put|add|edit|provide|paste|specify)
          [-_ ]?(?:(?:me|this|it|in|your|the|a|here|with|before|on|at)\b|_|-|\ |me|this|it).*
    | (?:this[-_ ]?is[-_ ])?(?:your|my|some|the|an?)[-_ ].*(?:password|secret|token|key|credential|here)s?.*
    | your.*
    | (?:to|will)[-_ ]be[-_ ].* | .*[-_ ](?:manually|placeholder|later|elsewhere)
    | (?:password|passwd|secret|token|key|value|string|text|example|sample|dummy|fake|mock|placeholder|default|required|optional
        |managed|generated|auto|automatic|random|unknown|notused|unused|not[-_ ]?(?:used|set|a[-_ ]real[-_ ]\w+)|insecure
        |changeit|foo|bar|baz|foobar|test|testing|abc|abcd|asdf|qwerty|lorem|ipsum)[-_ \d.!]*
    """,
    re.VERBOSE | re.IGNORECASE,
)

_MARKED = re.compile(r"EXAMPLE|PLACEHOLDER|CHANGE_?ME|REPLACE_?ME|YOUR[-_]", re.IGNORECASE)

_LONGEST = 200  # characters; nobody writes a longer filler


def is_dynamic_reference(text: str) -> bool:
    """Whether CloudFormation puts something else in the place of the whole text."""
    return _DYNAMIC.fullmatch(text.strip()) is not None


def is_reference(text: str) -> bool:
    """Whether a text says where a secret is: a dynamic reference, a variable, an ARN, a path, the name of a stored secret."""
    text = text.strip()
    return _REFERENCE.fullmatch(text) is not None or (_PATH.fullmatch(text) is not None and not _is_random(text))


def _is_random(text: str) -> bool:
    """Whether a text is base64 of random bytes, which may have slashes in it: one in five secret access keys of AWS has."""
    return _BASE64.fullmatch(text) is not None and len(text) < _SHORT_WORDS * len(_WORD.findall(text))


def is_blank(text: str) -> bool:
    """Whether a text leaves a place open: nothing, a form to be filled in (`<password>`), a mask (`****`)."""
    text = text.strip()
    return text.lower() in _NOTHING or _FORM.fullmatch(text) is not None or (len(text) > 3 and len(set(text)) == 1)


def is_marked(text: str) -> bool:
    """Whether a text says of itself that it is no real one, as AWS's example keys do (`AKIAIOSFODNN7EXAMPLE`)."""
    return _MARKED.search(text) is not None


def is_placeholder(text: str) -> bool:
    """Whether a text is none of the secrets that it stands for: a reference, an open place, or a filler (`changeme`)."""
    if is_reference(text) or is_blank(text) or is_marked(text):
        return True
    return len(text) <= _LONGEST and _FILLER.fullmatch(text.strip()) is not None
