"""Speed of the loader on shards, beside plain webdataset with soundfile: `python -m benchmarks.data`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.fresh import fresh
from benchmarks.loaders import DEPTH, RATE_HZ, Batches, hark_batches, plain_batches, write_shards
from benchmarks.machine import Machine, machine
from hark.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "data.json"
SLOWER = 1.5  # a consumer that takes so many times as long for a batch as the loader does

COMPARED = """\
What is compared: both read the same shards in worker processes, decode FLAC, cut or pad to the window, choose a text
and make batches of float32; both hand batches over through shared memory. webdataset decodes each sound whole with
soundfile and shuffles within a buffer of 1,000; hark decodes only the stretch that is cut and shuffles all. Starting
the workers is not in it, nor what they made ahead. The shards come from memory, not from a disk."""


@dataclass(frozen=True)
class Plan:
    """How much to measure: `clips` of each length (seconds, from and to) in shards, `batches` of `size` each time."""

    clips: int
    per_shard: int
    lengths_s: dict[str, tuple[float, float]]
    window_s: float
    size: int
    batches: int
    workers: tuple[int, ...]
    repeats: int


@dataclass(frozen=True)
class Spread:
    """What the repetitions gave."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Row:
    """Clips of one length, a number of workers: samples per second, their ratio within a repetition, and waiting.

    `waits` is the share of time that a consumer waits for hark who needs `SLOWER` times as long for a batch as hark.
    """

    lengths: str
    workers: int
    hark: Spread
    plain: Spread
    ratio: Spread
    waits: Spread


@dataclass(frozen=True)
class Result:
    """All that one run found."""

    plan: Plan
    machine: Machine
    webdataset: str
    rows: list[Row]
    compared: str = COMPARED


def measure(plan: Plan, scratch: Path) -> Result:
    """Packs noise into shards in the folder `scratch`, and reads them with both loaders, in turns."""
    about = machine()
    folders = {name: scratch / name.replace(" ", "-") for name in plan.lengths_s}
    for name, folder in folders.items():
        _tell(f"{name}: {plan.clips} clips")
        fresh(write_shards, folder, plan.clips, plan.per_shard, plan.lengths_s[name])
    rows = []
    for (name, folder), workers in itertools.product(folders.items(), plan.workers):
        _tell(f"{name}, {workers} workers: {plan.repeats} repetitions")
        runs = fresh(_in_turns, folder, plan, workers)
        ours, theirs, waits = zip(*runs, strict=True)
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        rows.append(Row(name, workers, *map(_spread, (ours, theirs, ratios, waits))))
    return Result(plan, about, version("webdataset"), rows)


def _in_turns(folder: Path, plan: Plan, workers: int) -> list[tuple[float, float, float]]:
    """Samples per second of hark and of webdataset, and the share of waiting, of each repetition.

    Both loaders stay open, and are held back in turns, so that the two numbers of a repetition are of the same moments
    of a machine that has other things to do.
    """
    found = []
    loaders = [make(folder, workers, window_s=plan.window_s, size=plan.size) for make in (hark_batches, plain_batches)]
    with contextlib.closing(loaders[0]) as ours, contextlib.closing(loaders[1]) as theirs:
        for repeat in range(plan.repeats):
            speeds = {}
            for which in (ours, theirs) if repeat % 2 else (theirs, ours):
                speeds[which] = _consume(which, plan, workers)[0]
            waits = _consume(ours, plan, workers, needs_s=SLOWER * plan.size / speeds[ours])[1]
            found.append((speeds[ours], speeds[theirs], waits))
    return found


def _consume(batches: Batches, plan: Plan, workers: int, *, needs_s: float = 0.0) -> tuple[float, float]:
    """Samples per second, and the share of time in which a consumer who needs so long for a batch finds none.

    What was made ahead is taken first, and does not count.
    """
    for _ in range(DEPTH * workers + 1):
        next(batches)
    waited = 0.0
    started = asked = time.perf_counter()
    for _ in range(plan.batches):
        waves, _ = next(batches)
        assert tuple(waves.shape) == (plan.size, round(plan.window_s * RATE_HZ)), waves.shape
        waited += time.perf_counter() - asked
        if needs_s:
            time.sleep(needs_s)
        asked = time.perf_counter()
    return plan.batches * plan.size / (asked - started), waited / (asked - started)


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def table(result: Result) -> str:
    """The result, to be read."""
    plan, about = result.plan, result.machine
    first = (
        f"{plan.clips} mono FLACs of {RATE_HZ / 1000:g} kHz in shards of {plan.per_shard}, window {plan.window_s:g} s"
    )
    lines = [
        f"{about.processor}, {about.cores} cores ({about.busy} busy before we began), {about.system}",
        f"webdataset {result.webdataset}, "
        + ", ".join(f"{name} {about.versions[name]}" for name in ("hark", "torch", "soundfile", "libsndfile")),
        f"{first}, batches of {plan.size}; {plan.repeats} repetitions, median (least - most)",
        "",
        f"{'clips':14}{'workers':>8}{'hark, samples/s':>24}{'webdataset, samples/s':>26}{'ratio':>22}{'waits':>22}",
    ]
    lines += [
        f"{row.lengths:14}{row.workers:>8}{_said(row.hark, '.0f'):>24}{_said(row.plain, '.0f'):>26}"
        f"{_said(row.ratio, '.2f'):>22}{_said(row.waits, '.0%'):>22}"
        for row in result.rows
    ]
    waits = f"waits: share of time that a consumer waits who needs {SLOWER:g} times as long for a batch as hark"
    return "\n".join([*lines, "", waits, "", result.compared])


def as_json(result: Result) -> str:
    """The result, to be kept."""
    return json.dumps(dataclasses.asdict(result), indent=2) + "\n"


def _said(spread: Spread, form: str) -> str:
    return f"{spread.median:{form}} ({spread.least:{form}} - {spread.most:{form}})"


def quick() -> Plan:
    """So little that it takes seconds."""
    return Plan(12, 3, {"short": (0.5, 2.0)}, 1.0, 2, 4, (2,), 1)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 where hark is slower than webdataset somewhere."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data", description=__doc__)
    parser.add_argument("--clips", type=int, default=256, help="of each length (256)")
    parser.add_argument("--repeats", type=int, default=9, help="(9)")
    parser.add_argument("--json", type=Path, help="where to save the result (benchmarks/results/data.json)")
    parser.add_argument("--quick", action="store_true", help="only see that it runs; saves nothing without --json")
    told = parser.parse_args(arguments)
    plan = Plan(told.clips, 16, {"10 s": (10.0, 10.0), "15 to 30 s": (15.0, 30.0)}, 10.0, 16, 16, (1, 2), told.repeats)
    if told.quick:
        plan = quick()
    try:
        version("webdataset")
    except PackageNotFoundError:
        parser.error("webdataset is not installed; pip install webdataset")
    with tempfile.TemporaryDirectory(prefix="hark-benchmark-") as scratch:
        result = measure(plan, Path(scratch))
    print(table(result))
    to = told.json or (None if told.quick else RESULTS)
    if to is not None:
        write_text(to, as_json(result))
        print(f"saved: {to}")
    slower = [row for row in result.rows if row.ratio.median < 1.0]
    return 1 if slower and not told.quick else 0


if __name__ == "__main__":
    sys.exit(main())
