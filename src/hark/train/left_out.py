"""What a stage must not learn from: recordings that are held out, and clips that its exclusion files name."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hark.data import exclude
from hark.data.exclude import Exclusions
from hark.data.records import Clip
from hark.recipe import CorpusSpec

Recording: TypeAlias = Path | tuple[str, str]
"""A file, or where else a recording is known: ("freesound", its id), ("youtube", its video's id)."""


def recordings(clip: Clip) -> set[Recording]:
    """What tells a clip's recording from others; all stretches of a video are one recording."""
    found: set[Recording] = {clip.path}
    if clip.extra.get("freesound_id"):
        found.add(("freesound", clip.extra["freesound_id"]))
    video = exclude.video(clip)
    if video is not None:
        found.add(("youtube", video[0]))
    return found


@dataclass(frozen=True)
class LeftOut:
    """The recordings that are held out, and what lists exclude; corpora's relative paths are taken from `data`."""

    data: Path
    held: Set[Recording]
    excluded: Exclusions

    def __call__(self, clip: Clip, spec: CorpusSpec) -> bool:
        """Whether the clip of a corpus must not be learnt from."""
        if recordings(clip) & self.held:
            return True
        return self.excluded.excludes(clip, corpus=exclude.names_of(spec.corpus, data=self.data)) is not None
