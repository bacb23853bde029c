"""The steps of a captioner's training: the next word, and self-critical sequence training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hark.caption.beam import greedy
from hark.caption.captions import Captions
from hark.caption.sample import sample
from hark.core.errors import HarkError
from hark.losses.scst import scst
from hark.metrics.cider import CiderD
from hark.models.captioning.network import Network
from hark.recipe.caption_stage import CaptionStage
from hark.recipe.captioner import Decoding
from hark.text.speller import Speller
from hark.train.caption_data import Described, Order, rows, tidy
from hark.train.loop import Step
from hark.train.optim import Rate

Visits = Sequence[tuple[int, int]]
LossOf = Callable[[Network, Visits, int, Generator], Tensor]
"""(network, (clip, sentence) of each row, step, generator) -> the loss of a batch."""


@dataclass
class CaptionState:
    """What must be kept so that a stage goes on as if it had never stopped.

    `best` is the best validation so far; `average` the mean of the weights at the ends of `averaged` epochs. No random
    state is kept: every step makes its own from (seed, step).
    """

    network: Network
    optimiser: torch.optim.Optimizer
    step: int = 0
    validations: list[float] = field(default_factory=list)
    average: dict[str, Tensor] | None = None
    averaged: int = 0

    def update_average(self) -> None:
        """Takes the weights as they are now into the mean."""
        now = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.averaged += 1
        if self.average is None:
            self.average = now
            return
        for name, mean in self.average.items():
            if mean.is_floating_point():
                mean.lerp_(now[name], 1.0 / self.averaged)


def take(state: CaptionState, stage: CaptionStage, order: Order, loss_of: LossOf) -> Iterator[Step]:
    """Takes the steps that are left of a stage (in steps: see `CaptionStage.resolved`), one for each item.

    Stop after any step, keep the state, and go on later: the result is the same as without the stop.

    Raises HarkError when the loss is no longer a number.
    """
    rate = Rate(stage.learning())
    network = state.network
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    first_averaged = stage.steps - (stage.averaged - 1) * order.steps_per_epoch
    while state.step < stage.steps:
        step = state.step
        seed = stage.seed * 1_000_003 + step
        torch.manual_seed(seed)  # dropout asks the global generator
        now = rate(step, state.validations)
        for group in state.optimiser.param_groups:
            group["lr"] = now * group["share"]
        state.optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network, order[step], step, Generator().manual_seed(seed))
        if not torch.isfinite(loss):
            raise HarkError(
                f"stage '{stage.name}', step {step}: the loss is {loss.item()}; lower lr or lengthen warmup"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        if stage.clip is not None:
            torch.nn.utils.clip_grad_norm_(learning, stage.clip)
        state.optimiser.step()
        state.step += 1
        ends = (stage.steps - state.step) % order.steps_per_epoch == 0
        if stage.keep == "average" and ends and state.step >= first_averaged:
            state.update_average()
        yield Step(step=step, loss=loss.item(), rate=now, scale=1.0)


class NextWord:
    """Cross entropy of the next word, with label smoothing, the mean over a batch's words."""

    def __init__(self, stage: CaptionStage, described: Described, speller: Speller) -> None:
        self.stage = stage
        self.described = described
        self.speller = speller
        self.ids = [[speller.encode(text) for text in texts] for texts in described.said]

    def __call__(self, network: Network, visits: Visits, step: int, generator: Generator) -> Tensor:
        """The loss of a batch."""
        stage, speller = self.stage, self.speller
        device = next(network.parameters()).device
        frames, lengths = (x.to(device) for x in self.described.frames([clip for clip, _ in visits]))
        captions = [self.ids[clip][sentence] for clip, sentence in visits]
        if stage.visit == "clips":  # one of the clip's sentences
            captions = [
                self.ids[clip][int(torch.randint(len(self.ids[clip]), (), generator=generator))] for clip, _ in visits
            ]
        given, wanted = (x.to(device) for x in rows(captions, start=speller.start, pad=speller.pad))
        share = 1.0 - (1.0 - stage.true_words) * step / stage.steps
        if share < 1.0:
            given = own_words(network, frames, lengths, given, share=share, generator=generator)
        network.train()
        logits = network(frames, lengths, given)
        counted = torch.tensor([len(ids) for ids in captions], device=device)[:, None]
        real = torch.arange(wanted.shape[1], device=device) < counted  # the pad may be the word that stops
        return F.cross_entropy(logits[real], wanted[real], label_smoothing=stage.smoothing)


