"""Published numbers: what a recipe, ensemble, task or checkpoint is reported to reach, each key with one meaning.

A `[published]` table holds, beside `table`, `figure`, `section`, `where`, `note` (where the numbers stand; texts):

* `CORPUS_SPLIT_r_at_K`, `_map_at_K`, `_mean_rank`, `_median_rank`: sounds found by captions, as `hark eval` measures;
  with `audio_to_text_` before the metric, captions found by sounds;
* `TASK_accuracy`, `TASK_map`: classification without training, as `hark zeroshot --task TASK`;
* `zero_shot_score`: the mean over the 16 tasks of MS-CLAP 2023's figure 1;
* `parameters`, `learnable_parameters`: whole numbers, rounded as they were published;
* `audioset_map`, of a network that only hears: the mean average precision of its tags;
* `METRIC`, `METRIC_CORPUS` of a captioner ("spider", "spider_clotho"), with `xe_` before it: after cross entropy alone;
* `CORPUS_fine_tuned_accuracy`, `CORPUS_alone_METRIC` (after that stage alone), `system_N_METRIC`, `ensemble_METRIC`,
  `ensemble_N_METRIC` (of an ensemble that the recipe is a part of), `tasks`: told, and measured elsewhere.

Shares are between 0 and 1, with as many digits as were published.
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from hark import recipe as recipes
from hark.checkpoints import rows as checkpoints
from hark.core import component
from hark.core.errors import SettingError
from hark.core.settings import suggest
from hark.eval.tasks import task as tasks
from hark.eval.tasks.task import Task, Way
from hark.recipe import captioner as captioners
from hark.recipe import ensemble as ensembles

Kind = Literal["retrieval", "task", "average", "parameters", "learnable", "tags", "elsewhere"]

PLACES = ("table", "figure", "section", "where", "note")
TOLD = ("tasks",)
_METRIC = re.compile(r"(?:(r|map)_at_(\d+)|(mean_rank|median_rank))")
_ELSEWHERE = re.compile(r"(system_\d+|ensemble(?:_\d+)?)_(.+)|([a-z0-9_]+)_alone_(.+)|([a-z0-9_]+)_fine_tuned_accuracy")
_CAPTIONS = re.compile(r"(xe_)?(bleu_[1-4]|rouge_l|meteor|cider|spice|spider)(?:_([a-z0-9]+))?")
_CAPTION_METRICS = {
    **{f"bleu_{k}": f"BLEU-{k}" for k in range(1, 5)}, "rouge_l": "ROUGE-L", "meteor": "METEOR", "cider": "CIDEr-D",
    "spice": "SPICE", "spider": "SPIDEr",
}  # fmt: skip
_EXAMPLES = (
    "clotho_evaluation_map_at_10",
    "clotho_evaluation_r_at_1",
    "esc50_accuracy",
    "audioset_map",
    "zero_shot_score",
    "parameters",
    "learnable_parameters",
    *PLACES,
)


@dataclass(frozen=True)
class Row:
    """One published number of `system`. `what` says what it is in words, `where` where it stands.

    `task` is what it is measured on, `metric` and `way` what is taken of that; `why` says why hark does not measure it
    here, where `kind` is "elsewhere".
    """

    system: str
    what: str
    value: Decimal
    where: str
    kind: Kind
    metric: str = ""
    task: Task | None = None
    way: Way = "text_to_audio"
    why: str = ""


def rows() -> list[Row]:
    """Every published number that hark has: of recipes, ensembles, captioners, checkpoints and tasks, in that order.

    Raises SettingError for a key without a meaning.
    """
    found: list[Row] = []
    for name in recipes.names():
        found += read(recipes.load(name).source, system=name)
    for name in ensembles.names():
        found += read(ensembles.load(name).source, system=name)
    for name in captioners.names():
        found += read(captioners.load(name).source, system=name)
    for name, table in _own()["checkpoints"].items():
        found += _rows(table, name, f"published.toml: {name}")
    for name in tasks.names():
        found += _of_task(tasks.load(name))
    return found


def read(source: str, *, system: str) -> list[Row]:
    """The rows of the `[published]` table in a recipe's, ensemble's or captioner's TOML text.

    Raises SettingError for a key without a meaning.
    """
    settings = tomllib.loads(source, parse_float=Decimal)
    found = _rows(settings.get("published", {}), system, f"{system}.toml: published")
    if "ears" not in settings:
        return list(found)
    why = "counted without what it hears with, for the words of its training captions, which are not here"
    return [replace(row, kind="elsewhere", why=why) if row.kind == "parameters" else row for row in found]


def authors_weights(recipe: str) -> str | None:
    """The checkpoint that is the recipe's system as its authors trained it."""
    found: str | None = _own()["weights"].get(recipe)
    return found


def _rows(table: Mapping[str, Any], system: str, where: str) -> Iterator[Row]:
    stands = ", ".join(str(table[key]) for key in PLACES if key in table)
    for key, value in table.items():
        if key in PLACES:
            if not isinstance(value, str):
                raise SettingError(f"{where}.{key}: {value!r}; give a text")
        elif key not in TOLD:
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                raise SettingError(f"{where}.{key}: {value!r}; give a number")
            yield _row(key, Decimal(value), system, stands, where)


