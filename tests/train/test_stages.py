"""Pre-training, fine-tuning and learning from what that came to, in one recipe: killed anywhere it ends the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import test_kill_training as killing
import torch
from safetensors.torch import load_file

from hark import recipe as recipes
from hark.core.errors import HarkError, SettingError
from hark.core.files import sha256
from hark.recipe import Recipe
from hark.runtime.load import load
from hark.train import state
from hark.train.folder import result
from hark.train.run import run

BEGIN, REST = killing.RECIPE.split("[[stages]]\n")
CORPORA = REST[REST.index("[[stages.corpora]]") :]
STAGE = """[[stages]]
name = "{name}"
steps = {steps}
batch = 8
warmup = 1
valid_every = 3
tensorboard = false
seed = {seed}
{more}
"""
SOFT = 'loss = { name = "soft" }\nteachers = ["stage:fine"]'
COUNTS = {"pre": 6, "fine": 6, "distil": 6}
STEPS = sum(COUNTS.values())


def source(soft: str = SOFT, fine: str = "lr = 1e-2") -> str:
    more = {"pre": "", "fine": fine, "distil": soft}
    stages = [
        STAGE.format(name=name, steps=steps, seed=seed, more=more[name]) + CORPORA
        for seed, (name, steps) in enumerate(COUNTS.items())
    ]
    return BEGIN + "\n".join(stages)


own_cache = killing.own_cache


def begun(out: Path, text: str | None = None) -> Path:
    killing.begun(out)
    (out / "small.toml").write_text(text or source())
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "kill-cache"))
        made = begun(tmp_path_factory.mktemp("stages") / "whole")
        killing.train(made)
    return made


def same(one: Path, other: Path) -> None:
    """Two runs came to the same history and weights, bit for bit, and left the same files."""
    assert killing.history(one) == killing.history(other)
    first, second = killing.kept(one), killing.kept(other)
    assert first.keys() == second.keys()
    assert [name for name in first if name.endswith(".safetensors") and first[name] != second[name]] == []
    states = [torch.load(place / "run/state.pt", weights_only=True)["towers"] for place in (one, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_teacher_is_what_the_stage_ended_with(whole: Path) -> None:
    lines = killing.history(whole)
    assert [line["stage"] for line in lines] == [name for name, steps in COUNTS.items() for _ in range(steps)]
    kept = result(whole / "run", "fine")
    assert sorted(path.name for path in kept.parent.iterdir()) == ["fine.safetensors"]  # nobody needs the others
    best = max(line["map_at_10"] for line in lines if line["stage"] == "fine" and "map_at_10" in line)
    teacher, student = load(str(kept)), load(str(whole / "run"))
    assert teacher.stamp == sha256(kept)[:16] != student.stamp
    from hark.models.weights import open_file

    assert json.loads(open_file(kept).made_by["validation"])["map_at_10"] == best


def test_killed_in_every_stage_and_between_them(whole: Path, tmp_path: Path) -> None:
    ends = (3, 6, 8, 12, 15, 18)  # in the middle of a stage, or with its last step
    lives: list[dict[str, Any]] = []
    for before, end in zip((0, *ends), ends, strict=False):
        lives.append({"steps": end - before, "more_s": 0.0, "processes": 1, "workers": 0})
    killing_plan = [*lives[:-1], {"steps": None, "processes": 1, "workers": 0}]
    out = begun(tmp_path / "killed")
    killing.lives(out, killing_plan)
    same(out, whole)


@pytest.mark.parametrize("stage", ["fine", "distil"])
def test_stopped_behind_the_first_validation_of_a_stage(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Its model is in the folder already, the state is that of the stage before: a student is not its own teacher."""
    out, save = begun(tmp_path / "out"), state.save
    number = list(COUNTS).index(stage)

    def stops(path: Path, current: state.State, **about: Any) -> None:
        if about["stage"] == number:
            raise OSError("as if killed")
        save(path, current, **about)

    monkeypatch.setattr(state, "save", stops)
    with pytest.raises(HarkError, match="as if killed"):
        train(out, save_every_s=1e9)
    assert killing.history(out)[-1] == killing.history(whole)[6 * number + 2]
    monkeypatch.setattr(state, "save", save)
    killing.train(out)
    same(out, whole)


def train(out: Path, **settings: Any) -> None:
    for _ in run(recipes.load(str(out / "small.toml")), data=out, out=out / "run", **settings):
        pass


def test_begun_anew_the_teacher_is_made_anew(whole: Path, tmp_path: Path) -> None:
    out = begun(tmp_path / "out", source(fine="lr = 1e-4"))
    killing.train(out)
    before = load_file(result(out / "run", "fine"))
    (out / "run/state.pt").unlink()
    (out / "small.toml").write_text(source())
    killing.train(out)
    after, wanted = load_file(result(out / "run", "fine")), load_file(result(whole / "run", "fine"))
    assert all(torch.equal(after[name], wanted[name]) for name in wanted)
    assert any(not torch.equal(before[name], wanted[name]) for name in wanted)
    assert killing.history(out) == killing.history(whole)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("stage:fin", r"stage 'distil': teachers: no stage 'fin' before it; did you mean 'fine'\?"),
        ("stage:distil", r"stage 'distil': teachers: no stage 'distil' before it; known: fine, pre"),
    ],
)
def test_a_teacher_must_come_before(tmp_path: Path, teacher: str, message: str) -> None:
    made: Recipe = recipes.parse(source(SOFT.replace("stage:fine", teacher)), name="small")
    with pytest.raises(SettingError, match=message):
        next(run(made, data=tmp_path, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()
