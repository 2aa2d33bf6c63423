"""Suppressions as they are written."""

import pytest

from kmsguard.model.declaration import Comment, Declaration
from kmsguard.model.finding import RuleInfo
from kmsguard.model.source import Span
from kmsguard.model.value import Value
from kmsguard.scan.suppress import Mark, marks_of_comment, marks_of_metadata


def _comment(text, line=3, column=5):
    lines = text.split("\n")
    end = (line + len(lines) - 1, column + len(text) if len(lines) == 1 else len(lines[-1]) + 1)
    return Comment(text, Span("a.tf", line, column, *end))


def _rule(code="KG401", name="kms-key-rotation-disabled", **covers):
    return RuleInfo(code, name, "key-rotation", "recommended", "medium", "", "", "", covers=covers)


COMMENTS = [
    ("# kmsguard:ignore[KG401] by hand, ticket 4711", [("KG401", "by hand, ticket 4711", "")]),
    ("// kmsguard:ignore[KG401] by hand", [("KG401", "by hand", "")]),
    ("/* kmsguard:ignore[KG401] by hand */", [("KG401", "by hand", "")]),
    ("# kmsguard:ignore[kms-key-rotation-disabled]: by hand", [("kms-key-rotation-disabled", "by hand", "")]),
    ("# kmsguard:ignore[KG401, KG501] by hand", [("KG401", "by hand", ""), ("KG501", "by hand", "")]),
    ("# kmsguard:ignore[KG401 until 2027-03-31] by hand", [("KG401", "by hand", "2027-03-31")]),
    (
        "# kmsguard:ignore[KG401, KG501 until 2027-03-31] by hand",
        [("KG401", "by hand", "2027-03-31"), ("KG501", "by hand", "2027-03-31")],
    ),
    (
        "# kmsguard:ignore[KG401 until 2027-01-31, KG501] by hand",
        [("KG401", "by hand", "2027-01-31"), ("KG501", "by hand", "")],
    ),
    ("# kmsguard:ignore[KG401]", [("KG401", "", "")]),
    ("# kmsguard:ignore by hand", [("", "", "")]),
    ("# kmsguard:ignore[] by hand", [("", "by hand", "")]),
    ("# kmsguard:ignore[KG401 and more] by hand", [("", "by hand", "")]),
    ("# see kmsguard:ignore in the documentation", []),
    ("# kmsguard is used here", []),
]


@pytest.mark.parametrize(("text", "expected"), COMMENTS)
def test_what_a_comment_suppresses(text, expected):
    """Codes or names in brackets, perhaps a last day, and the reason behind."""
    assert [(m.code, m.reason, m.until) for m in marks_of_comment(_comment(text))] == expected


def test_a_suppression_stands_where_it_is_written():
    """The place is that of the suppression, not of the whole comment, also where a comment has several lines."""
    (mark,) = marks_of_comment(_comment("# rotated, kmsguard:ignore[KG401] by hand"))
    assert mark.place == Span("a.tf", 3, 16, 3, 46)
    (mark,) = marks_of_comment(_comment("/* rotated\n   kmsguard:ignore[KG401] by hand */"))
    assert (mark.place.start_line, mark.place.start_column) == (4, 4)


def test_ids_of_checkov_count_where_a_rule_covers_them():
    """`checkov:skip` needs no reason: checkov asks for none."""
    (mark,) = marks_of_comment(_comment("#checkov:skip=CKV_AWS_7:asymmetric"))
    assert (mark.tool, mark.code, mark.reason) == ("checkov", "CKV_AWS_7", "asymmetric")
    assert mark.covers(_rule(checkov=("CKV_AWS_7",)))
    assert not mark.covers(_rule(checkov=("CKV_AWS_33",)))
    (bare,) = marks_of_comment(_comment("# checkov:skip=CKV_AWS_7"))
    assert bare.holds("2026-01-01")
    assert bare.suppression().reason == "checkov skips CKV_AWS_7 here"


ENDS = [
    ("", "2026-06-01", True),
    ("2026-06-02", "2026-06-01", True),
    ("2026-06-01", "2026-06-01", True),
    ("2026-05-31", "2026-06-01", False),
    ("2026-02-30", "2026-01-01", False),
    ("soon", "2026-01-01", False),
]


@pytest.mark.parametrize(("until", "today", "holds"), ENDS)
def test_the_last_day_belongs_to_it(until, today, holds):
    """A suppression until a day holds on that day; until a day that does not exist it never holds."""
    assert Mark(Span("a.tf", 1, 1, 1, 2), "KG401", reason="why", until=until).holds(today) is holds


def test_without_a_reason_it_does_not_hold():
    """The reason is required."""
    assert not Mark(Span("a.tf", 1, 1, 1, 2), "KG401").holds("2026-01-01")


def _text(value, line=1):
    return Value(value, Span("t.yaml", line, 1, line, 9))


def _declared():
    span = Span("t.yaml", 1, 1, 9, 1)
    return Declaration("Key", "AWS::KMS::Key", "managed", Value({}), span, span)


def test_metadata_suppresses():
    """`Metadata: {kmsguard: {ignore: [...]}}`, and the ways of cfn_nag and checkov."""
    ours = Value(
        (Value({"code": _text("KG401"), "reason": _text("by hand"), "until": _text("2027-03-31")}, Span("t.yaml", 4, 9, 6, 9)),)
    )
    nag = Value((Value({"id": _text("F19"), "reason": _text("known")}, Span("t.yaml", 8, 9, 9, 9)),))
    skip = Value((Value({"id": _text("CKV_AWS_7"), "comment": _text("known")}, Span("t.yaml", 10, 9, 11, 9)),))
    metadata = Value(
        {
            "kmsguard": Value({"ignore": ours}),
            "cfn_nag": Value({"rules_to_suppress": nag}),
            "checkov": Value({"skip": skip}),
        }
    )
    assert [(m.tool, m.code, m.reason, m.until, m.place.start_line) for m in marks_of_metadata(metadata, _declared())] == [
        ("kmsguard", "KG401", "by hand", "2027-03-31", 4),
        ("checkov", "CKV_AWS_7", "known", "", 10),
        ("cfn_nag", "F19", "known", "", 8),
    ]


def test_metadata_of_another_shape_is_passed_over():
    """Metadata is free: whatever does not have our shape says nothing to us."""
    for metadata in (
        None,
        Value(None),
        Value({"kmsguard": _text("x")}),
        Value({"kmsguard": Value({"ignore": _text("KG401")})}),
    ):
        assert marks_of_metadata(metadata, _declared()) == []


def test_the_comment_of_a_json_block_may_be_a_text():
    """`"//": "kmsguard:ignore[KG401] why"` in .tf.json is what comments are there."""
    (mark,) = marks_of_metadata(_text("kmsguard:ignore[KG401] by hand"), _declared())
    assert (mark.code, mark.reason) == ("KG401", "by hand")
