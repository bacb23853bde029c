"""Reads a table of results, anybody's, and finds every way in which it is not what the challenge asks for."""

from __future__ import annotations

import csv
import functools
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hark.core.errors import DataError
from hark.eval.dcase.editions import LIST_HEADER, MATRIX_COLUMN, PLACES, Edition

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Defect:
    """What is wrong, and where: "output.csv:12", the query's place where a row is missing, a file in a package.

    A `note` is no defect: something that is left open.
    """

    where: str
    what: str
    note: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Expected:
    """What should be in the table: the `queries` with their places, the `files`; None where they are not known."""

    queries: Mapping[str, str] | None = None
    files: frozenset[str] | None = None

    @functools.cached_property
    def alike(self) -> Mapping[str, str]:
        """All of them, by what is left of them without regard to spaces and case."""
        return {_plain(text): text for text in (*(self.files or ()), *(self.queries or ()))}

    def nearest(self, text: str) -> str:
        """The hint after a text that is not expected; only a difference in spaces or case is looked for."""
        meant = self.alike.get(_plain(text))
        if meant is None:
            return "it is not among those given"
        return f"it is given as {meant!r}: letter by letter, spaces too"


@dataclass
class Table:
    """What is in the table: each query's line and cells behind the query; the files that head a matrix's columns."""

    edition: Edition
    files: tuple[str, ...] = ()
    rows: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)


