"""`hark report`: an evaluation as a page to look at and listen to, and as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hark.cli.eval import AsJson


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR [DIR_B ...]", help="Folders that `hark eval --out` wrote.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page; report.html in the first folder unless given.")
    ] = None,
    latex: Annotated[Path | None, typer.Option(metavar="FILE", help="Tables for LaTeX's booktabs.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Tables in Markdown.")] = None,
    audio: Annotated[
        str, typer.Option(metavar="embed|link|none", help="Sounds in the page, links to their files, or nothing.")
    ] = "embed",
    show: Annotated[int, typer.Option(metavar="N", min=0, help="Worst and best queries to show, each way.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Write what evaluations found as one HTML page that needs no other file, with pictures and sounds.

    Of several folders, evaluations of the same clips and questions, the first is what the others are compared with. A
    zeroshot.json that `hark zeroshot --json` printed into a folder is shown, too.
    """
    from hark.core.provenance import command_line
    from hark.eval.report.write import write

    written = write(
        folders,
        out=folders[0] / "report.html" if out is None else out,
        tex=latex,
        md=markdown,
        audio=audio,  # type: ignore[arg-type]
        show=show,
        command=command_line(),
    )
    if as_json:
        typer.echo(json.dumps(written.as_json(), indent=2))
        return
    for file in written.files:
        typer.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB" if file.suffix == ".html" else str(file))
    for one in written.evaluations:
        typer.echo(one.made.line())
