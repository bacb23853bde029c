"""A stage with its data opened: what takes its steps, what measures it, and what it adds to the towers for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import SettingError
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.text.vocabulary import words_of
from hark.train import distil
from hark.train.data import ByStep, in_order, open_batches, open_sentences
from hark.train.loop import Step, train
from hark.train.precompute import precomputed
from hark.train.state import State
from hark.train.tag import Tasks
from hark.train.tag_data import open_tasks
from hark.train.tag_valid import TagValidator
from hark.train.taught import Teachers, taught_stage
from hark.train.valid import Validation, Validator
from hark.train.world import ALONE, World

Prepare = Callable[[str, int, int], None]
"""Hears (what is being prepared, done, in all)."""


@dataclass(frozen=True)
class Work:
    """Everything in steps; the generator that takes them; what opens the validation, None where there is none.

    `tasks` are the layers that a stage of labels puts on the towers before its state is made.
    """

    stage: Stage
    steps: Callable[[State], Iterator[Step]]
    validator: Callable[[], Callable[[Towers], Validation]] | None = None
    tasks: Tasks | None = None


def open_work(
    recipe: Recipe,
    stage: Stage,
    *,
    data: Path,
    prepare: Prepare | None,
    world: World = ALONE,
    workers: int = 0,
    live: bool = False,
) -> Work:
    """Opens a stage; so many `workers` make its batches ahead, or none. With `live` they decode the sounds.

    Contrastive stages and those of labels are spread over the world's processes; distilling is done whole by each.

    Raises HarkError.
    """

    def tell(what: str, done: int, total: int) -> None:
        if prepare is not None:
            prepare(what, done, total)

    if stage.task == "distil":
        return _distil(recipe, stage, data=data, tell=tell)
    if stage.task == "tag":
        return _tag(recipe, stage, data=data, tell=tell, workers=workers, live=live)
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    if stage.alike is not None and "text_encoder" not in stage.freeze:
        raise SettingError(
            f"{where}: alike: compares with a frozen text encoder; add freeze = ['text_encoder'] or take alike out"
        )
    known = stage.captions if stage.teachers else None
    batches = open_batches(
        recipe, stage, data=data, progress=lambda *at: tell("decoded", *at), captions=known, rank=world.rank,
        ranks=world.size, live=live,
    )  # fmt: skip
    resolved = stage.resolved(batches.steps_per_epoch)
    teachers = Teachers(recipe, stage, batches, data=data, progress=tell) if stage.teachers else None
    taken = resolved if teachers is None else taught_stage(resolved)
    frozen = precomputed(recipe, stage, batches, progress=tell)

    def take(state: State, found: ByStep, current: Stage) -> Iterator[Step]:
        if teachers is None:
            return train(state, in_order(found, start=state.step, stop=current.steps, workers=workers), current)
        taught = teachers.over(found)
        order = in_order(taught, start=state.step, stop=current.steps, workers=workers)
        return train(state, order, current, answers=taught.answers)

    def steps(state: State) -> Iterator[Step]:
        if frozen is None or state.sharded is not None:
            if stage.precompute and state.sharded is not None:
                raise SettingError(f"{where}: precompute: FSDP2 cuts frozen parts as well; take DDP, or one process")
            return take(state, batches, taken)
        return frozen.steps(state, lambda inner, found: take(inner, found, frozen.stage(taken)))

    validator = (lambda: Validator(recipe, stage, data=data, frozen=frozen)) if stage.valid else None
    return Work(resolved, steps, validator)


def common_words(sentences: list[str]) -> list[str]:
    """Words said at least twice, the most common first; words equally common in the order of the alphabet."""
    counted = sorted(words_of(sentences).items(), key=lambda item: (-item[1], item[0]))
    return [word for word, n in counted if n >= 2]


def _distil(recipe: Recipe, stage: Stage, *, data: Path, tell: Prepare) -> Work:
    if stage.teacher is None:
        raise SettingError(f"{recipe.name}.toml: stage '{stage.name}': teacher: missing; name a sentence encoder")
    sentences = open_sentences(recipe, stage, data=data)
    words = [*common_words(sentences), *distil.teacher_words(stage.teacher)]
    texts = distil.curriculum(sentences, words=words, seed=stage.seed)
    taught = 0

    def count(n: int) -> None:
        nonlocal taught
        taught += n
        tell("teacher's vectors", taught, len(texts))

    targets = distil.teach(texts, stage.teacher, progress=count)
    resolved = stage.resolved(max(1, len(texts) // stage.batch))
    return Work(
        resolved,
        lambda state: distil.distil(state, texts, targets, resolved),
        (lambda: Validator(recipe, stage, data=data)) if stage.valid else None,
    )


def _tag(recipe: Recipe, stage: Stage, *, data: Path, tell: Prepare, workers: int, live: bool) -> Work:
    tasks = open_tasks(recipe, stage, data=data, progress=lambda *at: tell("decoded", *at), live=live)
    resolved = tasks.stage.resolved(tasks.batches.steps_per_epoch)
    return Work(
        resolved,
        lambda state: tasks.steps(state, resolved, workers=workers),
        (lambda: TagValidator(recipe, tasks, data=data)) if resolved.valid else None,
        tasks,
    )
