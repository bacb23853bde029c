"""The MobileNet tower against the published network and the laws of its input."""

import pytest
import torch

from hark.models.audio.mobilenet import Config, channels

PUBLISHED = 2_971_952
"""Parameters of torchvision's mobilenet_v3_large without its classifier."""


def test_width_one_is_the_published_network() -> None:
    tower = Config(width=1.0).build(mels=64)
    colour = 2 * 9 * 16  # the published first convolution sees three colours, ours one image
    ours = sum(p.numel() for p in tower.parameters()) - 2 * 64  # ours has a norm over mel bins in front
    assert ours == PUBLISHED - colour
    assert tower.dim == 960


@pytest.mark.parametrize(
    ("size", "width", "expected"), [(16, 1.0, 16), (16, 0.5, 8), (24, 0.5, 16), (40, 0.75, 32), (3, 1.0, 8)]
)
def test_channels_are_multiples_of_eight(size: int, width: float, expected: int) -> None:
    assert channels(size, width) == expected


@pytest.mark.parametrize("frames", [1, 7, 100, 313, 1001])
def test_any_length_gives_one_vector(frames: int) -> None:
    tower = Config(width=0.25).build(mels=64).eval()
    assert tower(torch.randn(2, 1, frames, 64)).shape == (2, tower.dim)


def test_a_batch_is_its_rows() -> None:
    torch.manual_seed(0)
    tower = Config(width=0.25).build(mels=64).eval()
    images = torch.randn(6, 1, 100, 64)
    with torch.inference_mode():
        together = tower(images)
        alone = torch.cat([tower(image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_the_front_ends_scale_does_not_matter_in_training() -> None:
    torch.manual_seed(0)
    tower = Config(width=0.25).build(mels=64).train()
    images = torch.randn(4, 1, 64, 64)
    torch.testing.assert_close(tower(images), tower(3.0 * images - 40.0), atol=2e-3, rtol=2e-3)
