"""Writes docs/miniature.md from the file of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.miniature.claims import MARGIN, Claim, Outcome, claims, outcome
from benchmarks.miniature.plan import FIRST, HTSAT_22, LABELS, REPORTS, Run, names
from hark.core.files import write_text

HEAD = """\
# The reports in miniature

*Made from [benchmarks/results/miniature.json](../benchmarks/results/miniature.json) by
`python -m benchmarks.miniature --table`; do not edit.*

Every recipe of the five reports that learns to find sounds, trained on a CPU by the command that trains it at full
size, on real sounds. `--set` narrows the towers and shortens the stages; the code is the same. It shows that a
recipe learns, and which of its report's ideas help where sounds are few and towers small. It says nothing of how good
the systems are at full size.

- **Sounds**: ESC-50 folds 1 to 3 in the place of Clotho, UrbanSound8K and Kitchen20 in that of AudioCaps; 8 kHz,
  windows of 5 s. **Sentences**: the labels, and "the sound of {label}".
- **Measured** on ESC-50 fold 4: each of its @queries labels is a query for the 7 or 8 of @clips clips that have it. No
  recording of that fold is trained on. Weights are chosen on a tenth of the recordings of folds 1 to 3, which are not
  trained on either (also where a report chose on the set that it reports).
- **Chance**: a random order has mAP@10 @chance exactly. Ten times that is @ten.
- **Towers** are 64 wide with one or two layers ([narrow.py](../benchmarks/miniature/narrow.py)) and have fresh weights,
  with these exceptions. LAION's and IRIT's frozen text tower is all-MiniLM-L6-v2. IRIT's frozen tagger and the PaSST
  that LY's A to C begin with first learned the labels of ESC-50 folds 1 to 3, UrbanSound8K and Kitchen20 (in the
  place of AudioSet's; 96 wide, three layers). Microsoft's HTSAT first learned one task of labels (Kitchen20), HTSAT-22
  three, by its own recipe (Kitchen20, UrbanSound8K, Philharmonia).
- **Chosen by trial**: sizes, rates and numbers of steps, on the very fold that is measured on. Where a recipe was below
  ten times chance at first, it (and what it is compared with) was given more steps, or its tagger was.
- **The same in miniature**: Microsoft's HTSAT-22 + GPT-2 with 119 thousand and with 4.6 million pairs, SJTU's BERT and
  BERT-medium, and nearly so LY's E and F (VAST with one slice is BEATs).
"""

LEARN = """\
## Every recipe learns

A label finds its sounds: mAP@10 and R@1; accuracy: the share of sounds whose first label is right. The mean over seeds.

| recipe | seeds | mAP@10 | least to most | x chance | R@1 | accuracy | CPU s |
|---|---|---|---|---|---|---|---|"""

LABELLED = """
Those that learn labels. `htsat22` is asked for the labels of UrbanSound8K's fold 2, which it did not learn from,
`esc50` for those of each fold of ESC-50 but the fifth, which is not in these sounds. mAP@10: a label finds its sounds.

| recipe | runs | mAP@10 | chance | x chance | accuracy | CPU s |
|---|---|---|---|---|---|---|"""

CLAIMS = """\
## What becomes of the claims

Differences of mAP@10 between runs with the same seed, the first side minus the second. *Over seeds*: Student's 95 %
interval of the pairs' differences. *Over queries*: the bootstrap's, of each query's mean difference. "A > B" is
**confirmed** where both intervals lie above 0, **not confirmed** where both lie below, else **undecided**; "A >= B"
where neither reaches below 0. "Neutral" is confirmed where both lie within -@margin and @margin, and not where both lie
on one side of 0. Three seeds tell only large differences. An ensemble of seeds is compared with each of its members:
these are the pairs. One of different systems is compared, seed by seed, with the mean of what its members have.

| report | claim | pairs | first | second | difference | over seeds | over queries | |
|---|---|---|---|---|---|---|---|---|"""

COMMANDS = """
## The commands

All of them, one after the other, and this page; what has a result is not run again:

    python -m benchmarks.miniature --data "$DATA" --out "$OUT"

