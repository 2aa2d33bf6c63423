"""Scans, from paths to the report."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import kmsguard.scan.read
from kmsguard import Settings, scan
from kmsguard.model.finding import UsageError
from kmsguard.output import render
from kmsguard.scan.run import exit_status
from kmsguard.scan.settings import AddressSuppression, PathPattern, RuleOverride, UnitEntry

PACK = str(Path(__file__).parents[1] / "cli" / "pack")
RULE = "ACME401"
KEY = 'resource "aws_kms_key" "a" {}\n'
TEMPLATE = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties: {KeyPolicy: {}}\n"
OPEN = 'variable "rotate" {\n  type = bool\n}\n\nresource "aws_kms_key" "a" {\n  enable_key_rotation = var.rotate\n}\n'


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo")


def _make(files):
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def _settings(**more):
    return Settings(**{"rule_dirs": (PACK,), "select": (RULE,), "today": "2026-06-01"} | more)


def _scan(*paths, executor=None, **more):
    return scan(paths or ["."], _settings(**more), executor)


def _told(report):
    return [(f.code, f.verdict, f.resource.address, f.location.file, f.location.start_line) for f in report.findings]


def test_two_hash_seeds_and_any_number_of_processes_give_the_same_bytes():
    """Nothing on the way to the report hangs on the order of a set or on who is done first."""
    _make(
        {f"m{number}/main.tf": OPEN.replace('"a"', f'"k{number}"') for number in range(6)} | {"t.yaml": TEMPLATE, "x.tf": "x {"}
    )
    command = [sys.executable, "-m", "kmsguard", "scan", ".", "--rules", PACK, "--unknown", "report", "--show-passed"]
    reports = set()
    for seed, jobs, form in (
        ("0", "1", "json"),
        ("1", "1", "json"),
        ("2", "2", "json"),
        ("0", "1", "sarif"),
        ("7", "2", "sarif"),
    ):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(kmsguard.__file__).parents[1])}
        done = subprocess.run([*command, "--format", form, "--jobs", jobs], env=environment, capture_output=True, check=False)
        assert done.returncode == 2, done.stderr
        tree = json.loads(done.stdout)
        if form == "json":
            assert len(tree["findings"]) >= 7
            del tree["summary"]["duration_seconds"]
        reports.add((form, json.dumps(tree)))
    assert sorted(form for form, _ in reports) == ["json", "sarif"]


def test_any_executor_serves():
    """Whoever has an engine of their own hands out the units to it."""
    _make({"a/main.tf": KEY, "b/main.tf": KEY, "t.yaml": TEMPLATE})
    with ThreadPoolExecutor(2) as pool:
        assert _told(_scan(executor=pool)) == _told(_scan())


STATUSES = [
    ({"main.tf": 'resource "aws_kms_key" "a" {\n  enable_key_rotation = true\n}\n'}, {}, 0),
    ({"main.tf": KEY}, {}, 1),
    ({"main.tf": KEY}, {"fail_on": "high"}, 0),
    ({"main.tf": KEY}, {"fail_on": "never"}, 0),
    ({"main.tf": KEY}, {"min_severity": "high"}, 0),
    ({"main.tf": KEY}, {"rules": (RuleOverride(RULE, severity="high"),), "fail_on": "high"}, 1),
    ({"main.tf": KEY}, {"rules": (RuleOverride("ACME", enabled=False),)}, 0),
    ({"main.tf": KEY}, {"rules": (RuleOverride("key-rotation", enabled=False, paths=(PathPattern("x/**"),)),)}, 1),
    ({"main.tf": KEY}, {"suppress": (AddressSuppression(RULE, "aws_kms_key.*", "known"),)}, 0),
    ({"main.tf": OPEN}, {}, 0),
    ({"main.tf": OPEN}, {"unknown": "report"}, 0),
    ({"main.tf": OPEN}, {"unknown": "fail"}, 1),
    ({"main.tf": OPEN}, {"strict_input": True}, 2),
    ({"main.tf": KEY, "t.yaml": "Resources:\n  Key: {Type: AWS::KMS::Key\n"}, {}, 2),
    ({"main.tf": KEY, "t.yaml": "Resources:\n  Key: {Type: AWS::KMS::Key\n"}, {"fail_on": "never"}, 2),
]


@pytest.mark.parametrize(("files", "settings", "status"), STATUSES)
def test_the_exit_status(files, settings, status):
    """0: nothing at or above --fail-on; 1: something; 2: something could not be read, whatever was found."""
    _make(files)
    assert exit_status(_scan(**settings), _settings(**settings)) == status


def test_a_bug_around_one_unit_leaves_the_others_alone(monkeypatch):
    """It is our fault, it is an error, and it shows nothing of the input."""
    _make({"a/main.tf": KEY, "b/main.tf": KEY})
    read_unit = kmsguard.scan.read.read_unit

    def break_down(source):
        if source.path == "a":
            raise ValueError("hunter2hunter2")
        return read_unit(source)

    monkeypatch.setattr(kmsguard.scan.read, "read_unit", break_down)
    report = _scan()
    assert _told(report) == [(RULE, "fail", "aws_kms_key.a", "b/main.tf", 1)]
    (problem,) = report.errors
    assert (problem.level, problem.code, problem.file) == ("error", "internal-error", "a")
    assert "our fault" in problem.message
    assert "hunter2" not in problem.message


def test_a_bug_in_building_one_unit_leaves_the_others_alone(monkeypatch):
    """The unit that breaks is found, told and left out."""
    import kmsguard.kinds.build as module

    _make({"a/main.tf": KEY, "b/main.tf": KEY})
    build = module.build

    def break_down(units, kinds):
        if any(unit.path == "a" for unit in units):
            raise ValueError("x")
        return build(units, kinds)

    monkeypatch.setattr(module, "build", break_down)
    report = _scan()
    assert _told(report) == [(RULE, "fail", "aws_kms_key.a", "b/main.tf", 1)]
    assert [(p.code, p.file) for p in report.errors] == [("internal-error", "a")]


def test_a_unit_is_judged_in_each_of_its_environments_and_what_they_share_is_told_once():
    """Linked units stand beside each of them."""
    text = OPEN + '\nresource "aws_kms_key" "always" {}\n'
    _make({"a/main.tf": text, "a/prod.tfvars": "rotate = true\n", "a/dev.tfvars": "rotate = false\n", "b/main.tf": KEY})
    entries = [UnitEntry(PathPattern("a"), var_files=(f"{name}.tfvars",)) for name in ("prod", "dev")]
    report = _scan(units=tuple(entries))
    assert [(f.resource.unit, f.resource.address) for f in report.findings] == [
        ("a", "aws_kms_key.a"),
        ("a", "aws_kms_key.always"),
        ("b", "aws_kms_key.a"),
    ]
    assert len({f.fingerprint for f in report.findings}) == 3
    prod = _scan(units=tuple(entries[:1]))
    assert [(f.resource.unit, f.resource.address) for f in prod.findings] == [
        ("a", "aws_kms_key.always"),
        ("b", "aws_kms_key.a"),
    ]


def test_a_fingerprint_survives_edits_elsewhere_and_another_working_directory():
    """It is made of nothing that an unrelated edit or the user's place changes."""
    _make({"infra/main.tf": KEY})
    (before,) = _scan("infra").findings
    _make({"infra/main.tf": f"# more\n\n{KEY}", "other.yaml": TEMPLATE})
    after = next(f for f in _scan(".").findings if f.resource.unit == "infra")
    os.chdir("infra")
    (elsewhere,) = _scan(".").findings
    assert before.fingerprint == after.fingerprint == elsewhere.fingerprint
    assert elsewhere.resource.unit == "."


