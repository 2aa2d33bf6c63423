"""Which units some paths stand for."""

import os
from pathlib import Path

import pytest

from kmsguard.scan.discover import discover
from kmsguard.scan.settings import PathPattern, Settings, UnitEntry

KEY = 'resource "aws_kms_key" "a" {}\n'
TEMPLATE = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n"
CALL = 'module "m" {{\n  source = "{}"\n}}\n'


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "repo").mkdir()
    monkeypatch.chdir(tmp_path / "repo")


def _make(files, *, checkout=True):
    if checkout:
        os.makedirs(".git")
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


def _units(*paths, **settings):
    return [(f.source.path, f.source.dialect) for f in discover(paths, Settings(**settings)).found if f.sure]


def _paths(*named, **settings):
    return [path for path, _ in _units(*named, **settings)]


FOLDERS = [
    ("a folder of Terraform files is a root module", {"main.tf": KEY}, ["."], ["."]),
    ("also in JSON, and OpenTofu's", {"a/x.tf.json": "{}", "b/x.tofu": KEY, "c/x.tofu.json": "{}"}, ["."], ["a", "b", "c"]),
    ("a template is a unit", {"a.yaml": TEMPLATE, "b/c.template": TEMPLATE}, ["."], ["a.yaml", "b/c.template"]),
    ("other YAML and JSON is passed over", {"a.yaml": "on: push\n", "package.json": '{"name": "x"}'}, ["."], []),
    (
        "a module that another one calls is no unit",
        {"live/main.tf": CALL.format("../modules/kms"), "modules/kms/main.tf": KEY},
        ["."],
        ["live"],
    ),
    (
        "also where a module calls it",
        {"a/main.tf": CALL.format("./b"), "a/b/main.tf": CALL.format("./c"), "a/b/c/main.tf": KEY},
        ["."],
        ["a"],
    ),
    (
        "also where .tf.json calls it",
        {"a/main.tf.json": '{"module": {"m": {"source": "./b"}}}', "a/b/main.tf": KEY},
        ["."],
        ["a"],
    ),
    (
        "a call in a comment calls nothing",
        {"a/main.tf": '# module "m" {\n#   source = "../b"\n# }\n', "b/main.tf": KEY},
        ["."],
        ["a", "b"],
    ),
    (
        "a source of another block calls nothing",
        {"a/main.tf": 'resource "aws_s3_object" "o" {\n  source = "../b"\n}\n', "b/main.tf": KEY},
        ["."],
        ["a", "b"],
    ),
    (
        "a called module that is named is a unit",
        {"live/main.tf": CALL.format("../kms"), "kms/main.tf": KEY},
        ["kms", "live"],
        ["kms", "live"],
    ),
    (
        "callers count up to the root of the checkout",
        {"live/main.tf": CALL.format("../modules/kms"), "modules/kms/main.tf": KEY, "modules/new/main.tf": KEY},
        ["modules"],
        ["modules/new"],
    ),
    (
        "vendored folders are not searched",
        {f"{name}/x/main.tf": KEY for name in (".terraform", "node_modules", ".git", ".terragrunt-cache", "venv")},
        ["."],
        [],
    ),
    ("unless one is named", {".terraform/modules/x/main.tf": KEY}, [".terraform/modules/x"], [".terraform/modules/x"]),
    ("what is named twice is one unit", {"a/main.tf": KEY}, [".", "a", "./a/"], ["a"]),
    (
        "a module repository and its examples",
        {"main.tf": KEY, "examples/x/main.tf": CALL.format("../..")},
        ["."],
        [".", "examples/x"],
    ),
]


@pytest.mark.parametrize(("fact", "files", "named", "expected"), FOLDERS, ids=[row[0] for row in FOLDERS])
def test_a_folder_is_searched_for_units(fact, files, named, expected):
    """The first column is the fact."""
    _make(files)
    assert _paths(*named) == expected, fact


