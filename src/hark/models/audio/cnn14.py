"""Cnn14 of the PANNs (Kong et al. 2020, section II-A, table I): six blocks of 3 x 3 convolutions over a log-mel image.

    image (batch, 1, frames, mels)
      -> norm of every mel bin
      -> 6 blocks, each but the last halves frames and mels      (batch, 2048, frames / 32, mels / 32)
      -> mean over mels                                          (batch, 2048, steps), a step is 32 frames
      -> the largest plus the mean over steps, linear, ReLU      (batch, 2048): the embedding
      -> linear                                                  (batch, 527): logits of AudioSet's classes

LAION-CLAP, MS-CLAP 2022 and the SJTU system of DCASE 2022 hear with it; WavCaps leaves the linear layers out, and
halves behind the last block too. LAION adds vectors over time: the largest plus the mean of every three steps, through
the same linear layer; it repeats each 32 times, back to the image's frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.core.errors import SettingError
from hark.models.heard import Heard


@dataclass(frozen=True)
class Config:
    """A Cnn14 tower. `channels` are the blocks' sizes, `dim` the embedding's; `classes` 0 leaves the tags out.

    `dense` false leaves out the linear layer behind the blocks, and every block halves (WavCaps); then `dim` is the
    last block's size, and there are no tags.

    `dropout` follows every block, `last_dropout` surrounds the linear layer behind them; both in training only.
    """

    channels: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    dim: int = 2048
    classes: int = 527
    dense: bool = True
    dropout: float = 0.2
    last_dropout: float = 0.5

    def __post_init__(self) -> None:
        if not self.dense and (self.classes or self.dim != self.channels[-1]):
            raise ValueError(f"dense is false: give classes = 0 and dim = {self.channels[-1]}, the last block's size")
        if len(self.channels) < 2 or min(self.channels) < 1 or self.dim < 1 or self.classes < 0:
            raise ValueError("channels must be two sizes or more, and all sizes above 0 (classes may be 0)")
        if not (0.0 <= self.dropout < 1.0 and 0.0 <= self.last_dropout < 1.0):
            raise ValueError("dropout and last_dropout are shares, from 0 to below 1")

    def build(self, *, mels: int) -> Cnn14:
        """The tower for images of `mels` bins.

        Raises SettingError where the bins are too few to be halved by the blocks.
        """
        return Cnn14(self, mels=mels)


class Cnn14(nn.Module):
    """Log-mel image (batch, 1, frames, mels) -> embedding (batch, dim); 32 frames or more."""

    def __init__(self, config: Config, *, mels: int, beside: int = 0) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        halved = len(config.channels) - config.dense
        self.step = 2**halved  # image frames in a step of the last map
        if mels < self.step:
            raise SettingError(
                f"audio tower of {len(config.channels)} blocks: {mels} mel bins, give {self.step} or more"
            )
        self.norm = nn.BatchNorm1d(mels)
        self.blocks = nn.ModuleDict()  # "1", "2", ...: the paper counts from one
        before = 1
        for number, after in enumerate(config.channels, start=1):
            # `beside` channels of another kind join the first block's (wavegram_cnn14).
            entering = before + beside if number == 2 else before
            self.blocks[str(number)] = Block(entering, after, pool=(1, 1) if number > halved else (2, 2))
            before = after
        self.dense = nn.Linear(before, config.dim) if config.dense else None
        self.tags = nn.Linear(config.dim, config.classes) if config.classes else None

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, frames, mels) -> (batch, dim)."""
        return self.hear(image).embedding

    def hear(self, image: Tensor, *, frames: Tensor | None = None) -> Heard:
        """(batch, 1, frames, mels) -> embedding, logits, and a vector (dim) for every 32 frames.

        `frames` (batch,) are the real frames of rows that were padded to one length: only their first
        floor(frames / 32) steps, and at least one, are pooled (Xu et al. 2022, in their code).

        Raises SettingError where the image is too short to be halved by the blocks.
        """
        return self._rest(self._first(image), frames)

    def _first(self, image: Tensor) -> Tensor:
        normed = self.norm(image.squeeze(1).transpose(1, 2)).transpose(1, 2).unsqueeze(1)
        maps: Tensor = self.blocks["1"](normed)
        return maps

    def _rest(self, x: Tensor, frames: Tensor | None) -> Heard:
        if 2 * x.shape[2] < self.step:
            raise SettingError(
                f"audio tower of {len(self.blocks)} blocks: it hears {self.step} frames or more, and a sound has "
                "fewer; set audio.least_s in the recipe"
            )
        share, last_share = self.config.dropout, self.config.last_dropout
        for block in list(self.blocks.values())[1:]:
            x = block(F.dropout(x, share, self.training))
        x = F.dropout(x, share, self.training).mean(dim=3)  # (batch, channels, steps)
        pooled = _pool(x, None if frames is None else frames // self.step)
        around = F.max_pool1d(x, 3, stride=1, padding=1) + F.avg_pool1d(x, 3, stride=1, padding=1)
        if self.dense is None:
            return Heard(pooled, None, around.transpose(1, 2))
        seen = F.relu(self.dense(F.dropout(pooled, last_share, self.training)))
        return Heard(
            F.dropout(seen, last_share, self.training),
            self.tags(seen) if self.tags is not None else None,
            F.relu(self.dense(around.transpose(1, 2))),
        )


class Block(nn.Module):
    """Two 3 x 3 convolutions, each with a norm and a ReLU, then the mean over `pool` = (frames, bins)."""

    def __init__(self, before: int, after: int, *, pool: tuple[int, int]) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames, bins) -> (batch, after, frames / pool, bins / pool)."""
        x = F.relu_(self.norm1(self.conv1(x)))
        x = F.relu_(self.norm2(self.conv2(x)))
        return x if self.pool == (1, 1) else F.avg_pool2d(x, self.pool)


def _pool(x: Tensor, steps: Tensor | None) -> Tensor:
    """The largest plus the mean of each row's first `steps`, (batch, channels, time) -> (batch, channels)."""
    if steps is None:
        return x.amax(dim=2) + x.mean(dim=2)
    steps = steps.to(x.device).clamp(1, x.shape[2])[:, None]  # (batch, 1)
    padding = (torch.arange(x.shape[2], device=x.device) >= steps)[:, None]  # (batch, 1, time)
    largest = x.masked_fill(padding, float("-inf")).amax(dim=2)
    return largest + x.masked_fill(padding, 0.0).sum(dim=2) / steps
