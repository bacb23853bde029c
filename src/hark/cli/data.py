"""`hark data`: the corpora there are; fetches, prepares, packs and compares them."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from hark.cli.embed import embed
from hark.cli.progress import bytes_fetched, continued, steps

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Corpus = Annotated[str, typer.Argument(metavar="CORPUS", help="A corpus that `hark data list` names.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the corpus; repeatable.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write to.")]

app = typer.Typer(
    help="List the corpora; fetch one; bring it into one format, checked; pack it into shards; find overlaps.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list", short_help="Every published corpus that hark reads.")
def list_corpora(as_json: AsJson = False) -> None:
    """List the published corpora: size, licence, what the field takes them for, and how to get them."""
    from hark.data.catalogue import cards, counts, how_to_get

    found = cards()
    if as_json:
        typer.echo(json.dumps([{"name": name} | dataclasses.asdict(card) for name, card in found], indent=2))
        return
    for name, card in found:
        hours = "" if card.hours is None else f"{card.hours:,g} hours"
        clips = f"clips: {counts(card.clips)}" if card.clips else ""
        typer.echo(f"{name}: {card.title}")
        told = "; ".join(said for said in (clips, hours, card.licence) if said)
        for line in (told, card.use, how_to_get(name, card)):
            typer.echo(f"    {line}")


@app.command(short_help="Bring a corpus into one format: FLAC, JSON, a manifest, a report.")
def prepare(
    corpus: Corpus,
    source: Annotated[Path, typer.Option(metavar="DIR", help="The corpus, as it was published.")],
    out: Out,
    rate: Annotated[int, typer.Option(metavar="HZ", help="Of the sounds that are written.")] = 48000,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write no sounds; the manifest names them where they are.")
    ] = False,
    split: Annotated[
        list[str] | None, typer.Option(metavar="S", help="Only this split, as published; repeatable.")
    ] = None,
    settings: Settings = None,
    least: Annotated[float, typer.Option(metavar="SECONDS", help="Leave out shorter sounds.")] = 0.0,
    drop_duplicates: Annotated[
        bool, typer.Option("--drop-duplicates", help="Keep the first of clips whose samples are the same.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Processes; without it one a processor, 0: none but this.")
    ] = None,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="ray: with Ray Data, on many machines.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Read every clip of a corpus and write it as FLAC, with a JSON file of what is said of it, and one manifest.

    Run it again to go on after a stop: what is finished is kept. What is missing or cannot be read is told in the
    report; the exit status is 0 only if nothing is, and the counts are the published ones. What the settings leave out,
    and faults that the corpus is known for, are told as well, but are none of the copy's.
    """
    from hark.data.prepare import options, place, run

    chosen = run.Settings(
        corpus=corpus,
        source=str(source),
        out=str(out),
        rate_hz=rate,
        in_place=in_place,
        splits=tuple(split or ()),
        options=options.parse(corpus, settings or []),
        least_s=least,
        drop_duplicates=drop_duplicates,
    )
    with continued(), steps("preparing") as progress:
        report = run.prepare(chosen, jobs=jobs, engine=cast(Literal["local", "ray"], engine), progress=progress)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        typer.echo(f"{out / place.MANIFEST}\n{report.text()}")
    sys.stdout.flush()
    if not report.good:
        typer.echo(f"hark: {corpus}: {report.summary()}; see {out / place.REPORT}", err=True)
        raise typer.Exit(1)


@app.command(short_help="Fetch a corpus's public archives and unpack them.")
def download(corpus: Corpus, out: Out, settings: Settings = None) -> None:
    """Fetch what is public of a corpus, check it, and unpack it; run it again to go on after a cut.

    --set version=1 (or year, subset, audio, as `hark data list` says) fetches another version than the one that is
    read without it. Where nothing is public, the error says how to get it.
    """
    from hark.data.prepare import options
    from hark.data.prepare.download import card_of
    from hark.data.prepare.download import download as fetch

    card = card_of(corpus)
    typer.echo(f"hark: {card.title}, licence: {card.licence}", err=True)
    with continued(), bytes_fetched() as progress:
        fetched = fetch(corpus, out, options=options.parse(corpus, settings or []), progress=progress)
    for file in fetched:
        typer.echo(f"{file.path}{f': {file.by_hand}' if file.by_hand else ''}")


@app.command(short_help="Write a manifest's clips as WebDataset shards.")
def pack(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A .jsonl manifest, as `prepare` writes.")],
    out: Out,
    size: Annotated[int, typer.Option(metavar="N", min=1, help="Clips in a shard.")] = 512,
    rate: Annotated[int, typer.Option(metavar="HZ", help="Of the sounds; 0: each at its own.")] = 48000,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the order, which is a shuffle.")] = 0,
    jobs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Processes; without it one a processor.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write tars that LAION-CLAP, open_clip and the webdataset library read; run it again to go on after a stop.

    Clips that cannot be read, are silent or have nothing said of them are named on stderr; then the exit status is 1.
    """
    from hark.data.prepare.local import processors
    from hark.data.shards.pack import pack as write

    with continued(), steps("packing") as progress:
        packed = write(
            manifest, out, per_shard=size, rate_hz=rate or None, seed=seed, jobs=jobs or processors(), progress=progress
        )
    for line in packed.left_out:
        typer.echo(f"hark: {line}", err=True)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(packed), indent=2))
    else:
        typer.echo(f"{out}: {len(packed.sizes)} shards, {sum(packed.sizes.values())} clips")
    if packed.left_out:
        raise typer.Exit(1)


@app.command(short_help="Write what is in WebDataset shards as files and a manifest.")
def unpack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the shards.")],
    out: Out,
) -> None:
    """Write every sound of the shards as a file, and a manifest of what is said of them."""
    from hark.data.shards.unpack import MANIFEST
    from hark.data.shards.unpack import unpack as write

    with continued(), steps("unpacking") as progress:
        clips = write(folder, out, progress=progress)
    typer.echo(f"{out / MANIFEST}: {len(clips)} clips")


@app.command(short_help="Find what sets and splits have in common.")
def check(
    manifests: Annotated[
        list[Path], typer.Argument(metavar="MANIFESTS", help="The sets; first those that are tested on.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write what to leave out; `train` takes it.")
    ] = None,
    lists: Annotated[
        list[Path] | None, typer.Option("--list", metavar="FILE", help="A published exclusion list; repeatable.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Processes; without it one a processor, 0: none but this.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare sets by ids, file, samples, fingerprint and captions, each with the others and its splits.

    The exit status is 1 if a sound stands in two sets or splits, or one cannot be heard. Equal captions are told, but
    are no leak.
    """
    from hark.data.overlap.check import check_manifests

    with continued(), steps("comparing") as progress:
        found = check_manifests(manifests, out=out, lists=lists or [], jobs=jobs, progress=progress)
    typer.echo(json.dumps(found.as_json(), indent=2) if as_json else "\n".join(found.lines()))
    sys.stdout.flush()
    if found.leaks or found.unheard:
        written = f"; what to leave out is in {out}" if out else ""
        typer.echo(f"hark: {len(found.leaks)} leaks, {len(found.unheard)} not heard{written}", err=True)
        raise typer.Exit(1)


app.command("embed", short_help="The same as `hark embed`.")(embed)
