"""One stage of training, as a recipe writes it: data, loss, optimiser, schedule, augmentation, what is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hark.audio.window import Short
from hark.data.positives import Positives

Table = Mapping[str, Any]


@dataclass(frozen=True)
class CorpusSpec:
    """A corpus in a stage: the component's own settings, and how often each of its clips is seen in an epoch.

    `weight` gives it that share of an epoch instead, whatever its size; then all corpora of the stage need one.
    `also` is a second corpus of the same sounds, by their ids, that has other sentences: with the chance `also_chance`
    a visit to a clip takes one of those instead (Clotho-GPT, LY 2024, section 5.1).
    """

    corpus: Table
    repeat: int = 1
    weight: float | None = None
    say: tuple[str, ...] = ("{caption}", "{label}")
    where: Mapping[str, str] = field(default_factory=dict)  # { fold = "4,5" } or { fold = "!=4" }
    kind: str | None = None  # of a stage that tags: the task whose classes these are; None: the corpus's name
    label: str = "{label}"  # ... what a clip's classes are: "{label}", or "{column}" of the corpus
    loss: Table | None = None  # ... the task's loss, where it is not the stage's
    also: Table | None = None
    also_chance: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.also_chance <= 1.0:
            raise ValueError(f"also_chance is {self.also_chance}; it is a share, between 0 and 1")
        if (self.also is None) != (self.also_chance == 0.0):
            raise ValueError("also: give the corpus and also_chance, or neither")


@dataclass(frozen=True)
class GroupSpec:
    """Parts that learn at `rate` times the stage's learning rate: "audio_encoder", "text_encoder.network.encoder".

    `layer_decay` stands instead of the stage's; 1 is without.
    """

    parts: tuple[str, ...]
    rate: float
    layer_decay: float | None = None

    def __post_init__(self) -> None:
        _refuse_decay(self.layer_decay)


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Where `epochs`, `warmup_epochs` or `valid_epochs` are given they stand instead of `steps`, `warmup` and
    `valid_every`, and become steps when the data is there (`resolved`). A learning rate rises in a line from 0 to `lr`
    in the warm-up; then the schedule has it.
    """

    name: str
    task: Literal["contrast", "distil", "tag"] = "contrast"
    seed: int = 0

    # data
    corpora: tuple[CorpusSpec, ...] = ()
    texts: tuple[str, ...] = ()  # files of sentences, for a stage without sound
    teacher: str | None = None  # a folder or hub name of the sentence encoder to distil
    batch: int = 64
    one_corpus: bool = False  # every batch from one corpus
    captions: Literal["one", "all"] = "one"  # of a clip, at a visit: one of its sentences, or all, which are all right
    positives: Positives = "labels"  # true of a clip beside its own sentences: those of "labels" alike, equal ones
    bucket: int = 0  # with short = "keep": so many batches are sorted by length together, for less silence
    short: Short = "repeat"  # what fills a sound that is shorter than the window
    gain_db: float = 6.0  # louder or softer by up to this
    fold: Mapping[str, str] = field(default_factory=dict)  # { fold = "4" }: those are validated on
    precompute: bool | None = None  # keep what frozen encoders make on disk; None: where it changes nothing
    exclude: tuple[str, ...] = ()  # files that `hark data check` wrote: clips that must not be trained on

    # loss
    loss: Table = field(default_factory=lambda: {"name": "infonce"})
    teachers: tuple[str, ...] = ()  # models whose mean cosine the loss 'soft' learns: names, files, or "stage:NAME"
    alike: float | None = None  # texts whose frozen encodings are at least this alike (cosine) count as the same

    # optimisation
    steps: int = 1000
    epochs: float | None = None
    lr: float = 1e-3
    warmup: int = 100  # steps
    warmup_epochs: float | None = None
    optimiser: Table = field(default_factory=lambda: {"name": "adamw"})
    schedule: Table = field(default_factory=lambda: {"name": "cosine"})
    weight_decay: float = 0.01
    groups: tuple[GroupSpec, ...] = ()
    layer_decay: float = 1.0  # layer i of an encoder's n learns at this^(n - i) of the rate (`hark.train.optim`)
    freeze: tuple[str, ...] = ()  # parts that do not learn: "text_encoder", ...
    clip: float | None = 5.0  # the longest gradient
    chunk: int | None = None  # clips that go through the towers at a time; the loss still sees the whole batch
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"  # of what the towers compute; weights and the loss stay in 32
    checkpointing: bool = False  # the towers' layers are run again for their gradients: less memory, more time
    compile: bool = False  # the encoders go through torch.compile

    # several processes (`torchrun`), `batch` being that of all together
    negatives: Literal["global", "local"] = "global"  # each computes the whole loss, or that of its rows against all
    shard: Literal["ddp", "fsdp"] = "ddp"  # each has all weights, or a part of every tensor

    # augmentation
    stray: float = 0.0  # how far, at most, a sentence's encoding is moved towards a random word, in its own length
    mix: float = 0.0  # share of batches whose waves are mixed in pairs
    mask_frames: int = 0  # SpecAugment: longest masked stretch, in frames
    mask_mels: int = 0  # SpecAugment: widest masked band, in mel bins
    mask_stripes: int = 1  # SpecAugment: how many stretches and bands
    mask_tokens: float = 0.0  # share of a sentence's tokens that are hidden
    noise_db: float | None = None  # white noise so many decibels below the sound, or softer
    shift: bool = False  # sounds begin anywhere, their beginning comes behind their end

    # what is kept
    valid: tuple[CorpusSpec, ...] = ()  # what the weights are chosen on; none: the last weights are kept
    valid_every: int = 500  # steps
    valid_epochs: float | None = None
    metric: Literal["map_at_10", "accuracy", "loss", "map"] = "map_at_10"  # "map", over the labels: stages that tag
    onward: Literal["last", "best"] = "last"  # what the next stage begins with; "best" of several is their average
    watch: Literal["map_at_10", "accuracy", "loss"] | None = None  # what the schedule goes by; None: `metric`
    best: int = 1  # so many of the best weights are averaged into the result
    soup: Literal["uniform", "greedy"] = "uniform"  # ... all of them, or from the best on each that does not lower it
    members: bool = False  # the best weights are not averaged, but kept as models of their own, for an ensemble
    hold_out: tuple[CorpusSpec, ...] = ()  # no recording of these or `valid` is trained on: file, Freesound id, video
    tensorboard: Literal[True, False, "auto"] = "auto"  # event files in the run's folder; "auto": where it is installed
    average: float | None = None  # decay of the running average of the weights, which is then validated and kept

    def __post_init__(self) -> None:
        least = {
            "steps": 1, "batch": 2, "warmup": 0, "valid_every": 1, "mask_frames": 0, "mask_mels": 0, "mask_stripes": 1,
            "seed": 0, "best": 1, "bucket": 0,
        }  # fmt: skip
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ValueError(f"{name} is {getattr(self, name)}; give {lowest} or more")
        for name in ("lr", "epochs", "valid_epochs", "clip", "chunk"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("stray", "gain_db", "warmup_epochs", "weight_decay"):
            if getattr(self, name) is not None and getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give 0 or more")
        for name in ("mix", "mask_tokens"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, between 0 and 1")
        _refuse_decay(self.layer_decay)
        if self.average is not None and not 0.0 < self.average < 1.0:
            raise ValueError(f"average is {self.average}; it is a decay, between 0 and 1")
        if self.best > 1 and not self.valid:
            raise ValueError("best: nothing to choose by; give valid as well")
        if self.members and self.best == 1:
            raise ValueError("members: there is one best, and no ensemble of it; raise best")
        if self.soup == "greedy" and (self.best == 1 or self.members):
            raise ValueError("soup: there is nothing to choose from; raise best, and leave members out")
        if self.bucket and self.short != "keep":
            raise ValueError('bucket: every sound fills its window; give short = "keep", or leave bucket out')
        weighted = [spec.weight is not None for spec in self.corpora]
        if any(weighted) and not all(weighted):
            raise ValueError("weight: give one to every corpus of the stage, or to none")

    def resolved(self, steps_per_epoch: int) -> Stage:
        """The stage with everything in steps, where an epoch has so many."""
        changed: dict[str, Any] = {"epochs": None, "warmup_epochs": None, "valid_epochs": None}
        if self.epochs is not None:
            changed["steps"] = max(1, round(self.epochs * steps_per_epoch))
        if self.warmup_epochs is not None:
            changed["warmup"] = round(self.warmup_epochs * steps_per_epoch)
        if self.valid_epochs is not None:
            changed["valid_every"] = max(1, round(self.valid_epochs * steps_per_epoch))
        return dataclasses.replace(self, **changed)


def _refuse_decay(decay: float | None) -> None:
    if decay is not None and not 0.0 < decay <= 1.0:
        raise ValueError(f"layer_decay is {decay}; give more than 0, and 1 at most")
