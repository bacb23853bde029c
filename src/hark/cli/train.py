"""`hark train`: runs a recipe."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hark.train.dry import Found, Planned, Report
    from hark.train.run import Event


def train(
    name: Annotated[str, typer.Argument(help="A recipe's name (mini, tiny) or a .toml file.", metavar="RECIPE")],
    data: Annotated[Path, typer.Option(help="The folder that the recipe's relative paths start from.")] = Path(),
    out: Annotated[
        Path | None, typer.Option(help="Where to train into; goes on with what is there. Default: runs/NAME")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads. Default: all cores.", min=1)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that make batches ahead. Default: 0, with --live 2.", min=0)
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Decode while training, in the workers, instead of all sounds before the first step."
        ),
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting of the recipe, such as stages.0.batch=32 or audio.encoder.depth=2; repeatable.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train nothing; tell sizes, stages, missing data, steps and memory.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per validation, or of the dry run, on stdout.")
    ] = False,
) -> None:
    """Train a recipe; stop it at any time and run the same command again to go on."""
    from hark.cli.train_captioner import is_captioner, train_captioner

    if is_captioner(name):
        folder = out or Path("runs") / (Path(name).stem if name.endswith(".toml") else name)
        _threads(threads)
        with _curves(None if dry_run else folder), _progress() as progress:
            move = _bars(progress)
            given = list(changes or ())
            train_captioner(name, data=data, out=out, changes=given, dry_run=dry_run, as_json=as_json, move=move)
        return
    from hark import recipe as recipes

    recipe = recipes.load(name, changes=changes or ())
    if dry_run:
        from hark.train.dry import dry_run as plan

        report = plan(recipe, data=data)
        print(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(_report(report)))  # noqa: T201
        return
    from hark.core.provenance import command_line
    from hark.train.run import run

    folder = out or Path("runs") / recipe.name
    if workers is None:
        workers = 2 if live else 0
    _threads(threads)
    with _curves(folder), _progress() as progress:
        move = _bars(progress)
        events = run(recipe, data=data, out=folder, prepare=move, workers=workers, live=live, command=command_line())
        for event in events:
            move(event.stage, event.step.step + 1, event.steps, f"loss {event.step.loss:.3f}")
            _tell(event, as_json=as_json)
    if os.environ.get("RANK", "0") == "0":  # the first of the processes that torchrun started
        print(folder / "model.safetensors")  # noqa: T201 - the result


@contextlib.contextmanager
def _curves(folder: Path | None) -> Iterator[None]:
    """Draws the curves of the run in the folder behind a training that has ended or was interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        _draw(folder)
        raise
    _draw(folder)


def _draw(folder: Path | None) -> None:
    """Writes the folder's curves.png, if a step was taken; where it cannot be drawn, the training is none the worse."""
    if folder is None or os.environ.get("RANK", "0") != "0":
        return
    from hark.train import curves, runs

    picture = folder / "curves.png"
    try:
        found = [runs.read(place) for place in runs.find([folder])]
        if any(run.history for run in found):
            curves.draw(found, picture)
    except Exception as error:
        print(f"hark: {picture}: not drawn ({error})", file=sys.stderr)  # noqa: T201


def _threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def _bars(progress: Progress) -> Callable[..., None]:
    """What moves a bar for each thing that it is told of: (what, done, in all, a note)."""
    bars: dict[str, TaskID] = {}

    def move(what: str, done: int, total: int, note: str = "") -> None:
        if what not in bars:
            bars[what] = progress.add_task(what, total=total, note=note)
        progress.update(bars[what], completed=done, note=note)

    return move


def _tell(event: Event, *, as_json: bool) -> None:
    step, validation = event.step, event.validation
    if event.note:
        print(event.note, file=sys.stderr, flush=True)  # noqa: T201
    if validation is None:
        return
    if as_json:
        told = {"stage": event.stage, "step": step.step + 1, "loss": step.loss, **validation.as_json()}
        print(json.dumps(told), flush=True)  # noqa: T201
    else:
        print(  # noqa: T201
            f"{event.stage} step {step.step + 1}: loss {step.loss:.3f}, mAP@10 {validation.map_at_10:.3f} "
            f"(chance {validation.chance:.3f}), accuracy {validation.accuracy:.3f}",
            file=sys.stderr,
            flush=True,
        )


def _report(report: Report) -> Iterator[str]:
    """The dry run in lines."""
    yield f"{report.name}: {report.about}"
    yield "parameters"
    for part, count in report.parameters.items():
        yield f"  {part:<18} {count:>13,}"
    yield f"  {'all':<18} {sum(report.parameters.values()):>13,}"
    for part, weights in report.init.items():
        yield f"first weights of {part}: {weights}"
        if part in report.init_missing:
            yield f"  MISSING {report.init_missing[part]}"
    if not report.stages:
        yield "no stages: an architecture; there is nothing to train"
    for stage in report.stages:
        yield from _stage(stage)
    if report.published:
        yield f"published: {json.dumps(report.published)}"


def _stage(stage: Planned) -> Iterator[str]:
    from hark.core.files import cache_folder
    from hark.data.pcm import room

    yield f"stage {stage.name}: {stage.loss}, batch {stage.batch}, {stage.learnable:,} parameters learn"
    for found in stage.data:
        yield f"  {told_of(found)}"
        if found.missing and found.get:
            yield f"    get it: {found.get}"
    epochs = "" if stage.epochs is None else f"{stage.epochs:g} epochs, "
    steps = "steps: known when the data is there" if stage.steps is None else f"{stage.steps:,} steps"
    each = "" if stage.steps_per_epoch is None else f" ({stage.steps_per_epoch:,} an epoch)"
    yield f"  {epochs}{steps}{each}"
    if stage.decoded is not None:
        place, free = cache_folder(), room() / 2**30
        told = f"{stage.decoded / 2**30:.2f} GiB in {place}, where {free:.2f} GiB are free"
        yield f"  sounds decoded before the first step: {told}; --live decodes them while it trains"
    memory = stage.memory
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimiser": memory.optimiser,
        "average": memory.average,
        "activations (estimate)": memory.activations,
    }
    told = ", ".join(f"{name} {count / 2**30:.2f}" for name, count in parts.items() if count)
    yield f"  memory {memory.total / 2**30:.2f} GiB in 32 bits: {told}"


def told_of(found: Found) -> str:
    """A corpus in a line of a dry run."""
    what = f"{found.role:<9} {found.name:<22} {found.path}"
    if found.missing:
        return f"MISSING {what}: {found.missing}"
    return f"found   {what}" + ("" if found.clips is None else f": {found.clips:,} clips")


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
