"""`hark reproduce`: published numbers, measured again where weights and data are on disk."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import progress_bar, show

if TYPE_CHECKING:
    from hark.eval.reproduction.reproduce import Again

OFFLINE = "HARK_OFFLINE"


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Recipes, ensembles, checkpoints, tasks, runs.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every published number that hark has.")] = False,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The corpora, each in a folder of its name, published or prepared.")
    ] = Path("data"),
    fetch: Annotated[bool, typer.Option("--fetch", help="Download public checkpoints that are not here.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure published numbers again; each gets a verdict: ok, near, off, or cannot and why.

    ok: within the rounding of the published number. near: that lies in the measured one's interval, or within 2 %.
    """
    from hark.core.errors import SettingError
    from hark.core.provenance import command_line
    from hark.eval.reproduction.reproduce import VERDICTS, chosen
    from hark.eval.reproduction.reproduce import reproduce as measured

    if bool(names) == every:
        raise SettingError("what? give names, or --all")
    found: list[Again] = []
    with contextlib.nullcontext() if fetch else _offline(), progress_bar("embedding clips") as progress:
        for again in measured(chosen(names or []), data=data, command=command_line(), progress=progress):
            found.append(again)
            if not as_json:
                typer.echo(_line(again))
    counts = Counter(again.verdict for again in found)
    if as_json:
        rows = [again.as_json() for again in found]
        typer.echo(json.dumps({"rows": rows, "counts": {one: counts[one] for one in VERDICTS}}, indent=2))
        return
    typer.echo("\n" + ", ".join(f"{counts[one]} {one}" for one in VERDICTS))
    for line in _made(found):
        typer.echo(line)


def _line(again: Again) -> str:
    row = again.row
    told = f"{again.verdict:<6}  {row.system}: {row.what}: published {row.value:f}"
    if again.measured is None:
        return f"{told}: {again.why}"
    if row.kind in ("parameters", "learnable"):
        return f"{told}, counted {again.measured.value:.0f}"
    digits = 1 if row.metric.endswith("rank") else 4
    return f"{told}, measured {show(again.measured, digits)}"


def _made(found: Sequence[Again]) -> list[str]:
    return list(dict.fromkeys(again.made.line() for again in found if again.made is not None))


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Nothing is downloaded while it lasts."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = before
