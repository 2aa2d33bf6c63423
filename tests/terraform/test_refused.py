"""What the AWS provider's schema refuses is told in its line, and nothing else.

`refused/*.tf` are also shown to the real program: tests/terraform/test_real_schema.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kmsguard.model.declaration import UnitSource
from kmsguard.terraform import read
from kmsguard.terraform.aws_schema import newest

FOLDER = Path(__file__).parent / "refused"
MARK = re.compile(r"# here ([\w-]+)$")


def marked() -> set[tuple[str, int, str]]:
    """File, line and code of what is to be told."""
    return {
        (path.name, number, found[1])
        for path in sorted(FOLDER.glob("*.tf"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := MARK.search(line))
    }


def problems(folder: Path) -> list[tuple[str, int, str, str]]:
    """File, line, code and message of all problems of a root module, but for variables without value."""
    found = read(UnitSource(str(folder), "terraform", boundary=str(folder))).problems
    assert {one.level for one in found} <= {"warning"}
    return [(Path(one.file).name, one.line, one.code, one.message) for one in found if one.code != "unset-variable"]


def test_what_is_refused_is_told_in_its_line() -> None:
    """Each marked line has its problem, and no other line has one."""
    told = problems(FOLDER)
    assert {one[:3] for one in told} == marked()
    assert len(told) == len(marked())


def codes(tmp_path: Path, **files: str) -> list[str]:
    """The codes of the problems of some files; `_` in a name is a dot."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [code for _, _, code, _ in problems(tmp_path)]


WRONG = 'resource "aws_kms_key" "a" {\n  kms_key_idd = "x"\n}\n'


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ('aws = { source = "hashicorp/aws" }', True),
        ('aws = { source = "registry.terraform.io/hashicorp/aws", version = ">= 3.0" }', True),
        ('aws = "~> 5.0"', True),
        ('aws = { version = ">= 4.0, != 5.1, < 7" }', True),
        ('aws = { version = "6.2.0" }', True),
        ('aws = { version = "~> 3.76" }', False),
        ('aws = { version = "< 4.0" }', False),
        ('aws = { version = "3.76.1" }', False),
        ('aws = { version = ">= 7" }', False),
        ('aws = { source = "example/aws" }', False),
        ('aws = { source = "registry.example.com/hashicorp/aws" }', False),
        ('other = { source = "example/other" }', True),
    ],
)
def test_nothing_is_said_of_providers_that_are_not_known(tmp_path: Path, requirement: str, told: bool) -> None:
    """Another provider, and versions older or newer than those of the table, may take what these do not."""
    text = f"terraform {{\n  required_providers {{\n    {requirement}\n  }}\n}}\n{WRONG}"
    assert codes(tmp_path, main_tf=text) == (["unknown-argument"] if told else [])


def test_the_locked_version_counts(tmp_path: Path) -> None:
    """What `terraform init` chose is what runs."""
    lock = 'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "3.76.1"\n  constraints = ">= 3.0"\n}\n'
    (tmp_path / ".terraform.lock.hcl").write_text(lock, encoding="utf-8")
    assert codes(tmp_path, main_tf=WRONG) == []
    (tmp_path / ".terraform.lock.hcl").write_text(lock.replace("3.76.1", "5.31.0"), encoding="utf-8")
    assert codes(tmp_path, main_tf=WRONG) == ["unknown-argument"]


def test_a_resource_of_another_provider(tmp_path: Path) -> None:
    """`provider =` names another provider by its local name."""
    head = 'terraform {\n  required_providers {\n    fake = { source = "example/fake" }\n  }\n}\n'
    assert codes(tmp_path, main_tf=head + WRONG.replace("{\n", "{\n  provider = fake.x\n", 1)) == ["undeclared-provider"]


def test_a_module_is_told_once_however_often_it_is_called(tmp_path: Path) -> None:
    """What stands in a module stands there once."""
    calls = "".join(f'module "m{n}" {{\n  source = "./m"\n}}\n' for n in range(3))
    assert codes(tmp_path, main_tf=calls, m__main_tf=WRONG) == ["unknown-argument"]


