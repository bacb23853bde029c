"""Greedy averages of the best weights, against a loop of our own in numpy; stopped and gone on with; after training."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from typer.testing import CliRunner

from hark import recipe as recipes
from hark.cli.main import app
from hark.core.errors import SettingError, WeightsError
from hark.models import weights
from hark.recipe import Recipe
from hark.train.averaged import average_runs
from hark.train.run import Event, run
from hark.train.valid import Validator

RECIPE = """
about = "For tests."
dim = 16
[audio]
rate_hz = 16000
window_s = 0.5
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16 }}
encoder = {{ name = "mobilenet", width = 0.25 }}
head = {{ name = "linear" }}
[text]
encoder = {{ name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }}
head = {{ name = "linear" }}
[[stages]]
name = "sounds"
steps = {steps}
seed = {seed}
batch = 12
lr = 1e-2
warmup = 2
schedule = {{ name = "constant" }}
valid_every = 3
{more}
[[stages.corpora]]
corpus = {{ name = "synth", clips = 24, seed = 1, duration_s = 0.6, kinds = {kinds} }}
[[stages.valid]]
corpus = {{ name = "synth", clips = 18, seed = 2, duration_s = 0.6, kinds = {kinds} }}
say = ["{{label}}"]
"""
KINDS = '["siren", "rain", "church bell", "crickets", "door knock", "airplane"]'
GREEDY = 'best = 4\nsoup = "greedy"'


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "soup-cache"))


def small(*, steps: int = 15, seed: int = 0, more: str = GREEDY) -> Recipe:
    return recipes.parse(RECIPE.format(steps=steps, seed=seed, more=more, kinds=KINDS), name="small")


def train(recipe: Recipe, out: Path, *, until: int | None = None) -> list[Event]:
    events = []
    for event in run(recipe, data=Path(), out=out, save_every_s=0.0):
        events.append(event)
        if event.step.step == until:
            break
    return events


def by_hand(recipe: Recipe, ranked: list[tuple[float, dict[str, NDArray[Any]]]], tokenizer: str) -> tuple[Any, ...]:
    """Wortsman et al. 2022, recipe 1: the places that are taken, the value, the averaged weights."""
    validator = Validator(recipe, recipe.stages[0], data=Path())
    towers = recipe.build(assets={"tokenizer": tokenizer})
    taken: list[int] = []
    best, averaged = -np.inf, {}
    for place in range(len(ranked)):
        members = [ranked[i][1] for i in (*taken, place)]
        mean = {name: np.mean([one[name].astype(np.float64) for one in members], axis=0) for name in members[0]}
        towers.load_state_dict(
            {n: torch.from_numpy(np.asarray(v)).to(towers.state_dict()[n].dtype) for n, v in mean.items()}
        )
        value = validator(towers).map_at_10
        if value >= best:
            taken, best, averaged = [*taken, place], value, mean
    return taken, best, averaged


def test_the_run_keeps_what_a_loop_by_hand_keeps(tmp_path: Path) -> None:
    recipe = small()
    events = train(recipe, tmp_path)
    found = [(e.validation.map_at_10, e.step.step + 1) for e in events if e.validation is not None]
    ranked = sorted(found, key=lambda one: (-one[0], one[1]))[:4]
    files = [load_file(tmp_path / "best" / "sounds" / f"{step:08d}.safetensors") for _, step in ranked]
    tokenizer = (tmp_path / "tokenizer.json").read_text()
    pairs = [(value, tensors) for (value, _), tensors in zip(ranked, files, strict=True)]
    taken, value, averaged = by_hand(recipe, pairs, tokenizer)
    told = json.loads((tmp_path / "best" / "sounds" / "soup.json").read_text())
    assert told["steps"] == [ranked[place][1] for place in taken]
    assert told["value"] == pytest.approx(value)
    assert len(told["tried"]) == 3  # all but the best, once each
    saved = weights.open_file(tmp_path / "model.safetensors")
    assert json.loads(saved.made_by["validation"])["map_at_10"] == pytest.approx(value)
    for name, tensor in saved.tensors.items():
        if tensor.is_floating_point():
            np.testing.assert_allclose(tensor.numpy(), averaged[name], rtol=1e-3, atol=1e-6)  # 16 bits
    assert value >= ranked[0][0]


def test_stopped_and_gone_on_with_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(small(), tmp_path / "whole")
    train(small(), tmp_path / "parts", until=10)
    asked: list[int] = []
    call = Validator.__call__

    def stops(self: Validator, towers: Any) -> Any:
        asked.append(1)
        if len(asked) > 5 - 3 + 2:  # the rest of the stage's, and two averages
            raise KeyboardInterrupt
        return call(self, towers)

    monkeypatch.setattr(Validator, "__call__", stops)
    with pytest.raises(KeyboardInterrupt):
        train(small(), tmp_path / "parts")
    before = json.loads((tmp_path / "parts" / "best" / "sounds" / "soup.json").read_text())["tried"]
    assert len(before) == 2
    monkeypatch.setattr(Validator, "__call__", call)
    assert train(small(), tmp_path / "parts") == []  # nothing is left but the average
    for file in ("model.safetensors", "history.jsonl", "best/sounds/soup.json"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()
    assert len(whole) == 15


def test_a_soup_needs_ingredients() -> None:
    for more in ('soup = "greedy"', 'best = 2\nmembers = true\nsoup = "greedy"'):
        with pytest.raises(SettingError, match="soup: there is nothing to choose from; raise best, and leave members"):
            small(more=more)


def test_runs_are_averaged_after_training(tmp_path: Path) -> None:
    one = "best = 1"
    for seed in range(3):
        train(small(steps=6, seed=seed, more=one), tmp_path / f"run-{seed}")
    folders = [str(tmp_path / f"run-{seed}") for seed in range(3)]
    said = CliRunner().invoke(app, ["runs", "average", *folders, "--out", str(tmp_path / "mean.safetensors")])
    assert said.exit_code == 0, said.output
    saved = weights.open_file(tmp_path / "mean.safetensors")
    each = [load_file(Path(folder) / "model.safetensors") for folder in folders]
    for name, tensor in saved.tensors.items():
        if tensor.is_floating_point():
            mean = np.mean([one[name].astype(np.float64) for one in each], axis=0)
            np.testing.assert_allclose(tensor.numpy(), mean, rtol=1e-3, atol=1e-6)
    words = ["runs", "average", *folders, "--greedy", "--json", "--out", str(tmp_path / "soup.safetensors")]
    told = json.loads(CliRunner().invoke(app, words).stdout)
    assert told["value"] >= max(told["values"])
    assert told["metric"] == "map_at_10"
    assert told["made"]["data"]
    recipe = recipes.parse(saved.recipe, name="small")
    ranked = sorted(range(3), key=lambda place: -told["values"][place])
    pairs = [(told["values"][place], {n: t.astype(np.float32) for n, t in each[place].items()}) for place in ranked]
    taken, value, _ = by_hand(recipe, pairs, saved.assets["tokenizer"])
    assert told["members"] == [ranked[place] for place in taken]
    assert told["value"] == pytest.approx(value)


def test_models_of_other_recipes_are_not_averaged(tmp_path: Path) -> None:
    train(small(steps=2, more=""), tmp_path / "one")
    saved = weights.open_file(tmp_path / "one" / "model.safetensors")
    other = saved.recipe.replace("n_fft = 256", "n_fft = 512")
    weights.save(tmp_path / "other.safetensors", dataclasses.replace(saved, recipe=other))
    with pytest.raises(WeightsError, match=r"other\.safetensors: its recipe has another 'audio' than the first's"):
        average_runs([str(tmp_path / "one"), str(tmp_path / "other.safetensors")], tmp_path / "mean.safetensors")
