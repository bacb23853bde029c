"""Speed and memory of `hark index`, beside a plain loop over files: `python -m benchmarks.index`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Machine, cores, machine
from benchmarks.memory import BOUND_MB, Memory, memory
from benchmarks.speed import Sounds, Speed, Spread, speed
from hark.core.errors import HarkError
from hark.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "index.json"
STAGES = ("decode", "resample", "windows", "features", "tower", "store", "all")
LONGEST = 0.6  # share of the sound for memory that is in one file; the rest is in four

COMPARED = """\
What is compared: hark cuts windows that overlap, so it hears every second twice (mini: 5 s every 2.5 s); the plain loop
cuts clips of 10 s and hears every second once. Its CLAP has a far larger tower than hark's model, and wants 48 kHz. So
their ratio is mostly the smaller model; "decode", "resample" and the plain loop with hark's own model tell of the
plumbing. Weights do not matter to speed. The files were just written: they come from memory, not from a disk."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    model: str
    files: int  # for speed
    duration_s: float  # of each of them
    plain_files: int  # of them, for the plain loops
    repeats: int
    hours: float  # for memory
    small: bool  # a small CLAP


@dataclass(frozen=True)
class Result:
    """All that one run found."""

    plan: Plan
    machine: Machine
    speed: Speed
    memory: Memory
    compared: str = COMPARED


def measure(plan: Plan, scratch: Path) -> Result:
    """Writes sounds to the folder `scratch`, and indexes them.

    `plan.model` is a name or file, or "random": the recipe `mini` as it is before training.

    Raises HarkError.
    """
    import numpy as np

    from benchmarks.fresh import fresh
    from benchmarks.sounds import write_noise
    from benchmarks.stand_in import write_stand_in

    about = machine()
    name = plan.model
    if name == "random":
        name = str(scratch / "random.safetensors")
        fresh(write_stand_in, "mini", Path(name))
    _tell(f"speed: {plan.files} files, {plan.repeats} repetitions after one that does not count")
    rng = np.random.default_rng(0)
    many, long = scratch / "many", scratch / "long"
    many.mkdir()
    for i in range(plan.files):
        write_noise(many / f"{i:03}.flac", plan.duration_s, rng=rng)
    sounds = Sounds(many, plan.duration_s, plan.plain_files)
    found = speed(name, sounds, cores(), plan.repeats, plan.small)
    _tell(f"memory: {plan.hours:g} h of sound")
    long.mkdir()
    for i, share in enumerate((LONGEST, *4 * ((1 - LONGEST) / 4,))):
        write_noise(long / f"{i}.flac", share * plan.hours * 3600, rng=rng)
    return Result(plan, about, found, memory(name, long, scratch / "library", cores()))


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def table(result: Result) -> str:
    """The result, to be read."""
    plan, about, found, held = result.plan, result.machine, result.speed, result.memory
    repeated = f"{plan.repeats} repetitions, median (least - most)"
    heads = f"{'seconds per hour, one thread':30}{'hark index':>32}   {'plain loop, CLAP':>32}"
    lines = [
        f"{about.processor}, {about.cores} cores ({about.busy} busy before we began), {about.system}",
        textwrap.fill(", ".join(f"{name} {number}" for name, number in about.versions.items()), 120),
        f"model: {plan.model}",
        f"{plan.files} stereo FLACs of {plan.duration_s:g} s, 44.1 kHz ({plan.plain_files} in plain loops); {repeated}",
        "",
        f"{heads}   {'ratio':>8}",
    ]
    for stage in STAGES:
        ours, theirs = found.stages[stage], found.plain_stages.get(stage)
        line = f"  {stage:28}{_shared(ours, found.stages['all'])}"
        if theirs is not None:
            line += f"   {_shared(theirs, found.plain_stages['all'])}   {theirs.median / ours.median:>8.1f}"
        lines.append(line)
    kept = "kept" if held.fits else "BROKEN"
    lines += [
        f"  {'parameters of the tower':28}{found.parameters / 1e6:>30.1f} M   {found.plain_parameters / 1e6:>30.1f} M",
        "",
        f"{'times real time':70}{'per core':>14}",
        _row("hark index, 1 thread", found.index_1, cores=1),
        _row(f"hark index, {held.jobs} threads", found.index_all, cores=held.jobs),
        _row("plain loop with CLAP, 1 thread", found.plain, cores=1),
        _row("plain loop with hark's model, 1 thread", found.plain_same, cores=1),
        "",
        "times as fast, 1 thread",
        _row("hark index / plain loop with CLAP", found.ratio),
        _row("  of which the model", found.ratio_model),
        _row("  of which the plumbing", found.ratio_plumbing),
        "",
        f"memory, {held.jobs} threads, {held.hours:.3g} h in {held.files} files, one of {LONGEST * held.hours:.3g} h",
        f"  {held.peak_mb:.0f} MB at most (bound: {BOUND_MB:.0f} MB, {kept}), {held.idle_mb:.0f} with the model loaded",
        "",
        result.compared,
    ]
    if plan.small:
        lines.append("The CLAP was a small one, to see that this runs; the numbers say nothing.")
    return "\n".join(lines)


def as_json(result: Result) -> str:
    """The result, to be kept."""
    return json.dumps(dataclasses.asdict(result), indent=2) + "\n"


def _shared(spread: Spread, whole: Spread) -> str:
    return f"{_said(spread, '.2f'):>26}{spread.median / whole.median:>6.0%}"


def _row(name: str, spread: Spread, *, cores: int | None = None) -> str:
    line = f"  {name:44}{_said(spread, '.1f'):>24}"
    return line if cores is None else f"{line}{spread.median / cores:>14.1f}"


def _said(spread: Spread, form: str) -> str:
    return f"{spread.median:{form}} ({spread.least:{form}} - {spread.most:{form}})"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index", description=__doc__)
    parser.add_argument("--model", default="mini", help="name or file of a model, or 'random': mini, untrained")
    parser.add_argument("--hours", type=float, default=10.0, help="of sound for memory (10; 0.45 GB on disk each)")
    parser.add_argument("--files", type=int, default=12, help="of 2 minutes for speed (12); CLAP hears a sixth of them")
    parser.add_argument(
        "--json", type=Path, help=f"where to save the result ({RESULTS.relative_to(RESULTS.parents[2])})"
    )
    parser.add_argument("--quick", action="store_true", help="only see that it runs; saves nothing without --json")
    told = parser.parse_args()
    if told.files < 1 or told.hours <= 0:
        parser.error("--files and --hours must be above 0")
    plan = Plan(told.model, told.files, 120.0, -(-told.files // 6), 5, told.hours, False)
    if told.quick:
        plan = quick(told.model)
    try:
        with tempfile.TemporaryDirectory(prefix="hark-benchmark-") as scratch:
            result = measure(plan, Path(scratch))
    except HarkError as error:
        sys.exit(f"benchmarks.index: {error}")
    print(table(result))
    to = told.json or (None if told.quick else RESULTS)
    if to is not None:
        write_text(to, as_json(result))
        print(f"saved: {to}")
    if not result.memory.fits:
        sys.exit(1)


def quick(model: str) -> Plan:
    """So little that it takes seconds."""
    return Plan(model, files=2, duration_s=6.0, plain_files=1, repeats=1, hours=0.01, small=True)


if __name__ == "__main__":
    main()
