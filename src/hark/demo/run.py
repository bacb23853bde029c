"""Runs the demonstration: makes or takes sounds, indexes, asks, measures, trains, and writes the report."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from hark.core.errors import HarkError
from hark.core.files import write_text
from hark.core.provenance import made_by
from hark.data.corpora import synth
from hark.data.records import Clip
from hark.demo import page, pictures, place, questions
from hark.demo.parts import Answer, Asked, Indexed, Learned, Measured, Part, Point, Report, Sounds
from hark.demo.questions import Question
from hark.demo.truth import LEAST_S, events_of, heard_s
from hark.eval import retrieval
from hark.eval.retrieval import Direction
from hark.metrics import chance
from hark.recipe import Recipe
from hark.runtime.model import Model
from hark.search.engine import Hit, Library
from hark.search.walk import printable, root_of
from hark.train import run as training

SCENE_S = 12.0
CLEARLY = 2.0
"""A training has learned something where its mAP@10 is this many times chance."""

Tell = Callable[[Part], None]
"""Hears each part as soon as it is known."""

Hear = Callable[[str, int, int, str], None]
"""Hears (what is being done, done, in all, a remark)."""


def _nobody(*_: object) -> None:
    """Hears nothing."""


def run(
    out: Path,
    *,
    model: Model,
    recipe: Recipe | None,
    folder: Path | None = None,
    scenes: int = 120,
    tell: Tell = _nobody,
    hear: Hear = _nobody,
) -> Report:
    """Shows all that hark does, on synthesised scenes or on the sounds in `folder`, and writes a report into `out`.

    The library, the scenes and the training lie in `out` and are made anew each time; `recipe` is trained from scratch
    (None: nothing is). The report is written as report.json and as report.html, which needs no other file.

    Raises SettingError for an `out` that is not its own or a `folder` without sounds, HarkError where the training,
    though the report is written, did not do clearly better than chance.
    """
    if folder is not None:
        root_of(folder)  # a wrong folder is told before anything is removed
    place.claim(out, folder=folder)
    clips, sounds = _sounds(out, folder=folder, scenes=scenes)
    tell(sounds)
    indexed, asked, search_s = _search(out, model, sounds=sounds, clips=clips, tell=tell, hear=hear)
    with _one_thread():
        measured = _measure(model, clips, hear=hear) if clips else None
        if measured is not None:
            tell(measured)
        learned = _train(recipe, out / place.TRAINING, tell=tell, hear=hear) if recipe is not None else None
        if learned is not None:
            tell(learned)
    seconds = {"sounds": sounds.seconds, "index": indexed.seconds, "search": search_s}
    seconds |= {"retrieval": measured.seconds} if measured is not None else {}
    seconds |= {"training": learned.seconds} if learned is not None else {}
    report = Report(
        model=model.name,
        stamp=model.stamp,
        out=out,
        sounds=sounds,
        indexed=indexed,
        asked=asked,
        measured=measured,
        learned=learned,
        seconds=seconds,
        made_by=made_by(),
    )
    started = time.monotonic()
    write_text(out / place.PAGE, page.html(report, pictures.strips(report)))
    report = dataclasses.replace(report, seconds=seconds | {"report": time.monotonic() - started})
    write_text(out / place.REPORT, json.dumps(report.as_json(), indent=2) + "\n")
    if learned is not None and learned.best.map_at_10 < CLEARLY * learned.best.chance:
        best = learned.best
        raise HarkError(
            f"{learned.recipe}: mAP@10 {best.map_at_10:.3f} after {best.step} steps is not clearly above chance "
            f"({best.chance:.3f}); train for longer"
        )
    return report


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keeps torch to one thread: the numbers do not depend on the processors then, nor the time on what else they do.

    With as many threads as processors, each step of so small a model waits for the slowest of them; where one of two
    processors was busy with something else, it took ten times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sounds(out: Path, *, folder: Path | None, scenes: int) -> tuple[list[Clip], Sounds]:
    started = time.monotonic()
    if folder is not None:
        return [], Sounds(folder, scenes=None, audio_s=None, seconds=0.0)
    made = out / place.SCENES
    clips = synth.Config(clips=scenes, scenes=True, duration_s=SCENE_S, path=str(made)).build()
    return clips, Sounds(made, scenes=scenes, audio_s=scenes * SCENE_S, seconds=time.monotonic() - started)


def _search(
    out: Path, model: Model, *, sounds: Sounds, clips: Sequence[Clip], tell: Tell, hear: Hear
) -> tuple[Indexed, tuple[Asked, ...], float]:
    started = time.monotonic()
    known = {clip.path.resolve(): clip for clip in clips}
    with Library(out / place.LIBRARY, model) as library:
        report = library.index(
            sounds.folder,
            progress=lambda at: hear(
                "indexing", at.done, at.total, f"{at.audio_s / max(time.monotonic() - started, 1e-3):.0f} x real time"
            ),
        )
        seconds = time.monotonic() - started
        files, windows = library.counts()
        refused = tuple(f"{fault.path}: {fault.reason}" for fault in report.unreadable)
        indexed = Indexed(out / place.LIBRARY, files, windows, report.audio_s, refused, seconds)
        tell(indexed)
        started = time.monotonic()
        asked = []
        for question in questions.OF_SCENES if clips else questions.OF_ANYTHING:
            hits = library.search(question.text, k=3)
            asked.append(_asked(question, hits, root=sounds.folder.resolve(), known=known, files=files))
        seconds = time.monotonic() - started
    for each in asked:
        tell(each)
    return indexed, tuple(asked), seconds


def _asked(question: Question, hits: Sequence[Hit], *, root: Path, known: Mapping[Path, Clip], files: int) -> Asked:
    answers = []
    for hit in hits:
        name = printable(str(hit.path.relative_to(root)))
        answer = Answer(hit.path, name, hit.start_s, hit.end_s, hit.score)
        if known:
            events = events_of(known[hit.path])
            heard = heard_s(hit.start_s, hit.end_s, events=events, kinds=question.kinds)
            answer = dataclasses.replace(answer, heard_s=heard, right=heard >= LEAST_S, events=events)
        answers.append(answer)
    holding = sum(not set(question.kinds).isdisjoint(clip.labels) for clip in known.values()) if known else None
    return Asked(question.text, question.kinds, tuple(answers), holding, files)


def _measure(model: Model, clips: Sequence[Clip], *, hear: Hear) -> Measured:
    started = time.monotonic()
    report = retrieval.evaluate(
        model,
        clips,
        rng=np.random.default_rng(0),  # fixed, so that the same scenes give the same intervals
        progress=lambda done, total: hear("measuring", done, total, ""),
    )
    said = Counter(text for clip in clips for text in set(clip.captions))
    there = _guess(report.text_to_audio, list(said.values()))
    back = _guess(report.audio_to_text, [len(set(clip.captions)) for clip in clips])
    return Measured(report, there, back, seconds=time.monotonic() - started)


def _guess(direction: Direction, relevant: Sequence[int]) -> dict[str, float]:
    """What chance gives, by metric; `relevant` is the number of right answers of each query."""
    assert len(relevant) == direction.queries, (len(relevant), direction.queries)
    guess = {}
    for name in direction.metrics:
        kind, _, k = name.partition("@")
        if k:
            worth = chance.recall_at if kind == "R" else chance.average_precision_at
            guess[name] = sum(worth(int(k), items=direction.items, relevant=r) for r in relevant) / len(relevant)
    return guess


def _train(recipe: Recipe, out: Path, *, tell: Tell, hear: Hear) -> Learned:
    started = time.monotonic()
    losses: list[float] = []
    points: list[Point] = []
    for event in training.run(
        recipe, data=Path(), out=out, prepare=lambda what, done, total: hear(what, done, total, "")
    ):
        losses.append(event.step.loss)
        hear("training", event.step.step + 1, event.steps, f"loss {event.step.loss:.2f}")
        if event.validation is not None:
            since = points[-1].step if points else 0
            point = Point(
                step=event.step.step + 1,
                steps=event.steps,
                loss=float(np.mean(losses[since:])),
                map_at_10=event.validation.map_at_10,
                accuracy=event.validation.accuracy,
                chance=event.validation.chance,
            )
            points.append(point)
            tell(point)
    assert points, "the recipe's stage has validation clips"
    return Learned(recipe.name, out, tuple(points), tuple(losses), seconds=time.monotonic() - started)
