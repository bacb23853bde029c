"""The editions of the task: which files each asks for, what they are called, how it scores them."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import SettingError
from hark.core.settings import read
from hark.metrics.retrieval import Divisor

PLACES = 10
"""How many files a list has for each query."""

LIST_HEADER = ("caption", *(f"file_name_{place}" for place in range(1, PLACES + 1)))
MATRIX_COLUMN = "index"
"""What stands above the queries of a matrix; the other columns are files."""

MOST_SYSTEMS = 4


@dataclass(frozen=True)
class Edition:
    """One year's challenge. `cut` and `divisor` are its average precision's; the others are explained in editions.toml.

    `page` is where its rules stand, which are the last word.
    """

    year: int
    task: str
    title: str
    page: str
    form: Literal["list", "matrix"]
    cut: int
    divisor: Divisor
    folder: str
    output: str
    metadata: str
    report: str
    package: str


@dataclass(frozen=True)
class Names:
    """What one system's files are called: `team` is LASTNAME_INSTITUTE, `number` 1 to 4."""

    edition: Edition
    team: str
    number: int = 1

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z-]*_[A-Za-z0-9][A-Za-z0-9-]*", self.team):
            remedy = 'letters of the Latin alphabet without accents, such as "Drossos_TAU"'
            raise SettingError(f"label '{self.team}': not LASTNAME_INSTITUTE; give {remedy}")
        if not 1 <= self.number <= MOST_SYSTEMS:
            raise SettingError(f"system {self.number}: a team submits up to {MOST_SYSTEMS}; give 1 to {MOST_SYSTEMS}")

    @property
    def label(self) -> str:
        """What the system is called in the tables of results: LASTNAME_INSTITUTE_TASK_NUMBER."""
        return f"{self.team}_{self.edition.task}_{self.number}"

    def of(self, kind: Literal["folder", "output", "metadata", "report", "package"]) -> str:
        """The name of one of its files, or of the folder that they lie in."""
        pattern: str = getattr(self.edition, kind)
        return pattern.format(team=self.team, task=self.edition.task, number=self.number)


def edition(year: int) -> Edition:
    """The edition of a year.

    Raises SettingError for a year without one.
    """
    known = editions()
    if year not in known:
        years = ", ".join(map(str, known))
        raise SettingError(f"{year}: hark knows no retrieval task of that year's DCASE; give one of {years}")
    return known[year]


@functools.cache
def editions() -> dict[int, Edition]:
    """All editions by year."""
    path = Path(__file__).with_name("editions.toml")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["edition"]
    return {table["year"]: read(Edition, table, where=f"{path.name}: {table['year']}:") for table in tables}
