"""Describes many sounds, batch by batch and in their order; what cannot be read is passed over and told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Generator

from hark.audio.decode import Source, decode
from hark.caption.captioner import BATCH, Captioner, Said
from hark.caption.captions import Captions
from hark.caption.ears import Frames
from hark.caption.rerank import Judge, ranked, similarities
from hark.caption.spans import Stretch, spans
from hark.core.errors import SettingError, SoundError
from hark.data.records import Clip

AGAIN = 9  # how often captions are drawn again where they are too few


@dataclass(frozen=True)
class Way:
    """How sounds are described: `each` captions for every sound, of a search with `beams` (None: as the recipe says).

    Captions of the search are compared by their log-probability over this `power` of their length (None: as the recipe
    says). With `sample` they are drawn from the nucleus `top_p` instead, at `temperature` and with `seed`, again where
    some say the same. With `window_s` a long recording is described stretch by stretch. A judge chooses among the
    captions of the search and `drawn` drawn ones; `weight` is that of what the captioner itself finds likely
    (`hark.caption.rerank`).
    """

    beams: int | None = None
    each: int = 1
    sample: bool = False
    power: float | None = None
    top_p: float = 0.9
    temperature: float = 1.0
    seed: int = 0
    window_s: float | None = None
    drawn: int = 16
    weight: float = 0.3

    def __post_init__(self) -> None:
        if self.each < 1 or (self.beams is not None and self.beams < 1):
            raise SettingError(f"{self.each} captions of {self.beams} beams; give 1 or more of both")
        if not 0 < self.top_p <= 1:
            raise SettingError(f"top_p is {self.top_p}; give a part of the probability, above 0 and at most 1")
        if self.power is not None and self.power < 0:
            raise SettingError(f"the length's power is {self.power:g}, which prefers what is unlikely; give 0 or more")
        if not self.temperature > 0:
            raise SettingError(f"temperature is {self.temperature:g}; give one above 0")
        if self.drawn < 0:
            raise SettingError(f"{self.drawn} captions drawn; give 0 or more")

    def told(self, captioner: Captioner, judge: Judge | None) -> dict[str, Any]:
        """What captions depend on beside the sound, as JSON."""
        decoding = captioner.recipe.decoding
        way = asdict(self) | {"beams": self.beams or decoding.beams}
        way |= {"power": decoding.power if self.power is None else self.power}
        if not self.sample and judge is None:
            way = {name: value for name, value in way.items() if name not in ("top_p", "temperature", "seed")}
        if judge is None:
            return {name: value for name, value in way.items() if name not in ("drawn", "weight")}
        return way | {"judge": judge.name, "judge_stamp": judge.stamp}


@dataclass(frozen=True)
class Told:
    """What is said of a stretch, best first; an end of None is the clip's own."""

    start_s: float
    end_s: float | None
    said: tuple[Said, ...]


@dataclass(frozen=True)
class Described:
    """A clip with what is said of it, or with the `fault` for which nothing is."""

    clip: Clip
    told: tuple[Told, ...] = ()
    fault: str | None = None


def describe(
    captioner: Captioner, clips: Iterable[Clip], way: Way, *, judge: Judge | None = None
) -> Iterator[Described]:
    """The clips in their order with what is said of each."""
    if way.window_s is not None:
        for clip in clips:
            yield _stretches(captioner, clip, way, judge)
        return
    held: list[tuple[Clip, Frames | str]] = []
    for clip in clips:
        held.append((clip, _heard(captioner, clip)))
        if len(held) == BATCH:
            yield from _batch(captioner, held, way, judge)
            held = []
    if held:
        yield from _batch(captioner, held, way, judge)


def _heard(captioner: Captioner, clip: Clip) -> Frames | str:
    try:
        return captioner.hear(source_of(clip, captioner.rate_hz))
    except (SoundError, OSError) as error:
        return _reason(error, clip)


def _batch(
    captioner: Captioner, held: Sequence[tuple[Clip, Frames | str]], way: Way, judge: Judge | None
) -> Iterator[Described]:
    clips = [clip for clip, heard in held if not isinstance(heard, str)]
    frames = [heard for _, heard in held if not isinstance(heard, str)]
    found = iter(_said(captioner, clips, frames, way, judge) if frames else [])
    for clip, heard in held:
        if isinstance(heard, str):
            yield Described(clip, fault=heard)
            continue
        end_s = None if clip.duration_s is None else clip.start_s + clip.duration_s
        yield Described(clip, (Told(clip.start_s, end_s, tuple(next(found))),))


