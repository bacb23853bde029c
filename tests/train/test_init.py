"""First weights of parts: from converted checkpoints, runs, a transformer's own model, and the names of tags."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertModel, BertTokenizerFast

from hark import recipe as recipes
from hark.core.errors import DataError, SettingError, WeightsError
from hark.models import weights
from hark.recipe import Recipe
from hark.runtime.load import find
from hark.train.init import init, missing
from hark.train.run import run

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "siren", "rain", "sound", "the", "of"]
HEARS = """
about = "A published tagger, for tests."
dim = {dim}
[audio]
rate_hz = 16000
window_s = 0.5
short = "zeros"
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 32 }}
encoder = {{ {encoder} }}
head = {{ name = "identity" }}
"""
BOTH = """
about = "For tests."
dim = 16
init = {{ {init} }}
[audio]
rate_hz = 16000
window_s = 0.5
short = "zeros"
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 32 }}
encoder = {{ {encoder} }}
head = {{ {head} }}
[text]
encoder = {{ name = "transformer", model = "{folder}", pooling = "cls", {network} }}
head = {{ name = "{text_head}" }}
[[stages]]
name = "only"
steps = 2
batch = 4
warmup = 1
freeze = ["audio_encoder"]
[[stages.corpora]]
corpus = {{ name = "synth", clips = 8, duration_s = 0.6, kinds = ["siren", "rain"] }}
"""
NETWORK = 'network = { model_type = "bert", vocab_size = 9, hidden_size = 16, num_hidden_layers = 1, \
num_attention_heads = 2, intermediate_size = 32 }'
AST = 'name = "ast", frames = 32, width = 24, depth = 1, heads = 3, '


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    torch.manual_seed(1)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(WORDS), **size)).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def converted(path: Path, encoder: str, *, dim: int = 24) -> dict[str, torch.Tensor]:
    """A tagger's file in our own form, and its tensors."""
    recipe = recipes.parse(HEARS.format(encoder=encoder, dim=dim), name="tagger")
    torch.manual_seed(2)
    tensors = recipe.build().state_dict()
    weights.save(path, weights.Saved(tensors, "tagger", recipe.source, {}, {}))
    return tensors


def both(bert: Path, encoder: str, init: str, *, head: str = 'name = "linear"', text_head: str = "linear") -> Recipe:
    source = BOTH.format(encoder=encoder, init=init, head=head, text_head=text_head, folder=bert, network=NETWORK)
    return recipes.parse(source, name="small")


