"""A rule file is one rule; a mistake in it is told with file, line and column."""

from __future__ import annotations

import pytest

from kmsguard.kinds.table import Attribute, EdgeSpec, Kind, KindTable
from kmsguard.model.condition import Equals, Operand
from kmsguard.model.finding import UsageError
from kmsguard.rules.examples import examples_of
from kmsguard.rules.explain import explain
from kmsguard.rules.load import bad_rules, kind_directories, load, rule_files
from kmsguard.rules.reading import read_rules

KEY = Kind(
    "kms.key",
    "KMS key",
    traits=("key",),
    attributes={"rotation": Attribute("bool"), "spec": Attribute("string")},
    edges={"primary": EdgeSpec(("primary",), ("kms.key",))},
)
KINDS = KindTable({"kms.key": KEY}, {})

GOOD = """\
code: KG401
name: no-rotation
category: key-rotation
profile: recommended
severity: medium
title: A key does not rotate
why: |
  Because.
remediation: Rotate.
links: [https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html]
controls: {fsbp: [KMS.4]}
covers: {checkov: [CKV_AWS_7]}
match:
  kind: kms.key
  where: {spec: SYMMETRIC_DEFAULT}
require:
  rotation: true
message: "{address} never rotates"
examples:
  fail:
    - title: Nothing is said
      terraform: |
        resource "aws_kms_key" "a" {} # here
      cloudformation: |
        Resources:
          A: # here
            Type: AWS::KMS::Key
  pass:
    - title: It is on
      only: terraform
      reason: it is a test
      terraform:
        main.tf: |
          resource "aws_kms_key" "a" {
            enable_key_rotation = true
          }
        other.tf: ""
"""


def pack(tmp_path, text=GOOD, name="KG401-no-rotation.yaml", folder="key-rotation"):
    """A pack of one rule file."""
    path = tmp_path / "pack" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_rule_file_becomes_a_rule(tmp_path):
    """All that a reporter and the judge need is in the table."""
    path = pack(tmp_path)
    rules, problems = read_rules([str(path)], KINDS)
    assert problems == []
    (rule,) = rules
    assert (rule.info.code, rule.info.name, rule.info.why, rule.kinds) == ("KG401", "no-rotation", "Because.", ("kms.key",))
    assert rule.where == Equals(Operand(("spec",)), "SYMMETRIC_DEFAULT")
    assert rule.attribute == "rotation"
    assert rule.info.covers == {"checkov": ("CKV_AWS_7",)}
    assert rule.info.help_url == "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("code: KG401", "code: KG501", 1, 7, "the codes of key-rotation end in 400 to 499"),
        ("code: KG401", "code: 401", 1, 7, "`401` is no code: capitals and three digits, like KG401"),
        ("name: no-rotation", "name: No Rotation", 2, 7, "`No Rotation` is no name: small words joined by hyphens"),
        ("profile: recommended", "profile: normal", 4, 10, "`normal` is none of essential, recommended, strict"),
        ("severity: medium", "severty: medium", 5, 1, "`severty` is not known here; there are code, name"),
        ("links: [https", "links: [http", 10, 9, "a link begins with https://"),
        ("kind: kms.key", "kind: kms.kye", 14, 9, "there is no kind `kms.kye`; did you mean `kms.key`?"),
        ("kind: kms.key", "trait: store", 14, 10, "no kind has the trait `store`"),
        ("kind: kms.key", "what: kms.key", 14, 3, "`what` is not known here; there are kind, trait and where"),
        ("rotation: true", "rotatoin: true", 17, 3, "there is no attribute `rotatoin`; did you mean `rotation`?"),
        ("where: {spec: S", "where: {primary.spek: S", 15, 11, "there is no attribute `spek`; did you mean `spec`?"),
        (" # here\n      cloud", "\n      cloud", 22, 7, "no line is marked with `# here`, and `here` names none"),
        ("      reason: it is a test\n", "", 30, 7, "`only` is terraform or cloudformation, and comes with a `reason`"),
        ("      only: terraform\n", "", 29, 7, "`cloudformation` is missing, or `only` with a reason"),
        ("  pass:", "  good:", 28, 3, "`good` is no group of examples; there are fail, pass, unknown, not_applicable"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, old, new, line, column, message):
    """Unknown keys, kinds, attributes and profiles, wrong codes, and examples that show nothing."""
    path = pack(tmp_path, GOOD.replace(old, new, 1))
    _, problems = read_rules([str(path)], KINDS)
    told = {(p.file, p.line, p.column): p.message for p in problems if not p.message.startswith("the file of this rule")}
    assert (str(path), line, column) in told, told
    assert told[str(path), line, column].startswith(message)


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("KG402-no-rotation.yaml", "key-rotation", "the file of this rule is called KG401-no-rotation.yaml"),
        ("KG401-no-rotation.yaml", "key-policy", "the file of this rule lies in the folder key-rotation"),
    ],
)
def test_a_rule_lies_where_its_code_says(tmp_path, name, folder, message):
    """File name and folder are code, name and category."""
    _, problems = read_rules([str(pack(tmp_path, name=name, folder=folder))], KINDS)
    assert [p.message for p in problems] == [message]


