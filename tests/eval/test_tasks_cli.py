import json

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from hark.cli.probe import probe
from hark.cli.zeroshot import zeroshot
from hark.data import manifest
from hark.data.records import Clip
from hark.runtime import load

TABLE = "filename,fold,target,category,esc10,src_file,take\n"


@pytest.fixture
def hark(known, tmp_path, monkeypatch):
    """Runs a command with a model that knows two labels, beside a small ESC-50 as it is published."""
    said = {"this is the sound of dog": [1, 0], "this is the sound of rain": [0, 1], "dog": [1, 0], "rain": [0, 1]}
    rows, sounds, clips = TABLE, {}, []
    (tmp_path / "data" / "esc50" / "meta").mkdir(parents=True)
    (tmp_path / "data" / "esc50" / "audio").mkdir()
    for i in range(20):
        label, fold = ("dog", "rain")[i % 2], 1 + i // 4
        rows += f"{fold}-{i}-A-0.wav,{fold},0,{label},True,{i},A\n"
        path = tmp_path / "data" / "esc50" / "audio" / f"{fold}-{i}-A-0.wav"
        soundfile.write(path, np.ones(80), 8000)
        sounds[path.stem] = np.add(said[label], [0.1, 0.1 * (i % 3)])
        clips.append(Clip(path.stem, path, labels=(label,), extra={"fold": str(fold)}))
    (tmp_path / "data" / "esc50" / "meta" / "esc50.csv").write_text(rows)
    manifest.write(tmp_path / "clips.jsonl", clips)
    monkeypatch.setattr(load, "load", lambda name: {"known": known(said, sounds)}[name])

    app = typer.Typer()
    app.command("zeroshot")(zeroshot)
    app.command("probe")(probe)

    def run(command, *words):
        places = {"DATA": str(tmp_path / "data"), "CLIPS": str(tmp_path / "clips.jsonl")}
        return CliRunner().invoke(app, [command, "known", *(places.get(word, word) for word in words)])

    return run


def test_a_task_is_printed_beside_the_published_numbers(hark):
    result = hark("zeroshot", "--task", "esc50", "--data", "DATA")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["task", "clips", "labels", "metric", "known", "published*"]
    assert lines[1].split("  ")[0] == "esc50"
    assert "1.000 [1.000, 1.000]  0.939" in lines[1]
    assert "20 clips, published with 2,000; 2 labels are told apart, published with 50" in lines[1]
    assert "  0.826  accuracy: msclap-2023/cnn14-bert, table 1" in lines
    assert any(line.startswith("esc50: known 0123456789ab, data ") for line in lines)


def test_all_runs_what_is_there_and_lists_the_rest(hark):
    result = hark("zeroshot", "--all", "--data", "DATA")
    assert result.exit_code == 0
    assert result.stdout.count("cannot: ") == 25
    assert "`hark data download libricount --out DIR/libricount`" in result.stdout
    found = json.loads(hark("zeroshot", "--all", "--data", "DATA", "--json").stdout)
    assert [one["task"] for one in found["tasks"]] == ["esc50"]
    assert len(found["cannot"]) == 25
    [average] = found["averages"]
    assert (average["tasks"], average["of"], average["whole"]) == (["esc50"], 16, False)


def test_a_named_task_that_cannot_run_is_exit_status_1(hark):
    result = hark("zeroshot", "--task", "esc50", "--task", "sesa", "--data", "DATA")
    assert result.exit_code == 1
    assert "sesa: cannot: " in result.stdout


def test_a_fold_and_a_manifest(hark):
    found = json.loads(hark("zeroshot", "--task", "esc50", "--fold", "4", "--data", "DATA", "--json").stdout)
    assert found["tasks"][0]["clips"] == 4
    assert "fold 4 alone" in found["tasks"][0]["notes"]
    found = json.loads(hark("zeroshot", "--task", "esc50", "--on", "CLIPS", "--where", "fold=4", "--json").stdout)
    assert found["tasks"][0]["clips"] == 4


def test_a_manifest_alone_tells_its_labels_apart(hark):
    result = hark("zeroshot", "--on", "CLIPS", "--template", "{label}")
    assert "accuracy  1.000 [1.000, 1.000]" in result.stdout
    found = json.loads(hark("zeroshot", "--on", "CLIPS", "--template", "{label}", "--json").stdout)
    assert found["made"]["model"] == "known"
    assert found["accuracy"]["value"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--task", "esc50"],
        ["--all"],
        [],
        ["--all", "--task", "esc50", "--data", "DATA"],
        ["--on", "CLIPS", "--fold", "4"],
        ["--on", "CLIPS", "--all"],
        ["--task", "esc50", "--data", "DATA", "--where", "fold=4"],
    ],
)
def test_wrong_usage_is_exit_status_2(hark, words):
    assert hark("zeroshot", *words).exit_code == 2


def test_probe_prints_and_gives_json(hark):
    result = hark("probe", "--on", "CLIPS", "--folds", "fold")
    assert "linear probe of known on " in result.stdout
    assert "mean of 5 folds" in result.stdout
    assert "C by fold: 1: " in result.stdout
    found = json.loads(
        hark("probe", "--on", "CLIPS", "--folds", "fold", "--test", "4", "--shots", "2", "--json").stdout
    )
    assert (found["clips"], found["shots"], list(found["chosen"])) == (4, 2, ["4"])
    assert found["made"]["stamp"] == "0123456789abcdef"