IGNORED = [
    ("a pattern for a folder", {".gitignore": "build/\n"}, ["build/a.yaml", "src/build/a.yaml"], ["src/a.yaml"]),
    ("a pattern from the root", {".gitignore": "/build\n"}, ["build/a.yaml"], ["src/build/a.yaml"]),
    ("a pattern for files", {".gitignore": "*.gen.yaml\n"}, ["a.gen.yaml"], ["a.yaml"]),
    ("an exception", {".gitignore": "*.yaml\n!keep.yaml\n"}, ["a.yaml"], ["keep.yaml"]),
    ("a file further down", {"x/.gitignore": "a.yaml\n"}, ["x/a.yaml", "x/y/a.yaml"], ["a.yaml"]),
    ("the nearest file counts", {".gitignore": "a.yaml\n", "x/.gitignore": "!a.yaml\n"}, ["a.yaml"], ["x/a.yaml"]),
]


@pytest.mark.parametrize(("fact", "ignoring", "out", "kept"), IGNORED, ids=[row[0] for row in IGNORED])
def test_what_gitignore_excludes_is_not_scanned(fact, ignoring, out, kept):
    """The first column is the fact."""
    _make({**ignoring, **dict.fromkeys([*out, *kept], TEMPLATE)})
    assert _paths(".") == sorted(kept), fact


def test_gitignore_of_the_checkout_counts_in_a_folder_below():
    """A scan of a folder finds what a scan of the checkout finds there."""
    _make({".gitignore": "*.gen.yaml\n", "a/x.gen.yaml": TEMPLATE, "a/x.yaml": TEMPLATE})
    assert _paths("a") == ["a/x.yaml"]


def test_an_ignored_folder_that_is_named_is_scanned():
    """Whoever names it means it."""
    _make({".gitignore": "build/\n", "build/a.yaml": TEMPLATE})
    assert _paths("build") == ["build/a.yaml"]
    assert _paths("build/a.yaml") == ["build/a.yaml"]


EXCLUDED = [
    ("examples", [".", "a.yaml", "x/b.yaml"]),
    ("*.yaml", [".", "examples/e"]),
    ("x/**", [".", "a.yaml", "examples/e"]),
    ("./a.yaml", [".", "examples/e", "x/b.yaml"]),
]


@pytest.mark.parametrize(("pattern", "kept"), EXCLUDED)
def test_what_is_excluded_is_not_scanned(pattern, kept):
    """`--exclude` reads patterns as .gitignore does."""
    _make({"main.tf": KEY, "a.yaml": TEMPLATE, "x/b.yaml": TEMPLATE, "examples/e/main.tf": KEY})
    assert _paths(".", exclude=(PathPattern(pattern),)) == kept


def test_an_excluded_file_that_is_named_is_passed_over():
    """A hook names the changed files, also those that the user excludes."""
    _make({"a.yaml": TEMPLATE})
    discovery = discover(["a.yaml"], Settings(exclude=(PathPattern("a.yaml"),)))
    assert (discovery.found, discovery.problems) == ((), ())


FILES = [
    ("a configuration file stands for its root module", {"a/main.tf": KEY, "a/x.tf": KEY}, "a/x.tf", ["a"]),
    (
        "of a module for the roots that call it",
        {"p/main.tf": CALL.format("../m"), "q/main.tf": CALL.format("../m"), "m/main.tf": KEY, "r/main.tf": KEY},
        "m/main.tf",
        ["p", "q"],
    ),
    (
        "also through other modules",
        {"p/main.tf": CALL.format("../m"), "m/main.tf": CALL.format("./n"), "m/n/main.tf": KEY},
        "m/n/main.tf",
        ["p"],
    ),
    ("a template stands for itself", {"a.yaml": TEMPLATE}, "a.yaml", ["a.yaml"]),
]


@pytest.mark.parametrize(("fact", "files", "named", "expected"), FILES, ids=[row[0] for row in FILES])
def test_a_file_stands_for_the_units_that_read_it(fact, files, named, expected):
    """The first column is the fact; only what touches the file is reported."""
    _make(files)
    discovery = discover([named], Settings())
    assert [f.source.path for f in discovery.found if f.sure] == expected, fact
    assert {f.only for f in discovery.found} == {frozenset({named})}


