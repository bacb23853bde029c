"""`hark caption`: says in words what is heard."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import Where

if TYPE_CHECKING:
    from hark.caption.describe import Described
    from hark.data.records import Clip

FILES = "Sounds, folders of them (all below are taken), and manifests (.jsonl, .csv)."
MANIFESTS = (".jsonl", ".csv", ".tsv", ".json")


def caption(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help=FILES)],
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="A captioner's name, file or folder.")
    ] = None,
    where: Where = None,
    beam: Annotated[
        int | None, typer.Option("--beam", metavar="N", min=1, help="How wide to search. Default: the recipe's.")
    ] = None,
    each: Annotated[int, typer.Option("--each", metavar="N", min=1, help="How many captions of every sound.")] = 1,
    sample: Annotated[bool, typer.Option("--sample", help="Draw captions by chance instead of searching.")] = False,
    power: Annotated[
        float | None,
        typer.Option(
            "--length-penalty",
            metavar="POWER",
            min=0,
            help="Of the length, by which the search divides: 0 likes short captions. Default: the recipe's.",
        ),
    ] = None,
    top_p: Annotated[
        float, typer.Option("--top-p", metavar="SHARE", help="Draw words from the likeliest that have this share.")
    ] = 0.9,
    temperature: Annotated[
        float, typer.Option("--temperature", metavar="T", help="Of what is drawn: below 1 likelier, above 1 wilder.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of what is drawn.")] = 0,
    spans: Annotated[
        bool, typer.Option("--spans", help="Caption long recordings stretch by stretch, with times.")
    ] = False,
    window_s: Annotated[
        float, typer.Option("--window", metavar="SECONDS", min=0.1, help="How long a stretch is.")
    ] = 10.0,
    rerank: Annotated[
        str | None,
        typer.Option("--rerank", metavar="MODEL", help="First what this retrieval model finds closest to the sound."),
    ] = None,
    drawn: Annotated[
        int | None,
        typer.Option("--drawn", metavar="N", min=0, help="How many drawn captions --rerank has to choose from. [16]"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line; with --out, one of what was written.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Write the lines there; goes on with what is there already."),
    ] = None,
) -> None:
    """Say what is heard in sounds; run it again with the same --out to go on.

    The lines of --out and --json are a manifest; `hark index --captions` makes them searchable. With --rerank the
    captions of the search and 16 drawn ones are ranked by their score, which then is their cosine with the sound and
    0.3 of the mean log-probability of their words. Of stretches whose every sample is 0 --spans says nothing. Files
    that cannot be read are named on stderr, everything else is captioned, and the exit status is 1.
    """
    from hark.caption.describe import Way, describe
    from hark.caption.file import load
    from hark.caption.written import Written, line, made, records
    from hark.cli.progress import continued, steps
    from hark.core.errors import SettingError
    from hark.core.files import refuse_unwritable
    from hark.data.manifest import parse_where
    from hark.runtime.load import load as load_judge

    if out is not None and out.suffix != ".jsonl":
        raise SettingError(f"--out {out}: the file must end in .jsonl")
    if out is not None:
        refuse_unwritable(out.parent)
    if drawn is not None and rerank is None:
        raise SettingError("--drawn: how many there are to choose from; give --rerank MODEL as well")
    way = Way(
        beams=beam, each=each, sample=sample, power=power, top_p=top_p, temperature=temperature, seed=seed,
        window_s=window_s if spans else None, drawn=Way.drawn if drawn is None else drawn,
    )  # fmt: skip
    clips, faults = _clips(files, parse_where(where or []))
    captioner = load(model or _default())
    judge = None if rerank is None else load_judge(rerank)
    told = made(captioner, way, judge)
    count = few = 0
    with contextlib.ExitStack() as stack:
        written = None
        if out is not None:
            written = Written(out, told)
            stack.callback(written.close)
            clips = [clip for clip in clips if clip.id not in written.done]
            stack.enter_context(continued())
        progress = stack.enter_context(steps("captioning"))
        for done, found in enumerate(describe(captioner, clips, way, judge=judge), start=1):
            if found.fault is not None:
                faults.append((str(found.clip.path), found.fault))
            elif written is not None:
                written.add(found)
            elif as_json:
                for record in records(found, told):
                    print(line(record), flush=True)  # noqa: T201
            else:
                for shown in _text(found):
                    print(shown, flush=True)  # noqa: T201
            count += found.fault is None
            few += sum(len(one.said) < each for one in found.told)
            progress(done, len(clips))
    from hark.search.walk import printable

    for path, fault in sorted(faults):
        typer.echo(f"hark: {printable(path)}: {fault}", err=True)
    if few:
        of = "stretches" if spans else "sounds"
        typer.echo(f"hark: {few} {of} have fewer than {each} captions; no more different ones were found", err=True)
    if written is not None and as_json:
        said = {"out": str(out), "model": captioner.name, "stamp": captioner.stamp, "captioned": count}
        print(json.dumps(said | {"before": len(written.done), "unreadable": len(faults)}, indent=2))  # noqa: T201
    elif written is not None:
        before = f", {len(written.done)} were there" if written.done else ""
        print(f"{out}: {count} sounds captioned{before}")  # noqa: T201
    if faults:
        raise typer.Exit(1)


def _clips(files: list[Path], where: dict[str, str]) -> tuple[list[Clip], list[tuple[str, str]]]:
    """The sounds of files, folders and manifests, and what is wrong with files that are none."""
    from hark.core.errors import SettingError
    from hark.data import manifest
    from hark.data.records import Clip
    from hark.search.walk import root_of, walk

    clips: list[Clip] = []
    faults: list[tuple[str, str]] = []
    for path in files:
        if path.is_dir():
            walked = walk(root_of(path))
            clips += [Clip(found.path, Path(found.path)) for found in walked.files]
            faults += [(fault.path, fault.reason) for fault in walked.faults]
        elif path.suffix.lower() in MANIFESTS and path.exists():
            clips += manifest.read(path, where=where)
        elif path.exists():
            clips.append(Clip(str(path.absolute()), path))
        else:
            raise SettingError(f"{path}: no such file or folder")
    known = list({(clip.path, clip.start_s, clip.duration_s): clip for clip in clips}.values())
    if not known and not faults:
        raise SettingError(f"{', '.join(map(str, files))}: no sounds in it (wav, flac, ogg, mp3, ...)")
    return known, faults


def _default() -> str:
    """The captioner that comes with hark, if one does."""
    from hark.core.errors import SettingError
    from hark.recipe import captioner

    for name in captioner.names():
        if captioner.find(name).with_suffix(".safetensors").is_file():
            return name
    raise SettingError(
        "no captioner comes with hark; train one (hark train sjtu-2022/captioning-gru) and give --model RUN"
    )


def _text(found: Described) -> Iterator[str]:
    """A line for one caption; for several the sound's name, and what is said below it."""
    from hark.cli.index import clock
    from hark.search.walk import printable

    path = printable(str(found.clip.path))
    if len(found.told) == 1 and len(found.told[0].said) == 1 and found.told[0].end_s is None:
        yield f"{path}: {found.told[0].said[0].text}"
        return
    yield path
    for told in found.told:
        times = "" if told.end_s is None else f"{clock(told.start_s):>8}  {clock(told.end_s):>8}  "
        for said in told.said:
            yield f"  {times}{said.score:6.3f}  {said.text}"
