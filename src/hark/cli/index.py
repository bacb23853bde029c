"""`hark index`: brings a library up to date with a folder of sounds."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hark.search.ingest import Progress

DEFAULT_MODEL = "mini"

LibraryFolder = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        envvar="HARK_LIBRARY",
        help="The library's folder; without it, the one among your own data.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="A model's name or file; without it the library's own, or mini."),
]


def index(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The sounds, in this folder and those below it.")],
    library: LibraryFolder = None,
    model: ModelName = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Files worked at a time; without it one a processor.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what could not be read before.")] = False,
    captions: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Add these captions (of `hark caption`, or a manifest's), too."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a folder of sounds searchable; run it again to take in what is new, changed or gone.

    Names that start with a dot are passed over, links to folders are not followed. Files that cannot be read are named
    on stderr, everything else is indexed, and the exit status is 1.
    """
    from hark.core.errors import DataError
    from hark.index.place import library_folder
    from hark.index.sqlite import owner_of
    from hark.runtime.ensemble import load_any
    from hark.search.engine import Library
    from hark.search.walk import root_of

    root_of(folder)  # a wrong folder is told before the model is loaded
    if captions is not None and not captions.is_file():
        raise DataError(f"{captions}: no such file")
    place = library_folder(library)
    owner = owner_of(place)
    name = model or (owner.model if owner else DEFAULT_MODEL)
    started = time.monotonic()
    try:
        with Library(place, load_any(name)) as opened:
            with progress_bar() as progress:
                report = opened.index(folder, jobs=jobs, retry=retry, progress=progress)
            files, windows = opened.counts()
    except KeyboardInterrupt:
        typer.echo("hark: stopped; run it again, it continues where it stopped", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        # every stored file is safe; the workers, minutes deep in a long recording, would keep the process from ending
        os._exit(130)
    for fault in report.unreadable:
        typer.echo(f"hark: {fault.path}: {fault.reason}", err=True)
    said = _add_captions(place, captions) if captions is not None else {}
    elapsed_s = time.monotonic() - started
    worked = f"{report.added} added, {report.changed} changed, {report.removed} removed, {report.kept} kept"
    speed = f"; {clock(report.audio_s)} of sound in {clock(elapsed_s)}" if report.audio_s else ""
    typer.echo(f"{worked}, {len(report.unreadable)} unreadable{speed}", err=True)
    if as_json:
        counts = {"library": str(place), "model": name, "files": files, "windows": windows}
        typer.echo(json.dumps(dataclasses.asdict(report) | counts | said, indent=2))
    else:
        told = f", {said['captions']} captions of {said['captioned']} files added" if said else ""
        typer.echo(f"{place}: {files} files, {windows} windows{told}")
    if report.unreadable:
        raise typer.Exit(1)


def _add_captions(place: Path, captions: Path) -> dict[str, int]:
    from hark.search.said import add

    added = add(place, captions)
    if added.unknown:
        more = f" (and {len(added.unknown) - 1} more)" if len(added.unknown) > 1 else ""
        typer.echo(f"hark: {captions}: the library has no {added.unknown[0]}{more}; passed over", err=True)
    return {"captions": added.captions, "captioned": added.files}


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr, if that is a terminal: files, sound embedded, speed in times real time, time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("indexing", total=None, said="")
        started = time.monotonic()

        def show(progress: Progress) -> None:
            speed = progress.audio_s / max(time.monotonic() - started, 1e-3)
            said = f"{clock(progress.audio_s)} of sound, {speed:.0f} x real time"
            bar.update(task, completed=progress.done, total=progress.total, said=said)

        yield show


def clock(seconds: float) -> str:
    """Seconds as m:ss.s."""
    tenths = round(seconds * 10)  # first, so that 59.97 is 1:00.0 and not 0:60.0
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
