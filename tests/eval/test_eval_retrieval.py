import json

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, top_k_accuracy_score
from sklearn.metrics.pairwise import cosine_similarity

from hark.core.errors import DataError
from hark.data.manifest import Query
from hark.eval.retrieval import evaluate


def run(model, clips, **settings):
    return evaluate(model, clips, rng=np.random.default_rng(0), resamples=50, **settings)


def values(direction):
    return {name: estimate.value for name, estimate in direction.metrics.items()}


@pytest.fixture
def noisy(known, clip):
    """Forty clips with a caption each, whose vectors lie near enough to be found about half the time."""
    rng = np.random.default_rng(1)
    sounds = {f"clip{i}": rng.normal(size=8) for i in range(40)}
    texts = {f"caption {i}": sounds[f"clip{i}"] + rng.normal(size=8) for i in range(40)}
    return known(texts, sounds), [clip(f"clip{i}", [f"caption {i}"]) for i in range(40)]


@pytest.mark.parametrize("way", ["text_to_audio", "audio_to_text"])
def test_one_caption_per_clip_gives_scikit_learns_values(noisy, way):
    model, clips = noisy
    texts, sounds = np.stack(list(model.texts.values())), np.stack(list(model.sounds.values()))
    scores = cosine_similarity(texts, sounds) if way == "text_to_audio" else cosine_similarity(sounds, texts)
    direction = getattr(run(model, clips, k=40), way)
    found = values(direction)
    for k in (1, 5, 10):
        assert found[f"R@{k}"] == pytest.approx(top_k_accuracy_score(np.arange(40), scores, k=k))
    assert 0.2 < found["R@1"] < 0.9
    assert found["mAP@40"] == pytest.approx(label_ranking_average_precision_score(np.eye(40), scores))
    assert (direction.queries, direction.items, direction.relevant) == (40, 40, 1)
    assert all(e.low <= e.value <= e.high for e in direction.metrics.values())


def test_the_order_of_the_clips_changes_no_value(noisy):
    model, clips = noisy
    shuffled = [clips[i] for i in np.random.default_rng(2).permutation(len(clips))]
    before, after = run(model, clips), run(model, shuffled)
    assert values(after.text_to_audio) == pytest.approx(values(before.text_to_audio))
    assert values(after.audio_to_text) == pytest.approx(values(before.audio_to_text))


def test_a_caption_of_two_clips_is_answered_by_both(known, clip):
    clips = [clip("a", ["rain", "drops"]), clip("b", ["rain"]), clip("c", ["wind"]), clip("d")]
    texts = {"rain": [1, 0, 0], "drops": [1, 0.1, 0], "wind": [0, 0, 1]}
    sounds = {"a": [1, 0.1, 0], "b": [1, -0.1, 0], "c": [0, 0, 1], "d": [0, 1, 0.5]}
    report = run(known(texts, sounds), clips)
    there, back = report.text_to_audio, report.audio_to_text
    assert report.texts == "captions"
    assert (there.queries, there.items, there.relevant) == (3, 4, pytest.approx(4 / 3))
    assert (back.queries, back.items, back.relevant) == (3, 3, pytest.approx(4 / 3))  # nothing is said of d
    perfect = {"R@1": 1, "R@5": 1, "R@10": 1, "mAP@10": 1, "mean rank": 1, "median rank": 1}
    assert values(there) == perfect
    assert values(back) == perfect


def test_without_captions_the_labels_are_searched_for(known, clip):
    clips = [clip(f"{label}{i}", labels=[label]) for label in ("dog_bark", "rain") for i in range(12)]
    sounds = {c.id: [1, 0] if c.id.startswith("dog") else [0, 1] for c in clips}
    model = known({"dog bark": [1, 0], "rain": [0, 1]}, sounds)
    report = run(model, clips)
    assert report.texts == "labels"
    assert (report.text_to_audio.queries, report.text_to_audio.items, report.text_to_audio.relevant) == (2, 24, 12)
    assert (report.audio_to_text.queries, report.audio_to_text.items, report.audio_to_text.relevant) == (24, 2, 1)
    assert values(report.text_to_audio)["mAP@10"] == 1
    assert values(run(model, clips, divisor="all").text_to_audio)["mAP@10"] == pytest.approx(10 / 12)


def test_queries_take_the_place_of_captions(known, clip):
    clips = [clip("a", ["x"]), clip("b", ["y"]), clip("c", ["z"])]
    model = known({"wet": [1, 1, 0]}, {"a": [1, 0, 0], "b": [0, 0, 1], "c": [0, 1, 0.1]})
    report = run(model, clips, queries=[Query("wet", ("a",)), Query("wet", ("b", "a"))])
    assert report.texts == "queries"
    assert (report.text_to_audio.queries, report.text_to_audio.relevant) == (1, 2)  # one text, found by a and b
    assert values(report.text_to_audio)["mAP@10"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert (report.audio_to_text.queries, report.audio_to_text.items) == (2, 1)


def test_a_model_that_gives_one_vector_for_all_is_last(known, clip):
    clips = [clip(f"clip{i}", [f"caption {i}"]) for i in range(20)]
    model = known({f"caption {i}": [1, 2] for i in range(20)}, {f"clip{i}": [2, 1] for i in range(20)})
    worst = {"R@1": 0, "R@5": 0, "R@10": 0, "mAP@10": 0, "mean rank": 20, "median rank": 20}
    report = run(model, clips)
    assert values(report.text_to_audio) == worst
    assert values(report.audio_to_text) == worst


def test_the_report_is_json_that_says_what_it_is_of(noisy):
    report = run(*noisy)
    found = json.loads(json.dumps(report.as_json()))
    made = found["made"]
    assert (made["model"], made["stamp"], found["level"]) == ("known", "0123456789abcdef", 0.95)
    assert len(made["data"]) == 16
    recall = report.text_to_audio.metrics["R@1"]
    expected = {"value": recall.value, "low": recall.low, "high": recall.high}
    assert found["text_to_audio"]["metrics"]["R@1"] == expected


def test_what_cannot_be_evaluated_is_refused(known, clip):
    model = known({"x": [1, 0]}, {"a": [1, 0]})
    with pytest.raises(DataError, match="query \"x\": no clip 'b' in the manifest"):
        run(model, [clip("a")], queries=[Query("x", ("a", "b"))])
    with pytest.raises(DataError, match='query "x": no relevant clip'):
        run(model, [clip("a")], queries=[Query("x", ())])
    with pytest.raises(DataError, match="no queries"):
        run(model, [clip("a")], queries=[])
    with pytest.raises(DataError, match="no clip has a caption or a label"):
        run(model, [clip("a")])
    with pytest.raises(DataError, match="clip id 'a' stands twice"):
        run(model, [clip("a", ["x"]), clip("a", ["x"])])
    with pytest.raises(DataError, match="no clips"):
        run(model, [])
