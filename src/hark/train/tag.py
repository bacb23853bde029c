"""Supervised training of the audio encoder on labels: one task or many at once, each with a linear layer of its own.

Microsoft's CLAP 2023 trains its audio encoder (HTSAT-22) on 22 audio tasks this way before any sentence is read, and
fine-tunes it on ESC-50. The layers are the part "tasks" of the towers while the stage lasts; what goes on to the next
stage are the towers. Every row of a batch counts alike, whichever task it is of.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from hark.audio.augment import mask, mix_waves, noise, shift, stripes
from hark.core.errors import DataError, HarkError, SettingError
from hark.core.files import write_aside
from hark.data.batches import Batch
from hark.data.mixture import Mixture
from hark.models.towers import Towers
from hark.recipe import Stage
from hark.train import spread
from hark.train.data import in_order
from hark.train.joint import PRECISIONS
from hark.train.loop import Step
from hark.train.optim import Rate
from hark.train.state import State

PART = "tasks"


@dataclass(frozen=True)
class Kind:
    """A task: its classes in the order of its layer's outputs, and its loss of (logits, targets)."""

    name: str
    classes: tuple[str, ...]
    loss_of: Callable[[Tensor, Tensor], Tensor]
    several: bool  # whether a clip may have several classes, or none

    def targets(self, labels: Sequence[Sequence[str]]) -> Tensor:
        """(clips, classes) 1.0 where a clip has the class.

        Raises DataError for a label that is no class.
        """
        found = torch.zeros(len(labels), len(self.classes))
        places = {name: place for place, name in enumerate(self.classes)}
        for row, names in enumerate(labels):
            for name in names:
                if name not in places:
                    raise DataError(
                        f"task '{self.name}': '{name}' is no class of its {len(places)} that are trained on"
                    )
                found[row, places[name]] = 1.0
        return found


