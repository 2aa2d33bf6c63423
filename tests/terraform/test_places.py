"""Places, comments, and what belongs to a declaration besides its values."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmsguard.model.declaration import Declaration, Unit, UnitSettings, UnitSource
from kmsguard.model.value import Text, Value
from kmsguard.syntax.json import parse_json
from kmsguard.terraform import read

CASES = Path(__file__).parent / "cases"


def read_text(folder: Path, text: str, name: str = "main.tf") -> Unit:
    """A root module of one file."""
    (folder / name).write_text(text, encoding="utf-8")
    return read(UnitSource(str(folder), "terraform", boundary=str(folder)))


def declaration(unit: Unit, address: str) -> Declaration:
    """The declaration of an address."""
    return next(d for d in unit.declarations if d.address == address)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_literal_runs_stand_where_they_say(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a text whose place is as long as itself reads there, letter for letter; every place lies in a known file."""
    monkeypatch.chdir(CASES / case)
    root = "root" if Path("root").is_dir() else "."
    unit = read(UnitSource(root, "terraform"))
    checked = 0
    for one in unit.declarations:
        for value in one.body.walk():
            for span in (value.span, value.place):
                if span is not None:
                    assert span.file in unit.sources, (one.address, span)
            if isinstance(value.data, Text):
                for piece in value.data.pieces:
                    checked += plain_run(unit, piece)
    assert checked > 0 or case not in ("templates", "symbolic")


def plain_run(unit: Unit, piece: Value) -> int:
    """1 where a piece is a plain run of a line and reads there."""
    span = piece.span
    if span is None or not isinstance(piece.data, str) or span.start_line != span.end_line:
        return 0
    if span.end_column - span.start_column != len(piece.data):
        return 0
    assert unit.sources[span.file].slice(span) == piece.data
    return 1


def test_policy_in_heredoc_has_places(tmp_path: Path) -> None:
    """The JSON inside of a heredoc leads to the lines of the heredoc, past holes and de-indentation."""
    unit = read_text(
        tmp_path,
        'variable "env" {}\n'
        'resource "aws_iam_policy" "p" {\n'
        "  policy = <<-EOT\n"
        "    {\n"
        '      "Statement": [\n'
        '        {"Effect": "Allow", "Resource": "arn:aws:s3:::${var.env}/*", "Action": "kms:*"}\n'
        "      ]\n"
        "    }\n"
        "  EOT\n"
        "}\n",
    )
    policy = declaration(unit, "aws_iam_policy.p").body.members["policy"]
    document, problems = parse_json(policy)
    assert problems == []
    assert document is not None
    (statement,) = document.members["Statement"].items
    action = statement.members["Action"]
    assert action.span is not None
    assert action.span.start_line == 6
    assert unit.sources[action.span.file].slice(action.span).strip('"') == "kms:*"
    resource = statement.members["Resource"].data
    assert isinstance(resource, Text)
    assert [piece.data for piece in resource.pieces if isinstance(piece.data, str)] == ["arn:aws:s3:::", "/*"]


