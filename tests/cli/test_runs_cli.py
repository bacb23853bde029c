"""`hark runs`: what it says of folders that training wrote, and of such as it did not."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hark import recipe as recipes
from hark.cli.main import app
from hark.core.errors import DataError, HarkError, SettingError
from hark.train import runs
from hark.train.curves import draw, series, smoothed
from hark.train.provenance import fingerprint
from hark.train.run import run

RECIPE = """
about = "For tests."
dim = 16
[audio]
rate_hz = 16000
window_s = 0.5
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16 }}
encoder = {{ name = "mobilenet", width = 0.25 }}
head = {{ name = "linear" }}
[text]
encoder = {{ name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }}
head = {{ name = "linear" }}
[[stages]]
name = "sounds"
steps = {steps}
batch = 8
lr = {lr}
valid_every = 2
{more}
[[stages.corpora]]
corpus = {{ name = "synth", clips = 16, seed = 1, duration_s = 0.6, kinds = ["siren", "rain"] }}
[[stages.valid]]
corpus = {{ name = "synth", clips = 12, seed = 2, duration_s = 0.6, kinds = ["siren", "rain"] }}
say = ["{{label}}"]
"""


def train(folder: Path, *, steps: int = 4, lr: float = 1e-3, more: str = "") -> None:
    made = recipes.parse(RECIPE.format(steps=steps, lr=lr, more=more), name="small")
    for _ in run(made, data=Path(), out=folder):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "runs-cache"))
        train(made / "one")
        train(made / "group" / "two", steps=6, lr=2e-3)
    return made


def hark(*words: object) -> str:
    made = CliRunner().invoke(app, [str(word) for word in words])
    if made.exception is not None:
        raise made.exception
    return made.stdout


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_list_tells_the_best_of_each(folder: Path) -> None:
    told = json.loads(hark("runs", "list", folder, "--json"))
    assert [row["run"] for row in told] == [str(folder / "group" / "two"), str(folder / "one")]
    for row in told:
        found = [line for line in lines(Path(row["run"])) if "map_at_10" in line]
        assert row["metric"] == "map_at_10"
        assert row["best"] == max(line["map_at_10"] for line in found)
        assert row["at"] - 1 == min(line["step"] for line in found if line["map_at_10"] == row["best"])
        assert (row["recipe"], row["stage"]) == ("small", "sounds")
    assert [row["step"] for row in told] == [6, 4]
    shown = hark("runs", "list", folder).splitlines()
    assert shown[0].split() == ["run", "recipe", "stage", "step", "metric", "best", "at", "step"]
    assert len(shown) == 3
    assert f"{told[1]['best']:.4f}" in shown[2]


def test_show_tells_data_and_versions(folder: Path) -> None:
    told = json.loads(hark("runs", "show", folder / "one", "--json"))
    kept = json.loads((folder / "one" / "provenance.json").read_text())
    assert (
        told["recipe_hash"]
        == kept["recipe_hash"]
        == recipes.parse(RECIPE.format(steps=4, lr=1e-3, more=""), name="s").hash
    )
    assert {"hark", "torch", "numpy", "python"} <= told["versions"].keys()
    assert told["stages"]["sounds"]["steps"] == 4
    (corpus,) = told["stages"]["sounds"]["data"]["corpora"]
    assert (corpus["corpus"], corpus["clips"]) == ("synth", 16)
    assert corpus["ids"] == fingerprint(f"{n:05d}" for n in reversed(range(16)))
    assert corpus["ids"] != fingerprint(f"{n:05d}" for n in range(15))
    result = (folder / "one" / "model.safetensors").read_bytes()
    assert told["weights"] == hashlib.sha256(result).hexdigest()[:16]
    assert told["again"].startswith(f"hark train {folder}/one/recipe.toml ")
    shown = hark("runs", "show", folder / "one")
    assert "corpora: synth, 16 clips" in shown
    assert "stage sounds: 4 steps" in shown


def test_compare_puts_metrics_and_settings_side_by_side(folder: Path) -> None:
    told = json.loads(hark("runs", "compare", folder / "one", folder / "group" / "two", "--json"))
    assert told["settings"] == {"stages.0.steps": [4, 6], "stages.0.lr": [0.001, 0.002]}
    assert told["steps"] == [4, 6]
    for name, values in told["metrics"].items():
        for place, value in zip(("one", "group/two"), values, strict=True):
            assert value == max(line[name] for line in lines(folder / place) if name in line)
    shown = hark("runs", "compare", folder / "one", folder / "group" / "two")
    assert "stages.0.steps  4" in shown


def test_lower_is_better_for_a_loss(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('[[stages]]\nname = "a"\nmetric = "loss"\n')
    told = [{"stage": "a", "step": n, "loss": 9.0, "valid_loss": v} for n, v in enumerate([3.0, 1.0, 2.0, 1.0])]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told) + '{"stage": "a", "st')
    best = runs.read(tmp_path).best("a")
    assert best is not None
    assert (best.metric, best.value, best.step) == ("valid_loss", 1.0, 1)
    assert len(runs.read(tmp_path).history) == 4  # a line that was cut off does not count
    assert runs.read(tmp_path).best("a", "accuracy") is None


def test_stages_follow_each_other_in_a_curve(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("")
    told = [{"stage": s, "step": n, "loss": float(n)} for s, count in (("a", 3), ("b", 2)) for n in range(count)]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told))
    steps, values = series(runs.read(tmp_path), "loss")
    assert steps.tolist() == [1, 2, 3, 4, 5]
    assert values.tolist() == [0, 1, 2, 0, 1]
    many = np.arange(1000.0)
    coarse, means = smoothed(many, 2 * many)
    assert 40 <= len(coarse) <= 60
    np.testing.assert_allclose(means, 2 * coarse)


def test_plot_writes_a_picture(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert hark("runs", "plot", folder, "--out", tmp_path / "both.png") == f"{tmp_path / 'both.png'}\n"
    assert hark("runs", "plot", folder / "one").strip() == str(folder / "one" / "curves.png")
    for path in (tmp_path / "both.png", folder / "one" / "curves.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SettingError, match=r"curves are drawn with matplotlib; pip install 'hark\[report\]'"):
        draw([runs.read(folder / "one")], folder / "no.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "NOWHERE"], "NOWHERE: no such folder; `hark train` writes runs"),
        (["show", "."], "no run; there is no recipe.toml with a history.jsonl beside it"),
        (["compare", "."], "no run in it; `hark train` writes them"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        hark("runs", *words)


def test_a_damaged_history_is_named(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("")
    (tmp_path / "history.jsonl").write_text('{"stage": "a", "step": 0}\nnonsense\n')
    with pytest.raises(DataError, match=r"history.jsonl:2: not a step that training wrote"):
        runs.read(tmp_path)


def test_tensorboard_is_written_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(
            HarkError, match="tensorboard: it is not installed; pip install tensorboard, or take it out"
        ):
            train(tmp_path / "run", more="tensorboard = true")
        return
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tmp_path / "run", more="tensorboard = true")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "sounds"))
    events.Reload()
    told = lines(tmp_path / "run")
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    assert found == [(line["step"], pytest.approx(line["loss"], rel=1e-6)) for line in told]
    assert [event.step for event in events.Scalars("map_at_10")] == [1, 3]
