"""Texts that nothing deploys are told to whoever looks for what must not stand in code."""

from __future__ import annotations

from pathlib import Path

from kmsguard.model.declaration import UnitSource
from kmsguard.terraform import read

CODE = """
terraform {
  backend "s3" {
    bucket     = "state"
    secret_key = "in the backend"
  }
}
variable "prod" { default = true }
locals {
  unused = { password = "in a local" }
}
module "missing" {
  source   = "example/db/aws"
  password = "in a call"
}
module "off" {
  source = "./off"
  count  = 0
}
resource "aws_db_instance" "one" {
  identifier = "deployed"
  password   = var.prod ? local.unused.password : "not taken"
}
resource "aws_db_instance" "none" {
  count    = 0
  password = "of none"
  user     = lookup(var.users, "not written here")
}
"""


def test_texts(tmp_path: Path) -> None:
    """Each text stands under the names that it is written under, at its place; what is deployed is not told again."""
    (tmp_path / "off").mkdir()
    (tmp_path / "off" / "main.tf").write_text('resource "aws_db_instance" "off" {\n  password = "of a module of none"\n}\n')
    (tmp_path / "main.tf").write_text(CODE)
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    told = {}
    for declaration in unit.texts:
        for value in declaration.body.walk():
            if value.text is not None:
                assert value.span is not None
                lines = unit.sources[value.span.file].text.splitlines()
                line = lines[value.span.start_line - 1]
                assert line[value.span.start_column - 1 : value.span.end_column - 1] == f'"{value.text}"'
                told[value.text] = declaration.address, declaration.type
    assert told == {
        "state": ("terraform", "terraform"),
        "in the backend": ("terraform", "terraform"),
        "in a local": ("local.unused", "local"),
        "example/db/aws": ("module.missing", "module"),
        "in a call": ("module.missing", "module"),
        "./off": ("module.off", "module"),
        "not taken": ("aws_db_instance.one", "aws_db_instance"),
        "of none": ("aws_db_instance.none", "aws_db_instance"),
        "of a module of none": ("module.off.aws_db_instance.off", "aws_db_instance"),
    }
    password = next(d for d in unit.texts if d.address == "local.unused").body.members["unused"].members["password"]
    assert password.text == "in a local"
