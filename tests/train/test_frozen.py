"""Frozen encoders heard and read once: the same training as without, resumable, kept, and refused where it changes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from hark import recipe as recipes
from hark.cli.main import app
from hark.core.errors import SettingError
from hark.data.also import Also
from hark.data.corpora.synth import Config as Synth
from hark.data.mixture import Mixture
from hark.models.text.static import Static
from hark.models.towers import Towers
from hark.recipe import Recipe
from hark.runtime.load import load
from hark.runtime.model import Model
from hark.search.engine import Library
from hark.train.data import open_batches
from hark.train.frozen import Once
from hark.train.heard import encodings
from hark.train.precompute import precomputed
from hark.train.run import Event, run
from hark.train.stored import Stored, clip_key

RECIPE = """
about = "For tests."
dim = 16
[audio]
rate_hz = 16000
window_s = 0.5
hop_s = 0.25
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16, mean_db = -30.0, scale_db = 20.0 }}
encoder = {{ name = "passt", width = 32, depth = 1, heads = 2, classes = 4, frames = 32, drop_patches = 1 }}
head = {{ name = "mlp", dropout = 0.2 }}
[text]
encoder = {{ name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }}
head = {{ name = "linear" }}
[[stages]]
name = "heads"
steps = 12
batch = 12
warmup = 2
lr = 3e-3
valid_every = 4
gain_db = 0.0
average = 0.9
{more}
[[stages.corpora]]
corpus = {{ name = "synth", clips = 24, seed = 1, duration_s = {seconds}, kinds = {kinds} }}
[[stages.valid]]
corpus = {{ name = "synth", clips = 18, seed = 2, duration_s = 1.3, kinds = {kinds} }}
say = ["{{label}}"]
"""
KINDS = '["siren", "rain", "church bell", "crickets", "door knock", "airplane"]'
BOTH = 'freeze = ["audio_encoder", "text_encoder"]\n'


def small(more: str, *, seconds: float = 0.5) -> Recipe:
    return recipes.parse(RECIPE.format(more=more, seconds=seconds, kinds=KINDS), name="small")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that go through the real audio encoder, as often as it runs."""
    from hark.models.audio.passt import Passt

    rows: list[int] = []
    forward = Passt.forward

    def counted(self: Passt, image: torch.Tensor) -> torch.Tensor:
        rows.append(len(image))
        return forward(self, image)

    monkeypatch.setattr(Passt, "forward", counted)
    return rows


def train(made: Recipe, out: Path, *, until: int | None = None) -> list[Event]:
    events = []
    for event in run(made, data=Path(), out=out, save_every_s=0.0):
        events.append(event)
        if event.step.step == until:
            break
    return events


@pytest.mark.parametrize("switch", ["", "precompute = true\n"])
@pytest.mark.parametrize(
    "more",
    [
        BOTH,
        'freeze = ["audio_encoder"]\n',
        'freeze = ["text_encoder"]\nalike = 0.9\nstray = 0.5\n',
        BOTH + 'loss = { name = "triplet", margin = 0.4 }\nmetric = "loss"\nschedule = { name = "plateau" }\n',
        BOTH + "chunk = 5\n",
    ],
)
def test_it_is_the_training_without_it(tmp_path: Path, more: str, switch: str) -> None:
    with_it = train(small(more + switch), tmp_path / "with")
    without = train(small(more + "precompute = false\n"), tmp_path / "without")
    assert len(with_it) == len(without) == 12
    for one, other in zip(with_it, without, strict=True):
        assert one.step.loss == pytest.approx(other.step.loss, abs=1e-6)
        assert one.step.rate == other.step.rate
        if other.validation is not None:
            assert one.validation is not None
            assert one.validation.as_json() == pytest.approx(other.validation.as_json(), abs=1e-6)
    kept, other_kept = (torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("with", "without"))
    assert kept["towers"].keys() == other_kept["towers"].keys()
    for part in ("towers", "average"):
        for name, tensor in kept[part].items():
            torch.testing.assert_close(tensor, other_kept[part][name], atol=2e-5, rtol=1e-4)  # Adam divides by little
    saved = load(str(tmp_path / "with")).embed_text(["rain"])
    np.testing.assert_allclose(saved, load(str(tmp_path / "without")).embed_text(["rain"]), atol=2e-3)  # in 16 bits


def test_a_head_that_sees_tags_learns_behind_frozen_logits(tmp_path: Path) -> None:
    losses = []
    for switch in ("true", "false"):
        text = RECIPE.format(more=f"{BOTH}precompute = {switch}\n", seconds=0.5, kinds=KINDS)
        text = text.replace("classes = 4", 'classes = 4, output = "logits"')
        text = text.replace('{ name = "mlp", dropout = 0.2 }', '{ name = "tagged", classes = 4 }')
        events = train(recipes.parse(text, name="small"), tmp_path / switch)
        losses.append([event.step.loss for event in events])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_every_clip_is_heard_once_ever(tmp_path: Path, heard: list[int]) -> None:
    train(small(BOTH), tmp_path / "first")
    windows_of_1_3_s = 5  # at 0, 0.25, 0.5, 0.75 s, and the last half second
    assert sum(heard) == 24 + 18 * windows_of_1_3_s
    heard.clear()
    train(small(BOTH + "lr = 1e-3\n".replace("lr", "weight_decay")), tmp_path / "second")
    assert heard == []


