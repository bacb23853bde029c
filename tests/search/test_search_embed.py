"""Vectors in a .npz: what is read, what is told, and the same through Ray as without."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hark.core.errors import SettingError
from hark.data.prepare import cluster, local
from hark.runtime.load import load
from hark.search import embed as embed_module
from hark.search.embed import embed_files, save
from hark.search.spread import Chosen, Job, Made, Result, embed_with_ray

HARK = "from hark.cli.main import main; main()"


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(20):
        soundfile.write(folder / f"{i:02d}.wav", rng.standard_normal(8000 + 3000 * i) * 0.1, 16000)
    (folder / "07.wav").write_bytes(b"no")
    return folder


def test_files_come_in_order_and_faults_are_told(sounds: Path, tmp_path: Path) -> None:
    model = load("mini")
    heard: list[tuple[int, int]] = []
    made = embed_files(model, [sounds], ["rain"], progress=lambda *told: heard.append(told))
    assert [Path(file).name for file in made.files] == [f"{i:02d}.wav" for i in range(20) if i != 7]
    assert [Path(fault.path).name for fault in made.unreadable] == ["07.wav"]
    assert heard[-1] == (20, 20)
    np.testing.assert_array_equal(made.vectors[3:4], model.embed_audio([sounds / "03.wav"]))
    save(tmp_path / "x.npz", made)
    with np.load(tmp_path / "x.npz") as written:
        np.testing.assert_array_equal(written["text_vectors"], model.embed_text(["rain"]))
    with pytest.raises(SettingError, match="'mini' has no labels"):
        embed_files(model, [sounds / "03.wav"], labels=True)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Four jobs' files, one of them broken."""
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(60):
        soundfile.write(folder / f"{i:02d}.wav", rng.standard_normal(16000 * 4) * 0.1, 16000)
    (folder / "07.wav").write_bytes(b"no")
    return folder


def embed_until_killed(folder: Path, out: Path, engine: str) -> int:
    """Runs the command and kills it, and all that it started, when it has kept something; how many parts it kept."""
    words = [sys.executable, "-c", HARK, "embed", str(folder), "--engine", engine, "--out", str(out)]
    settled = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | {"OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, env=settled, start_new_session=True, **quiet) as program:
        while program.poll() is None and not list(out.parent.glob(f"{out.name}.parts/[!.]*")):
            time.sleep(0.002)
        os.killpg(program.pid, signal.SIGKILL)
        assert program.wait() == -signal.SIGKILL
    assert not out.exists()
    return len(list(out.parent.glob(f"{out.name}.parts/[!.]*")))


def go_on(folder: Path, out: Path) -> int:
    """Embeds in this process what is left to do, and gives how many files that were."""
    done: list[tuple[int, int]] = []
    save(out, embed_files(load("mini"), [folder], out=out, progress=lambda *told: done.append(told)))
    assert not out.with_name(f"{out.name}.parts").exists()
    return len(done)


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(many: Path, tmp_path: Path) -> None:
    parts = embed_until_killed(many, tmp_path / "killed.npz", "local")
    assert 1 <= parts <= 3
    assert go_on(many, tmp_path / "killed.npz") == 60 - 16 * parts
    save(tmp_path / "whole.npz", embed_files(load("mini"), [many]))
    assert (tmp_path / "killed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_a_killed_run_through_ray_goes_on(many: Path, tmp_path: Path) -> None:
    parts = embed_until_killed(many, tmp_path / "killed.npz", "ray")
    assert parts >= 1
    assert go_on(many, tmp_path / "killed.npz") <= 60 - 12 * parts
    save(tmp_path / "whole.npz", embed_files(load("mini"), [many]))
    assert (tmp_path / "killed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_only_what_is_still_true_is_kept(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, heard = embed_module.embed_one, []
    model, out, folder = load("mini"), tmp_path / "x.npz", tmp_path / "x.npz.parts"

    def stop(done: int, total: int) -> None:
        if done == 50:
            raise KeyboardInterrupt

    def again() -> list[int]:
        """Which files are embedded when the run is cut short once more."""
        heard.clear()
        with pytest.raises(KeyboardInterrupt):
            embed_files(model, [many], out=out, progress=stop)
        return sorted(int(Path(file).stem) for file in heard)

    monkeypatch.setattr(embed_module, "embed_one", lambda *a, **k: heard.append(a[1]) or plain(*a, **k))
    assert again() == list(range(50))
    assert len(list(folder.iterdir())) == 3
    assert again() == [48, 49]  # the last job's
    soundfile.write(many / "20.wav", np.random.default_rng(2).standard_normal(16000), 16000)
    assert again() == [*range(16, 32), 48, 49]
    _, old, _, damaged = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    damaged.write_bytes(damaged.read_bytes()[:-500])
    assert again() == [*range(16, 32), 48, 49]
    assert old.exists()  # nobody knows whether the file will be as it was again
    model.stamp = "other"
    assert again() == list(range(50))

    (folder / "mine.txt").write_text("not hark's")
    made = embed_files(model, [many], out=out)
    save(out, made)
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]
    fresh = embed_files(model, [many])
    assert made.files == fresh.files
    assert made.unreadable == fresh.unreadable
    np.testing.assert_array_equal(made.vectors, fresh.vectors)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_through_ray_the_vectors_are_the_same(sounds: Path, tmp_path: Path) -> None:
    settled = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | {"OMP_NUM_THREADS": "1"}
    for engine in ("local", "ray"):
        words = [sys.executable, "-c", HARK, "embed", str(sounds), "--engine", engine, "--out", f"{engine}.npz"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=settled)
        assert done.returncode == 1  # one cannot be read
        assert "07.wav" in done.stderr
    with np.load(tmp_path / "local.npz") as local, np.load(tmp_path / "ray.npz") as ray:
        assert list(local["files"]) == list(ray["files"])
        np.testing.assert_array_equal(local["vectors"], ray["vectors"])


def ends_its_process(job: Job) -> Result:
    """Stands for a model that a file brings down."""
    if "crash" in job.files:
        os._exit(1)
    return Result(job.number, tuple(Made(None, None, f"{file} was heard") for file in job.files))


@pytest.mark.slow
def test_a_file_that_brings_its_process_down_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ray gives up is done at the end in processes of this machine, each file of such a job alone."""
    monkeypatch.setattr(cluster, "run", lambda jobs, work: local.run(jobs, workers=1, work=ends_its_process))
    jobs = [Job(0, ("a", "crash", "b")), Job(16, ("c",))]
    found = dict(embed_with_ray(Chosen("mini", None, "trained", None, 0, 1), jobs, labels=False))
    assert {place: made.fault for place, made in found.items()} == {
        0: "a was heard",
        1: "it brings its reader down (crash, or out of memory)",
        2: "b was heard",
        16: "c was heard",
    }
