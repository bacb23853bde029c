"""How fast `hark index` is, stage by stage and as a whole, beside a plain loop over the same files.

Machines are noisy. So every repetition measures everything, one after the other, ratios are taken within a repetition,
and of all repetitions the median, the least and the most are told.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fresh import fresh

if TYPE_CHECKING:
    from benchmarks.plain import PlainModel
    from hark.runtime.model import Model


@dataclass(frozen=True)
class Sounds:
    """What is indexed: the files in a folder, all of the same length; the plain loops take the first few of them."""

    folder: Path
    duration_s: float
    plain_files: int


@dataclass(frozen=True)
class Spread:
    """What the repetitions gave."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Speed:
    """Seconds per hour of sound by stage ("all" is their sum), on one thread, and times real time as a whole."""

    stages: dict[str, Spread]
    plain_stages: dict[str, Spread]
    index_1: Spread  # x real time of the actual ingest with one job
    index_all: Spread  # with a job for each core
    plain: Spread  # CLAP
    plain_same: Spread  # hark's own model in the plain loop
    ratio: Spread  # index_1 / plain
    ratio_model: Spread  # plain_same / plain: what the smaller model brings
    ratio_plumbing: Spread  # index_1 / plain_same: what the rest brings
    parameters: int  # of the audio tower
    plain_parameters: int


@dataclass(frozen=True)
class _Once:
    """One repetition: seconds per hour of sound, by stage or as a whole."""

    stages: dict[str, float]
    plain_stages: dict[str, float]
    index_1: float
    index_all: float
    plain: float
    plain_same: float


def speed(model: str, sounds: Sounds, jobs: int, repeats: int, small: bool) -> Speed:
    """Measures in a new process.

    `small` takes a small CLAP, of which nothing can be learned but that it runs.

    Raises HarkError.
    """
    return fresh(_speed, model, sounds, jobs, repeats, small)


def _speed(name: str, sounds: Sounds, jobs: int, repeats: int, small: bool) -> Speed:
    import torch

    from benchmarks import plain
    from hark.runtime.load import load

    torch.set_num_threads(1)
    model = load(name)
    clap = plain.clap(small=small)
    same = plain.same_model(model)
    runs = [_once(model, sounds, jobs=jobs, clap=clap, same=same) for _ in range(repeats + 1)]
    runs = runs[1:]  # the first time is slower, everywhere
    return Speed(
        stages=_by_stage([run.stages for run in runs]),
        plain_stages=_by_stage([run.plain_stages for run in runs]),
        index_1=_spread([3600 / run.index_1 for run in runs]),
        index_all=_spread([3600 / run.index_all for run in runs]),
        plain=_spread([3600 / run.plain for run in runs]),
        plain_same=_spread([3600 / run.plain_same for run in runs]),
        ratio=_spread([run.plain / run.index_1 for run in runs]),
        ratio_model=_spread([run.plain / run.plain_same for run in runs]),
        ratio_plumbing=_spread([run.plain_same / run.index_1 for run in runs]),
        parameters=same.parameters,
        plain_parameters=clap.parameters,
    )


def _once(model: Model, sounds: Sounds, *, jobs: int, clap: PlainModel, same: PlainModel) -> _Once:
    from benchmarks.plain import plain_loop
    from benchmarks.stages import index_in_stages

    files = sorted(sounds.folder.iterdir())
    few = files[: sounds.plain_files]
    hours, few_hours = (len(some) * sounds.duration_s / 3600 for some in (files, few))
    with tempfile.TemporaryDirectory(dir=sounds.folder.parent) as scratch:
        new = Path(scratch)
        stages = index_in_stages(model, files, library=new / "stages")
        plain_stages = plain_loop(few, clap, to=new / "clap.npy")
        plain_same = plain_loop(few, same, to=new / "same.npy")
        index_1 = _index(model, sounds.folder, library=new / "one", jobs=1)
        index_all = _index(model, sounds.folder, library=new / "all", jobs=jobs)
    return _Once(
        stages=_per_hour(stages, hours),
        plain_stages=_per_hour(plain_stages, few_hours),
        index_1=index_1 / hours,
        index_all=index_all / hours,
        plain=sum(plain_stages.values()) / few_hours,
        plain_same=sum(plain_same.values()) / few_hours,
    )


def _index(model: Model, folder: Path, *, library: Path, jobs: int) -> float:
    """The seconds that `hark index` takes, but for loading the model."""
    from hark.search.engine import Library

    started = time.perf_counter()
    with Library(library, model) as opened:
        report = opened.index(folder, jobs=jobs)
    elapsed_s = time.perf_counter() - started
    assert not report.unreadable, report.unreadable
    return elapsed_s


def _per_hour(stages: dict[str, float], hours: float) -> dict[str, float]:
    return {name: seconds / hours for name, seconds in [*stages.items(), ("all", sum(stages.values()))]}


def _by_stage(runs: Sequence[dict[str, float]]) -> dict[str, Spread]:
    return {name: _spread([run[name] for run in runs]) for name in runs[0]}


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))
