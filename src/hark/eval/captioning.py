"""What captions are worth against those of the clips' people: each measure with its interval over clips."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError, SettingError
from hark.core.settings import suggest
from hark.core.types import Vectors
from hark.data.records import Clip
from hark.eval.provenance import Provenance
from hark.metrics import meteor, spice
from hark.metrics.bleu import bleu, of_counts
from hark.metrics.captioning import MISSING_FLUENCY, caption_metrics
from hark.metrics.confidence import Estimate, Interval, drawn_weights, jackknife
from hark.metrics.java import Missing
from hark.text.ptb import tokenise

Values = NDArray[np.float64]

PURE = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr", "CIDEr-D")
JAVA = ("METEOR", "SPICE", "SPIDEr")
SENTENCES = "sentence similarity"
FLUENT = ("SPIDEr-FL", f"{SENTENCES}-FL")
"""What needs a model of fluency errors, and is never measured here."""
USUAL = (*(name for name in PURE if name != "CIDEr"), *JAVA, FLUENT[0])
"""What is measured unless something else is asked for; of these, what cannot be had is left out, and told."""


class Reader(Protocol):
    """A text tower for the sentence similarity; `hark.runtime.model.Model` has one."""

    @property
    def name(self) -> str:
        """What the model is called."""

    @property
    def stamp(self) -> str:
        """What identifies its recipe and weights."""

    def embed_text(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim) one unit vector for each text."""


@dataclass(frozen=True)
class CaptionReport:
    """The measures by name with their intervals; `missing` says of those that could not be taken why.

    `references` and `words` are means over the clips, of how many captions each is compared with and of how long the
    caption is; `different` counts the different captions. `reader` is whose sentence similarity it is.
    """

    made: Provenance
    metrics: Mapping[str, Estimate]
    missing: Mapping[str, str]
    clips: int
    references: float
    words: float
    different: int
    level: float
    resamples: int
    interval: Interval = "bootstrap"
    reader: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return dataclasses.asdict(self)

    def note(self) -> str:
        """What the numbers in brackets are."""
        draws = f", {self.resamples} draws" if self.interval == "bootstrap" else ""
        return f"[low, high]: {self.level:.0%} {self.interval} interval over clips{draws}"


@dataclass(frozen=True)
class Judged:
    """The report, and what each clip's caption is worth by each measure, (clips,)."""

    report: CaptionReport
    per_clip: Mapping[str, Values]
    said: tuple[str, ...]  # as compared: lower case, no punctuation
    references: tuple[tuple[str, ...], ...]


def check(metrics: Sequence[str], reader: Reader | None = None) -> None:
    """Sees that what is asked for by name can be measured, before long work.

    Raises SettingError for an unknown name or a sentence similarity without a reader, Missing for what needs Java or a
    model of fluency.
    """
    for name in metrics:
        if name in FLUENT:
            raise Missing(f"{name}: {MISSING_FLUENCY}")
        if name not in (*PURE, *JAVA, SENTENCES):
            raise SettingError(f"metric '{name}': unknown; {suggest(name, [*PURE, *JAVA, SENTENCES, *FLUENT])}")
        if name == SENTENCES and reader is None:
            raise SettingError(f"metric '{SENTENCES}': name a model that reads, with --sentences MODEL")
    if "METEOR" in metrics:
        meteor.check()
    if "SPICE" in metrics or "SPIDEr" in metrics:
        spice.check()