@dataclass(frozen=True)
class Tasks:
    """The tasks of a stage, the batches of all, and which task each corpus of the stage is of."""

    stage: Stage
    kinds: Mapping[str, Kind]
    kind_of: Sequence[str]
    batches: Mixture

    def attach(self, towers: Towers) -> None:
        """Gives the towers a linear layer for each task, with weights that the stage's seed draws."""
        dim = int(towers.audio_encoder.dim)  # type: ignore[arg-type]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.stage.seed)
            made = nn.ModuleDict({name: nn.Linear(dim, len(kind.classes)) for name, kind in self.kinds.items()})
        towers.add_module(PART, made.to(next(towers.parameters()).device))

    def detach(self, towers: Towers) -> None:
        """Takes the layers away again."""
        delattr(towers, PART)

    def save(self, out: Path, towers: Towers) -> None:
        """Writes the layers and their classes beside the run's model."""
        kept = {name.removeprefix(f"{PART}."): t for name, t in towers.state_dict().items() if name.startswith(PART)}
        classes = {name: kind.classes for name, kind in self.kinds.items()}
        with write_aside(out / f"tasks-{self.stage.name}.safetensors") as aside:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in kept.items()}
            save_file(tensors, aside, metadata={"classes": json.dumps(classes)})

    def steps(self, state: State, stage: Stage, *, workers: int = 0) -> Iterator[Step]:
        """Takes the steps that are left; like the contrastive loop it can be stopped after any of them.

        So many `workers` make batches ahead, or none.

        Raises HarkError when the loss is no longer a number, SettingError for towers that are cut into parts.
        """
        if state.sharded is not None:
            raise SettingError(f"stage '{stage.name}': a stage of labels takes whole towers in each process, not FSDP2")
        batches = dataclasses.replace(self.batches, rank=state.world.rank, ranks=state.world.size)
        with contextlib.ExitStack() as stack:
            if stage.checkpointing:
                stack.enter_context(spread.recomputed(state.towers.audio_encoder))
            if stage.compile:
                state.towers.audio_encoder.compile()
            order = in_order(batches, start=state.step, stop=stage.steps, workers=workers)
            yield from self._steps(state, order, stage)

    def _steps(self, state: State, batches: Callable[[int], Batch], stage: Stage) -> Iterator[Step]:
        towers, rate, world = state.towers, Rate(stage), state.world
        heard = (towers.audio_encoder, towers.get_submodule(PART))
        learning = [p for part in heard for p in part.parameters() if p.requires_grad]
        while state.step < stage.steps:
            step = state.step
            towers.train()
            for part in stage.freeze:
                towers.get_submodule(part).eval()
            now = rate(step, state.validations)
            for group in state.optimiser.param_groups:
                group["lr"] = now * group["share"]
            state.optimiser.zero_grad(set_to_none=True)
            loss = world.mean(self._backward(state, batches(step), step)).item()
            if not np.isfinite(loss):
                raise HarkError(f"stage '{stage.name}', step {step}: the loss is {loss}; lower lr or lengthen warmup")
            if world.size > 1:
                for parameter in learning:  # a process may lack a task that others have
                    parameter.grad = world.mean(
                        torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                    )
            if state.scaler is not None:
                state.scaler.unscale_(state.optimiser)
            if stage.clip is not None:
                torch.nn.utils.clip_grad_norm_(learning, stage.clip)
            if state.scaler is not None:
                state.scaler.step(state.optimiser)
                state.scaler.update()
            else:
                state.optimiser.step()
            state.step += 1
            if stage.average is not None:
                state.update_average(stage.average)
            yield Step(step=step, loss=loss, rate=now, scale=1.0)

    def labels(self, batch: Batch) -> dict[str, tuple[Tensor, Tensor]]:
        """Of each task that the batch has: its rows, and their targets (rows, classes)."""
        said: list[list[str]] = [[] for _ in batch.corpora]
        for owner, text in zip(batch.owners, batch.texts, strict=True):
            said[owner].append(text)
        whose = [self.kind_of[int(corpus.split(":")[0])] for corpus in batch.corpora]
        found = {}
        for name, kind in self.kinds.items():
            rows = [row for row, one in enumerate(whose) if one == name]
            if rows:
                found[name] = (torch.tensor(rows), kind.targets([said[row] for row in rows]))
        return found

    def _backward(self, state: State, batch: Batch, step: int) -> Tensor:
        """The loss of this process's rows, their mean; its gradients are left in the parameters."""
        stage, towers = self.stage, state.towers
        seed = (stage.seed * 1_000_003 + step) * state.world.size + state.world.rank
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout asks the global generator
        device = next(towers.parameters()).device
        precision = PRECISIONS[stage.precision]
        reduced = torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32)
        labels = self.labels(batch)
        wave = torch.from_numpy(batch.waves)
        if state.world.size > 1 and batch.lengths:  # silence behind the longest of all processes
            wave = F.pad(wave, (0, max(state.world.collect(wave.shape[1])) - wave.shape[1]))
        wave = self._changed(wave, labels, generator)
        total = torch.zeros((), device=device)
        size = stage.chunk or len(wave)
        for at in range(0, len(wave), size):
            image = _masked(towers.image(wave[at : at + size].to(device)), stage, generator)
            with reduced:
                embedding = towers.audio_encoder(image).float()
            loss = embedding.new_zeros(())
            for name, (rows, targets) in labels.items():
                mine = (rows >= at) & (rows < at + size)
                if mine.any():
                    logits = towers.get_submodule(f"{PART}.{name}")(embedding[(rows[mine] - at).to(device)])
                    share = int(mine.sum()) / len(wave)
                    loss = loss + share * self.kinds[name].loss_of(logits, targets[mine].to(device))
            (loss if state.scaler is None else state.scaler.scale(loss)).backward()
            total += loss.detach()
        return total

    def _changed(self, wave: Tensor, labels: dict[str, tuple[Tensor, Tensor]], generator: torch.Generator) -> Tensor:
        """The waves (n, samples) as the stage changes them; where some of a task are mixed, so are their targets."""
        stage = self.stage
        if torch.rand((), generator=generator) < stage.mix:
            for name, (rows, targets) in labels.items():
                wave[rows], partner, share = mix_waves(wave[rows], generator=generator)
                mixed = share[:, None] * targets + (1.0 - share[:, None]) * targets[partner]
                labels[name] = (rows, mixed)
        if stage.shift:
            wave = shift(wave, most=wave.shape[1] // 2, generator=generator)
        if stage.noise_db is not None:
            wave = noise(wave, least_db=stage.noise_db, most_db=stage.noise_db + 20.0, generator=generator)
        return wave


def _masked(image: Tensor, stage: Stage, generator: torch.Generator) -> Tensor:
    """SpecAugment as the stage has it."""
    if not stage.mask_frames and not stage.mask_mels:
        return image
    frames, mels = stage.mask_frames, stage.mask_mels
    if stage.mask_stripes > 1:
        return stripes(image, frames=frames, mels=mels, count=stage.mask_stripes, generator=generator)
    return mask(image, frames=frames, mels=mels, generator=generator)
