"""Augmentation: what it does to energy and places, and that the same generator does the same."""

import numpy as np
import torch

from hark.audio.augment import mask, mix_waves


def seeded(n: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def test_mixing_adds_the_partner_at_equal_energy() -> None:
    wave = torch.randn(16, 4000, generator=seeded(1)) * torch.logspace(-3, 0, 16)[:, None]
    mixed, partner, share = mix_waves(wave, generator=seeded(2))
    assert sorted(partner.tolist()) == list(range(16))
    assert torch.all((share >= 0.5) & (share <= 1.0))
    for i in range(16):
        own, other = wave[i], wave[partner[i]]
        level = own.square().mean().sqrt() / other.square().mean().sqrt()
        # the two directions of the plane that they span, by least squares: independent of how it was computed
        basis = torch.stack([own, level * other], dim=1).double()
        found = torch.linalg.lstsq(basis, mixed[i].double()[:, None]).solution[:, 0]
        if partner[i] != i:
            torch.testing.assert_close(found[0] / found.sum(), share[i].double(), atol=1e-3, rtol=0)


def test_mixing_keeps_the_loudness_of_unlike_waves() -> None:
    wave = torch.randn(64, 16000, generator=seeded(3))
    mixed, partner, _ = mix_waves(wave, generator=seeded(4))
    unlike = partner != torch.arange(64)
    power = mixed[unlike].square().mean(dim=1)
    assert torch.all((power > 0.9) & (power < 1.1))


def test_masks_are_one_stretch_and_one_band() -> None:
    image = torch.randn(50, 1, 120, 40, generator=seeded(5))
    masked = mask(image, frames=30, mels=8, generator=seeded(6))
    for before, after in zip(image[:, 0].numpy(), masked[:, 0].numpy(), strict=True):
        hidden = before != after
        frames, mels = hidden.all(axis=1), hidden.all(axis=0)
        assert np.array_equal(hidden, frames[:, None] | mels[None, :])
        for line, most in ((frames, 30), (mels, 8)):
            assert line.sum() <= most
            assert np.abs(np.diff(line.astype(int))).sum() <= 2  # in one piece
        if hidden.any():
            np.testing.assert_allclose(after[hidden], before.mean(), atol=1e-5)


def test_nothing_is_masked_when_off_and_the_same_twice() -> None:
    image = torch.randn(4, 1, 20, 8, generator=seeded(7))
    assert torch.equal(mask(image, frames=0, mels=0, generator=seeded(8)), image)
    assert torch.equal(
        mask(image, frames=9, mels=4, generator=seeded(9)), mask(image, frames=9, mels=4, generator=seeded(9))
    )
    first, again = (mix_waves(image[:, 0, :, 0], generator=seeded(10)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
