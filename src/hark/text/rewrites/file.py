"""Takes other wordings from a file: from `hark rewrite --out`, from another program, or written by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.core.files import sha256
from hark.text.rewrites.rewriter import Progress, distinct, require_count


@dataclass(frozen=True)
class Config:
    """`path`: a .json with {"text": ["wording", ...]}, or a .csv whose first column is the text, others its wordings.

    In a .csv a text may have several rows. A text that is not there is refused; with `keep` it has no wordings.
    """

    path: str
    keep: bool = False

    def build(self) -> File:
        """The rewriter.

        Raises DataError where the file cannot be used.
        """
        return File(Path(self.path).expanduser(), keep=self.keep)


class File:
    """A rewriter that only looks up; case, white space and a full stop at the end do not matter."""

    def __init__(self, path: Path, *, keep: bool) -> None:
        self.path = path
        self.keep = keep
        self.name = f"file {path.name}"
        read = _json if path.suffix.lower() == ".json" else _csv
        self.wordings: dict[str, list[str]] = {}
        try:
            for text, said in read(path):
                self.wordings.setdefault(_key(text), []).extend(said)
            self.stamp = sha256(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: not a table of UTF-8 text ({error})") from None

    def rewrite(self, texts: Sequence[str], n: int, *, progress: Progress | None = None) -> list[tuple[str, ...]]:
        """For each text the first `n` wordings that the file has.

        Raises DataError for a text that is not in the file.
        """
        require_count(n)
        made = []
        for done, text in enumerate(texts, start=1):
            if _key(text) not in self.wordings and not self.keep:
                raise DataError(f'{self.path}: nothing for "{text}"; add it, or set keep = true')
            made.append(tuple(distinct(self.wordings.get(_key(text), []), text=text)[:n]))
            if progress is not None:
                progress(done, len(texts))
        return made


def _key(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(". ")


def _json(path: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
    if isinstance(found, dict) and isinstance(found.get("paraphrases"), dict):
        found = found["paraphrases"]  # as `hark rewrite` writes it
    if not isinstance(found, dict):
        raise DataError(f'{path}: not a table; it holds {{"text": ["wording", ...]}}')
    for text, said in found.items():
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            raise DataError(f'{path}: "{text}": not a list of texts')
        yield text, said


def _csv(path: Path) -> Iterator[tuple[str, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        if len(next(rows, [])) < 2:
            raise DataError(f"{path}:1: fewer than two columns; a text and its wordings, with a line of headings")
        for row in rows:
            if not row:
                continue
            if len(row) < 2 or not row[0].strip():
                raise DataError(f"{path}:{rows.line_num}: no text, or nothing beside it")
            yield row[0], [cell for cell in row[1:] if cell.strip()]
