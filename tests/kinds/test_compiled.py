"""The cache of compiled tables: right, quick, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kmsguard.kinds import compiled
from kmsguard.kinds.compiled import load_compiled


class Table(msgspec.Struct):
    """A table to store."""

    words: dict[str, int]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache folder of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kmsguard"


@pytest.fixture
def source(tmp_path) -> Path:
    """A file that a table is made from."""
    path = tmp_path / "words.yaml"
    path.write_text("one", encoding="utf-8")
    return path


def loaded(source: Path, made: list[str], name: str = "words") -> Table:
    """The table, and what it was made from each time that it was."""

    def compile_table() -> Table:
        made.append(source.read_text(encoding="utf-8"))
        return Table({made[-1]: len(made)})

    return load_compiled(name, [str(source)], Table, compile_table)


def test_second_load_does_not_compile(cache, source) -> None:
    """A table is compiled once, and read back equal."""
    made: list[str] = []

    assert loaded(source, made) == loaded(source, made) == Table({"one": 1})
    assert made == ["one"]
    assert [path.suffix for path in cache.iterdir()] == [".msgpack"]


def test_changed_file_is_compiled_again(cache, source) -> None:
    """A file of another size or time of change makes another table."""
    made: list[str] = []
    loaded(source, made)
    source.write_text("four", encoding="utf-8")
    loaded(source, made)
    source.write_text("five", encoding="utf-8")
    os.utime(source, ns=(1, 1))

    assert loaded(source, made).words == {"five": 3}
    assert len(list(cache.iterdir())) == 1


@pytest.mark.usefixtures("cache")
def test_other_version_compiles_again(source, monkeypatch) -> None:
    """Another version of kmsguard does not read what this one wrote."""
    made: list[str] = []
    loaded(source, made)
    monkeypatch.setattr(compiled, "__version__", "0.0.0")
    loaded(source, made)

    assert made == ["one", "one"]


def test_tables_do_not_meet(cache, source) -> None:
    """Two tables of the same files have caches of their own."""
    made: list[str] = []
    loaded(source, made, "words")
    loaded(source, made, "rules")

    assert made == ["one", "one"]
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 100, msgspec.msgpack.encode(["key", {}])])
def test_broken_cache_is_passed_over(cache, source, content: bytes) -> None:
    """A cache file that is broken, or another's, is written anew."""
    made: list[str] = []
    loaded(source, made)
    [path] = cache.iterdir()
    path.write_bytes(content)

    assert loaded(source, made).words == {"one": 2}
    assert loaded(source, made).words == {"one": 2}


def test_cache_that_cannot_be_written(tmp_path, source, monkeypatch) -> None:
    """Where the cache cannot be written, everything works without."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    made: list[str] = []

    assert loaded(source, made).words == {"one": 1}
    assert loaded(source, made).words == {"one": 2}


def test_nothing_is_left_half_written(cache, source, monkeypatch) -> None:
    """A write that fails leaves no file behind."""

    def fail(*_arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", fail)
    loaded(source, [])

    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("cache")
def test_what_compiling_raises_is_not_caught(source) -> None:
    """An error of the files is the caller's to see."""

    def compile_table() -> Table:
        raise OSError("cannot be read")

    with pytest.raises(OSError, match="cannot be read"):
        load_compiled("words", [str(source)], Table, compile_table)


def test_loading_needs_no_yaml(tmp_path) -> None:
    """From the cache, the kinds are there without YAML, without the compiler, and in milliseconds."""
    program = """
import time, sys
from kmsguard.kinds.load import load
start = time.perf_counter()
kinds = load()
spent = time.perf_counter() - start
print(len(kinds.kinds), spent, [m for m in ('yaml', 'kmsguard.syntax.yaml', 'kmsguard.kinds.compiling') if m in sys.modules])
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    outputs = [
        subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]

    assert outputs[0].split()[0] == outputs[2].split()[0]
    assert outputs[2].endswith("[]\n")
    assert float(outputs[2].split()[1]) < 0.1  # some 10 ms; the rest is for slow machines


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/kmsguard"),
        ("linux", {"HOME": "/home/u"}, "/home/u/.cache/kmsguard"),
        ("darwin", {"HOME": "/Users/u"}, "/Users/u/Library/Caches/kmsguard"),
        ("win32", {"LOCALAPPDATA": "/l"}, "/l/kmsguard/Cache"),
    ],
)
def test_place_of_the_cache(monkeypatch, platform: str, environment: dict[str, str], expected: str) -> None:
    """The cache is where the platform keeps such files, and where XDG_CACHE_HOME says."""
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)

    assert compiled.cache_directory().as_posix() == expected
