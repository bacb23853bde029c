"""InfoNCE against torch's cross entropy, a plain double loop, and the SJTU system's own numbers."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hark.losses.infonce import infonce

GOLDEN = Path(os.environ.get("HARK_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))


def unit(n: int, dim: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1)


def test_one_positive_each_is_clips_loss() -> None:
    audio, text, scale = unit(8, 16, 0), unit(8, 16, 1), torch.tensor(14.0)
    scores = scale * audio @ text.T
    theirs = (F.cross_entropy(scores, torch.arange(8)) + F.cross_entropy(scores.T, torch.arange(8))) / 2
    torch.testing.assert_close(infonce(audio, text, torch.eye(8, dtype=torch.float64), scale), theirs)


def test_several_positives_are_soft_targets() -> None:
    audio, text, scale = unit(6, 16, 0), unit(9, 16, 1), torch.tensor(5.0)
    positives = torch.rand(6, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    scores = scale * audio @ text.T
    rows = F.cross_entropy(scores, positives / positives.sum(1, keepdim=True))
    columns = F.cross_entropy(scores.T, (positives / positives.sum(0, keepdim=True)).T)
    torch.testing.assert_close(infonce(audio, text, positives, scale), (rows + columns) / 2)


def test_rows_without_a_positive_do_not_count() -> None:
    audio, text, scale = unit(4, 8, 0), unit(4, 8, 1), torch.tensor(3.0)
    positives = torch.eye(4, dtype=torch.float64)
    positives[3, 3] = 0.0
    scores = scale * audio @ text.T
    rows = F.cross_entropy(scores[:3], torch.arange(3))
    columns = F.cross_entropy(scores.T[:3], torch.arange(3))
    torch.testing.assert_close(infonce(audio, text, positives, scale), (rows + columns) / 2)


def test_equal_vectors_give_the_logarithm_of_the_batch() -> None:
    same = unit(1, 8, 0).repeat(16, 1)
    loss = infonce(same, same, torch.eye(16, dtype=torch.float64), torch.tensor(20.0))
    assert loss.item() == pytest.approx(math.log(16))


def test_sound_and_text_may_change_places() -> None:
    audio, text, scale = unit(6, 16, 0), unit(9, 16, 1), torch.tensor(5.0)
    positives = torch.rand(6, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    torch.testing.assert_close(infonce(audio, text, positives, scale), infonce(text, audio, positives.T, scale))


@pytest.mark.golden
@pytest.mark.skipif(not (GOLDEN / "sjtu_infonce").is_dir(), reason="no golden numbers; set HARK_GOLDEN")
def test_sjtus_loss() -> None:
    data = {name: torch.from_numpy(array) for name, array in np.load(GOLDEN / "sjtu_infonce" / "data.npz").items()}
    audio, scale, one_each = data["audio_emb"], data["logit_scale"], torch.eye(len(data["audio_emb"]))
    for text, wanted in ((data["text_emb"][:, 0], "loss_first_caption"), (data["text_emb"][:, 1], "loss_2d")):
        torch.testing.assert_close(infonce(audio, text, one_each, scale), data[wanted], atol=1e-5, rtol=1e-5)