def filled(recipe: Recipe, data: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    towers = recipe.build()
    init(towers, recipe, data=data)
    return towers.state_dict()


def test_parts_are_filled_and_the_rest_stays(tmp_path: Path, bert: Path) -> None:
    theirs = converted(tmp_path / "tagger.safetensors", AST + "classes = 5")
    recipe = both(bert, AST + "classes = 0", 'audio_encoder = "tagger.safetensors", text_encoder = "pretrained"')
    made = filled(recipe, tmp_path)
    fresh = filled(dataclasses.replace(recipe, init={}), tmp_path)
    pretrained = BertModel.from_pretrained(bert).state_dict()
    for name, tensor in made.items():
        if name.startswith("audio_encoder."):
            torch.testing.assert_close(tensor, theirs[name])  # all but the tags, which the part lacks
        elif name.startswith("text_encoder."):
            torch.testing.assert_close(tensor, pretrained[name.removeprefix("text_encoder.network.")])
        else:
            torch.testing.assert_close(tensor, fresh[name])
    assert not torch.equal(
        made["text_encoder.network.pooler.dense.weight"], fresh["text_encoder.network.pooler.dense.weight"]
    )


def test_tags_are_kept_where_the_part_has_them(tmp_path: Path, bert: Path) -> None:
    theirs = converted(tmp_path / "tagger.safetensors", AST + "classes = 5")
    made = filled(both(bert, AST + "classes = 5", 'audio_encoder = "tagger.safetensors"'), tmp_path)
    torch.testing.assert_close(made["audio_encoder.tagger.1.weight"], theirs["audio_encoder.tagger.1.weight"])


def test_positions_are_stretched_to_another_grid(tmp_path: Path, bert: Path) -> None:
    stride = AST + "frame_stride = {}, mel_stride = {}, classes = {}"
    theirs = converted(tmp_path / "tagger.safetensors", stride.format(4, 8, 5))["audio_encoder.positions"]
    made = filled(both(bert, stride.format(16, 16, 0), 'audio_encoder = "tagger.safetensors"'), tmp_path)
    own = made["audio_encoder.positions"]
    assert (theirs.shape, own.shape) == ((1, 2 + 3 * 5, 24), (1, 2 + 2 * 2, 24))
    torch.testing.assert_close(own[:, :2], theirs[:, :2])
    grid = theirs[0, 2:].view(3, 5, 24).permute(2, 0, 1)[None]
    torch.testing.assert_close(own[0, 2:], F.interpolate(grid, size=(2, 2), mode="bilinear")[0].flatten(1).T)


def test_a_run_is_gone_on_from_and_the_result_needs_none_of_it(tmp_path: Path, bert: Path) -> None:
    theirs = converted(tmp_path / "tagger.safetensors", AST + "classes = 5")
    start = 'audio_encoder = "tagger.safetensors", text_encoder = "pretrained"'
    first = both(bert, AST + "classes = 0", start)
    assert len(list(run(first, data=tmp_path, out=tmp_path / "first"))) == 2
    kept = weights.open_file(tmp_path / "first/model.safetensors").tensors
    torch.testing.assert_close(
        kept["audio_encoder.positions"], theirs["audio_encoder.positions"], atol=1e-3, rtol=1e-3
    )  # frozen, in 16 bits
    parts = ("audio_encoder", "audio_head", "text_encoder", "text_head")
    after = both(
        bert, AST + "classes = 0", ", ".join(f'{part} = "first"' for part in parts).replace("first", "./first")
    )
    shutil.rmtree(bert)  # the tokenizer came with the weights
    made = filled(after, tmp_path)
    for name, tensor in made.items():
        if name != "log_scale":
            torch.testing.assert_close(tensor, kept[name])
    assert len(list(run(after, data=tmp_path, out=tmp_path / "second"))) == 2


def test_names_of_tags_are_read_by_the_text_tower(tmp_path: Path, bert: Path) -> None:
    names = ["siren", "rain", "the sound of rain"]
    lines = ["index,mid,display_name", *(f"{n},/m/{n},{name}" for n, name in enumerate(names))]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    settings = '"audio_head.tags" = "labels.csv", text_encoder = "pretrained"'
    encoder = 'name = "passt", frames = 32, width = 24, depth = 1, heads = 3, classes = 3, output = "logits"'
    recipe = both(bert, encoder, settings, head='name = "tagged", classes = 3', text_head="layer_norm")
    towers = recipe.build()
    init(towers, recipe, data=tmp_path)
    towers.eval()
    with torch.no_grad():
        wanted = F.normalize(towers.text_encoder(*towers.tokens(names)), dim=1)
    torch.testing.assert_close(towers.audio_head.tags, wanted)
    np.testing.assert_allclose(towers.audio_head.tags.norm(dim=1).numpy(), 1.0, rtol=1e-5)
    (tmp_path / "labels.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(WeightsError, match=r"init.audio_head.tags: .*labels.csv names 2 tags, the head has 3"):
        filled(recipe, tmp_path)
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(DataError, match=r"labels.csv: cannot be read"):
        filled(recipe, tmp_path)
    assert missing(recipe, data=tmp_path) == {"audio_head.tags": f"{tmp_path / 'labels.csv'}: no such file or folder"}


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            'audio_encodr = "x/y"',
            SettingError,
            r"small.toml: init: no part 'audio_encodr'; did you mean 'audio_encoder'",
        ),
        (
            'audio_encoder = "pretrained"',
            SettingError,
            r"init.audio_encoder: 'pretrained' is for a text encoder that is",
        ),
        ('audio_encoder = "beats-iter3"', SettingError, r"no weights 'beats-iter3'; did you mean 'beats-iter3-plus'\?"),
        ('"audio_head.tags" = "x.csv"', SettingError, r"the audio head has no tags; set audio.head.name = 'tagged'"),
        ('audio_encoder = "gone.safetensors"', WeightsError, r"gone.safetensors: no such file"),
        (
            'audio_head = "tagger.safetensors"',
            WeightsError,
            r"no part 'audio_head' in it; did you mean 'audio_encoder'",
        ),
        ('audio_encoder = "wide.safetensors"', WeightsError, r"tensor 'cls_token' is \(1, 1, 36\), the recipe wants"),
        (
            'audio_encoder = "deep.safetensors"',
            WeightsError,
            r"tensor 'blocks.1.* has no place in the recipe \(12 such\)",
        ),
        ("audio_encoder = 3", SettingError, r"small.toml: init.audio_encoder is 3; give the name of weights, as text"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, bert: Path, settings: str, error: type[Exception], message: str) -> None:
    converted(tmp_path / "tagger.safetensors", AST + "classes = 5")
    converted(tmp_path / "wide.safetensors", AST.replace("24", "36") + "classes = 0", dim=36)
    converted(tmp_path / "deep.safetensors", AST.replace("depth = 1", "depth = 2") + "classes = 5")
    with pytest.raises(error, match=message):
        filled(both(bert, AST + "classes = 0", settings), tmp_path)


def test_what_has_no_address_is_to_be_brought(tmp_path: Path, bert: Path) -> None:
    said = missing(both(bert, AST + "classes = 0", 'audio_encoder = "beats-iter3-plus"'), data=tmp_path)
    assert "get the file ('BEATs_iter3_plus_AS2M.pt') and run: hark models convert FILE" in said["audio_encoder"]
    assert missing(both(bert, AST + "classes = 0", 'audio_encoder = "passt-s-p16-s16-ap468"'), data=tmp_path) == {}


def test_a_static_tower_of_another_model_brings_its_vocabulary(tmp_path: Path) -> None:
    sounds = '{ corpus = { name = "synth", path = "", clips = 8, duration_s = 0.6 } }'
    stage = f'name = "s", steps = 2, batch = 4, warmup = 1, freeze = ["text_encoder"], corpora = [{sounds}]'
    text = 'name = "static", vocabulary = 24000, width = 128, hidden = 512, dim = 384'
    changes = ['init={ text_encoder = "mini" }', f"text.encoder={{ {text} }}", f"stages=[{{ {stage} }}]"]
    recipe = recipes.load("tiny", changes=changes)
    list(run(recipe, data=tmp_path, out=tmp_path / "run"))
    result, mini = (weights.open_file(path) for path in (tmp_path / "run" / "model.safetensors", find("mini")))
    assert result.assets["tokenizer"] == mini.assets["tokenizer"]
    assert torch.equal(result.tensors["text_encoder.table.weight"], mini.tensors["text_encoder.table.weight"])
