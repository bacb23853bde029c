"""Words that no training label holds: does the right class of ESC-50 come up? Prints the table of mini's model card.

python -m benchmarks.unseen --on MANIFEST [--where COLUMN=VALUE ...] [--model mini] [--trained-on MANIFEST]

With `--trained-on` (the manifest of all training sounds) a query is refused that has a word in common with one of its
labels or titles outside the clips that are searched.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hark.core.errors import HarkError
from hark.data import manifest
from hark.data.records import Clip
from hark.eval.embed import embed_clips
from hark.runtime.load import load

QUERIES: Mapping[str, str] = {
    "canine": "dog",
    "automobile hooting": "car horn",
    "infant wailing": "crying baby",
    "feline": "cat",
    "swine oinking": "pig",
    "cattle mooing": "cow",
    "amphibian croaking": "frog",
    "cockerel": "rooster",
    "songbirds": "chirping birds",
    "poultry": "hen",
    "downpour": "rain",
    "gale": "wind",
    "surf rolling in": "sea waves",
    "pyrotechnics": "fireworks",
    "blaze": "crackling fire",
    "giggling": "laughing",
    "ovation": "clapping",
    "locomotive": "train",
    "chopper rotor": "helicopter",
    "aeroplane": "airplane",
    "hoover": "vacuum cleaner",
    "lavatory": "toilet flush",
    "timepiece": "clock tick",
    "lumberjack": "chainsaw",
    "shattered": "glass breaking",
    "laptop typist": "keyboard typing",
}


def table(model_name: str, clips: Sequence[Clip], *, queries: Mapping[str, str] = QUERIES) -> tuple[list[str], float]:
    """The table's lines, and the share of queries with a right clip among their first ten."""
    model = load(model_name)
    scores = model.embed_text(list(queries)) @ embed_clips(model, clips).T  # (queries, clips)
    lines = ["| query | class | rank of the first right clip | right among the first 10 |", "|---|---|---|---|"]
    found = 0
    for (query, label), row in zip(queries.items(), scores, strict=True):
        right = [label in clips[int(place)].labels for place in np.argsort(-row, kind="stable")]
        found += any(right[:10])
        lines.append(f"| {query} | {label} | {right.index(True) + 1} | {sum(right[:10])} of {sum(right)} |")
    return lines, found / len(queries)


def words_of(clips: Sequence[Clip]) -> set[str]:
    """Every word of the clips' labels and titles."""
    said = " ".join([*(label for clip in clips for label in clip.labels), *(c.extra.get("title", "") for c in clips)])
    return set(re.findall("[a-z]+", said.lower()))


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", type=Path, required=True)
    parser.add_argument("--where", action="append", default=[])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--trained-on", type=Path)
    given = parser.parse_args()
    try:
        clips = manifest.read(given.on, where=manifest.parse_where(given.where))
        queries = dict(QUERIES)
        if given.trained_on is not None:
            searched = {clip.id for clip in clips}
            known = words_of([clip for clip in manifest.read(given.trained_on) if clip.id not in searched])
            queries = {query: label for query, label in QUERIES.items() if known.isdisjoint(query.split())}
            for query in sorted(set(QUERIES) - set(queries)):
                print(f"left out, a training label or title has it: {query}", file=sys.stderr)
        lines, share = table(given.model, clips, queries=queries)
    except HarkError as error:
        print(f"unseen: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines))
    print(f"\na right clip among the first ten: {share:.0%} of {len(queries)} queries, {len(clips)} clips")
    return 0


if __name__ == "__main__":
    sys.exit(main())