def read(data: bytes, name: str, edition: Edition, expected: Expected) -> Table:
    """The table in `data`, the content of the file `name`, with all its defects in the order of the lines."""
    table = Table(edition)

    def wrong(line: int, what: str) -> None:
        table.defects.append(Defect(f"{name}:{line}", what))

    if data.startswith(BOM):
        wrong(1, "a byte order mark before the header, so that its first column is not what it seems; save without BOM")
        data = data[len(BOM) :]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong(line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file in UTF-8")
        return table
    rows = _records(text, wrong)
    line, header = next(rows, (1, []))
    if edition.form == "list":
        known_header = _list_header(header, lambda what: wrong(line, what))
    else:
        known_header = _matrix_header(header, expected, lambda what: wrong(line, what))
    if not known_header:
        return table
    table.files = tuple(header[1:]) if edition.form == "matrix" else ()
    _rows(table, rows, len(header), expected, wrong)
    _compare(table, name, expected)
    return table


def read_file(path: Path, edition: Edition, expected: Expected) -> Table:
    """The same, of a file.

    Raises DataError where it cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    return read(data, path.name, edition, expected)


def refuse(defects: Iterable[Defect]) -> None:
    """Raises DataError with the first defect that is no note, if there is any."""
    found = [defect for defect in defects if not defect.note]
    if found:
        more = f" (and {len(found) - 1} more; `hark submit check` lists them)" if len(found) > 1 else ""
        raise DataError(f"{found[0]}{more}")


def _records(text: str, wrong: Callable[[int, str], None]) -> Iterator[tuple[int, list[str]]]:
    """The rows, each with the line on which it begins; blank lines are nothing."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        wrong(line, f"cannot be read as CSV ({error}); a quote inside a quoted cell is written twice")


def _list_header(header: list[str], wrong: Callable[[str], None]) -> bool:
    if tuple(header) == LIST_HEADER:
        return True
    if len(header) != len(LIST_HEADER):
        separated = next((name for sign, name in ((";", "semicolons"), ("\t", "tabs")) if sign in "".join(header)), "")
        hint = f"; its columns are separated by {separated}, commas are wanted" if separated else ""
        wrong(f"the header has {len(header)} columns, not {len(LIST_HEADER)}{hint or _should_be()}")
        return False
    at, found = next((at, name) for at, name in enumerate(header) if name != LIST_HEADER[at])
    wrong(f"wrong header: column {at + 1} is '{found}', not '{LIST_HEADER[at]}'{_should_be()}")
    return True  # as many columns: the rows can be looked at all the same


def _should_be() -> str:
    return f"; write caption,file_name_1 to file_name_{PLACES}"


def _matrix_header(header: list[str], expected: Expected, wrong: Callable[[str], None]) -> bool:
    if not header or header[0] != MATRIX_COLUMN:
        found = header[0] if header else ""
        wrong(f"wrong header: column 1 is '{found}', not '{MATRIX_COLUMN}'; then one column for each file")
    if len(header) < 2:
        return False
    for name in _twice(header[1:]):
        wrong(f"'{name}' heads two columns; give each file one")
    if expected.files is not None:
        for name in dict.fromkeys(header[1:]):
            if name not in expected.files:
                wrong(f"unknown file '{name}'; {expected.nearest(name)}")
        for name in sorted(expected.files - set(header[1:])):
            wrong(f"no column for the file '{name}'; the matrix is of all files")
    return True


def _rows(
    table: Table,
    rows: Iterator[tuple[int, list[str]]],
    columns: int,
    expected: Expected,
    wrong: Callable[[int, str], None],
) -> None:
    cells_of = _list_cells if table.edition.form == "list" else _matrix_cells
    for line, row in rows:
        if len(row) != columns:
            wrong(line, _other_count(row, columns, expected))
            table.rows.setdefault(_meant(row, expected), (line, []))
            continue
        text = row[0]
        first = table.rows.get(text)
        if first is not None:
            wrong(line, f"duplicate query {_short(text)}: it stands on line {first[0]} already")
            continue
        table.rows[text] = (line, row[1:])
        if expected.queries is not None and text not in expected.queries:
            wrong(line, f"unknown query {_short(text)}; {expected.nearest(text)}")
        for what in cells_of(row[1:], table.files, expected):
            wrong(line, what)


def _other_count(row: list[str], columns: int, expected: Expected) -> str:
    """Why a row has more or fewer cells than the header."""
    if len(row) < columns:
        missing = f"{len(row) - 1} files, not {columns - 1}" if columns == len(LIST_HEADER) else "some are missing"
        return f"{len(row)} columns, not {columns}: {missing}"
    text = _meant(row, expected)
    where = f"of the query {_short(text)}" if text != row[0] else "of a query or file name"
    return f"{len(row)} columns, not {columns}: unquoted comma {where}; put the cell in double quotes"


def _meant(row: list[str], expected: Expected) -> str:
    """The query that a row is about, if its commas were quoted."""
    for cells in range(1, len(row)):
        text = ",".join(row[:cells])
        if expected.queries is not None and text in expected.queries:
            return text
    return row[0]


def _list_cells(cells: list[str], _: Sequence[str], expected: Expected) -> Iterator[str]:
    for at, cell in enumerate(cells, start=1):
        if not cell.strip() or cell.strip().lower() == "nan":
            yield f"file_name_{at} is {'empty' if not cell.strip() else cell.strip()}; name a file"
        elif expected.files is not None and cell not in expected.files:
            yield f"unknown file '{cell}' in file_name_{at}; {expected.nearest(cell)}"
    for name in _twice(cell for cell in cells if cell.strip()):
        places = " and ".join(f"file_name_{at}" for at, cell in enumerate(cells, start=1) if cell == name)
        yield f"duplicate file '{name}' in {places}; a file is found once"


def _matrix_cells(cells: list[str], files: Sequence[str], _: Expected) -> Iterator[str]:
    for name, cell in zip(files, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            yield f"'{cell[:40]}' under '{name}' is not a number"
            continue
        if not math.isfinite(value):
            yield f"{cell.strip()} under '{name}': NaN and infinity cannot be ranked; give a number"


def _compare(table: Table, name: str, expected: Expected) -> None:
    """What is missing, and the count."""
    if expected.queries is None:
        return
    for text, place in expected.queries.items():
        if text not in table.rows:
            table.defects.append(Defect(name, f"missing query {_short(text)} ({place}); give it a row"))
    if len(table.rows) != len(expected.queries):
        table.defects.append(Defect(name, f"{len(table.rows)} queries, not {len(expected.queries)}"))


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))  # type: ignore[func-returns-value]


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
