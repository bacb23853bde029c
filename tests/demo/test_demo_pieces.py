import dataclasses
import xml.etree.ElementTree as ET

import librosa
import numpy as np
import pytest

from hark import recipe as recipes
from hark.audio.synth.catalogue import KINDS
from hark.core.errors import SettingError
from hark.demo import place, questions
from hark.demo.curve import svg
from hark.demo.pictures import stretch
from hark.demo.shorter import tiny
from hark.demo.words import spark
from hark.eval.report.sounds import spectrogram


def test_questions_ask_for_kinds_that_there_are():
    for question in questions.OF_SCENES:
        assert question.kinds
        assert set(question.kinds) <= set(KINDS)


def test_claim_empties_its_own_folder_and_nothing_else(tmp_path):
    out = tmp_path / "runs" / "demo"
    place.claim(out)
    for name in ("library", "notes"):
        (out / name).mkdir()
        (out / name / "kept.txt").write_text("x")
    (out / "report.html").write_text("old")
    place.claim(out)
    assert sorted(entry.name for entry in out.iterdir()) == ["demo.json", "notes"]
    assert (out / "notes/kept.txt").read_text() == "x"


def test_claim_refuses_what_is_not_its_own(tmp_path):
    mine = tmp_path / "mine"
    (mine / "library").mkdir(parents=True)
    (mine / "library/precious.sqlite").write_text("x")
    with pytest.raises(SettingError, match="mine: holds other things; give a new folder with --out"):
        place.claim(mine)
    assert (mine / "library/precious.sqlite").read_text() == "x"
    with pytest.raises(SettingError, match="is no folder"):
        place.claim(mine / "library/precious.sqlite")
    with pytest.raises(SettingError, match="cannot be written"):
        place.claim(mine / "library/precious.sqlite/below")
    place.claim(tmp_path / "demo")
    (tmp_path / "demo/scenes").mkdir()
    with pytest.raises(SettingError, match="which a demonstration empties first"):
        place.claim(tmp_path / "demo", folder=tmp_path / "demo/scenes")
    assert (tmp_path / "demo/scenes").is_dir()


@pytest.mark.parametrize("duration_s", [3.0, 29.0, 31.0, 500.0])
def test_a_stretch_holds_its_span_and_lies_in_the_sound(duration_s):
    for start_s in np.linspace(0, duration_s - 3, 7):
        from_s, to_s = stretch(start_s, start_s + 3, duration_s=duration_s)
        assert 0 <= from_s <= start_s
        assert start_s + 3 <= to_s + 1e-9
        assert to_s <= duration_s + 1e-9
        assert to_s - from_s == pytest.approx(min(duration_s, 30.0))
    assert stretch(10.0, 60.0, duration_s=500.0) == (10.0, 60.0)  # a span that is longer is shown whole


def test_a_tone_is_brightest_in_the_row_of_its_frequency():
    rate_hz, hz = 16000, 2000.0
    wave = (0.2 * np.sin(2 * np.pi * hz * np.arange(3 * rate_hz) / rate_hz)).astype(np.float32)
    image = spectrogram(wave, rate_hz)
    assert image.min() >= 0
    assert image.max() == 1
    centres = librosa.mel_frequencies(72 + 2, fmin=40, fmax=8000)[1:-1]
    assert 71 - image.mean(axis=1).argmax() == np.abs(centres - hz).argmin()
    np.testing.assert_allclose(spectrogram(wave / 8, rate_hz), image, atol=2e-3)  # loudness is no part of it
    assert spectrogram(wave[:300], rate_hz).shape[0] == 72
    assert not spectrogram(np.zeros(16000, np.float32)).any()


def test_svg_is_well_formed_and_rises_where_the_values_do():
    points = [(1.0, 0.2), (2.0, 0.5), (3.0, 0.9)]
    drawn = ET.fromstring(svg(points, title="a <b> & c", faint=[(3.0, 1.4)], level=("chance", 0.1)))
    assert drawn.get("aria-label") == "a <b> & c"
    heights = [float(dot.get("cy")) for dot in drawn.iter("circle")]
    assert heights == sorted(heights, reverse=True)  # down is more in SVG
    ends = np.diff([float(dot.get("cx")) for dot in drawn.iter("circle")])
    assert ends[0] == pytest.approx(ends[1], abs=0.11)
    assert "2" in [text.text for text in drawn.iter("text")]  # the axis goes above 1.4


def test_spark_is_proportional():
    assert spark([0, 1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇██"
    assert spark([0.0, 0.0]) == "▁▁"


def test_tiny_is_as_long_as_asked_and_else_the_same():
    usual = recipes.load("tiny")
    assert tiny(60) == usual
    half = tiny(30)
    assert half.stages[0].steps == usual.stages[0].steps // 2
    stage = dataclasses.replace(half.stages[0], steps=usual.stages[0].steps)
    assert dataclasses.replace(half, stages=(stage,)) == usual
    assert half.hash != usual.hash


def test_tiny_validates_on_sounds_that_it_does_not_train_on():
    stage = recipes.load("tiny").stages[0]
    assert {spec.corpus["seed"] for spec in stage.corpora}.isdisjoint(spec.corpus["seed"] for spec in stage.valid)
