"""Files written whole or not at all, their hashes, and the folders where hark keeps things."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hark.core.errors import SettingError


@contextlib.contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed over it when the block ends well, removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)  # mkstemp makes files that only the owner reads
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def refuse_unwritable(folder: Path) -> None:
    """Sees that a folder can be made, or written to, before long work that ends in it; makes nothing.

    Raises SettingError.
    """
    there = folder.expanduser().absolute()
    while not (there.exists() or there.is_symlink()):
        there = there.parent
    if not there.is_dir():
        raise SettingError(f"{folder}: cannot be written, {there} is no folder; give another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SettingError(f"{folder}: cannot be written, {there} is not yours to write to; give another place")


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    with write_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """The file's SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where things are kept that can be made again: HARK_CACHE, or the user's cache folder."""
    own = os.environ.get("HARK_CACHE")
    return Path(own) if own else _user_folder("XDG_CACHE_HOME", ".cache")


def data_folder() -> Path:
    """Where the user's own libraries are kept: HARK_HOME, or the user's data folder."""
    own = os.environ.get("HARK_HOME")
    return Path(own) if own else _user_folder("XDG_DATA_HOME", ".local/share")


def _user_folder(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "hark"
