"""`hark eval`: how well a model finds sounds by texts, and texts by sounds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hark.eval.embed import Embedder
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
Metrics = Annotated[
    str | None,
    typer.Option(metavar="NAME,NAME", help='Instead of the usual ones, as "R@1,mAP@16/all,nDCG@10,median rank".'),
]
Cut = Annotated[int, typer.Option("--k", metavar="K", min=1, help="Of mAP@K and nDCG@K where no metrics are named.")]
DivisorName = Annotated[
    str, typer.Option("--divisor", metavar="all|reachable", help="Of mAP: all relevant items, or min(k, relevant).")
]
Resamples = Annotated[int, typer.Option(metavar="N", min=1, help="Draws of the bootstrap.")]
Level = Annotated[float, typer.Option(metavar="SHARE", help="What the intervals cover.")]
DrawnName = Annotated[
    str, typer.Option("--draw", metavar="queries|clips", help="clips: each with all its texts, which belong together.")
]


FOR_RETRIEVAL = {
    "queries": "--queries", "k": "--k", "divisor": "--divisor", "drawn": "--draw", "rewrite": "--rewrite",
    "paraphrases": "--paraphrases",
}  # fmt: skip
FOR_CAPTIONERS = {"sentences": "--sentences", "beam": "--beam"}


def evaluate(
    context: typer.Context,
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
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the report, what each query found, and the vectors there."),
    ] = None,
    metrics: Metrics = None,
    k: Cut = 10,
    divisor: DivisorName = "reachable",
    resamples: Resamples = 1000,
    level: Level = 0.95,
    interval: Annotated[str, typer.Option(metavar="bootstrap|jackknife", help="How intervals are made.")] = "bootstrap",
    drawn: DrawnName = "queries",
    rewrite: Annotated[
        str | None,
        typer.Option(metavar="REWRITER", help="Ask in other words too: offline, endpoint, or a file of wordings."),
    ] = None,
    paraphrases: Annotated[int, typer.Option(metavar="N", min=1, help="With --rewrite: wordings of each query.")] = 5,
    sentences: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Of a captioner: how near its captions are by this model's text tower too."),
    ] = None,
    beam: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Of a captioner: how wide to search. Default: the recipe's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure retrieval, both ways: recall, average precision, ranks. Of a captioner: what its captions are worth.

    Ties count against the model. With --out an interrupted run is gone on with, and `hark compare` can read the folder.
    """
    import numpy as np

    from hark.cli.eval_caption import evaluate_captioner, is_captioner

    if is_captioner(model):
        _refuse_given(context, FOR_RETRIEVAL, f"'{model}' is a captioner, whose captions find nothing")
        evaluate_captioner(
            model,
            on,
            where or [],
            out=out,
            metrics=listed(metrics),
            sentences=sentences,
            resamples=resamples,
            level=level,
            interval=interval,
            beam=beam,
            as_json=as_json,
        )
        return
    _refuse_given(context, FOR_CAPTIONERS, f"'{model}' is no captioner")

    from hark.core.files import refuse_unwritable
    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval import folder, retrieval
    from hark.eval.outcome import ALL, measures
    from hark.runtime.ensemble import load_any

    asked = measures(listed(metrics) or ALL, k, divisor, resamples, level, interval, drawn)  # before anything is read
    if out is not None:
        refuse_unwritable(out)
    clips = manifest.read(on, where=manifest.parse_where(where or []))
    wanted = None if queries is None else manifest.read_queries(queries)
    with progress_bar("embedding clips") as progress:
        rng = np.random.default_rng(0)  # fixed, so that the same run prints the same intervals
        found = retrieval.examine(
            load_any(model) if rewrite is None else _augmented(model, rewrite, paraphrases),
            clips,
            queries=wanted,
            measures=asked,
            rng=rng,
            folder=out,
            command=command_line(),
            progress=progress,
        )
    if out is not None:
        folder.write(out, found, clips)
    report = found.report
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else _text(report, on))


def _refuse_given(context: typer.Context, options: Mapping[str, str], why: str) -> None:
    """Raises SettingError where one of these options is on the command line."""
    from hark.core.errors import SettingError

    for name, option in options.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise SettingError(f"{option}: {why}; leave it out")


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


def digits_of(metric: str) -> int:
    """How many digits a metric is shown with: ranks one, shares three."""
    return 1 if metric.endswith("rank") else 3


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def listed(metrics: str | None) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(name.strip() for name in (metrics or "").split(",") if name.strip())


def _augmented(model: str, by: str, n: int) -> Embedder:
    from hark.cli.rewrite import build
    from hark.eval.augmented import Augmented
    from hark.runtime.ensemble import load_any

    return Augmented(load_any(model), build(by), n)


def _text(report: RetrievalReport, on: Path) -> str:
    there, back = report.text_to_audio, report.audio_to_text
    rows = [("", "text to audio", "audio to text")]
    for name in there.metrics:
        digits = digits_of(name)
        rows.append((name, show(there.metrics[name], digits), show(back.metrics[name], digits)))
    rows.append(("queries", str(there.queries), str(back.queries)))
    rows.append(("items", str(there.items), str(back.items)))
    rows.append(("relevant", f"{there.relevant:.2f}", f"{back.relevant:.2f}"))
    heading = f"{report.made.model} on {on}: {there.items} clips, {there.queries} {report.texts}"
    return "\n".join([heading, "", *aligned(rows), "", report.note(), report.made.line()])
