"""The two towers and their temperature: sound and sentences into one space of unit vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.text.tokens import Tokens


class Towers(nn.Module):
    """An audio tower (front end, encoder, head), a text tower (encoder, head) and a learned temperature.

    `features` holds no weights, so its Config is all there is to know of it.
    """

    def __init__(
        self,
        *,
        features: nn.Module,
        audio_encoder: nn.Module,
        audio_head: nn.Module,
        text_encoder: nn.Module,
        text_head: nn.Module,
        dim: int,
        temperature: float,
    ) -> None:
        super().__init__()
        self.features = features
        self.audio_encoder = audio_encoder
        self.audio_head = audio_head
        self.text_encoder = text_encoder
        self.text_head = text_head
        self._tokens: Tokens = text_encoder.tokens  # type: ignore[assignment]
        self.dim = dim
        self.log_scale = nn.Parameter(torch.tensor(math.log(1.0 / temperature)))

    def audio(self, wave: Tensor, *, augment: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(batch, samples) -> unit vectors (batch, dim); `augment` changes the features (training only)."""
        image = self.features(wave)  # (batch, 1, frames, mels)
        if augment is not None:
            image = augment(image)
        # Channels last: depthwise convolutions run about twice as fast on a CPU, with the same result.
        image = image.contiguous(memory_format=torch.channels_last) if image.dim() == 4 else image
        return F.normalize(self.audio_head(self.audio_encoder(image)), dim=-1)

    @property
    def vocabulary(self) -> int:
        """How many subwords the text tower knows."""
        return self._tokens.vocabulary

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Sentences -> token numbers and their mask, (batch, tokens) each, where the towers are."""
        ids, mask = self._tokens.encode(texts)
        device = self.log_scale.device
        return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)

    def text(self, ids: Tensor, mask: Tensor, *, augment: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Token numbers (batch, tokens) and mask -> unit vectors (batch, dim); `augment` changes the encodings."""
        encoded = self.text_encoder(ids, mask)
        return F.normalize(self.text_head(encoded if augment is None else augment(encoded)), dim=-1)

    def scale(self) -> Tensor:
        """1 / temperature; held at 100 or less, as CLIP does (Radford et al. 2021, section 2.5)."""
        return self.log_scale.clamp(max=math.log(100.0)).exp()
