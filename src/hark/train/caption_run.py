"""Trains a captioner: hears its data once, takes the steps of its stages, validates, keeps, saves, goes on."""

from __future__ import annotations

import dataclasses
import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hark.caption import file
from hark.caption.ears import Ears
from hark.core.errors import SettingError
from hark.core.files import write_aside, write_text
from hark.core.provenance import made_by
from hark.models.captioning.network import Network
from hark.recipe.caption_stage import CaptionStage
from hark.recipe.captioner import CaptionRecipe, member
from hark.text.speller import Speller
from hark.train import folder, provenance
from hark.train.caption_data import Described, Features, Order, open_described, sentences
from hark.train.caption_steps import CaptionState, LossOf, NextWord, Reward, take
from hark.train.caption_valid import CaptionValidation, Spice, Validator
from hark.train.loop import Step
from hark.train.optim import optimiser
from hark.train.work import Prepare

MODEL = "model.safetensors"
RESULTS = "results.json"


@dataclass(frozen=True)
class CaptionEvent:
    """What happened: a step of a stage, and the validation that followed it, if one did."""

    stage: str
    steps: int
    step: Step
    validation: CaptionValidation | None = None


def run(
    recipe: CaptionRecipe,
    *,
    data: Path,
    out: Path,
    save_every_s: float = 60.0,
    prepare: Prepare | None = None,
    spice: Spice | None = None,
) -> Iterator[CaptionEvent]:
    """Trains a captioner into the folder `out`, one event for each step; what an earlier run left is gone on with.

    `out` ends up with model.safetensors, history.jsonl, results.json (what each stage's result is worth) and state.pt,
    from which a stopped run goes on to the same result; for an ensemble those of each member lie in a folder of its
    own. Relative paths of the recipe are taken from `data`. A stage that goes by SPIDEr does so with `spice`, and by
    CIDEr-D without; provenance.json says which.

    Raises HarkError.
    """
    if not recipe.members:
        yield from _Run(recipe, data, out, prepare, spice).events(save_every_s)
        return
    with folder.writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "recipe.toml", recipe.source)
    files = []
    for number, spec in enumerate(recipe.members, start=1):
        place = out / f"member-{number}"
        inner = run(
            member(spec, changes=recipe.changes), data=data, out=place, save_every_s=save_every_s, prepare=prepare,
            spice=spice,
        )  # fmt: skip
        for event in inner:
            yield dataclasses.replace(event, stage=f"{place.name}/{event.stage}")
        files.append(place / MODEL)
    with folder.writing(out):
        file.join(recipe, files, out / MODEL, made_by=made_by())


