"""`hark probe`: how much of the labels a linear layer finds in a model's frozen vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import AsJson, Manifest, ModelName, Where, progress_bar
from hark.cli.zeroshot import found_lines

if TYPE_CHECKING:
    from hark.eval.probe import ProbeReport


def probe(
    model: ModelName,
    on: Manifest,
    folds: Annotated[
        str, typer.Option("--folds", metavar="COLUMN", help="The column that names each clip's fold or split.")
    ] = "fold",
    where: Where = None,
    test: Annotated[
        list[str] | None,
        typer.Option("--test", metavar="FOLD", help="Test on this fold alone, and never learn from it; repeatable."),
    ] = None,
    shots: Annotated[
        int | None, typer.Option("--shots", metavar="K", min=1, help="Learn from K clips of each label alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a linear layer on a model's frozen vectors and test it, fold by fold (a linear probe).

    Each fold is tested on by a layer that learnt from the others; how far its weights are held back is chosen on one of
    those, never on the fold that is tested.
    """
    import numpy as np

    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval import probe as probing
    from hark.runtime.ensemble import load_any

    clips = manifest.read(on, where=manifest.parse_where(where or []))
    with progress_bar("embedding clips") as progress:
        report = probing.probe(
            load_any(model),
            clips,
            fold=folds,
            test=test or (),
            shots=shots,
            rng=np.random.default_rng(0),  # fixed, so that the same run prints the same intervals
            command=command_line(),
            progress=progress,
        )
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else _text(report, on))


def _text(report: ProbeReport, on: Path) -> str:
    found = report.found
    heading = f"linear probe of {report.made.model} on {on}: {found.clips} clips, {found.labels} labels"
    chosen = ", ".join(f"{name}: {c:g}" for name, c in report.chosen.items())
    few = "" if report.shots is None else f"; {report.shots} clips of each label learnt from"
    told = f"C by {report.fold}: {chosen}{few}"
    return "\n".join([heading, "", *found_lines(found), "", told, report.made.line()])
