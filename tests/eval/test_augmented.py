"""A text's vector is the mean of its own and its paraphrases'."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from numpy.testing import assert_allclose
from typer.testing import CliRunner

from hark.cli import rewrite as command
from hark.core.errors import DataError, SettingError
from hark.eval.augmented import Augmented
from hark.eval.retrieval import evaluate
from hark.text.rewrites.offline import Config


class Given:
    """A rewriter whose wordings are given."""

    name = "given"
    stamp = "ab" * 32

    def __init__(self, wordings):
        self.wordings = wordings

    def rewrite(self, texts, n, *, progress=None):
        return [tuple(self.wordings[text][:n]) for text in texts]


@pytest.fixture
def model(known):
    return known({"dog": [1, 0, 0], "hound": [0, 1, 0], "a dog": [0, 0, 1], "cat": [0, 3, 4]}, {})


def test_the_mean_is_of_the_text_and_its_wordings_alike(model):
    rewriter = Given({"dog": ["hound", "a dog"], "cat": [], "hound": ["dog"]})
    vectors = Augmented(model, rewriter, 2).embed_text(["dog", "cat", "hound"])
    assert_allclose(vectors, [[3**-0.5] * 3, [0, 0.6, 0.8], [0.5**0.5, 0.5**0.5, 0]], rtol=1e-6)
    assert vectors.dtype == np.float32
    assert_allclose(Augmented(model, rewriter, 1).embed_text(["dog"]), [[0.5**0.5, 0.5**0.5, 0]], rtol=1e-6)


def test_scaling_a_query_changes_no_ranking_of_sounds():
    rng = np.random.default_rng(0)
    words, sounds = rng.normal(size=(6, 8)), rng.normal(size=(50, 8))
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    sounds /= np.linalg.norm(sounds, axis=1, keepdims=True)
    mean = words.mean(axis=0)
    assert (np.argsort(sounds @ mean) == np.argsort(sounds @ (mean / np.linalg.norm(mean)))).all()


def test_wordings_that_cancel_out_give_no_nan(known):
    model = known({"a": [1, 0], "b": [-1, 0]}, {})
    assert np.isfinite(Augmented(model, Given({"a": ["b"]}), 1).embed_text(["a"])).all()


def test_sounds_are_the_models_own(known, tmp_path):
    model = known({}, {"x": [0.6, 0.8]})
    helped = Augmented(model, Given({}), 5)
    assert_allclose(helped.embed_audio([tmp_path / "x.wav"]), [[0.6, 0.8]], rtol=1e-6)
    assert helped.rate_hz == model.rate_hz


def test_name_and_stamp_say_so(model):
    helped = Augmented(model, Given({}), 5)
    assert helped.name == "known + 5 by given"
    others = {Augmented(model, Given({}), 4).stamp, Augmented(model, Config().build(), 5).stamp, model.stamp}
    assert len({helped.stamp, *others}) == 4
    assert helped.stamp == Augmented(model, Given({}), 5).stamp
    with pytest.raises(SettingError, match="0 paraphrases"):
        Augmented(model, Given({}), 0)


def test_an_evaluation_tells_that_it_was_helped(known, clip):
    model = known({"dog": [1, 0], "hound": [1, 1], "cat": [0, 1]}, {"one": [1, 0], "two": [0, 1]})
    clips = [clip("one", labels=["dog"]), clip("two", labels=["cat"])]
    helped = Augmented(model, Given({"dog": ["hound"], "cat": ["cat"]}), 1)
    report = evaluate(helped, clips, rng=np.random.default_rng(0), resamples=10)
    assert report.made.model == "known + 1 by given"
    assert report.made.stamp == helped.stamp
    assert report.text_to_audio.metrics["R@1"].value == 1


@pytest.fixture
def hark():
    app = typer.Typer()
    app.command("rewrite")(command.rewrite)
    return lambda *words: CliRunner().invoke(app, [*words], catch_exceptions=False)


def test_the_command_shows_and_writes_what_it_reads_again(hark, tmp_path):
    shown = hark("dog", "rain", "-n", "2").stdout.splitlines()
    assert shown == ["dog", "  the sound of dog", "  a recording of dog", "rain", *shown[4:]]
    out = tmp_path / "said.json"
    assert hark("dog", "--out", str(out)).stdout == ""
    found = json.loads(hark("dog", "--by", str(out), "--json").stdout)
    assert found["rewriter"] == "file said.json"
    assert found["paraphrases"] == json.loads(out.read_text())["paraphrases"]
    assert {"stamp", "hark", "command", "n"} <= set(found)


def test_the_command_takes_queries_lines_and_manifests(hark, tmp_path):
    (tmp_path / "q.jsonl").write_text('{"query": "a dog barks", "relevant": ["x"]}\n')
    (tmp_path / "q.txt").write_text("rain\n\nrain\nsnow\n")
    (tmp_path / "clips.csv").write_text("file,label\na.wav,Car_Horn\nb.wav,dog\n")
    jsonl, txt, csv = (str(tmp_path / name) for name in ("q.jsonl", "q.txt", "clips.csv"))
    found = json.loads(hark("fire", "--queries", jsonl, "--json").stdout)
    assert list(found["paraphrases"]) == ["fire", "a dog barks"]
    assert list(json.loads(hark("--queries", txt, "--json").stdout)["paraphrases"]) == ["rain", "snow"]
    assert list(json.loads(hark("--on", csv, "--json").stdout)["paraphrases"]) == ["car horn", "dog"]


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        ([], SettingError, "nothing to reword"),
        ([" "], SettingError, "an empty text"),
        (["x", "--by", "ofline"], SettingError, "did you mean 'offline'"),
        (["x", "--set", 'kinds=["word"]'], SettingError, "did you mean 'words'"),
        (["x", "--set", "key=secret", "--by", "endpoint"], SettingError, "unknown setting of 'endpoint'"),
        (["x", "-n", "0"], SettingError, "0 paraphrases"),
        (["x", "--out", "a.txt"], SettingError, "written as .json"),
        (["--queries", "none.txt"], DataError, "cannot be read"),
        (["x", "--by", "none.json"], DataError, "cannot be read"),
    ],
)
def test_the_command_refuses_in_one_line(hark, words, error, told):
    with pytest.raises(error, match=told) as found:
        hark(*words)
    assert "\n" not in str(found.value)
