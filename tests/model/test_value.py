"""Places inside of texts."""

import pytest

from kmsguard.model.source import Span
from kmsguard.model.value import Text, Unknown, Value

LINES = Text(
    (
        Value("one two\n", Span("a.tf", 3, 5, 4, 1)),
        Value("three ", Span("a.tf", 4, 5, 4, 11)),
        Value(Unknown("x"), Span("a.tf", 4, 11, 4, 15)),
        Value("\n", Span("a.tf", 4, 15, 5, 1)),
        Value("\t", Span("a.tf", 5, 5, 5, 7)),
    )
)


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (4, 7, Span("a.tf", 3, 9, 3, 12)),
        (4, 8, Span("a.tf", 3, 9, 4, 1)),
        (4, 13, Span("a.tf", 3, 9, 4, 10)),
        (8, 13, Span("a.tf", 4, 5, 4, 10)),
        (14, 15, Span("a.tf", 4, 11, 4, 15)),
        (16, 17, Span("a.tf", 5, 5, 5, 7)),
    ],
    ids=["in a line", "with its break", "over a break", "in the next line", "a hole", "an escape"],
)
def test_place_of_characters(start, end, place):
    """Characters of a line stand where they stand in it, also where its break belongs to it; a hole and an escape are whole."""
    assert LINES.place(start, end) == place