@pytest.mark.parametrize("key", ["code", "title", "why", "links", "message", "match", "require", "examples"])
def test_what_is_compulsory_is_missed(tmp_path, key):
    """A rule without one of its parts is a mistake."""
    lines = GOOD.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    _, problems = read_rules([str(pack(tmp_path, "".join(lines[:start] + lines[end:])))], KINDS)
    assert f"`{key}` is missing" in [p.message for p in problems]


def test_a_group_of_examples_is_compulsory(tmp_path):
    """A rule shows at least what is wrong and what is right."""
    _, problems = read_rules([str(pack(tmp_path, GOOD[: GOOD.index("  pass:")]))], KINDS)
    assert [p.message for p in problems] == ["there is no example that shows `pass`"]


def test_a_file_that_is_no_yaml(tmp_path):
    """Syntax errors and files that are no map are told like any other mistake."""
    paths = [pack(tmp_path, "a: [", name="a.yaml"), pack(tmp_path, "- a", name="b.yaml")]
    rules, problems = read_rules([str(path) for path in paths], KINDS)
    assert rules == []
    assert {p.file for p in problems} == {str(path) for path in paths}


def test_examples_are_read_in_both_languages(tmp_path):
    """Marks are lines of the file that they stand in; a map has several files."""
    fail_tf, fail_cfn, passing = examples_of(str(pack(tmp_path)))
    assert (fail_tf.language, fail_tf.marks) == ("terraform", (("main.tf", 1),))
    assert (fail_cfn.language, fail_cfn.marks, list(fail_cfn.files)) == (
        "cloudformation",
        (("template.yaml", 2),),
        ["template.yaml"],
    )
    assert (passing.group, list(passing.files), passing.marks) == ("pass", ["main.tf", "other.tf"], ())


def test_here_marks_where_no_comment_can_stand(tmp_path):
    """JSON has no comments: `here` names a text, and every line with it is marked."""
    text = GOOD.replace("- title: Nothing is said", "- title: Nothing is said\n      here: AWS::KMS::Key")
    example = examples_of(str(pack(tmp_path, text)))[1]
    assert example.marks == (("template.yaml", 2), ("template.yaml", 3))


def test_explain_shows_the_rule_and_its_first_examples(tmp_path):
    """The page is made from the file alone, without the marks of the tests; as text it has no marks of Markdown."""
    (rule,), _ = read_rules([str(pack(tmp_path))], KINDS)
    page = explain(rule)
    assert page.startswith(
        "# KG401 no-rotation\n\nA key does not rotate\n\nCategory key-rotation, severity medium, profile recommended.\n"
    )
    assert '```hcl\nresource "aws_kms_key" "a" {}\n```' in page
    assert "- checkov: CKV_AWS_7" in page
    assert "# here" not in page
    text = explain(rule, "text")
    assert "```" not in text
    assert "\nWHAT TO DO\n\nRotate.\n" in text
    assert '    resource "aws_kms_key" "a" {}' in text


def test_kinds_of_a_pack_are_no_rules(tmp_path):
    """`kinds` in the pack, or beside it, holds kinds."""
    path = pack(tmp_path)
    kinds = tmp_path / "pack" / "kinds"
    kinds.mkdir()
    (kinds / "own.yaml").write_text("")
    assert rule_files(str(tmp_path / "pack")) == [str(path)]
    assert kind_directories((str(tmp_path / "pack"),)) == (str(kinds),)
    (tmp_path / "beside").mkdir()
    (tmp_path / "kinds").mkdir()
    assert kind_directories((str(tmp_path / "beside"),)) == (str(tmp_path / "kinds"),)


def test_a_pack_that_is_not_there(tmp_path):
    """A folder that cannot be read is a mistake of usage, not a crash."""
    with pytest.raises(UsageError, match="there is no such folder of rules"):
        load((str(tmp_path / "nowhere"),))


def test_all_mistakes_are_told_up_to_a_point(tmp_path):
    """The message names file, line and column, and how many more there are."""
    _, problems = read_rules([str(pack(tmp_path, "a: b\n" * 30))], KINDS)
    error = bad_rules(problems)
    assert f"{tmp_path}/pack/key-rotation/KG401-no-rotation.yaml:" in str(error)
    assert str(error).endswith("more")
    assert error.problems == tuple(problems)
