"""Measures published numbers again, where weights and data are on disk, and says how near they come."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hark import recipe as recipes
from hark.checkpoints import rows as checkpoints
from hark.core.errors import DataError, HarkError, SettingError, WeightsError
from hark.core.settings import suggest
from hark.data.records import Clip
from hark.eval import retrieval
from hark.eval.embed import Embedder, Progress
from hark.eval.provenance import Provenance, provenance
from hark.eval.questions import questions
from hark.eval.reproduction import published, sizes
from hark.eval.reproduction.at_hand import UnknownSystem, is_run, weights_of
from hark.eval.reproduction.published import Row
from hark.eval.systems import scores_of
from hark.eval.tasks import task as tasks
from hark.eval.tasks.data import Missing, open_task
from hark.eval.tasks.run import Settings, run
from hark.eval.tasks.task import Task
from hark.metrics.confidence import Estimate
from hark.recipe import ensemble as ensembles
from hark.runtime.load import load

Verdict = Literal["ok", "near", "off", "cannot"]

VERDICTS: tuple[Verdict, ...] = ("ok", "near", "off", "cannot")
NEAR = Decimal("0.02")
"""How far a number may be off that is near, of the published one."""


@dataclass(frozen=True)
class Again:
    """A published number, and what it is today.

    `verdict` is "ok" within the rounding of the published number, "near" where the published number lies in the
    interval of the measured one or is not more than 2 % from it, else "off"; "cannot" where it was not measured, and
    `why` then says why not, and what to do. `weights` is what was loaded.
    """

    row: Row
    verdict: Verdict
    why: str = ""
    measured: Estimate | None = None
    weights: str | None = None
    made: Provenance | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as JSON's own types."""
        row = self.row
        told = {"system": row.system, "what": row.what, "where": row.where, "published": float(row.value)}
        rest = dataclasses.asdict(self)
        del rest["row"]
        return told | rest


def chosen(names: Sequence[str]) -> list[Row]:
    """The published numbers of systems (recipes, ensembles, checkpoints) or tasks by name; all where none is named.

    Raises SettingError for a name that has none.
    """
    rows = published.rows()
    if not names:
        return rows
    known = {row.system for row in rows} | set(tasks.names())
    for name in names:
        if name not in known and not is_run(name):
            there = name in (*recipes.names(), *ensembles.names(), *(row.name for row in checkpoints.rows()))
            raise SettingError(f"'{name}': {'no number of it is published' if there else suggest(name, known)}")
    found = [row for row in rows if row.system in names or (row.task is not None and row.task.name in names)]
    for name in filter(is_run, names):
        source = (Path(name) / "recipe.toml").read_text(encoding="utf-8")
        found += published.read(source, system=name)
    return found


def reproduce(
    rows: Sequence[Row], *, data: Path, command: str | None = None, progress: Progress | None = None
) -> Iterator[Again]:
    """Each row, measured if it can be, in order; a system is opened once, and what is measured of it kept.

    `data` is the folder with a corpus in each folder (`hark.eval.tasks.data.open_task`). Nothing is trained.
    Models hear and read as their originals do (`compat="if-published"`), and are asked with their authors' prompts.
    """
    work = _Work(data, command, progress)
    for row in rows:
        try:
            yield work.again(row)
        except HarkError as error:
            yield Again(row, "cannot", str(error))


