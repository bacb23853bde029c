"""Sizes and speed of every tower, with random weights: `python -m benchmarks.towers`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fresh import fresh, peak_mb
from benchmarks.machine import machine
from hark import recipe as recipes
from hark.core.errors import HarkError, WeightsError
from hark.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "towers.json"
PUBLISHED = Path(__file__).parent / "published_sizes.toml"
TEXTS = Path(__file__).parent / "text_towers.toml"
WITHIN = 0.02  # of the published number of parameters
MEMORY_MB = 24_000  # that no tower may take
TOKENS = 77  # of the sentence that a text tower reads, or as many as it has room for


@dataclass(frozen=True)
class Published:
    """What a paper says of a system's size: millions of parameters, of which part of it, and where that stands.

    `fixed_millions` of them are never learned, and no parameters of ours.
    """

    millions: float
    part: str  # "all", "audio" or "text" (the encoder)
    source: str
    fixed_millions: float = 0.0

    def off(self, everything: float, audio: float, text: float) -> float:
        """By what share the paper's number is missed."""
        ours = {"all": everything, "audio": audio, "text": text}[self.part]
        return abs(ours + self.fixed_millions - self.millions) / self.millions


@dataclass(frozen=True)
class Work:
    """One forward: 10^9 multiply-adds, its seconds, and the most memory that the process held."""

    gmacs: float
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Size:
    """A recipe's towers: millions of parameters, 10^9 multiply-adds and speed for one window, peak memory.

    `text_gmacs` and `text_ms` are those of one sentence of 77 tokens.
    """

    name: str
    all_millions: float
    audio_millions: float
    text_millions: float
    gmacs: float
    window_s: float
    real_time: float
    text_gmacs: float
    text_ms: float
    peak_mb: float


def published() -> dict[str, Published]:
    """The sizes that papers give, by recipe, or by the name of a text tower that no recipe has."""
    table = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    return {name: Published(**entry) for name, entry in table.items()}


def texts() -> dict[str, Mapping[str, Any]]:
    """The text towers that can be named in a recipe and stand in none, by name."""
    return tomllib.loads(TEXTS.read_text(encoding="utf-8"))


def parameters(name: str) -> tuple[float, float, float]:
    """Millions of learned numbers of a recipe's towers, and of its encoders, counted without making them."""
    import torch

    from hark.runtime.load import load

    if name in texts():
        with torch.device("meta"):
            alone = _millions(_text_tower(texts()[name]))
        return alone, 0.0, alone
    try:
        with torch.device("meta"):
            towers = recipes.load(name).build()
    except WeightsError:  # a static text tower is as large as its vocabulary, which comes with its weights
        towers = load(name).towers
    text = _millions(towers.text_encoder) if towers.reads else 0.0
    return _millions(towers), _millions(towers.audio_encoder), text


def hear(name: str, repeats: int) -> Work:
    """Builds a recipe's audio tower at full size and lets it hear one window; run it in a new process."""
    import torch

    from hark.runtime.load import load

    model = load(name, weights="none")
    wave = torch.randn(1, model.recipe.audio.samples, generator=torch.Generator().manual_seed(0)) * 0.1
    return _work(lambda: model.towers.audio(wave), repeats)


def read(encoder: Mapping[str, Any], repeats: int) -> Work:
    """Builds a text tower at full size and lets it read one sentence; run it in a new process."""
    import torch

    tower = _text_tower(encoder).eval()
    ids = torch.full((1, min(TOKENS, encoder.get("max_tokens", TOKENS))), 5)
    return _work(lambda: tower(ids, torch.ones_like(ids)), repeats)


def measure(name: str, repeats: int, done: dict[str, Work]) -> Size:
    """A recipe's towers, or a text tower of `texts`, each in a process of its own.

    `done` keeps what was measured, for recipes that have the same tower.

    Raises HarkError.
    """
    sizes = parameters(name)
    recipe = None if name in texts() else recipes.load(name)
    nothing = heard = said = Work(0.0, 0.0, 0.0)
    window_s = 0.0
    if recipe is not None:
        audio = recipe.audio
        window_s = audio.window_s
        key = repr((audio.rate_hz, window_s, audio.features, audio.encoder, audio.head, recipe.dim))
        heard = done[key] if key in done else done.setdefault(key, fresh(hear, name, repeats))
    encoder = texts()[name] if recipe is None else recipe.text.encoder if recipe.text is not None else {}
    if "network" in encoder:  # a static tower looks its words up
        key = repr(sorted(encoder.items(), key=lambda item: item[0]))
        said = done[key] if key in done else done.setdefault(key, fresh(read, dict(encoder), repeats))
    real_time = window_s / heard.seconds if heard is not nothing else 0.0
    peak = max(heard.peak_mb, said.peak_mb)
    return Size(name, *sizes, heard.gmacs, window_s, real_time, said.gmacs, 1000 * said.seconds, peak)


def main(arguments: list[str] | None = None) -> int:
    """Prints a row for each recipe; 1 where a size is over 2 % from the published one, or a tower takes 24 GB."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="recipes; without any, all of them, and text towers that stand in none"
    )
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many forwards")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the numbers go")
    given = parser.parse_args(arguments)
    said = published()
    sizes: list[Size] = []
    done: dict[str, Work] = {}
    columns = f"{'all M':>8}{'audio M':>9}{'text M':>8}{'published':>11}{'GMAC':>8}{'window':>8}{'x real':>8}"
    print(f"{'recipe':<34}{columns}{'text GMAC':>10}{'ms':>6}{'MB':>7}")
    faults = []
    for name in given.names or [*recipes.names(), *texts()]:
        try:
            size = measure(name, given.repeats, done)
        except HarkError as error:
            print(f"{name:<34} {error}")
            continue
        sizes.append(size)
        about = said.get(name)
        paper = f"{about.millions:g}" if about else ""
        print(
            f"{name:<34}{size.all_millions:>8.1f}{size.audio_millions:>9.1f}{size.text_millions:>8.1f}{paper:>11}"
            f"{size.gmacs:>8.2f}{size.window_s:>7g}s{size.real_time:>8.1f}{size.text_gmacs:>10.2f}{size.text_ms:>6.0f}"
            f"{size.peak_mb:>7.0f}",
            flush=True,
        )
        if about is not None and about.off(size.all_millions, size.audio_millions, size.text_millions) > WITHIN:
            faults.append(f"{name}: further than {WITHIN:.0%} from its {about.millions:g} M ({about.source})")
        if size.peak_mb >= MEMORY_MB:
            faults.append(f"{name}: takes {size.peak_mb:.0f} MB; {MEMORY_MB} is too much")
    for line in faults:
        print(line, file=sys.stderr)
    if not given.names or given.json != RESULTS:
        made = {"machine": dataclasses.asdict(machine()), "towers": [dataclasses.asdict(size) for size in sizes]}
        write_text(given.json, json.dumps(made, indent=2) + "\n")
    return 1 if faults else 0


def _text_tower(encoder: Mapping[str, Any]) -> Any:
    from hark.core import component

    return component.config("models.text", encoder, where="a text tower").build(assets=None)


def _millions(module: Any) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


def _work(forward: Callable[[], Any], repeats: int) -> Work:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(1)
    with torch.inference_mode():
        # Fused attention hides from the counter on a CPU: what it counts must be plain matrix products.
        with (
            torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
            FlopCounterMode(display=False) as flops,
        ):
            forward()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            forward()
            times.append(time.perf_counter() - start)
    return Work(flops.get_total_flops() / 2e9, statistics.median(times), peak_mb())


if __name__ == "__main__":
    sys.exit(main())
