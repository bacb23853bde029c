"""Speed of measuring retrieval, beside a plain loop, and memory of a million clips: `python -m benchmarks.metrics`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import fresh, peak_mb
from benchmarks.machine import Machine, machine
from hark.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "metrics.json"
BOUND_MB = 2000.0
DIM = 512
CUTS = (1, 5, 10)


@dataclass(frozen=True)
class Speed:
    """Processor seconds of one thread; `values` are of both directions, the first five of them R@1/5/10, mAP, MRR."""

    clips: int
    texts: int
    rounds: int
    hark_s: float
    plain_s: float
    apart: float  # the furthest that a value of the two is apart

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain loop."""
        return self.plain_s / self.hark_s


@dataclass(frozen=True)
class Streamed:
    """Peak memory of a new process in 10^6 bytes; `checked` queries' ranks and best items equal those of whole rows."""

    clips: int
    texts: int
    described: int
    idle_mb: float
    peak_mb: float
    processor_s: float
    checked: int
    equal: bool

    @property
    def fits(self) -> bool:
        """Whether it stayed within the bound."""
        return self.peak_mb < BOUND_MB


def _speed(clips: int, each: int, rounds: int) -> Speed:
    import numpy as np

    from hark.eval.embed import similarities
    from hark.eval.found import Given
    from hark.eval.outcome import ALL, Measures, weigh
    from hark.eval.provenance import Provenance
    from hark.eval.questions import Asked
    from hark.metrics.answers import Answers

    rng = np.random.default_rng(0)
    sounds = _unit(rng.normal(size=(clips, DIM)))
    texts = _unit(np.repeat(sounds, each, axis=0) + rng.normal(size=(clips * each, DIM)) / 3)
    scores = similarities(texts, sounds)
    about = np.repeat(np.arange(clips), each)
    pairs = Answers.paired(np.arange(len(about)), about, queries=len(about), items=clips)
    asked = Asked("captions", tuple(str(at) for at in range(len(about))), pairs)
    made = Provenance("noise", "none", "none", "none")

    started = time.process_time()
    report = weigh(Given(scores), asked, made=made, measures=Measures(ALL, resamples=rounds), rng=rng, top=10).report
    ours_s = time.process_time() - started

    started = time.process_time()
    there = _plain(scores, [[clip] for clip in about], rounds)
    back = _plain(scores.T, [list(np.flatnonzero(about == clip)) for clip in range(clips)], rounds)
    theirs_s = time.process_time() - started

    ours = [[e.value for e in way.metrics.values()] for way in (report.text_to_audio, report.audio_to_text)]
    apart = max(float(np.abs(np.subtract(*both)).max()) for both in zip(ours, (there, back), strict=True))
    return Speed(clips, len(about), rounds, ours_s, theirs_s, apart)


def _plain(scores, relevant, rounds):  # type: ignore[no-untyped-def]
    """The same metrics and intervals as one would write them: sort each query, look, and draw for each metric."""
    import numpy as np

    rows = []
    for row, wanted in zip(scores, relevant, strict=True):
        place = np.empty(len(row), dtype=int)
        place[np.argsort(-row, kind="stable")] = np.arange(1, len(row) + 1)
        ranks = np.sort(place[wanted])
        hits = [float(ranks[0] <= cut) for cut in CUTS]
        precision = sum((at + 1) / rank for at, rank in enumerate(ranks) if rank <= 10) / min(10, len(ranks))
        gain = sum(1 / np.log2(rank + 1) for rank in ranks if rank <= 10)
        best = sum(1 / np.log2(at + 2) for at in range(min(10, len(ranks))))
        rows.append([*hits, precision, gain / best, 1 / ranks[0], ranks[0], ranks[0]])
    table = np.array(rows)
    rng = np.random.default_rng(0)
    for at, column in enumerate(table.T):
        of = np.median if at == 7 else np.mean
        drawn = [of(rng.choice(column, len(column))) for _ in range(rounds)]
        np.quantile(drawn, [0.025, 0.975])
    return [*table[:, :7].mean(axis=0), float(np.median(table[:, 7]))]


