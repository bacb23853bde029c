"""WavCaps' retrieval models (Mei et al. 2024) with an HTS-AT and BERT."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hark.models.rename import Table, Tensors
from hark.models.renames._htsat import HTSAT


@dataclass(frozen=True)
class Config:
    """Reads 'HTSAT_BERT_zero_shot.pt' and the like."""

    def build(self) -> Table:
        """The table."""
        return Table(wrapper=("model",), rules=(*RULES, *HTSAT), after=scaled)


RULES: tuple[tuple[str, str | None], ...] = (
    # Numbers from 0 up, which transformers kept in its files before 4.31.
    (r"^text_encoder\.text_encoder\.embeddings\.position_ids$", None),
    (r"^text_encoder\.text_encoder\.", "text_encoder.network."),
    (r"^audio_encoder\.audio_enc\.", "audio_encoder."),
    (r"^(audio|text)_proj\.0\.", r"\1_head.0."),
    (r"^(audio|text)_proj\.2\.", r"\1_head.3."),
)


def scaled(tensors: Tensors) -> dict[str, Tensor]:
    """With a scale in the place of the temperature."""
    made = dict(tensors)
    if "temp" in made:  # they divide by a temperature, we multiply by the exponential of a scale
        made["log_scale"] = -made.pop("temp").log()
    return made