READERS = [
    (
        "a policy file",
        {"p.json": "{}", "a/main.tf": 'locals {\n  x = file("../p.json")\n}\n', "b/main.tf": KEY},
        "p.json",
        ["a"],
    ),
    ("a variable file", {"a/main.tf": KEY, "a/b.auto.tfvars": "x = 1\n"}, "a/b.auto.tfvars", ["a"]),
    (
        "a nested template",
        {"n.yaml": TEMPLATE, "a.yaml": TEMPLATE + "  N: {TemplateURL: ./n.yaml}\n", "b.yaml": TEMPLATE},
        "n.yaml",
        ["a.yaml", "n.yaml"],
    ),
    ("an included file", {"i.json": "{}", "a.yaml": TEMPLATE + "  # i.json\n", "b.yaml": TEMPLATE}, "i.json", ["a.yaml"]),
]


@pytest.mark.parametrize(("fact", "files", "named", "expected"), READERS, ids=[row[0] for row in READERS])
def test_units_that_may_read_a_named_file_are_tried(fact, files, named, expected):
    """Whether they do turns out when they are read; the first column is the file."""
    _make(files)
    assert [f.source.path for f in discover([named], Settings()).found] == expected, fact


def test_a_file_is_reported_whole_where_its_folder_is_named_too():
    """The wider of two wishes counts."""
    _make({"a/main.tf": KEY})
    (found,) = discover(["a/main.tf", "a"], Settings()).found
    assert found.only is None


def test_a_path_that_does_not_exist_is_an_error_and_the_others_are_scanned():
    """A slip of the pen must not look like a clean scan."""
    _make({"a.yaml": TEMPLATE})
    discovery = discover(["nowhere", "a.yaml"], Settings())
    assert [(p.level, p.code, p.file) for p in discovery.problems] == [("error", "no-such-file", "nowhere")]
    assert [f.source.path for f in discovery.found] == ["a.yaml"]


def test_a_folder_without_units_is_told():
    """Nothing was found, and that is no failure."""
    _make({"docs/readme.yaml": "a: b\n"})
    (problem,) = discover(["docs"], Settings()).problems
    assert (problem.level, problem.code, problem.file) == ("warning", "nothing-to-scan", "docs")


def test_a_folder_of_called_modules_says_where_they_are_judged():
    """Otherwise it would look like a clean scan."""
    _make({"live/main.tf": CALL.format("../modules/kms"), "modules/kms/main.tf": KEY})
    (problem,) = discover(["modules"], Settings()).problems
    assert "modules/kms is called by live and judged there" in problem.message


def test_without_a_checkout_the_folder_is_the_boundary_unless_it_lies_below_the_working_directory():
    """A module beside the folder is read where the user stands above both, and fingerprints do not hang on where they stand."""
    _make({"live/main.tf": CALL.format("../kms"), "kms/main.tf": KEY}, checkout=False)
    (found,) = discover(["live"], Settings()).found
    assert (found.source.boundary, found.root) == (".", "live")
    os.chdir("live")
    (found,) = discover(["."], Settings()).found
    assert (found.source.path, found.source.boundary, found.root) == (".", ".", ".")
    os.chdir("..")
    assert [f.source.path for f in discover(["kms/main.tf"], Settings()).found] == ["live"]


def test_paths_are_relative_to_the_working_directory():
    """Also above it."""
    _make({"a/main.tf": KEY, "b/c.yaml": TEMPLATE})
    os.chdir("b")
    assert _paths("../a", os.path.abspath("c.yaml")) == ["../a", "c.yaml"]


def test_a_link_is_not_followed_into_a_folder():
    """A link to a folder above would never end."""
    _make({"a/x.yaml": TEMPLATE})
    os.symlink("..", "a/up", target_is_directory=True)
    assert _paths(".") == ["a/x.yaml"]


