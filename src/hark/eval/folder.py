"""The folder of an evaluation: its report, what each query found, and all that pictures and comparisons need.

report.json            the report (`RetrievalReport.as_json`), with `format`
text_to_audio.jsonl    a row for each text: `query`, `relevant` (ids of clips), `ranks` of these, `values` of each
                       metric, and the `top` items (`item`, `score`, `relevant`)
audio_to_text.jsonl    the same for each clip that a text is about; `query` is its id, items are texts
scores.json            how many pairs that belong together, and that do not, have which similarity
clips.jsonl            the clips as a manifest, where their files are, and in the order of the vectors
clips-....npy          the clips' vectors, float32; and `texts.npy` those of the texts, in the order of their rows
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hark.core.errors import DataError, SettingError
from hark.core.files import refuse_unwritable, write_aside, write_text
from hark.data import manifest
from hark.data.records import Clip
from hark.eval.found import Found
from hark.eval.outcome import Measures, Outcome
from hark.eval.provenance import Provenance
from hark.metrics.ranked import Ranked

FORMAT = 1
WAYS = ("text_to_audio", "audio_to_text")


@dataclass(frozen=True)
class Row:
    """What one query found: `ranks` are those of the `relevant` items, best first."""

    query: str
    relevant: tuple[str, ...]
    ranks: tuple[int, ...]
    values: dict[str, float]
    top: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Results:
    """An evaluation's folder, read: `report` as it stands in report.json."""

    folder: Path
    made: Provenance
    report: dict[str, Any]

    def rows(self, way: str) -> Iterator[Row]:
        """What each query found, "text_to_audio" or "audio_to_text". Raises DataError, which names the line."""
        path = self.folder / f"{way}.jsonl"
        try:
            with path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    yield _row(line, f"{path}:{number}")
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; evaluate again") from error


def write(folder: Path, outcome: Outcome, clips: Sequence[Clip]) -> None:
    """Writes everything but the vectors, which `hark.eval.retrieval.examine` writes; the report comes last."""
    names, texts = [clip.id for clip in clips], outcome.asked.texts
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").unlink(missing_ok=True)  # what is interrupted here has no report, and not an older one
    manifest.write(folder / "clips.jsonl", clips)
    said = [names[at] for at in outcome.described]
    _write_rows(folder / "text_to_audio.jsonl", outcome.text_to_audio, texts, names, outcome.measures)
    _write_rows(folder / "audio_to_text.jsonl", outcome.audio_to_text, said, texts, outcome.measures)
    found = outcome.text_to_audio  # the pairs are the same ones both ways
    counts = {"edges": found.edges.tolist(), "matching": found.matching.tolist(), "others": found.others.tolist()}
    made = outcome.report.as_json()["made"]
    write_text(folder / "scores.json", json.dumps(counts | {"made": made}) + "\n")
    write_text(folder / "report.json", json.dumps({"format": FORMAT} | outcome.report.as_json(), indent=2) + "\n")


def read(folder: Path) -> Results:
    """The folder that `write` wrote. Raises DataError where there is none, or it is of another format."""
    path = folder / "report.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        found, made = report["format"], Provenance(**report["made"])
    except OSError as error:
        raise DataError(f"{folder}: no evaluation here; make one with `hark eval MODEL --out {folder}`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a report of `hark eval`; evaluate again") from error
    if found != FORMAT:
        raise DataError(f"{path}: format {found}, this hark reads {FORMAT}; evaluate again")
    return Results(folder, made, report)


def refuse_other(folder: Path, made: Provenance) -> None:
    """Sees that no evaluation of another model, or on other data, is written over; one that is damaged may be.

    Raises SettingError, also where the folder cannot be made or written to.
    """
    refuse_unwritable(folder)
    try:
        there = Provenance(**json.loads((folder / "report.json").read_text(encoding="utf-8"))["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if (there.stamp, there.data) != (made.stamp, made.data):
        raise SettingError(
            f"{folder}: holds the evaluation of {there.model} {there.stamp[:12]} on data {there.data}, not of "
            f"{made.model} {made.stamp[:12]} on {made.data}; give another folder, or remove that one"
        )


def _write_rows(path: Path, found: Found, queries: Sequence[str], items: Sequence[str], measures: Measures) -> None:
    values = {metric.name: metric.values(found.ranked) for metric in measures.parsed if metric.kind != "rank"}
    starts, relevant, top = found.answers.starts, found.answers.item, found.top
    query = np.repeat(np.arange(len(top)), top.shape[1])
    right = found.answers.holds(query, top.ravel()).reshape(top.shape)
    with write_aside(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        for at, text in enumerate(queries):
            held = zip(top[at].tolist(), found.top_scores[at].tolist(), right[at].tolist(), strict=True)
            row = {
                "query": text,
                "relevant": [items[item] for item in relevant[starts[at] : starts[at + 1]]],
                "ranks": found.ranked[at].tolist(),
                "values": {name: round(float(column[at]), 9) for name, column in values.items()},
                "top": [_item(items[item], score, hit) for item, score, hit in held if item >= 0],
            }
            file.write(json.dumps(row) + "\n")


def _item(name: str, score: float, relevant: bool) -> dict[str, Any]:
    return {"item": name, "score": round(score, 8), "relevant": relevant}


def _row(line: str, place: str) -> Row:
    try:
        told = json.loads(line)
        ranks = tuple(told["ranks"])
        if not ranks or not all(isinstance(rank, (int, float)) and rank >= 1 for rank in ranks):
            raise ValueError("ranks")
        return Row(told["query"], tuple(told["relevant"]), ranks, told["values"], tuple(told["top"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place}: not a row of `hark eval`; evaluate again") from error


def ranked(rows: Sequence[Row]) -> Ranked:
    """The ranks of these rows, for the metrics."""
    return Ranked.of([np.array(row.ranks) for row in rows])