def test_policy_in_template_file_has_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON of a template file leads to the lines of that file."""
    monkeypatch.chdir(CASES / "templates")
    unit = read(UnitSource(".", "terraform"))
    document, problems = parse_json(declaration(unit, "aws_iam_policy.file").body.members["policy"])
    assert problems == []
    assert document is not None
    second = document.members["Statement"].items[1]
    assert second.span is not None
    assert (second.span.file, second.span.start_line) == ("policies/key.json.tftpl", 5)


def test_encoded_policy_leads_to_the_expressions(tmp_path: Path) -> None:
    """What jsonencode encoded has the places of the expressions, entries of objects and elements of lists included."""
    unit = read_text(
        tmp_path,
        'locals {\n  action = "kms:*"\n}\n'
        'resource "aws_iam_policy" "p" {\n'
        "  policy = jsonencode({\n"
        "    Statement = [\n"
        "      {\n"
        '        Effect = "Allow"\n'
        "        Action = local.action\n"
        "      },\n"
        "    ]\n"
        "  })\n"
        "}\n",
    )
    policy = declaration(unit, "aws_iam_policy.p").body.members["policy"]
    assert isinstance(policy.data, Text)
    assert policy.text == '{"Statement":[{"Action":"kms:*","Effect":"Allow"}]}'
    assert policy.data.encodes is not None
    (statement,) = policy.data.encodes.members["Statement"].items
    assert statement.place is not None
    assert (statement.place.start_line, statement.place.end_line) == (7, 10)
    action = statement.members["Action"]
    assert action.place is not None
    assert action.span is not None
    assert (action.place.start_line, action.span.start_line) == (9, 2)
    assert action.trail is not None
    assert (action.trail.what, action.trail.name) == ("local", "local.action")


def test_comments_belong_to_what_they_stand_on(tmp_path: Path) -> None:
    """Comments in the lines right above a block, on its first line and inside it belong to it; others do not."""
    unit = read_text(
        tmp_path,
        "# not this one\n"
        "\n"
        "# above, first\n"
        "// above, second\n"
        'resource "aws_kms_key" "k" { # on the head\n'
        "  /* inside */\n"
        '  description = "x" # on the argument\n'
        "} # behind the end\n"
        'resource "aws_kms_key" "next" {}\n'
        'variable "v" { default = 1 } # trailing\n'
        'resource "aws_kms_key" "last" {}\n',
    )
    texts = {d.address: [comment.text for comment in d.comments] for d in unit.declarations}
    assert texts == {
        "var.v": ["# trailing"],
        "aws_kms_key.k": [
            "# above, first",
            "// above, second",
            "# on the head",
            "/* inside */",
            "# on the argument",
            "# behind the end",
        ],
        "aws_kms_key.next": [],
        "aws_kms_key.last": [],
    }
    (file,) = unit.comments
    assert len(unit.comments[file]) == 8


def test_comments_of_calls(tmp_path: Path) -> None:
    """What comes from a module carries the comments of the block that calls it, outermost first."""
    (tmp_path / "m" / "inner").mkdir(parents=True)
    (tmp_path / "m" / "main.tf").write_text('module "inner" { # inner\n  source = "./inner"\n}\n', encoding="utf-8")
    (tmp_path / "m" / "inner" / "main.tf").write_text('resource "aws_kms_key" "k" {}\n', encoding="utf-8")
    unit = read_text(tmp_path, '# outer\nmodule "m" {\n  source = "./m"\n}\n')
    calls = declaration(unit, "module.m.module.inner.aws_kms_key.k").calls
    assert [(call.address, [c.text for c in call.comments], call.downloaded) for call in calls] == [
        ("module.m", ["# outer"], False),
        ("module.m.module.inner", ["# inner"], False),
    ]
    assert calls[0].span.start_line == 2


def test_comment_objects_of_json() -> None:
    """The comment object of a block in JSON syntax is its metadata."""
    unit = read(UnitSource(str(CASES / "json-syntax"), "terraform", boundary=str(CASES / "json-syntax")))
    metadata = declaration(unit, 'aws_s3_bucket.b["a"]').metadata
    assert metadata is not None
    (ignored,) = metadata.members["kmsguard"].members["ignore"].items
    assert ignored.members["code"].text == "KG201"


def test_blocks_and_heads(tmp_path: Path) -> None:
    """A declaration knows its block and the first line of it; nested blocks know theirs."""
    unit = read_text(tmp_path, 'resource "aws_s3_bucket" "b" {\n  versioning {\n    enabled = true\n  }\n}\n')
    bucket = declaration(unit, "aws_s3_bucket.b")
    assert (bucket.span.start_line, bucket.span.end_line, bucket.span.end_column) == (1, 5, 2)
    assert (bucket.head.start_line, bucket.head.end_line, bucket.head.end_column) == (1, 1, 31)
    (versioning,) = bucket.body.members["versioning"].items
    assert versioning.place is not None
    assert (versioning.place.start_line, versioning.place.end_line) == (2, 4)
    enabled = versioning.members["enabled"]
    assert enabled.place is not None
    assert enabled.place.start_line == 3


def test_files_that_took_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit names every file that it read: modules, variable files, policies and templates."""
    monkeypatch.chdir(CASES / "templates")
    assert read(UnitSource(".", "terraform")).files == (
        "main.tf",
        "policies/key.json.tftpl",
        "policies/keys.yaml",
        "policies/plain.json",
    )
    monkeypatch.chdir(CASES / "variables-precedence")
    assert read(UnitSource(".", "terraform")).files == (
        "a.auto.tfvars",
        "b.auto.tfvars.json",
        "main.tf",
        "terraform.tfvars",
        "terraform.tfvars.json",
    )


def test_a_module_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is called ten times is parsed once."""
    from kmsguard.syntax.hcl import parser

    parsed: list[str] = []
    real = parser.parse

    def counting(source: object) -> object:
        parsed.append(source.path)  # type: ignore[attr-defined]
        return real(source)  # type: ignore[arg-type]

    monkeypatch.setattr(parser, "parse", counting)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "main.tf").write_text(
        'variable "n" {}\nresource "aws_kms_key" "k" {\n  description = var.n\n}\n', encoding="utf-8"
    )
    calls = "".join(f'module "m{n}" {{\n  source = "./m"\n  n = {n}\n}}\n' for n in range(10))
    unit = read_text(tmp_path, calls)
    assert len([d for d in unit.declarations if d.mode == "managed"]) == 10
    assert sorted(Path(path).name for path in parsed) == ["main.tf", "main.tf"]


def test_no_terraform_files(tmp_path: Path) -> None:
    """A folder without Terraform files is a problem and an empty unit."""
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert unit.declarations == ()
    assert [problem.code for problem in unit.problems] == ["no-terraform"]


def test_only_file_cannot_be_read(tmp_path: Path) -> None:
    """Where the only Terraform file of a folder is no text, that is said of it, and not that there are none."""
    (tmp_path / "main.tf").write_bytes(b"\xff\xfer\x00")
    unit = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path)))
    assert [(problem.code, Path(problem.file).name) for problem in unit.problems] == [("not-utf8", "main.tf")]


def test_principals_of_a_policy_document_know_their_way(tmp_path: Path) -> None:
    """What a principal is, is said at the call of the module, however many lists and dynamic blocks lie between."""
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "main.tf").write_text(
        """
