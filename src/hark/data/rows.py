"""Reads a table (JSONL, JSON, CSV or TSV) into rows that know the line they stand on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError

DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Row:
    """One line of a table: `place` is how an error about it starts ("sounds.csv:17"), an empty cell is None."""

    place: str
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """The text of a column that must be there.

        Raises DataError.
        """
        value = self.values.get(column)
        if not isinstance(value, str):
            raise DataError(f"{self.place}: no '{column}'; found: {', '.join(self.values)}")
        return value


def read(path: Path) -> list[Row]:
    """The rows of a .jsonl, .json, .csv or .tsv file in UTF-8.

    A .json file is a list of objects, or one object from file names to a caption, a list of captions or an object.

    Raises DataError, which names the line.
    """
    suffix = path.suffix.lower()
    if suffix in DELIMITERS:
        rows = list(_csv_rows(_text(path), path.name, DELIMITERS[suffix]))
    elif suffix == ".jsonl":
        rows = list(_jsonl_rows(_text(path), path.name))
    elif suffix == ".json":
        rows = list(_json_rows(_text(path), path.name))
    else:
        raise DataError(f"{path}: not a table that hark reads; give a .jsonl, .json, .csv or .tsv file")
    if not rows:
        raise DataError(f"{path}: nothing in it; give one sound a line")
    return rows


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return data.decode("utf-8-sig")  # spreadsheets put a byte order mark first
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(f"{path.name}:{line}: not UTF-8; save the file as UTF-8") from None


def _csv_rows(text: str, name: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    line = 1  # a quoted cell may hold line breaks: a row is named by its first line
    try:
        for cells in reader:
            place, line = f"{name}:{line}", reader.line_num + 1
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if not header:
                header = _header(cells, place)
            elif len(cells) == len(header):
                yield Row(place, {column: cell or None for column, cell in zip(header, cells, strict=True) if column})
            else:
                raise DataError(
                    f"{place}: {len(cells)} cells under {len(header)} columns; put texts with a comma in double quotes"
                )
    except csv.Error as error:
        raise DataError(f"{name}:{line}: {error}") from None


def _header(cells: list[str], place: str) -> list[str]:
    for cell in cells:
        if cell and cells.count(cell) > 1:
            raise DataError(f"{place}: two columns are named '{cell}'; rename one")
    return cells


def _jsonl_rows(text: str, name: str) -> Iterator[Row]:
    # not splitlines(): JSON texts may hold line breaks of Unicode as they are
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _object_row(_parse(line, f"{name}:{number}", number), f"{name}:{number}")


def _json_rows(text: str, name: str) -> Iterator[Row]:
    found = _parse(text, name, None)
    if isinstance(found, list):
        for number, entry in enumerate(found, start=1):
            yield _object_row(entry, f"{name}: entry {number}")
    elif isinstance(found, dict):
        for number, (file, said) in enumerate(found.items(), start=1):
            values = {"path": file, **said} if isinstance(said, dict) else {"path": file, "captions": said}
            yield Row(f"{name}: entry {number}", values)
    else:
        raise DataError(f"{name}: {type(found).__name__}; give a list of objects, or captions by file name")


def _parse(text: str, place: str, number: int | None) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"column {error.colno}" if number is not None else f"line {error.lineno}, column {error.colno}"
        raise DataError(f"{place}: not JSON ({error.msg}, {at})") from None


def _object_row(entry: Any, place: str) -> Row:
    if not isinstance(entry, dict):
        raise DataError(f'{place}: {type(entry).__name__}; give an object, like {{"path": "dog.wav"}}')
    return Row(place, entry)
