"""What tasks gave, beside the published numbers, and the published averages over them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hark.eval.provenance import Provenance
from hark.eval.tasks import task as tasks_on_disk
from hark.eval.tasks.task import Task
from hark.metrics.confidence import Estimate


@dataclass(frozen=True)
class Result:
    """What a task gave: `metrics` by name, among them the task's own, where it could be measured.

    `labels` were told apart by sentences made of `templates`. `notes` say where this is not what the published numbers
    were measured on.
    """

    task: Task
    clips: int
    labels: int | None
    templates: tuple[str, ...]
    metrics: Mapping[str, Estimate]
    notes: tuple[str, ...]
    made: Provenance

    @property
    def value(self) -> Estimate | None:
        """The task's own metric."""
        return self.metrics.get(self.task.metric)

    def as_json(self) -> dict[str, Any]:
        """The result, and what the task's file says of it, as JSON's own types."""
        task = self.task
        about = {"task": task.name, "about": task.about, "kind": task.kind, "metric": task.metric}
        told = dataclasses.asdict(self)
        del told["task"]
        published = [dataclasses.asdict(one) | {"metric": one.metric or task.metric} for one in task.published]
        return about | told | {"source": task.source, "published": published}


@dataclass(frozen=True)
class Cannot:
    """A task that did not run: `why`, and how to `get` what it needs."""

    task: Task
    why: str
    get: str


@dataclass(frozen=True)
class Average:
    """The mean of the metrics of those tasks of a published average that ran.

    `of` is how many the published average has: only where all of them ran, none with a note (`whole`), may the two be
    compared. `published` has the mean of each system's numbers over the same tasks, by the system and the table. The
    interval takes the tasks to be independent.
    """

    name: str
    tasks: tuple[str, ...]
    of: int
    whole: bool
    value: Estimate
    published: Mapping[str, float]


@dataclass(frozen=True)
class Board:
    """All results and all that did not run, in the order in which the tasks were given."""

    results: tuple[Result, ...]
    cannot: tuple[Cannot, ...]
    averages: tuple[Average, ...]
    level: float
    resamples: int

    def as_json(self) -> dict[str, Any]:
        """The board as JSON's own types."""
        return {
            "tasks": [result.as_json() for result in self.results],
            "cannot": [{"task": one.task.name, "why": one.why, "get": one.get} for one in self.cannot],
            "averages": [dataclasses.asdict(average) for average in self.averages],
            "level": self.level,
            "resamples": self.resamples,
        }


def averages(results: Sequence[Result]) -> tuple[Average, ...]:
    """For each published average that a result counts in, the mean over the results that do."""
    known = [tasks_on_disk.load(name) for name in tasks_on_disk.names()]
    names = dict.fromkeys(name for result in results for name in result.task.averages)
    return tuple(average(name, results, of=max(1, sum(name in task.averages for task in known))) for name in names)


def average(name: str, results: Sequence[Result], *, of: int) -> Average:
    """The mean over those of the results that count in the average `name`, which has `of` tasks."""
    members = [(result, result.value) for result in results if name in result.task.averages]
    found = [(result, value) for result, value in members if value is not None]
    assert found, name
    count = len(found)
    mean = sum(value.value for _, value in found) / count
    below = math.sqrt(sum((value.value - value.low) ** 2 for _, value in found)) / count
    beyond = math.sqrt(sum((value.high - value.value) ** 2 for _, value in found)) / count
    return Average(
        name=name,
        tasks=tuple(result.task.name for result, _ in found),
        of=of,
        whole=count == of and not any(result.notes for result, _ in found),
        value=Estimate(mean, mean - below, mean + beyond),
        published=published_means([result.task for result, _ in found]),
    )


def published_means(tasks: Sequence[Task]) -> dict[str, float]:
    """The mean of the published numbers of each system that has one for every task, by "system, table"."""
    numbers: dict[str, list[float]] = {}
    for task in tasks:
        for one in task.published:
            if one.metric in (None, task.metric):
                numbers.setdefault(f"{one.system}, {one.where}", []).append(one.value)
    return {system: sum(values) / len(values) for system, values in numbers.items() if len(values) == len(tasks)}
