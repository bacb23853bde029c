"""A batch in parts is the batch: the same loss and gradients, to the last dropped unit."""

from pathlib import Path
from typing import Any

import pytest
import spread_run
import torch
import torch.nn.functional as F

from hark.train.by_row import ByRow
from hark.train.world import ALONE


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("chunk", [1, 4, 5, 12, 100])
@pytest.mark.parametrize("loss", ["infonce", "dual_clip", "mixco", "triplet", "sigmoid", "hard"])
def test_parts_are_the_whole(loss: str, chunk: int) -> None:
    settings: dict[str, Any] = {
        "loss": {"name": loss},
        "mask_frames": 8,
        "mask_mels": 4,
        "mask_stripes": 2,
        "stray": 0.3,
    }
    settings |= {"mix": 1.0, "noise_db": 10.0, "shift": True, "freeze": ["text_encoder"]}
    same(spread_run.steps(settings, world=ALONE), spread_run.steps(settings | {"chunk": chunk}, world=ALONE))


@pytest.mark.parametrize("loss", ["infonce", "dual_clip", "mixco", "hard"])
def test_parts_are_the_whole_with_all_that_is_said(loss: str) -> None:
    said = [["{label}"], ["{caption}", "{label}"]]  # clips of one sentence, and of several
    corpora = [
        {"corpus": {"name": "synth", "clips": 20, "seed": n, "duration_s": 0.6}, "say": s} for n, s in enumerate(said)
    ]
    settings: dict[str, Any] = {"loss": {"name": loss}, "captions": "all", "corpora": corpora, "stray": 0.3, "mix": 1.0}
    same(spread_run.steps(settings, world=ALONE), spread_run.steps(settings | {"chunk": 5}, world=ALONE))


@pytest.mark.parametrize("chunk", [None, 5])
def test_layers_run_again_draw_the_same(chunk: int | None) -> None:
    settings: dict[str, Any] = {"mask_frames": 8, "chunk": chunk}
    same(spread_run.steps(settings, world=ALONE), spread_run.steps(settings | {"checkpointing": True}, world=ALONE))


def same(whole: dict[str, Any], parts: dict[str, Any]) -> None:
    assert parts["losses"] == pytest.approx(whole["losses"], abs=1e-5)
    assert whole["gradients"].keys() == parts["gradients"].keys()
    for name, gradient in whole["gradients"].items():
        torch.testing.assert_close(
            parts["gradients"][name], gradient, atol=1e-5, rtol=0, msg=lambda m, n=name: f"{n}: {m}"
        )
    assert max(gradient.abs().max() for gradient in whole["gradients"].values()) > 1e-3


def test_a_transformers_dropout_is_of_its_rows(tmp_path: Path) -> None:
    """Also inside attention, and wherever padding ends: alone, a sentence is no longer than itself."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    tower = BertModel(BertConfig(vocab_size=30, **size)).train()
    ids = torch.randint(1, 30, (6, 9))
    mask = torch.arange(9) < torch.tensor([9, 4, 9, 5, 2, 3])[:, None]

    def read(rows: range, width: int) -> torch.Tensor:
        with ByRow(7, rows):
            part = slice(rows.start, rows.stop)
            found: torch.Tensor = tower(ids[part, :width], attention_mask=mask[part, :width]).last_hidden_state
            return found * mask[part, :width, None]

    whole = read(range(6), 9)
    torch.testing.assert_close(read(range(2), 9), whole[:2], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(read(range(3, 6), 5), whole[3:, :5], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(
        whole, tower.eval()(ids, attention_mask=mask).last_hidden_state * mask[:, :, None], atol=0.1
    )


def test_what_is_drawn_by_row_is_drawn_evenly() -> None:
    with ByRow(3, range(8)):
        dropped = F.dropout(torch.ones(8, 5, 1000), 0.1)
        unit, normal, whole = torch.rand(8, 40000), torch.randn(8, 40000), torch.randint(-5, 6, (8, 10000))
        windows = F.dropout(torch.ones(16, 50), 0.5)  # two places of each row
    assert (dropped == 0).float().mean() == pytest.approx(0.1, abs=0.005)
    assert float(dropped.max()) == pytest.approx(1 / 0.9)
    assert (unit.mean(), unit.var(), unit.min(), unit.max()) == pytest.approx((0.5, 1 / 12, 0, 1), abs=0.002)
    assert (normal.mean(), normal.var(), (normal**4).mean()) == pytest.approx((0, 1, 3), abs=0.05)
    assert torch.bincount((whole + 5).flatten()).tolist() == pytest.approx([80000 / 11] * 11, rel=0.05)
    assert (torch.corrcoef(unit) - torch.eye(8)).abs().max() < 0.03
    with ByRow(3, [5, 2]):
        again = F.dropout(torch.ones(2, 7, 1200), 0.1)
    assert torch.equal(again[:, :5, :1000], dropped[[5, 2]])
    assert len({tuple(row.tolist()) for row in windows}) == 16
    with ByRow(4, range(8)):
        assert not torch.equal(F.dropout(torch.ones(8, 5, 1000), 0.1), dropped)


def test_what_is_not_of_rows_is_drawn_as_ever() -> None:
    torch.manual_seed(0)
    wanted = torch.rand(3), torch.randperm(5)
    torch.manual_seed(0)
    with ByRow(3, range(8)):
        drawn = torch.rand(3), torch.randperm(5)
    assert torch.equal(wanted[0], drawn[0])
    assert torch.equal(wanted[1], drawn[1])


def test_attention_that_drops_nothing_much_is_torchs_own() -> None:
    query, key, value = torch.randn(3, 4, 2, 6, 8).unbind()
    for extra in (
        {},
        {"is_causal": True},
        {"attn_mask": torch.rand(6, 6) < 0.9},
        {"attn_mask": torch.randn(4, 1, 6, 6)},
    ):
        with ByRow(0, range(4)):
            ours = F.scaled_dot_product_attention(query, key, value, dropout_p=1e-9, **extra)
        torch.testing.assert_close(ours, F.scaled_dot_product_attention(query, key, value, **extra))
