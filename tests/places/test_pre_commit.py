"""The hook, run by the real pre-commit program on a temporary repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"

pytestmark = [
    pytest.mark.places,
    pytest.mark.skipif(not PRE_COMMIT.exists(), reason="pre-commit is not installed here"),
]

BROKEN_KEY = 'resource "aws_kms_key" "a" {\n  enable_key_rotation = false\n}\n'
TEMPLATE = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: false\n"


def run(command: list[str], cwd: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command away from the user's own configuration of git and pre-commit."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env |= {"PRE_COMMIT_HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull, "NO_COLOR": "1", "PRE_COMMIT_COLOR": "never"}
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    if command[0] == "git":
        command = ["git", *identity, *command[1:]]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pre-commit's own folder: the hook is installed once for all tests here."""
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    """A repository of two root modules and a template, with the hook installed."""
    head = run(["git", "rev-parse", "HEAD"], ROOT, home).stdout.strip()
    folder = tmp_path / "repository"
    (folder / "infra/modules/key").mkdir(parents=True)
    (folder / "stacks").mkdir()
    (folder / "other").mkdir()
    config = f"repos:\n  - repo: {ROOT}\n    rev: {head}\n    hooks:\n      - id: kmsguard\n"
    (folder / ".pre-commit-config.yaml").write_text(config)
    (folder / "infra/main.tf").write_text('module "key" {\n  source = "./modules/key"\n  rotation = var.rotation\n}\n')
    (folder / "infra/variables.tf").write_text('variable "rotation" {\n  type = bool\n  default = true\n}\n')
    (folder / "infra/modules/key/main.tf").write_text(
        'variable "rotation" {}\nresource "aws_kms_key" "this" {\n  enable_key_rotation = var.rotation\n}\n'
    )
    (folder / "other/main.tf").write_text(BROKEN_KEY)
    (folder / "stacks/key.yaml").write_text(TEMPLATE.replace("false", "true"))
    run(["git", "init", "-q", "-b", "main"], folder, home)
    run(["git", "add", "-A"], folder, home)
    run(["git", "commit", "-q", "--no-verify", "-m", "start"], folder, home)
    assert run([str(PRE_COMMIT), "install"], folder, home).returncode == 0
    return folder


def test_a_changed_variable_file_is_judged_in_the_module_that_it_reaches(repository: Path, home: Path) -> None:
    """A tfvars file that switches rotation off blocks the commit, at the key's attribute; the broken root next to it, which did
    not change, is left alone.
    """
    (repository / "infra/terraform.tfvars").write_text("rotation = false\n")
    run(["git", "add", "-A"], repository, home)

    done = run(["git", "commit", "-q", "-m", "off"], repository, home)

    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "KG401" in output, output
    assert "infra/modules/key/main.tf:3:3" in output, output
    assert "other/main.tf" not in output, output


def test_a_changed_template_is_judged(repository: Path, home: Path) -> None:
    """A CloudFormation template with the flag off blocks the commit."""
    (repository / "stacks/key.yaml").write_text(TEMPLATE)
    run(["git", "add", "-A"], repository, home)

    done = run(["git", "commit", "-q", "-m", "off"], repository, home)

    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "stacks/key.yaml:5:7" in output, output


def test_files_of_both_languages_and_others_pass_when_nothing_is_wrong(repository: Path, home: Path) -> None:
    """A commit of a template, a module and a YAML file that is no template goes through, in one process."""
    (repository / "stacks/key.yaml").write_text(TEMPLATE.replace("false", "true") + "Description: mended\n")
    (repository / "infra/main.tf").write_text((repository / "infra/main.tf").read_text() + "# reviewed\n")
    (repository / "compose.yaml").write_text("services:\n  web:\n    image: nginx\n")
    shutil.copy(ROOT / "LICENSE", repository / "LICENSE")
    run(["git", "add", "-A"], repository, home)

    done = run(["git", "commit", "-q", "-m", "fine"], repository, home)

    assert done.returncode == 0, done.stdout + done.stderr
