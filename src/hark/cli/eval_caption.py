"""`hark eval CAPTIONER`: what a captioner's captions are worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hark.cli.eval import aligned, show

if TYPE_CHECKING:
    from hark.caption.captioner import Captioner
    from hark.data.records import Clip
    from hark.eval.captioning import CaptionReport, Judged

REPORT = "report.json"
CAPTIONS = "captions.jsonl"
CLIPS = "clips.jsonl"


def is_captioner(name: str) -> bool:
    """Whether a name, file or folder is a captioner's and not that of a model for retrieval."""
    from hark.caption.file import is_captioner as saved_one
    from hark.checkpoints.rows import by_file, look
    from hark.core.errors import HarkError
    from hark.recipe import captioner

    path = Path(name).expanduser()
    path = path / "model.safetensors" if path.is_dir() else path
    if path.suffix == ".safetensors" and path.is_file():
        try:
            return saved_one(path)
        except HarkError:
            return False  # told, with the reason, by who loads it
    row = by_file(path.name) if path.is_file() else look(name)
    return captioner.is_one(name) or (row is not None and row.captioner is not None)


def evaluate_captioner(
    model: str,
    on: Path,
    where: Sequence[str] = (),
    *,
    out: Path | None = None,
    metrics: Sequence[str] = (),
    sentences: str | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    interval: str = "bootstrap",
    beam: int | None = None,
    as_json: bool = False,
) -> None:
    """Captions the clips of a manifest, compares with their captions, prints the report.

    `beam` is how wide captions are searched for; None: as the recipe says. With `out` the captions are written to
    captions.jsonl there (and an interrupted run is gone on with), the report to report.json, and what each clip's
    caption is worth to clips.jsonl.
    """
    import numpy as np

    from hark.caption.file import load
    from hark.cli.progress import continued, steps
    from hark.core.errors import SettingError
    from hark.core.files import refuse_unwritable
    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval import captioning
    from hark.eval.embed import refuse_missing
    from hark.eval.folder import refuse_other
    from hark.eval.provenance import provenance
    from hark.runtime.load import load as load_reader

    if interval not in ("bootstrap", "jackknife"):
        raise SettingError(f"--interval {interval}: unknown; bootstrap or jackknife")
    if out is not None:
        refuse_unwritable(out)
    clips = manifest.read(on, where=manifest.parse_where(list(where)))
    refuse_missing(clips)
    reader = None if sentences is None else load_reader(sentences)
    captioning.check(metrics, reader)  # before anything is heard
    captioner = load(model)
    made = provenance(captioner, clips, command=command_line())
    if out is not None:
        refuse_other(out, made)
    with continued(), steps("captioning") as progress:
        said = _said(captioner, clips, beam, out, progress)
    found = captioning.measure(
        said,
        clips,
        made=made,
        rng=np.random.default_rng(0),  # fixed, so that the same run prints the same intervals
        metrics=metrics,
        reader=reader,
        resamples=resamples,
        level=level,
        interval="jackknife" if interval == "jackknife" else "bootstrap",
    )
    if out is not None:
        _write(out, found, clips)
    typer.echo(json.dumps(found.report.as_json(), indent=2) if as_json else _text(found.report, on))


def _said(
    captioner: Captioner, clips: Sequence[Clip], beam: int | None, out: Path | None, progress: object
) -> list[str]:
    """The best caption of each clip; with a folder those that stand there are not made again."""
    from hark.caption.describe import Way, describe
    from hark.caption.written import Written, made
    from hark.core.errors import DataError
    from hark.data import manifest

    way = Way(beams=beam)
    written = None if out is None else Written(out / CAPTIONS, made(captioner, way, None))
    left = [clip for clip in clips if written is None or clip.id not in written.done]
    said: dict[str, str] = {}
    for done, found in enumerate(describe(captioner, left, way), start=len(clips) - len(left) + 1):
        if found.fault is not None:
            remedy = "repair the file, or leave the clip out of the manifest"
            raise DataError(f"clip '{found.clip.id}' ({found.clip.path}): {found.fault}; {remedy}")
        said[found.clip.id] = found.told[0].said[0].text
        if written is not None:
            written.add(found)
        assert callable(progress)
        progress(done, len(clips))
    if written is not None:
        written.close()
        said |= {clip.id: next(iter(clip.captions), "") for clip in manifest.read(written.path)}
    return [said[clip.id] for clip in clips]


def _write(out: Path, found: Judged, clips: Sequence[Clip]) -> None:
    from hark.caption.written import line
    from hark.core.files import write_text

    rows = []
    for place, clip in enumerate(clips):
        row = {"id": clip.id, "path": str(clip.path), "said": found.said[place], "references": found.references[place]}
        rows.append(line(row | {name: round(float(values[place]), 6) for name, values in found.per_clip.items()}))
    write_text(out / CLIPS, "".join(f"{row}\n" for row in rows))
    write_text(out / REPORT, json.dumps(found.report.as_json(), indent=2) + "\n")


def _text(report: CaptionReport, on: Path) -> str:
    rows = [(name, show(estimate)) for name, estimate in report.metrics.items()]
    heading = (
        f"{report.made.model} on {on}: {report.clips} clips, {report.references:.2f} captions of each to compare with"
    )
    told = f"{report.different} different captions, {report.words:.1f} words in the mean"
    missing = [f"{', '.join(names)} not measured: {why}" for why, names in _grouped(report).items()]
    reader = [f"sentence similarity by {report.reader}"] if report.reader else []
    lines = [heading, told, "", *aligned(rows), "", *missing, *reader, report.note(), report.made.line()]
    return "\n".join(lines)


def _grouped(report: CaptionReport) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in report.missing.items():
        found.setdefault(why, []).append(name)
    return found
