"""Runs a recipe's stages: opens the data, takes the steps, validates, keeps the best, saves, resumes."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hark.core import component
from hark.core.errors import HarkError, SettingError
from hark.core.files import write_text
from hark.core.provenance import made_by
from hark.models import weights
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.text.vocabulary import make_vocabulary
from hark.train import distil, folder, norms, provenance, state, taught
from hark.train.best import Best
from hark.train.board import Board, open_board
from hark.train.data import open_sentences
from hark.train.init import init, tokenizer
from hark.train.loop import Step
from hark.train.tag import PART, Tasks
from hark.train.valid import Validation
from hark.train.work import Prepare, common_words, open_work
from hark.train.world import World, joined


@dataclass(frozen=True)
class Event:
    """What happened: a step of a stage, and the validation that followed it, if one did.

    `note` comes with the first step of a run's stage: what a user should know of it, or "".
    """

    stage: str
    steps: int
    step: Step
    validation: Validation | None = None
    note: str = ""


def run(
    recipe: Recipe,
    *,
    data: Path,
    out: Path,
    save_every_s: float = 60.0,
    prepare: Prepare | None = None,
    workers: int = 0,
    live: bool = False,
    command: str | None = None,
) -> Iterator[Event]:
    """Trains a recipe into the folder `out`, one event for each step; what an earlier run left there is gone on with.

    `out` ends up with model.safetensors (the best by validation, or the last where a stage has none), history.jsonl and
    state.pt, from which a stopped run goes on to the same result. Relative paths of the recipe are taken from `data`.
    So many `workers`, in each process, make batches ahead, or none; with `live` they decode the sounds, which are else
    decoded before the first step, and the run must go on so. Of processes that `torchrun` started the first one writes
    and has events; `out` is a folder that all of them see. They may be others when the run goes on. `command`, the line
    that started it, is written to provenance.json.

    Raises HarkError.
    """
    with joined() as world, world.one_voice():
        prepare = prepare if world.first else None
        for event in _run(recipe, data, out, world, save_every_s, prepare, workers, live, command):
            if world.first:
                yield event


def _run(
    recipe: Recipe,
    data: Path,
    out: Path,
    world: World,
    save_every_s: float,
    prepare: Prepare | None,
    workers: int,
    live: bool,
    command: str | None,
) -> Iterator[Event]:
    with world.in_turn(world.first):
        taught.check_stages(recipe)
        kept = folder.kept(out, recipe.hash)
        if kept is not None:
            provenance.same_way(out, live=live)
        if world.first:
            with folder.writing(out):
                out.mkdir(parents=True, exist_ok=True)
                for left in out.rglob(".*.part"):  # what a run that was killed was writing
                    left.unlink()
                write_text(out / "recipe.toml", recipe.source)
                provenance.write(recipe, data=data, out=out, command=command, world=world, kept=kept, live=live)
                for stage in recipe.stages if kept is None else ():
                    folder.result(out, stage.name).unlink(missing_ok=True)  # of an earlier run that begins anew
        assets = _assets(recipe, data=data, out=out)
    if len(set(world.collect(None if kept is None else (kept["stage"], kept["step"])))) > 1:
        raise HarkError(f"{out}: is not the same folder for all processes; choose one that all machines see")
    torch.manual_seed(recipe.stages[0].seed if recipe.stages else 0)  # the first weights are part of the result
    towers = recipe.build(assets=assets)
    with world.in_turn(world.local == 0):
        init(towers, recipe, data=data)  # where a run goes on, too: a part's tokenizer comes with its weights
        if world.first:
            with folder.writing(out):
                provenance.add_weights(recipe, towers, data=data, out=out)
    first = kept["stage"] if kept else 0
    for number, wanted in enumerate(recipe.stages):
        if number < first:
            continue
        with world.in_turn(world.local == 0):
            with_files = taught.with_files(wanted, out)
            work = open_work(recipe, with_files, data=data, prepare=prepare, world=world, workers=workers, live=live)
        stage = work.stage
        if work.tasks is not None:
            work.tasks.attach(towers)
        current = state.start(towers, stage, world=world, sharded=stage.shard == "fsdp" and stage.task == "contrast")
        if kept and number == first:
            state.restore(current, kept)
        if world.first:
            with folder.writing(out):
                provenance.add_steps(stage, current.optimiser, out=out)
                if number == first:
                    earlier = [done.name for done in recipe.stages[:number]]
                    folder.forget(out, stage.name, current.step, earlier=earlier)
        validator = None
        with world.in_turn(world.first):
            if world.first and work.validator is not None:
                validator = work.validator()
        board = open_board(out, stage, step=current.step) if world.first else None
        best = Best(out, stage, current)
        note = norms.told(towers, stage, world)
        saved_at = time.monotonic()
        with contextlib.closing(board) if board is not None else contextlib.nullcontext():
            for step in work.steps(current):
                last = current.step == stage.steps
                validation = None
                if work.validator is not None and (last or current.step % stage.valid_every == 0):
                    current.assemble()
                    validation = world.share(validator(current.best_towers()) if validator is not None else None)
                    assert validation is not None
                    current.validations.append(validation.value(stage.watch or stage.metric))
                due = last or validation is not None or world.share(time.monotonic() - saved_at > save_every_s)
                with folder.writing(out):
                    if world.first:
                        if validation is not None and best.offer(validation.value(stage.metric)):
                            _save_model(out, recipe, current.best_towers(), validation, work.tasks)
                        _append(out / "history.jsonl", stage, step, validation, board)
                    if due:
                        state.save(out / "state.pt", current, stage=number, recipe_hash=recipe.hash)
                        saved_at = time.monotonic()
                        if world.first:
                            best.forget()
                        if board is not None:
                            board.flush()
                yield Event(stage=stage.name, steps=stage.steps, step=step, validation=validation, note=note)
                note = ""
        current.assemble()
        towers = current.best_towers()
        with world.in_turn(world.first), folder.writing(out):
            if world.first:
                _finish(out, recipe, stage, towers, best, validator, work.tasks)
                if taught.teaches(recipe, stage):
                    folder.keep_result(out, stage.name)
        if work.validator is not None and best.filed:
            world.share_weights(towers)
        if work.tasks is not None:
            work.tasks.detach(towers)


def _assets(recipe: Recipe, *, data: Path, out: Path) -> dict[str, str] | None:
    """The texts that the text tower needs: for a static tower a vocabulary, made once from all that the stages say."""
    if recipe.text is None and all(stage.task == "tag" for stage in recipe.stages):
        return None
    if recipe.text is None:
        raise SettingError(f"{recipe.name}.toml: text: missing; a system that is trained needs a text tower")
    if recipe.text.encoder.get("name") != "static":
        return None
    path = out / "tokenizer.json"
    brought = None if path.is_file() else tokenizer(recipe, data=data)
    if brought is not None:
        write_text(path, brought)
    elif not path.is_file():
        config = component.config("models.text", recipe.text.encoder, where=f"{recipe.name}.toml: text.encoder")
        sentences: list[str] = []
        words: list[str] = []
        for stage in recipe.stages:
            sentences += open_sentences(recipe, stage, data=data)
            words += distil.teacher_words(stage.teacher) if stage.teacher is not None else []
        common = common_words(sentences)
        write_text(path, make_vocabulary(sentences, words=[*common, *words], size=config.vocabulary))
    return {"tokenizer": path.read_text(encoding="utf-8")}


def _save_model(out: Path, recipe: Recipe, towers: Towers, validation: Validation | None, tasks: Tasks | None) -> None:
    if tasks is not None:
        tasks.save(out, towers)
    saved = weights.Saved(
        tensors={name: t for name, t in towers.state_dict().items() if not name.startswith(f"{PART}.")},
        recipe_name=recipe.name,
        recipe=recipe.source,
        assets=towers.text_encoder.assets() if towers.reads else {},  # type: ignore[operator]
        made_by=made_by() | ({"validation": json.dumps(validation.as_json())} if validation is not None else {}),
    )
    weights.save(out / "model.safetensors", saved, half=True)


def _finish(
    out: Path,
    recipe: Recipe,
    stage: Stage,
    towers: Towers,
    best: Best,
    validator: Callable[[Towers], Validation] | None,
    tasks: Tasks | None,
) -> None:
    """Writes a stage's result, and leaves in the towers what the next stage begins with."""

    def value(tensors: dict[str, Tensor]) -> float:
        assert validator is not None
        towers.load_state_dict(tensors, strict=True)
        return validator(towers).value(stage.metric)

    if validator is None:
        _save_model(out, recipe, towers, None, tasks)
        return
    if stage.best == 1 and stage.onward == "last":
        return
    last = {name: tensor.detach().clone() for name, tensor in towers.state_dict().items()}
    average = last if stage.members and stage.onward == "last" else best.average(value)
    if stage.members:
        for place, tensors in enumerate(best.members(), start=1):
            towers.load_state_dict(tensors, strict=True)
            _save_model(out / f"member-{place}", recipe, towers, validator(towers), tasks)
    elif stage.best > 1:
        towers.load_state_dict(average, strict=True)
        _save_model(out, recipe, towers, validator(towers), tasks)
    towers.load_state_dict(last if stage.onward == "last" else average, strict=True)


def _append(path: Path, stage: Stage, step: Step, validation: Validation | None, board: Board | None) -> None:
    numbers = {"loss": step.loss, "rate": step.rate, "scale": step.scale}
    if validation is not None:
        numbers |= validation.as_json()
    if board is not None:
        board.write(step.step, numbers)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"stage": stage.name, "step": step.step} | numbers) + "\n")
