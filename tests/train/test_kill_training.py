"""Training that is killed at any moment, or meets a full disk, a missing corpus or damage, loses nothing."""

import json
import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import kill_run
import numpy as np
import pytest
import soundfile
import torch

from hark import recipe as recipes
from hark.core.errors import DataError, HarkError, WeightsError
from hark.train.run import run

RECIPE = """
about = "For tests."
dim = 12
[audio]
rate_hz = 8000
window_s = 0.5
features = { name = "kaldi_fbank", mels = 16, frames = 48 }
encoder = { name = "ast", frames = 48, frame_stride = 8, width = 16, depth = 2, heads = 2, classes = 0 }
head = { name = "mlp", dropout = 0.2 }
[text]
encoder = { name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }
head = { name = "linear" }
[[stages]]
name = "sounds"
steps = 18
batch = 8
warmup = 2
mix = 0.5
mask_frames = 4
average = 0.9
valid_every = 6
best = 2
shard = "SHARD"
tensorboard = false
schedule = { name = "plateau", patience = 1 }
[[stages.corpora]]
corpus = { name = "folder", path = "sounds" }
[[stages.valid]]
corpus = { name = "synth", path = "", clips = 12, seed = 2, duration_s = 0.6, kinds = ["siren", "rain", "crickets"] }
say = ["{label}"]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "kill-cache"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return begun(tmp_path / "out")


def begun(out: Path, *, shard: str = "ddp") -> Path:
    """A folder with a recipe and its sounds."""
    draws = np.random.default_rng(0)
    for label in ("siren", "rain", "crickets"):
        (out / "sounds" / label).mkdir(parents=True)
        for n in range(7):
            soundfile.write(out / "sounds" / label / f"{label}_{n}.wav", draws.normal(0, 0.1, 5000), 8000)
    (out / "small.toml").write_text(RECIPE.replace("SHARD", shard))
    return out


def train(out: Path, *, until: int | None = None) -> None:
    for event in run(recipes.load(str(out / "small.toml")), data=out, out=out / "run", save_every_s=0.0):
        if event.step.step == until:
            return


def lives(out: Path, plan: list[dict[str, Any]]) -> None:
    """Trains as `kill_run` says, and shows that it was killed as planned."""
    command = [sys.executable, str(Path(kill_run.__file__)), str(out), json.dumps(plan)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for life, end in zip(plan, told, strict=True):
        assert end["codes"] == [0 if life["steps"] is None else -9] * life["processes"], done.stderr


def history(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "run/history.jsonl").read_text().splitlines()]


def kept(out: Path) -> dict[str, bytes]:
    """All that a run has written."""
    return {path.name: path.read_bytes() for path in (out / "run").rglob("*") if path.is_file()}


def test_killed_five_times(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("HARK_KILL_SEED", "1"))
    plan = [
        {"steps": chance.randint(1, 4), "more_s": chance.random() * 0.05, "processes": 1, "workers": workers}
        for workers in (0, 2, 1, 0, 1)
    ]
    plan[2]["save_every_s"] = 1e9  # what it does is done again
    lives(begun(tmp_path / "killed"), [*plan, {"steps": None, "processes": 1, "workers": 0}])
    train(begun(tmp_path / "whole"))
    assert [line["step"] for line in history(tmp_path / "whole")] == list(range(18))
    assert history(tmp_path / "killed") == history(tmp_path / "whole")
    killed, whole = (kept(tmp_path / name) for name in ("killed", "whole"))
    assert killed.keys() == whole.keys()  # nothing half written is left
    assert killed["model.safetensors"] == whole["model.safetensors"]


@pytest.mark.parametrize("shard", ["ddp", "fsdp"])
def test_killed_and_gone_on_with_by_others(tmp_path: Path, shard: str) -> None:
    chance = random.Random(os.environ.get("HARK_KILL_SEED", "2"))
    plan = [
        {"steps": chance.randint(2, 5), "more_s": chance.random() * 0.05, "processes": processes, "workers": 0}
        for processes in (2, 1, 2)
    ]
    lives(begun(tmp_path / "killed", shard=shard), [*plan, {"steps": None, "processes": 2, "workers": 1}])
    train(begun(tmp_path / "whole", shard=shard))
    killed, whole = history(tmp_path / "killed"), history(tmp_path / "whole")
    assert [line["step"] for line in killed] == list(range(18))
    for one, other in zip(killed, whole, strict=True):
        assert one == pytest.approx(other, abs=2e-4)


def test_stopped_before_anything_was_saved_the_history_begins_anew(out: Path) -> None:
    train(begun(out.parent / "whole"))
    for event in run(recipes.load(str(out / "small.toml")), data=out, out=out / "run", save_every_s=1e9):
        if event.step.step == 4:
            break
    assert not (out / "run/state.pt").exists()
    assert len(history(out)) == 5
    train(out)
    assert history(out) == history(out.parent / "whole")


def test_a_full_disk_is_one_line(out: Path) -> None:
    train(begun(out.parent / "whole"))
    train(out, until=9)
    before = kept(out)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["state.pt"]) // 2, limits[1]))
    try:
        with pytest.raises(HarkError, match=r"run: cannot be written \(.*\); make room and run it again") as told:
            train(out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(told.value)
    assert kept(out)["state.pt"] == before["state.pt"]
    train(out)
    assert history(out) == history(out.parent / "whole")
    assert kept(out)["model.safetensors"] == kept(out.parent / "whole")["model.safetensors"]


def test_a_missing_corpus_is_one_line(out: Path) -> None:
    train(begun(out.parent / "whole"))
    train(out, until=9)
    before = kept(out)
    (out / "sounds").rename(out / "moved")
    with pytest.raises(DataError, match="sounds") as told:
        train(out)
    assert "\n" not in str(told.value)
    assert kept(out) == before
    (out / "moved").rename(out / "sounds")
    train(out)
    assert history(out) == history(out.parent / "whole")


@pytest.mark.parametrize("damage", ["cut", "zeros", "empty", "other", "list"])
def test_a_damaged_state_is_one_line(out: Path, damage: str) -> None:
    train(out, until=7)
    path = out / "run/state.pt"
    whole = path.read_bytes()
    broken = {"cut": whole[: len(whole) // 2], "zeros": bytes(len(whole)), "empty": b""}
    if damage in broken:
        path.write_bytes(broken[damage])
    else:
        torch.save({"step": 3} if damage == "other" else [1, 2], path)
    before = kept(out)
    with pytest.raises(WeightsError, match=r"state.pt: cannot be read as a training's state .*; delete it to") as told:
        train(out)
    assert "\n" not in str(told.value)
    assert kept(out) == before
    path.write_bytes(whole)
    train(out)
    assert [line["step"] for line in history(out)] == list(range(18))


def test_a_loss_that_is_no_number_is_one_line(out: Path) -> None:
    (out / "small.toml").write_text(
        RECIPE.replace("SHARD", "ddp").replace("warmup = 2", "warmup = 0\nlr = 1e30\nclip = 1e30")
    )
    with pytest.raises(
        HarkError, match=r"stage 'sounds', step \d+: the loss is (nan|inf); lower lr or lengthen"
    ) as told:
        train(out)
    assert "\n" not in str(told.value)
    written = history(out)
    state = torch.load(out / "run/state.pt", weights_only=True)
    assert state["step"] == len(written) > 0


SUICIDE = """
import os, signal, sys, threading, time
from pathlib import Path
from hark import recipe as recipes
from hark.train.run import run
out = Path(sys.argv[1])
history = out / "run/history.jsonl"

def end():
    while not history.is_file() or len(history.read_bytes().splitlines()) < 8:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    threading.Thread(target=end, daemon=True).start()
for _ in run(recipes.load(str(out / "small.toml")), data=out, out=out / "run", save_every_s=0.0):
    pass
"""


@pytest.mark.slow
def test_torchrun_starts_it_again(tmp_path: Path) -> None:
    killed = begun(tmp_path / "killed")
    (tmp_path / "train.py").write_text(SUICIDE)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--max-restarts", "1", str(tmp_path / "train.py"), str(killed)]
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert "exitcode: -9" in done.stderr
    train(begun(tmp_path / "whole"))
    for one, other in zip(history(killed), history(tmp_path / "whole"), strict=True):
        assert one == pytest.approx(other, abs=2e-4)
