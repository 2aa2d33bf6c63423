"""The page about the JSON of the answers says what is printed."""

import json
import re
from pathlib import Path

import msgspec

from kmsguard.answers.keys import keys
from kmsguard.answers.who_can import who_can

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/json.md"
CODE = """
variable "a" { type = string }
resource "aws_iam_role" "a" {
  name = "a"
  assume_role_policy = "{}"
}
resource "aws_kms_key" "a" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = "*", Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { AWS = aws_iam_role.a.arn }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { AWS = var.a }, Action = "kms:*", Resource = "*" },
  ] })
}
resource "aws_sqs_queue" "a" { kms_master_key_id = aws_kms_key.a.arn }
"""


def documented():
    """The keys of each table of the page, in order."""
    tables = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE) for name, text in tables}


def check(tree, name, page):
    """A map has the keys of its table in their order, and so has all that it holds."""
    assert list(tree) == [key for key, _ in page[name]], name
    for key, type_ in page[name]:
        inner = re.search(r"\[(\w+)\]\(#", type_)
        if inner is not None and tree[key] is not None:
            for item in tree[key] if isinstance(tree[key], list) else [tree[key]]:
                check(item, inner.group(1), page)


def test_every_key_that_is_printed_is_in_its_table(read):
    """Of both commands, for a key with users, an open statement and something under it."""
    graphs = read(CODE)
    page = documented()
    inventory, answers = keys(graphs), who_can("kms:Decrypt", graphs, show_denied=True)
    assert inventory.keys[0].users
    assert inventory.keys[0].open_to
    assert inventory.keys[0].protects
    check(json.loads(msgspec.json.encode(inventory)), "Inventory", page)
    check(json.loads(msgspec.json.encode(answers)), "WhoCan", page)
