"""Pictures and sound of what was found: for each answer the spectrogram around it, and the found span to listen to."""

from __future__ import annotations

from dataclasses import dataclass

from hark.audio.decode import decode, info
from hark.demo.parts import Answer, Report
from hark.eval.report.sounds import RATE_HZ, Paint, painter, picture_uri, sound_uri

LONGEST_S = 30.0  # of a strip; a longer sound is shown around the span only


@dataclass(frozen=True)
class Strip:
    """A stretch of a sound: its spectrogram (None: cannot be painted) and the found span to listen to, as data URIs."""

    start_s: float
    end_s: float
    picture: str | None
    sound: str


def strips(report: Report) -> dict[Answer, Strip]:
    """A strip for each answer; without matplotlib (extra `report`) there are no pictures in them.

    Raises SoundError for a file that went away since it was indexed.
    """
    paint = painter()
    return {answer: _strip(answer, paint) for asked in report.asked for answer in asked.answers}


def stretch(start_s: float, end_s: float, *, duration_s: float, longest_s: float = LONGEST_S) -> tuple[float, float]:
    """The part of a sound to show: all of it, or `longest_s` with the span in the middle as far as the ends allow."""
    longest_s = max(longest_s, end_s - start_s)
    if duration_s <= longest_s:
        return 0.0, duration_s
    from_s = min(max((start_s + end_s - longest_s) / 2, 0.0), duration_s - longest_s)
    return from_s, from_s + longest_s


def _strip(answer: Answer, paint: Paint | None) -> Strip:
    from_s, to_s = stretch(answer.start_s, answer.end_s, duration_s=info(answer.path).duration_s)
    wave = decode(answer.path, RATE_HZ, start_s=from_s, duration_s=to_s - from_s)
    first, last = (round((t - from_s) * RATE_HZ) for t in (answer.start_s, answer.end_s))
    return Strip(
        start_s=from_s,
        end_s=to_s,
        picture=picture_uri(wave, paint) if paint is not None else None,
        sound=sound_uri(wave[first:last]),
    )
