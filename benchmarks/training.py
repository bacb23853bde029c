"""The same training twice: hark's steps, and a plain loop around `transformers.ClapModel` of the same sizes.

Waves and sentences are random and in memory; weights are random. Both sides tokenise with one tokenizer, make log-mel
images from the waves, go through HTS-AT and RoBERTa and two heads, compare all with all, clip the gradient's length and
take a step of AdamW over all weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from hark import recipe as recipes
from hark.data.batches import Batch
from hark.models.towers import Towers
from hark.recipe import Recipe, Stage
from hark.text.vocabulary import make_vocabulary
from hark.train.loop import train
from hark.train.state import start
from hark.train.world import World

RATE_HZ = 48000
PAD = 1  # RoBERTa's
LR, DECAY, LONGEST, EPS, BETAS = 1e-4, 0.01, 5.0, 1e-8, (0.9, 0.999)


@dataclass(frozen=True)
class Size:
    """The sizes of both models: LAION-CLAP's htsat-tiny with RoBERTa-base, unless told otherwise."""

    window_s: float = 10.0
    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    text_width: int = 768
    text_layers: int = 12
    text_heads: int = 12
    dim: int = 512
    words: int = 16  # of a sentence
    vocabulary: int = 50265

    @property
    def samples(self) -> int:
        """Of a clip."""
        return round(self.window_s * RATE_HZ)


SMALL = Size(1.0, 8, (1, 1), (1, 2), 16, 1, 1, 8, 6, 600)
"""Trains in a moment, for smoke tests."""


@dataclass(frozen=True)
class Took:
    """Seconds of a step: by the clock, of this process alone, and by the clock of the features in it."""

    wall_s: float
    cpu_s: float
    features_s: float


@dataclass(frozen=True)
class Side:
    """One of the two: `step` takes its next step and says what it took; `parameters` are those that learn."""

    step: Callable[[], Took]
    parameters: int


@dataclass(frozen=True)
class Data:
    """Batches of noise and of sentences of random words; some are made, which then come again and again."""

    size: Size
    batch: int
    tokenizer: str
    made: list[Batch] = field(default_factory=list)

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        return self.made[step % len(self.made)]


def make_data(size: Size, batch: int, *, distinct: int = 2) -> Data:
    """Seeded noise and words."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(500)]
    # RoBERTa's first numbers are for the beginning, padding and the end.
    vocabulary = make_vocabulary([], words=["[start]", "[pad]", "[end]", *words], size=size.vocabulary)
    made = []
    for _ in range(distinct):
        texts = tuple(" ".join(rng.choice(words, size.words)) for _ in range(batch))
        waves = 0.1 * rng.standard_normal((batch, size.samples), dtype=np.float32)
        made.append(Batch(waves, texts, np.eye(batch, dtype=np.float32)))
    return Data(size, batch, vocabulary, made)


def recipe_of(size: Size) -> Recipe:
    """LAION-CLAP's recipe at that size, without what ClapModel lacks: branches, classes, dropped paths."""
    network = {
        "hidden_size": size.text_width,
        "intermediate_size": 4 * size.text_width,
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": size.text_heads,
        "vocab_size": size.vocabulary,
    }
    changes = ["branches=none", "compat=none", f"dim={size.dim}", f"audio.window_s={size.window_s}"]
    changes += [f"text.encoder.network.{name}={value}" for name, value in network.items()]
    audio = {"width": size.width, "depths": list(size.depths), "heads": list(size.heads), "classes": 0}
    changes += [f"audio.encoder.{name}={value}" for name, value in (audio | {"drop_path": 0.0}).items()]
    return recipes.load("laion/htsat-tiny", changes=changes)


def stage_of(batch: int, **more: Any) -> Stage:
    """A stage that never ends, at one learning rate."""
    settings = {"steps": 1 << 30, "warmup": 0, "lr": LR, "weight_decay": DECAY, "clip": LONGEST} | more
    settings["optimiser"] = {"name": "adamw", "beta1": BETAS[0], "beta2": BETAS[1], "eps": EPS}
    return Stage(name="speed", batch=batch, schedule={"name": "constant"}, **settings)


def hark_side(data: Data, *, device: str = "cpu", **stage: Any) -> Side:
    """Steps of hark's own loop, as `hark train` takes them; `stage` are further settings."""
    torch.manual_seed(0)
    towers = recipe_of(data.size).build()
    towers.text_encoder.bring(data.tokenizer)  # type: ignore[operator]
    settings = stage_of(data.batch, **stage)
    steps = train(start(towers, settings, world=World(device=torch.device(device))), data, settings)
    watched = _watched(towers)

    def step() -> Took:
        watched.clear()
        return _timed(lambda: next(steps) and sum(watched), device)

    return Side(step, _count(towers))


def plain_side(data: Data, *, device: str = "cpu", fused: bool = False) -> Side:
    """The loop that one writes around `transformers.ClapModel`, with its ClapFeatureExtractor."""
    from transformers import ClapFeatureExtractor

    torch.manual_seed(0)
    model = clap(data.size).to(device).train()
    kept = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": kept, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=LR, betas=BETAS, eps=EPS, fused=fused or None)
    tokenizer = Tokenizer.from_str(data.tokenizer)
    tokenizer.enable_padding(pad_id=PAD, pad_token="[pad]")
    extractor = ClapFeatureExtractor(truncation="rand_trunc", max_length_s=int(data.size.window_s))
    numbers = iter(range(1 << 30))

    def step() -> float:
        began = time.perf_counter()
        batch = data(next(numbers))
        heard = extractor(list(batch.waves), sampling_rate=RATE_HZ, return_tensors="pt")["input_features"]
        features_s = time.perf_counter() - began
        read = tokenizer.encode_batch(list(batch.texts))
        ids = torch.tensor([one.ids for one in read], device=device)
        mask = torch.tensor([one.attention_mask for one in read], device=device)
        optimiser.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, attention_mask=mask, input_features=heard.to(device), return_loss=True).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), LONGEST)
        optimiser.step()
        assert np.isfinite(loss.item())
        return features_s

    return Side(lambda: _timed(step, device), _count(model))


def clap(size: Size) -> Any:
    """ClapModel at that size, with random weights."""
    from transformers import ClapConfig, ClapModel

    audio = {
        "patch_embeds_hidden_size": size.width,
        "hidden_size": size.width * 2 ** (len(size.depths) - 1),
        "depths": list(size.depths),
        "num_attention_heads": list(size.heads),
        "projection_dim": size.dim,
    }
    text = {
        "hidden_size": size.text_width,
        "intermediate_size": 4 * size.text_width,
        "num_hidden_layers": size.text_layers,
        "num_attention_heads": size.text_heads,
        "vocab_size": size.vocabulary,
        "projection_dim": size.dim,
    }
    return ClapModel(ClapConfig(audio_config=audio, text_config=text, projection_dim=size.dim))


def _timed(step: Callable[[], float], device: str) -> Took:
    """What a step took; it returns the seconds of its features."""
    wall, cpu = time.perf_counter(), time.process_time()
    features_s = step()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return Took(time.perf_counter() - wall, time.process_time() - cpu, features_s)


def _watched(towers: Towers) -> list[float]:
    """The seconds of each call of the front end from here on."""
    calls: list[float] = []
    began: list[float] = []
    towers.features.register_forward_pre_hook(lambda *_: began.append(time.perf_counter()))
    towers.features.register_forward_hook(lambda *_: calls.append(time.perf_counter() - began.pop()))
    return calls


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
