"""Another corpus, split anew: some of its clips to train on, the rest to validate (SJTU, DCASE 2022: Clotho, 9:1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hark.core import component
from hark.core.errors import DataError
from hark.core.settings import suggest
from hark.data.records import Clip


@dataclass(frozen=True)
class Config:
    """The `part` of the corpus `of`, whose settings are as usual but for `path`, which stands here.

    "train" is `share` of the recordings and "rest" what is left, both in the corpus' own order. Which clip falls where
    depends on `seed` and its recording: the extra that `by` names (a column of the user's own table, "actor" of
    crema_d), or its Freesound id, or else its id. Clips of one recording stay together. `share = 0.9` is LAION-CLAP's
    for corpora without a split, such as one's own (`folder`, `hf_audiofolder`, `parquet`).
    """

    path: str
    of: Mapping[str, Any]
    part: Literal["train", "rest"]
    share: float = 0.9
    seed: int = 0
    by: str = ""

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise ValueError(f"share is {self.share}; it is a share, between 0 and 1")
        if "path" in self.of:
            raise ValueError("of.path: give the path beside 'of'")

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises SettingError, and DataError as the corpus does, where a part would be empty, or a clip has no `by`.
        """
        return self._part(self._corpus().build())

    def listed(self) -> list[Clip]:
        """Every clip that the corpus lists, of this part.

        Raises SettingError, DataError.
        """
        return self._part(self._corpus().listed())

    def _corpus(self) -> Any:
        return component.config("data.corpora", {**self.of, "path": self.path}, where=f"{self.path}: of")

    def _part(self, clips: list[Clip]) -> list[Clip]:
        places = sorted({self._recording(clip) for clip in clips}, key=self._place)
        train = set(places[: round(self.share * len(places))])
        found = [clip for clip in clips if (self._recording(clip) in train) == (self.part == "train")]
        if not found:
            raise DataError(f"{self.path}: {len(places)} recordings leave none for part '{self.part}'; change 'share'")
        return found

    def _place(self, recording: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\0{recording}".encode("utf-8", "surrogateescape")).digest()

    def _recording(self, clip: Clip) -> str:
        if not self.by:
            return clip.extra.get("freesound_id") or clip.id
        if self.by not in clip.extra:
            raise DataError(f"{self.path}: clip '{clip.id}' has no '{self.by}'; {suggest(self.by, clip.extra)}")
        return clip.extra[self.by]
