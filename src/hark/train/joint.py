"""A step's batch on its way through the towers to the loss: what is changed, embedded and compared."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hark.audio.augment import blend, mask, mix_waves, noise, shift, stripes
from hark.data.batches import Batch
from hark.losses.triplet import impostors
from hark.models.towers import Towers
from hark.recipe import Stage
from hark.text.mask import mask_tokens, special_tokens
from hark.train.by_row import ByRow
from hark.train.gather import gather, gather_all
from hark.train.local import local
from hark.train.needs import Loss
from hark.train.together import Answers, together
from hark.train.world import ALONE, World

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Embed(nn.Module):
    """The towers as training calls them: one call for all that a loss needs, so that it can be spread over processes.

    What chance does to a row depends on its seed and its number in the whole batch alone (`hark.train.by_row`), so
    the rows may come in parts. Features are made in 32 bits, whatever the stage's precision, and so are the results.
    """

    def __init__(self, towers: Towers, stage: Stage) -> None:
        super().__init__()
        self.towers = towers
        self.stage = stage

    def forward(
        self,
        wave: Tensor,
        mixed: Tensor | None,
        ids: Tensor,
        mask: Tensor,
        *,
        seed: int,
        row: int,
        first_text: int,
        needs: frozenset[str],
    ) -> dict[str, Tensor]:
        """Unit vectors of sounds and sentences, and the learned numbers, by the names that losses call them.

        `row` and `first_text` are the numbers of the first sound and sentence in the whole batch.
        """
        towers, device = self.towers, wave.device
        precision = PRECISIONS[self.stage.precision]
        reduced = torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32)
        torch.manual_seed(seed)  # what is drawn for all rows together
        rows = range(row, row + len(wave))
        numbers = rows if mixed is None else [*rows, *(-1 - r for r in rows)]
        with ByRow(2 * seed, numbers), contextlib.ExitStack() as on:

            def change_image(image: Tensor) -> Tensor:
                image = self._mask(image)
                on.enter_context(reduced)
                return image

            both = wave if mixed is None else torch.cat([wave, mixed])
            audio = towers.audio(both, augment=change_image).float()
        texts = range(first_text, first_text + len(ids))
        with ByRow(2 * seed + 1, texts), reduced:
            text = towers.text(ids, mask, augment=lambda encoded: _stray(towers, encoded, self.stage.stray)).float()
        found = {"audio": audio, "text": text}
        if mixed is not None:
            found["audio"], found["mixed"] = audio[: len(wave)].clone(), audio[len(wave) :].clone()
        found["scale"] = towers.scale()
        if hasattr(towers, "bias"):
            found["bias"] = towers.bias.clone()  # DDP looks for it among what was computed
        if hasattr(towers, "audio_branch") and "audio_branch" in needs:
            with ByRow(2 * seed + 1, rows, turn=1 << 20) as drawn, reduced:
                found["audio_branch"] = towers.audio_branch(found["audio"]).float()
            with ByRow(2 * seed + 1, texts, turn=drawn.turn), reduced:
                found["text_branch"] = towers.text_branch(found["text"]).float()
            found["branch_scale"] = towers.branch_scale()
        return {name: made for name, made in found.items() if name in needs}

    def _mask(self, image: Tensor) -> Tensor:
        stage, generator = self.stage, torch.default_generator  # which ByRow stands for
        if not stage.mask_frames and not stage.mask_mels:
            return image  # which may be a wave, of towers that make their own image
        if stage.mask_stripes > 1:
            return stripes(
                image, frames=stage.mask_frames, mels=stage.mask_mels, count=stage.mask_stripes, generator=generator
            )
        return mask(image, frames=stage.mask_frames, mels=stage.mask_mels, generator=generator)


@dataclass(frozen=True)
class Joint:
    """What goes into the towers, and what the loss is given beside their vectors.

    `wave` (n, samples), `mixed` another such one or None; `ids`, `mask` (m, tokens): this process's rows. `given` is of
    the whole batch. `seed` makes all that is drawn the same whenever these rows are embedded, `row` is the number of
    the first of them in the whole batch. Where sounds have several sentences each, `owners` (m,) are these sounds'
    places in `wave`, `first_text` is the number of the first sentence, and `counts` are those of every process.
    """

    embed: nn.Module
    stage: Stage
    loss_of: Loss
    wave: Tensor
    mixed: Tensor | None
    ids: Tensor
    mask: Tensor
    given: dict[str, Any]
    seed: int
    row: int = 0
    world: World = ALONE
    owners: Sequence[int] = ()
    first_text: int = 0
    counts: Sequence[int] = ()

    def vectors(self) -> dict[str, Tensor]:
        """Unit vectors of sounds and sentences, and the learned numbers, by the names that losses call them."""
        device = self.ids.device
        mixed = None if self.mixed is None else self.mixed.to(device)
        wave = self.wave.to(device)
        needs = self.loss_of.needs
        made: dict[str, Tensor] = self.embed(
            wave, mixed, self.ids, self.mask, seed=self.seed, row=self.row, first_text=self.first_text, needs=needs
        )
        return made

    def loss(self, vectors: dict[str, Tensor]) -> Tensor:
        """The loss of the batch, given this process's vectors; what each process computes of it, the stage says.

        Raises SettingError where the loss needs what the recipe does not have.
        """
        counts = dict.fromkeys(("text", "text_branch"), self.counts) if self.counts else {}
        given = {**self.given, **gather_all(vectors, self.world, counts)}
        if self.stage.negatives == "global":
            return self.loss_of(given)
        rows = slice(self.row, self.row + len(self.wave))
        texts = slice(self.first_text, self.first_text + len(self.ids))
        return local(self.loss_of, given, rows, self.world.size, texts=texts)


def joint(
    embed: nn.Module,
    towers: Towers,
    batch: Batch,
    stage: Stage,
    loss_of: Loss,
    *,
    step: int,
    world: World = ALONE,
    answers: Answers | None = None,
) -> Joint:
    """A step's batch, changed as the stage says; the same whenever it is made, and on however many processes.

    `embed` is the towers' `Embed`, or what spreads it over processes; `batch` this process's part. `answers` say what
    is right for what in a batch of several processes, where it is not what the batch's own words and groups say.

    Raises DataError, SettingError.
    """
    seed = stage.seed * 1_000_003 + step
    generator = torch.Generator().manual_seed(seed)
    device = next(towers.parameters()).device
    wave = torch.from_numpy(batch.waves)  # (n, samples)
    row = world.rank * len(wave)
    ours = slice(row, row + len(wave))
    whole = together(batch, world, answers)
    same = torch.from_numpy(whole.same)  # (n, m) of all processes
    ids, tokens = towers.tokens(batch.texts)
    first_text, counts = sum(whole.counts[: world.rank]), whole.counts if batch.owners else ()
    if stage.alike is not None:
        alike = _alike(towers, ids, tokens, least=stage.alike, world=world, counts=counts).cpu()  # (m, m)
        owners = torch.tensor(whole.owners)[:, None].expand_as(alike)
        same = torch.maximum(same, torch.zeros_like(same).scatter_reduce(0, owners, alike, "amax"))
    if world.size > 1 and batch.lengths:  # silence behind the longest of all processes
        wave = F.pad(wave, (0, max(world.collect(wave.shape[1])) - wave.shape[1]))
    if torch.rand((), generator=generator) < stage.mix:
        every, partner, share = mix_waves(gather(wave, world), generator=generator)
        same = share[:, None] * same + (1.0 - share[:, None]) * same[partner]
        wave = every[ours]
    with ByRow(-1 - seed, range(row, row + len(wave))):
        if stage.shift:
            wave = shift(wave, most=wave.shape[1] // 2, generator=generator)
        if stage.noise_db is not None:
            wave = noise(wave, least_db=stage.noise_db, most_db=stage.noise_db + 20.0, generator=generator)
    if stage.mask_tokens:
        special = special_tokens(towers.tokenizer.json)
        with ByRow(-1 - seed, range(first_text, first_text + len(ids)), turn=1 << 20):
            ids = mask_tokens(ids, tokens, special=special, share=stage.mask_tokens, generator=generator)
    given: dict[str, Any] = {"positives": same.to(device)}
    mixed = None
    if "mixed" in loss_of.needs:
        every, partner, share = blend(gather(wave, world), generator=generator)
        mixed = every[ours]
        given |= {"partner": partner.to(device), "share": share.to(device)}
    if "audio_impostor" in loss_of.needs:
        draws = np.random.default_rng([stage.seed, step])
        sounds, sentences = impostors(given["positives"], lambda n: int(draws.integers(n)))
        given |= {"audio_impostor": sounds, "text_impostor": sentences}
    return Joint(
        embed, stage, loss_of, wave, mixed, ids, tokens, given, seed, row, world, batch.owners, first_text, counts
    )


def parts(batch: Joint, size: int) -> Sequence[Joint]:
    """The batch in parts of `size` sounds and what is said of them."""
    made = []
    for at in range(0, len(batch.wave), size):
        texts = slice(at, at + size)
        if batch.owners:
            texts = slice(*(bisect.bisect_left(batch.owners, place) for place in (at, at + size)))
        part = dataclasses.replace(
            batch,
            wave=batch.wave[at : at + size],
            mixed=None if batch.mixed is None else batch.mixed[at : at + size],
            ids=batch.ids[texts],
            mask=batch.mask[texts],
            row=batch.row + at,
            first_text=batch.first_text + texts.start,
        )
        made.append(part)
    return made


def _stray(towers: Towers, encoded: Tensor, most: float) -> Tensor:
    """Moves each sentence's encoding (batch, dim) up to `most` of its length towards that of a random subword.

    What lies around a label's words then means the label too, as far as no other label is nearer: queries use words
    that no label has. Words are the directions in which queries differ; they fill only a part of the space.
    """
    if most == 0.0:
        return encoded
    words = torch.randint(towers.vocabulary, (len(encoded), 1)).to(encoded.device)
    share = most * torch.rand(len(encoded), 1).to(encoded.device)
    direction = F.normalize(towers.text_encoder(words, torch.ones_like(words, dtype=torch.bool)), dim=-1)
    moved: Tensor = encoded + share * encoded.norm(dim=-1, keepdim=True) * direction
    return moved


def _alike(towers: Towers, ids: Tensor, tokens: Tensor, *, least: float, world: World, counts: Sequence[int]) -> Tensor:
    """1.0 where two sentences mean nearly the same to the (frozen) text encoder, (m, m) of all processes."""
    with torch.no_grad():
        vectors = gather(F.normalize(towers.text_encoder(ids, tokens), dim=-1), world, counts or None)
        return (vectors @ vectors.T >= least).float()