def test_an_unknown_keeps_its_fingerprint_when_it_is_decided():
    """A baseline that was written before a variable was given knows the finding."""
    _make({"main.tf": OPEN})
    (unknown,) = _scan(unknown="report").findings
    (failed,) = _scan(variables=(("rotate", "false"),)).findings
    assert (unknown.verdict, failed.verdict) == ("unknown", "fail")
    assert unknown.fingerprint == failed.fingerprint


def test_a_baseline_hides_what_was_there_and_nothing_else():
    """A finding at another address of the same file is new."""
    from kmsguard.scan.baseline import write

    _make({"main.tf": KEY})
    Path("known.json").write_text(write(_scan().findings), encoding="utf-8")
    _make({"main.tf": KEY + 'resource "aws_kms_key" "b" {}\n'})
    report = _scan(baseline="known.json")
    assert [(f.resource.address, f.suppression is None) for f in report.findings] == [
        ("aws_kms_key.a", False),
        ("aws_kms_key.b", True),
    ]
    assert (report.summary.findings, report.summary.suppressed) == (1, 1)


def test_a_finding_in_a_downloaded_module_is_placed_at_the_call():
    """The place must be in a file that the user has; so is everything that took part."""
    _make(
        {
            "main.tf": 'module "m" {\n  source  = "acme/kms/aws"\n  version = "1.0.0"\n}\n',
            ".terraform/modules/modules.json": json.dumps(
                {
                    "Modules": [
                        {
                            "Key": "m",
                            "Source": "registry.terraform.io/acme/kms/aws",
                            "Version": "1.0.0",
                            "Dir": ".terraform/modules/m",
                        }
                    ]
                }
            ),
            ".terraform/modules/m/main.tf": 'variable "r" {\n  default = false\n}\n\nresource "aws_kms_key" "a" {\n'
            "  enable_key_rotation = var.r\n}\n",
        }
    )
    (finding,) = _scan().findings
    assert (finding.resource.address, finding.location.file, finding.location.start_line) == (
        "module.m.aws_kms_key.a",
        "main.tf",
        1,
    )
    assert {place.location.file for place in (*finding.related, *finding.flow)} <= {"main.tf"}


