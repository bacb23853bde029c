"""`hark runs`: what it says of folders that training wrote, and of such as it did not."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
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


HAS_TENSORBOARD = importlib.util.find_spec("tensorboard") is not None


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("more", ["", "tensorboard = true"])
@pytest.mark.skipif(not HAS_TENSORBOARD, reason="tensorboard is not installed")
@pytest.mark.usefixtures("cache")
def test_tensorboard_is_written_where_it_is_installed(tmp_path: Path, more: str) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tmp_path / "run", more=more)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "sounds"))
    events.Reload()
    told = lines(tmp_path / "run")
    found = [(event.step, event.value) for event in events.Scalars("loss")]
    assert found == [(line["step"], pytest.approx(line["loss"], rel=1e-6)) for line in told]
    assert [event.step for event in events.Scalars("map_at_10")] == [1, 3]


@pytest.mark.usefixtures("cache")
def test_tensorboard_is_left_out_where_it_is_not_wanted_or_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "without", more="tensorboard = false")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as where it is not installed
    train(tmp_path / "auto")
    for name in ("without", "auto"):
        assert not (tmp_path / name / "tensorboard").exists()
    with pytest.raises(HarkError, match="tensorboard: it is not installed; pip install tensorboard, or take it out"):
        train(tmp_path / "run", more="tensorboard = true")
    with pytest.raises(SettingError, match=r"tensorboard: 'sometimes'; known: False, True, auto"):
        train(tmp_path / "other", more='tensorboard = "sometimes"')


def written(tmp_path: Path, *, more: str = "tensorboard = false") -> Path:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE.format(steps=4, lr=1e-3, more=more))
    return path


@pytest.mark.usefixtures("cache")
def test_training_ends_with_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    hark("train", written(tmp_path), "--out", tmp_path / "run")
    picture = tmp_path / "run" / "curves.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    train(tmp_path / "library")
    assert not (tmp_path / "library" / "curves.png").exists()
    hark("train", written(tmp_path), "--dry-run")
    picture.unlink()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    made = CliRunner().invoke(app, ["train", str(tmp_path / "small.toml"), "--out", str(tmp_path / "run")])
    assert made.exit_code == 0  # the run has ended before, and cannot be drawn now
    assert made.stdout == f"{tmp_path / 'run' / 'model.safetensors'}\n"
    assert "curves.png: not drawn (curves are drawn with matplotlib; pip install 'hark[report]')" in made.stderr
    assert not picture.exists()


@pytest.mark.parametrize("stopped_at", [0, 2])
@pytest.mark.usefixtures("cache")
def test_interrupted_training_leaves_curves_of_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    pytest.importorskip("matplotlib")
    from hark.train import loop
    from hark.train.optim import Rate

    def stops(self: Rate, step: int, validations: object = ()) -> float:
        if step == stopped_at:
            raise KeyboardInterrupt
        return 1e-3

    monkeypatch.setattr(loop.Rate, "__call__", stops)
    made = CliRunner().invoke(app, ["train", str(written(tmp_path)), "--out", str(tmp_path / "run")])
    assert made.exit_code == 130
    assert (tmp_path / "run" / "curves.png").exists() == (stopped_at > 0)


@pytest.mark.usefixtures("cache")
def test_every_start_of_a_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "first", more="tensorboard = false")
    first = tmp_path / "first" / "model.safetensors"
    source = f'init = {{ audio_encoder = "{first}" }}\n' + written(tmp_path).read_text()
    source = source.replace("steps = 4", "epochs = 2")
    made = recipes.parse(source, name="small")
    for event in run(made, data=tmp_path, out=tmp_path / "run", save_every_s=0.0):
        if event.step.step == 1:
            break
    (tmp_path / "small.toml").write_text(source)
    words = ["hark", "train", str(tmp_path / "small.toml"), "--out", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", words)
    hark(*words[1:])
    kept = json.loads((tmp_path / "run" / "provenance.json").read_text())
    begun, again = kept["starts"]
    assert (begun["command"], begun["from"]) == (None, None)
    assert (again["command"], again["from"]) == (" ".join(words), {"stage": "sounds", "step": 2})
    for start in kept["starts"]:
        assert start["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
        assert start["init"] == {
            "audio_encoder": {"weights": str(first), "sha256": hashlib.sha256(first.read_bytes()).hexdigest()}
        }
        resolved = start["stages"]["sounds"]["resolved"]
        assert (resolved["steps"], resolved["warmup"], resolved["valid_every"]) == (4, 100, 2)  # 16 clips, 8 at a time
    told = json.loads(hark("runs", "show", tmp_path / "run", "--json"))
    assert told["starts"] == [{name: start[name] for name in ("command", "from", "device")} for start in kept["starts"]]
    shown = hark("runs", "show", tmp_path / "run")
    assert f"from step 2 of sounds, on cpu: {' '.join(words)}" in shown
    assert "learning rate 0.001: " in shown


@pytest.mark.usefixtures("cache")
def test_rates_of_layers_are_shown(tmp_path: Path) -> None:
    more = 'tensorboard = false\nlayer_decay = 0.5\nfreeze = ["text_encoder"]'
    train(tmp_path / "run", more=more)
    (start,) = json.loads((tmp_path / "run" / "provenance.json").read_text())["starts"]
    rates = [one["lr"] for one in start["stages"]["sounds"]["resolved"]["rates"]]
    assert rates == pytest.approx([1e-3 * 0.5**n for n in range(16, -1, -1)])  # mobilenet: 15 blocks and a stem
    assert "    learning rate 0.0005: " in hark("runs", "show", tmp_path / "run")


@pytest.mark.usefixtures("cache")
def test_the_recipe_in_the_folder_is_the_one_that_was_trained(tmp_path: Path) -> None:
    changes = ["stages.sounds.batch=4", "stages.0.steps=2", "audio.head.name='mlp'"]
    changed = [word for change in changes for word in ("--set", change)]
    hark("train", written(tmp_path), "--out", tmp_path / "run", *changed)
    found = recipes.load(str(tmp_path / "run" / "recipe.toml"))
    (stage,) = found.stages
    assert (stage.batch, stage.steps, found.audio.head["name"]) == (4, 2, "mlp")
    assert found.hash == recipes.load(str(tmp_path / "small.toml"), changes=changes).hash
    again = hark("train", tmp_path / "run" / "recipe.toml", "--out", tmp_path / "run")  # it is the same training
    assert again == f"{tmp_path / 'run' / 'model.safetensors'}\n"
    assert len(lines(tmp_path / "run")) == 2
