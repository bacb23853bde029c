"""Captions in a library: what is said of its sounds is added to it, and found by its words."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import LibraryError, SettingError
from hark.data import manifest
from hark.index import said, sqlite
from hark.index.said import SaidHit, SaidRow


@dataclass(frozen=True)
class Added:
    """How many captions of how many files were added, and the files that the library does not hold."""

    captions: int
    files: int
    unknown: tuple[str, ...]


def add(library: Path, captions: Path) -> Added:
    """Adds the captions of a manifest to the library in a folder; those of the same source go.

    The source is the captioner that `hark caption` wrote in the lines, or else the manifest's name.

    Raises DataError for a manifest that is none, LibraryError where there is no library.
    """
    by_source: dict[str, dict[str, list[SaidRow]]] = {}
    for clip in manifest.read(captions):
        of_source = by_source.setdefault(clip.extra.get("model", captions.name), {})
        rows = of_source.setdefault(str(clip.path.absolute()), [])
        end_s = None if clip.duration_s is None else clip.start_s + clip.duration_s
        rows += [SaidRow(clip.start_s, end_s, text) for text in clip.captions]
    owner = sqlite.owner_of(library)
    if owner is None:
        raise LibraryError(f"{library}: no library here yet; make one with `hark index FOLDER`")
    unknown: set[str] = set()
    files: set[str] = set()
    count = 0
    with sqlite.writing(library, owner) as database:
        for source, told in by_source.items():
            resolved = _resolved(told)
            left = set(said.put(database, resolved, source=source))
            files |= resolved.keys() - left
            unknown |= left
            count += sum(len(rows) for path, rows in resolved.items() if path not in left)
    return Added(count, len(files), tuple(sorted(unknown)))


def find(library: Path, text: str, *, k: int = 10, per_file: bool = True) -> list[SaidHit]:
    """The `k` captions of a library that answer to the words best; with `per_file` each file answers once.

    No model is needed. Raises SettingError, LibraryError.
    """
    if k < 1:
        raise SettingError(f"search: the {k} best; ask for at least 1")
    with sqlite.reading(library) as database:
        hits = said.find(database, text)
        return list(itertools.islice(said.first_of_each(hits) if per_file else hits, k))


def _resolved(told: Mapping[str, list[SaidRow]]) -> dict[str, list[SaidRow]]:
    """By the folders' full paths, as the library knows its files; a link to a file is known by its own name."""
    made: dict[str, list[SaidRow]] = {}
    for path, rows in told.items():
        place = Path(path)
        made.setdefault(str(place.parent.resolve() / place.name), []).extend(rows)
    return made
