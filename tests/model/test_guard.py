"""Atoms of one subject exclude each other, and what cannot hold together is seen."""

import pytest

from kmsguard.model.guard import All, Any, Atom, Not, World, consistent
from kmsguard.model.truth import Truth

PROD = Atom("t.yaml", "Env", "prod")
DEV = Atom("t.yaml", "Env", "dev")
OF_TWO = {value: Atom("t.yaml", "Env", value, ("prod", "dev")) for value in ("prod", "dev")}


@pytest.mark.parametrize(
    ("assumed", "asked", "expected"),
    [
        ({}, PROD, Truth.UNKNOWN),
        ({PROD: True}, DEV, Truth.NO),
        ({PROD: False}, DEV, Truth.UNKNOWN),
        ({PROD: False}, OF_TWO["dev"], Truth.YES),
        ({OF_TWO["prod"]: False}, PROD, Truth.NO),  # the same fact, asked by one who knows less of its values
        ({}, Atom("t.yaml", "Env", "x", ("prod", "dev")), Truth.NO),
        ({}, Atom("t.yaml", "Env", "x", ("x",)), Truth.YES),
        ({Atom("t.yaml", "N", True): True}, Atom("t.yaml", "N", 1), Truth.NO),
    ],
)
def test_what_follows_from_what_is_assumed(assumed, asked, expected):
    """A subject has one value, and one of those that it can have."""
    assert World(assumed).truth(asked) is expected


@pytest.mark.parametrize(
    ("assumed", "formulas", "expected"),
    [
        ({}, (PROD,), True),
        ({DEV: True}, (PROD,), False),
        ({}, (PROD, DEV), False),
        ({}, (Any((PROD, DEV)), Not(PROD), Not(DEV)), False),
        ({}, (Not(OF_TWO["prod"]), Not(OF_TWO["dev"])), False),
        ({PROD: True}, (Any((Not(PROD), All((DEV, PROD)))),), False),
        ({PROD: True}, (Any((Not(PROD), Not(DEV))),), True),
    ],
)
def test_whether_a_world_can_be(assumed, formulas, expected):
    """Constraints are held against each other, not one by one."""
    assert consistent(World(assumed), formulas) is expected
