"""The report on captions: the metrics' own numbers, intervals that cover, and what is missing said."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from hark.core.errors import DataError, SettingError
from hark.data.records import Clip
from hark.eval.captioning import JAVA, PURE, SENTENCES, USUAL, check, measure, tidy
from hark.eval.provenance import Provenance
from hark.metrics import confidence, meteor, spice
from hark.metrics.bleu import bleu
from hark.metrics.captioning import caption_metrics
from hark.metrics.java import Missing

MADE = Provenance("m", "0123", "data", "0", "hark eval m")
WORDS = tidy("a dog barks while rain falls on the roof of an old house and birds sing").split()


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise Missing("Java is not here; install it")

    monkeypatch.setattr(meteor, "check", missing)
    monkeypatch.setattr(spice, "check", missing)


def drawn(count: int, seed: int = 0) -> tuple[list[str], list[Clip]]:
    """Captions, and clips with one to three sentences that share words with them."""
    rng = np.random.default_rng(seed)

    def sentence() -> str:
        return " ".join(rng.choice(WORDS, size=rng.integers(4, 9)))

    captions = [f"{sentence()}.".capitalize() for _ in range(count)]
    clips = []
    for number, text in enumerate(captions):
        words = text.lower().rstrip(".").split()
        said = [
            " ".join(words[: rng.integers(2, len(words))] + sentence().split()[:3]) for _ in range(rng.integers(1, 4))
        ]
        clips.append(Clip(str(number), Path(f"{number}.wav"), captions=tuple(said)))
    return captions, clips


def test_the_values_are_the_metrics() -> None:
    captions, clips = drawn(30)
    found = measure(captions, clips, made=MADE, rng=np.random.default_rng(0), metrics=PURE)
    said, references = [tidy(text) for text in captions], [[tidy(text) for text in clip.captions] for clip in clips]
    whole, each = caption_metrics(said, references, also=("CIDEr",))
    assert {name: estimate.value for name, estimate in found.report.metrics.items()} == {n: whole[n] for n in PURE}
    for name in PURE:
        np.testing.assert_array_equal(found.per_clip[name], each[name])
    report = found.report
    assert (report.clips, report.different, report.missing) == (30, len(set(said)), {})
    assert report.words == pytest.approx(np.mean([len(text.split()) for text in said]))
    assert json.loads(json.dumps(report.as_json()))["made"] == dataclasses.asdict(MADE)


def test_intervals_of_means_are_the_bootstraps() -> None:
    """CIDEr-D and ROUGE-L are means over clips; the same draws give what `hark.metrics.confidence` gives."""
    captions, clips = drawn(40)
    found = measure(captions, clips, made=MADE, rng=np.random.default_rng(3), metrics=["ROUGE-L", "CIDEr-D"])
    for name in ("ROUGE-L", "CIDEr-D"):
        wanted = confidence.mean(found.per_clip[name], rng=np.random.default_rng(3))
        assert dataclasses.astuple(found.report.metrics[name]) == pytest.approx(dataclasses.astuple(wanted))


def test_bleu_is_measured_anew_in_every_draw() -> None:
    captions, clips = drawn(15)
    found = measure(captions, clips, made=MADE, rng=np.random.default_rng(1), metrics=["BLEU-4"], resamples=50)
    said, references = [tidy(text) for text in captions], [[tidy(text) for text in clip.captions] for clip in clips]
    values = [
        bleu([said[i] for i in draw], [references[i] for i in draw]).corpus[3]
        for draw in np.random.default_rng(1).integers(15, size=(50, 15))
    ]
    estimate = found.report.metrics["BLEU-4"]
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_a_perfect_caption_leaves_no_doubt() -> None:
    _, clips = drawn(10)
    found = measure([clip.captions[0].upper() + "!" for clip in clips], clips, made=MADE, rng=np.random.default_rng(0))
    for name in ("BLEU-1", "BLEU-4", "ROUGE-L"):
        assert dataclasses.astuple(found.report.metrics[name]) == pytest.approx((1.0, 1.0, 1.0), abs=1e-6)


def test_what_needs_java_is_told_and_never_made_up() -> None:
    captions, clips = drawn(5)
    report = measure(captions, clips, made=MADE, rng=np.random.default_rng(0)).report
    assert set(report.missing) == {*JAVA, "SPIDEr-FL"}
    assert not set(report.metrics) & set(JAVA)
    assert set(report.metrics) | set(report.missing) == set(USUAL)
    for name in JAVA:
        with pytest.raises(Missing, match="Java is not here"):
            check([name])


@pytest.mark.parametrize("name", ["SPIDEr-FL", "sentence similarity-FL"])
def test_what_fluency_needs_is_told_by_name(name: str) -> None:
    with pytest.raises(Missing, match=rf"^{name}: it needs .*echecker_clotho_audiocaps_base.ckpt"):
        check([name])


def test_jackknife_leaves_every_clip_out_once() -> None:
    captions, clips = drawn(12)
    given = {"made": MADE, "rng": np.random.default_rng(0), "interval": "jackknife"}
    found = measure(captions, clips, metrics=["BLEU-4", "ROUGE-L"], **given)
    rouge = confidence.jackknife(found.per_clip["ROUGE-L"])
    assert dataclasses.astuple(found.report.metrics["ROUGE-L"]) == pytest.approx(dataclasses.astuple(rouge))
    without = []
    for out in range(12):
        kept = [place for place in range(12) if place != out]
        without.append(bleu([found.said[i] for i in kept], [found.references[i] for i in kept]).corpus[3])
    half = NormalDist().inv_cdf(0.975) * np.sqrt(11 / 12 * np.sum((np.array(without) - np.mean(without)) ** 2))
    estimate = found.report.metrics["BLEU-4"]
    assert (estimate.value - estimate.low, estimate.high - estimate.value) == pytest.approx((half, half))
    assert found.report.note() == "[low, high]: 95% jackknife interval over clips"
    (alone,) = measure(captions[:1], clips[:1], metrics=["BLEU-4"], **given).report.metrics.values()
    assert alone.low == pytest.approx(alone.high)


def test_spider_is_the_mean_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    captions, clips = drawn(8)
    values = np.linspace(0, 1, 8)
    monkeypatch.setattr(spice, "check", lambda: None)
    monkeypatch.setattr("hark.metrics.captioning.JAVA", {"SPICE": lambda: None})
    monkeypatch.setattr(spice, "spice", lambda candidates, references: values)
    found = measure(captions, clips, made=MADE, rng=np.random.default_rng(0), metrics=["SPIDEr", "CIDEr-D"])
    assert list(found.report.metrics) == ["SPIDEr", "CIDEr-D"]
    np.testing.assert_allclose(found.per_clip["SPIDEr"], (found.per_clip["CIDEr-D"] + values) / 2)


class Reader:
    """Reads how often some letters stand in a text."""

    name, stamp = "letters", "abc"

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.array([[text.lower().count(letter) + 0.1 for letter in "aeiourst"] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_sentence_similarity_is_the_mean_over_what_is_compared_with() -> None:
    captions, clips = drawn(6)
    found = measure(captions, clips, made=MADE, rng=np.random.default_rng(0), reader=Reader())
    wanted = [
        np.mean(Reader().embed_text(clip.captions) @ Reader().embed_text([text])[0])
        for text, clip in zip(captions, clips, strict=True)
    ]
    np.testing.assert_allclose(found.per_clip[SENTENCES], wanted, rtol=1e-5)
    assert found.report.reader == "letters abc"


def test_mistakes_are_named() -> None:
    captions, clips = drawn(3)
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"clip '1' \(and 1 more\): no caption to compare with"):
        measure(
            captions, [clips[0], *(dataclasses.replace(clip, captions=()) for clip in clips[1:])], made=MADE, rng=rng
        )
    with pytest.raises(DataError, match="no clips"):
        measure([], [], made=MADE, rng=rng)
    with pytest.raises(SettingError, match="metric 'CIDER': unknown; did you mean 'CIDEr'"):
        measure(captions, clips, made=MADE, rng=rng, metrics=["CIDER"])
    with pytest.raises(SettingError, match="with --sentences MODEL"):
        measure(captions, clips, made=MADE, rng=rng, metrics=[SENTENCES])
