"""The only place that turns a secret into something that may be shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

SHOWN = 2
SHORT = 8


def mask(secret: str) -> str:
    """A secret as it may be shown: its first two characters and its length, below eight characters its length alone."""
    length = f"{len(secret)} characters"
    return f"({length})" if len(secret) < SHORT else f"{secret[:SHOWN]}… ({length})"


class Redactor:
    """Masks known secrets, plain or encoded (base64, JSON string, URL), wherever they stand in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: dict[str, str] = {}
        for secret in sorted(set(secrets), key=lambda s: (-len(s), s)):
            if not secret:
                continue
            for form in _forms(secret):
                forms.setdefault(form, mask(secret))
        self._forms = forms
        longest_first = sorted(forms, key=lambda f: (-len(f), f))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without any of the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._forms[match.group()], text)


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode()
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORT]
    forms = [secret, quoted, encoded, encoded.rstrip("="), base64.urlsafe_b64encode(raw).decode(), quote(secret, safe="")]
    return [form for form in [*forms, *(lines if len(lines) > 1 else [])] if form]
