"""Unpacks .zip and .tar: nothing lands outside the folder, no link is made, every file is whole or not there."""

from __future__ import annotations

import contextlib
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from hark.core.errors import DataError
from hark.data.prepare import split_zip

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

Member = tuple[str, int, Callable[[], IO[bytes]]]
"""A file in an archive: its name, its size in bytes, a function that opens it."""


def kind_of(path: Path) -> str:
    """ "zip" or "tar" for what can be unpacked, "" for all else, such as the parts of a split .zip but the last."""
    name = path.name.lower()
    if name.endswith(TARS):
        return "tar"
    return "zip" if name.endswith(".zip") else ""


def whole_of(path: Path) -> Path:
    """The archive that a file is a part of: of `x.z01` it is `x.zip`, of all else the file itself."""
    return path.with_suffix(".zip") if re.fullmatch(r"\.z\d\d+", path.suffix.lower()) else path


def unpack(archive: Path, to: Path) -> int:
    """Writes the files of an archive below `to` and gives their number; a file that is there in its size is kept.

    What an archive links to inside itself becomes a copy. The other parts of a split .zip must lie beside it.

    Raises DataError for a damaged archive, a part that is missing, a full disk, and a member that is no file or would
    lie outside of `to`.
    """
    count = 0
    try:
        with _opened(archive) as members:
            for name, size, read in members:
                target = to.joinpath(*_inside(name, archive))
                count += 1
                if target.is_file() and target.stat().st_size == size:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(read, target)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{archive}: cannot be unpacked ({reason}); fetch it again, or unpack it by hand") from None
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked ({error.strerror or error})") from None
    return count


def _write(read: Callable[[], IO[bytes]], target: Path) -> None:
    part = target.with_name(f".{target.name}.part")  # always of the same name, so that a killed run leaves none behind
    try:
        with read() as source, part.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    if kind_of(archive) == "zip":
        parts = split_zip.parts_of(archive)
        with contextlib.ExitStack() as stack:
            file = archive if len(parts) == 1 else stack.enter_context(split_zip.joined(parts))
            yield _zip_members(stack.enter_context(zipfile.ZipFile(file)))
    else:
        with tarfile.open(archive) as tar:
            yield _tar_members(tar, archive)


def _zip_members(zipped: zipfile.ZipFile) -> Iterator[Member]:
    """Its files; a link in a .zip is a file that holds where it points to, and stays one."""
    for info in zipped.infolist():
        if not info.is_dir() and not info.filename.startswith("__MACOSX/"):
            yield info.filename, info.file_size, lambda info=info: zipped.open(info)  # type: ignore[misc]


def _tar_members(tar: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    for member in tar:
        if member.isdir():
            continue
        try:
            file = tar.extractfile(member)  # follows links, but only to what is in the archive
        except KeyError:
            file = None
        if file is None:
            raise DataError(f"{archive}: '{member.name}' is no file, or a link to nothing in it; unpack it by hand")
        size = member.size if member.isreg() else -1  # that of a link is not told
        yield member.name, size, lambda file=file: file  # type: ignore[misc]


def _inside(name: str, archive: Path) -> tuple[str, ...]:
    """The parts of a member's name."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or re.match(r"[A-Za-z]:", parts[0]):
        raise DataError(f"{archive}: '{name}' would lie outside of the folder; unpack it by hand, if you trust it")
    return parts
