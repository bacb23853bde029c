"""What a clip looks and sounds like, for a page: its spectrogram, and itself or a link to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from hark.audio.decode import decode, info
from hark.core.errors import SoundError
from hark.data.records import Clip
from hark.eval.report import sounds
from hark.eval.report.sounds import RATE_HZ, Paint

Audio = Literal["embed", "link", "none"]
"""Whether sounds stand in the page, are linked to where they lie, or are left out."""

MOST_S = 8.0
"""Of a longer clip the beginning is shown and played."""


@dataclass(frozen=True)
class Heard:
    """A clip for a page, `shown_s` of its `whole_s`; `fault` says why there is nothing of it."""

    picture: str | None = None
    sound: str | None = None
    link: str | None = None
    shown_s: float = 0.0
    whole_s: float = 0.0
    fault: str | None = None


@dataclass
class Listener:
    """Hears clips for the page `page`, each one once. Without matplotlib (extra `report`) there are no pictures."""

    audio: Audio
    page: Path
    paint: Paint | None = field(default_factory=sounds.painter)
    known: dict[tuple[Path, float, float | None], Heard] = field(default_factory=dict)

    def hear(self, clip: Clip) -> Heard:
        """The clip, or why it cannot be heard: a report outlives the sounds that it is about."""
        key = (clip.path, clip.start_s, clip.duration_s)
        if key not in self.known:
            try:
                self.known[key] = self._hear(clip)
            except SoundError as error:
                self.known[key] = Heard(fault=str(error))
        return self.known[key]

    def _hear(self, clip: Clip) -> Heard:
        whole_s = clip.duration_s or info(clip.path).duration_s - clip.start_s
        shown_s = min(whole_s, MOST_S)
        wave = decode(clip.path, RATE_HZ, start_s=clip.start_s, duration_s=shown_s)
        return Heard(
            picture=None if self.paint is None else sounds.picture_uri(wave, self.paint),
            sound=sounds.sound_uri(wave) if self.audio == "embed" else None,
            link=_link(clip, self.page) if self.audio == "link" else None,
            shown_s=shown_s,
            whole_s=whole_s,
        )


def _link(clip: Clip, page: Path) -> str:
    """The clip's file as seen from the page, with the stretch that it is."""
    path = clip.path.resolve()
    try:
        address = quote(Path(os.path.relpath(path, page.resolve().parent)).as_posix())
    except ValueError:  # on another drive
        address = path.as_uri()
    else:
        address = address if address.startswith("../") else f"./{address}"
    if not clip.start_s and clip.duration_s is None:
        return address
    end = "" if clip.duration_s is None else f",{clip.start_s + clip.duration_s:.3f}"
    return f"{address}#t={clip.start_s:.3f}{end}"
