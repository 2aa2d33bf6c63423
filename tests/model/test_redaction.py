"""Secrets, and what may be shown of them."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kmsguard.model.redaction import Redactor, mask

SECRET = "Am8er-Harbour-31"


def test_a_mask_shows_two_characters_and_the_length():
    """Sixteen characters are shown as two and their number."""
    assert mask(SECRET) == "Am… (16 characters)"


def test_a_short_secret_shows_its_length_alone():
    """Of seven characters, two would be too many."""
    assert mask("hunter2") == "(7 characters)"


@pytest.mark.parametrize(
    "spelled",
    [
        'a"b\\c<d>&\u00e9\n${e}',
        json.dumps('a"b\\c<d>&\u00e9\n${e}')[1:-1],
        json.dumps('a"b\\c<d>&\u00e9\n${e}', ensure_ascii=False)[1:-1],
        json.dumps(json.dumps('a"b\\c<d>&\u00e9\n${e}', ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1],
        'a\\"b\\\\c\\u003cd\\u003e\\u0026\\u00e9\\n${e}',
        'a\\"b\\\\c<d>&\u00e9\\n$${e}',
        quote('a"b\\c<d>&\u00e9\n${e}', safe=""),
        'a"b\\c<d>&\u00e9\n${e}'.encode().hex(),
    ],
    ids=["plain", "json-ascii", "json", "json-in-json", "jsonencode", "hcl", "url", "hex"],
)
def test_spellings(spelled):
    """A secret is found in each spelling that a template has of it, and what is around it stays."""
    assert Redactor(['a"b\\c<d>&\u00e9\n${e}'])(f"x = {spelled};") == 'x = a"… (15 characters);'


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "x", "xy", "\nsystemctl restart api\n"])
def test_inside_of_base64(before, after):
    """Encoded together with other text, at any alignment, the whole of the encoded text is masked."""
    encoded = base64.b64encode(f"{before}{SECRET}{after}".encode()).decode()
    run = encoded.rstrip("=")
    assert Redactor([SECRET])(f'user_data = "{encoded}"') == f'user_data = "{mask(run)}{encoded[len(run) :]}"'


def test_lines_of_a_key():
    """Each line of a key is masked where it stands by itself; the lines around it tell nothing and stay."""
    key = "-----BEGIN PRIVATE KEY-----\n  aB3dE6gH9jaB3dE6gH9j\n  kL5mN8pQ1rkL5mN8pQ1r\n  -----END PRIVATE KEY-----\n"
    redact = Redactor([key])
    assert redact("    kL5mN8pQ1rkL5mN8pQ1r") == "    kL… (20 characters)"
    assert redact("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_short_secrets_are_masked_where_they_stand_by_themselves():
    """A password of four letters is no reason to tear up every word that holds them."""
    redact = Redactor(["root"])
    assert redact('password = "root" # uproot') == 'password = "(4 characters)" # uproot'


def test_the_longest_secret_goes_first():
    """Where one secret begins with another one, nothing of the longer one is left."""
    assert Redactor(["Am8er-Harbour", SECRET])(f"<{SECRET}>") == "<Am… (16 characters)>"


def test_nothing_to_hide():
    """Without secrets a text stays as it is; an empty secret is none."""
    assert Redactor(["", "  "])("a text") == "a text"


@given(
    st.text(st.characters(codec="utf-8"), min_size=8, max_size=30).map(str.strip).filter(lambda s: len(s) >= 8),
    st.text(max_size=20),
)
@example("\x7f\x80\xff\u0100AAAA", "")
@settings(max_examples=200, deadline=None)
def test_no_secret_is_left(secret, around):
    """Whatever a secret holds, a text of it is free of it, as it is and in base64."""
    redact = Redactor([secret])
    assert secret not in redact(f"{around} {secret} {around}").replace(mask(secret), "")
    encoded = base64.b64encode(f"{around}{secret}{around}".encode("utf-8", "replace")).decode()
    assert encoded.rstrip("=") not in redact(encoded)
