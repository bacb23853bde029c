"""`hark compare`: by how much one evaluation differs from another, and whether that could be chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import AsJson, Cut, DivisorName, DrawnName, Level, Metrics, Resamples, aligned, digits_of, listed

if TYPE_CHECKING:
    from hark.eval.compare import Comparison
    from hark.metrics.paired import Difference


def compare(
    first: Annotated[Path, typer.Argument(metavar="DIR_A", help="A folder that `hark eval --out` wrote.")],
    second: Annotated[Path, typer.Argument(metavar="DIR_B", help="Another, of the same clips and questions.")],
    metrics: Metrics = None,
    k: Cut = 10,
    divisor: DivisorName = "reachable",
    resamples: Resamples = 1000,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Swaps of the randomisation test.")] = 10_000,
    level: Level = 0.95,
    drawn: DrawnName = "queries",
    as_json: AsJson = False,
) -> None:
    """Compare two evaluations query by query: B - A with paired intervals and p-values."""
    import numpy as np

    from hark.core.provenance import command_line
    from hark.eval import compare as comparing
    from hark.eval.outcome import ALL, measures

    found = comparing.compare(
        first,
        second,
        measures=measures(listed(metrics) or ALL, k, divisor, resamples, level, "bootstrap", drawn),
        rounds=rounds,
        rng=np.random.default_rng(0),  # fixed, so that the same folders give the same intervals
        command=command_line(),
    )
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else _text(found))


def _text(found: Comparison) -> str:
    from hark.eval.outcome import said_of_map

    lines = []
    for way, differences in (("text to audio", found.text_to_audio), ("audio to text", found.audio_to_text)):
        rows = [(way, "A", "B", "B - A", "p")]
        rows += [_row(name, difference) for name, difference in differences.items()]
        lines += [*aligned(rows), f"{found.queries[way.replace(' ', '_')]} queries", ""]
    over = "queries" if found.drawn == "queries" else "clips with their texts"
    note = f"[low, high]: {found.level:.0%} paired bootstrap interval over {over}; p: two-sided, {found.rounds} random "
    note += "swaps, not corrected for the number of metrics" + said_of_map(found.text_to_audio, found.divisor)
    made = [f"hark {found.hark}: {found.command}"] if found.command else []
    return "\n".join([*lines, note, f"A: {found.first.line()}", f"B: {found.second.line()}", *made])


def _row(name: str, found: Difference) -> tuple[str, str, str, str, str]:
    digits = digits_of(name)
    difference = f"{found.value:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
    return name, f"{found.first:.{digits}f}", f"{found.second:.{digits}f}", difference, f"{found.p:.4f}"
