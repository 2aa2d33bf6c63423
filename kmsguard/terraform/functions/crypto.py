"""Hashes and identifiers. What is random, or needs a private key, is unknown."""

from __future__ import annotations

import base64
import hashlib
import uuid

from kmsguard.terraform.functions import Function
from kmsguard.terraform.functions.adapt import FunctionError, impure, pure
from kmsguard.terraform.types import STRING

_NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}


def hexadecimal(algorithm: str, data: bytes) -> str:
    """A hash in hexadecimal digits."""
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def in_base64(algorithm: str, data: bytes) -> str:
    """A hash in base64 (of its bytes)."""
    return base64.b64encode(hashlib.new(algorithm, data, usedforsecurity=False).digest()).decode()


def _hash(algorithm: str) -> Function:
    return pure(lambda text: hexadecimal(algorithm, text.encode()), STRING)


def _base64_hash(algorithm: str) -> Function:
    return pure(lambda text: in_base64(algorithm, text.encode()), STRING)


def _uuid_v5(namespace: str, name: str) -> str:
    space = _NAMESPACES.get(namespace)
    if space is None:
        try:
            space = uuid.UUID(namespace)
        except ValueError:
            raise FunctionError("this is no namespace") from None
    return str(uuid.uuid5(space, name))


FUNCTIONS: dict[str, Function] = {
    "base64sha256": _base64_hash("sha256"),
    "base64sha512": _base64_hash("sha512"),
    "bcrypt": impure("bcrypt"),
    "md5": _hash("md5"),
    "rsadecrypt": impure("rsadecrypt"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
    "uuid": impure("uuid"),
    "uuidv5": pure(_uuid_v5, STRING, STRING),
}
