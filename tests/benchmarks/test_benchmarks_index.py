"""The benchmark runs, and what it clocks is what `hark index` does. No numbers of seconds: machines are noisy."""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.fresh import fresh
from benchmarks.index import as_json, measure, quick, table
from benchmarks.plain import plain_loop, same_model
from benchmarks.sounds import RATE_HZ, write_noise
from benchmarks.stages import STAGES, index_in_stages
from benchmarks.stand_in import write_stand_in
from benchmarks.watch import Watch

from hark import recipe
from hark.core.errors import SettingError
from hark.index import sqlite
from hark.runtime.load import load
from hark.runtime.model import Model
from hark.search.engine import Library


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_stand_in("tiny", path)
    return path


@pytest.fixture(scope="module")
def model(weights: Path) -> Model:
    return load(str(weights))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sounds")
    for name, duration_s in (("a", 33.7), ("b", 0.5)):  # longer than a block, shorter than a window
        write_noise(folder / f"{name}.flac", duration_s, rng=np.random.default_rng(len(name)))
    return sorted(folder.iterdir())


def test_a_small_run_tells_everything(weights: Path, tmp_path: Path) -> None:
    result = measure(quick(str(weights)), tmp_path)
    told = json.loads(as_json(result))
    assert told == dataclasses.asdict(result)
    assert told["memory"]["files"] == 5
    assert told["memory"]["hours"] == pytest.approx(result.plan.hours, rel=1e-3)
    assert 0 < told["memory"]["idle_mb"] <= told["memory"]["peak_mb"]
    assert told["machine"]["versions"]["soxr"] == soxr.__version__
    for stages in (told["speed"]["stages"], told["speed"]["plain_stages"]):
        parts = sum(stage["median"] for name, stage in stages.items() if name != "all")
        assert parts == pytest.approx(stages["all"]["median"])  # of one repetition
    speed = told["speed"]
    product = speed["ratio_model"]["median"] * speed["ratio_plumbing"]["median"]
    assert product == pytest.approx(speed["ratio"]["median"])
    text = table(result)
    assert all(stage in text for stage in STAGES)
    assert "What is compared" in text
    assert max(map(len, text.splitlines())) <= 120


def test_stages_make_the_library_of_the_ingest(model: Model, files: list[Path], tmp_path: Path) -> None:
    seconds = index_in_stages(model, files, library=tmp_path / "stages")
    assert tuple(seconds) == STAGES
    with Library(tmp_path / "index", model) as library:
        library.index(files[0].parent, jobs=1)
    with sqlite.reading(tmp_path / "stages") as ours, sqlite.reading(tmp_path / "index") as theirs:
        assert ours.tag() == theirs.tag()  # the hash of everything stored


def test_the_plain_loop_hears_the_same_windows(model: Model, files: list[Path], tmp_path: Path) -> None:
    seconds = plain_loop(files[:1], same_model(model), to=tmp_path / "same.npy")
    assert set(seconds) == {"decode", "resample", "tower", "store"}
    ours = np.load(tmp_path / "same.npy")
    spans, vectors = model.embed_windows(files[0])
    whole = np.diff(spans, axis=1)[:, 0] == model.recipe.audio.window_s
    whole[-1] = False  # the plain loop leaves out what remains at the end
    assert len(ours) == whole.sum()
    np.testing.assert_allclose(ours, vectors[whole], atol=1e-5)


def test_watch_counts_each_moment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def after(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    watch = Watch()

    def made():
        for _ in range(3):
            after(2)
            yield None

    def changed(items):
        for item in items:
            after(0.5)
            yield item

    with watch.on("rest"):
        for _ in watch.each("change", changed(watch.each("make", made()))):
            after(0.25)
    after(100)  # for no stage
    assert watch.seconds == {"make": 6.0, "change": 1.5, "rest": 0.75}


def test_peak_is_of_the_new_process_alone() -> None:
    held = b"x" * 150_000_000  # ours does not count
    peak = "__import__('benchmarks.fresh').fresh.peak_mb()"
    small, large = fresh(eval, peak), fresh(eval, f"(b'x' * {len(held)}, {peak})[1]")
    assert 5 < small < 100
    assert large - small == pytest.approx(150, abs=3)


def test_a_new_process_has_one_thread_and_tells_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert fresh(os.getenv, "OMP_NUM_THREADS") == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    with pytest.raises(SettingError, match=r"no recipe 'mimi'.*mini"):
        fresh(recipe.find, "mimi")


def test_sounds_are_of_their_length(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.flac", 61.5, rng=np.random.default_rng(0))
    said = soundfile.info(tmp_path / "a.flac")
    assert (said.samplerate, said.channels, said.subtype) == (RATE_HZ, 2, "PCM_16")
    assert said.frames == round(61.5 * RATE_HZ)
    wave, _ = soundfile.read(tmp_path / "a.flac", always_2d=True)
    assert 0.02 < wave.std() < 0.1
    assert np.abs(wave).max() < 1
    assert 0.2 < np.corrcoef(wave.T)[0, 1] < 0.98
