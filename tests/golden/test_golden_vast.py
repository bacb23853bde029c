"""VAST's sound side against numbers that GRAM's code, descended from it, made: slices, pooling, heads, similarity."""

import dataclasses
import re
from dataclasses import replace

import pytest
import torch
from golden_files import named
from plain_kernels import within
from torch import nn
from transformers import BertConfig, BertModel

from hark.audio.features import vast_slices
from hark.core import component
from hark.models import weights
from hark.models.audio import beats, vast
from hark.models.towers import Towers
from hark.runtime.load import load

pytestmark = pytest.mark.golden

HEARD = named("vast_audio", r"feat_a_(.+_n\d+)")  # "short_n1": a wave, and how many slices are heard of it


class First(nn.Module):
    """Stands for the text network, which the golden file leaves out: given hidden states, the first token's."""

    def forward(self, hidden, mask):
        return hidden[:, 0]


class Vast:
    """The golden towers with `slices` slices: recipe parts by hand, as the file has no text network."""

    def __init__(self, golden) -> None:
        self.golden = golden
        said, dims = golden.about["constructor"], golden.about["dims"]
        self.dims = dims
        self.beats = beats.Config(
            layers=said["encoder_layers"],
            width=said["encoder_embed_dim"],
            heads=said["encoder_attention_heads"],
            hidden=said["encoder_ffn_embed_dim"],
            patch=said["input_patch_size"],
            patch_dim=said["embed_dim"],
            conv=said["conv_pos"],
            conv_groups=said["conv_pos_groups"],
            buckets=said["num_buckets"],
            max_distance=said["max_distance"],
            deep_norm=said["deep_norm"],
            gated=said["gru_rel_pos"],
        )
        tower = vast.Config(beats=self.beats).build(mels=dims["melbins"])
        self.towers = Towers(
            features=nn.Identity(),
            audio_encoder=tower,
            audio_head=nn.Linear(tower.dim, dims["contra_dim"], bias=False),
            text_encoder=First(),
            text_head=nn.Linear(dims["text_dim"], dims["contra_dim"], bias=False),
            dim=dims["contra_dim"],
            temperature=0.5,  # anything: the file brings its own
        ).eval()
        table = component.config("models.renames", {"name": "vast"}, where="test").build()
        self.content = torch.load(golden.checkpoint(), map_location="cpu", weights_only=True)
        weights.fill(self.towers, table.apply(self.content, where="golden"), where="golden")

    def ear(self, slices: int) -> vast_slices.VastSlices:
        config = vast_slices.Config(slices=slices, frames=self.dims["target_length"])
        fbank = replace(config.fbank, mels=self.dims["melbins"])
        return replace(config, fbank=fbank).build(rate_hz=self.golden.rate_hz)

    def wave(self, name: str) -> torch.Tensor:
        return torch.from_numpy(self.golden.waves[name])[None]

    def audio(self, name: str, slices: int) -> torch.Tensor:
        self.towers.features = self.ear(slices)
        return self.towers.audio(self.wave(name))


@pytest.fixture(scope="module")
def published(golden):
    return Vast(golden("vast_audio"))


def split(name: str) -> tuple[str, int]:
    """The wave and the number of slices in an array's name."""
    wave, slices = name.rsplit("_n", 1)
    return wave, int(slices)


@pytest.mark.parametrize(("name", "slices"), [split(name) for name in HEARD])
def test_which_slices_are_heard(published, name: str, slices: int) -> None:
    ear, golden = published.ear(slices), published.golden
    frames = ear.fbank.count(len(golden.waves[name]))
    assert frames == golden[f"frames_{name}"]
    assert ear.chosen(frames) == golden[f"slice_index_{name}_n{slices}"].tolist()


@pytest.mark.parametrize(("name", "slices"), [split(name) for name in named("vast_audio", r"slices_(.+_n\d+)")])
def test_the_slices(published, name: str, slices: int) -> None:
    array = f"slices_{name}_n{slices}"
    said = published.golden.about["arrays"][array]["what"]
    kept = published.ear(slices)(published.wave(name))[0][:, within(said, "frames")]
    torch.testing.assert_close(kept, published.golden.tensor(array), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("name", "slices"), [split(name) for name in named("vast_audio", r"tokens_(.+_n\d+)")])