def _streamed(folder: Path, clips: int, texts: int, checked: int) -> Streamed:
    import numpy as np

    from hark.eval.embed import similarities
    from hark.eval.found import Between
    from hark.eval.outcome import ALL, Measures, weigh
    from hark.eval.provenance import Provenance
    from hark.eval.questions import Asked
    from hark.eval.stored import Stored
    from hark.metrics.answers import Answers

    rng = np.random.default_rng(1)
    sounds = Stored(folder / "clips.npy")
    about = np.sort(rng.choice(clips, size=3 * texts, replace=False))
    query = np.repeat(np.arange(texts), 3)
    said = _unit(sounds[about].reshape(texts, 3, DIM).mean(axis=1) + rng.normal(size=(texts, DIM)) / 60)
    pairs = Answers.paired(query, about, queries=texts, items=clips)
    asked = Asked("queries", tuple(str(at) for at in range(texts)), pairs)
    idle = peak_mb()
    started = time.process_time()
    made = Provenance("noise", "none", "none", "none")
    found = weigh(Between(said, sounds), asked, made=made, measures=Measures(ALL), rng=rng)
    elapsed, peak = time.process_time() - started, peak_mb()
    chosen = rng.choice(texts, size=min(checked, texts), replace=False)
    parts = (np.arange(at, min(at + 70_001, clips)) for at in range(0, clips, 70_001))
    rows = np.concatenate([similarities(said[chosen], sounds[part]) for part in parts], axis=1)
    equal = True
    for text, row in zip(chosen, rows, strict=True):
        wanted = np.zeros(clips, dtype=bool)
        wanted[about[query == text]] = True
        order = np.lexsort((np.arange(clips), wanted, -row))
        equal &= bool((np.flatnonzero(wanted[order]) + 1 == found.text_to_audio.ranked[int(text)]).all())
        equal &= bool((order[:10] == found.text_to_audio.top[text]).all())
    return Streamed(clips, texts, len(found.described), idle, peak, elapsed, checked, equal)


def _write(folder: Path, clips: int) -> None:
    """Unit vectors of noise, each hundredth the same as the one before it, so that there are ties."""
    import numpy as np

    rng = np.random.default_rng(0)
    made = np.lib.format.open_memmap(folder / "clips.npy", mode="w+", dtype=np.float32, shape=(clips, DIM))
    for start in range(0, clips, 10_000):
        block = _unit(rng.standard_normal((min(10_000, clips - start), DIM), dtype=np.float32))
        block[1::100] = block[0::100]
        made[start : start + len(block)] = block
    made.flush()


def _unit(vectors):  # type: ignore[no-untyped-def]
    import numpy as np

    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Result:
    """All that one run found."""

    machine: Machine
    speed: Speed
    streamed: Streamed


def table(found: Result) -> str:
    """The result, to be read."""
    about, speed, streamed = found.machine, found.speed, found.streamed
    kept = "kept" if streamed.fits else "BROKEN"
    same = "equal" if streamed.equal else "UNEQUAL"
    return f"""\
{about.processor}, {about.cores} cores ({about.busy} busy before we began); one thread
{speed.texts} texts x {speed.clips} clips both ways, eight metrics, {speed.rounds} bootstrap rounds
  hark {speed.hark_s:.2f} s, plain numpy loop {speed.plain_s:.1f} s: {speed.ratio:.1f} times as fast
  values differ by {speed.apart:.0e} at most
{streamed.texts} texts x {streamed.clips} clips of {DIM} numbers on disk, both ways
  {streamed.peak_mb:.0f} MB at most (bound: {BOUND_MB:.0f} MB, {kept}), {streamed.idle_mb:.0f} before
  {streamed.processor_s:.0f} s of the processor; ranks and best items of {streamed.checked} queries {same} to whole rows
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics", description=__doc__)
    parser.add_argument("--clips", type=int, default=1_000_000, help="streamed (a million; 2 KB on disk each)")
    parser.add_argument("--json", type=Path, help="where to save the result")
    parser.add_argument("--quick", action="store_true", help="only see that it runs; saves nothing without --json")
    told = parser.parse_args()
    clips, texts, rounds = (20_000, 50, 20) if told.quick else (told.clips, 1000, 1000)
    about = machine()
    speed = fresh(_speed, 60 if told.quick else 1045, 5, rounds)
    with tempfile.TemporaryDirectory(prefix="hark-benchmark-") as scratch:
        _write(Path(scratch), clips)
        streamed = fresh(_streamed, Path(scratch), clips, texts, 20)
    found = Result(about, speed, streamed)
    print(table(found))
    to = told.json or (None if told.quick else RESULTS)
    if to is not None:
        told_json = dataclasses.asdict(found)
        told_json["speed"]["ratio"] = speed.ratio
        write_text(to, json.dumps(told_json, indent=2) + "\n")
        print(f"saved: {to}")
    if not (streamed.fits and streamed.equal):
        sys.exit(1)


if __name__ == "__main__":
    main()
