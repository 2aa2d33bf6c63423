"""Files are read inside the checkout only, and once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kmsguard.model.declaration import Problem
from kmsguard.model.source import Source
from kmsguard.syntax.files import LARGEST, Files
from kmsguard.syntax.hcl.nodes import HclFile


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that is the working directory, with a file beside it."""
    root = tmp_path / "checkout"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.tf").write_text("x = 1\n")
    (tmp_path / "checkout-2").mkdir()
    (tmp_path / "checkout-2" / "a.tf").write_text("x = 1\n")
    (root / "sub" / "a.tf").write_text("x = 1\n")
    monkeypatch.chdir(root)
    return root


def problem(found: Source | HclFile | Problem) -> tuple[str, int, int]:
    """Code and place of a problem."""
    assert isinstance(found, Problem)
    assert found.level == "error"
    return found.code, found.line, found.column


def test_a_file_is_read_once(checkout: Path) -> None:
    """The same Source each time, also by another spelling of its path, whatever happens to the file meanwhile."""
    files = Files(".")
    first = files.read("sub/a.tf")
    assert isinstance(first, Source)
    assert (first.path, first.text) == ("sub/a.tf", "x = 1\n")
    (checkout / "sub" / "a.tf").unlink()
    assert files.read("./sub/../sub/a.tf") is first


@pytest.mark.usefixtures("checkout")
def test_a_file_is_parsed_once() -> None:
    """The same tree each time."""
    files = Files(".")
    tree = files.hcl("sub/a.tf")
    assert isinstance(tree, HclFile)
    assert list(tree.body.attributes) == ["x"]
    assert files.hcl("sub/a.tf") is tree
    assert problem(files.hcl("sub/b.tf"))[0] == "unreadable"


def test_a_byte_order_mark_and_line_ends(checkout: Path) -> None:
    """The mark is no part of the text; line ends stay as they are."""
    (checkout / "b.tf").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 2\r")
    source = Files(".").read("b.tf")
    assert isinstance(source, Source)
    assert source.text == "a = 1\r\nb = 2\r"


@pytest.mark.parametrize(
    ("content", "place"),
    [(b"a\nb \xe9", (2, 3)), (b"\xff\xfea\x00", (1, 1)), (b"\xef\xbb\xbf\xc3\xa9\xff", (1, 2))],
    ids=["latin", "utf-16", "mark"],
)
def test_what_is_not_utf8(checkout: Path, content: bytes, place: tuple[int, int]) -> None:
    """The problem stands at the first byte that cannot be read."""
    (checkout / "b.tf").write_bytes(content)
    assert problem(Files(".").read("b.tf")) == ("not-utf8", *place)


@pytest.mark.parametrize(
    "path", ["../secret.tf", "sub/../../secret.tf", "../checkout-2/a.tf", "/etc/passwd", "link.tf", "folder/secret.tf"]
)
def test_what_lies_outside(checkout: Path, path: str) -> None:
    """Nothing outside of the checkout is read, by whatever way a path leads there."""
    (checkout / "link.tf").symlink_to("../secret.tf")
    (checkout / "folder").symlink_to("..")
    assert problem(Files(".").read(path)) == ("outside-checkout", 1, 1)
    assert not Files(".").contains(path)


def test_links_inside(checkout: Path) -> None:
    """A link that stays inside is read, and so is a checkout that is reached by a link."""
    (checkout / "link.tf").symlink_to("sub/a.tf")
    (checkout.parent / "other").symlink_to("checkout")
    inside = Files(".").read("link.tf")
    assert isinstance(inside, Source)
    assert inside.path == "link.tf"
    assert isinstance(Files("../other").read("../other/sub/a.tf"), Source)
    assert isinstance(Files(str(checkout)).read("sub/a.tf"), Source)
    assert Files(".").contains("not/there.tf")


def test_what_cannot_be_read(checkout: Path) -> None:
    """What is not there, a folder, a pipe that never ends, a name that none can have, a file too large for a template."""
    os.mkfifo(checkout / "pipe")
    with (checkout / "large").open("wb") as large:
        large.truncate(LARGEST + 1)
    (checkout / "loop").symlink_to("loop")
    for path in ("none.tf", "sub", "pipe", "a\0b", "large", "loop"):
        assert problem(Files(".").read(path)) == ("unreadable", 1, 1), path
