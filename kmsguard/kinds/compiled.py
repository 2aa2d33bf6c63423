"""Tables that are compiled from YAML files once and read back in milliseconds."""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from kmsguard import __version__

T = TypeVar("T")

FORMAT = 1


class _Stored(msgspec.Struct, array_like=True):
    """A file of the cache: what it was made from, and the table, encoded by itself."""

    key: str
    table: msgspec.Raw


def cache_directory() -> Path:
    """The folder for files of ours that can be made again: `$XDG_CACHE_HOME/kmsguard`, else what the platform uses."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen) / "kmsguard"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "kmsguard" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "kmsguard"
    return Path.home() / ".cache" / "kmsguard"


def load_compiled(name: str, files: Sequence[str], type_: type[T], compile: Callable[[], T]) -> T:  # noqa: A002
    """A table of `type_` (a msgspec type), from the cache where none of its files has changed, else compiled and stored.

    Args:
        name: of the table: tables of different names do not meet in the cache.
        files: the paths of all files that the table is made from; path, size and time of change are the key, with the
            version of kmsguard.
        type_: what `compile` returns.
        compile: makes the table from the files. What it raises is not caught.

    A cache that cannot be read or written is passed over without a word: it only saves time.
    """
    key = _key(files)
    if key is None:
        return compile()
    file = f"{name}-{_digest(files)}.msgpack"
    try:
        stored = msgspec.msgpack.decode((cache_directory() / file).read_bytes(), type=_Stored)
        if stored.key == key:
            return msgspec.msgpack.decode(stored.table, type=type_)
    except (OSError, RuntimeError, msgspec.MsgspecError):  # RuntimeError: no home folder
        pass
    table = compile()
    # what is not a table of msgspec types is a mistake of ours, so encoding stands outside what is passed over
    raw = msgspec.Raw(msgspec.msgpack.encode(table))
    with contextlib.suppress(OSError, RuntimeError):
        _store(cache_directory(), file, _Stored(key, raw))
    return table


def _key(files: Sequence[str]) -> str | None:
    """What a table was made from; None where a file cannot be looked at."""
    parts = [f"{FORMAT} {__version__} {msgspec.__version__}"]
    try:
        for file in files:
            stat = Path(file).stat()
            parts.append(f"{Path(file).absolute()} {stat.st_size} {stat.st_mtime_ns}")
    except OSError:
        return None
    return "\n".join(parts)


def _digest(files: Sequence[str]) -> str:
    """A short name for a list of paths: checkouts and rule packs side by side do not push each other out."""
    return format(zlib.crc32("\n".join(str(Path(file).absolute()) for file in files).encode()), "08x")


def _store(directory: Path, file: str, stored: _Stored) -> None:
    """Writes beside and renames: a reader sees the old file or the new one, never half of one."""
    from tempfile import mkstemp

    directory.mkdir(parents=True, exist_ok=True)
    descriptor, name = mkstemp(dir=directory, prefix=file, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(msgspec.msgpack.encode(stored))
        temporary.replace(directory / file)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
