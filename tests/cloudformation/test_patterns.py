"""`AllowedPattern` on values: right where it is decided, and never slow."""

from __future__ import annotations

import time

import pytest

from kmsguard.cloudformation.patterns import matches

OCTET = "([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "a1", False),
        ("a|b", "ab", False),
        ("^$|^arn:.*$", "", True),
        (rf"({OCTET}\.){{3}}{OCTET}(\/(1[6-9]|2[0-8]))", "10.0.0.0/16", True),
        (rf"({OCTET}\.){{3}}{OCTET}(\/(1[6-9]|2[0-8]))", "10.0.0.0/33", False),
        (r"^arn:aws:kms:.*:\d{12}:key/.+$", "x", False),
        ("[]a]+", "]", True),
        (r"\p{L}+", "1", None),
        ("[a-z&&[^b]]+", "b", None),
        ("(", "x", None),
        ("a{0,99999999999}", "b", None),
    ],
)
def test_a_pattern_is_for_the_whole_value(pattern, text, expected):
    """What only Java reads, and what is no pattern, decides nothing."""
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a*)*b", "(a|a){30}b", "(a?){40}b", "((a?){30}){3}b", ".*.*.*.*.*.*x", "(a|aa)+b", "(?:a|a)*?b"]
)
def test_a_pattern_never_takes_long(pattern):
    """One that can be tried in too many ways is not tried."""
    for text in ("a" * 5, "a" * 40, "a" * 4096):
        before = time.perf_counter()
        matches(pattern, text)
        assert time.perf_counter() - before < 2
    assert matches(pattern, "a" * 4096) is None
