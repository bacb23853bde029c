"""`hark embed`: the vectors of sounds and sentences, in one .npz file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hark.cli.eval import progress_bar

FILES = "Sounds, and folders of them (all below are taken)."


def embed(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILES", help=FILES)] = None,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="A model's name, file or folder.")] = "mini",
    out: Annotated[Path, typer.Option("--out", metavar="X.npz", help="The file to write.")] = Path("vectors.npz"),
    text: Annotated[
        list[str] | None, typer.Option("--text", metavar="SENTENCE", help="A sentence, too; repeatable.")
    ] = None,
    weights: Annotated[str, typer.Option(metavar="trained|none", help="none: random weights, nothing is read.")] = (
        "trained"
    ),
    compat: Annotated[
        str | None, typer.Option(metavar="published", help="The original's own way with sounds, faults included.")
    ] = None,
    like: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which checkpoint a file is, where its name does not tell.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of random weights, and of what --compat draws.")] = 0,
    labels: Annotated[bool, typer.Option("--labels", help="Store the logits of the tower's labels, too.")] = False,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="ray: with Ray Data, on many machines.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one unit vector for each sound (and sentence) to a .npz file.

    It holds `files` (n,), `vectors` (n, dim), `texts` (m,), `text_vectors` (m, dim), `model` and `stamp`; with --labels
    `logits` (n, classes), the mean over a sound's windows. Files that cannot be read are named on stderr, the others
    are written, and the exit status is 1. Run it again to go on after a stop: until the file is written, what is
    finished is kept in X.npz.parts beside it.
    """
    import torch

    from hark.core.errors import SettingError
    from hark.runtime.load import load
    from hark.search.embed import embed_files, save
    from hark.search.spread import Chosen

    if weights not in ("trained", "none"):
        raise SettingError(f"--weights {weights}: unknown; trained or none")
    if engine not in ("local", "ray"):
        raise SettingError(f"--engine {engine}: unknown; local or ray")
    if not files and not text:
        raise SettingError("nothing to embed; give sounds, folders, or --text")
    if out.suffix != ".npz":
        raise SettingError(f"--out {out}: the file must end in .npz")
    loaded = load(model, compat=compat, like=like, weights="none" if weights == "none" else "trained", seed=seed)
    if weights == "none":
        typer.echo(f"hark: {model}: the weights are random (seed {seed}); these vectors mean nothing", err=True)
    with progress_bar("embedding") as progress:
        chosen = Chosen(model, like, weights, compat, seed, torch.get_num_threads())
        ray = chosen if engine == "ray" else None
        made = embed_files(loaded, files or [], text or [], labels=labels, ray=ray, out=out, progress=progress)
    for fault in made.unreadable:
        typer.echo(f"hark: {fault.path}: {fault.reason}", err=True)
    save(out, made)
    said = {"out": str(out), "model": made.model, "stamp": made.stamp, "weights": weights, "dim": loaded.dim}
    said |= {"files": len(made.files), "texts": len(made.texts), "unreadable": len(made.unreadable)}
    random = " (random weights)" if weights == "none" else ""
    text_line = f"{out}: {len(made.files)} sounds, {len(made.texts)} sentences, {loaded.dim} numbers each{random}"
    typer.echo(json.dumps(said, indent=2) if as_json else text_line)
    if made.unreadable:
        raise typer.Exit(1)
