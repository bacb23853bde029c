"""Speed of training HTS-AT and RoBERTa beside a loop around transformers.ClapModel: `python -m benchmarks.train`.

Machines are noisy. So every repetition takes a step of each side, one after the other, in turns the one or the other
first; ratios are taken within a repetition, and the median, the least and the most of all repetitions are told.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import fresh, peak_mb
from benchmarks.gpu import Gpu, on_gpu
from benchmarks.machine import Machine, machine
from benchmarks.speed import Spread
from benchmarks.training import SMALL, Size, Took, hark_side, make_data, plain_side
from hark.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "train.json"

COMPARED = """\
What is compared: one step of `hark.train.loop.train`, which `hark train` runs, and one of a plain loop around
transformers.ClapModel. Both have the same sizes, the same batches of random waves (48 kHz) and sentences in memory, one
tokenizer, dropout in the text tower, AdamW over all weights, and clip the gradient. Both make log-mel images in the
step, hark with its own front end, the plain loop with ClapFeatureExtractor; their share is told. Reading files is in
neither. hark's draws of dropout are by row (the same however a batch is parted), and its AdamW is torch's fused one,
which a plain loop may choose too: "AdamW fused" is the plain loop that does."""


@dataclass(frozen=True)
class Speed:
    """Clips per second by the clock, the share of features in a step, and ratios of hark to the plain loop.

    `cpu_ratio` is that of the processor's seconds, which other programs on the machine touch less; `fused_ratio` is
    that to a plain loop with torch's fused AdamW, also of the processor's seconds.
    """

    hark: Spread
    plain: Spread
    hark_features: float
    plain_features: float
    ratio: Spread
    cpu_ratio: Spread
    fused_ratio: Spread
    parameters: int
    plain_parameters: int
    peak_mb: float


@dataclass(frozen=True)
class Result:
    """All that one run found; `gpu` is None where there is none."""

    size: Size
    batch: int
    repeats: int
    machine: Machine
    speed: Speed
    gpu: Gpu | None
    compared: str = COMPARED


def speed(size: Size, batch: int, repeats: int) -> Speed:
    """Measures in a new process, on one thread of the CPU."""
    return fresh(_speed, size, batch, repeats)


def _speed(size: Size, batch: int, repeats: int) -> Speed:
    import torch

    torch.set_num_threads(1)
    data = make_data(size, batch)
    sides = {"hark": hark_side(data), "plain": plain_side(data), "fused": plain_side(data, fused=True)}
    took: dict[str, list[Took]] = {name: [] for name in sides}
    for repetition in range(repeats + 1):
        for name in sorted(sides, reverse=bool(repetition % 2)):
            took[name].append(sides[name].step())
    took = {name: all_of[1:] for name, all_of in took.items()}  # the first time is slower, everywhere
    hark, plain, fused = took["hark"], took["plain"], took["fused"]
    return Speed(
        hark=_spread([batch / one.wall_s for one in hark]),
        plain=_spread([batch / one.wall_s for one in plain]),
        hark_features=statistics.median(one.features_s / one.wall_s for one in hark),
        plain_features=statistics.median(one.features_s / one.wall_s for one in plain),
        ratio=_spread([b.wall_s / a.wall_s for a, b in zip(hark, plain, strict=True)]),
        cpu_ratio=_spread([b.cpu_s / a.cpu_s for a, b in zip(hark, plain, strict=True)]),
        fused_ratio=_spread([b.cpu_s / a.cpu_s for a, b in zip(hark, fused, strict=True)]),
        parameters=sides["hark"].parameters,
        plain_parameters=sides["plain"].parameters,
        peak_mb=peak_mb(),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def table(result: Result) -> str:
    """The result, to be read."""
    about, found, size = result.machine, result.speed, result.size
    lines = [
        f"{about.processor}, {about.cores} cores ({about.busy} busy before we began), {about.system}",
        textwrap.fill(", ".join(f"{name} {number}" for name, number in about.versions.items()), 120),
        f"HTS-AT of width {size.width}, RoBERTa of {size.text_layers} layers of {size.text_width}",
        f"{found.parameters / 1e6:.1f} M weights (ClapModel: {found.plain_parameters / 1e6:.1f} M)",
        f"batch {result.batch} of {size.window_s:g} s and {size.words} tokens, one thread of the CPU",
        f"{result.repeats} repetitions, median (least - most)",
        "",
        f"{'clips per second':34}{_said(found.hark):>26}   features {found.hark_features:.1%} of a step",
        f"{'plain loop, ClapModel':34}{_said(found.plain):>26}   features {found.plain_features:.1%} of a step",
        f"{'times as fast':34}{_said(found.ratio):>26}",
        f"{'  by the processor':34}{_said(found.cpu_ratio):>26}",
        f"{'  by the processor, AdamW fused':34}{_said(found.fused_ratio):>26}",
        "",
        *(result.gpu.lines() if result.gpu is not None else ["no GPU"]),
        "",
        result.compared,
    ]
    if size == SMALL:
        lines.append("The models were small ones, to see that this runs; the numbers say nothing.")
    return "\n".join(lines)


def _said(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.least:.2f} - {spread.most:.2f})"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=__doc__)
    parser.add_argument("--batch", type=int, default=8, help="clips (8)")
    parser.add_argument("--repeats", type=int, default=7, help="repetitions (7), after one that does not count")
    parser.add_argument("--json", type=Path, help="where to save the result (benchmarks/results/train.json)")
    parser.add_argument("--quick", action="store_true", help="only see that it runs; saves nothing without --json")
    told = parser.parse_args(arguments)
    if told.batch < 2 or told.repeats < 1:
        parser.error("--batch must be 2 or more, --repeats 1 or more")
    size, repeats = (SMALL, 1) if told.quick else (Size(), told.repeats)
    about = machine()
    result = Result(size, told.batch, repeats, about, speed(size, told.batch, repeats), on_gpu(size))
    print(table(result))
    to = told.json or (None if told.quick else RESULTS)
    if to is not None:
        write_text(to, json.dumps(dataclasses.asdict(result), indent=2) + "\n")
        print(f"saved: {to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
