"""Writes the reports of one or several evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from hark.core.errors import DataError, SettingError
from hark.core.files import write_text
from hark.core.provenance import made_by
from hark.eval.compare import Comparison, compare
from hark.eval.outcome import Measures
from hark.eval.report import evaluation, latex, markdown, page, table
from hark.eval.report.evaluation import Evaluation
from hark.eval.report.listen import Audio, Listener

SYSTEMS = len(ascii_uppercase)


@dataclass(frozen=True)
class Written:
    """What was written, and all its numbers: the evaluations' own reports, and how each differs from the first."""

    files: tuple[Path, ...]
    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON's own types."""
        return {
            "files": [str(file) for file in self.files],
            "reports": [one.results.report for one in self.evaluations],
            "comparisons": [one.as_json() for one in self.comparisons],
        }


def write(
    folders: Sequence[Path],
    *,
    out: Path,
    tex: Path | None = None,
    md: Path | None = None,
    audio: Audio = "embed",
    show: int = 4,
    command: str | None = None,
) -> Written:
    """Writes the page `out`, and tables in LaTeX and Markdown where they are wanted, of folders of `hark eval --out`.

    Of each direction the `show` worst and best queries are shown. `command` goes into the foot line.

    Raises DataError where a folder cannot be read, or is of other data than the first; SettingError for an unknown
    `audio`, too many folders, or a file that cannot be written.
    """
    if audio not in ("embed", "link", "none"):
        raise SettingError(f"audio '{audio}': unknown; give embed, link or none")
    if not 1 <= len(folders) <= SYSTEMS:
        raise SettingError(f"{len(folders)} evaluations; give 1 to {SYSTEMS}")
    titles = [None] if len(folders) == 1 else list(ascii_uppercase[: len(folders)])
    every = [evaluation.read(path, title=title, show=show) for path, title in zip(folders, titles, strict=True)]
    found = [_compare(every[0], other, command=command) for other in every[1:]]
    numbers = table.numbers(every)
    differences = [
        one
        for other, comparison in zip(every[1:], found, strict=True)
        for one in table.differences(comparison, first=every[0].title, second=other.title)
    ]
    lines = [f"{one.title}: {_whole(one)}" if len(every) > 1 else _whole(one) for one in every]
    lines.append(f"report: hark {made_by()['hark']}" + (f": {command}" if command else ""))
    listener = Listener(audio, out)
    _save(out, page.html(every, numbers, differences, listener=listener, lines=lines))
    files = [out]
    for path, language in ((tex, latex), (md, markdown)):
        if path is not None:
            _save(path, language.page([*numbers, *differences], lines))
            files.append(path)
    return Written(tuple(files), tuple(every), tuple(found))


def _save(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise SettingError(f"{path}: cannot be written ({error.strerror}); give another place") from error


def _whole(one: Evaluation) -> str:
    """The provenance with all of the weights' hash."""
    made = one.made
    told = f"model {made.model}, weights {made.stamp}, data {made.data}, hark {made.hark}"
    return f"{told}: {made.command}" if made.command else told


def _compare(first: Evaluation, other: Evaluation, *, command: str | None) -> Comparison:
    """By the first one's own metrics and intervals, so that the numbers are those of the tables."""
    told = first.results.report
    try:
        measures = Measures(
            tuple(first.ways[0].metrics),
            divisor=told["divisor"],
            resamples=int(told["resamples"]),
            level=float(told["level"]),
            drawn=told["drawn"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{first.results.folder}/report.json: not a report of `hark eval`; evaluate again") from error
    rng = np.random.default_rng(0)  # fixed, so that the same folders give the same report
    return compare(first.results.folder, other.results.folder, measures=measures, rng=rng, command=command)
