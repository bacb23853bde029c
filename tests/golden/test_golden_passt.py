"""PaSST's front end and networks, stride 10 and 16, against hear21passt's numbers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from golden_files import named
from numpy.typing import NDArray

from hark.audio.published_windows import scene_windows
from hark.models.towers import Towers

pytestmark = pytest.mark.golden

FAMILIES = ["passt_s10", "passt_s16"]
HEARD = [(family, name) for family in FAMILIES for name in named(family, "logits_(.+)")]


def said(g: Any, array: str) -> str:
    """What the description says of an array."""
    text: str = g.about["arrays"][array]["what"]
    return text


def front_end(g: Any, **changes: float) -> tuple[dict[str, Any], int]:
    """The settings of `passt_mel` and the rate that a family's description names."""
    number = {name: float(n) for name, n in re.findall(r"(\w+) (?:None -> )?(\d+(?:\.\d+)?)", g.about["mel"])}
    names = {"mels": "n_mels", "window": "win", "hop": "hop", "n_fft": "n_fft"}
    lengths = {ours: int(number[theirs]) for ours, theirs in names.items()}
    band = {"f_min_hz": number["fmin"], "f_max_hz": number["fmax"]}
    return {**lengths, **band, **changes}, int(number["sr"])


def mel(g: Any, wave: NDArray[np.float32], **changes: float) -> NDArray[np.float32]:
    """The front end's image as the original has it, (mels, frames), made with reproducible Fourier transforms.

    In 32 bits a transform is right to about 1e-7 of a frame's loudest partial. In a few of its quietest cells that is
    2e-4 after the logarithm, so two of MKL's code paths (AVX-512 and SSE, say) differ by more than the tolerance there,
    the original as well as ours. MKL chooses its path when it is first called, hence a process of its own.
    """
    settings, rate_hz = front_end(g, **changes)
    done = subprocess.run(
        [sys.executable, "-c", IMAGE, json.dumps({"settings": settings, "rate_hz": rate_hz})],
        input=wave.tobytes(),
        capture_output=True,
        env={**os.environ, "MKL_CBWR": "COMPATIBLE"},
        check=True,
    )
    return np.frombuffer(done.stdout, np.float32).reshape(-1, settings["mels"]).T


IMAGE = """
import json, sys
import torch
from hark.audio.features.passt_mel import Config

told = json.loads(sys.argv[1])
wave = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.float32)[None]
image = Config(**told["settings"]).build(rate_hz=told["rate_hz"])(wave)
sys.stdout.buffer.write(image.contiguous().numpy().tobytes())
"""


def recipe(g: Any, toml: Callable[[Any], str], output: str) -> str:
    """The recipe of the family's network, which gives `output`."""
    made = g.about["constructor"]
    features, rate_hz = front_end(g)
    encoder = {
        "name": "passt",
        "patch": made["patch_size"],
        "mel_stride": made["stride"][0],
        "frame_stride": made["stride"][1],
        "frames": made["img_size"][1],
        "width": made["embed_dim"],
        "depth": made["depth"],
        "heads": made["num_heads"],
        "classes": made["num_classes"],
        "output": output,
    }
    dim = {"embedding": made["embed_dim"], "logits": made["num_classes"]}
    audio = {
        "rate_hz": rate_hz,
        "window_s": long_windows(g)[0],
        "short": "keep",
        "features": {"name": "passt_mel", **features},
        "encoder": encoder,
        "head": {"name": "identity"},
    }
    return f'about = "golden"\ndim = {dim.get(output, sum(dim.values()))}\naudio = {toml(audio)}'


def towers(g: Any, toml: Callable[[Any], str], output: str) -> Towers:
    """The family's network, which gives `output`."""
    found: Towers = g.towers(recipe(g, toml, output), family="passt")
    return found


def embed(model: Towers, waves: NDArray[np.float32]) -> torch.Tensor:
    """(batch, samples) -> what the encoder gives, (batch, dim)."""
    return model.hear(torch.from_numpy(waves)).embedding


def long_windows(g: Any) -> tuple[float, float]:
    """How long the windows of a long sound are, and how far apart, in seconds."""
    window_s, hop_s = re.findall(r"([\d.]+) s window, hop ([\d.]+) s", said(g, "windows_long"))[0]
    return float(window_s), float(hop_s)


def found_number(pattern: str, text: str, *, otherwise: int | None) -> int | None:
    """The number in a description, or `otherwise` where it names none."""
    found = re.search(pattern, text)
    return int(found[1]) if found else otherwise


def test_the_front_end(golden: Callable[[str], Any]) -> None:
    """In normalised units: 1e-4 at any place."""
    g = golden("passt_s10")  # passt_s16 hears the same waves with the same front end
    names = [name for name in g.arrays if name.startswith("mel_")]
    assert names
    for name in names:
        wave = g.waves[name.split("_")[1]][: found_number(r"\[:(\d+)\]", said(g, name), otherwise=None)]
        top = found_number(r"fmax(\d+)", name, otherwise=None)
        step = found_number(r"frames 0::(\d+)", said(g, name), otherwise=1)
        image = mel(g, wave) if top is None else mel(g, wave, f_max_hz=float(top))
        np.testing.assert_allclose(image[:, ::step], g[name], atol=1e-4, rtol=0, err_msg=name)


@pytest.mark.parametrize(("family", "wave"), HEARD)
def test_logits_and_embedding(
    golden: Callable[[str], Any], toml: Any, near: Callable[..., None], family: str, wave: str
) -> None:
    g = golden(family)
    waves = g.waves[wave][None]
    heard = towers(g, toml, "embedding").hear(torch.from_numpy(waves))
    near(heard.logits, g[f"logits_{wave}"])
    near(heard.embedding, g[f"features_{wave}"])
    near(embed(towers(g, toml, "both"), waves), g[f"scene_{wave}"])
    if f"mode_logits_{wave}" in g.arrays:
        near(embed(towers(g, toml, "logits"), waves), g[f"mode_logits_{wave}"])
        near(heard.embedding, g[f"mode_embed_only_{wave}"])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_long_sound(golden: Callable[[str], Any], toml: Any, near: Callable[..., None], family: str) -> None:
    g = golden(family)
    window_s, hop_s = long_windows(g)
    rate_hz = front_end(g)[1]
    windows, moments = scene_windows(g.waves["long"], rate_hz, window_s=window_s, hop_s=hop_s)
    found = embed(towers(g, toml, "both"), windows.copy())
    near(found, g["windows_long"])
    near(found.mean(dim=0, keepdim=True), g["scene_long"])
    np.testing.assert_array_equal(moments, g["windows_time_ms_long"])


def test_moments(golden: Callable[[str], Any], toml: Any, near: Callable[..., None]) -> None:
    g = golden("passt_s10")
    (name,) = named("passt_s10", "timestamp_embeddings_(.+)")
    text = said(g, f"timestamp_embeddings_{name}")
    window_ms, hop_ms = (float(n) for n in re.findall(r"window (\d+) ms, hop (\d+) ms", text)[0])
    rate_hz = front_end(g)[1]
    windows, moments = scene_windows(g.waves[name], rate_hz, window_s=window_ms / 1000, hop_s=hop_ms / 1000)
    near(embed(towers(g, toml, "both"), windows.copy()), g[f"timestamp_embeddings_{name}"])
    np.testing.assert_array_equal(moments, g[f"timestamp_ms_{name}"])
