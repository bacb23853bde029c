"""The package that a team submits: the files of up to four systems in one zip; written here, and checked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hark.core.errors import DataError, SettingError
from hark.core.files import write_aside
from hark.eval.dcase import check, metadata
from hark.eval.dcase.check import Defect, Expected
from hark.eval.dcase.editions import MOST_SYSTEMS, Edition, Names

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip
_MOST_BYTES = 1 << 30  # of one file; a matrix of 5,225 queries and 1,045 files has 70 MB
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db")


def pack(out: Path, names: Names) -> Path:
    """Puts all systems of the team that lie in `out` into its zip, whole or not at all."""
    path = out / names.of("package")
    found = (Names(names.edition, names.team, number) for number in range(1, MOST_SYSTEMS + 1))
    with write_aside(path) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as package:
        for one in found:
            folder = PurePosixPath(one.of("folder"))
            for name in (one.of("output"), one.of("metadata"), one.of("report")):
                file = out / folder / name
                if file.is_file():
                    entry = zipfile.ZipInfo(str(folder / name), date_time=_EPOCH)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o644 << 16
                    package.writestr(entry, file.read_bytes())
    return path


def check_package(path: Path, edition: Edition, expected: Expected) -> list[Defect]:
    """Every defect of a package: its layout and names, each system's table and metadata.

    Raises DataError where it cannot be opened.
    """
    try:
        package = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be opened as a zip ({error})") from None
    with package:
        return list(_defects(package, path.name, edition, expected))


def _defects(package: zipfile.ZipFile, name: str, edition: Edition, expected: Expected) -> Iterator[Defect]:
    entries = [entry for entry in package.infolist() if not entry.is_dir()]
    seen: set[str] = set()
    kept = {}
    for entry in entries:
        place = PurePosixPath(entry.filename)
        if entry.filename in seen:
            yield Defect(name, f"'{entry.filename}' is in it twice")
        elif place.is_absolute() or ".." in place.parts or "\\" in entry.filename:
            yield Defect(name, f"'{entry.filename}' lies outside the package; give paths inside it, with /")
        elif set(place.parts) & set(_LITTER):
            yield Defect(name, f"'{entry.filename}' is no part of a submission; leave it out", note=True)
        elif entry.file_size > _MOST_BYTES or entry.flag_bits & 1:
            yield Defect(name, f"'{entry.filename}' is {'encrypted' if entry.flag_bits & 1 else 'above 1 GB'}")
        else:
            kept[entry.filename] = entry
        seen.add(entry.filename)
    outputs = [place for place in map(PurePosixPath, kept) if place.name.endswith(".output.csv")]
    if not outputs:
        wanted = _pattern(edition, edition.output)
        yield Defect(name, f"no system's output in it; it is called {wanted}")
    if len(outputs) > MOST_SYSTEMS:
        yield Defect(name, f"{len(outputs)} systems; a team submits up to {MOST_SYSTEMS}")
    owned: set[str] = set()
    for output in outputs:
        names = _named(output, edition)
        if names is None:
            yield Defect(name, f"'{output}' is not called {_pattern(edition, edition.output)}")
            owned.add(str(output))
            continue
        yield from _system(package, name, output, names, expected, set(kept))
        folder = output.parent
        owned |= {str(folder / names.of(kind)) for kind in ("output", "metadata", "report")}
    for left in sorted(set(kept) - owned):
        yield Defect(name, f"'{left}' belongs to no system in it", note=left.endswith(".pdf"))
    if outputs and not any(one.endswith(".pdf") for one in kept):
        yield Defect(name, f"no technical report; {_pattern(edition, edition.report)}", note=True)


def _system(
    package: zipfile.ZipFile, name: str, output: PurePosixPath, names: Names, expected: Expected, kept: set[str]
) -> Iterator[Defect]:
    folder = PurePosixPath(names.of("folder"))
    if output.parent != folder:
        yield Defect(name, f"'{output}' lies in '{output.parent}'; its place is '{folder}/'")
    for inside, kind in ((output, "output"), (output.parent / names.of("metadata"), "metadata")):
        where = f"{name}/{inside}"
        if str(inside) not in kept:
            yield Defect(name, f"no '{inside}', the metadata of this system")
            continue
        try:
            data = package.read(str(inside))
        except (zipfile.BadZipFile, OSError, RuntimeError) as error:
            yield Defect(where, f"damaged ({error}); pack it again")
            continue
        if kind == "output":
            yield from check.read(data, where, names.edition, expected).defects
        else:
            yield from check_metadata(data, where, label=names.label)


def check_metadata(data: bytes, where: str, *, label: str | None = None) -> Iterator[Defect]:
    """Every defect of a file of metadata."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        yield Defect(f"{where}:{line}", f"byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8")
        return
    yield from metadata.check(text, where, label=label)


def _named(output: PurePosixPath, edition: Edition) -> Names | None:
    """Whose output it is, by its name."""
    before, after = edition.output.replace("{task}", edition.task).removeprefix("{team}").split("{number}")
    name = output.name
    if not name.endswith(after):
        return None
    team, sign, number = name.removesuffix(after).rpartition(before)
    try:
        return Names(edition, team, int(number)) if sign else None
    except (ValueError, SettingError):
        return None


def _pattern(edition: Edition, pattern: str) -> str:
    return pattern.format(team="LASTNAME_INSTITUTE", task=edition.task, number="NUMBER")