def test_what_was_cut_off_goes_on(tmp_path: Path, heard: list[int], own_cache: Path) -> None:
    train(small(BOTH), tmp_path / "whole")
    heard.clear()
    (table,) = [t for t in own_cache.glob("vectors/*/*.json") if len(json.loads(t.read_text())) == 18]
    table.with_suffix(".npy").write_bytes(table.with_suffix(".npy").read_bytes()[:200])  # a damaged file
    assert train(small(BOTH), tmp_path / "again")[-1].step == train(small(BOTH), tmp_path / "third")[-1].step
    assert sum(heard) == 18 * 5


def test_interrupted_equals_uninterrupted(tmp_path: Path) -> None:
    whole = train(small(BOTH), tmp_path / "whole")
    train(small(BOTH), tmp_path / "parts", until=5)
    rest = train(small(BOTH), tmp_path / "parts")
    assert [event.step for event in rest] == [event.step for event in whole][-len(rest) :]
    for file in ("model.safetensors", "history.jsonl"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


def test_a_long_clip_is_the_mean_of_its_windows(tmp_path: Path) -> None:
    made = small(BOTH + "precompute = true\n", seconds=1.1)
    stage = made.stages[0]
    batches = open_batches(made, stage, data=Path())
    frozen = precomputed(made, stage, batches, progress=lambda *_: None)
    assert frozen is not None
    towers = built(made).eval()
    first = frozen.begin(towers)[0]
    clips = Synth(clips=24, seed=1, duration_s=1.1, kinds=tuple(json.loads(KINDS))).build()
    by_id = {clip.id: clip for clip in clips}
    model = Model(made, towers, stamp="")
    for row, clip_id in enumerate(first.ids):
        each = model.hear(by_id[clip_id].path).embeddings
        assert np.ptp(first.waves, axis=0).mean() > 0.05  # the encoder does tell sounds apart
        assert len(each) == 4  # at 0, 0.25, 0.5 s, and the last half second
        np.testing.assert_allclose(first.waves[row], each.mean(axis=0), atol=2e-4)  # training hears 16-bit samples


def test_other_sentences_stand_in_for_a_clips_own(tmp_path: Path) -> None:
    made = small(BOTH + "precompute = true\n")
    batches = open_batches(made, made.stages[0], data=Path())
    assert isinstance(batches, Mixture)
    also = Also(batches.sources[0], [("something else",)] * 24, 0.5)
    frozen = precomputed(made, made.stages[0], replace(batches, sources=[also]), progress=lambda *_: None)
    assert frozen is not None
    towers = built(made).eval()
    found = frozen.begin(towers)
    plain = [Mixture.__getitem__(replace(batches, sources=[also]), step) for step in (0, 1)]
    for step, wanted in enumerate(plain):
        assert found[step].texts == wanted.texts
        assert 0 < found[step].texts.count("something else") < 12
        encoded = towers.audio_encoder(towers.image(torch.from_numpy(wanted.waves))).detach().numpy()
        np.testing.assert_allclose(found[step].waves, encoded, atol=1e-5)


def test_validation_is_the_model_in_use(tmp_path: Path) -> None:
    made = small(BOTH + "precompute = true\n")
    towers = built(made).eval()
    frozen = precomputed(
        made, made.stages[0], open_batches(made, made.stages[0], data=Path()), progress=lambda *_: None
    )
    assert frozen is not None
    frozen.begin(towers)
    clips = Synth(clips=3, seed=7, duration_s=1.3, kinds=("rain",)).build()
    waves = [np.random.default_rng(i).normal(size=20000).astype(np.float32) * 0.1 for i in range(3)]
    once, model = frozen.model(towers, clips), Model(made, towers, stamp="")
    assert isinstance(once, Once)
    sounds = [(wave, 16000) for wave in waves]
    np.testing.assert_allclose(once.embed_audio(sounds), model.embed_audio(sounds), atol=1e-6)
    texts = ["rain", "the sound of a siren", "rain"]
    np.testing.assert_allclose(once.embed_text(texts), model.embed_text(texts), atol=1e-6)


def test_windows_of_all_lengths_come_back_in_order() -> None:
    made = small(BOTH).audio
    kept = recipes.parse(RECIPE.format(more=BOTH, seconds=0.5, kinds=KINDS).replace(
        "hop_s = 0.25", 'hop_s = 0.25\nshort = "keep"'), name="small")  # fmt: skip
    towers = built(small(BOTH)).eval()
    rng = np.random.default_rng(0)
    waves = [rng.normal(size=size).astype(np.float32) for size in (5000, 8000, 90000, 5000, 4000, 30000)]
    for audio in (made, kept.audio):
        found = list(encodings(towers, audio, enumerate(waves)))
        assert [key for key, _ in found] == list(range(6))
        assert [len(rows) for _, rows in found] == [1, 1, 22, 1, 1, 7]
        for number, rows in found:
            ((_, alone),) = encodings(towers, audio, [(number, waves[number])])
            np.testing.assert_allclose(rows, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("more", "seconds", "hears", "reads"),
    [
        (BOTH, 0.5, True, True),
        (BOTH, 0.4, True, True),  # training and model fill it alike
        (BOTH + 'short = "zeros"\n', 0.4, False, True),  # they do not
        (BOTH, 0.6, False, True),  # training would take a stretch of it
        (BOTH + "gain_db = 6.0\n", 0.5, False, True),
        (BOTH + "mix = 0.5\nmask_tokens = 0.1\n", 0.5, False, False),
        (BOTH + "precompute = false\n", 0.5, False, False),
        (BOTH + 'loss = { name = "mixco" }\n', 0.5, False, True),
        ('freeze = ["audio_head"]\n', 0.5, False, False),
    ],
)
def test_it_is_done_unasked_where_nothing_changes(more: str, seconds: float, hears: bool, reads: bool) -> None:
    text = RECIPE.format(more=more, seconds=seconds, kinds=KINDS)
    if more.count("gain_db"):
        text = text.replace("gain_db = 0.0\n", "", 1)
    made = recipes.parse(text, name="small")
    found = precomputed(made, made.stages[0], open_batches(made, made.stages[0], data=Path()), progress=lambda *_: None)
    assert (found is not None and found.hears, found is not None and found.reads) == (hears, reads)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('freeze = ["audio_head"]', "precompute: no whole encoder is frozen; give freeze ="),
        (BOTH + "mask_frames = 3", "what is made once cannot be changed at every visit; leave out mask_frames"),
        (BOTH + "mask_tokens = 0.1", "leave out mask_tokens"),
        (BOTH + 'loss = { name = "mixco" }', "leave out loss = 'mixco', which mixes sounds"),
    ],
)
def test_asked_where_it_cannot_be_it_is_one_line(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        train(small(f"{more}\nprecompute = true\n"), tmp_path)


def test_other_weights_are_other_vectors(own_cache: Path) -> None:
    clips = Synth(clips=1, seed=7, duration_s=0.5, kinds=("rain",)).build()
    one, other = Stored("weights 1"), Stored("weights 2")
    one.add({clip_key(clips[0]): np.ones((2, 3), np.float32)})
    assert clip_key(clips[0]) in Stored("weights 1")
    assert clip_key(clips[0]) not in other
    np.testing.assert_array_equal(Stored("weights 1")[clip_key(clips[0])], np.ones((2, 3)))
    clips[0].path.touch()
    assert clip_key(clips[0]) not in Stored("weights 1")  # the file was changed


def built(made: Recipe) -> Towers:
    from hark.text.vocabulary import make_vocabulary

    torch.manual_seed(0)
    words = ["rain", "siren", "the", "sound", "of", "a"]
    towers = made.build(assets={"tokenizer": make_vocabulary([], words=words, size=120)})
    assert isinstance(towers.text_encoder, Static)
    return towers


@pytest.mark.parametrize("head", ["mlp", "tagged"])
def test_what_is_written_is_the_whole_model_to_embed_and_search_with(tmp_path: Path, head: str) -> None:
    """As IRIT's system is trained: on vectors alone, of encoders that the file must hold all the same."""
    text = RECIPE.format(more=f'{BOTH}precompute = true\nloss = {{ name = "triplet" }}\n', seconds=0.5, kinds=KINDS)
    if head == "tagged":
        text = text.replace("classes = 4", 'classes = 4, output = "logits"')
        text = text.replace('{ name = "mlp", dropout = 0.2 }', '{ name = "tagged", classes = 4 }')
    made = recipes.parse(text, name="small")
    train(made, tmp_path / "run")
    model = load(str(tmp_path / "run"))
    assert model.towers.state_dict().keys() == made.build(assets=model.towers.text_encoder.assets()).state_dict().keys()
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    clips = Synth(clips=6, seed=4, duration_s=0.5, kinds=("siren", "rain")).build()
    for clip in clips:
        shutil.copy(clip.path, sounds / f"{clip.id}{clip.path.suffix}")
    with Library(tmp_path / "library", model) as library:
        assert library.index(sounds).added == 6
        hits = library.search("rain", k=6)
    assert len(hits) == 6
    words = ["embed", str(sounds), "--model", str(tmp_path / "run"), "--text", "rain", "--out", str(tmp_path / "v.npz")]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    with np.load(tmp_path / "v.npz") as found:
        scores = dict(
            zip((Path(str(f)).name for f in found["files"]), found["vectors"] @ found["text_vectors"][0], strict=True)
        )
    for hit in hits:
        assert hit.score == pytest.approx(scores[hit.path.name], abs=2e-3)
