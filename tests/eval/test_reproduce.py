"""Published numbers: every key has a meaning, and each number gets the verdict that it deserves."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import SettingError
from hark.data import manifest
from hark.eval import retrieval
from hark.eval.reproduction import published, reproduce, sizes
from hark.metrics.confidence import Estimate
from hark.recipe import load as load_recipe

RECIPE = """
about = "known"
dim = 3
[audio]
rate_hz = 8000
features = { name = "waveform" }
encoder = { name = "identity" }
head = { name = "identity" }
"""
CORPUS = """
from dataclasses import dataclass
from pathlib import Path
from hark.data import manifest

@dataclass(frozen=True)
class Config:
    path: str

    def build(self):
        return manifest.read(Path(self.path) / "clips.csv")
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder of plug-ins with one corpus, `made`, and an empty place to work in."""
    plugin = tmp_path / "plugin"
    (plugin / "data" / "corpora").mkdir(parents=True)
    (plugin / "data" / "corpora" / "made.py").write_text(CORPUS, encoding="utf-8")
    (plugin / "recipes").mkdir()
    monkeypatch.setenv("HARK_PLUGINS", str(plugin))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def measured(work, known, monkeypatch):
    """40 sounds and 40 texts that find some of them, in data/made; gives their mAP@10 and mean rank."""
    rng = np.random.default_rng(1)
    folder = work / "data" / "made"
    folder.mkdir(parents=True)
    names = [f"clip{at}" for at in range(40)]
    for name in names:
        (folder / f"{name}.wav").touch()
    (folder / "clips.csv").write_text("file,caption\n" + "".join(f"{n}.wav,about {n}\n" for n in names))
    sounds = {name: rng.normal(size=8) for name in names}
    model = known({f"about {n}": sounds[n] + 1.2 * rng.normal(size=8) for n in names}, sounds)
    monkeypatch.setattr(reproduce, "load", lambda name, **_: model)
    clips = manifest.read(folder / "clips.csv")
    model.heard = []
    report = retrieval.evaluate(model, clips, rng=np.random.default_rng(0))
    return report.text_to_audio.metrics["mAP@10"].value, report.audio_to_text.metrics["R@1"].value


def recipe(work, table, *, trained=True):
    """The recipe `known` with those published numbers, and a run of it."""
    (work / "plugin" / "recipes" / "known.toml").write_text(RECIPE + "[published]\n" + table, encoding="utf-8")
    if trained:
        (work / "runs" / "known").mkdir(parents=True, exist_ok=True)
        (work / "runs" / "known" / "model.safetensors").touch()


def again(names=("known",), **given):
    rows = reproduce.chosen(names)
    return list(reproduce.reproduce(rows, data=Path("data"), **given))


def test_all_four_verdicts(work, measured):
    value, back = measured
    recipe(
        work,
        f"""
