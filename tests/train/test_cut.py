"""A state in parts: every process writes its own, others read them, and a table that asks for more is refused."""

import os
import pickle
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint as dcp
from test_kill_training import begun, history, lives, own_cache, train

from hark.core.errors import WeightsError
from hark.train import cut, state

__all__ = ["own_cache"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes that was killed after some steps; each had a part of every tensor."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "kill-cache"))
        out = begun(tmp_path_factory.mktemp("cut") / "out", shard="fsdp")
        lives(out, [{"steps": 5, "processes": 2, "workers": 0}])
    return out


def copy_of(out: Path, to: Path) -> Path:
    import shutil

    shutil.copytree(out, to)
    return to


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # torch's own reader, alone
def test_every_process_writes_its_own_parts(stopped: Path) -> None:
    kept = state.read(stopped / "run/state.pt")
    folder = kept["parts"]
    assert kept["towers"] is None
    assert folder.parent == stopped / "run"
    assert sorted(path.name for path in folder.iterdir()) == [".metadata", "__0_0.distcp", "__1_0.distcp"]
    sizes = cut.sizes(folder)
    whole = sum(size.numel() * kind.itemsize for size, kind in sizes.values())
    written = [(folder / f"__{rank}_0.distcp").stat().st_size for rank in (0, 1)]
    assert max(written) < 0.9 * sum(written)  # no one writes all
    assert sum(written) > whole
    # Torch's own reader finds the same in it as ours.
    named = {name: torch.zeros(size, dtype=kind) for name, (size, kind) in sizes.items()}
    theirs = {name: tensor.clone() for name, tensor in named.items()}
    cut.read(folder, named)
    dcp.load(theirs, storage_reader=dcp.FileSystemReader(folder))
    for name, tensor in named.items():
        assert torch.equal(tensor, theirs[name])
    assert any(name.startswith("optimiser/") and tensor.abs().max() > 0 for name, tensor in named.items())


def test_one_process_goes_on_with_the_parts_of_two(stopped: Path, tmp_path: Path) -> None:
    out = copy_of(stopped, tmp_path / "out")
    train(out)
    train(begun(tmp_path / "whole", shard="fsdp"))
    for one, other in zip(history(out), history(tmp_path / "whole"), strict=True):
        assert one == pytest.approx(other, abs=2e-4)
    assert [path.name for path in (out / "run").glob("state*")] == ["state.pt"]  # whole again, the parts are gone


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


@pytest.mark.parametrize("damage", ["evil", "empty", "gone", "cut"])
def test_damaged_parts_are_one_line(stopped: Path, tmp_path: Path, damage: str) -> None:
    out = copy_of(stopped, tmp_path / "out")
    folder = state.read(out / "run/state.pt")["parts"]
    if damage == "gone":
        (folder / ".metadata").unlink()
    elif damage == "cut":
        part = folder / "__1_0.distcp"
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    else:
        (folder / ".metadata").write_bytes(pickle.dumps(Evil()) if damage == "evil" else b"")
    with pytest.raises(WeightsError, match=r"cannot be read as a training's state \(.+\); delete it to begin") as told:
        train(out)
    assert "\n" not in str(told.value)
    assert damage != "evil" or "its table asks for" in str(told.value)
