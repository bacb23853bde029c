"""Embeds files in processes of Ray Data's, on this machine or on a cluster, with the same vectors as in one process."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import SoundError
from hark.runtime.model import Model

AT_ONCE = 16  # files in a job


@dataclass(frozen=True)
class Chosen:
    """Which model, as `hark.runtime.load.load` takes it, and how many threads it may use."""

    name: str
    like: str | None
    weights: str
    compat: str | None
    seed: int
    threads: int


@dataclass(frozen=True)
class Job:
    """Some files, by their place in the whole list."""

    number: int
    files: tuple[str, ...]

    def singly(self) -> list[Job]:
        """The same, a job for each file."""
        return [Job(self.number, (file,)) for file in self.files]


@dataclass(frozen=True)
class Made:
    """A file's vector and its labels' mean logits, or why it cannot be read."""

    vector: NDArray[np.float32] | None
    logits: NDArray[np.float32] | None
    fault: str | None


@dataclass(frozen=True)
class Result:
    """What became of a job's files, in their order; named as in `hark.data.prepare.shard.Result`, which may stand here.

    That is so where a file brought its process down.
    """

    number: int
    outcomes: tuple[Made, ...]
    fault: str = ""


@dataclass(frozen=True)
class Work:
    """Does a job; every process loads the model once."""

    chosen: Chosen
    labels: bool

    def __call__(self, job: Job) -> Result:
        """The job's result."""
        model = _model(self.chosen)
        return Result(job.number, tuple(embed_one(model, file, labels=self.labels) for file in job.files))


def embed_one(model: Model, file: str, *, labels: bool) -> Made:
    """One file's vector; with `labels` the mean of its windows' logits, too."""
    try:
        vector = model.embed_audio([file])[0]
        heard = model.hear(file).logits if labels else None
    except SoundError as error:
        return Made(None, None, str(error))
    return Made(vector, None if heard is None else heard.mean(axis=0, dtype=np.float32), None)


def jobs_of(files: Sequence[str]) -> list[Job]:
    """The files in jobs, whose numbers are the places of their first files."""
    return [Job(at, tuple(files[at : at + AT_ONCE])) for at in range(0, len(files), AT_ONCE)]


def embed_with_ray(chosen: Chosen, jobs: Sequence[Job], *, labels: bool) -> Iterator[tuple[int, Made]]:
    """(a file's place, what became of it), as they come.

    Raises SettingError where Ray is not installed.
    """
    from hark.data.prepare import cluster

    run: Any = cluster.run  # it runs any numbered jobs
    for result in run(jobs, work=Work(chosen, labels)):
        for place, one in enumerate(result.outcomes, start=result.number):
            yield place, one if isinstance(one, Made) else Made(None, None, one.reason)


@functools.cache
def _model(chosen: Chosen) -> Model:
    import torch

    from hark.runtime.load import load

    torch.set_num_threads(chosen.threads)
    weights: Any = chosen.weights
    return load(chosen.name, like=chosen.like, weights=weights, compat=chosen.compat, seed=chosen.seed)
