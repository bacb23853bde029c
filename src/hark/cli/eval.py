"""`hark eval`: how well a model finds sounds by texts, and texts by sounds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hark.eval.retrieval import RetrievalReport
    from hark.metrics.confidence import Estimate

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A recipe's name, or a folder that training wrote.")]
Manifest = Annotated[
    Path, typer.Option("--on", metavar="MANIFEST", help="The clips: a .jsonl manifest, or a .csv with a `file` column.")
]
Where = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=VALUE", help="Only the clips of which this is so (or COLUMN!=VALUE); repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def evaluate(
    model: ModelName,
    on: Manifest,
    where: Where = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="QUERIES",
            help="A .jsonl of queries and the ids they should find; without it the clips' captions, or their labels.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval: recall, average precision and ranks, text to audio and audio to text."""
    import numpy as np

    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval import retrieval
    from hark.runtime.load import load

    clips = manifest.read(on, where=manifest.parse_where(where or []))
    wanted = None if queries is None else manifest.read_queries(queries)
    with progress_bar("embedding clips") as progress:
        rng = np.random.default_rng(0)  # fixed, so that the same run prints the same intervals
        report = retrieval.evaluate(
            load(model), clips, queries=wanted, rng=rng, command=command_line(), progress=progress
        )
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else _text(report, on))


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, moved by calling what it gives with (done, total); it goes when the block ends."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show(estimate: Estimate, digits: int = 3) -> str:
    """The value and its interval, as "0.412 [0.398, 0.426]"."""
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def _text(report: RetrievalReport, on: Path) -> str:
    there, back = report.text_to_audio, report.audio_to_text
    rows = [("", "text to audio", "audio to text")]
    for name in there.metrics:
        digits = 1 if name.endswith("rank") else 3
        rows.append((name, show(there.metrics[name], digits), show(back.metrics[name], digits)))
    rows.append(("queries", str(there.queries), str(back.queries)))
    rows.append(("items", str(there.items), str(back.items)))
    rows.append(("relevant", f"{there.relevant:.2f}", f"{back.relevant:.2f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    heading = f"{report.made.model} on {on}: {there.items} clips, {there.queries} {report.texts}"
    note = f"[low, high]: {report.level:.0%} bootstrap interval over queries; mAP is divided by "
    note += "min(k, relevant)" if report.divisor == "reachable" else "all relevant"
    return "\n".join([heading, "", *lines, "", note, report.made.line()])