def verdict(value: Decimal, measured: Estimate) -> Verdict:
    """How near `measured` is to the published `value`, whose last digit says how it was rounded."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), value
    off = abs(Decimal(measured.value) - value)
    if off <= Decimal(1).scaleb(exponent) / 2 + Decimal("1e-12"):
        return "ok"
    if Decimal(measured.low) <= value <= Decimal(measured.high) or off <= NEAR * abs(value):
        return "near"
    return "off"


class _Work:
    """What was opened and measured already."""

    def __init__(self, data: Path, command: str | None, progress: Progress | None) -> None:
        self.data, self.command, self.progress = data, command, progress
        self.systems: dict[str, str | Embedder | HarkError] = {}
        self.weights: dict[str, str | HarkError] = {}
        self.opened: dict[str, tuple[Clip, ...] | HarkError] = {}
        self.found: dict[tuple[str, str], Any] = {}

    def again(self, row: Row) -> Again:
        """The row, measured.

        Raises HarkError where it cannot be.
        """
        if row.kind == "elsewhere":
            return Again(row, "cannot", row.why)
        if row.kind in ("parameters", "learnable"):
            count = float(sizes.count(recipes.load(row.system), learnable=row.kind == "learnable"))
            return _told(row, Estimate(count, count, count), row.system, None)
        if row.kind == "tags":
            return Again(row, "cannot", "tags are measured by `hark train` alone, in a stage that tags")
        weights = self._ready(row)
        if row.kind == "retrieval":
            assert row.task is not None, row
            metrics, made = self._retrieval(row, row.task, weights)
        else:
            metrics, made = self._tasks(row, weights)
        if row.metric not in metrics:
            return Again(row, "cannot", f"{row.metric} is not measured")
        return _told(row, metrics[row.metric], weights, made)

    def _retrieval(self, row: Row, task: Task, weights: str) -> tuple[dict[str, Estimate], Provenance]:
        key = (weights, f"{task.corpus} {task.where}")
        if key not in self.found:
            clips = self._clips(task)
            asked = questions(clips)
            scored = scores_of(self._open(weights), clips, asked.texts, progress=self.progress)
            made = provenance(scored, clips, texts=asked.texts, command=self.command)
            rng = np.random.default_rng(0)
            there = retrieval.measure(scored.scores, asked, made=made, rng=rng).text_to_audio
            back = retrieval.measure(scored.back.T, asked, made=made, rng=np.random.default_rng(0)).audio_to_text
            self.found[key] = ({"text_to_audio": dict(there.metrics), "audio_to_text": dict(back.metrics)}, made)
        both, made = self.found[key]
        return both[row.way], made

    def _tasks(self, row: Row, weights: str) -> tuple[dict[str, Estimate], Provenance]:
        wanted = _wanted(row)
        key = (weights, " ".join(task.name for task in wanted))
        if key not in self.found:
            model = self._open(weights)
            if isinstance(model, str):
                raise SettingError(f"'{weights}' is an ensemble, which only retrieves")
            prompts = _prompts(row.system, wanted)
            settings = Settings(data=self.data, prompts=prompts, command=self.command)
            board = run(model, wanted, settings, progress=self.progress)
            if board.cannot:
                first = board.cannot[0]
                raise Missing(f"task '{first.task.name}': {first.why}", get=first.get)
            metrics = {average.name: average.value for average in board.averages}
            if row.task is not None:
                metrics = dict(board.results[0].metrics)
            self.found[key] = (metrics, board.results[0].made)
        found: tuple[dict[str, Estimate], Provenance] = self.found[key]
        return found

    def _ready(self, row: Row) -> str:
        """What to load, after it is sure that weights and data are there.

        Raises WeightsError, with all that is missing.
        """
        missing, weights = [], ""
        if row.system not in self.weights:
            try:
                self.weights[row.system] = weights_of(row.system)
            except HarkError as error:
                self.weights[row.system] = error
        found = self.weights[row.system]
        if isinstance(found, str):
            weights = found
        else:
            missing.append(str(found))
            if isinstance(found, UnknownSystem):
                raise found
        lacking = []
        for task in _wanted(row):
            try:
                self._clips(task)
            except DataError as error:
                lacking.append(f"{error}. {error.get}" if isinstance(error, Missing) else str(error))
        if lacking:
            missing.append(lacking[0] + (f" ({len(lacking) - 1} more tasks lack theirs)" if len(lacking) > 1 else ""))
        if missing:
            raise WeightsError("; and ".join(missing))
        return weights

    def _clips(self, task: Task) -> tuple[Clip, ...]:
        """The task's clips, as many as were published.

        Raises Missing, with what to do.
        """
        key = repr((task.name, task.corpus))
        if key not in self.opened:
            try:
                self.opened[key] = self._whole(task)
            except HarkError as error:
                self.opened[key] = error
        found = self.opened[key]
        if isinstance(found, HarkError):
            raise found
        return found

    def _whole(self, task: Task) -> tuple[Clip, ...]:
        opened = open_task(task, data=self.data)
        if opened.notes:
            folder = self.data / str(task.corpus["path"])
            raise Missing(f"{folder}: {'; '.join(opened.notes)}", get="The whole set is needed.")
        return opened.clips

    def _open(self, weights: str) -> str | Embedder:
        """The model; an ensemble's name as it is."""
        if weights in ensembles.names():
            return weights
        if weights not in self.systems:
            try:
                self.systems[weights] = load(weights, compat="if-published")
            except HarkError as error:
                self.systems[weights] = error
        found = self.systems[weights]
        if isinstance(found, HarkError):
            raise found
        return found


def _wanted(row: Row) -> list[Task]:
    """The tasks that a row is measured on."""
    if row.task is not None:
        return [row.task]
    return [task for task in map(tasks.load, tasks.names()) if row.metric in task.averages]


def _prompts(system: str, wanted: Sequence[Task]) -> str | None:
    """Whose prompts the system was evaluated with, where tasks have them; None: the tasks' own."""
    whose = {"laion": "laion", "microsoft/clap-2022": "microsoft-2022"}
    found = next((name for start, name in whose.items() if system.startswith(start)), None)
    return found if found is not None and all(found in task.prompts for task in wanted) else None


def _told(row: Row, measured: Estimate, weights: str, made: Provenance | None) -> Again:
    return Again(row, verdict(row.value, measured), measured=measured, weights=weights, made=made)
