"""An evaluation's folder with all that a report shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError
from hark.data import manifest
from hark.data.records import Clip
from hark.eval import folder
from hark.eval.folder import Results
from hark.eval.outcome import said_of_map
from hark.eval.provenance import Provenance
from hark.eval.report import plane, spread, way
from hark.eval.report.plane import Plane
from hark.eval.report.spread import Spread
from hark.eval.report.way import Way

ZEROSHOT = "zeroshot.json"


@dataclass(frozen=True)
class Evaluation:
    """What stands in an evaluation's folder. `title` tells systems apart; `texts` says what is searched with.

    `zeroshot` is what `hark zeroshot --json` printed, where somebody put it beside the rest.
    """

    title: str
    results: Results
    texts: str
    note: str
    clips: Mapping[str, Clip]
    ways: tuple[Way, Way]
    spread: Spread
    plane: Plane | None
    sentences: tuple[str, ...]
    zeroshot: Mapping[str, Any] | None

    @property
    def made(self) -> Provenance:
        """What the numbers were made of."""
        return self.results.made


def read(path: Path, *, title: str | None = None, show: int = 4) -> Evaluation:
    """An evaluation's folder; of each direction the `show` worst and best queries are kept.

    Raises DataError where something in it is missing or damaged.
    """
    results = folder.read(path)
    clips = {clip.id: clip for clip in manifest.read(path / "clips.jsonl")}
    labels = {clip.id: clip.labels for clip in clips.values()}
    there, back = (way.read(results, name, labels=labels, show=show) for name in folder.WAYS)
    sentences = tuple(there.first)
    first = next(iter(results.rows("text_to_audio")), None)
    return Evaluation(
        title=results.made.model if title is None else f"{title}: {results.made.model}",
        results=results,
        texts=str(results.report.get("texts", "queries")),
        note=_note(results, there),
        clips=clips,
        ways=(there, back),
        spread=spread.read(results),
        plane=None if first is None else plane.read(results, clips=list(clips), first=first),
        sentences=sentences,
        zeroshot=_zeroshot(path / ZEROSHOT),
    )


def _note(results: Results, there: Way) -> str:
    told = results.report
    try:
        over = "queries" if told["drawn"] == "queries" else "clips with their texts"
        note = f"[low, high]: {float(told['level']):.0%} {told['interval']} interval over {over}"
        return note + said_of_map(there.metrics, told["divisor"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{results.folder}/report.json: does not say how intervals were made; evaluate again"
        ) from error


def _zeroshot(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); write it with `hark zeroshot MODEL --json`") from error
    if not isinstance(told, dict) or not ("tasks" in told or "per_label" in told):
        raise DataError(f"{path}: not a report of `hark zeroshot --json`; write it again, or remove it")
    return told
