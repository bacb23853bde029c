"""`hark demo`: shows what hark does, in a few minutes, without any sounds or downloads."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Search these sounds of your own instead of synthesised ones.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where everything is written.")] = Path("runs/demo"),
    model: Annotated[str, typer.Option(metavar="NAME", help="The model that searches: a name or a file.")] = "mini",
    train_seconds: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="About how long to train; the steps follow from it. 0: do not train."),
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what hark does: make sounds, index them, find them by words, measure, and train a small model.

    Everything is written into one folder, your own library is not touched. The report is report.html in it.
    """
    from hark.demo import words
    from hark.demo.run import run
    from hark.demo.shorter import tiny
    from hark.runtime.load import load

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ▁▂▃ shows ? for them
    recipe = tiny(train_seconds) if train_seconds else None
    with _progress() as hear:
        report = run(
            out,
            model=load(model),
            recipe=recipe,
            folder=folder,
            tell=lambda part: None if as_json else typer.echo(words.of(part)),
            hear=hear,
        )
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else words.ending(report))


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int, str], None]]:
    """A bar on stderr, if that is a terminal, for what is being done at the moment."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def hear(what: str, done: int, total: int, remark: str) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total, remark="")
            bar.update(tasks[what], completed=done, total=total, remark=remark, visible=done < total)

        yield hear
