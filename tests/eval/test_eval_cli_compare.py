"""`hark eval --out`, the folder that it writes, and `hark compare`."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hark.cli.compare import compare
from hark.cli.eval import evaluate
from hark.core.errors import DataError, SettingError
from hark.data import manifest
from hark.eval import folder
from hark.eval.stored import Stored
from hark.runtime import load


@pytest.fixture
def hark(known, clip, tmp_path, monkeypatch):
    """Runs commands on thirty clips with two captions each, and two models of which `good` hears better."""
    rng = np.random.default_rng(0)
    sounds = {f"c{i}": rng.normal(size=8) for i in range(30)}
    said = {f"text {i} {j}": sounds[f"c{i}"] + rng.normal(size=8) * 0.8 for i in range(30) for j in "ab"}
    models = {
        name: known(said, {c: v + rng.normal(size=8) * noise for c, v in sounds.items()})
        for name, noise in (("good", 0.1), ("poor", 0.9))
    }
    for name, model in models.items():
        model.name, model.stamp = name, f"{name}89abcdef"
    clips = [clip(f"c{i}", [f"text {i} a", f"text {i} b"]) for i in range(30)]
    manifest.write(tmp_path / "clips.jsonl", clips)
    manifest.write(tmp_path / "shuffled.jsonl", clips[::-1])
    monkeypatch.setattr(load, "load", lambda name: models[name])
    app = typer.Typer()
    app.command("eval")(evaluate)
    app.command("compare")(compare)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    return run


def test_the_folder_holds_what_each_query_found(hark, tmp_path):
    out = tmp_path / "out"
    told = json.loads(hark("eval", "good", "--on", tmp_path / "clips.jsonl", "--out", out, "--json").stdout)
    found = folder.read(out)
    assert found.report == told | {"format": 1}
    there, back = (list(found.rows(way)) for way in folder.WAYS)
    assert [len(there), len(back)] == [60, 30]
    assert there[3].query == "text 1 b"
    assert there[3].relevant == ("c1",)
    assert set(back[1].relevant) == {"text 1 a", "text 1 b"}
    for rows, way in ((there, "text_to_audio"), (back, "audio_to_text")):
        for name in ("R@1", "mAP@10", "nDCG@10", "MRR"):
            assert np.mean([row.values[name] for row in rows]) == pytest.approx(told[way]["metrics"][name]["value"])
        for row in rows:
            placed = [at for at, item in enumerate(row.top, start=1) if item["relevant"]]
            assert placed == [rank for rank in row.ranks if rank <= 10]
            assert all(item["item"] in row.relevant for item in row.top if item["relevant"])
            scores = [item["score"] for item in row.top]
            assert scores == sorted(scores, reverse=True)
    clips = manifest.read(out / "clips.jsonl")
    assert [c.id for c in clips] == [f"c{i}" for i in range(30)]
    assert all(c.path.is_file() for c in clips)
    (vectors,) = out.glob("clips-*.npy")
    texts, sounds = np.load(out / "texts.npy"), Stored(vectors)[np.arange(30)]
    np.testing.assert_allclose((texts @ sounds.T)[3].max(), there[3].top[0]["score"], atol=1e-6)
    counted = json.loads((out / "scores.json").read_text())
    assert (sum(counted["matching"]), sum(counted["others"])) == (60, 60 * 30 - 60)
    assert counted["made"] == told["made"]


def test_metrics_and_intervals_can_be_chosen(hark, tmp_path):
    words = ("eval", "good", "--on", tmp_path / "clips.jsonl")
    chosen = (
        "--metrics",
        "R@3, mAP@16/all,median rank",
        "--interval",
        "jackknife",
        "--draw",
        "clips",
        "--level",
        "0.9",
    )
    found = hark(*words, *chosen).stdout
    assert [line.split("  ")[0] for line in found.splitlines()[3:6]] == ["R@3", "mAP@16/all", "median rank"]
    assert (
        "90% jackknife interval over clips with their texts\n" in found
    )  # and nothing of a divisor: the name tells it
    told = json.loads(hark(*words, "--k", "16", "--divisor", "all", "--resamples", "5", "--json").stdout)
    assert {"mAP@16", "nDCG@16"} < set(told["text_to_audio"]["metrics"])
    assert (told["divisor"], told["resamples"]) == ("all", 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metrics", "P@5"], "metric 'P@5': unknown"),
        (["--divisor", "some"], "divisor 'some': unknown; give all or reachable"),
        (["--interval", "exact"], "interval 'exact': unknown"),
        (["--draw", "files"], "drawn 'files': unknown"),
        (["--level", "95"], "level 95: give a share between 0 and 1"),
    ],
)
def test_unknown_measures_are_refused_before_anything_is_read(hark, words, message):
    with pytest.raises(SettingError, match=message):
        hark("eval", "good", "--on", "no-such-file.jsonl", *words)


def test_compare_shows_differences_that_are_the_two_evaluations(hark, tmp_path):
    told = {}
    for name, on in (("poor", "clips"), ("good", "shuffled")):  # the order of the clips does not matter
        words = ("eval", name, "--on", tmp_path / f"{on}.jsonl", "--out", tmp_path / name, "--json")
        told[name] = json.loads(hark(*words).stdout)
    found = json.loads(hark("compare", tmp_path / "poor", tmp_path / "good", "--json").stdout)
    assert (found["first"], found["second"]) == (told["poor"]["made"], told["good"]["made"])
    assert found["queries"] == {"text_to_audio": 60, "audio_to_text": 30}
    for way in folder.WAYS:
        for name, one in found[way].items():
            before, after = (told[model][way]["metrics"][name]["value"] for model in ("poor", "good"))
            assert (one["first"], one["second"]) == pytest.approx((before, after))
            assert one["low"] <= one["value"] <= one["high"]
    assert found["text_to_audio"]["mAP@10"]["low"] > 0
    assert found["text_to_audio"]["mAP@10"]["p"] < 0.01
    turned = json.loads(hark("compare", tmp_path / "good", tmp_path / "poor", "--json").stdout)
    mine, theirs = (c["text_to_audio"]["mAP@10"] for c in (found, turned))
    assert (theirs["value"], theirs["p"]) == pytest.approx((-mine["value"], mine["p"]))
    wide = json.loads(hark("compare", tmp_path / "poor", tmp_path / "good", "--draw", "clips", "--json").stdout)
    assert wide["text_to_audio"]["R@1"]["value"] == found["text_to_audio"]["R@1"]["value"]
    printed = hark("compare", tmp_path / "poor", tmp_path / "good", "--metrics", "R@1,mAP@16/all").stdout
    assert printed.splitlines()[0].split() == ["text", "to", "audio", "A", "B", "B", "-", "A", "p"]
    assert "A: poor poor89abcdef, data " in printed
    assert "B: good good89abcdef, data " in printed


def test_other_data_are_refused(hark, tmp_path):
    on = tmp_path / "clips.jsonl"
    hark("eval", "good", "--on", on, "--out", tmp_path / "a")
    hark("eval", "poor", "--on", on, "--where", "id!=c3", "--out", tmp_path / "b")
    with pytest.raises(DataError, match=r"b: evaluated on data \w{16}, but .*a on \w{16}; compare"):
        hark("compare", tmp_path / "a", tmp_path / "b")
    with pytest.raises(DataError, match="no evaluation here; make one with `hark eval MODEL --out"):
        hark("compare", tmp_path / "a", tmp_path / "nowhere")


def test_damaged_folders_are_refused(hark, tmp_path):
    out, rows = tmp_path / "a", tmp_path / "a" / "audio_to_text.jsonl"
    hark("eval", "good", "--on", tmp_path / "clips.jsonl", "--out", out)
    whole = rows.read_text().splitlines()
    for text, message in (
        ("\n".join(whole[:-1]), "nothing of 'c29'"),
        ("\n".join([*whole[:4], '{"query": "c4"}', *whole[5:]]), r"audio_to_text.jsonl:5: not a row"),
        ("\n".join([*whole[:4], whole[4].replace('"ranks": [', '"ranks": [0, '), *whole[5:]]), ":5: not a row"),
    ):
        (tmp_path / "b").mkdir(exist_ok=True)
        for file in ("report.json", "text_to_audio.jsonl"):
            (tmp_path / "b" / file).write_text((out / file).read_text())
        (tmp_path / "b" / rows.name).write_text(text)
        with pytest.raises(DataError, match=message):
            hark("compare", out, tmp_path / "b", "--metrics", "R@1")
    report = tmp_path / "b" / "report.json"
    report.write_text(report.read_text().replace('"format": 1', '"format": 9'))
    with pytest.raises(DataError, match="format 9, this hark reads 1"):
        hark("compare", out, tmp_path / "b")
    report.write_text("[]")
    with pytest.raises(DataError, match="not a report of"):
        hark("compare", out, tmp_path / "b")


def test_queries_with_other_answers_are_other_data(hark, tmp_path):
    made = []
    for name, relevant in (("a", ["c0"]), ("b", ["c1"]), ("c", ["c0"])):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"query": "text 0 a", "relevant": relevant}) + "\n")
        words = ("eval", "good", "--on", tmp_path / "clips.jsonl", "--queries", tmp_path / f"{name}.jsonl", "--json")
        made.append(json.loads(hark(*words).stdout)["made"]["data"])
    assert made[0] == made[2] != made[1]


def test_another_evaluation_is_not_written_over(hark, tmp_path):
    out, clips = tmp_path / "out", tmp_path / "clips.jsonl"
    hark("eval", "good", "--on", clips, "--out", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for words in (["poor", "--on", clips], ["good", "--on", clips, "--where", "id!=c3"]):
        with pytest.raises(SettingError, match=r"out: holds the evaluation of good good89abcdef on data"):
            hark("eval", *words, "--out", out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert hark("eval", "good", "--on", clips, "--out", out, "--metrics", "R@1").exit_code == 0  # of the same it may be
    (out / "report.json").write_text("{")
    assert hark("eval", "poor", "--on", clips, "--out", out).exit_code == 0  # nobody can read the damaged one


def test_stored_vectors_that_are_not_finite_are_told(hark, tmp_path):
    out, clips = tmp_path / "out", tmp_path / "clips.jsonl"
    hark("eval", "good", "--on", clips, "--out", out)
    path = next(out.glob("clips-*.npy"))
    vectors = np.load(path)
    vectors[3, 1] = np.nan
    np.save(path, vectors)
    with pytest.raises(DataError, match=r"clips-.*npy: a vector is not finite; remove the file"):
        hark("eval", "good", "--on", clips, "--out", out)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_told_before_anything_is_heard(hark, tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingError, match=r"cannot be written, .*file is no folder"):
        hark("eval", "no such model", "--on", "nothing.jsonl", "--out", tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"
