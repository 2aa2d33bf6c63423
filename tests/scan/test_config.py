"""The configuration file."""

import os
from pathlib import Path

import pytest

from kmsguard.model.finding import UsageError
from kmsguard.scan import config
from kmsguard.scan.settings import AddressSuppression, PathPattern, RuleOverride, Settings, Trust, UnitEntry

WHOLE = """\
profile: strict
fail_on: high
unknown: report
trust: {accounts: ["222233334444", 012345670123], organizations: [o-abcdefghij]}
units:
  - {path: infra/prod, account: "111122223333", region: eu-west-1, var_files: [prod.tfvars], workspace: prod}
  - {path: "stacks/*.yaml", parameters: stacks/prod.json}
rules:
  KG401: {severity: high}
  KG2: {enabled: false, paths: ["sandbox/**"]}
suppress:
  - {code: KG501, address: "module.vendor.*", reason: "vendor's module, ticket 4711", until: 2027-03-31}
"""

WHOLE_TOML = """\
[project]
name = "infra"

[tool.kmsguard]
profile = "strict"
fail_on = "high"
unknown = "report"
trust = {accounts = ["222233334444", "012345670123"], organizations = ["o-abcdefghij"]}

[[tool.kmsguard.units]]
path = "infra/prod"
account = "111122223333"
region = "eu-west-1"
var_files = ["prod.tfvars"]
workspace = "prod"

[[tool.kmsguard.units]]
path = "stacks/*.yaml"
parameters = "stacks/prod.json"

[tool.kmsguard.rules]
KG401 = {severity = "high"}
KG2 = {enabled = false, paths = ["sandbox/**"]}

[[tool.kmsguard.suppress]]
code = "KG501"
address = "module.vendor.*"
reason = "vendor's module, ticket 4711"
until = 2027-03-31
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _loaded(text, name=".kmsguard.yaml"):
    Path(name).write_text(text, encoding="utf-8")
    return config.load(name)


def _mistakes(text, name=".kmsguard.yaml"):
    with pytest.raises(UsageError) as caught:
        _loaded(text, name)
    return str(caught.value).splitlines()


def _without_places(settings):
    import msgspec

    def bare(items):
        return tuple(msgspec.structs.replace(item, place=None) for item in items)

    return msgspec.structs.replace(
        settings, units=bare(settings.units), rules=bare(settings.rules), suppress=bare(settings.suppress), config=None
    )


@pytest.mark.parametrize(("text", "name"), [(WHOLE, ".kmsguard.yaml"), (WHOLE_TOML, "pyproject.toml")])
def test_every_key_of_the_documented_example_is_read_from_yaml_and_toml(text, name):
    """An account that begins with a zero and a day stay the texts that are written."""
    assert _without_places(_loaded(text, name)) == Settings(
        profile="strict",
        fail_on="high",
        unknown="report",
        trust=Trust(("222233334444", "012345670123"), ("o-abcdefghij",)),
        units=(
            UnitEntry(PathPattern("infra/prod", "."), "111122223333", "eu-west-1", "prod", ("prod.tfvars",)),
            UnitEntry(PathPattern("stacks/*.yaml", "."), parameters=("stacks/prod.json",)),
        ),
        rules=(
            RuleOverride("KG401", severity="high"),
            RuleOverride("KG2", enabled=False, paths=(PathPattern("sandbox/**", "."),)),
        ),
        suppress=(AddressSuppression("KG501", "module.vendor.*", "vendor's module, ticket 4711", "2027-03-31"),),
    )


MISTAKES = [
    ("profil: strict\n", ["1:1: the configuration has no key `profil`; did you mean `profile`?"]),
    ("profile: lax\n", ["1:1: `profile` must be one of essential, recommended, strict"]),
    ("profile: strict\nfail_on:\n  - high\n", ["2:1: `fail_on` must be one of critical, high, medium, low, info, never"]),
    ("trust:\n  accounts: [1234]\n", ["2:14: `accounts` must be an account: twelve digits, in quotes"]),
    ("trust: [a]\n", ["1:1: `trust` must be a map"]),
    ("units:\n  - {account: '111122223333'}\n", ["2:5: an element of `units` needs the key `path`"]),
    (
        "units:\n  - path: a\n    regio: eu-west-1\n    account: x\n",
        [
            "3:5: an element of `units` has no key `regio`; did you mean `region`?",
            "4:5: `account` must be an account: twelve digits, in quotes",
        ],
    ),
    ("rules: {KG401: {severity: worst}}\n", ["1:17: `severity` must be one of critical, high, medium, low, info"]),
    ("rules: {KG401: {enabled: maybe}}\n", ["1:17: `enabled` must be true or false"]),
    ("rules: [KG401]\n", ["1:1: `rules` must be a map from rules to what changes in them"]),
    (
        "suppress:\n  - {code: KG401, address: a, until: 2027-02-30}\n",
        [
            "2:5: an element of `suppress` needs the key `reason`",
            "2:31: `until` must be a day, YYYY-MM-DD",
        ],
    ),
    ("- profile\n", ["1:1: the configuration must be a map"]),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_column(text, expected):
    """All mistakes of a file are told at once, each at the entry that a person would edit."""
    assert _mistakes(text) == [f".kmsguard.yaml:{line}" for line in expected]


def test_broken_yaml_is_told_with_its_place():
    """A syntax error has the place that the YAML parser tells."""
    assert _mistakes("profile: strict\ntrust: {accounts: [\n")[0].startswith(".kmsguard.yaml:3:1: ")


TOML_MISTAKES = [
    ("[tool.kmsguard]\nprofil = 'strict'\n", "2:1: the configuration has no key `profil`; did you mean `profile`?"),
    ("[tool.kmsguard.rules.KG401]\n\nseverity = 'worst'\n", "3:1: `severity` must be one of critical, high, medium, low, info"),
    (
        "[[tool.kmsguard.units]]\npath = 'a'\n[[tool.kmsguard.units]]\nregion = 'eu-west-1'\n",
        "3:3: an element of `units` needs",
    ),
    ("[tool.kmsguard]\nprofile =\n", "2:10: Invalid value"),
]


@pytest.mark.parametrize(("text", "expected"), TOML_MISTAKES)
def test_a_mistake_in_pyproject_is_told_at_its_line(text, expected):
    """The standard library tells no places of TOML keys; the line is found all the same."""
    assert _mistakes(text, "pyproject.toml")[0].startswith(f"pyproject.toml:{expected}")


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n"])
def test_an_empty_file_is_no_mistake(text):
    """An empty configuration says nothing."""
    assert _loaded(text) == Settings(config=".kmsguard.yaml")


def test_a_file_that_is_not_utf8_is_told():
    """The configuration is UTF-8."""
    Path(".kmsguard.yaml").write_bytes(b"profile: \xff\n")
    with pytest.raises(UsageError, match="is not UTF-8"):
        config.load(".kmsguard.yaml")


def test_the_nearest_folder_counts(tmp_path):
    """The search begins where all paths lie, and ends at the root of the checkout."""
    deep = tmp_path / "repo" / "infra" / "prod"
    deep.mkdir(parents=True)
    (tmp_path / ".kmsguard.yaml").touch()
    (tmp_path / "repo" / ".git").mkdir()
    assert config.find((str(deep),)) is None
    (tmp_path / "repo" / "pyproject.toml").write_text("[tool.kmsguard]\n")
    assert config.find((str(deep),)) == "repo/pyproject.toml"
    (tmp_path / "repo" / "infra" / ".kmsguard.yaml").touch()
    assert config.find((str(deep), str(deep.parent))) == "repo/infra/.kmsguard.yaml"
    assert config.find((str(deep), str(tmp_path / "repo"))) == "repo/pyproject.toml"


def test_a_pyproject_that_does_not_speak_of_us_is_passed_over():
    """Only `[tool.kmsguard]` makes a pyproject.toml a configuration."""
    Path("pyproject.toml").write_text("[tool.ruff]\n")
    assert config.find((".",)) is None


def test_paths_count_from_the_folder_of_the_file():
    """The same file means the same wherever the program is started."""
    os.makedirs("a/b")
    settings = _loaded("baseline: known.json\nexclude: [old]\nunits: [{path: x}]\n", "a/.kmsguard.yaml")
    assert settings.baseline == "a/known.json"
    assert settings.exclude == (PathPattern("old", "a"),)
    assert settings.units[0].path == PathPattern("x", "a")


def test_the_command_line_goes_first_and_what_adds_up_is_added():
    """A profile is replaced, trusted accounts are added."""
    before = Settings(profile="strict", trust=Trust(("111122223333",)), exclude=(PathPattern("a"),), select=("KG4",))
    given = {"profile": "essential", "trust": Trust(("222233334444",)), "exclude": (PathPattern("b"),), "select": ("KG5",)}
    joined = config.join(before, given)
    assert joined.profile == "essential"
    assert joined.trust.accounts == ("111122223333", "222233334444")
    assert joined.exclude == (PathPattern("a"), PathPattern("b"))
    assert joined.select == ("KG5",)
