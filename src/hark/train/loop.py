"""The training loop: a generator of steps. Logging, validating and saving stay with the caller."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from hark.core.errors import HarkError
from hark.data.batches import Batch
from hark.models.towers import Towers
from hark.recipe import Stage
from hark.train import norms, spread
from hark.train.joint import Embed, Joint, joint, parts
from hark.train.needs import Loss
from hark.train.optim import Rate
from hark.train.state import State
from hark.train.together import Answers
from hark.train.world import Elsewhere, World


@dataclass(frozen=True)
class Step:
    """One step that was taken: its number (from 0), loss, learning rate and 1 / temperature."""

    step: int
    loss: float
    rate: float
    scale: float


def train(
    state: State, batches: Callable[[int], Batch], stage: Stage, *, answers: Answers | None = None
) -> Iterator[Step]:
    """Takes the steps that are left of a stage (in steps: see `Stage.resolved`), one for each item.

    `answers` say what is right for what in a batch of several processes, where its own words do not (teachers).

    Stop after any step, keep the state, and go on later: the result is the same as without the stop. Of several
    processes (`State.world`) each makes its part of every batch, and all come to the same weights.

    Raises HarkError when the loss is no longer a number.
    """
    with _prepared(state, stage) as embed:
        yield from _steps(state, embed, batches, stage, answers)


def _steps(
    state: State, embed: nn.Module, batches: Callable[[int], Batch], stage: Stage, answers: Answers | None
) -> Iterator[Step]:
    towers, world = state.towers, state.world
    loss_of, rate = Loss(stage), Rate(stage)
    learning = [p for p in towers.parameters() if p.requires_grad]
    while state.step < stage.steps:
        step = state.step
        towers.train()
        for part in stage.freeze:
            towers.get_submodule(part).eval()
        now = rate(step, state.validations)
        for group in state.optimiser.param_groups:
            group["lr"] = now * group["share"]
        state.optimiser.zero_grad(set_to_none=True)
        made = joint(embed, towers, batches(step), stage, loss_of, step=step, world=world, answers=answers)
        if isinstance(embed, Embed) and world.size > 1 and state.sharded is None:
            embed = spread.replicate(embed, unused=_leaves_out(made, towers, learning, world))
            made = dataclasses.replace(made, embed=embed)
        loss = world.mean(_backward(made, stage, state.scaler))
        if not torch.isfinite(loss):
            raise (HarkError if world.first else Elsewhere)(
                f"stage '{stage.name}', step {step}: the loss is {loss.item()}; lower lr or lengthen warmup"
            )
        for parameter in spread.loose(learning):
            if parameter.grad is not None:
                world.mean(parameter.grad)
        if state.scaler is not None:
            state.scaler.unscale_(state.optimiser)
        if stage.clip is not None:
            spread.clip(learning, stage.clip)
        if state.scaler is not None:
            state.scaler.step(state.optimiser)
            state.scaler.update()
        else:
            state.optimiser.step()
        state.step += 1
        if stage.average is not None:
            state.update_average(stage.average)
        yield Step(step=step, loss=loss.item(), rate=now, scale=towers.scale().item())


@contextlib.contextmanager
def _prepared(state: State, stage: Stage) -> Iterator[nn.Module]:
    """What embeds a batch: cut over the processes, compiled, and run again for its gradients, as the stage says."""
    towers = state.towers
    with contextlib.ExitStack() as stack:
        if stage.checkpointing:
            stack.enter_context(spread.recomputed(towers))
        if stage.compile:
            towers.audio_encoder.compile()
            towers.text_encoder.compile()
        yield Embed(towers, stage) if state.sharded is None else state.sharded


def _leaves_out(batch: Joint, towers: Towers, learning: Sequence[nn.Parameter], world: World) -> bool:
    """Whether a step leaves out some of what learns, in any process; two rows tell, and nothing is changed by them."""
    if batch.stage.compile:
        return True  # not worth compiling once more
    modes = {module: module.training for module in towers.modules()}
    towers.eval()
    ends = [one for one in parts(batch, 2)[0].vectors().values() if one.requires_grad]
    for module, mode in modes.items():
        module.training = mode
    total = torch.stack([one.sum() for one in ends]).sum()
    gradients = torch.autograd.grad(total, learning, allow_unused=True)
    return any(world.collect(any(gradient is None for gradient in gradients)))


def _backward(batch: Joint, stage: Stage, scaler: torch.amp.GradScaler | None) -> torch.Tensor:
    """The loss of a batch; its gradients are left in the parameters.

    In parts, the towers are run twice: first without gradients, for the vectors that the loss compares and the loss's
    gradients by them; then part by part with those (Gao et al. 2021, "Scaling deep contrastive learning batch size").
    Batch norms see one part at a time, of all processes (see `norms.told`), and count it in the second run.
    """

    def larger(loss: torch.Tensor) -> torch.Tensor:
        return loss if scaler is None else scaler.scale(loss)

    if stage.chunk is None:
        loss = batch.loss(batch.vectors())
        larger(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()
    pieces = parts(batch, stage.chunk)
    with torch.no_grad(), norms.uncounted(batch.embed):
        made = [piece.vectors() for piece in pieces]
    leaves = [{name: vector.detach().requires_grad_() for name, vector in one.items()} for one in made]
    together = {  # the learned numbers are the same in every part; the last part's get their gradients
        name: torch.cat([one[name] for one in leaves]) if leaf.dim() else leaf for name, leaf in leaves[-1].items()
    }
    loss = batch.loss(together)
    larger(loss).backward()  # type: ignore[no-untyped-call]
    for place, (piece, leaf) in enumerate(zip(pieces, leaves, strict=True)):
        with spread.held_back(batch.embed, last=place == len(pieces) - 1):
            vectors = piece.vectors()
            taught = [name for name, v in vectors.items() if v.requires_grad and leaf[name].grad is not None]
            torch.autograd.backward([vectors[name] for name in taught], [leaf[name].grad for name in taught])
    return loss.detach()