def test_tokens(published, near, name: str, slices: int) -> None:
    array = f"tokens_{name}_n{slices}"
    said = published.golden.about["arrays"][array]["what"]
    total = int(re.search(r"tokens \d*:\d*:\d+ of (\d+)", said)[1])
    published.towers.features = published.ear(slices)
    frames = published.towers.hear(published.wave(name)).frames
    near(frames.unflatten(1, (-1, total))[:, :, within(said, "tokens")], published.golden[array])


@pytest.mark.parametrize(("name", "slices"), [split(name) for name in HEARD])
def test_sounds(published, near, name: str, slices: int) -> None:
    published.towers.features = published.ear(slices)
    near(published.towers.hear(published.wave(name)).embedding, published.golden[f"pooled_{name}_n{slices}"])
    near(published.audio(name, slices), published.golden[f"feat_a_{name}_n{slices}"])


def test_sentences(published, near) -> None:
    hidden = published.golden.tensor("text_hidden")
    near(published.towers.text(hidden, hidden), published.golden["feat_t"])


def test_similarity(published, near) -> None:
    hidden = published.golden.tensor("text_hidden")
    said = re.search(r"feat_a\(([\w,]+); n(\d+)\)", published.golden.what("similarity"))
    sounds = torch.cat([published.audio(name, int(said[2])) for name in said[1].split(",")])
    near(sounds @ published.towers.text(hidden, hidden).T, published.golden["similarity"])


def test_a_whole_file_is_converted(published, near, toml, tmp_path) -> None:
    """The golden file is VAST's without its eyes and its BERT: with a BERT of chance and an eye, hark loads it."""
    golden, dims = published.golden, published.dims
    network = {"vocab_size": 20, "hidden_size": dims["text_dim"], "num_hidden_layers": 1, "num_attention_heads": 2}
    text = BertModel(BertConfig(**network, intermediate_size=16), add_pooling_layer=False)
    whole = {f"multimodal_encoder.bert.{name}": tensor for name, tensor in text.state_dict().items()}
    whole |= {"vision_encoder.patch.weight": torch.zeros(2), **published.content}
    torch.save(whole, tmp_path / "model_step_1.pt")
    audio = {
        "rate_hz": golden.rate_hz,
        "window_s": 10.255,
        "short": "keep",
        "features": {"name": "vast_slices", **dataclasses.asdict(published.ear(1).config)},
        "encoder": {"name": "vast", "beats": dataclasses.asdict(published.beats)},
        "head": {"name": "linear", "bias": False},
    }
    reader = {
        "name": "transformer",
        "model": "none",
        "pooling": "cls",
        "pooler": False,
        "network": {"model_type": "bert", **network, "intermediate_size": 16},
    }
    source = f"about = 'VAST'\ndim = {dims['contra_dim']}\naudio = {toml(audio)}\n"
    source += f"text = {toml({'encoder': reader, 'head': {'name': 'linear', 'bias': False}})}\n"
    model = load(str(golden.converted(source, family="vast", path=tmp_path / "model_step_1.pt")))
    for name in golden.waves:
        if f"feat_a_{name}_n1" in golden.arrays:
            near(model.embed_waves(golden.waves[name][None]), golden[f"feat_a_{name}_n1"])
    read = model.towers.text_head(golden.tensor("text_hidden")[:, 0])
    near(nn.functional.normalize(read, dim=-1), golden["feat_t"])


def test_temperature(published) -> None:
    torch.testing.assert_close(1.0 / published.towers.log_scale.exp(), published.content["contra_temp"])


def test_every_array_is_compared(published) -> None:
    """Of the kinds that are compared here, no array is of a sound that is not."""
    for kind in ("slice_index", "pooled"):
        assert named("vast_audio", rf"{kind}_(.+_n\d+)") == HEARD
    assert set(named("vast_audio", "frames_(.+)")) == {split(name)[0] for name in HEARD}
