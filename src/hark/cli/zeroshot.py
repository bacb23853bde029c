"""`hark zeroshot`: how well a model tells labels apart that it was never trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import AsJson, Manifest, ModelName, Where, progress_bar, show

if TYPE_CHECKING:
    from hark.eval.zeroshot import ZeroshotReport


def zeroshot(
    model: ModelName,
    on: Manifest,
    where: Where = None,
    template: Annotated[
        list[str] | None,
        typer.Option(metavar="TEMPLATE", help='How a label is worded, as "the sound of {label}"; repeatable.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure classification without training: each clip gets the label whose sentences are nearest to it."""
    import numpy as np

    from hark.data import manifest
    from hark.eval.zeroshot import classify
    from hark.runtime.load import load
    from hark.text.prompts import TEMPLATES

    clips = manifest.read(on, where=manifest.parse_where(where or []))
    with progress_bar("embedding clips") as progress:
        rng = np.random.default_rng(0)  # fixed, so that the same run prints the same intervals
        report = classify(load(model), clips, templates=template or TEMPLATES, rng=rng, progress=progress)
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else _text(report, on))


def _text(report: ZeroshotReport, on: Path) -> str:
    heading = f"{report.model} ({report.stamp[:12]}) on {on}: {report.clips} clips, {report.labels} labels"
    lines = [
        heading,
        "",
        f"accuracy  {show(report.accuracy)}",
        f"mAP       {show(report.mean_average_precision)}",
        f"macro F1  {show(report.macro_f1)}",
        "",
        f"[low, high]: {report.level:.0%} bootstrap interval over clips",
    ]
    if report.multi_label:
        lines.append("clips have several labels: accuracy asks whether the top label is one of the clip's")
    hardest = sorted(report.per_label.items(), key=lambda entry: entry[1])[:10]
    width = max(len(label) for label in report.per_label)
    lines += ["", "hardest labels", *(f"  {label.ljust(width)}  {accuracy:.3f}" for label, accuracy in hardest)]
    if report.confusions:
        lines += ["", "most often confused"]
        lines += [
            f"  {c.label.ljust(width)}  taken for {c.taken_for.ljust(width)}  {c.count}" for c in report.confusions
        ]
    return "\n".join(lines)
