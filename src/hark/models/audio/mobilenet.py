"""MobileNet over a log-mel image: inverted residuals with depthwise convolutions and squeeze-excitation.

Blocks and sizes follow MobileNetV3 (Howard et al. 2019, section 5.1 and table 1), which EfficientAT (Schmid et al.
2023) brought to audio tagging. `width` scales every channel count. The image is (batch, 1, frames, mels); the
embedding is the mean of the last map over time and frequency, so any length from a few frames up is one vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from hark.models.heard import Heard

# (kernel, expanded channels, output channels, squeeze-excitation, hard-swish, stride): table 1 of the paper.
LAYERS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


@dataclass(frozen=True)
class Config:
    """A MobileNet tower; `width` 1.0 is the paper's 3 million parameters, `stem_stride` 2 halves the image first."""

    width: float = 1.0
    stem_stride: int = 2

    def build(self, *, mels: int) -> MobileNet:
        """The tower for images of `mels` bins; any number of bins will do."""
        return MobileNet(self, mels=mels)


class MobileNet(nn.Module):
    """Log-mel image (batch, 1, frames, mels) -> embedding (batch, dim)."""

    def __init__(self, config: Config, *, mels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(mels)  # per mel bin, so that the front end's scale does not matter
        stem = channels(16, config.width)
        self.stem = _convolution(1, stem, kernel=3, stride=config.stem_stride)
        blocks: list[nn.Module] = []
        before = stem
        for kernel, expanded, out, squeeze, swish, stride in LAYERS:
            block = InvertedResidual(
                before,
                channels(out, config.width),
                expanded=channels(expanded, config.width),
                kernel=kernel,
                stride=stride,
                squeeze=squeeze,
                swish=swish,
            )
            blocks.append(block)
            before = channels(out, config.width)
        self.blocks = nn.Sequential(*blocks)
        self.dim = channels(960, config.width)
        self.last = _convolution(before, self.dim, kernel=1)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, frames, mels) -> (batch, dim)."""
        return self.hear(image).embedding

    def hear(self, image: Tensor) -> Heard:
        """(batch, 1, frames, mels) -> embedding, and a vector (dim) for every 32 frames, of which it is the mean."""
        x = self.norm(image.squeeze(1).transpose(1, 2)).transpose(1, 2).unsqueeze(1)
        x = self.blocks(F.hardswish(self.stem(x)))
        x = F.hardswish(self.last(x))  # (batch, dim, frames / 32, mels / 32)
        return Heard(x.mean(dim=(2, 3)), None, x.mean(dim=3).transpose(1, 2))


class InvertedResidual(nn.Module):
    """Widen (1x1), filter each channel by itself (depthwise), weigh the channels, narrow (1x1), and add the input."""

    def __init__(
        self, before: int, after: int, *, expanded: int, kernel: int, stride: int, squeeze: bool, swish: bool
    ) -> None:
        super().__init__()
        self.widen = _convolution(before, expanded, kernel=1) if expanded != before else None
        self.depthwise = _convolution(expanded, expanded, kernel=kernel, stride=stride, groups=expanded)
        self.squeeze = SqueezeExcite(expanded) if squeeze else None
        self.narrow = _convolution(expanded, after, kernel=1)
        self.activation = nn.Hardswish(inplace=True) if swish else nn.ReLU(inplace=True)
        self.residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames, mels) -> (batch, after, frames / stride, mels / stride)."""
        y: Tensor = self.activation(self.widen(x)) if self.widen is not None else x
        y = self.activation(self.depthwise(y))
        if self.squeeze is not None:
            y = self.squeeze(y)
        y = self.narrow(y)
        return x + y if self.residual else y


class SqueezeExcite(nn.Module):
    """Scales each channel by what the whole image says of it (Hu et al. 2018)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(size, channels(size, 0.25), 1)
        self.excite = nn.Conv2d(channels(size, 0.25), size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, size, frames, mels), each channel scaled by its own number in [0, 1]."""
        pooled = x.mean(dim=(2, 3), keepdim=True)
        share: Tensor = F.hardsigmoid(self.excite(F.relu(self.squeeze(pooled))))
        return x * share


def channels(size: int, width: float) -> int:
    """`size` scaled by `width`, to a multiple of 8 and never more than a tenth below (the paper's rule)."""
    wanted = size * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def _convolution(before: int, after: int, *, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    # Momentum is torch's 0.1, not the paper's 0.01, which after some hundred steps still holds much of its first guess.
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3),
    )
