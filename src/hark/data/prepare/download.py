"""Fetches a corpus's public archives and unpacks them; what was fetched or unpacked before is not done again."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.core.fetch import fetch
from hark.core.files import write_text
from hark.core.settings import convert, suggest
from hark.data.card import Archive, Card
from hark.data.prepare.place import opened
from hark.data.prepare.unpack import kind_of, unpack, whole_of

Progress = Callable[[str, int, int | None], None]
"""Hears of the file's name, the bytes that are there and, where it is known, those there will be."""


@dataclass(frozen=True)
class Fetched:
    """An archive that is there; `by_hand` says what to do with one that hark cannot unpack."""

    path: Path
    by_hand: str = ""


def download(
    corpus: str, out: Path, *, options: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> list[Fetched]:
    """Fetches the archives on a corpus's card to `out` and unpacks them there; run again to go on after a cut.

    `options` are settings of the corpus that say which of its versions; without them it is the one that it reads by
    itself. A split archive is unpacked when all its parts are there.

    Raises DataError where nothing of it is public, saying how to get it, an archive cannot be unpacked, or `out` holds
    another version; SettingError, FetchError.
    """
    card = card_of(corpus)
    choice = _choice(corpus, card, options or {})
    archives = [one for one in card.archives if all(choice[key] == value for key, value in one.only.items())]
    asked = ", ".join(f"{key}={value}" for key, value in choice.items())
    if not archives:
        raise DataError(f"{corpus}: hark cannot fetch {card.title}{f' with {asked}' if asked else ''}; {card.get}")
    paths = [out / file_name(archive.url) for archive in archives]
    waiting = Counter(map(whole_of, paths))
    with opened(out):
        _claim(out, corpus, asked)
        for archive, path in zip(archives, paths, strict=True):
            whole = whole_of(path)
            done = out / f".{whole.name}.unpacked"
            waiting[whole] -= 1
            if done.is_file():
                continue
            _fetch(archive, path, progress)
            if kind_of(whole) and not waiting[whole]:
                unpack(whole, out)
                write_text(done, archive.url + "\n")
    return [Fetched(path, _by_hand(path)) for path in paths]


def card_of(corpus: str) -> Card:
    """The card of a corpus.

    Raises SettingError for a name that there is not, DataError for a corpus that has none.
    """
    card: Card | None = getattr(component.module("data.corpora", corpus), "CARD", None)
    if card is None:
        raise DataError(f"{corpus}: not a published corpus; there is nothing to fetch")
    return card


def file_name(url: str) -> str:
    """The name that a file gets: the last part of its address that looks like one ("https://.../a.zip/content")."""
    parts = [unquote(part) for part in urlsplit(url).path.split("/") if part]
    named = [part for part in parts if "." in part] or parts or ["file"]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", named[-1]).lstrip(".") or "file"


def _choice(corpus: str, card: Card, options: Mapping[str, Any]) -> dict[str, str]:
    """The settings that what is fetched depends on: as given, or as the corpus has them by itself.

    Raises SettingError.
    """
    known = dict.fromkeys(key for archive in card.archives for key in archive.only)
    for key in options:
        if key not in known:
            raise SettingError(f"{corpus}.{key}: nothing that is fetched depends on it; {suggest(key, known)}")
    config = component.module("data.corpora", corpus).Config
    hints, defaults = get_type_hints(config), {field.name: field.default for field in dataclasses.fields(config)}
    return {key: convert(hints[key], options.get(key, defaults[key]), where=f"{corpus}.{key}") for key in known}


def _claim(out: Path, corpus: str, asked: str) -> None:
    """Marks the folder with the version that it is for: those of another one have the same names, and would mix.

    Raises DataError where it is for another one.
    """
    stamp = out / f".{corpus}.version"
    before = stamp.read_text(encoding="utf-8").strip() if stamp.is_file() else asked
    if before != asked:
        raise DataError(f"{out}: holds {corpus} with {before}; give another folder for {asked}")
    if asked:
        write_text(stamp, asked + "\n")


def _fetch(archive: Archive, path: Path, progress: Progress | None) -> None:
    if path.is_file() and _is(archive, path):
        return
    fetch(
        archive.url,
        path,
        sha256=archive.sha256,
        md5=archive.md5,
        progress=None if progress is None else lambda have, total: progress(path.name, have, total or archive.size),
    )


def _is(archive: Archive, path: Path) -> bool:
    """Whether a file is the archive; without a hash its size must do, or its name, because it was fetched whole."""
    if archive.size is not None and path.stat().st_size != archive.size:
        return False
    for name, wanted in (("sha256", archive.sha256), ("md5", archive.md5)):
        if wanted is not None:
            with path.open("rb") as file:
                return hashlib.file_digest(file, name).hexdigest() == wanted
    return True


def _by_hand(path: Path) -> str:
    if kind_of(path):
        return ""
    name = path.name
    if re.search(r"\.(7z|rar)(\.\d+)?$", name):
        return f"unpack it by hand: 7z x {name}"
    if re.search(r"\.zip\.\d+$", name):
        return f"a part of a split archive; unpack it by hand: 7z x {path.stem}.001"
    return ""
