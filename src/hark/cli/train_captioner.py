"""`hark train` of a captioner's recipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hark.train.caption_dry import CaptionReport
    from hark.train.dry import Found

Move = Callable[[str, int, int, str], None]
"""Told (what, done, in all, a note)."""


def is_captioner(name: str) -> bool:
    """Whether the recipe of that name or path is a captioner's."""
    from hark.recipe import captioner

    return captioner.is_one(name)


def train_captioner(
    name: str, *, data: Path, out: Path | None, changes: Sequence[str], dry_run: bool, as_json: bool, move: Move
) -> None:
    """Trains a captioner as `hark train` does, or tells what it would need."""
    from hark.recipe import captioner

    recipe = captioner.load(name, changes=changes)
    if dry_run:
        from hark.train.caption_dry import caption_dry_run

        report = caption_dry_run(recipe, data=data)
        print(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(_report(report)))  # noqa: T201
        return
    from hark.train.caption_run import run

    folder = out or Path("runs") / recipe.name
    for event in run(recipe, data=data, out=folder, prepare=lambda what, done, total: move(what, done, total, "")):
        move(event.stage, event.step.step + 1, event.steps, f"loss {event.step.loss:.3f}")
        if event.validation is None:
            continue
        if as_json:
            told = {"stage": event.stage, "step": event.step.step + 1, "loss": event.step.loss}
            print(json.dumps(told | event.validation.as_json()), flush=True)  # noqa: T201
        else:
            line = f"{event.stage} step {event.step.step + 1}: loss {event.step.loss:.3f}, {event.validation.line()}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201
    print(folder / "model.safetensors")  # noqa: T201 - the result


def _report(report: CaptionReport, indent: str = "") -> Iterator[str]:
    from hark.cli.train import told_of

    yield f"{indent}{report.name}: {report.about}"
    if report.ears:
        yield f"{indent}hears with {report.ears}"
    if report.ears_missing:
        yield f"{indent}  MISSING {report.ears_missing}"
    for stage in report.stages:
        length = f"{stage.epochs:g} epochs" if stage.epochs is not None else f"{stage.steps:,} steps"
        yield f"{indent}stage {stage.name}: {stage.task}, batch {stage.batch}, {length}"
        yield from _data(stage.data, told_of, indent)
    for one in report.members:
        yield from _report(one, indent + "  ")
    if report.published:
        yield f"{indent}published: {json.dumps(report.published)}"


def _data(data: Sequence[Found], told_of: Callable[[Found], str], indent: str) -> Iterator[str]:
    for found in data:
        yield f"{indent}  {told_of(found)}"
        if found.missing and found.get:
            yield f"{indent}    get it: {found.get}"
