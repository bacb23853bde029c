"""Parquet files in Hugging Face's layout: the bytes of a sound file in each row, and columns that tell of it."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.audio.suffixes import known_suffixes
from hark.core.errors import DataError
from hark.core.files import cache_folder, write_aside
from hark.data.corpora import _columns, _published
from hark.data.records import Clip

ROWS = 64  # read at once: sounds are large
_MAGIC = (
    (b"RIFF", ".wav"),
    (b"RF64", ".wav"),
    (b"fLaC", ".flac"),
    (b"OggS", ".ogg"),
    (b"ID3", ".mp3"),
    (b"\xff", ".mp3"),
)


@dataclass(frozen=True)
class Config:
    """All rows of the Parquet files below `path`, whose own licence holds; needs `hark[parquet]`.

    The column `audio` is a struct of `bytes` (a sound file) and `path` (its name). The sounds are written once to
    `cache` (a folder in hark's own unless given) and only where they are not there yet. The columns `captions` and
    `labels` hold a text or a list of texts, or class numbers that the file's header names; all others go to `extra`.
    Splits are the words in the files' names and folders ("train-00000-of-00002.parquet"); where there are none,
    `resplit` makes LAION-CLAP's 90/10.
    """

    path: str
    splits: tuple[str, ...] = ()
    audio: str = "audio"
    captions: tuple[str, ...] = _columns.CAPTIONS
    labels: tuple[str, ...] = _columns.LABELS
    cache: str = ""

    def build(self) -> list[Clip]:
        """The clips, after what is missing of their sounds has been written.

        Raises DataError where a file cannot be read or a row has no sound.
        """
        wanted: dict[Path, dict[int, Path]] = {}
        clips = []
        for file, row, clip in self._all():
            clips.append(clip)
            if not clip.path.is_file():
                wanted.setdefault(file, {})[row] = clip.path
        kept = {clip.path for clip in _columns.require_splits(clips, self.splits, self.path)}
        for file, targets in wanted.items():
            self._write(file, {row: target for row, target in targets.items() if target in kept})
        return [clip for clip in clips if clip.path in kept]

    def listed(self) -> list[Clip]:
        """Every row as a clip, in the order of the files' names; the id is "data/train-00000-of-00002/7".

        Raises DataError.
        """
        return _columns.require_splits([clip for _, _, clip in self._all()], self.splits, self.path)

    def _all(self) -> Iterator[tuple[Path, int, Clip]]:
        """Each clip with the file and the row that it comes from."""
        folder = _published.root(self.path)
        files = sorted(folder.rglob("*.parquet"))
        if not files:
            raise DataError(f"{folder}: no .parquet file in it; check 'path'")
        for file in files:
            below = file.relative_to(folder).with_suffix("")
            split = _columns.split_of((below.name, *below.parts[:-1]))
            place = self._cache(file)
            opened = _open(file)
            classes = _classes(opened.schema_arrow)
            suffixes = self._suffixes(file, opened)
            for number, values in enumerate(self._values(file, opened)):
                name = (values.pop(self.audio, None) or {}).get("path") or ""
                beside = file.parent / name
                said = {key: _named(value, classes.get(key)) for key, value in values.items()}
                where = f"{file.name}: row {number}"
                told = _columns.others(said, (*self.captions, *self.labels), split)
                clip = Clip(
                    id=f"{below.as_posix()}/{number}",
                    path=beside if name and beside.is_file() else place / f"{number:07d}{suffixes[number]}",
                    captions=_columns.texts(said, self.captions, where),
                    labels=_columns.texts(said, self.labels, where),
                    extra=told | ({"file_name": name} if name else {}),
                )
                yield file, number, clip

    def _values(self, file: Path, opened: Any) -> Iterator[dict[str, Any]]:
        """The rows without the sounds' bytes."""
        schema = opened.schema_arrow
        if self.audio not in schema.names:
            raise DataError(f"{file.name}: no column '{self.audio}'; found: {', '.join(schema.names)}")
        columns = [field.name for field in schema if "binary" not in str(field.type)]
        if any(column.path == f"{self.audio}.path" for column in _leaves(opened)):
            columns.append(f"{self.audio}.path")
        for batch in opened.iter_batches(batch_size=1024, columns=columns):
            if columns:
                yield from batch.to_pylist()
            else:
                yield from ({} for _ in range(batch.num_rows))

    def _suffixes(self, file: Path, opened: Any) -> list[str]:
        """The sounds' endings, from their names, or from their first bytes where a name has none that is known."""
        names = [(values.get(self.audio) or {}).get("path") or "" for values in self._values(file, opened)]
        suffixes = [Path(name).suffix.lower() for name in names]
        if all(suffix in known_suffixes() for suffix in suffixes):
            return suffixes
        starts = [(data or b"")[:4] for data in self._bytes(file, opened)]
        return [
            suffix
            if suffix in known_suffixes()
            else next((end for magic, end in _MAGIC if start.startswith(magic)), ".wav")
            for suffix, start in zip(suffixes, starts, strict=True)
        ]

    def _bytes(self, file: Path, opened: Any) -> Iterator[bytes | None]:
        if all(column.path != f"{self.audio}.bytes" for column in _leaves(opened)):
            raise DataError(
                f"{file.name}: column '{self.audio}' holds no bytes; give the column of the sounds as audio"
            )
        for batch in opened.iter_batches(batch_size=ROWS, columns=[f"{self.audio}.bytes"]):
            for values in batch.to_pylist():
                yield (values[self.audio] or {}).get("bytes")

    def _write(self, file: Path, targets: Mapping[int, Path]) -> None:
        if not targets:
            return
        for number, data in enumerate(self._bytes(file, _open(file))):
            if number not in targets:
                continue
            if not data:
                raise DataError(f"{file.name}: row {number}: no sound in it, and no file of its name beside it")
            with write_aside(targets[number]) as aside:
                aside.write_bytes(data)

    def _cache(self, file: Path) -> Path:
        """Where a file's sounds are kept; another place once the file has changed."""
        found = file.stat()
        identity = f"{file.resolve()}\0{found.st_size}\0{found.st_mtime_ns}\0{self.audio}"
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        root = Path(self.cache).expanduser() if self.cache else cache_folder() / "parquet"
        return root / f"{file.stem}-{digest}"


def _open(file: Path) -> Any:
    try:
        pyarrow = importlib.import_module("pyarrow.parquet")  # an extra: not installed with hark itself
    except ImportError:
        raise DataError(f"{file}: reading Parquet needs pyarrow; install hark[parquet]") from None
    try:
        return pyarrow.ParquetFile(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as Parquet ({error})") from None


def _leaves(opened: Any) -> list[Any]:
    return [opened.schema.column(number) for number in range(len(opened.schema.names))]


def _classes(schema: Any) -> dict[str, list[str]]:
    """The names of the classes that columns give as numbers, from Hugging Face's header."""
    header = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    found = {}
    for column, feature in header.get("info", {}).get("features", {}).items():
        inner = feature[0] if isinstance(feature, list) else feature.get("feature") or feature
        if isinstance(inner, dict) and isinstance(inner.get("names"), list):
            found[column] = inner["names"]
    return found


def _named(value: Any, names: list[str] | None) -> Any:
    if names is None or value is None:
        return value
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value
