"""What it brings to choose among a captioner's captions the one that a retrieval model finds closest to the sound.

python -m benchmarks.caption_reranking --captioner RUN [RUN ...] --on MANIFEST [--where COLUMN=VALUE] [--judge mini]

For each captioner (several seeds of one, say) the best caption of the search, and the one that comes first among the
search's captions and 0, 4, 16 and 64 drawn ones, by the cosine with the sound and so much of the captioner's own mean
log-probability (`hark.caption.rerank`). All ways are told on all clips; that which is best on every second clip is told
on the others as well.

The captioners of results/caption_reranking.json are made, and chosen among, by

    python -m benchmarks.captioning --data SOUNDS --out FOLDER --ears mini --words-only
    python -m benchmarks.caption_reranking --captioner FOLDER/captioners/mini-{0,1,2} --on FOLDER/esc50.jsonl \\
        --where part=test
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from hark.caption.captioner import BATCH, Captioner
from hark.caption.describe import different, likely, source_of
from hark.caption.file import load
from hark.caption.rerank import ranked, similarities
from hark.core.errors import HarkError
from hark.core.provenance import made_by
from hark.data import manifest
from hark.eval.provenance import data_hash
from hark.metrics.captioning import caption_metrics
from hark.metrics.confidence import mean
from hark.runtime.load import load as load_judge
from hark.train.caption_data import tidy

RESULTS = Path(__file__).parent / "results" / "caption_reranking.json"
METRICS = ("CIDEr-D", "BLEU-4", "ROUGE-L")
DRAWN, WEIGHTS = (0, 4, 16, 64), (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
FIRST = "the search's first"


def main() -> int:
    """Measures, tells, keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captioner", nargs="+", required=True)
    parser.add_argument("--on", type=Path, required=True)
    parser.add_argument("--where", action="append", default=[])
    parser.add_argument("--judge", default="mini")
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--few", type=int, help="only so many clips; saves nothing")
    given = parser.parse_args()
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    stamps = []
    try:
        clips = manifest.read(given.on, where=manifest.parse_where(given.where))[: given.few]
        judge = load_judge(given.judge)
        for name in given.captioner:
            captioner = load(name)
            stamps.append(captioner.stamp)
            for way, said in chosen(captioner, clips, judge).items():
                found.setdefault(way, []).append(measured(said, clips))
            print(
                name,
                {metric: round(float(values.mean()), 3) for metric, values in found[FIRST][-1].items()},
                flush=True,
            )
    except HarkError as error:
        print(f"caption_reranking: {error}", file=sys.stderr)
        return 1
    told = summary(found)
    print("\n".join(table(told)))
    print(json.dumps(told["chosen"]))
    if given.few is None:
        about = {"machine": dataclasses.asdict(machine()), "versions": made_by(), "captioners": stamps}
        about |= {"judge": f"{judge.name} {judge.stamp}", "data": data_hash(clips), "clips": len(clips)}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(about | told, indent=2) + "\n")
    return 0


def chosen(captioner: Captioner, clips: Any, judge: Any) -> dict[str, list[str]]:
    """What each way says of each clip; fewer draws are the first of many."""
    found: dict[str, list[str]] = {}
    for at in range(0, len(clips), BATCH):
        batch = clips[at : at + BATCH]
        frames = [captioner.hear(source_of(clip, captioner.rate_hz)) for clip in batch]
        searched = captioner.decode(frames)
        generators = [torch.Generator().manual_seed(at + place) for place in range(len(batch))]
        drawn = likely(captioner, captioner.draw(frames, generator=generators, each=max(DRAWN), top_p=0.9))
        first, pools = captioner.said(searched), likely(captioner, searched)
        for place, clip in enumerate(batch):
            found.setdefault(FIRST, []).append(first[place][0].text)
            every = pools[place] + drawn[place]
            close = dict(zip((one.text for one in every), closeness(judge, clip, every), strict=True))
            for count, weight in itertools.product(DRAWN, WEIGHTS):
                pool = different(pools[place] + drawn[place][:count])
                near, scores = (np.array(x) for x in ([close[o.text] for o in pool], [o.score for o in pool]))
                best = pool[ranked(near, scores, weight=weight)[0]]
                found.setdefault(f"{count} drawn, weight {weight:g}", []).append(best.text)
    return found


def closeness(judge: Any, clip: Any, every: Any) -> Any:
    """The cosine of every caption with the sound."""
    return similarities(judge, source_of(clip, judge.rate_hz), [one.text for one in every])


def measured(said: list[str], clips: Any) -> dict[str, np.ndarray]:
    """Each measure of each clip, (clips,)."""
    _, each = caption_metrics([tidy(text) for text in said], [[tidy(text) for text in c.captions] for c in clips])
    return {metric: each[metric] for metric in METRICS}


def summary(found: dict[str, list[dict[str, np.ndarray]]]) -> dict[str, Any]:
    """Of each way the means of the captioners; and of the best one on every second clip what it is elsewhere."""
    rng = np.random.default_rng(0)
    cider = {way: np.mean([each["CIDEr-D"] for each in runs], axis=0) for way, runs in found.items()}
    told: dict[str, Any] = {}
    for way, runs in found.items():
        told[way] = {metric: [float(each[metric].mean()) for each in runs] for metric in METRICS}
        told[way]["gain"] = dataclasses.asdict(mean(cider[way] - cider[FIRST], rng=rng))
    best = max(cider, key=lambda way: cider[way][::2].mean())
    gain = mean((cider[best] - cider[FIRST])[1::2], rng=rng)
    return {"ways": told, "chosen": {"way": best, "gain on the others": dataclasses.asdict(gain)}}


def table(told: dict[str, Any]) -> list[str]:
    """The numbers, the mean over captioners; those of the clips, also BLEU-4."""
    lines = ["| first is | CIDEr-D | gain [95 %] | BLEU-4 | ROUGE-L |", "|---|---|---|---|---|"]
    for name, numbers in told["ways"].items():
        gain = numbers["gain"]
        cell = "" if name == FIRST else f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        c, b, r = (f"{np.mean(numbers[metric]):.3f}" for metric in METRICS)
        lines.append(f"| {name} | {c} | {cell} | {b} | {r} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
