"""`hark train`: runs a recipe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from hark.train.run import Event


def train(
    name: Annotated[str, typer.Argument(help="A recipe's name (mini, tiny) or a .toml file.", metavar="RECIPE")],
    data: Annotated[Path, typer.Option(help="The folder that the recipe's relative paths start from.")] = Path(),
    out: Annotated[
        Path | None, typer.Option(help="Where to train into; goes on with what is there. Default: runs/NAME")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads. Default: all cores.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per validation, on stdout.")] = False,
) -> None:
    """Train a recipe; stop it at any time and run the same command again to go on."""
    import torch

    from hark import recipe as recipes
    from hark.train.run import run

    recipe = recipes.load(name)
    folder = out or Path("runs") / recipe.name
    if threads is not None:
        torch.set_num_threads(threads)
    with _progress() as progress:
        bars: dict[str, TaskID] = {}

        def move(what: str, done: int, total: int, note: str = "") -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total, note=note)
            progress.update(bars[what], completed=done, note=note)

        for event in run(recipe, data=data, out=folder, prepare=move):
            move(event.stage, event.step.step + 1, event.steps, f"loss {event.step.loss:.3f}")
            _tell(event, as_json=as_json)
    print(folder / "model.safetensors")  # noqa: T201 - the result


def _tell(event: Event, *, as_json: bool) -> None:
    step, validation = event.step, event.validation
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