def _row(key: str, value: Decimal, system: str, stands: str, where: str) -> Row:
    if key in ("parameters", "learnable_parameters"):
        kind: Kind = "parameters" if key == "parameters" else "learnable"
        return Row(system, key.replace("_", " "), value.normalize(), stands, kind)
    if key == "zero_shot_score":
        return Row(system, "mean over 16 tasks without training", value, stands, "average", "figure 1")
    if key == "audioset_map":
        return Row(system, "AudioSet's tags, mAP", value, stands, "tags", "mAP")
    if captions := _CAPTIONS.fullmatch(key):
        return _of_captions(captions, value, system, stands)
    if elsewhere := _ELSEWHERE.fullmatch(key):
        return Row(system, key.replace("_", " "), value, stands, "elsewhere", why=_why(elsewhere))
    for task in _names_of_data(os.environ.get("HARK_PLUGINS", ""))[1]:
        for end, metric in (("_accuracy", "accuracy"), ("_map", "mAP")):
            if key == f"{task}{end}":
                return Row(system, f"task {task}, {metric}", value, stands, "task", metric, tasks.load(task))
    found = _on_corpus(key)
    if found is None:
        raise SettingError(
            f"{where}.{key}: no meaning; {suggest(key, _EXAMPLES)} (hark.eval.reproduction.published has all)"
        )
    task_of_it, way, metric = found
    what = f"{task_of_it.name}, {way.replace('_', ' ')}, {metric}"
    return Row(system, what, value, stands, "retrieval", metric, task_of_it, way)


def _on_corpus(key: str) -> tuple[Task, Way, str] | None:
    """What a key of retrieval is measured on, which way, and the metric."""
    metric = re.search(rf"_{_METRIC.pattern}$", key)
    if metric is None:
        return None
    before = key[: metric.start()]
    way: Way = "audio_to_text" if before.endswith("_audio_to_text") else "text_to_audio"
    before = before.removesuffix("_audio_to_text")
    known = _names_of_data(os.environ.get("HARK_PLUGINS", ""))[0]
    corpus = next((name for name in known if before == name or before.startswith(f"{name}_")), None)
    if corpus is None:
        return None
    split = before.removeprefix(corpus).removeprefix("_")
    name = {"r": f"R@{metric[2]}", "map": f"mAP@{metric[2]}"}.get(metric[1], (metric[3] or "").replace("_", " "))
    return _corpus_task(corpus, split, way), way, name


def _corpus_task(corpus: str, split: str, way: Way) -> Task:
    card = getattr(component.module("data.corpora", corpus), "CARD", None)
    settings = {"name": corpus, "path": corpus} | ({"splits": [split]} if split else {})
    return Task(
        name=f"{corpus} {split}".strip(),
        about="sounds found by captions",
        kind="retrieval",
        corpus=settings,
        metric="R@1",
        direction=way,
        clips=None if card is None else card.clips.get(split or "all"),
    )


def _of_captions(found: re.Match[str], value: Decimal, system: str, stands: str) -> Row:
    """A captioner's number, which `hark eval` measures."""
    metric = _CAPTION_METRICS[found[2]]
    what = f"captions of {found[3]}, {metric}" if found[3] else f"captions, {metric}"
    if found[1]:
        what = f"{what}, after cross entropy alone"
        why = "`hark eval` measures what the whole recipe gives"
    else:
        weights = next((row.name for row in checkpoints.rows() if row.captioner == system), f"runs/{system}")
        why = f"captions are measured by `hark eval {weights} --on MANIFEST`"
    return Row(system, what, value, stands, "elsewhere", metric, why=why)


def _why(found: re.Match[str]) -> str:
    if found[1]:
        return "of an ensemble, which has rows of its own"
    if found[3]:
        return f"after the stage on {found[3]} alone; hark measures what the whole recipe gives"
    return "measured while it is trained; `hark runs show` tells it"


def _of_task(task: Task) -> Iterator[Row]:
    for one in task.published:
        metric = one.metric or task.metric
        way: Way = task.direction or "text_to_audio"
        why = ""
        if task.kind == "captioning":
            why = f"{metric} of captions; `hark eval CAPTIONER --on MANIFEST` measures it"
        yield Row(
            system=one.system,
            what=f"task {task.name}, {metric}",
            value=_as_in_tables(one.value),
            where=one.where,
            kind="elsewhere" if why else "retrieval" if task.kind == "retrieval" else "task",
            metric=metric,
            task=task,
            way=way,
            why=why,
        )


@functools.cache
def _names_of_data(plugins: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The corpora, longest names first, and the tasks, with those plug-ins."""
    del plugins  # `component` looks for them itself
    corpora = sorted(component.names("data.corpora"), key=len, reverse=True)
    return tuple(corpora), tuple(tasks.names())


def _as_in_tables(value: float) -> Decimal:
    """A task's number with at least the three digits that tables give, which a float has lost (0.83 is 0.830)."""
    written = Decimal(repr(value))
    exponent = written.as_tuple().exponent
    assert isinstance(exponent, int), value
    return written if exponent <= -3 else written.quantize(Decimal("0.001"))


@functools.cache
def _own() -> dict[str, Any]:
    text = Path(__file__).with_name("published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)