def measure(
    captions: Sequence[str],
    clips: Sequence[Clip],
    *,
    made: Provenance,
    rng: np.random.Generator,
    metrics: Sequence[str] = (),
    reader: Reader | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    interval: Interval = "bootstrap",
) -> Judged:
    """One caption of each clip against all captions that the clip has, cut into words as the field cuts them.

    `metrics` are taken by name, and what cannot be had then raises; without any those of `USUAL`, and what cannot be
    had is told in the report. CIDEr-D counts in these clips' captions how rare words are. BLEU of all clips is made of
    summed counts, also in every draw. METEOR's value is that of the set, its interval that of the clips' mean, moved.
    The jackknife leaves out each clip in turn instead of drawing.

    Raises DataError where a clip has no caption, SettingError, Missing.
    """
    assert len(captions) == len(clips), (len(captions), len(clips))
    _described(clips)
    asked = tuple(dict.fromkeys(metrics))
    check(asked, reader)
    missing: dict[str, str] = {}
    if not asked:
        missing = _missing()
        asked = tuple(name for name in USUAL if name not in missing) + ((SENTENCES,) if reader is not None else ())
    said = tuple(tidy(text) for text in captions)
    references = tuple(tuple(tidy(text) for text in clip.captions) for clip in clips)
    also = tuple(
        name for name in ("CIDEr", "METEOR", "SPICE") if name in asked or (name == "SPICE" and "SPIDEr" in asked)
    )
    embeddings = _embedded(reader, captions, clips) if reader is not None and SENTENCES in asked else None
    whole, each = caption_metrics(said, references, also=also, embeddings=embeddings)
    counts = bleu(said, references).counts
    if interval == "jackknife":
        estimates = _jackknifed(whole, each, counts, level=level)
    else:
        estimates = _estimates(whole, each, counts, rng=rng, resamples=resamples, level=level)
    report = CaptionReport(
        made=made, metrics={name: estimates[name] for name in asked}, missing=missing, clips=len(clips),
        references=float(np.mean([len(texts) for texts in references])),
        words=float(np.mean([len(text.split()) for text in said])), different=len(set(said)), level=level,
        resamples=resamples, interval=interval,
        reader=None if embeddings is None or reader is None else f"{reader.name} {reader.stamp}",
    )  # fmt: skip
    return Judged(report, {name: each[name] for name in asked}, said, references)


def tidy(text: str) -> str:
    """A sentence as metrics compare it: its words in lower case, a blank between them, no punctuation."""
    return " ".join(tokenise(text))


def _described(clips: Sequence[Clip]) -> None:
    if not clips:
        raise DataError("no clips; nothing to caption")
    bare = [clip.id for clip in clips if not any(tidy(text) for text in clip.captions)]
    if bare:
        more = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
        raise DataError(f"clip '{bare[0]}'{more}: no caption to compare with; give captions, or leave the clip out")


def _missing() -> dict[str, str]:
    """Of the usual measures those that cannot be taken here, and why."""
    found: dict[str, str] = {}
    for names, asks in ((("METEOR",), meteor.check), (("SPICE", "SPIDEr"), spice.check)):
        try:
            asks()
        except Missing as error:
            found |= dict.fromkeys(names, str(error))
    return found | {FLUENT[0]: MISSING_FLUENCY}


def _embedded(reader: Reader, captions: Sequence[str], clips: Sequence[Clip]) -> tuple[Vectors, list[Vectors]]:
    """The captions' vectors, and those of what each is compared with; as they are written."""
    counts = np.cumsum([len(clip.captions) for clip in clips])[:-1]
    references = reader.embed_text([text for clip in clips for text in clip.captions])
    return reader.embed_text(list(captions)), np.split(references, counts)


def _estimates(
    whole: Mapping[str, float],
    each: Mapping[str, Values],
    counts: Values,
    *,
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> dict[str, Estimate]:
    """All measures see the same draws of clips."""
    names = [name for name in each if not name.startswith("BLEU")]
    table = np.stack([each[name] for name in names])  # (measures, clips)
    drawn: dict[str, list[Values]] = {name: [] for name in each}
    for weights in drawn_weights(len(counts), resamples, rng):  # (draws, clips)
        means = weights @ table.T / len(counts)
        for place, name in enumerate(names):
            drawn[name].append(means[:, place] + whole[name] - table[place].mean())
        for place, values in enumerate(of_counts(weights @ counts).T, start=1):
            drawn[f"BLEU-{place}"].append(values)
    found = {}
    for name, parts in drawn.items():
        low, high = np.quantile(np.concatenate(parts), [(1 - level) / 2, (1 + level) / 2])
        found[name] = Estimate(float(whole[name]), float(low), float(high))
    return found


def _jackknifed(
    whole: Mapping[str, float], each: Mapping[str, Values], counts: Values, *, level: float
) -> dict[str, Estimate]:
    """Intervals by leaving each clip out once.

    A set's BLEU is no mean: the jackknife's error of it is that of the mean of n * all - (n - 1) * (all without one).
    """
    clips = len(counts)
    without = of_counts(counts.sum(axis=0) - counts)  # (clips, 4)
    found = {}
    for name, values in each.items():
        if name.startswith("BLEU") and clips > 1:
            values = clips * whole[name] - (clips - 1) * without[:, int(name[-1]) - 1]
        about = jackknife(values, level=level)
        value = float(whole[name])
        found[name] = Estimate(value, about.low + value - about.value, about.high + value - about.value)
    return found