table = "table 1"
made_map_at_10 = {value:.3f}
made_audio_to_text_r_at_1 = {back:.2f}
made_r_at_10 = 0.01
made_mean_rank = 1000.5
clotho_evaluation_map_at_10 = 0.2
""",
    )
    found = again(command="hark reproduce known")
    assert [one.verdict for one in found] == ["ok", "ok", "off", "off", "cannot"]
    assert found[0].measured.value == value
    assert found[0].row.where == "table 1"
    assert (found[0].made.model, found[0].made.command) == ("known", "hark reproduce known")
    assert "data/clotho: no such folder" in found[4].why
    assert "hark data download clotho" in found[4].why
    recipe(work, f"made_map_at_10 = {value * 1.015:.6f}\n")
    assert [one.verdict for one in again()] == ["near"]


def test_every_sound_is_heard_once(work, measured, monkeypatch):
    recipe(work, "made_map_at_10 = 0.5\nmade_r_at_1 = 0.5\nmade_median_rank = 5\n")
    heard = reproduce.load("known").heard
    heard.clear()
    again()
    assert len(heard) == 40


def test_what_is_missing_is_told_with_what_to_do(work):
    recipe(work, "made_map_at_10 = 0.5\n", trained=False)
    (one,) = again()
    assert one.verdict == "cannot"
    assert "no weights in runs/known; train it: hark train known; and data/made: no such folder" in one.why


def test_data_that_is_not_whole_is_no_reproduction(work, measured, tmp_path):
    recipe(work, "clotho_evaluation_map_at_10 = 0.5\n")
    (work / "data" / "clotho").mkdir()
    (work / "data" / "clotho" / "manifest.jsonl").write_text(
        '{"id": "a", "path": "../made/clip0.wav", "captions": ["about clip0"], "split": "evaluation"}\n'
    )
    (one,) = again()
    assert "1 clips, published with 1,045" in one.why


@pytest.mark.parametrize(
    ("value", "measured", "verdict"),
    [
        ("0.214", 0.2144, "ok"),
        ("0.214", 0.2146, "near"),  # 0.3 % from it
        ("0.2140", 0.2141, "near"),  # one more digit: not rounding
        ("0.2140", 0.21405, "ok"),
        ("0.40", 0.4049, "ok"),
        ("0.400", 0.4049, "near"),
        ("0.400", 0.4081, "off"),
        ("14", 14.4, "ok"),
        ("14", 14.6, "off"),
        ("1.92E+8", 192041665, "ok"),
    ],
)
def test_the_last_digit_says_how_a_number_was_rounded(value, measured, verdict):
    assert reproduce.verdict(Decimal(value), Estimate(measured, measured, measured)) == verdict


def test_a_published_number_in_the_interval_is_near():
    assert reproduce.verdict(Decimal("0.40"), Estimate(0.45, 0.39, 0.51)) == "near"
    assert reproduce.verdict(Decimal("0.40"), Estimate(0.45, 0.41, 0.49)) == "off"


def test_digits_are_those_that_were_written(work):
    recipe(work, "made_map_at_10 = 0.3640\n")
    assert reproduce.chosen(["known"])[0].value.as_tuple().exponent == -4


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("clotho_evaluation_map_at10", "did you mean 'clotho_evaluation_map_at_10'"),
        ("cloto_evaluation_r_at_1", "did you mean 'clotho_evaluation_r_at_1'"),
        ("paramaters", "did you mean 'parameters'"),
        ("esc50_acuracy", "did you mean 'esc50_accuracy'"),
    ],
)
def test_a_key_without_a_meaning_is_refused_with_a_hint(key, said):
    with pytest.raises(SettingError, match=said):
        published.read(f"[published]\n{key} = 0.5\n", system="x")


@pytest.mark.parametrize("line", ['parameters = "many"', "parameters = true", "table = 1"])
def test_a_number_is_a_number_and_a_place_a_text(line):
    with pytest.raises(SettingError, match=r"x.toml: published\.(parameters|table)"):
        published.read(f"[published]\n{line}\n", system="x")


def test_every_published_number_that_comes_with_hark_has_a_meaning():
    rows = published.rows()
    assert len(rows) > 250
    assert {"irit-2022/ensemble", "ly-2024/submission-2", "laion/music", "microsoft/clap-2022"} <= {
        row.system for row in rows
    }
    for row in rows:
        assert row.value >= 0, row
        assert row.kind != "elsewhere" or row.why, row
        if row.kind in ("retrieval", "task", "tags", "average") and not row.metric.endswith("rank"):
            assert row.value <= 1, row  # a share, not points


def test_captioners_are_told_as_cannot_with_what_measures_them():
    rows = reproduce.chosen(["msclap-2023/clapcap"])
    found = {one.row.what: one for one in reproduce.reproduce(rows, data=Path("x"))}
    one = found["captions of clotho, SPIDEr"]
    assert (one.verdict, one.row.value) == ("cannot", Decimal("0.271"))
    assert one.why == "captions are measured by `hark eval microsoft/clapcap-2023 --on MANIFEST`"
    names = ["sjtu-2022/captioning-gru", "sjtu-2022/captioning-system-3"]
    again = list(reproduce.reproduce(reproduce.chosen(names), data=Path("x")))
    assert {one.row.system for one in again} == set(names)
    assert {one.verdict for one in again} == {"cannot"}
    told = {one.row.what: one.why for one in again if one.row.system == names[0]}
    assert "hark eval runs/sjtu-2022/captioning-gru" in told["captions, SPIDEr"]
    assert "the whole recipe" in told["captions, CIDEr-D, after cross entropy alone"]
    assert "without what it hears with" in told["parameters"]


def test_a_name_without_numbers_is_told():
    with pytest.raises(SettingError, match="no number of it is published"):
        reproduce.chosen(["mini"])
    with pytest.raises(SettingError, match="did you mean 'sjtu-2022/ast-bert'"):
        reproduce.chosen(["sjtu-2022/ast-bart"])
    assert {row.system for row in reproduce.chosen(["sesa"])} >= {"msclap-2023/htsat-clip"}  # a task's


def test_parameters_are_counted_without_weights():
    """IRIT's section 2: 406,558 learnable parameters, which leaves out the temperature that its loss does not use."""
    assert sizes.count(load_recipe("irit-2022/passt-mpnet-tags"), learnable=True) == 406558
