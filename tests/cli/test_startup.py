"""Nothing is loaded before it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("msgspec", "yaml", "rich", "pathspec", "tomllib", "concurrent.futures", "multiprocessing", "kmsguard.model")


def _loaded(*arguments):
    script = (
        "import sys\nfrom kmsguard.cli import main\n"
        f"status = main({list(arguments)!r})\n"
        "sys.stderr.write(repr((status, sorted(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    status, modules = eval(done.stderr.splitlines()[-1])
    return status, modules, done.stdout


def test_version_loads_the_command_line_only():
    """Asking for the version must not cost what a scan costs."""
    status, modules, out = _loaded("--version")
    ours = {name for name in modules if name.startswith("kmsguard")}
    assert ours == {"kmsguard", "kmsguard.cli", "kmsguard.cli.command_line", "kmsguard.cli.streams"}
    assert not set(modules) & set(HEAVY)
    assert (status, out) == (0, "kmsguard 0.1.0\n")


def test_the_package_loads_nothing_but_what_is_asked_for():
    """`import kmsguard` is free."""
    script = "import sys, kmsguard; print([n for n in sys.modules if n.startswith(('kmsguard.', 'msgspec'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("first", ["", "import kmsguard.scan.paths\n", "from kmsguard.scan import run\n"])
def test_scan_can_be_called_whatever_was_imported_before(first):
    """`kmsguard.scan` is the public function, and the package of the same name."""
    script = (
        f"{first}import kmsguard\nfrom kmsguard import scan, Settings, Report, Finding, UsageError\n"
        "print(callable(scan), scan is kmsguard.scan)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