def own_words(
    network: Network, frames: Tensor, lengths: Tensor, given: Tensor, *, share: float, generator: Generator
) -> Tensor:
    """The words (batch, t) that a decoder is given, of which a `share` stays and the others are what it says itself.

    Every word's lot is drawn by itself (Bengio et al. 2015). What it says is its likeliest word behind the words that
    it was given so far, without dropout; no gradient goes through the choice, so that the words are found first and
    then all learned from at once.
    """
    made = given.clone()
    stays = torch.rand(given.shape, generator=generator).to(given.device) < share
    every = torch.arange(len(given), device=given.device)
    network.eval()
    with torch.no_grad():
        stepper = network.stepper(network.memory(frames, lengths))
        likely = stepper.first()
        for place in range(1, given.shape[1]):
            made[:, place] = given[:, place].where(stays[:, place], likely.argmax(dim=1))
            if place + 1 < given.shape[1]:
                likely = stepper.step(made[:, place], every)
    return made


class Reward:
    """What captions drawn by chance gain in CIDEr-D over the greedy one, or each other; see `hark.losses.scst`.

    How rare words are is counted in the references of all training clips. (AudioCaption counts in those of the batch,
    and gives several captions of one clip the first one's score.)
    """

    def __init__(self, stage: CaptionStage, described: Described, speller: Speller, decoding: Decoding) -> None:
        self.stage = stage
        self.described = described
        self.speller = speller
        self.steps = decoding.steps
        self.references = described.references()
        self.cider = CiderD.of(self.references)

    def __call__(self, network: Network, visits: Visits, step: int, generator: Generator) -> Tensor:
        """The loss of a batch."""
        del step
        clips = [clip for clip, _ in visits]
        device = next(network.parameters()).device
        frames, lengths = (x.to(device) for x in self.described.frames(clips))
        network.eval()
        base = None
        if self.stage.baseline == "greedy":
            with torch.no_grad():
                said = greedy(
                    network.stepper(network.memory(frames, lengths)), stop=self.speller.stop, steps=self.steps,
                    pad=self.speller.pad,
                )  # fmt: skip
            base = self.worth(said, clips)  # (clips, 1)
        network.train(self.stage.dropout)
        drawn = sample(
            network.stepper(network.memory(frames, lengths)), stop=self.speller.stop, generator=generator,
            each=self.stage.samples, steps=self.steps, top_p=1.0, pad=self.speller.pad,
        )  # fmt: skip
        worth = self.worth(drawn, clips)  # (clips, samples)
        if base is None:
            base = (worth.sum(dim=1, keepdim=True) - worth) / (worth.shape[1] - 1)
        return scst(
            drawn.log_probabilities.flatten(0, 1), drawn.tokens.flatten(0, 1), (worth - base).flatten().to(device),
            end=self.speller.stop,
        )  # fmt: skip

    def worth(self, captions: Captions, clips: Sequence[int]) -> Tensor:
        """CIDEr-D of every caption, (clips, each)."""
        said = [tidy(self.speller.decode(ids)) for each in captions.lists() for ids in each]
        each = len(said) // len(clips)
        found = self.cider.score(said, [self.references[clip] for clip in clips for _ in range(each)])  # all at once
        return torch.from_numpy(found.reshape(len(clips), each))
