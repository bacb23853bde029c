"""Changes to sound and its image while training: mixing waves, masking stretches and bands.

Randomness is an argument everywhere, so that a step can be repeated to the bit.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mix_waves(wave: Tensor, *, generator: torch.Generator, alpha: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Mixes each wave (batch, samples) with another of the batch, in the waveform (mix-up: Zhang et al. 2018).

    The two are brought to the same energy first, so that the share says how much of each is heard. Returns the mixed
    waves, the partners' places (batch,) and the shares (batch,) of the wave's own sound, from Beta(alpha, alpha).
    """
    batch = len(wave)
    partner = torch.randperm(batch, generator=generator)
    # A Beta variable from two Gamma ones; torch.distributions takes no generator.
    gammas = torch._standard_gamma(torch.full((2, batch), alpha), generator=generator)
    share = gammas[0] / gammas.sum(dim=0)
    share = torch.maximum(share, 1.0 - share)  # the wave itself stays the louder of the two
    energy = wave.square().mean(dim=1).clamp(min=1e-8).sqrt()  # (batch,)
    level = (energy / energy[partner]).unsqueeze(1)
    weight = share.unsqueeze(1)
    mixed = weight * wave + (1.0 - weight) * level * wave[partner]
    return mixed / (weight.square() + (1.0 - weight).square()).sqrt(), partner, share


def mask(image: Tensor, *, frames: int, mels: int, generator: torch.Generator) -> Tensor:
    """SpecAugment without warping (Park et al. 2019, section 2): one stretch of time and one band, in each image.

    `image` (batch, 1, frames, mels); a stretch of up to `frames` frames and a band of up to `mels` bins are set to the
    image's mean.
    """
    mean = image.mean(dim=(2, 3), keepdim=True)  # (batch, 1, 1, 1)
    for axis, longest in ((2, frames), (3, mels)):
        if longest == 0:
            continue
        size = image.shape[axis]
        length = (torch.rand(len(image), generator=generator) * (min(longest, size) + 1)).long()
        start = (torch.rand(len(image), generator=generator) * (size - length + 1)).long()
        place = torch.arange(size)
        hidden = (place >= start[:, None]) & (place < (start + length)[:, None])  # (batch, size)
        shape = (len(image), 1, size, 1) if axis == 2 else (len(image), 1, 1, size)
        image = torch.where(hidden.view(shape).to(image.device), mean, image)
    return image
