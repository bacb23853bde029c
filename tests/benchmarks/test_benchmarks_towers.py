"""The sizes of all towers are the published ones, and the benchmark runs. No numbers of seconds: machines are noisy."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.towers import WITHIN, main, parameters, published, texts

from benchmarks import towers
from hark import recipe as recipes


@pytest.mark.parametrize("name", sorted(published()))
def test_sizes_are_the_published_ones(name: str) -> None:
    assert published()[name].off(*parameters(name)) <= WITHIN


def test_every_size_is_of_a_recipe() -> None:
    assert set(published()) <= {*recipes.names(), *texts()}


def test_a_row_is_measured_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cav-mae/scale-pp", "--repeats", "1", "--json", str(tmp_path / "towers.json")]) == 0
    row = json.loads((tmp_path / "towers.json").read_text())["towers"][0]
    assert row["audio_millions"] == pytest.approx(85.65, abs=0.01)
    # 512 tokens through 12 blocks: 12 x (12 x 768^2 x 512 + 2 x 512^2 x 768) multiply-adds, and the patches.
    blocks = 12 * (12 * 768**2 * 512 + 2 * 512**2 * 768) + 512 * 256 * 768
    assert row["gmacs"] == pytest.approx(blocks / 1e9, rel=0.01)
    assert "cav-mae/scale-pp" in capsys.readouterr().out


def test_text_towers_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that stand in no recipe; and a tower that takes too much memory is a fault."""
    said = ["text: minilm-l6", "--repeats", "1", "--json", str(tmp_path / "towers.json")]
    assert main(said) == 0
    row = json.loads((tmp_path / "towers.json").read_text())["towers"][0]
    assert row["text_millions"] == pytest.approx(22.7, abs=0.05)  # the model's card
    # 77 tokens through 6 blocks, and the pooler for one of them.
    blocks = 6 * (12 * 384**2 * 77 + 2 * 77**2 * 384) + 384**2
    assert row["text_gmacs"] == pytest.approx(blocks / 1e9, rel=0.01)
    monkeypatch.setattr(towers, "MEMORY_MB", 10)
    assert main(said) == 1


def test_each_tower_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes with the same towers share what was measured, and each of the recipes has its row."""
    asked = []

    def stand_in(function: object, *_: object) -> towers.Work:
        asked.append(function)
        return towers.Work(1.0, 1.0, 1.0)

    monkeypatch.setattr(towers, "fresh", stand_in)
    done: dict[str, towers.Work] = {}
    for name in ("laion/htsat-tiny", "laion/htsat-base", "laion/htsat-tiny"):
        assert towers.measure(name, 1, done).text_millions == pytest.approx(124.6, abs=0.1)
    assert asked == [towers.hear, towers.read, towers.hear]
