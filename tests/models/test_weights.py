"""A model's file: what goes in comes out; the same model is the same file; nothing else is taken for one."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hark.core.errors import WeightsError
from hark.models.weights import FORMAT, Saved, fill, open_file, save


def saved() -> Saved:
    generator = torch.Generator().manual_seed(0)
    tensors = {"b": torch.randn(3, 4, generator=generator), "a": torch.arange(5), "c": torch.tensor(2.5)}
    return Saved(tensors, "small", 'about = "ü"\n', {"tokenizer": "{}"}, {"hark": "0"})


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    save(tmp_path / "m.safetensors", saved())
    found = open_file(tmp_path / "m.safetensors")
    assert (found.recipe, found.recipe_name, found.assets) == (saved().recipe, "small", {"tokenizer": "{}"})
    plain = load_file(tmp_path / "m.safetensors")  # safetensors' own reader
    for name, tensor in saved().tensors.items():
        assert torch.equal(found.tensors[name], tensor)
        assert torch.equal(plain[name], tensor)


def test_half_precision_halves_only_what_is_floating(tmp_path: Path) -> None:
    save(tmp_path / "m.safetensors", saved(), half=True)
    assert {str(t.dtype) for t in load_file(tmp_path / "m.safetensors").values()} == {"torch.float16", "torch.int64"}
    found = open_file(tmp_path / "m.safetensors").tensors
    assert torch.equal(found["b"], saved().tensors["b"].half().float())


def test_the_same_model_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(tmp_path / name, saved())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "safetensors, but not a model that hark saved"),
        ({"format": "pt"}, "safetensors, but not a model that hark saved"),
        ({FORMAT: "{"}, "its description cannot be read"),
        ({FORMAT: "{}"}, "its description cannot be read"),
        ({FORMAT: "[1]"}, "its description cannot be read"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, metadata: dict[str, str] | None, message: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(WeightsError, match=message):
        open_file(tmp_path / "m.safetensors")


def test_filling_is_strict_both_ways() -> None:
    layer = torch.nn.Linear(2, 3)
    good = {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}
    fill(layer, good, where="m")
    assert torch.equal(layer.weight, good["weight"])
    for wrong, message in (
        ({"weight": good["weight"]}, "m: tensor 'bias' is missing"),
        ({**good, "bias": torch.zeros(4)}, r"m: tensor 'bias' is \(4,\), the recipe wants \(3,\)"),
        ({**good, "more": torch.zeros(1)}, r"m: tensor 'more' has no place in the recipe \(1 such\)"),
    ):
        with pytest.raises(WeightsError, match=message):
            fill(layer, wrong, where="m")
