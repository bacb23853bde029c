"""`python -m benchmarks.miniature`: the five reports' recipes in miniature, on real sounds, and what becomes of claims.

Goes on where it was stopped: a run whose result is in the file of results is not run again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.miniature.plan import plan
from benchmarks.miniature.table import write_page
from benchmarks.miniature.work import Measured, run_one, together
from hark.core.errors import HarkError
from hark.core.files import write_text

RESULTS = Path(__file__).parents[1] / "results" / "miniature.json"


def main() -> None:
    """Runs what is missing, then writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.miniature", description=__doc__)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="Only these. Default: all of the five reports.")
    parser.add_argument("--seeds", type=int, default=3, help="Runs of what a claim compares. Default: 3")
    parser.add_argument("--data", type=Path, default=Path(), help="The folder that holds sounds/metadata.csv.")
    parser.add_argument("--out", type=Path, default=Path("runs/miniature"), help="Where to train.")
    parser.add_argument("--results", type=Path, default=RESULTS, help="The file of results.")
    parser.add_argument(
        "--page", type=Path, help="The page to write. Default: docs/miniature.md for the usual results."
    )
    parser.add_argument("--table", action="store_true", help="Only write the page from the results that there are.")
    given = parser.parse_args()
    results = json.loads(given.results.read_text(encoding="utf-8")) if given.results.is_file() else {"runs": {}}
    if not given.table:
        out, data = given.out.absolute(), given.data.absolute()
        out.mkdir(parents=True, exist_ok=True)
        measured = Measured(data)
        results |= {"machine": dataclasses.asdict(machine()), "chance": measured.chance(), "queries": measured.texts}
        results["clips"] = len(measured.clips)
        for run in plan(given.seeds, given.recipes):
            if run.key in results["runs"]:
                continue
            try:
                results["runs"][run.key] = run_one(run, measured, data=data, out=out)
            except HarkError as error:
                print(f"{run.key}: {error}", file=sys.stderr, flush=True)
                continue
            write_text(given.results, json.dumps(results, indent=1, sort_keys=True) + "\n")
            found = results["runs"][run.key].get("measured", {}).get("result", {}).get("map_at_10")
            print(run.key, "" if found is None else f"mAP@10 {found:.3f}", file=sys.stderr, flush=True)
        results["ensembles"] = together(results, measured, out=out, seeds=given.seeds)
        write_text(given.results, json.dumps(results, indent=1, sort_keys=True) + "\n")
    page = given.page or (Path(__file__).parents[2] / "docs" / "miniature.md" if given.results == RESULTS else None)
    if page is not None:
        write_page(results, page)


if __name__ == "__main__":
    main()
