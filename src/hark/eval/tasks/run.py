"""Runs tasks: what is on disk is measured, what is not is listed with what is missing and how to get it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from hark.audio.decode import Source
from hark.core.errors import DataError, SoundError
from hark.core.types import Vectors
from hark.data.records import Clip
from hark.eval import retrieval
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.eval.provenance import Provenance, provenance
from hark.eval.questions import questions
from hark.eval.tasks import board
from hark.eval.tasks.board import Board, Cannot, Result
from hark.eval.tasks.data import Missing, Opened, open_task
from hark.eval.tasks.task import Task
from hark.eval.zeroshot import classify
from hark.metrics import confidence
from hark.metrics.captioning import caption_metrics
from hark.metrics.confidence import Estimate
from hark.text.ptb import tokenise

SPICELESS = "SPIDEr needs SPICE, a Java program that is not part of hark; CIDEr-D is its other half"
CAPTIONERLESS = "Give one with --captioner."


class Spoken(Protocol):
    """A caption."""

    @property
    def text(self) -> str:
        """The sentence."""


class Captioner(Protocol):
    """What describes sounds in words; `hark.caption.captioner.Captioner` is one."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def stamp(self) -> str:
        """What identifies its recipe and weights."""

    def describe(self, sources: Iterable[Source]) -> Sequence[Sequence[Spoken]]:
        """The best captions of each sound, best first."""


@dataclass(frozen=True)
class Settings:
    """How tasks are run.

    `data` is the folder of the corpora; `clips` stand in their place. `folds` keeps some folds. `prompts` names the
    system whose templates are taken, `templates` stand instead of all. `command` goes into the provenance.
    """

    data: Path | None = None
    clips: Sequence[Clip] | None = None
    folds: tuple[str, ...] = ()
    prompts: str | None = None
    templates: tuple[str, ...] = ()
    resamples: int = 1000
    level: float = 0.95
    seed: int = 0
    command: str | None = None


def run(
    model: Embedder,
    tasks: Sequence[Task],
    settings: Settings,
    *,
    captioner: Captioner | None = None,
    progress: Progress | None = None,
) -> Board:
    """Runs what can be run; every sound is embedded once, however many tasks hear it.

    Raises DataError for a sound that cannot be read or clips that do not fit, SettingError, WeightsError.
    """
    heard = _Heard(model, progress)
    results: list[Result] = []
    cannot: list[Cannot] = []
    for task in tasks:
        if task.labelled and not settings.templates and settings.prompts not in (None, *task.prompts):
            remedy = f"Give --template, or prompts of {', '.join(task.prompts)}."
            cannot.append(Cannot(task, f"no prompts of '{settings.prompts}' for it", remedy))
            continue
        try:
            opened = open_task(task, data=settings.data, clips=settings.clips, folds=settings.folds)
        except Missing as error:
            cannot.append(Cannot(task, str(error), error.get))
            continue
        if task.kind == "captioning":
            if captioner is None:
                cannot.append(Cannot(task, "no captioner", CAPTIONERLESS))
            else:
                results.append(_captioned(task, opened, settings, captioner))
        else:
            measured = _classified if task.labelled else _retrieved
            results.append(measured(task, opened, settings, heard))
    return Board(tuple(results), tuple(cannot), board.averages(results), settings.level, settings.resamples)


class _Heard:
    """The vectors of clips; what was embedded for another task is not embedded again."""

    def __init__(self, model: Embedder, progress: Progress | None) -> None:
        self.model, self.progress = model, progress
        self.known: dict[tuple[Path, float, float | None], Vectors] = {}

    def __call__(self, clips: Sequence[Clip]) -> Vectors:
        """(clips, dim)."""
        keys = [(clip.path, clip.start_s, clip.duration_s) for clip in clips]
        new = {key: clip for key, clip in zip(keys, clips, strict=True) if key not in self.known}
        if new:
            self.known |= zip(new, embed_clips(self.model, list(new.values()), progress=self.progress), strict=True)
        return np.stack([self.known[key] for key in keys])


def _classified(task: Task, opened: Opened, settings: Settings, heard: _Heard) -> Result:
    templates = settings.templates or task.templates(settings.prompts)
    report = classify(
        heard.model,
        opened.clips,
        templates=templates,
        labels=opened.labels,
        unlabelled=task.kind == "labels",
        fold=task.fold,
        threshold=task.threshold,
        rng=_rng(settings),
        resamples=settings.resamples,
        level=settings.level,
        command=settings.command,
        vectors=heard(opened.clips),
    )
    return _result(task, opened, report.found.metrics(), report.made, templates=templates)


def _retrieved(task: Task, opened: Opened, settings: Settings, heard: _Heard) -> Result:
    asked = questions(opened.clips)
    if asked.kind != "captions":
        raise DataError(f"task '{task.name}': its clips have no captions; give it a corpus with captions")
    texts = embed_texts(heard.model, list(asked.texts))
    made = provenance(heard.model, opened.clips, texts=asked.texts, command=settings.command)
    both = retrieval.measure(
        similarities(texts, heard(opened.clips)),
        asked,
        made=made,
        rng=_rng(settings),
        resamples=settings.resamples,
        level=settings.level,
    )
    one = both.text_to_audio if task.direction == "text_to_audio" else both.audio_to_text
    return _result(task, opened, one.metrics, made)


def _captioned(task: Task, opened: Opened, settings: Settings, captioner: Captioner) -> Result:
    """What the captions are worth, cut into words as the field cuts them."""
    for clip in opened.clips:
        if not clip.captions:
            raise DataError(f"task '{task.name}': clip '{clip.id}' has no caption to compare with")
    try:
        described = captioner.describe(clip.path for clip in opened.clips)
    except SoundError as error:
        raise DataError(f"task '{task.name}': {error}") from error
    said = [_plain(captions[0].text if captions else "") for captions in described]
    whole, each = caption_metrics(said, [[_plain(text) for text in clip.captions] for clip in opened.clips])
    rng = _rng(settings)
    metrics = {}
    for name, values in each.items():
        around = confidence.mean(values, rng=rng, resamples=settings.resamples, level=settings.level)
        moved = whole[name] - around.value  # BLEU of all clips is not the mean of theirs
        metrics[name] = Estimate(whole[name], around.low + moved, around.high + moved)
    made = provenance(captioner, opened.clips, command=settings.command)
    return _result(task, opened, metrics, made, notes=(SPICELESS,))


def _result(
    task: Task,
    opened: Opened,
    metrics: Mapping[str, Estimate],
    made: Provenance,
    *,
    templates: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Result:
    labels = len(opened.labels) if task.labelled else None
    return Result(task, len(opened.clips), labels, templates, metrics, (*opened.notes, *notes), made)


def _rng(settings: Settings) -> np.random.Generator:
    """Fresh for each task, so that a task alone gives the same interval as among others."""
    return np.random.default_rng(settings.seed)


def _plain(text: str) -> str:
    return " ".join(tokenise(text))
