"""IRIT's files hold a few layers; converting joins them to PaSST, MPNet and the names of the tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published import write
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import MPNetConfig, MPNetModel, PreTrainedTokenizerFast
from typer.testing import CliRunner

import hark
from hark import recipe as recipes
from hark.cli.models import app
from hark.core.errors import WeightsError

TAGS, WIDTH = 5, 16
NAMES = ["speech", "dog", "rain", "a dog", "rain rain"]
WORDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "dog": 5, "rain": 6, "speech": 7}
NETWORK = {
    "vocab_size": 8,
    "hidden_size": WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
}

PASST = """
about = "A small PaSST."
dim = 16
compat = {{ name = "scene" }}
[audio]
rate_hz = 32000
window_s = 2.0
short = "keep"
least_s = 0.16
features = {{ name = "passt_mel" }}
encoder = {{ name = "passt", frames = 200, width = 16, depth = 1, heads = 2, classes = 5{output} }}
head = {head}
"""

TEXT = """
[text]
head = {{ name = "layer_norm" }}
[text.encoder]
name = "transformer"
model = "{model}"
pooling = "mean"
network = {{ model_type = "mpnet", {network} }}
"""

ROWS = """
[[checkpoint]]
name = "tests/passt"
about = "a small PaSST"
tower = "PaSST"
licence = "CC0"
rate_hz = 32000
dim = 16
family = "passt"
recipe = "tests/passt"
address = "hf:tests/passt/passt.pt"

[[checkpoint]]
name = "tests/irit"
about = "a small system of IRIT's"
tower = "PaSST + MPNet"
licence = "CC0"
rate_hz = 32000
dim = 16
family = "irit"
recipe = "tests/irit"
beside.audio_encoder = "tests/passt"
beside.text_encoder = "pretrained"
beside."audio_head.tags" = "https://nowhere.invalid/tags.csv"
"""


def numbers(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The head's file as IRIT saved it, all else in its place: a PaSST on the hub, an MPNet, a table of tags."""
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARK_OFFLINE", "1")
    own, mpnet = tmp_path / "own", tmp_path / "mpnet"
    for folder in ("recipes/tests", "checkpoints"):
        (own / folder).mkdir(parents=True)
    torch.manual_seed(0)
    MPNetModel(MPNetConfig(**NETWORK)).save_pretrained(mpnet)
    words = Tokenizer(models.WordLevel(WORDS, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", unk_token="<unk>").save_pretrained(mpnet)
    alone = PASST.format(output="", head='{ name = "identity" }')
    (own / "recipes/tests/passt.toml").write_text(alone)
    network = ", ".join(f"{key} = {value}" for key, value in NETWORK.items())
    whole = PASST.format(output=', output = "logits"', head='{ name = "tagged", classes = 5, share = 0.8 }')
    (own / "recipes/tests/irit.toml").write_text(whole + TEXT.format(model=mpnet, network=network))
    (own / "checkpoints/tests.toml").write_text(ROWS)
    monkeypatch.setenv("HARK_PLUGINS", str(own))
    towers = recipes.parse(alone, name="passt").build()
    theirs = {name.removeprefix("audio_encoder."): t for name, t in towers.state_dict().items()}
    passt = write(tmp_path / "passt.pt", theirs)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: str(passt))
    table = "".join(f"{n},/m/{n},{name}\n" for n, name in enumerate(NAMES))
    (tmp_path / "tags.csv").write_text(f"index,mid,display_name\n{table}")
    shapes = {"layer_norm.weight": (TAGS,), "layer_norm.bias": (TAGS,)}
    shapes |= {"projection_layer.weight": (WIDTH, TAGS), "projection_layer.bias": (WIDTH,)}
    return write(tmp_path / "mine.pt", numbers(shapes, seed=1))


def converted(file: Path) -> Path:
    done = CliRunner().invoke(app, ["convert", str(file), "--like", "tests/irit", "--to", str(file.parent / "made")])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return Path(done.stdout.strip())


def test_the_parts_are_joined(file: Path) -> None:
    """Against eq. 1 and 2 of the report, with transformers' own MPNet."""
    model = hark.load(str(converted(file)))
    sound = (np.sin(np.arange(48000) / 5.0).astype(np.float32) * 0.2, 32000)
    logits = torch.from_numpy(model.hear(sound).embeddings)
    head = torch.load(file, weights_only=True)
    normed = F.layer_norm(logits, (TAGS,), head["layer_norm.weight"], head["layer_norm.bias"])
    own = F.normalize(normed @ head["projection_layer.weight"].T + head["projection_layer.bias"], dim=1)
    mpnet = MPNetModel.from_pretrained(file.parent / "mpnet").eval()
    with torch.inference_mode():
        named = [mpnet(torch.tensor([[WORDS[word] for word in name.split()]]))[0].mean(dim=1) for name in NAMES]
    probable = logits.sigmoid()
    tagged = F.normalize(probable @ F.normalize(torch.cat(named), dim=1) / probable.sum(dim=1, keepdim=True), dim=1)
    wanted = F.normalize(0.8 * own + 0.2 * tagged, dim=1)
    np.testing.assert_allclose(model.embed_windows(sound)[1], wanted, atol=1e-5)
    sentence = F.normalize(F.layer_norm(named[3], (WIDTH,)), dim=1)
    np.testing.assert_allclose(model.embed_text(["a dog"]), sentence, atol=1e-5)


def test_the_encoder_is_the_checkpoints(file: Path) -> None:
    theirs = hark.load("tests/passt")
    ours = hark.load(str(converted(file)))
    sound = (np.cos(np.arange(48000) / 5.0).astype(np.float32) * 0.2, 32000)
    np.testing.assert_allclose(ours.hear(sound).embeddings, theirs.hear(sound).logits, atol=1e-6)


def test_what_cannot_be_had_is_one_line(file: Path) -> None:
    (file.parent / "tags.csv").unlink()
    with pytest.raises(WeightsError, match=r"audio_head.tags is not in it, .*put tags.csv beside the file") as caught:
        converted(file)
    assert "\n" not in str(caught.value)
    assert not (file.parent / "made").exists()


def test_a_head_of_another_size_is_refused(file: Path) -> None:
    tensors = torch.load(file, weights_only=True)
    write(file, {**tensors, "projection_layer.weight": torch.zeros(WIDTH, TAGS + 1)})
    with pytest.raises(WeightsError, match=r"'audio_head.linear.weight' is \(16, 6\), the recipe wants \(16, 5\)"):
        converted(file)
