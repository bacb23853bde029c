"""A task: one TOML file that says what is evaluated: corpus, labels, prompts, metric, folds, and published numbers.

`tasks/` holds those that come with hark; the folder `tasks` of a plug-in, or any path, may hold more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from hark.core.errors import SettingError
from hark.core.settings import read, suggest
from hark.core.shelf import Shelf
from hark.text.prompts import PLACE

SHELF = Shelf("tasks", "task")
Kind = Literal["classes", "labels", "retrieval", "captioning"]
Metric = Literal["accuracy", "mAP", "micro F1", "macro F1", "R@1", "R@5", "R@10", "mAP@10", "SPIDEr"]
Way = Literal["text_to_audio", "audio_to_text"]

METRICS: Mapping[Kind, tuple[Metric, ...]] = {
    "classes": ("accuracy", "mAP", "micro F1", "macro F1"),
    "labels": ("mAP", "micro F1", "macro F1", "accuracy"),
    "retrieval": ("R@1", "R@5", "R@10", "mAP@10"),
    "captioning": ("SPIDEr",),
}


@dataclass(frozen=True)
class Published:
    """A number that `system` is reported to have; `where` is its table. `metric` None: the task's own."""

    system: str
    value: float
    where: str
    metric: Metric | None = None


@dataclass(frozen=True)
class Ratings:
    """A table below --data that rates labels for every clip: a clip has those that are rated `at_least` so high.

    Its column `id` holds the clips' ids; the `skip` columns behind it are no labels, all others are.
    """

    file: str
    id: str
    at_least: float
    skip: int = 0


@dataclass(frozen=True)
class Task:
    """What is evaluated, on what, and how.

    `kind`: a clip has one label ("classes") or any number ("labels"), or it is found by sentences, or described.
    `corpus` is a component's settings, its `path` below --data; `where` keeps the clips whose columns have the values.

    Labels are the corpus's; `label` names a column instead ("{pitch}"; ";" stands between several), or `ratings` a
    table. `rename` words them otherwise; `labels` are all that are told apart, where the clips do not show them all.
    `prompts` has templates by the system that was evaluated with them, the first of which is ours. `threshold` is the
    cosine above which a label is given when F1 is taken; None: each clip gets its top label.

    `fold` is the column of the folds, over which the metric is averaged. `clips` and `classes` are the published
    counts. `averages` names the published averages that the task counts in, `get` says how to get what the corpus's
    card does not tell of, `published` are the numbers of the paper `source` and of others.
    """

    name: str
    about: str
    kind: Kind
    corpus: Mapping[str, Any]
    metric: Metric
    where: Mapping[str, str] = field(default_factory=dict)
    label: str = PLACE
    ratings: Ratings | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    prompts: Mapping[str, Any] = field(default_factory=dict)
    threshold: float | None = None
    fold: str | None = None
    direction: Way | None = None
    clips: int | None = None
    classes: int | None = None
    averages: tuple[str, ...] = ()
    get: str = ""
    source: str = ""
    published: tuple[Published, ...] = ()

    def __post_init__(self) -> None:
        if self.metric not in METRICS[self.kind]:
            raise ValueError(f"metric '{self.metric}': of {self.kind} it is one of {', '.join(METRICS[self.kind])}")
        if not isinstance(self.corpus.get("name"), str) or not isinstance(self.corpus.get("path"), str):
            raise ValueError("corpus: give its name, and its path below the folder of data")
        if not (self.label.startswith("{") and self.label.endswith("}")):
            raise ValueError(f"label '{self.label}': give a column of the corpus in braces, as {{pitch}}, or {PLACE}")
        if (self.kind == "retrieval") != (self.direction is not None):
            raise ValueError(f"direction: {' or '.join(get_args(Way))} for retrieval, none for others")
        if self.labelled != bool(self.prompts):
            raise ValueError("prompts: give templates by system for labels, none for others")
        for system, templates in self.prompts.items():
            if not isinstance(templates, list) or not templates or not all(PLACE in str(one) for one in templates):
                raise ValueError(f"prompts.{system}: give a list of templates, each with {PLACE} in it")

    @property
    def labelled(self) -> bool:
        """Whether clips are given labels, rather than found or described."""
        return self.kind in ("classes", "labels")

    def templates(self, system: str | None = None) -> tuple[str, ...]:
        """The templates that a system was evaluated with; None: the task's own.

        Raises SettingError where the task has none of that system.
        """
        system = next(iter(self.prompts)) if system is None else system
        if system not in self.prompts:
            raise SettingError(f"task '{self.name}': no prompts of '{system}'; {suggest(system, self.prompts)}")
        return tuple(self.prompts[system])

    def reported(self, system: str, metric: str | None = None) -> Published | None:
        """The first number that is published of a system, in the task's metric or another."""
        wanted = metric or self.metric
        found = (one for one in self.published if one.system == system and (one.metric or self.metric) == wanted)
        return next(found, None)


def parse(source: str, *, name: str) -> Task:
    """The task in a TOML text; `name` is its file's name without the suffix.

    Raises SettingError.
    """
    return read(Task, SHELF.settings(source, name=name), where=f"{name}.toml:")


def load(name: str) -> Task:
    """The task of that name ("esc50"), or in the TOML file of that path.

    Raises SettingError, with the nearest known name.
    """
    source, called = SHELF.text(name)
    return parse(source, name=called)


def names() -> list[str]:
    """The names of all tasks, sorted."""
    return SHELF.names()