NOT_READ = [
    ("notes.md", b"# notes\n", "not-a-template"),
    ("ci.yaml", b"on: push\n", "not-a-template"),
    ("empty.json", b"", "not-a-template"),
    ("picture.png", b"\x89PNG\r\n\x1a\n\x00", "not-a-template"),
    ("latin.tf", b'resource "aws_kms_key" "a" {\n  description = "\xe9"\n}\n', "not-utf8"),
    ("latin.yaml", TEMPLATE.encode() + b"# \xe9\n", "not-utf8"),
    ("open.tf", b'resource "aws_kms_key" "a" {\n', "hcl-syntax"),
    ("broken.tf.json", b'{"resource": ', "json-syntax"),
    ("broken.json", b'{"Resources": {"Key": {"Type": "AWS::KMS::Key", }', "json-syntax"),
    ("tabs.yaml", b"Resources:\n\tKey:\n\t\tType: AWS::KMS::Key\n", "yaml-syntax"),
    ("plan.json", b'{"format_version": "1.2", "planned_values": {', "json-syntax"),
    ("newer.json", b'{"format_version": "2.0", "planned_values": {}}', "plan-version"),
]


@pytest.mark.parametrize(("name", "content", "code"), NOT_READ, ids=[row[0] for row in NOT_READ])
def test_an_input_that_cannot_be_read_is_an_error_with_a_code(name, content, code):
    """Status 2, and the other inputs are still reported in full."""
    Path(name).write_bytes(content)
    _make({"other/main.tf": KEY, "beside.tf": KEY})
    report = _scan(name, "other")
    assert ("error", code, name) in [(p.level, p.code, p.file) for p in report.errors]
    assert ("other", "aws_kms_key.a") in [(f.resource.unit, f.resource.address) for f in report.findings]
    assert exit_status(report, _settings()) == 2


READABLE = [
    ("bom.tf", b"\xef\xbb\xbf" + KEY.encode()),
    ("bom.yaml", b"\xef\xbb\xbf" + TEMPLATE.encode()),
    ("crlf.tf", KEY.encode().replace(b"\n", b"\r\n")),
    ("crlf.yaml", TEMPLATE.encode().replace(b"\n", b"\r\n")),
]