def test_a_module_without_instances_is_told(tmp_path: Path) -> None:
    """Terraform looks at the code of a module that is called no times."""
    call = 'module "m" {\n  source = "./m"\n  count  = 0\n}\n'
    assert codes(tmp_path, main_tf=call, m__main_tf=WRONG) == ["unknown-argument"]


def test_override_files_complete_a_resource(tmp_path: Path) -> None:
    """What an override file gives is there, and what is wrong in it is told there."""
    text = 'resource "aws_kms_alias" "a" {\n  name = "alias/a"\n}\n'
    over = 'resource "aws_kms_alias" "a" {\n  target_key_id = "k"\n  nonsense = 1\n}\n'
    assert codes(tmp_path, main_tf=text, override_tf=over) == ["unknown-argument"]
    assert [one[:2] for one in problems(tmp_path)] == [("override.tf", 3)]


def test_a_variable_with_a_default_of_null_may_be_required(tmp_path: Path) -> None:
    """A module whose caller has to give the value is no mistake."""
    text = 'variable "key" {\n  default = null\n}\nresource "aws_kms_alias" "a" {\n  target_key_id = var.key\n}\n'
    assert codes(tmp_path, main_tf=text) == []


@pytest.mark.parametrize(
    ("call", "told"),
    [("", ["missing-argument"]), ("key = var.key", []), ("key = null", ["missing-argument"]), ('key = "alias/a"', [])],
)
def test_a_default_of_null_that_a_call_leaves_stands(tmp_path: Path, call: str, told: list[str]) -> None:
    """Nobody else can give a value to the variable of a called module; to that of the root module somebody can."""
    text = 'variable "key" {\n  default = null\n}\n'
    alias = 'resource "aws_kms_alias" "a" {\n  target_key_id = var.key\n}\n'
    main = text + f'module "m" {{\n  source = "./m"\n  {call}\n}}\n'
    assert codes(tmp_path, main_tf=main, m__main_tf=text + alias) == told


def test_arguments_of_any_version_are_known(tmp_path: Path) -> None:
    """Of version 4 only, of 5 only, of 6 only."""
    text = """
resource "aws_db_instance" "a" {
  name           = "orders"
  instance_class = "db.t4g.medium"
  region         = "eu-west-1"
}
resource "aws_s3_bucket" "a" {
  versioning {
    enabled = true
  }
}
resource "aws_ecs_task_definition" "a" {
  family                = "a"
  container_definitions = "[]"
  inference_accelerator {
    device_name = "d"
    device_type = "eia1.medium"
  }
}
"""
    assert codes(tmp_path, main_tf=text) == []


def test_json_syntax(tmp_path: Path) -> None:
    """Objects are blocks or maps as the schema says; null is no block."""
    text = """{"resource": {
      "aws_kms_key": {"a": {"tags": {"Name": "x"}, "timeouts": null, "description": "x"}},
      "aws_s3_bucket_versioning": {"b": {"bucket": "b", "versioning_configuration": {"status": "Enabled"}}},
      "aws_cloudwatch_metric_alarm": {"c": {"alarm_name": "x", "comparison_operator": "LessThanThreshold",
        "evaluation_periods": 1, "dimensions": {"QueueName": "q"}}},
      "aws_glue_job": {"d": {"name": "x", "role_arn": "arn:aws:iam::111122223333:role/x", "command": {"script_location": "s3://b/x"},
        "default_arguments": {"--enable-metrics": ""}, "execution_property": [], "tags": {}}},
      "aws_autoscaling_group": {"e": {"max_size": 1, "min_size": 1, "dynamic": {"tag": [{"for_each": {"Name": "x"},
        "content": {"key": "${tag.key}", "value": "${tag.value}", "propagate_at_launch": true}}]}}}
    }}"""
    assert codes(tmp_path, main_tf_json=text) == []
    assert codes(tmp_path, main_tf_json=text.replace("description", "descriptions")) == ["unknown-argument"]


def test_the_newest_version_is_told(tmp_path: Path) -> None:
    """Who uses a newer one sees that the program does not know it."""
    assert codes(tmp_path, main_tf='resource "aws_kms_kee" "a" {}\n') == ["unknown-resource-type"]
    assert ".".join(map(str, newest())) in problems(tmp_path)[0][3]
