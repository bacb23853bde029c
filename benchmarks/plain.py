"""The loop over files that one writes without hark: soundfile, soxr, and a model from transformers.

The weights are random, and nothing is fetched: speed does not depend on them. One clip at a time, because on a
processor that is quicker for this model than batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

from benchmarks.watch import Watch
from hark.runtime.model import Model

Listen: TypeAlias = Callable[[NDArray[np.float32], Watch], NDArray[np.float32]]
"""A mono wave at the model's rate -> vectors (clips, dim)."""


@dataclass(frozen=True)
class PlainModel:
    """A model as the loop sees it."""

    rate_hz: int
    parameters: int  # of the audio tower
    listen: Listen


CLAP_HZ = 48000
CLIP = 10 * CLAP_HZ  # samples

# A CLAP that is built and run in a moment, for smoke tests.
SMALL_AUDIO = {"depths": [1, 1], "num_attention_heads": [1, 2], "patch_embeds_hidden_size": 8, "hidden_size": 16}
SMALL_TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}


def plain_loop(files: Sequence[Path], model: PlainModel, *, to: Path) -> dict[str, float]:
    """Saves the vectors of the files as one array; returns the seconds that each stage took."""
    watch = Watch()
    vectors = []
    for path in files:
        with watch.on("decode"):
            sound, own_hz = soundfile.read(path, dtype="float32", always_2d=True)
            mono = sound.mean(axis=1)
        with watch.on("resample"):
            wave = soxr.resample(mono, own_hz, model.rate_hz)
        vectors.append(model.listen(wave, watch))
    with watch.on("store"):
        np.save(to, np.concatenate(vectors))
    return dict(watch.seconds)


def clap(*, small: bool = False) -> PlainModel:
    """The CLAP of ClapConfig: an HTSAT, clips of 10 s one after the other."""
    config = ClapConfig(audio_config=SMALL_AUDIO, text_config=SMALL_TEXT) if small else ClapConfig()
    model = ClapModel(config).eval()
    extractor = ClapFeatureExtractor(truncation="rand_trunc")  # as that of the checkpoints without fusion

    def listen(wave: NDArray[np.float32], watch: Watch) -> NDArray[np.float32]:
        rows = []
        for start in range(0, len(wave), CLIP):
            with watch.on("features"):
                inputs = extractor(wave[start : start + CLIP], sampling_rate=CLAP_HZ, return_tensors="pt")
            with watch.on("tower"), torch.inference_mode():
                rows.append(model.get_audio_features(**inputs).pooler_output.numpy())
        return np.concatenate(rows)

    return PlainModel(CLAP_HZ, _count(model.audio_model, model.audio_projection), listen)


def same_model(model: Model) -> PlainModel:
    """hark's own model, used in the same plain way: one window after the other, whole files in memory."""
    audio = model.recipe.audio
    hop = round((audio.hop_s or audio.window_s / 2) * audio.rate_hz)

    def listen(wave: NDArray[np.float32], watch: Watch) -> NDArray[np.float32]:
        rows = []
        for start in range(0, max(1, len(wave) - audio.samples + 1), hop):
            with watch.on("tower"):
                rows.append(model.embed_waves(np.resize(wave[start : start + audio.samples], (1, audio.samples))))
        return np.concatenate(rows)

    return PlainModel(audio.rate_hz, _count(model.towers.audio_encoder, model.towers.audio_head), listen)


def _count(*modules: torch.nn.Module) -> int:
    return sum(tensor.numel() for module in modules for tensor in module.parameters())
