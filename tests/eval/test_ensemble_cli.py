"""`hark ensemble`: what it prints, and what it refuses in one line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hark.cli.ensemble import component, ensemble
from hark.core.errors import DataError, HarkError, SettingError, WeightsError
from hark.data import manifest
from hark.eval import retrieval
from hark.eval.ensembles import members


@pytest.fixture
def hark(known, clip, tmp_path, monkeypatch):
    """Runs the command on forty clips with two models, each right about most of them."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 8))
    clips = [clip(f"clip{i}", [f"caption {i}"], [f"fold{i % 2}"]) for i in range(40)]
    models = {}
    for name in ("one", "two"):
        texts = {f"caption {i}": truth[i] + 0.8 * rng.normal(size=8) for i in range(40)}
        models[name] = known(texts, {f"clip{i}": truth[i] + 0.8 * rng.normal(size=8) for i in range(40)})
        models[name].name, models[name].stamp = name, f"{name}-stamp"
    monkeypatch.setattr(members, "load", models.__getitem__)
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    manifest.write(tmp_path / "clips.jsonl", clips)
    app = typer.Typer()
    app.command("ensemble")(ensemble)
    app.command("other")(lambda: None)

    def run(*words):
        return CliRunner().invoke(app, ["ensemble", *words], catch_exceptions=False)

    run.models = models
    return run


ON = ("--on", "clips.jsonl")


def test_it_prints_members_gain_worth_and_where_the_numbers_are_from(hark):
    printed = hark("one", "two", *ON).stdout
    lines = printed.splitlines()
    assert lines[0] == "one + two (mean) on clips.jsonl: 40 clips, 40 captions"
    assert re.search(r"^one +1 +0\.\d{3} ", printed, flags=re.MULTILINE)
    assert re.search(r"gain over (one|two), the best alone", printed)
    assert re.search(r"^mAP@10 +\+0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\]", printed, flags=re.MULTILINE)
    assert "without one, text to audio" in printed
    assert re.fullmatch(r"one \+ two [0-9a-f]{12}, data [0-9a-f]{16}, hark \S+: hark.*", lines[-1])


def test_the_second_time_nothing_is_heard(hark, tmp_path):
    first = hark("one", "two", *ON, "--json").stdout
    heard = [len(model.heard) for model in hark.models.values()]
    assert heard == [40, 40]
    assert hark("one", "two", *ON, "--json").stdout == first
    assert [len(model.heard) for model in hark.models.values()] == heard
    hark("one", *ON, "--cache", str(tmp_path / "elsewhere"))
    assert len(hark.models["one"].heard) == 80
    hark("one", *ON, "--no-cache")
    assert len(hark.models["one"].heard) == 120


def test_an_ensemble_of_a_file(hark, tmp_path):
    text = 'about = "x"\ncombine = { name = "borda" }\n'
    text += (
        '[[members]]\nrecipe = "tiny"\nweights = "one"\nweight = 2.0\n[[members]]\nrecipe = "tiny"\nweights = "two"\n'
    )
    (tmp_path / "pair.toml").write_text(text)
    found = json.loads(hark("pair.toml", *ON, "--json").stdout)
    assert found["combine"] == {"name": "borda"}
    assert [(one["name"], one["weight"]) for one in found["members"]] == [("one", 2.0), ("two", 1.0)]
    assert found["made"]["model"] == "pair"
    changed = json.loads(hark("pair.toml", *ON, "--json", "--weights", "1,3", "--combine", "mean").stdout)
    assert changed["combine"] == {"name": "mean"}
    assert [one["weight"] for one in changed["members"]] == [1.0, 3.0]


def test_members_are_chosen_on_other_clips(hark):
    some = ("--where", "labels=fold0", "--greedy", "--select-on", "clips.jsonl", "--select-where", "labels=fold1")
    found = json.loads(hark("one", "two", *ON, *some, "--json").stdout)
    assert found["chosen"]["values"][-1] >= max(found["chosen"]["singles"])
    assert found["chosen_on"]["data"] != found["made"]["data"]
    assert "chosen on data" in hark("one", "two", *ON, *some).stdout


