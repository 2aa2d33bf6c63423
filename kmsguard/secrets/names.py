"""Names of arguments, variables and map keys that hold secrets: told by their last word, as their authors mean them.

`db_password` is a secret, `password_policy`, `secret_name` and `public_key` are about one or none at all.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["password", "token", "secret", "connection"]
"""What a name promises. A `password` may be any text, a `token` has digits or letters of both cases, a `secret` may also be the
name of one, a `connection` string holds a secret only where it has a password inside."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_PASSWORD = frozenset({"password", "passwords", "passwd", "passphrase", "passcode", "pwd", "pass", "pw", "psk", "requirepass"})
_TOKEN = frozenset({"token", "tokens", "credential", "credentials", "creds", "apikey", "apikeys", "cookie"})
_SECRET = frozenset({"secret", "secrets"})

# Words written as one, the longest first.
_ENDINGS: tuple[tuple[str, Family], ...] = (
    ("secretaccesskey", "token"),
    ("connectionstring", "connection"),
    ("passphrase", "password"),
    ("privatekey", "token"),
    ("presharedkey", "password"),
    ("clientsecret", "token"),
    ("secretkey", "token"),
    ("authtoken", "token"),
    ("accesstoken", "token"),
    ("apitoken", "token"),
    ("password", "password"),
    ("passwd", "password"),
    ("apikey", "token"),
    ("connstr", "connection"),
)

# What makes a secret of a `key`, by the word before it.
_KEY_OF = frozenset(
    {
        *("account", "api", "app", "application", "auth", "hmac", "integration", "license", "master", "private"),
        *("secret", "session", "shared", "sharedaccess", "signing", "ingestion", "webhook"),
    }
)

# Tokens that tell requests or pages apart, and cookies that are none.
_HARMLESS_TOKEN = frozenset(
    {
        *("cancel", "client", "continuation", "creation", "idempotency", "lock", "next", "page", "pagination", "request"),
        *("caller", "replacement", "service", "action", "task", "marker", "sync", "update", "change", "version"),
    }
)

# Words behind the one that counts: `secret_value`, `password_prod`, `token_base64`, `password_wo`.
_TRAILING = frozenset(
    {
        *(
            "value",
            "values",
            "string",
            "text",
            "plain",
            "plaintext",
            "raw",
            "default",
            "literal",
            "base",
            "b64",
            "encoded",
            "wo",
            "pem",
        ),
        *(
            "openssh",
            "prod",
            "production",
            "prd",
            "dev",
            "development",
            "staging",
            "stage",
            "stg",
            "test",
            "testing",
            "qa",
            "uat",
        ),
        *("live", "old", "new", "current", "previous", "primary", "secondary", "input", "override"),
    }
)

# Settings of how passwords have to be: `password_policy_allow_users_to_change_password`.
_RULES = frozenset({"policy", "allow", "minimum", "maximum", "length"})

# `encrypted_secret`, `hashed_password`: what may be shown.
_PROTECTED = frozenset({"encrypted", "hashed", "sealed", "masked", "public"})

# What is done about a secret, and not the secret: `generate_secret`, `require_password`.
_DOING = frozenset(
    {
        *(
            "generate",
            "require",
            "requires",
            "allow",
            "enable",
            "enabled",
            "disable",
            "disabled",
            "use",
            "uses",
            "manage",
            "managed",
        ),
        *(
            "rotate",
            "reset",
            "change",
            "force",
            "get",
            "has",
            "is",
            "skip",
            "no",
            "with",
            "without",
            "show",
            "hide",
            "create",
            "expire",
        ),
    }
)


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, whether it is snake_case, kebab-case, camelCase or has its words behind dots."""
    return tuple(word.lower() for word in _WORDS.findall(name))


@lru_cache(maxsize=4096)
def family(name: str) -> Family | None:
    """What a name promises that its value is; None where it is no name of a secret."""
    parts = list(words(name))
    if not parts or parts[0] in _DOING or (len(parts[0]) == 1 and parts[1:2] and parts[1] in _DOING):
        return None
    if _RULES & set(parts):
        return None
    if parts[-2:] in (["connection", "string"], ["conn", "string"], ["connection", "url"], ["connection", "uri"]):
        return "connection"
    while len(parts) > 1 and (parts[-1] in _TRAILING or parts[-1].isdigit()):
        parts.pop()
    last, before = parts[-1], parts[-2] if len(parts) > 1 else ""
    if before in _PROTECTED:
        return None
    if last in _PASSWORD:
        return "password"
    if last in ("key", "keys"):
        return _key(parts)
    if last in _TOKEN:
        harmless = before in _HARMLESS_TOKEN or (last == "cookie" and before not in ("erlang", "auth", "session"))
        return None if harmless else "token"
    if last in _SECRET:
        return "token" if before in ("client", "jwt", "hmac", "signing", "webhook", "shared", "oauth", "session") else "secret"
    return next((kind for ending, kind in _ENDINGS if last.endswith(ending)), None)


def _key(parts: list[str]) -> Family | None:
    before = parts[-2] if len(parts) > 1 else ""
    if "kms" in parts:
        return None
    if before == "encryption":  # of AWS's own arguments: the ARN of a KMS key
        return "secret"
    if before == "access":  # the access key alone is the id of one
        return "token" if {"secret", "shared"} & set(parts[:-2]) else None
    if before == "shared" and parts[-3:-2] == ["pre"]:
        return "password"
    if before == "preshared":
        return "password"
    return "token" if before in _KEY_OF else None


# What stands beside a password in the value of a secret.
_ABOUT = frozenset(
    {
        *("user", "username", "login", "account", "email", "name", "id", "identifier", "arn", "host", "hostname", "endpoint"),
        *("address", "url", "uri", "port", "engine", "database", "db", "dbname", "schema", "region", "type", "version", "role"),
        *(
            "path",
            "scope",
            "audience",
            "issuer",
            "domain",
            "description",
            "algorithm",
            "cluster",
            "driver",
            "protocol",
            "client",
        ),
        *("method", "bucket", "date", "created", "updated", "expires", "principal", "server", "service", "tenant"),
    }
)


def is_about_secret(name: str) -> bool:
    """Whether a member of a secret's value is not the secret: the user name, the host, the engine of a database."""
    parts = list(words(name))
    while len(parts) > 1 and parts[-1] not in _ABOUT and (parts[-1] in _TRAILING or parts[-1].isdigit()):
        parts.pop()
    return bool(parts) and (parts[-1] in _ABOUT or parts[-1].endswith(("username", "hostname")))