def test_standard_input_is_a_template_of_either_language():
    """What it is shows in what it says."""
    found = [discover(["-"], Settings(), text).found[0].source for text in (TEMPLATE, KEY, "\ufeff" + TEMPLATE)]
    assert [(s.path, s.dialect, s.text) for s in found] == [
        ("-", "cloudformation", TEMPLATE),
        ("-", "terraform", KEY),
        ("-", "cloudformation", TEMPLATE),
    ]


PLAN = '{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{},"resource_changes":[]}'


def test_a_plan_is_recognised():
    """Named, in a folder and on standard input; what other commands write as JSON, and any other JSON, is none."""
    other = {"validate.json": '{"format_version":"1.0","valid":true}', "schema.json": '{"format_version":"1.0","values":1}'}
    _make({"plan.json": PLAN, **other})
    for found in (discover(["plan.json"], Settings()), discover(["."], Settings()), discover(["-"], Settings(), PLAN)):
        assert [(f.source.path, f.source.dialect) for f in found.found] in (
            [("plan.json", "terraform-plan")],
            [("-", "terraform-plan")],
        )
        assert found.problems == ()


def test_a_plan_larger_than_any_template_is_recognised():
    """Its beginning says what it is."""
    Path("plan.json").write_text(PLAN[:-1] + " " * 17_000_000 + "}", encoding="utf-8")
    assert [f.source.dialect for f in discover(["."], Settings()).found] == ["terraform-plan"]


def test_a_unit_is_deployed_with_what_the_configuration_says():
    """An entry for each environment makes a unit for each; the command line goes first."""
    _make({"a/main.tf": KEY, "a/prod.tfvars": "", "s/x.yaml": TEMPLATE, "s/p.json": "{}", "b/main.tf": KEY})
    settings = Settings(
        region="eu-central-1",
        variable_files=("cli.tfvars",),
        units=(
            UnitEntry(PathPattern("a"), account="111122223333", var_files=("prod.tfvars",), workspace="prod"),
            UnitEntry(PathPattern("a"), account="444455556666", region="eu-west-1"),
            UnitEntry(PathPattern("s/*.yaml"), parameters=("s/p.json",)),
        ),
    )
    found = [f.source for f in discover(["."], settings).found]
    told = [(s.path, s.settings.account, s.settings.region, s.settings.workspace, s.settings.variable_files) for s in found]
    assert told == [
        ("a", "111122223333", "eu-central-1", "prod", ("a/prod.tfvars", "cli.tfvars")),
        ("a", "444455556666", "eu-central-1", "default", ("cli.tfvars",)),
        ("b", None, "eu-central-1", "default", ("cli.tfvars",)),
        ("s/x.yaml", None, "eu-central-1", "default", ()),
    ]
    assert found[-1].settings.parameter_files == ("s/p.json",)


def test_a_file_that_the_configuration_names_and_that_is_not_there_is_an_error():
    """It is told at its place in the configuration."""
    from kmsguard.model.source import Span

    _make({"a/main.tf": KEY})
    entry = UnitEntry(PathPattern("a"), var_files=("prod.tfvars",), place=Span(".kmsguard.yaml", 2, 5, 2, 30))
    (problem,) = discover(["a"], Settings(units=(entry,))).problems
    assert (problem.level, problem.code, problem.file, problem.line, problem.column) == (
        *("error", "no-such-file", ".kmsguard.yaml"),
        *(2, 5),
    )
    assert "a/prod.tfvars" in problem.message


def test_what_is_no_file_is_not_waited_for():
    """A named pipe that is called like code never ends; it is a problem, and the rest is read."""
    from kmsguard.scan.run import scan

    _make({"main.tf": KEY})
    os.mkfifo("pipe.tf")
    os.mkfifo("pipe.json")
    report = scan(["."], Settings())
    assert [(p.code, p.file) for p in report.errors] == [("unreadable", "pipe.tf")]
    assert report.summary.resources == 1
