"""What is told from the beginnings of a pattern and a text is what the whole comparison says."""

from __future__ import annotations

from itertools import product

from kmsguard.iam.texts import Hole, Sym, fits, like, match
from kmsguard.model.finding import Open
from kmsguard.model.value import ACCOUNT, Target


def _hole(address: str, attribute: str, *allowed: str) -> Hole:
    return Hole(Open(address, "open"), Target(address, attribute), allowed=allowed)


ONE, OTHER = _hole("One", "name"), _hole("Other", "name")
DATA, ENVIRONMENT = _hole("data.a.b", "name"), _hole("Environment", "Ref", "dev", "prod")
NO_TARGET = Hole(Open("", "open"))
TEXTS: tuple[Sym, ...] = (
    (),
    ("*",),
    ("arn:aws:s3:::a",),
    ("arn:aws:s3:::a*",),
    ("arn:aws:s3:::a/", NO_TARGET),
    *((("arn:aws:s3:::", hole, *rest)) for hole in (ONE, OTHER, DATA, ENVIRONMENT) for rest in ((), ("/*",), ("-b",), ("*",))),
    ("arn:aws:sqs:*:", _hole(ACCOUNT.address, ACCOUNT.attribute), ":x"),
    (ONE,),
    (OTHER, "/x"),
)


def test_beginnings_decide_nothing_else() -> None:
    """Whatever a pattern and a text begin with, the short way and the whole comparison agree."""
    pairs = list(product(TEXTS, TEXTS))
    assert [fits(wanted, text) for wanted, text in pairs] == [match(like(wanted), text) for wanted, text in pairs]
