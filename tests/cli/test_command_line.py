"""What the command line says of itself, and how it ends."""

import os
import subprocess
import sys
import types

import pytest

from kmsguard.cli import command_line, main
from kmsguard.model.finding import UsageError

MODULE = [sys.executable, "-m", "kmsguard"]


def test_without_a_command_the_help_is_shown_and_the_status_is_2(capsys):
    """It is no success to have done nothing."""
    assert main([]) == 2
    assert "usage: kmsguard" in capsys.readouterr().err


USAGE = [
    (["scna", "."], "invalid choice: 'scna'"),
    (["scan"], "the following arguments are required: PATH"),
    (["scan", "--no-such-option", "."], "unrecognized arguments: --no-such-option"),
    (["scan", "--prof", "strict", "."], "unrecognized arguments: --prof"),
    (["scan", "--profile", "lax", "."], "invalid choice: 'lax'"),
    (["scan", "--fail-on", "worst", "."], "invalid choice: 'worst'"),
    (["scan", "--format", "xml", "."], "invalid choice: 'xml'"),
    (["scan", "-o", "json", "."], "FORMAT=FILE is expected"),
    (["scan", "-o", "xml=a", "."], "FORMAT=FILE is expected"),
    (["scan", "--var", "a", "."], "NAME=VALUE is expected"),
    (["scan", "--account", "123", "."], "'123' is not an account, twelve digits"),
    (["scan", "--trusted-account", "x", "."], "'x' is not an account, twelve digits"),
    (["scan", "--organization", "x", "."], "'x' is not an organization"),
    (["scan", "--region", "europe", "."], "'europe' is not a Region"),
    (["scan", "--today", "2026-02-30", "."], "'2026-02-30' is no day"),
    (["scan", "--jobs", "0", "."], "'0' is no number of processes"),
    (["explain"], "the following arguments are required: CODE|NAME"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_bad_usage_is_status_2_and_says_what_is_wrong(arguments, message, capsys):
    """An option that is not known must never be passed over."""
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


FILES = [
    (["scan", ".", "--var-file", "no.tfvars"], "no.tfvars: there is no such file"),
    (["scan", ".", "--parameters", "no.json"], "no.json: there is no such file"),
    (["scan", ".", "--config", "no.yaml"], "no.yaml: cannot be read: No such file or directory"),
    (["scan", ".", "--rules", "no"], "no: there is no such folder of rules"),
    (["test-rules", "no"], "no: there is no such folder of rules"),
    (["test-rules", "."], ".: there are no rules in this folder"),
]


@pytest.mark.parametrize(("arguments", "message"), FILES, ids=[" ".join(row[0]) for row in FILES])
def test_a_file_that_is_not_there_is_bad_usage(arguments, message, capsys, tmp_path, monkeypatch):
    """It is told by its name."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"kmsguard: {message}\n"


def test_a_selection_that_stands_for_no_rule_is_bad_usage(capsys):
    """The list of rules is asked as a scan is: a misspelled code must not look like a category without rules."""
    assert main(["rules", "--select", "KG999"]) == 2
    assert "no rule has the code, code prefix, name or category `KG999`" in capsys.readouterr().err


def _with_command(monkeypatch, function):
    module = types.SimpleNamespace(add=lambda _: None, run=function)
    monkeypatch.setattr(command_line, "_module", lambda _: module)


def test_a_usage_error_is_status_2(monkeypatch, capsys):
    """Every line of it is told."""

    def fail(_):
        raise UsageError("a.yaml:1:1: one\na.yaml:2:1: two")

    _with_command(monkeypatch, fail)
    assert main(["rules"]) == 2
    assert capsys.readouterr().err == "kmsguard: a.yaml:1:1: one\nkmsguard: a.yaml:2:1: two\n"


def test_an_interrupt_is_status_130(monkeypatch, capsys):
    """As shells have it."""

    def interrupt(_):
        raise KeyboardInterrupt

    _with_command(monkeypatch, interrupt)
    assert main(["rules"]) == 130
    assert capsys.readouterr().err == "kmsguard: interrupted\n"


def test_a_bug_is_status_2_and_shows_no_value(monkeypatch, capsys):
    """Python would end with status 1, which means findings, and print a message that may hold a secret."""

    def break_down(_):
        raise ValueError("hunter2hunter2")

    _with_command(monkeypatch, break_down)
    monkeypatch.delenv("KMSGUARD_DEBUG", raising=False)
    assert main(["rules"]) == 2
    said = capsys.readouterr().err
    assert "our fault" in said
    assert "ValueError" in said
    assert "hunter2" not in said


def test_a_closed_pipe_is_no_failure():
    """`kmsguard rules | head` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        done = subprocess.run([*MODULE, "rules"], stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_full_disk_is_told():
    """Whoever writes a report to a full disk must not think that it is there: status 2, and why."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*MODULE, "rules"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "kmsguard: standard output cannot be written: No space left on device\n")


def test_output_is_utf8_whatever_the_locale():
    """Reports are read by programs."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    script = "from kmsguard.cli import command_line, streams; command_line._speak_utf8(); streams.write('é… \\n')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert done.stdout == "é… \n".encode()


HOSTILE = """\
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Statement: {Sid: "\\e]0;owned\\a", Effect: Allow, Principal: {AWS: "*"}, Action: "kms:*", Resource: "*"}
"""


@pytest.mark.parametrize("command", [["scan"], ["keys"], ["who-can", "kms:Decrypt"], ["evaluate"]], ids=lambda words: words[0])
def test_what_an_input_says_commands_no_terminal(command, tmp_path, monkeypatch, capsys):
    """Escape sequences in texts and in names of files are shown, never sent: they could forge lines and change a terminal."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\x1b[31m.yaml").write_text(HOSTILE)
    main([*command, ".", "no\x1b[31m.yaml"])
    said = capsys.readouterr()
    shown = said.out.replace("\\u001b", "␛")  # JSON has escapes of its own
    assert "a␛[31m.yaml" in shown
    assert "no␛[31m.yaml" in shown + said.err
    assert not {"\x1b", "\a"} & set(said.out + said.err)
