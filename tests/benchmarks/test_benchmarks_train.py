"""The benchmark of training runs, and both sides train the same. No numbers of seconds: machines are noisy."""

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.gpu import measure
from benchmarks.train import main
from benchmarks.training import SMALL, clap, hark_side, make_data, plain_side, recipe_of


def test_it_is_measured_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--batch", "4", "--json", str(tmp_path / "train.json")]) == 0
    told = json.loads((tmp_path / "train.json").read_text())
    assert told["speed"]["hark"]["median"] > 0
    assert told["speed"]["ratio"]["least"] <= told["speed"]["ratio"]["median"] <= told["speed"]["ratio"]["most"]
    said = capsys.readouterr().out
    assert "times as fast" in said
    assert ("no GPU" in said) == (not torch.cuda.is_available())


def test_both_sides_train_the_same_numbers() -> None:
    data = make_data(SMALL, 4)
    ours, theirs = hark_side(data), plain_side(data)
    assert ours.parameters == theirs.parameters - 1  # ClapModel has two temperatures
    for side in (ours, theirs):
        took = side.step()
        assert 0.0 < took.features_s < took.wall_s
    shapes = [
        sorted(tuple(p.shape) for p in model.parameters() if p.dim() > 1)
        for model in (recipe_of(SMALL).build(), clap(SMALL))
    ]
    # ClapModel has its queries, keys and values apart, we have those of HTS-AT in one.
    assert sum(a * b for a, b in (s for s in shapes[0] if len(s) == 2)) == sum(
        a * b for a, b in (s for s in shapes[1] if len(s) == 2)
    )


def test_what_is_measured_on_a_gpu_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.gpu.WAYS", {"fp32": {}, "bf16": {"precision": "bf16"}})
    found = measure(SMALL, "cpu", batch=2, steps=1, most=2)
    assert [way.name for way in found.ways] == ["fp32", "bf16"]
    assert found.gflops > 0
    assert found.largest == 2
    assert "largest batch in bf16: 2" in "\n".join(found.lines())