def _said(
    captioner: Captioner, clips: Sequence[Clip], frames: Sequence[Frames], way: Way, judge: Judge | None
) -> list[list[Said]]:
    """`each` different captions of each sound, best first, or as they are drawn; fewer where no more are found."""
    wide = way.beams or captioner.recipe.decoding.beams
    generators = [_generator(way, clip) for clip in clips]
    if judge is not None:
        pools = likely(captioner, captioner.decode(frames, beams=wide, power=way.power))
        if way.drawn:
            drawn = _drawn(captioner, frames, generators, way, each=way.drawn)
            pools = [a + b for a, b in zip(pools, drawn, strict=True)]
        found = [_judged(judge, clip, different(pool), way.weight) for clip, pool in zip(clips, pools, strict=True)]
    elif way.sample:
        found = _several(captioner, frames, generators, way)
    else:
        searched = captioner.said(captioner.decode(frames, beams=max(wide, way.each), power=way.power))
        found = [different(said) for said in searched]
    return [said[: way.each] for said in found]


def _drawn(
    captioner: Captioner, frames: Sequence[Frames], generators: Sequence[Generator], way: Way, *, each: int
) -> list[list[Said]]:
    drawn = captioner.draw(frames, generator=generators, each=each, top_p=way.top_p, temperature=way.temperature)
    return likely(captioner, drawn)


def _several(
    captioner: Captioner, frames: Sequence[Frames], generators: Sequence[Generator], way: Way
) -> list[list[Said]]:
    """Different captions of each sound; while they are fewer than `each` more are drawn, up to `AGAIN` times."""
    found: list[list[Said]] = [[] for _ in frames]
    short = list(range(len(frames)))
    for _ in range(1 + AGAIN):
        drawn = _drawn(captioner, [frames[i] for i in short], [generators[i] for i in short], way, each=way.each)
        for i, said in zip(short, drawn, strict=True):
            found[i] = different(found[i] + said)
        short = [i for i in short if len(found[i]) < way.each]
        if not short:
            break
    return found


def _judged(judge: Judge, clip: Clip, pool: Sequence[Said], weight: float) -> list[Said]:
    """The captions by what they are worth together: their cosine with the sound, and how likely they are."""
    close = similarities(judge, source_of(clip, judge.rate_hz), [said.text for said in pool])
    likely = np.array([said.score for said in pool])
    order = ranked(close, likely, weight=weight)
    return [Said(pool[at].text, float(close[at] + weight * likely[at]), float(close[at])) for at in order]


def likely(captioner: Captioner, captions: Captions) -> list[list[Said]]:
    """The sentences with the mean log-probability of their words, however they were found."""
    means = captions.log_probabilities.sum(dim=2) / captions.lengths.clamp(min=1)
    return captioner.said(replace(captions, scores=means))


def different(said: Sequence[Said]) -> list[Said]:
    """Without those that say what one before says; an empty one only where there is no other."""
    found: dict[str, Said] = {}
    for one in said:
        found.setdefault(one.text, one)
    return [one for one in found.values() if one.text] or list(found.values())


def _stretches(captioner: Captioner, clip: Clip, way: Way, judge: Judge | None) -> Described:
    assert way.window_s is not None

    def say(some: Sequence[Stretch]) -> list[list[Said]]:
        clips = [replace(clip, start_s=clip.start_s + one.heard_s, duration_s=one.end_s - one.heard_s) for one in some]
        return _said(captioner, clips, [one.frames for one in some], way, judge)

    try:
        found = spans(captioner, source_of(clip, captioner.rate_hz), window_s=way.window_s, say=say)
    except (SoundError, OSError) as error:
        return Described(clip, fault=_reason(error, clip))
    told = (Told(clip.start_s + span.start_s, clip.start_s + span.end_s, span.said) for span in found)
    return Described(clip, tuple(told))


def _generator(way: Way, clip: Clip) -> Generator:
    """A clip's own, so that its captions are the same among whatever others."""
    told = f"{way.seed} {clip.path.name} {clip.start_s}".encode()
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(told).digest()[:7]))


def source_of(clip: Clip, rate_hz: int) -> Source:
    """The clip as what is heard of it.

    Raises SoundError.
    """
    if clip.start_s == 0 and clip.duration_s is None:
        return clip.path
    return decode(clip.path, rate_hz, start_s=clip.start_s, duration_s=clip.duration_s), rate_hz


def _reason(error: Exception, clip: Clip) -> str:
    """What is wrong, on one line, without the file's name."""
    text = (
        " ".join(str(error).split())
        if isinstance(error, SoundError)
        else getattr(error, "strerror", "") or "cannot be read"
    )
    for name in (str(clip.path), clip.path.name):
        text = text.removeprefix(f"{name}: ")
    return text
