"""Precision, layers run again and torch.compile: switches that are off, and change nothing but speed and memory."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import spread_run
import torch
import torch.nn.functional as F

from hark import recipe as recipes
from hark.core.errors import SettingError
from hark.recipe import Stage
from hark.train import spread, state
from hark.train.by_row import ByRow
from hark.train.data import open_batches
from hark.train.loop import train
from hark.train.world import ALONE


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def begun(**settings: Any) -> tuple[state.State, Stage, Any]:
    recipe = recipes.parse(spread_run.RECIPE, name="spread")
    stage = dataclasses.replace(recipe.stages[0], **settings)
    torch.manual_seed(1)
    towers = recipe.build(assets={"tokenizer": spread_run.RECIPE_TOKENIZER})
    return state.start(towers, stage), stage, open_batches(recipe, stage, data=Path())


def test_all_is_off_by_default() -> None:
    current, stage, batches = begun()
    assert (stage.precision, stage.checkpointing, stage.compile) == ("fp32", False, False)
    assert (stage.negatives, stage.shard) == ("global", "ddp")
    next(train(current, batches.__getitem__, stage))
    assert current.scaler is None
    assert current.towers.audio_encoder._compiled_call_impl is None
    assert current.towers.text_encoder._compiled_call_impl is None


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("loss", ["infonce", "dual_clip"])
def test_a_lower_precision_is_close(precision: str, loss: str) -> None:
    settings: dict[str, Any] = {"loss": {"name": loss}, "mask_frames": 8}
    whole = spread_run.steps(settings, world=ALONE)
    lower = spread_run.steps(settings | {"precision": precision}, world=ALONE)
    assert lower["losses"] == pytest.approx(whole["losses"], abs=0.02)
    assert lower["losses"] != whole["losses"]
    largest = max(float(gradient.abs().max()) for gradient in whole["gradients"].values())
    for name, gradient in whole["gradients"].items():
        torch.testing.assert_close(lower["gradients"][name], gradient, atol=0.05 * largest, rtol=0)
    assert all(tensor.dtype != torch.bfloat16 and tensor.isfinite().all() for tensor in lower["towers"].values())


def test_features_are_made_in_32_bits() -> None:
    current, stage, batches = begun(precision="bf16")
    seen: dict[str, torch.dtype] = {}
    towers = current.towers
    towers.features.register_forward_hook(lambda *at: seen.update(features=at[2].dtype))
    towers.audio_encoder.blocks[0].fc1.register_forward_hook(lambda *at: seen.update(encoder=at[2].dtype))
    towers.text_encoder.widen.register_forward_hook(lambda *at: seen.update(text=at[2].dtype))
    next(train(current, batches.__getitem__, stage))
    assert seen == {"features": torch.float32, "encoder": torch.bfloat16, "text": torch.bfloat16}


def test_what_fp16_has_learned_of_its_scale_is_kept(tmp_path: Path) -> None:
    current, stage, batches = begun(precision="fp16")
    for _ in train(current, batches.__getitem__, stage):
        pass
    assert current.scaler is not None
    current.scaler.update(512.0)
    state.save(tmp_path / "state.pt", current, stage=0, recipe_hash="")
    other, _, _ = begun(precision="fp16")
    state.restore(other, state.read(tmp_path / "state.pt"))
    assert other.scaler is not None
    assert other.scaler.get_scale() == 512.0


def test_layers_are_run_again_only_while_training() -> None:
    current, stage, batches = begun(checkpointing=True)
    block = spread.blocks(current.towers)[0]
    runs = []
    block.register_forward_hook(lambda *_: runs.append(1))
    block.fc1.register_forward_hook(lambda *_: runs.append(0))
    steps = train(current, batches.__getitem__, stage)
    next(steps)
    assert runs.count(0) == 2
    steps.close()
    assert "forward" not in vars(block)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")  # torch's own
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_compiled_towers_learn_the_same(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"loss": {"name": "dual_clip"}, "mask_frames": 8}
    whole = spread_run.steps(settings, world=ALONE)
    compiled: list[str] = []
    compile_it = torch.nn.Module.compile

    def chosen(module: torch.nn.Module) -> None:
        compiled.append(type(module).__name__)
        compile_it(module, backend=backend)

    monkeypatch.setattr(torch.nn.Module, "compile", chosen)
    torch.compiler.reset()
    found = spread_run.steps(settings | {"compile": True}, world=ALONE)
    assert compiled == ["Ast", "Static"]
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert found["losses"] == pytest.approx(whole["losses"], abs=1e-5)
    for name, tensor in whole["towers"].items():
        torch.testing.assert_close(found["towers"][name], tensor, atol=1e-5, rtol=1e-4)


class Dropping(torch.nn.Module):
    """A layer between two dropouts."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, 4) -> (rows, 4)."""
        dropped: torch.Tensor = F.dropout(self.layer(F.dropout(x, 0.3, self.training)), 0.3, self.training)
        return dropped


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")  # torch's own
def test_a_compiled_tower_drops_the_same() -> None:
    torch.manual_seed(0)
    tower, x = Dropping(), torch.randn(6, 4)

    def passes() -> torch.Tensor:
        made = []
        for seed in range(3):
            with ByRow(seed, range(6)):
                made.append(tower(x))
        return torch.stack(made)

    whole = passes()
    torch.compiler.reset()
    tower.compile(backend="aot_eager")
    torch.testing.assert_close(passes(), whole)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert not torch.equal(whole[0], whole[1])


@pytest.mark.parametrize("loss", ["triplet", "hard"])
def test_not_every_loss_goes_row_by_row(loss: str) -> None:
    current, stage, batches = begun(loss={"name": loss}, negatives="local")
    with pytest.raises(
        SettingError, match=f"loss '{loss}': cannot be computed row by row; give negatives = \"global\""
    ):
        next(train(current, batches.__getitem__, stage))


def test_a_batch_is_parted_evenly() -> None:
    recipe = recipes.parse(spread_run.RECIPE, name="spread")
    for gain_db in (6.0, 3.0):
        stage = dataclasses.replace(recipe.stages[0], gain_db=gain_db)
        with pytest.raises(SettingError, match="rank 1 of 5, batch 12: the batch must be parted evenly"):
            open_batches(recipe, stage, data=Path(), rank=1, ranks=5)
