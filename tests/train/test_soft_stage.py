"""A student that learns what other models think: their cosines by hand, resuming, and mistakes in one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import spread_run
import torch

from hark import recipe as recipes
from hark.audio.decode import decode
from hark.core.errors import SettingError, WeightsError
from hark.data.corpora.synth import Config as Synth
from hark.losses.estimated import Config as Estimated
from hark.losses.soft import soft
from hark.recipe import Recipe
from hark.runtime.load import load
from hark.train.data import open_batches
from hark.train.run import Event, run
from hark.train.taught import Teachers

RECIPE = """
about = "For tests."
dim = {dim}
[audio]
rate_hz = {rate}
window_s = 0.5
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16, f_max_hz = {top} }}
encoder = {{ name = "mobilenet", width = 0.25 }}
head = {{ name = "linear" }}
[text]
encoder = {{ name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }}
head = {{ name = "linear" }}
[[stages]]
name = "only"
steps = {steps}
batch = 12
warmup = 2
lr = 3e-3
seed = {seed}
{more}
[[stages.corpora]]
corpus = {{ name = "synth", clips = 36, seed = 1, duration_s = 0.8, kinds = ["siren", "rain", "church bell"] }}
"""
SOFT = 'loss = {{ name = "soft", temperature = 0.1 }}\nteachers = {teachers}\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "soft-cache"))


def recipe(more: str = "", *, dim: int = 16, rate: int = 16000, steps: int = 8, seed: int = 0) -> Recipe:
    text = RECIPE.format(more=more, dim=dim, rate=rate, top=rate / 2, steps=steps, seed=seed)
    return recipes.parse(text, name="small")


def train(made: Recipe, out: Path, *, until: int | None = None) -> list[Event]:
    events = []
    for event in run(made, data=out.parent, out=out, save_every_s=0.0):
        events.append(event)
        if event.step.step == until:
            break
    return events


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained models of different sizes and rates."""
    folder = tmp_path_factory.mktemp("teachers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "soft-cache"))
        train(recipe(steps=40), folder / "one")
        train(recipe(steps=40, dim=12, rate=8000, seed=3), folder / "two")
    return folder


def named(folder: Path) -> str:
    return str([str(folder / "one" / "model.safetensors"), str(folder / "two")]).replace("'", '"')


def test_the_estimate_is_the_mean_of_the_teachers_cosines(teachers: Path) -> None:
    made = recipe(SOFT.format(teachers=named(teachers)))
    stage = made.stages[0]
    batches = open_batches(made, stage, data=Path(), captions="one")
    taught = Teachers(made, stage, batches, data=Path(), progress=lambda *_: None).over(batches)
    assert taught.steps_per_epoch == 3
    clips = {
        clip.id: clip
        for clip in Synth(clips=36, seed=1, duration_s=0.8, kinds=("siren", "rain", "church bell")).build()
    }
    models = [load(str(teachers / name)) for name in ("one", "two")]
    for step in (0, 5):
        batch = taught[step]
        plain = batches[step]
        assert batch.texts == plain.texts
        np.testing.assert_array_equal(batch.waves, plain.waves)
        wanted = np.zeros((12, 12))
        for row, clip_id in enumerate(batch.ids):
            for column, text in enumerate(batch.texts):
                for model in models:
                    sound = decode(clips[clip_id].path, model.rate_hz)
                    cosine = model.embed_audio([(sound, model.rate_hz)])[0] @ model.embed_text([text])[0]
                    wanted[row, column] += cosine / 2
        np.testing.assert_allclose(batch.same, wanted, atol=1e-5)


def test_the_loss_is_soft_by_another_name() -> None:
    generator = torch.Generator().manual_seed(0)
    audio, text = (torch.nn.functional.normalize(torch.randn(5, 4, generator=generator), dim=1) for _ in range(2))
    teacher = torch.rand(5, 5, generator=generator) * 2 - 1
    found = Estimated(temperature=0.2).build()(audio, text, teacher, torch.tensor(9.0))
    torch.testing.assert_close(found, soft(audio, text, teacher, torch.tensor(9.0), temperature=0.2))


def test_a_student_comes_to_think_as_its_teachers(teachers: Path, tmp_path: Path) -> None:
    made = recipe(SOFT.format(teachers=named(teachers)), steps=60, seed=5)
    stage = made.stages[0]
    batches = open_batches(made, stage, data=Path(), captions="one")
    taught = Teachers(made, stage, batches, data=Path(), progress=lambda *_: None).over(batches)
    over = []  # by how much the loss is above the least that there is, the teachers' own entropy
    for event in train(made, tmp_path / "student"):
        wanted = torch.from_numpy(taught[event.step.step].same) / 0.1
        entropies = [torch.distributions.Categorical(logits=one).entropy().mean() for one in (wanted, wanted.T)]
        over.append(event.step.loss - float(sum(entropies)) / 2)
    assert min(over) > 0.0
    assert np.mean(over[-10:]) < 0.5 * np.mean(over[:5])


def test_interrupted_equals_uninterrupted(teachers: Path, tmp_path: Path) -> None:
    made = recipe(SOFT.format(teachers=named(teachers)))
    whole = train(made, tmp_path / "whole")
    train(made, tmp_path / "parts", until=3)
    rest = train(made, tmp_path / "parts")
    assert [event.step for event in rest] == [event.step for event in whole][-len(rest) :]
    assert (tmp_path / "whole/model.safetensors").read_bytes() == (tmp_path / "parts/model.safetensors").read_bytes()


RUN = """
import sys
from pathlib import Path
from hark import recipe
from hark.train.run import run
for _ in run(recipe.load(sys.argv[1]), data=Path(sys.argv[2]), out=Path(sys.argv[3])):
    pass
"""


@pytest.mark.parametrize("captions", ["one", "all"])
def test_two_processes_are_taught_as_one(teachers: Path, tmp_path: Path, captions: str) -> None:
    more = SOFT.format(teachers=named(teachers)) + f'freeze = ["audio_encoder"]\ncaptions = "{captions}"\n'
    made = recipe(more, steps=4)
    train(made, tmp_path / "one")
    (tmp_path / "small.toml").write_text(made.source)
    spread_run.together(["-c", RUN, str(tmp_path / "small.toml"), str(tmp_path), str(tmp_path / "two")])
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / name / "history.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


def test_teachers_speak_once(teachers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hark.runtime.model import Model

    made = recipe(SOFT.format(teachers=named(teachers)), seed=11)
    train(made, tmp_path / "first")
    monkeypatch.setattr(Model, "embed_audio", None)
    monkeypatch.setattr(Model, "embed_text", None)
    assert len(train(made, tmp_path / "second")) == 8


def test_with_frozen_encoders_as_well(teachers: Path, tmp_path: Path) -> None:
    more = SOFT.format(teachers=named(teachers)) + 'freeze = ["audio_encoder", "text_encoder"]\ngain_db = 0.0\n'
    events = train(recipe(more + "precompute = true\n"), tmp_path / "run")
    assert len(events) == 8
    assert all(np.isfinite(event.step.loss) for event in events)


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ('teachers = ["mini"]', SettingError, "teachers: they teach the loss 'soft' alone; give loss = "),
        ('loss = { name = "soft" }', SettingError, r"loss 'soft' needs 'teacher'"),
        (
            'teachers = ["mini"]\nloss = { name = "soft" }\nalike = 0.9\nfreeze = ["text_encoder"]',
            SettingError,
            "alike asks",
        ),
        (
            'teachers = ["nowhere.safetensors"]\nloss = { name = "soft" }',
            WeightsError,
            "nowhere.safetensors: no such file",
        ),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, more: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(recipe(more), tmp_path / "run")
