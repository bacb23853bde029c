"""WavCaps' retrieval models (Mei et al. 2024) with a Cnn14 and BERT."""

from __future__ import annotations

from dataclasses import dataclass

from hark.models.rename import Table
from hark.models.renames._cnn14 import CNN14
from hark.models.renames.wavcaps import RULES, scaled


@dataclass(frozen=True)
class Config:
    """Reads 'CNN14_BERT_zero_shot.pt' and the like."""

    def build(self) -> Table:
        """The table."""
        fixed = (r"^audio_encoder\.audio_feats_extractor\.", None)  # it follows from the front end's settings
        return Table(wrapper=("model",), rules=(*RULES, fixed, *CNN14), after=scaled)
