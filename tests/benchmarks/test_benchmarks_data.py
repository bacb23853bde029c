"""The benchmark of the loader runs, and both of its sides hear the same sounds. No numbers of seconds."""

import dataclasses
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

pytest.importorskip("webdataset")

from benchmarks.data import Result, Row, Spread, as_json, measure, quick, table
from benchmarks.fresh import fresh
from benchmarks.loaders import hark_batches, plain_batches
from benchmarks.machine import machine


def test_a_small_run_tells_everything(tmp_path: Path) -> None:
    result = measure(quick(), tmp_path)
    assert json.loads(as_json(result)) == json.loads(json.dumps(dataclasses.asdict(result)))
    assert [(row.lengths, row.workers) for row in result.rows] == [("short", 2)]
    for row in result.rows:
        assert row.ratio.median == pytest.approx(row.hark.median / row.plain.median)  # of one repetition
        assert 0 <= row.waits.median < 1
    samples, texts = fresh(everything, tmp_path / "short", "hark")
    theirs, their_texts = fresh(everything, tmp_path / "short", "plain")
    assert len(samples) == 12  # every sound, once
    assert samples == theirs
    assert texts == their_texts == {f"{words} {i}" for i in range(12) for words in ("noise number", "the noise of")}


def everything(folder: Path, whose: str) -> tuple[list[bytes], set[str]]:
    """Of windows that are longer than the sounds: the first epoch's sounds, sorted, and all that is said in many."""
    made = (hark_batches if whose == "hark" else plain_batches)(folder, 1, window_s=2.5, size=4)
    batches = list(itertools.islice(made, 40 * 3))
    made.close()
    waves = np.concatenate([np.asarray(waves) for waves, _ in batches[:3]])
    assert waves.shape == (12, 120_000)
    return sorted(wave.tobytes() for wave in waves), {text for _, texts in batches for text in texts}


def test_the_table_fits_a_terminal() -> None:
    spread = Spread(1234.5, 1000.0, 2000.0)
    row = Row("15 to 30 s", 2, spread, spread, Spread(1.234, 1.0, 10.0), Spread(0.05, 0.0, 0.5))
    text = table(Result(quick(), machine(), "1.0.2", [row]))
    assert "15 to 30 s" in text
    assert "What is compared" in text
    assert max(map(len, text.splitlines())) <= 120
