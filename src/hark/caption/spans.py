"""What is heard when: a long recording captioned stretch by stretch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hark.audio.decode import Source, blocks
from hark.audio.window import slide
from hark.caption.captioner import BATCH, Captioner
from hark.caption.ears import Frames


@dataclass(frozen=True)
class Span:
    """A caption of the stretch from `start_s` to `end_s`; `score` is the mean of the windows' that say it."""

    start_s: float
    end_s: float
    text: str
    score: float
    windows: int = 1


def spans(captioner: Captioner, source: Source, *, window_s: float = 10.0, beams: int | None = None) -> list[Span]:
    """The captions of a recording's windows in order; neighbours that say the same are one span.

    No span reaches into the next; the last window, which ends at the recording's end, may be heard over the one before.

    Raises SoundError.
    """
    rate_hz = captioner.rate_hz
    cut = slide(blocks(source, rate_hz), rate_hz, window_s=window_s, hop_s=window_s, short="keep")
    found: list[Span] = []
    times: list[tuple[float, float]] = []
    heard: list[Frames] = []

    def tell() -> None:
        for (start_s, end_s), said in zip(times, captioner.said(captioner.decode(heard, beams=beams)), strict=True):
            begun = max(start_s, found[-1].end_s if found else 0.0)
            found.append(Span(begun, end_s, said[0].text, said[0].score))
        times.clear()
        heard.clear()

    for window in cut:
        times.append((window.start_s, window.end_s))
        heard.append(captioner.hear((window.wave, rate_hz)))
        if len(heard) == BATCH:
            tell()
    if heard:
        tell()
    return merged(found)


def merged(found: list[Span]) -> list[Span]:
    """Neighbours that say the same as one span."""
    kept: list[Span] = []
    for span in found:
        if kept and kept[-1].text == span.text:
            before = kept.pop()
            windows = before.windows + span.windows
            score = (before.score * before.windows + span.score * span.windows) / windows
            span = replace(before, end_s=span.end_s, score=score, windows=windows)
        kept.append(span)
    return kept
