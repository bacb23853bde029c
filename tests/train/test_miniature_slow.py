"""A recipe of each report, narrowed by `--set`, learns from real sounds within minutes from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.miniature.plan import FIRST, HTSAT_22, Run
from benchmarks.miniature.work import Measured, found_scores, prepare

SOUNDS = Path(os.environ.get("HARK_SOUNDS", Path(__file__).parents[3] / "shared" / "sounds" / "metadata.csv"))
"""A table as `benchmarks.miniature.corpora` describes it; it lies in a folder called "sounds"."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SOUNDS.is_file() or SOUNDS.parts[-2:] != ("sounds", "metadata.csv"), reason="HARK_SOUNDS names no table"
    ),
]


def _train(run: Run, *, out: Path) -> Path:
    """The run's own command, through a shell."""
    prepare(run, data=SOUNDS.parents[1], out=out)
    hark = f"{sys.executable} -c 'from hark.cli.main import main; main()'"
    told = os.environ | {"DATA": str(SOUNDS.parents[1]), "OUT": str(out), "OMP_NUM_THREADS": "1"}
    command = run.command().replace("hark train", f"{hark} train", 1)
    done = subprocess.run(
        ["sh", "-c", command], env=told, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out / run.folder()


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("laion-2022/htsat", ()),
        ("ly-2024/d", ()),
        ("msclap-2023/htsat22-gpt2", (HTSAT_22,)),
        ("irit-2022/passt-mpnet-tags", ("passt",)),
        ("sjtu-2022/cnn14-bert", ()),
    ],
)
def test_it_beats_chance_ten_times(name: str, before: tuple[str, ...], tmp_path: Path) -> None:
    assert set(before) <= {*FIRST, HTSAT_22}
    for first in before:
        _train(Run(first), out=tmp_path)
    measured = Measured(SOUNDS.parents[1])
    scores = found_scores(_train(Run(name), out=tmp_path), measured)["result"]
    assert measured.told(scores)["map_at_10"] >= 10 * measured.chance()