def test_hubs_are_told_of(hark, tmp_path):
    (tmp_path / "bank.txt").write_text("caption 1\n\ncaption 2\ncaption 1\n")
    printed = hark("one", *ON, "--rescore", "sinkhorn:temperature=0.1,rounds=3", "--bank", "bank.txt").stdout
    told = (
        "rescored by sinkhorn:temperature=0.1,rounds=3, by a bank of 2 texts (2 of them asked here) and 0 clips, data "
    )
    assert told in printed
    assert "skewness of k-occurrence" in printed
    assert "effect of it" in printed
    assert "saw all queries at once (transductive)" in hark("one", *ON, "--rescore", "csls").stdout
    assert "known by a bank" in hark("one", *ON, "--rescore", "csls", "--bank", "clips.jsonl").stdout


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["one", *ON, "--greedy"], SettingError, "give --select-on MANIFEST as well"),
        (["one", *ON, "--select-on", "clips.jsonl"], SettingError, "give --greedy as well"),
        (["one", *ON, "--greedy", "--select-on", "clips.jsonl"], SettingError, "measured on, so that no member"),
        (["sjtu-2022/sytem-4", *ON], SettingError, "did you mean 'sjtu-2022/system-4'?"),
        (["one", *ON, "--bank", "bank.txt"], SettingError, "give --rescore NAME"),
        (["one", *ON, "--weights", "1,2"], SettingError, "2 weights for 1 members"),
        (["one", *ON, "--weights", "a"], SettingError, "numbers with commas"),
        (["one", *ON, "--weights", "0"], SettingError, "one of them above it"),
        (["one", "two", *ON, "--weights", "nan,1"], SettingError, "not below 0"),
        (["one", *ON, "--combine", "men"], SettingError, "did you mean 'mean'"),
        (["one", *ON, "--combine", "borda:k"], SettingError, "NAME:key=value"),
        (["one", *ON, "--rescore", "sinkhorn:round=1"], SettingError, "did you mean 'rounds'"),
        (["one", *ON, "--rescore", "csls", "--bank", "none.txt"], DataError, "none.txt: cannot be read"),
        (["one", *ON, "--rerank", "model"], SettingError, "rerank.model: missing"),
        (["one", *ON, "--top", "0"], SettingError, "at least one clip"),
        (
            ["sjtu-2022/system-4", *ON],
            WeightsError,
            "members\\[0\\]: no weights in runs/sjtu-2022/wlcnn14-bert; train it",
        ),
        (
            ["laion-2022/system-4", *ON],
            WeightsError,
            "member-1/model.safetensors; train it: hark train laion-2022/htsat",
        ),
    ],
)
def test_what_is_wrong_is_one_line(hark, words, error, said):
    with pytest.raises(error, match=said) as caught:
        hark(*words)
    assert isinstance(caught.value, HarkError)
    assert "\n" not in str(caught.value)


def test_a_component_on_the_command_line():
    assert component("mean", "--combine") == {"name": "mean"}
    assert component("a:k=1,x=0.5,b=true,w=word,p=runs/x", "-") == {
        "name": "a", "k": 1, "x": 0.5, "b": True, "w": "word", "p": "runs/x"
    }  # fmt: skip


def test_the_command_imports_nothing_heavy():
    code = "import sys, hark.cli.ensemble; print({'torch', 'numpy', 'rich.progress'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_one_model_has_the_numbers_of_hark_eval(hark):
    """The intervals, too: the same draws, both ways."""
    report = json.loads(hark("one", *ON, "--json").stdout)["retrieval"]
    clips = manifest.read(Path("clips.jsonl"))
    alone = retrieval.evaluate(hark.models["one"], clips, rng=np.random.default_rng(0)).as_json()
    for way in ("text_to_audio", "audio_to_text"):
        assert report[way] == alone[way]
