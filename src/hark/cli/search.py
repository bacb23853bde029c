"""`hark search`: finds sounds by words, by an example, or by both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.index import LibraryFolder, ModelName, clock

if TYPE_CHECKING:
    from hark.index.said import SaidHit
    from hark.search.engine import Hit


def search(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help='What to listen for: "a dog barks".')] = None,
    k: Annotated[int, typer.Option("-k", "--count", metavar="N", min=1, help="How many to list.")] = 10,
    like: Annotated[Path | None, typer.Option(metavar="FILE", help="A sound to find the like of.")] = None,
    all_spans: Annotated[
        bool, typer.Option("--all-spans", help="List every window, not the best of each file.")
    ] = False,
    said: Annotated[
        bool, typer.Option("--said", help="Look for the words in the captions of the library, not for the sound.")
    ] = False,
    library: LibraryFolder = None,
    model: ModelName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Find sounds in the library by describing them, by an example sound, or by both together."""
    from hark.core.errors import LibraryError, SettingError
    from hark.index.place import library_folder
    from hark.index.sqlite import owner_of
    from hark.runtime.ensemble import load_any
    from hark.search import query
    from hark.search.engine import Library

    query.check(text, like)  # before the model is loaded
    place = library_folder(library)
    if said:
        from hark.search.said import find

        if text is None or like is not None:
            raise SettingError("search: --said looks for words in captions; give words, and no --like")
        found = find(place, text, k=k, per_file=not all_spans)
        typer.echo(json.dumps([asdict(hit) for hit in found], indent=2) if as_json else _captions(found))
        return
    owner = owner_of(place)
    if owner is None:
        raise LibraryError(f"{place}: no library here yet; make one with `hark index FOLDER`")
    with Library(place, load_any(model or owner.model)) as opened:
        hits = opened.search(text, like=like, k=k, per_file=not all_spans)
    typer.echo(_json(hits) if as_json else _table(hits))


def _captions(hits: Sequence[SaidHit]) -> str:
    from hark.search.walk import printable

    lines = [
        f"{hit.score:6.3f}  {printable(hit.path)}  {clock(hit.start_s)}-{clock(hit.end_s)}  {printable(hit.text)}"
        for hit in hits
    ]
    return "\n".join(lines or ["no caption holds any of the words"])


def _json(hits: Sequence[Hit]) -> str:
    said = [
        {"path": str(hit.path), "start_s": hit.start_s, "end_s": hit.end_s, "score": round(hit.score, 6)}
        for hit in hits
    ]
    return json.dumps(said, indent=2)


def _table(hits: Sequence[Hit]) -> str:
    from rich.cells import cell_len

    from hark.search.walk import printable

    paths = [printable(str(hit.path)) for hit in hits]
    width = max(map(cell_len, paths))
    lines = [f"score  {'path':<{width}}  {'start':>8}  {'end':>8}"]
    for hit, path in zip(hits, paths, strict=True):
        space = " " * (width - cell_len(path))  # of cells: a Chinese character takes two
        lines.append(f"{hit.score:5.3f}  {path}{space}  {clock(hit.start_s):>8}  {clock(hit.end_s):>8}")
    return "\n".join(lines)
