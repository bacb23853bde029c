"""The tables of a report, before they are written down in any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hark.eval.compare import Comparison
from hark.eval.outcome import said_of_map
from hark.eval.report import figures
from hark.eval.report.evaluation import Evaluation
from hark.eval.report.way import WORDS
from hark.metrics.confidence import Estimate
from hark.metrics.paired import Difference


@dataclass(frozen=True)
class Cell:
    """A figure and, smaller, its interval. `of` is drawn as a bar; `aside` leaves the room of one free."""

    text: str
    interval: str = ""
    of: Estimate | None = None
    aside: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of a name and cells, under `heads`, the first of which stands over the names; the `note` stands below."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str


def numbers(evaluations: Sequence[Evaluation]) -> list[Table]:
    """All metrics with their intervals: both directions of one system side by side, or all systems, by direction."""
    if len(evaluations) == 1:
        (one,) = evaluations
        columns = {WORDS[way.name]: way.metrics for way in one.ways}
        sizes = "; ".join(
            f"{WORDS[way.name]}: {figures.count(way.queries, 'query', 'queries')}, {way.items:,} items, "
            f"{way.relevant:.2f} relevant each"
            for way in one.ways
        )
        return [_numbers("Retrieval", columns, f"{sizes}. {one.note}")]
    tables = []
    for at in range(2):
        way = evaluations[0].ways[at]
        sizes = (
            f"{figures.count(way.queries, 'query', 'queries')}, {way.items:,} items, {way.relevant:.2f} relevant each"
        )
        columns = {one.title: one.ways[at].metrics for one in evaluations}
        notes = list(dict.fromkeys(one.note for one in evaluations))
        tables.append(_numbers(WORDS[way.name].capitalize(), columns, f"{sizes}. {'. '.join(notes)}"))
    return tables


def differences(found: Comparison, *, first: str, second: str) -> list[Table]:
    """What a comparison found, by direction."""
    over = "queries" if found.drawn == "queries" else "clips with their texts"
    note = (
        f"[low, high]: {found.level:.0%} paired bootstrap interval over {over}; p: two-sided, {found.rounds:,} random "
    )
    note += "swaps, not corrected for the number of metrics" + said_of_map(found.text_to_audio, found.divisor)
    return [
        Table(
            title=f"{second} against {first}, {WORDS[way]}",
            heads=("", first, second, "difference", "p"),
            rows=tuple((name, _difference(name, one)) for name, one in told.items()),
            note=f"{figures.count(found.queries[way], 'query', 'queries')}. {note}",
        )
        for way, told in (("text_to_audio", found.text_to_audio), ("audio_to_text", found.audio_to_text))
    ]


def _numbers(title: str, columns: Mapping[str, Mapping[str, Estimate]], note: str) -> Table:
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = tuple((name, tuple(_cell(name, column.get(name)) for column in columns.values())) for name in names)
    return Table(title, ("", *columns), rows, note)


def _cell(name: str, found: Estimate | None) -> Cell:
    if found is None:
        return Cell("\N{EN DASH}", aside=True)
    share = None if name.endswith("rank") else found
    return Cell(figures.value(name, found.value), figures.interval(name, found), share, aside=share is None)


def _difference(name: str, one: Difference) -> tuple[Cell, ...]:
    digits = figures.digits_of(name)
    return (
        Cell(figures.value(name, one.first)),
        Cell(figures.value(name, one.second)),
        Cell(f"{one.value:+.{digits}f}", figures.interval(name, one)),
        Cell(f"{one.p:.4f}"),
    )
