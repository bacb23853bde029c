"""BEATs against numbers that Microsoft's code made, from wave to hidden states, labels and padding."""

import re

import pytest
import torch
from golden_files import named

from hark.models.audio.beats import real_frames
from hark.models.renames import beats as renames

pytestmark = pytest.mark.golden

NAMES = named("beats", "fbank_(.+)")


@pytest.fixture(scope="module")
def pretrained(golden):
    return golden("beats")


@pytest.fixture(scope="module")
def tuned(golden):
    return golden("beats_finetuned")


@pytest.fixture(scope="module")
def pretrained_towers(pretrained):
    return pretrained.towers(renames.recipe(pretrained.about["constructor"]), family="beats")


@pytest.fixture(scope="module")
def tuned_towers(tuned):
    return tuned.towers(renames.recipe(tuned.about["constructor"]), family="beats")


def every(family, array):
    """The step at which the array keeps frames or tokens: "frames 0::9" is 9, and 1 where nothing is said."""
    said = re.search(r"(?:frames|tokens) 0::(\d+)", family.about["arrays"][array]["what"])
    return int(said[1]) if said else 1


def hear(towers, wave):
    return towers.hear(torch.from_numpy(wave)[None])


def padded_batch(family):
    """The batch that `padded_batch_out` tells of: waves, and the token padding that follows from their lengths."""
    first, second, total = re.search(
        r"batch \[(\w+), (\w+) zero-padded to (\d+)\]", family.about["arrays"]["padded_batch_out"]["what"]
    ).groups()
    batch = torch.zeros(2, int(total))
    lengths = [len(family.waves[first]), len(family.waves[second])]
    for row, name, length in zip(batch, (first, second), lengths, strict=True):
        row[:length] = torch.from_numpy(family.waves[name])
    return batch, torch.tensor(lengths)


@pytest.mark.parametrize("name", NAMES)
def test_the_filter_bank(pretrained, pretrained_towers, name: str) -> None:
    expected = pretrained[f"fbank_{name}"]
    image = pretrained_towers.image(torch.from_numpy(pretrained.waves[name])[None])[0, 0]
    torch.testing.assert_close(
        image[:: every(pretrained, f"fbank_{name}")], torch.from_numpy(expected), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("name", NAMES)
def test_hidden_states(pretrained, pretrained_towers, near, name: str) -> None:
    heard = hear(pretrained_towers, pretrained.waves[name])
    near(heard.frames[:, :: every(pretrained, f"features_{name}")], pretrained[f"features_{name}"])
    near(heard.embedding, pretrained[f"features_mean_{name}"])
    assert heard.logits is None


def test_the_tower_alone(pretrained, pretrained_towers, near) -> None:
    whole = [name for name in NAMES if every(pretrained, f"fbank_{name}") == 1]
    if not whole:
        pytest.skip("only some frames of each image are kept")
    for name in whole:
        heard = pretrained_towers.audio_encoder.hear(pretrained.tensor(f"fbank_{name}")[None, None])
        frames = heard.frames[:, :: every(pretrained, f"features_{name}")]
        near(frames, pretrained[f"features_{name}"], tolerance=5e-6)
        near(heard.embedding, pretrained[f"features_mean_{name}"], tolerance=5e-6)


def test_a_padded_batch(pretrained, pretrained_towers, near) -> None:
    batch, lengths = padded_batch(pretrained)
    image = pretrained_towers.image(batch)
    frames = real_frames(lengths, of=batch.shape[1], frames=image.shape[2])
    tower = pretrained_towers.audio_encoder
    assert tower.padding(frames, of=image.shape[2]).tolist() == pretrained["padded_batch_mask"].tolist()
    heard = tower.hear(image, frames=frames)
    near(heard.frames[:, :: every(pretrained, "padded_batch_out")], pretrained["padded_batch_out"])


@pytest.mark.parametrize("name", named("beats_finetuned", "probs_(.+)"))
def test_labels(tuned, tuned_towers, near, name: str) -> None:
    near(hear(tuned_towers, tuned.waves[name]).logits.sigmoid(), tuned[f"probs_{name}"])


def test_labels_of_a_padded_batch(tuned, tuned_towers, near) -> None:
    batch, lengths = padded_batch(tuned)
    image = tuned_towers.image(batch)
    frames = real_frames(lengths, of=batch.shape[1], frames=image.shape[2])
    tower = tuned_towers.audio_encoder
    assert tower.padding(frames, of=image.shape[2]).tolist() == tuned["padded_batch_mask"].tolist()
    near(tower.hear(image, frames=frames).logits.sigmoid(), tuned["padded_batch_out"])


def test_hidden_states_of_the_tuned_tower(tuned, tuned_towers, near) -> None:
    for name in named("beats_finetuned", "features_no_predictor_(.+)"):
        array = f"features_no_predictor_{name}"
        near(hear(tuned_towers, tuned.waves[name]).frames[:, :: every(tuned, array)], tuned[array])


@pytest.mark.parametrize("family", ["beats", "beats_finetuned"])
def test_a_file_describes_itself(golden, family: str) -> None:
    family = golden(family)
    cfg = torch.load(family.checkpoint(), map_location="cpu", weights_only=True)["cfg"]
    assert renames.recipe(cfg) == renames.recipe(family.about["constructor"])


def test_every_array_is_compared(pretrained) -> None:
    """Of the kinds that are compared here, no array is of a sound that is not."""
    kinds = {name for name in pretrained.arrays if name.startswith(("fbank_", "features_"))}
    assert kinds == {f"{kind}_{name}" for kind in ("fbank", "features", "features_mean") for name in NAMES}