variable "readers" { type = list(string) }

data "aws_iam_policy_document" "key" {
  dynamic "statement" {
    for_each = length(var.readers) > 0 ? [var.readers] : []
    content {
      actions   = ["kms:Decrypt"]
      resources = ["*"]
      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

resource "aws_kms_key" "this" { policy = data.aws_iam_policy_document.key.json }
""",
        encoding="utf-8",
    )
    for readers in (["*"], ["arn:aws:iam::111122223333:root"], ["111122223333", "444455556666"]):
        listed = ", ".join(f'"{reader}"' for reader in readers)
        unit = read_text(tmp_path, f'module "key" {{\n  source  = "./key"\n  readers = [{listed}]\n}}\n')
        policy = declaration(unit, "module.key.aws_kms_key.this").body.members["policy"]
        document, _ = parse_json(policy)
        assert document is not None
        (statement,) = document.members["Statement"].items or (document.members["Statement"],)
        principal = statement.members["Principal"]
        named = principal if principal.text else principal.members["AWS"]
        for one in named.items or (named,):
            assert one.trail is not None, readers
            steps = one.trail.chain()
            assert [(step.what, step.name, step.span.start_line if step.span else 0) for step in steps] == [
                ("module input", "module.key.var.readers", 3),
                ("dynamic block", "statement", 6),
                ("policy document", "module.key.data.aws_iam_policy_document.key", 4),
            ]


def test_variable_files_outside_of_the_checkout(tmp_path: Path) -> None:
    """A variable file that is named on the command line may lie anywhere; functions of the code read inside only."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    outside = tmp_path / "prod.tfvars"
    outside.write_text('name = "prod"\n', encoding="utf-8")
    (checkout / "main.tf").write_text(
        'variable "name" {}\noutput "name" { value = var.name }\noutput "file" { value = file("../prod.tfvars") }\n',
        encoding="utf-8",
    )
    settings = UnitSettings(variable_files=(str(outside),))
    unit = read(UnitSource(str(checkout), "terraform", settings, boundary=str(checkout)))
    assert unit.outputs["name"].text == "prod"
    assert unit.outputs["file"].text is None
    assert [problem.code for problem in unit.problems] == ["outside-checkout"]


def test_a_template_that_only_encodes_leads_into_what_it_encodes(tmp_path: Path) -> None:
    """`${jsonencode(…)}` and a line end: the documented way to write JSON in a template file. Each member stands at its line.

    See https://developer.hashicorp.com/terraform/language/functions/templatefile#generating-json-or-yaml-from-a-template.
    """
    (tmp_path / "policy.tftpl").write_text("${jsonencode({\n  Statement = [{ Principal = who }]\n})}\n", encoding="utf-8")
    unit = read_text(tmp_path, 'resource "aws_kms_key" "k" { policy = templatefile("policy.tftpl", { who = "*" }) }\n')
    policy = declaration(unit, "aws_kms_key.k").body.members["policy"]
    assert policy.text == '{"Statement":[{"Principal":"*"}]}\n'
    document, problems = parse_json(policy)
    assert document is not None
    assert not problems
    (statement,) = document.members["Statement"].items
    principal = statement.members["Principal"]
    assert principal.place is not None
    assert principal.span is not None
    assert (Path(principal.place.file).name, principal.place.start_line) == ("policy.tftpl", 2)
    assert Path(principal.span.file).name == "main.tf"


@pytest.mark.parametrize(
    ("call", "columns"),
    [
        ('split(",", "a,b")[1]', (11, 28)),
        ('csvdecode("a,b\\n1,2\\n")[0].b', (21, 33)),
        ('regex("(.)(.)", "ab")[1]', (11, 32)),
        ('regexall("(?P<x>.)", "ab")[1].x', (11, 37)),
        ('chunklist(split(",", "a,b"), 1)[1][0]', (21, 38)),
    ],
)
def test_parts_that_a_function_makes(tmp_path: Path, call: str, columns: tuple[int, int]) -> None:
    """What a function takes out of a text stands where the call, or the text, does."""
    (tmp_path / "main.tf").write_text(f'output "o" {{\n  value = {call}\n}}\n', encoding="utf-8")
    value = read(UnitSource(str(tmp_path), "terraform", boundary=str(tmp_path))).outputs["o"]
    assert value.span is not None
    assert (value.span.start_line, value.span.start_column, value.span.end_column) == (2, *columns)
