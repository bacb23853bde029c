"""Reads the sentences about sound in a table, whatever the table is: for training a text tower without audio."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hark.core.errors import DataError

SPOKEN = re.compile(r"(caption|description|title|label|display_name|name|category|sub-category|tags)s?(_\d+)?", re.I)
"""Columns and keys whose value is said of a sound."""

NOT_WORDS = re.compile(r"\.(wav|flac|ogg|mp3|opus)$|^[\d.\s]*$|https?://|/m/\w+", re.I)
"""Values that are file names, numbers or addresses rather than words."""


def read_texts(path: Path) -> list[str]:
    """The distinct sentences of a CSV, JSON, JSONL or plain text file, in their order.

    Raises DataError for a file that cannot be read or holds no sentence.
    """
    try:
        found = list(dict.fromkeys(text for text in _texts(path) if text and not NOT_WORDS.search(text)))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as sentences ({error})") from None
    if not found:
        raise DataError(f"{path}: no sentence in it; a column called caption, description, title or label is expected")
    return found


def _texts(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", errors="strict", newline="") as file:
        if path.suffix == ".csv":
            yield from (_tidy(text) for row in csv.DictReader(file) for text in _spoken(row))
        elif path.suffix == ".jsonl":
            yield from (_tidy(text) for line in file if line.strip() for text in _spoken(json.loads(line)))
        elif path.suffix == ".json":
            yield from (_tidy(text) for text in _spoken(json.load(file)))
        else:
            yield from (_tidy(line) for line in file)


def _spoken(value: Any, key: str = "") -> Iterator[str]:
    """Every string under a key that is said of a sound, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _spoken(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _spoken(inner, key)
    elif isinstance(value, str) and SPOKEN.fullmatch(key):
        yield value


def _tidy(text: str) -> str:
    return " ".join(text.replace("_", " ").split())[:400]