`$DATA` is the folder that holds `sounds/metadata.csv`, `$OUT` where to train. `$OUT/towers` holds small tokenizers, a
link to MiniLM, and the tagger; the line above makes them. It runs each of the commands below by the function that
`hark train` calls, in its own process. Here is the first seed of each recipe. Further seeds change `stages.NAME.seed`,
variants what `VARIANTS` in [plan.py](../benchmarks/miniature/plan.py) says; each run's own command stands in the file
of results."""


def write_page(results: Mapping[str, Any], page: Path) -> None:
    """Writes the page."""
    write_text(page, "\n".join(_page(results)) + "\n")


def _page(results: Mapping[str, Any]) -> Iterator[str]:
    chance = results["chance"]
    told = {
        "queries": str(len(results["queries"])), "clips": str(results["clips"]), "chance": f"{chance:.5f}",
        "ten": f"{10 * chance:.4f}",
    }  # fmt: skip
    yield _filled(HEAD, told)
    yield LEARN
    for name in names():
        yield from _recipe(name, results)
    yield from _plain(results)
    yield LABELLED
    for name in LABELS:
        yield from _labelled(name, results)
    yield ""
    yield _filled(CLAIMS, {"margin": f"{MARGIN:.2f}"})
    for claim in claims():
        yield _claim(claim, outcome(claim, results))
    yield from _ensembles(results)
    yield from _commands(results)
    yield from _made(results)


def _filled(text: str, told: Mapping[str, str]) -> str:
    for name, value in told.items():
        text = text.replace(f"@{name}", value)
    return text


def _of(name: str, results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        record
        for record in results["runs"].values()
        if record["system"] == name and record["variant"] == "as the report" and "measured" in record
    ]


def _recipe(name: str, results: Mapping[str, Any]) -> Iterator[str]:
    records = _of(name, results)
    if not records:
        yield f"| {name} | 0 | not run | | | | | |"
        return
    result = [record["measured"]["result"] for record in records]
    found = [one["map_at_10"] for one in result]
    mean = float(np.mean(found))
    first, right = (float(np.mean([one[key] for one in result])) for key in ("r_at_1", "accuracy"))
    spent = float(np.mean([record["cpu_s"] for record in records]))
    spread = f"{min(found):.3f} to {max(found):.3f}" if len(found) > 1 else ""
    times = mean / results["chance"]
    mark = "" if times >= 10 else " (below 10)"
    cells = [name, len(found), f"{mean:.3f}", spread, f"{times:.0f}{mark}", f"{first:.2f}", f"{right:.2f}"]
    yield f"| {' | '.join(map(str, cells))} | {spent:.0f} |"


def _labelled(name: str, results: Mapping[str, Any]) -> Iterator[str]:
    records = [record for record in results["runs"].values() if record["system"] == name]
    if not records:
        yield f"| {name} | 0 | not run | | | | |"
        return
    result = [record["measured"]["result"] for record in records]
    found, chance, right = (float(np.mean([one[key] for one in result])) for key in ("map_at_10", "chance", "accuracy"))
    spent = float(np.mean([record["cpu_s"] for record in records]))
    times = f"{found / chance:.0f}{'' if found >= 10 * chance else ' (below 10)'}"
    yield f"| {name} | {len(records)} | {found:.3f} | {chance:.4f} | {times} | {right:.2f} | {spent:.0f} |"


def _plain(results: Mapping[str, Any]) -> Iterator[str]:
    found = [
        record["measured"]["towers alone"]["map_at_10"]
        for record in results["runs"].values()
        if "towers alone" in record.get("measured", {})
    ]
    if found:
        yield ""
        yield (
            "LAION's dual loss compares each tower with the other one's branch, never the two towers, and so does the "
            f"search by its models. By the towers' own vectors its {len(found)} runs have mAP@10 {min(found):.3f} to "
            f"{max(found):.3f}."
        )


def _claim(claim: Claim, found: Outcome | None) -> str:
    if found is None:
        return f"| {claim.report} | {claim.said} | 0 | | | | | | no runs |"
    return (
        f"| {claim.report} | {claim.said} | {found.pairs} | {found.first:.3f} | {found.second:.3f} | "
        f"{found.difference:+.3f} | {found.by_seed or ''} | {found.by_query} | **{found.verdict}** |"
    )


def _ensembles(results: Mapping[str, Any]) -> Iterator[str]:
    found = results.get("ensembles", {})
    if not found:
        return
    yield ""
    yield "### Ensembles"
    yield ""
    yield "The mean of the members' scores; beside it the best and the mean of the members alone."
    yield ""
    yield "| ensemble | members | mAP@10 | best member | mean of members |"
    yield "|---|---|---|---|---|"
    for name, record in sorted(found.items()):
        alone = [results["runs"][key]["measured"]["result"]["map_at_10"] for key in record["members"]]
        whole = record["measured"]["result"]["map_at_10"]
        yield f"| {name} | {len(alone)} | {whole:.3f} | {max(alone):.3f} | {np.mean(alone):.3f} |"


def _commands(results: Mapping[str, Any]) -> Iterator[str]:
    yield COMMANDS
    for report in ("before", *REPORTS):
        runs = (
            [Run(name) for name in (*FIRST, HTSAT_22)]
            if report == "before"
            else [Run(n) for n in names() if n.startswith(report)]
        )
        yield ""
        yield f"<details><summary>{'encoders that learn labels first' if report == 'before' else report}</summary>"
        yield ""
        yield "```sh"
        yield from (results["runs"][run.key]["command"] for run in runs if run.key in results["runs"])
        yield "```"
        yield ""
        yield "</details>"


def _made(results: Mapping[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    records = results["runs"].values()
    made = next((record["made"] for record in records if "made" in record), {})
    wall, spent = (sum(record[key] for record in records) / 60 for key in ("wall_s", "cpu_s"))
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield ""
    yield "## Made with"
    yield ""
    yield f"{machine['processor']}, {machine['cores']} cores shared with other work, one thread; {versions}."
    yield (
        f"{len(results['runs'])} runs, {spent:.0f} minutes of one core's time ({wall:.0f} minutes by the clock). "
        f"Data {made.get('data', '?')}, hark {made.get('hark', '?')}; the hash of each run's weights and its command "
        "stand in the file of results."
    )
