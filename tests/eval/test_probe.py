import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hark.core.errors import DataError, SettingError
from hark.eval import linear
from hark.eval.probe import GRID, probe

LABELS = ("cat", "dog", "rain")


def problem(seed, clips=150, dim=8, labels=3, noise=1.5):
    rng = np.random.default_rng(seed)
    truth = np.arange(clips) % labels
    vectors = rng.normal(size=(labels, dim))[truth] * np.linspace(0.1, 3, dim) + noise * rng.normal(size=(clips, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def sklearns(c, several=False):
    layer = LogisticRegression(C=c, tol=1e-10, max_iter=10000)
    return make_pipeline(StandardScaler(), OneVsRestClassifier(layer) if several else layer)


@pytest.mark.parametrize("c", [1e-4, 1e-2, 1.0, 100.0])
def test_the_optimum_is_scikit_learns(c):
    vectors, truth = problem(1)
    layer = linear.fit(vectors, np.eye(3, dtype=bool)[truth], c=c, several=False)
    other = sklearns(c).fit(vectors.astype(np.float64), truth)
    np.testing.assert_allclose(layer.weights.T, other[-1].coef_, atol=2e-5 * max(1, np.abs(layer.weights).max()))
    logits = layer(vectors)
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(likely, other.predict_proba(vectors.astype(np.float64)), atol=2e-5)


@pytest.mark.parametrize("c", [1e-3, 1.0])
def test_with_several_labels_each_has_scikit_learns_optimum(c):
    vectors, truth = problem(2)
    relevant = np.eye(3, dtype=bool)[truth] | (np.random.default_rng(3).random((150, 3)) < 0.3)
    layer = linear.fit(vectors, relevant, c=c, several=True)
    other = sklearns(c, several=True).fit(vectors.astype(np.float64), relevant)
    np.testing.assert_allclose(
        1 / (1 + np.exp(-layer(vectors))), other.predict_proba(vectors.astype(np.float64)), atol=2e-5
    )


def test_where_it_starts_and_the_order_of_clips_change_nothing():
    vectors, truth = problem(4)
    relevant = np.eye(3, dtype=bool)[truth]
    first = linear.fit(vectors, relevant, c=0.1, several=False)
    again = linear.fit(vectors, relevant, c=0.1, several=False)
    assert np.array_equal(first.weights, again.weights)
    warm = linear.fit(vectors, relevant, c=0.1, several=False, start=linear.fit(vectors, relevant, c=10, several=False))
    np.testing.assert_allclose(warm(vectors), first(vectors), atol=1e-4)
    order = np.random.default_rng(5).permutation(150)
    np.testing.assert_allclose(
        linear.fit(vectors[order], relevant[order], c=0.1, several=False)(vectors), first(vectors), atol=1e-4
    )


def test_a_label_of_none_or_all_has_no_optimum():
    vectors, truth = problem(6)
    relevant = np.eye(4, dtype=bool)[truth]
    with pytest.raises(ValueError, match="no clip has"):
        linear.fit(vectors, relevant, c=1, several=False)
    relevant[:, 3] = True
    with pytest.raises(ValueError, match="all have"):
        linear.fit(vectors, relevant, c=1, several=True)


@pytest.fixture
def corpus(known, clip):
    """150 clips of three labels in five folds, and a model that hears them."""
    vectors, truth = problem(7)
    clips = [
        replace(clip(f"clip{i}", labels=[LABELS[label]]), extra={"fold": str(1 + i // 30)})
        for i, label in enumerate(truth)
    ]
    return known({}, {c.id: v for c, v in zip(clips, vectors, strict=True)}), clips, vectors, truth


def run(model, clips, **settings):
    return probe(model, clips, rng=np.random.default_rng(0), **{"fold": "fold", "resamples": 50} | settings)


def expected(vectors, truth, fold):
    """Scikit-learn's way, by hand: C on the next fold, then all other folds."""
    folds = 1 + np.arange(150) // 30
    inner = fold % 5 + 1
    learnt = (folds != fold) & (folds != inner)

    def accuracy(c):
        layer = sklearns(c).fit(vectors[learnt], truth[learnt])
        return accuracy_score(truth[folds == inner], layer.predict(vectors[folds == inner]))

    c = max(GRID, key=accuracy)
    layer = sklearns(c).fit(vectors[folds != fold], truth[folds != fold])
    own = folds == fold
    return c, accuracy_score(truth[own], layer.predict(vectors[own])), layer.predict_proba(vectors[own])


def test_every_fold_is_as_scikit_learn_has_it(corpus):
    model, clips, vectors, truth = corpus
    report = run(model, clips)
    wide = vectors.astype(np.float64)
    by_hand = [expected(wide, truth, fold) for fold in range(1, 6)]
    assert report.chosen == {str(n): c for n, (c, _, _) in enumerate(by_hand, start=1)}
    assert report.found.accuracy.value == pytest.approx(np.mean([accuracy for _, accuracy, _ in by_hand]))
    assert report.found.folds == ("1", "2", "3", "4", "5")
    assert 0.4 < report.found.accuracy.low < report.found.accuracy.value < report.found.accuracy.high < 1


def test_what_is_tested_on_is_not_learnt_from(corpus):
    model, clips, vectors, truth = corpus
    report = run(model, clips, test=["4"])
    _, accuracy, scores = expected(vectors.astype(np.float64), truth, 4)
    assert report.found.clips == 30
    assert report.found.accuracy.value == pytest.approx(accuracy)
    truth_of_fold = np.eye(3)[truth[90:120]]
    by_scikit_learn = average_precision_score(truth_of_fold, np.log(scores), average="macro")
    assert report.found.mean_average_precision.value == pytest.approx(by_scikit_learn)
    # other labels for the clips of fold 4 change how it is graded, and nothing else
    wrong = [replace(c, labels=("cat",)) if c.extra["fold"] == "4" else c for c in clips]
    assert run(model, wrong, test=["4"]).chosen == report.chosen


def test_splits_are_folds(corpus):
    model, clips, _, _ = corpus
    named = [replace(c, extra={"split": "test" if c.extra["fold"] == "5" else "train"}) for c in clips]
    report = run(model, named, fold="split", test=["test"])
    assert report.found.clips == 30
    assert report.found.accuracy.value > 0.5
    assert report.chosen.keys() == {"test"}


def test_vectors_that_say_nothing_are_at_chance(known, clip):
    rng = np.random.default_rng(8)
    clips = [replace(clip(f"clip{i}", labels=[LABELS[i % 3]]), extra={"fold": str(i // 3 % 5)}) for i in range(300)]
    model = known({}, {c.id: rng.normal(size=6) for c in clips})
    found = run(model, clips).found.accuracy
    assert found.low < 1 / 3 < found.high + 0.03


def test_more_shots_are_better(corpus):
    model, clips, _, _ = corpus
    values = [run(model, clips, shots=shots).found.accuracy.value for shots in (1, 5, None)]
    assert values[0] < values[2]
    assert values == sorted(values)
    assert run(model, clips, shots=100).found.accuracy.value == values[2]


def test_a_label_of_one_fold_alone_is_never_chosen(corpus):
    model, clips, _, _ = corpus
    rare = [replace(c, labels=("wind",)) if c.id == "clip7" else c for c in clips]
    report = run(model, rare)
    assert report.found.per_label["wind"] == 0


def test_several_labels_are_learnt_each(corpus):
    model, clips, _, _ = corpus
    both = [replace(c, labels=(*c.labels, "loud")) if i % 2 else c for i, c in enumerate(clips)]
    report = run(model, both)
    assert report.found.multi_label
    assert report.found.mean_average_precision.value > 0.55


def test_the_report_is_json_with_its_provenance(corpus):
    model, clips, _, _ = corpus
    found = json.loads(json.dumps(run(model, clips, command="hark probe known").as_json()))
    assert (found["made"]["model"], found["made"]["command"]) == ("known", "hark probe known")
    assert found["accuracy"].keys() == {"value", "low", "high"}


def test_what_cannot_be_probed_is_refused(corpus):
    model, clips, _, _ = corpus
    with pytest.raises(DataError, match="clip 'clip0': no 'part'"):
        run(model, clips, fold="part")
    with pytest.raises(SettingError, match="fold '9': not in column 'fold'; known: 1, 2"):
        run(model, clips, test=["9"])
    with pytest.raises(DataError, match="no fold to learn from"):
        run(model, clips[:30])
    with pytest.raises(DataError, match="no fold to learn from"):
        run(model, clips[:30], test=["1"])
    with pytest.raises(SettingError, match="shots 0"):
        run(model, clips, shots=0)