@pytest.mark.parametrize(("name", "content"), READABLE, ids=[row[0] for row in READABLE])
def test_marks_of_windows_are_read(name, content):
    """A byte order mark and its line ends change nothing."""
    Path(name).write_bytes(content)
    report = _scan(name)
    assert report.errors == ()
    assert len(report.findings) == 1


def test_a_password_that_is_a_word_garbles_no_advice():
    """What a rule says to do holds nothing of the input, so nothing in it is masked; the password is, where it stands."""
    _make({"main.tf": 'resource "aws_db_instance" "a" {\n  password = "encryption"\n}\n'})
    (finding,) = scan(["."], Settings(select=("KG201",), today="2026-06-01")).findings
    assert "Switch encryption on" in finding.remediation
    assert 'password = "encryption"' not in render(scan(["."], Settings(select=("KG101",), today="2026-06-01")), "text")


def test_secrets_are_in_no_format():
    """A scan that is not asked for secrets shows none of those beside the key."""
    secret = "Winter-2024-Winter!"
    database = f'resource "aws_db_instance" "a" {{\n  password = "{secret}"\n}}\n'
    key = f'resource "aws_kms_key" "b" {{ description = "password={secret}" }}\n'
    _make({"main.tf": database + key})
    for more in ({}, {"select": (RULE, "plaintext-secret"), "profile": "strict", "unknown": "report"}):
        report = _scan(**more)
        assert report.findings
        for form in ("text", "json", "sarif", "junit", "github", "gitlab", "markdown", "html"):
            assert secret not in render(report, form, show_suppressed=True, show_passed=True), form


def test_a_selection_that_stands_for_no_rule_is_bad_usage():
    """A slip of the pen must not look like a clean scan."""
    with pytest.raises(UsageError, match="`KG4O1`"):
        _scan(select=("KG4O1",))


def test_without_settings_the_configuration_is_read():
    """`kmsguard.scan(paths)` does what the command line does."""
    _make({"main.tf": KEY, ".kmsguard.yaml": f"select: [{RULE}]\nrule_dirs: ['{PACK}']\nprofile: strict\n"})
    report = scan(["."])
    assert (report.profile, [f.code for f in report.findings]) == ("strict", [RULE])


def test_a_value_is_undeclared_where_no_root_module_that_it_is_given_to_declares_it():
    """`--var` and `--var-file` count for all roots of a scan: a name that one of them declares is no mistake."""
    _make(
        {
            "a/main.tf": 'variable "x" {}\n',
            "b/main.tf": 'variable "y" {}\n',
            "b/terraform.tfvars": "own = 1\n",
            "all.tfvars": "x = 1\ny = 2\nz = 3\n",
        }
    )
    report = _scan(variables=(("x", "1"), ("w", "1")), variable_files=("all.tfvars",))
    assert [(p.level, p.code, p.file, p.line) for p in report.errors] == [
        ("error", "undeclared-variable", "a", 1),
        ("warning", "undeclared-variable", "all.tfvars", 3),
        ("warning", "undeclared-variable", "b/terraform.tfvars", 1),
    ]
    assert [p.code for p in _scan("b", variables=(("x", "1"), ("y", "1"))).errors if p.level == "error"] == [
        "undeclared-variable"
    ]


@pytest.mark.parametrize(
    ("paths", "levels"), [(("b/main.tf",), ["warning"]), (("a/main.tf", "b/main.tf"), []), (("b",), ["error"])], ids=str
)
def test_a_value_for_another_root_module_than_those_of_the_named_files_is_no_error(paths, levels):
    """A hook gets the changed files and the options of the whole checkout: which files those are decides no exit status."""
    _make({"a/main.tf": 'variable "x" {}\n', "b/main.tf": 'variable "y" {}\n'})
    errors = _scan(*paths, variables=(("x", "1"), ("y", "1"))).errors
    assert [p.level for p in errors if p.code == "undeclared-variable"] == levels