class _Run:
    """One captioner's training."""

    def __init__(
        self, recipe: CaptionRecipe, data: Path, out: Path, prepare: Prepare | None, spice: Spice | None
    ) -> None:
        if not recipe.stages:
            raise SettingError(f"{recipe.name}.toml: stages: missing; there is nothing to train")
        assert recipe.ears is not None
        self.recipe, self.data, self.out, self.prepare, self.spice = recipe, data, out, prepare, spice
        self.kept = folder.kept(out, recipe.hash)
        with folder.writing(out):
            out.mkdir(parents=True, exist_ok=True)
            for left in out.rglob(".*.part"):  # what a run that was killed was writing
                left.unlink()
            write_text(out / "recipe.toml", recipe.source)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.ears = Ears.of(recipe.ears, device=str(self.device))
        self.features = Features(self.ears)
        self.learnt = [
            self._open(stage, stage.corpora, apart=(*stage.valid, *stage.hold_out), excluded=stage.exclude)
            for stage in recipe.stages
        ]
        self.valid = [self._open(stage, stage.valid) if stage.valid else None for stage in recipe.stages]
        said = [text for described in self.learnt for text in sentences(described)]
        self.speller: Speller = recipe.speller(captions=said)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.stages[0].seed)  # the first weights are part of the result
            self.network: Network = recipe.build(heard=self.ears.dim, speller=self.speller).to(self.device)
        begin = getattr(self.network.decoder, "begin", None)
        if self.kept is None and begin is not None:
            begin()  # the weights of a published language model
        self._write_provenance()

    def events(self, save_every_s: float) -> Iterator[CaptionEvent]:
        """The steps that are left."""
        first = self.kept["stage"] if self.kept else 0
        for number, wanted in enumerate(self.recipe.stages):
            if number < first:
                continue
            visits = self.learnt[number].visits(wanted)
            order = Order(visits, wanted.batch, wanted.seed)
            stage = wanted.resolved(order.steps_per_epoch)
            state = CaptionState(self.network, optimiser(self.network, stage.learning()))
            if self.kept and number == first:
                _restore(state, self.kept)
            if number == first:
                earlier = [done.name for done in self.recipe.stages[:number]]
                folder.forget(self.out, stage.name, state.step, earlier=earlier)
            yield from self._stage(number, stage, order, state, save_every_s)

    def _stage(
        self, number: int, stage: CaptionStage, order: Order, state: CaptionState, save_every_s: float
    ) -> Iterator[CaptionEvent]:
        described, clips = self.learnt[number], self.valid[number]
        validator = None
        if clips is not None:
            validator = Validator(clips, self.speller, self.recipe.decoding, self.spice)
        saved_at = time.monotonic()
        for step in take(state, stage, order, self._loss_of(stage, described)):
            last = state.step == stage.steps
            validation = None
            if validator is not None and (last or state.step % stage.valid_every == 0):
                validation = validator(state.network)
                value = validation.value(stage.metric)
                best = all(value > other for other in state.validations)
                state.validations.append(value)
                if best and stage.keep == "best":
                    with folder.writing(self.out):
                        self._keep(stage, state.network.state_dict(), validation)
            with folder.writing(self.out):
                found = {} if validation is None else validation.as_json()
                told = {"stage": stage.name, "step": step.step, "loss": step.loss, "rate": step.rate, **found}
                folder.append(self.out, told)
                if last or validation is not None or time.monotonic() - saved_at > save_every_s:
                    _save(self.out / folder.STATE, state, stage=number, recipe_hash=self.recipe.hash)
                    saved_at = time.monotonic()
            yield CaptionEvent(stage=stage.name, steps=stage.steps, step=step, validation=validation)
        with folder.writing(self.out):
            self._finish(stage, state, validator)

    def _loss_of(self, stage: CaptionStage, described: Described) -> LossOf:
        if stage.task == "words":
            return NextWord(stage, described, self.speller)
        return Reward(stage, described, self.speller, self.recipe.decoding)

    def _finish(self, stage: CaptionStage, state: CaptionState, validator: Validator | None) -> None:
        """Writes a stage's result, and leaves in the network what the next stage begins with."""
        if stage.keep == "best":
            state.network.load_state_dict(load_file(self._best(stage)), strict=True)
        elif stage.keep == "average":
            assert state.average is not None
            state.network.load_state_dict(state.average, strict=True)
        validation = validator(state.network) if validator is not None else None
        path = self.out / RESULTS
        results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        results[stage.name] = {"kept": stage.keep} | (validation.as_json() if validation is not None else {})
        write_text(path, json.dumps(results, indent=2) + "\n")
        self._save_model(state.network.state_dict(), validation)

    def _keep(self, stage: CaptionStage, tensors: dict[str, Tensor], validation: CaptionValidation) -> None:
        """The best weights so far, and the model that they are."""
        with write_aside(self._best(stage)) as aside:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, aside)
        self._save_model(tensors, validation)

    def _best(self, stage: CaptionStage) -> Path:
        return self.out / "best" / f"{stage.name}.safetensors"

    def _save_model(self, tensors: dict[str, Tensor], validation: CaptionValidation | None) -> None:
        told = {} if validation is None else {"validation": json.dumps(validation.as_json())}
        own = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
        file.save(
            self.out / MODEL, self.recipe, ears=self.ears, speller=self.speller, voices=[(self.recipe, own)],
            made_by=made_by() | told,
        )  # fmt: skip

    def _open(self, stage: CaptionStage, specs: Any, *, apart: Any = (), excluded: Sequence[str] = ()) -> Described:
        def tell(done: int, total: int) -> None:
            if self.prepare is not None:
                self.prepare("sounds heard", done, total)

        where = f"{self.recipe.name}.toml: stage '{stage.name}'"
        return open_described(
            specs, self.features, data=self.data, where=where, apart=apart, excluded=excluded, progress=tell
        )

    def _write_provenance(self) -> None:
        """What the run is made of."""
        stages: dict[str, Any] = {}
        for stage, learnt, valid in zip(self.recipe.stages, self.learnt, self.valid, strict=True):
            by = "spider" if stage.metric == "spider" and self.spice is not None else "cider_d"
            why = {"instead_of": "spider: SPICE is not here"} if stage.metric != by else {}
            stages[stage.name] = {"corpora": _told(learnt), "chosen_by": by, **why}
            stages[stage.name] |= {} if valid is None else {"valid": _told(valid)}
        told = {
            "recipe": self.recipe.name, "recipe_hash": self.recipe.hash,
            "versions": made_by() | {"python": platform.python_version()}, "platform": platform.platform(),
            "ears": {"recipe": self.ears.recipe.name, "stamp": self.ears.stamp, "take": self.ears.take},
            "words": self.speller.size, "stages": stages,
        }  # fmt: skip
        with folder.writing(self.out):
            write_text(self.out / provenance.FILE, json.dumps(told, indent=2) + "\n")


def _told(described: Described) -> dict[str, Any]:
    return {"clips": len(described.ids), "ids": provenance.fingerprint(described.ids)}


def _save(path: Path, state: CaptionState, *, stage: int, recipe_hash: str) -> None:
    """Writes the state, whole or not at all: tensors and plain values only, so that reading it runs no code."""
    kept = {
        "towers": state.network.state_dict(), "optimiser": state.optimiser.state_dict(), "average": state.average,
        "averaged": state.averaged, "step": state.step, "stage": stage, "recipe_hash": recipe_hash,
        "validations": list(state.validations),
    }  # fmt: skip
    with write_aside(path) as aside, aside.open("wb") as opened:
        try:
            torch.save(kept, opened)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError(str(error).splitlines()[0]) from None


def _restore(state: CaptionState, kept: dict[str, Any]) -> None:
    state.network.load_state_dict(kept["towers"], strict=True)
    state.optimiser.load_state_dict(kept["optimiser"])
    state.step, state.validations = kept["step"], list(kept["validations"])
    device = next(state.network.parameters()).device
    if kept["average"] is not None:
        state.average = {name: tensor.to(device) for name, tensor in kept["average"].items()}
    state.averaged = kept["averaged"]
