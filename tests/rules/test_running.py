"""Examples fail their rule where it does not do what they show."""

from __future__ import annotations

import pytest

from kmsguard.rules.examples import run_examples

RULE = """\
code: ACME401
name: own-rotation
category: key-rotation
profile: recommended
severity: medium
title: t
why: w
remediation: r
links: []
match: {{kind: kms.key, where: {{material: AWS_KMS}}}}
require: {{rotation: true}}
message: "{{address}} never rotates"
examples:
  fail:
    - title: wrong
      only: terraform
      reason: it is enough
      terraform: |
{fail}
  pass:
    - title: right
      only: terraform
      reason: it is enough
      terraform: |
{right}
{more}
"""
OFF = 'resource "aws_kms_key" "off" {} # here'
ON = 'resource "aws_kms_key" "on" { enable_key_rotation = true }'


@pytest.fixture
def failures(tmp_path):
    """Runs a pack of one rule, and tells what its examples say."""

    def run(fail=OFF, right=ON, more=""):
        path = tmp_path / "key-rotation" / "ACME401-own-rotation.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(RULE.format(fail=" " * 8 + fail, right=" " * 8 + right, more=more))
        return [(failure.group, failure.line, failure.message) for failure in run_examples([str(tmp_path)])]

    return run


def test_a_rule_that_does_what_its_examples_show(failures):
    """Then nothing is said."""
    assert failures() == []


def test_a_marked_line_that_is_not_reported(failures):
    """The mark is an expectation: what is all right at that line, is wrong here."""
    assert failures(fail=ON + " # here") == [("fail", 15, "line 1 of main.tf is marked, but not reported as fail")]


def test_an_unmarked_line_that_is_reported(failures):
    """Nothing may be reported but what is marked."""
    other = 'resource "aws_kms_key" "other" {}'
    told = failures(fail=f"{OFF}\n        {other}")
    assert told == [
        ("fail", 15, "line 2 of main.tf is reported, but not marked (aws_kms_key.other: aws_kms_key.other never rotates)")
    ]


def test_a_pass_that_fails(failures):
    """What should pass and is reported is told with its line."""
    told = failures(right='resource "aws_kms_key" "off" {}')
    assert [message for _, _, message in told] == [
        "line 1 of main.tf is fail (aws_kms_key.off: aws_kms_key.off never rotates)",
        "nothing passes: the rule matched no resource, so the example proves nothing",
    ]


def test_a_vacuous_pass(failures):
    """A rule that matched nothing has proved nothing."""
    told = failures(right='resource "aws_kms_external_key" "own" {}')
    assert told == [("pass", 21, "nothing passes: the rule matched no resource, so the example proves nothing")]


def test_not_applicable_means_that_nothing_is_said(failures):
    """A resource that passes is one that the rule was applied to."""
    more = f"  not_applicable:\n    - {{title: n, only: terraform, reason: r, terraform: '{ON}'}}"
    assert failures(more=more) == [("not_applicable", 27, "aws_kms_key.on passes, but the rule should say nothing of it")]


def test_an_example_with_a_mistake_in_its_language(failures):
    """What cannot be read proves nothing."""
    ((group, line, message),) = failures(right='resource "aws_kms_key" {')
    assert (group, line) == ("pass", 21)
    assert message.startswith("the example cannot be read: ")


def test_settings_of_an_example(failures):
    """`with` gives what the deployment would."""
    rotate = 'variable "r" { type = bool }\n        resource "aws_kms_key" "k" { enable_key_rotation = var.r }'
    assert failures(right=rotate + "\n      with: {vars: {r: true}}") == []
    assert [group for group, _, _ in failures(right=rotate)] == ["pass", "pass"]
