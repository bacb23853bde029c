import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, confusion_matrix, f1_score, recall_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

from hark.core.errors import DataError, SettingError, WeightsError
from hark.eval.zeroshot import classify

TEMPLATES = ("{label}", "hear {label}")
LABELS = ["cat", "dog", "rain", "wind"]


def run(model, clips, **settings):
    return classify(model, clips, rng=np.random.default_rng(0), resamples=50, **{"templates": TEMPLATES} | settings)


@pytest.fixture
def noisy(known, clip):
    """Eighty clips of four labels, whose vectors lie near enough to be told about half the time."""
    rng = np.random.default_rng(1)
    texts = {t.replace("{label}", label): 5 * rng.random() * rng.normal(size=6) for label in LABELS for t in TEMPLATES}
    clips = [clip(f"clip{i}", labels=[LABELS[i % 4]]) for i in range(80)]
    sounds = {c.id: normalize([texts[c.labels[0]]])[0] + rng.normal(size=6) / 2 for c in clips}
    return known(texts, sounds), clips


def expected_scores(model, clips):
    """Cosines of the clips with the mean of each label's unit vectors."""
    words = [normalize([model.texts[label], model.texts[f"hear {label}"]]).mean(axis=0) for label in LABELS]
    return cosine_similarity([model.sounds[c.id] for c in clips], words)


def test_all_values_are_scikit_learns(noisy):
    model, clips = noisy
    report = run(model, clips)
    scores = expected_scores(model, clips)
    truth = np.array([LABELS.index(c.labels[0]) for c in clips])
    chosen = scores.argmax(axis=1)
    assert report.found.accuracy.value == pytest.approx(accuracy_score(truth, chosen))
    assert 0.2 < report.found.accuracy.value < 0.95
    assert report.found.macro_f1.value == pytest.approx(f1_score(truth, chosen, average="macro"))
    expected = average_precision_score(np.eye(4)[truth], scores, average="macro")
    assert report.found.mean_average_precision.value == pytest.approx(expected)
    assert report.found.per_label == pytest.approx(
        dict(zip(LABELS, recall_score(truth, chosen, average=None), strict=True))
    )
    table = confusion_matrix(truth, chosen)
    for pair in report.found.confusions:
        assert pair.count == table[LABELS.index(pair.label), LABELS.index(pair.taken_for)]
    assert sum(pair.count for pair in report.found.confusions) == (truth != chosen).sum()  # no more than ten pairs here
    assert (report.found.clips, report.found.labels, report.found.multi_label) == (80, 4, False)
    for estimate in (report.found.accuracy, report.found.mean_average_precision, report.found.macro_f1):
        assert 0 <= estimate.low < estimate.value < estimate.high <= 1


def test_the_order_of_clips_and_templates_changes_no_value(noisy):
    model, clips = noisy
    report = run(model, clips)
    shuffled = [clips[i] for i in np.random.default_rng(2).permutation(len(clips))]
    other = run(model, shuffled, templates=TEMPLATES[::-1])
    assert other.found.accuracy.value == pytest.approx(report.found.accuracy.value)
    assert other.found.mean_average_precision.value == pytest.approx(report.found.mean_average_precision.value)
    assert other.found.per_label == pytest.approx(report.found.per_label)


def test_with_several_labels_any_of_the_clips_own_is_right(known, clip):
    texts = {"cat": [1, 0, 0], "dog": [0, 1, 0], "rain": [0, 0, 1]}
    clips = [clip("a", labels=["cat", "dog"]), clip("b", labels=["rain"]), clip("c", labels=["dog", "rain"])]
    model = known(texts, {"a": [3, 2, 1], "b": [1, 2, 3], "c": [3, 2, 1]})
    report = run(model, clips, templates=["{label}"])
    assert report.found.multi_label
    assert report.found.accuracy.value == pytest.approx(2 / 3)  # c is taken for a cat
    assert report.found.per_label == {"cat": 1, "dog": 0.5, "rain": 0.5}
    assert [(c.label, c.taken_for, c.count) for c in report.found.confusions] == [("dog", "cat", 1), ("rain", "cat", 1)]
    relevant, scores = [[1, 1, 0], [0, 0, 1], [0, 1, 1]], [[3, 2, 1], [1, 2, 3], [3, 2, 1]]
    assert report.found.mean_average_precision.value == pytest.approx(average_precision_score(relevant, scores))


def test_a_model_that_gives_one_vector_for_all_is_right_nowhere(known, clip):
    clips = [clip(f"clip{i}", labels=[LABELS[i % 4]]) for i in range(20)]
    model = known({label: [1, 2] for label in LABELS}, {c.id: [2, 1] for c in clips})
    report = run(model, clips, templates=["{label}"])
    assert report.found.accuracy.value == 0
    assert report.found.macro_f1.value == 0
    assert report.found.mean_average_precision.value == pytest.approx(1 / 4)  # the share of each label's clips


def test_the_report_is_json_that_says_what_it_is_of(noisy):
    report = run(*noisy)
    found = json.loads(json.dumps(report.as_json()))
    assert (found["made"]["model"], found["made"]["stamp"]) == ("known", "0123456789abcdef")
    assert found["templates"] == list(TEMPLATES)
    assert found["accuracy"]["value"] == report.found.accuracy.value
    assert found["confusions"][0].keys() == {"label", "taken_for", "count"}


def test_what_cannot_be_classified_is_refused(known, clip):
    model = known({"cat": [1, 0], "dog": [0, 1], "no cat": [-1, 0], "no dog": [0, 1]}, {"a": [1, 0]})
    with pytest.raises(DataError, match="clip 'b': no label"):
        run(model, [clip("a", labels=["cat"]), clip("b")])
    with pytest.raises(DataError, match="'cat' is the only label"):
        run(model, [clip("a", labels=["cat"])])
    with pytest.raises(DataError, match="no clips"):
        run(model, [])
    both = [clip("a", labels=["cat", "dog"])]
    with pytest.raises(SettingError, match='template "a sound"'):
        run(model, both, templates=["a sound"])
    with pytest.raises(WeightsError, match="known: the sentences about 'cat' cancel out"):
        run(model, both, templates=["{label}", "no {label}"])
