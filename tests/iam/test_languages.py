"""Texts that are in some sets and not in others, against trying all short texts."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmsguard.iam.languages import Budget, TooLargeError, solve, union
from kmsguard.iam.request import glob
from kmsguard.iam.shapes import Token
from kmsguard.iam.texts import like, takes

LETTERS = "abc"
DOMAIN = union([(Token(frozenset(LETTERS), loop=True),)])
PATTERNS = st.text(alphabet="abc*?", max_size=6)


def language(*patterns):
    """The texts that fit one of some patterns."""
    return union(like((pattern,)) for pattern in patterns)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PATTERNS, max_size=3), st.lists(PATTERNS, max_size=3))
def test_solve_finds_a_text_where_there_is_one(inside, outside):
    """A text is found exactly where there is one; it is in and out of what it should be."""
    found = solve([DOMAIN, *map(language, inside)], [language(one) for one in outside], Budget(10**6))

    def fits(text):
        return all(glob(one, text) for one in inside) and not any(glob(one, text) for one in outside)

    if found is not None:
        assert fits(found)
        assert set(found) <= set(LETTERS)
    else:
        assert not any(fits("".join(text)) for length in range(7) for text in product(LETTERS, repeat=length))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PATTERNS, PATTERNS)
def test_what_takes_another_is_wider(wide, narrow):
    """A pattern that is said to be wider takes all that the other one takes."""
    if takes(like((wide,) if wide else ()), like((narrow,) if narrow else ())):
        texts = ("".join(text) for length in range(6) for text in product("ab", repeat=length))
        assert all(glob(wide, text) for text in texts if glob(narrow, text))


def test_wildcards_before_blanks_do_not_grow():
    """`*a` with many `?` behind it, which would grow beyond measure if it were made deterministic."""
    found = solve([DOMAIN, language("*a" + "?" * 18), language("*b" + "?" * 16)], [language("*c" + "?" * 17)], Budget(200_000))

    assert found is not None
    assert (found[-19], found[-17]) == ("a", "b")
    assert found[-18] != "c"


def test_budget_ends_the_search():
    """What costs too much is given up."""
    with pytest.raises(TooLargeError):
        solve([DOMAIN], [language(*("?" * n for n in range(40)), "*a" + "?" * 30, "*b" + "?" * 30)], Budget(2_000))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PATTERNS, st.text(alphabet="abc", max_size=6))
def test_union_of_one_is_its_pattern(pattern, text):
    """The automaton of a pattern holds what fits it."""
    assert language(pattern).holds(text) is glob(pattern, text)
