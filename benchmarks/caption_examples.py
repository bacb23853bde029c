"""Ten captions of real clips with their spectrograms, good and bad alike: a picture and a table.

python -m benchmarks.caption_examples --captioner RUN --on MANIFEST [--where COLUMN=VALUE] [--count 10] [--save]

RUN and MANIFEST are what `benchmarks.captioning` leaves in its folder. Which clips is a rule, so that nobody picks: all
are sorted by id, and of n clips the examples are those at i * n // count, for i from 0. All clips are captioned,
because CIDEr-D weighs words by how many clips' sentences have them. With `--save` the picture (docs/captions.png) and
the numbers (results/caption_examples.json) are written; the table is printed anyway.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from hark.audio.decode import decode
from hark.caption.describe import source_of
from hark.caption.file import load
from hark.core.errors import HarkError
from hark.core.files import write_aside, write_text
from hark.core.provenance import made_by
from hark.data import manifest
from hark.data.records import Clip
from hark.eval.provenance import data_hash
from hark.eval.report.sounds import RATE_HZ, spectrogram
from hark.metrics.captioning import caption_metrics
from hark.train.caption_data import tidy

HERE = Path(__file__).parent
PICTURE = HERE.parent / "docs" / "captions.png"
RESULTS = HERE / "results" / "caption_examples.json"
INK, FAINT = "#1c1c1c", "#6a6a6a"


@dataclass(frozen=True)
class Example:
    """A clip with what was said of it, and what that is worth beside its sentences."""

    clip: Clip
    said: str
    cider_d: float
    rank: int  # among all clips, the best being 1; as good ones share it


def every(count: int, *, of: int) -> list[int]:
    """The places of `count` among `of`, evenly apart and beginning at 0; all where there are no more.

    >>> every(4, of=10)
    [0, 2, 5, 7]
    """
    return [i * of // count for i in range(count)] if count < of else list(range(of))


def examples(said: Sequence[str], clips: Sequence[Clip], *, count: int) -> tuple[list[Example], dict[str, float]]:
    """Those to show, of captions of all clips (sorted by id), and what the captions of all are worth."""
    whole, each = caption_metrics([tidy(text) for text in said], [[tidy(text) for text in c.captions] for c in clips])
    values = each["CIDEr-D"]
    shown = [
        Example(clips[place], said[place], float(values[place]), 1 + int((values > values[place] + 1e-9).sum()))
        for place in every(count, of=len(clips))
    ]
    return shown, {name: whole[name] for name in ("CIDEr-D", "BLEU-4", "ROUGE-L")}


def table(shown: Sequence[Example], *, of: int) -> list[str]:
    """As Markdown."""
    lines = ["| clip | said | the sentences' first | CIDEr-D | rank |", "|---|---|---|---|---|"]
    lines += [
        f"| {Path(one.clip.id).stem} | {one.said} | {one.clip.captions[0]} | {one.cider_d:.2f} | {one.rank} of {of} |"
        for one in shown
    ]
    return lines


def draw(shown: Sequence[Example], *, foot: str, seconds: float = 5.0) -> bytes:
    """A PNG: for each clip the log-mel spectrogram of its first `seconds`, what was said, and all its sentences."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    rows = -(-len(shown) // 2)
    figure = Figure(figsize=(13, 1.72 * rows + 0.3), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    for number, one in enumerate(shown):
        left, top = (number % 2) * 0.5 + 0.008, 1 - (number // 2) / (rows + 0.2)
        high = 1 / (rows + 0.2)
        panel = figure.add_axes((left, top - 0.90 * high, 0.19, 0.82 * high))
        image = spectrogram(decode(one.clip.path, RATE_HZ)[: int(seconds * RATE_HZ)])
        panel.imshow(image, aspect="auto", cmap="magma", vmin=0, vmax=1, interpolation="nearest")
        panel.set_axis_off()
        at, down = left + 0.197, top - 0.10 * high
        step = high / 9.0
        figure.text(at, down, f"“{one.said}”", color=INK, fontsize=10.5, weight="bold", va="top")
        told = f"CIDEr-D {one.cider_d:.2f}   {Path(one.clip.id).stem}"
        figure.text(at, down - 1.5 * step, told, color=FAINT, fontsize=8, va="top", family="monospace")
        for line, text in enumerate(one.clip.captions):
            figure.text(at, down - (2.75 + line) * step, text, color=FAINT, fontsize=8, va="top")
    figure.text(0.008, 0.006, foot, color=FAINT, fontsize=7.5)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    picture = (
        Image.open(file).convert("RGB").quantize(96, dither=Image.Dither.NONE)
    )  # half the size, no difference seen
    smaller = io.BytesIO()
    picture.save(smaller, format="png", optimize=True)
    return smaller.getvalue()


def main() -> int:
    """Captions, tells, draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captioner", required=True)
    parser.add_argument("--on", type=Path, required=True)
    parser.add_argument("--where", action="append", default=[])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    try:
        clips = sorted(manifest.read(given.on, where=manifest.parse_where(given.where)), key=lambda clip: clip.id)
        captioner = load(given.captioner)
        heard = (source_of(clip, captioner.rate_hz) for clip in clips)
        said = [found[0].text for found in captioner.describe(heard)]
    except HarkError as error:
        print(f"caption_examples: {error}", file=sys.stderr)
        return 1
    shown, whole = examples(said, clips, count=given.count)
    about = f"{captioner.name} {captioner.stamp}, data {data_hash(clips)}, hark {made_by()['hark']}"
    print("\n".join(table(shown, of=len(clips))))
    print(f"\nall {len(clips)} clips: {json.dumps(whole)}; {about}")
    if given.save:
        with write_aside(PICTURE) as aside:
            aside.write_bytes(draw(shown, foot=f"{about}: python -m benchmarks.caption_examples"))
        write_text(RESULTS, json.dumps(numbers(shown, whole, clips, captioner.stamp), indent=2) + "\n")
    return 0


def numbers(shown: Sequence[Example], whole: dict[str, float], clips: Sequence[Clip], stamp: str) -> dict[str, Any]:
    """What is kept of them."""
    told = [
        {"clip": one.clip.id, "said": one.said, "captions": one.clip.captions, "CIDEr-D": one.cider_d, "rank": one.rank}
        for one in shown
    ]
    about = {"machine": dataclasses.asdict(machine()), "versions": made_by(), "captioner": stamp}
    return about | {"data": data_hash(clips), "clips": len(clips), "all": whole, "shown": told}


if __name__ == "__main__":
    sys.exit(main())
