"""Batch norms of several processes against torch's own, of all their rows at once."""

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import norms_run
import pytest
import spread_run
import torch
from norms_run import CASES, CHANNELS, STEPS
from torch import Tensor, nn

from hark import recipe as recipes
from hark.models.audio import cnn14
from hark.recipe import Stage
from hark.train import norms, spread
from hark.train.data import open_batches
from hark.train.world import ALONE, World


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Any]]:
    """What the processes make of the cases, by how many they are."""
    folder = tmp_path_factory.mktemp("norms")
    done = subprocess.run([sys.executable, norms_run.__file__, str(folder)], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return {size: [torch.load(folder / f"{size}-{rank}.pt") for rank in range(size)] for size in (2, 3)}


def places(values: Tensor) -> Tensor:
    """(rows, channels, ...) -> (all places, channels)."""
    return values.movedim(1, -1).reshape(-1, CHANNELS)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_the_norms_of_several_processes_are_torchs_of_all_rows(
    name: str, size: int, found: dict[int, list[Any]]
) -> None:
    case, ours = CASES[name], [one[name] for one in found[size]]
    exact = {torch.float64: 1e-12, torch.float32: 1e-4, torch.bfloat16: 2e-2}[case.dtype]
    whole = nn.BatchNorm1d(CHANNELS, dtype=torch.float64, **case.settings)
    whole.load_state_dict(case.build().state_dict())
    double = dataclasses.replace(case, dtype=torch.float64)
    batches = [torch.cat([places(one) for one in case.values(step)[:size]]).double() for step in range(STEPS)]
    torchs = norms_run.run(whole, double, batches)

    def same(mine: Tensor, theirs: Tensor, share: float = 1.0) -> None:
        assert theirs.abs().max() > 1e-3
        torch.testing.assert_close(mine.double(), theirs, atol=share * exact, rtol=exact)

    for step in range(STEPS):
        for part in ("outs", "gradients"):
            mine = torch.cat([places(one[part][step]) for one in ours])
            assert mine.dtype == case.dtype
            same(mine, torchs[part][step])
    for weight, gradient in torchs["learned"].items():  # of all steps; each process knows what its rows say
        same(sum(one["learned"][weight].double() for one in ours), gradient, 10.0)
    for one in ours:
        assert list(one["state"]) == list(case.build().state_dict())
        for buffer, wanted in torchs["state"].items():
            torch.testing.assert_close(one["state"][buffer].to(wanted.dtype), wanted, atol=exact, rtol=exact)
    if torchs["infer"] is not None:
        same(torch.cat([places(one["infer"]) for one in ours]), torchs["infer"])


def test_alone_they_are_torchs() -> None:
    """Also where they were joined for processes that are gone; parts of a tower are found as before."""
    torch.manual_seed(0)
    tower = cnn14.Config(channels=(4, 4, 8), dim=8, classes=0).build(mels=16)
    joined = copy.deepcopy(tower)
    norms.join(joined, ALONE)
    assert not any(isinstance(part, norms.Norm) for part in joined.modules())
    norms.join(joined, World(0, 2))
    changed = [name for name, part in joined.named_modules() if isinstance(part, norms.Norm)]
    assert changed == [
        name for name, part in tower.named_modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    names = {module: name for one in (tower, joined) for name, module in one.named_modules()}
    assert [names[block] for block in spread.blocks(joined)] == [names[block] for block in spread.blocks(tower)]
    image = torch.randn(3, 1, 40, 16)
    for training in (True, False):
        made = []
        for one in (tower, joined):
            torch.manual_seed(1)
            made.append(one.train(training)(image))
        assert torch.equal(*made)
    for (name, tensor), other in zip(tower.state_dict().items(), joined.state_dict().values(), strict=True):
        assert torch.equal(tensor, other), name


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("chunk", [12, 100])
def test_a_chunk_of_the_whole_batch_is_the_batch(chunk: int, own_cache: None) -> None:
    """To the running statistics: that the towers run twice does not count twice."""
    settings = {"ears": "cnn14", "mask_frames": 8}
    whole, parts = (spread_run.steps(settings | more, world=ALONE) for more in ({}, {"chunk": chunk}))
    assert parts["losses"] == pytest.approx(whole["losses"], abs=1e-5)
    for name, tensor in whole["towers"].items():
        torch.testing.assert_close(
            parts["towers"][name], tensor, atol=1e-4, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_chunks_are_counted_one_by_one(own_cache: None) -> None:
    """The first norm hears features, which do not learn: torch's own, given the same rows a few at a time."""
    settings = {"ears": "cnn14 sure", "gain_db": 0.0, "steps": 2}
    parts = spread_run.steps(settings | {"chunk": 5}, world=ALONE)["towers"]
    recipe = recipes.parse(spread_run.RECIPE, name="spread")
    towers = recipe.build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER})
    norm = nn.BatchNorm1d(16)
    stage = dataclasses.replace(recipe.stages[0], gain_db=0.0)
    batches = open_batches(recipe, stage, data=Path())
    for step in range(2):
        wave = torch.from_numpy(batches[step].waves)
        for rows in torch.split(towers.image(wave).squeeze(1).transpose(1, 2), 5):
            norm(rows)
    assert norm.num_batches_tracked == 6
    for name, wanted in norm.named_buffers():
        torch.testing.assert_close(parts[f"audio_encoder.norm.{name}"], wanted, atol=1e-5, rtol=1e-5)


def test_a_chunk_that_norms_hear_is_told() -> None:
    text = spread_run.RECIPE.replace(spread_run.AST, spread_run.EARS["cnn14"])
    recipe = recipes.parse(text, name="spread")
    towers = recipe.build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER})

    def told(world: World = ALONE, **settings: Any) -> str:
        stage: Stage = dataclasses.replace(recipe.stages[0], **settings)
        return norms.told(towers, stage, world)

    assert told(chunk=4) == "stage 'sounds': batch norms count 4 rows at a time, not the batch's 12: chunk"
    assert "count 8 rows" in told(World(1, 2), chunk=4)
    for nothing in ({}, {"chunk": 12}, {"chunk": 4, "freeze": ("audio_encoder",)}, {"chunk": 4, "task": "distil"}):
        assert told(**nothing) == ""
    assert told(World(1, 2), chunk=6) == ""
    plain = recipes.parse(spread_run.RECIPE, name="spread").build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER})
    assert norms.told(plain, dataclasses.replace(recipe.stages[0], chunk=4), ALONE) == ""
