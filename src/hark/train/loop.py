"""The training loop: a generator of steps. Logging, validating and saving stay with the caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from hark.audio.augment import mask, mix_waves
from hark.core import component
from hark.core.errors import HarkError
from hark.data.batches import Batch, Batches
from hark.losses.infonce import Loss
from hark.models.towers import Towers
from hark.recipe import Stage
from hark.train.optim import rate
from hark.train.state import State


@dataclass(frozen=True)
class Step:
    """One step that was taken: its number (from 0), loss, learning rate and 1 / temperature."""

    step: int
    loss: float
    rate: float
    scale: float


def train(state: State, batches: Batches, stage: Stage) -> Iterator[Step]:
    """Takes the steps that are left of a stage, one for each item.

    Stop after any step, keep the state, and go on later: the result is the same as without the stop.

    Raises HarkError when the loss is no longer a number.
    """
    towers = state.towers
    device = next(towers.parameters()).device
    loss_of: Loss = component.config("losses", stage.loss, where=f"stage '{stage.name}': loss").build()
    learning = [p for p in towers.parameters() if p.requires_grad]
    while state.step < stage.steps:
        step = state.step
        towers.train()
        for part in stage.freeze:
            getattr(towers, part).eval()
        generator = torch.Generator().manual_seed(stage.seed * 1_000_003 + step)
        torch.manual_seed(stage.seed * 1_000_003 + step)  # dropout asks the global generator
        for group in state.optimiser.param_groups:
            group["lr"] = rate(step, stage)
        loss = _loss(towers, batches[step], stage, loss_of, generator=generator, device=device)
        if not torch.isfinite(loss):
            raise HarkError(
                f"stage '{stage.name}', step {step}: the loss is {loss.item()}; lower lr or lengthen warmup"
            )
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learning, 5.0)
        state.optimiser.step()
        state.step += 1
        if stage.average is not None:
            state.update_average(stage.average)
        yield Step(step=step, loss=loss.item(), rate=rate(step, stage), scale=towers.scale().item())


def _loss(
    towers: Towers, batch: Batch, stage: Stage, loss_of: Loss, *, generator: torch.Generator, device: torch.device
) -> Tensor:
    wave = torch.from_numpy(batch.waves)  # (batch, samples)
    same = torch.from_numpy(batch.same)  # (batch, batch)
    ids, tokens = towers.tokens(batch.texts)
    if stage.alike is not None:
        same = torch.maximum(same, _alike(towers, ids, tokens, least=stage.alike).cpu())
    if torch.rand((), generator=generator) < stage.mix:
        wave, partner, share = mix_waves(wave, generator=generator)
        same = share[:, None] * same + (1.0 - share[:, None]) * same[partner]
    audio = towers.audio(
        wave.to(device),
        augment=lambda image: mask(image, frames=stage.mask_frames, mels=stage.mask_mels, generator=generator),
    )
    text = towers.text(ids, tokens, augment=lambda encoded: _stray(towers, encoded, stage.stray, generator=generator))
    return loss_of(audio, text, same.to(device), towers.scale())


def _stray(towers: Towers, encoded: Tensor, most: float, *, generator: torch.Generator) -> Tensor:
    """Moves each sentence's encoding (batch, dim) up to `most` of its length towards that of a random subword.

    What lies around a label's words then means the label too, as far as no other label is nearer: queries use words
    that no label has. Words are the directions in which queries differ; they fill only a part of the space.
    """
    if most == 0.0:
        return encoded
    words = torch.randint(towers.vocabulary, (len(encoded), 1), generator=generator).to(encoded.device)
    share = most * torch.rand(len(encoded), 1, generator=generator).to(encoded.device)
    direction = F.normalize(towers.text_encoder(words, torch.ones_like(words, dtype=torch.bool)), dim=-1)
    moved: Tensor = encoded + share * encoded.norm(dim=-1, keepdim=True) * direction
    return moved


def _alike(towers: Towers, ids: Tensor, tokens: Tensor, *, least: float) -> Tensor:
    """1.0 where two sentences mean nearly the same to the (frozen) text encoder, (batch, batch)."""
    with torch.no_grad():
        vectors = F.normalize(towers.text_encoder(ids, tokens), dim=-1)
        return (vectors @ vectors.T >= least).float()
