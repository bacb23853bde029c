"""What is heard when: a long recording captioned stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from hark.audio.decode import Source, blocks
from hark.audio.window import slide
from hark.caption.captioner import BATCH, Captioner, Said
from hark.caption.ears import Frames
from hark.core.errors import SilentSound


@dataclass(frozen=True)
class Stretch:
    """What is heard of a recording from `heard_s` to `end_s`; what is said of it is told from `start_s` on."""

    heard_s: float
    start_s: float
    end_s: float
    frames: Frames


Say = Callable[[Sequence[Stretch]], list[list[Said]]]
"""What is said of each of some stretches, best first."""


@dataclass(frozen=True)
class Span:
    """What is said from `start_s` to `end_s`, best first; a score is the mean of the windows' that say it."""

    start_s: float
    end_s: float
    said: tuple[Said, ...]
    windows: int = 1


def spans(captioner: Captioner, source: Source, *, window_s: float = 10.0, say: Say | None = None) -> list[Span]:
    """What is said of a recording's windows in order; neighbours of which the same is said are one span.

    `say` tells it, and is asked about `BATCH` windows at a time; without it the best caption of the search is taken. No
    span reaches into the next; the last window, which ends at the recording's end, may be heard over the one before. Of
    a window whose every sample is 0 nothing is said.

    Raises SoundError; SilentSound where no window is left.
    """

    def best(some: Sequence[Stretch]) -> list[list[Said]]:
        return captioner.said(captioner.decode([one.frames for one in some]), each=1)

    found: list[Span] = []
    held: list[Stretch] = []

    def tell() -> None:
        said = (say or best)(held)
        found.extend(Span(one.start_s, one.end_s, tuple(each)) for one, each in zip(held, said, strict=True))
        held.clear()

    for stretch in _stretches(captioner, source, window_s):
        held.append(stretch)
        if len(held) == BATCH:
            tell()
    if held:
        tell()
    return merged(found)


def merged(found: list[Span]) -> list[Span]:
    """Neighbours of which the same is said as one span."""
    kept: list[Span] = []
    for span in found:
        before = kept[-1] if kept else None
        if before is not None and before.end_s == span.start_s and _texts(before) == _texts(span):
            windows = before.windows + span.windows
            said = tuple(
                _mean(one, other, before.windows / windows) for one, other in zip(before.said, span.said, strict=True)
            )
            kept[-1] = replace(before, end_s=span.end_s, said=said, windows=windows)
        else:
            kept.append(span)
    return kept


def _stretches(captioner: Captioner, source: Source, window_s: float) -> Iterator[Stretch]:
    rate_hz = captioner.rate_hz
    reached_s = 0.0
    for window in slide(blocks(source, rate_hz), rate_hz, window_s=window_s, hop_s=window_s, short="keep"):
        begun_s, reached_s = max(window.start_s, reached_s), window.end_s
        try:
            frames = captioner.hear((window.wave, rate_hz))
        except SilentSound:
            continue
        yield Stretch(window.start_s, begun_s, window.end_s, frames)


def _texts(span: Span) -> list[str]:
    return [said.text for said in span.said]


def _mean(one: Said, other: Said, share: float) -> Said:
    """What both say, with the means of their numbers; the first has that share."""

    def mean(a: float, b: float) -> float:
        return share * a + (1 - share) * b

    cosine = None if one.cosine is None or other.cosine is None else mean(one.cosine, other.cosine)
    return Said(one.text, mean(one.score, other.score), cosine)
