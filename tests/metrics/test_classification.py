import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from hark.metrics.classification import above, average_precision, choose, correct, f1, micro_f1, top


def problem(seed, clips=60, labels=7, levels=None, several=True):
    """Random scores (only `levels` different ones, to make ties), every label on some clip, every clip labelled."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(clips, labels)) if levels is None else rng.integers(levels, size=(clips, labels)) / 2
    relevant = np.eye(labels, dtype=bool)[np.arange(clips) % labels]
    if several:
        relevant |= rng.random(relevant.shape) < 0.2
    return scores, relevant


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize("several", [False, True])
def test_average_precision_is_scikit_learns_ties_included(levels, several):
    scores, relevant = problem(1, levels=levels, several=several)
    expected = average_precision_score(relevant, scores, average=None)
    np.testing.assert_allclose(average_precision(scores, relevant), expected)


@pytest.mark.parametrize("levels", [None, 3])
def test_weighted_average_precision_is_scikit_learns(levels):
    scores, relevant = problem(2, levels=levels)
    weights = np.random.default_rng(3).integers(4, size=(5, len(scores)))
    expected = [average_precision_score(relevant, scores, average=None, sample_weight=row) for row in weights]
    np.testing.assert_allclose(average_precision(scores, relevant, weights), expected)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_f1_is_scikit_learns(several, threshold):
    scores, relevant = problem(4, several=several)
    chosen = choose(scores, relevant)
    assert chosen.tolist() == scores.argmax(axis=1).tolist()
    given_labels = top(chosen, relevant.shape[1]) if threshold is None else above(scores, threshold)
    np.testing.assert_allclose(f1(given_labels, relevant), f1_score(relevant, given_labels, average=None))
    assert f1(given_labels, relevant).mean() == pytest.approx(f1_score(relevant, given_labels, average="macro"))
    assert micro_f1(given_labels, relevant) == pytest.approx(f1_score(relevant, given_labels, average="micro"))
    weights = np.random.default_rng(5).integers(4, size=(5, len(scores)))
    for average, function in ((None, f1), ("micro", micro_f1)):
        expected = [f1_score(relevant, given_labels, average=average, sample_weight=row) for row in weights]
        np.testing.assert_allclose(function(given_labels, relevant, weights), expected)


def test_with_one_label_a_clip_micro_f1_is_the_accuracy():
    scores, relevant = problem(11, several=False)
    chosen = choose(scores, relevant)
    assert micro_f1(top(chosen, relevant.shape[1]), relevant) == pytest.approx(correct(chosen, relevant).mean())


def test_the_mean_of_correct_is_scikit_learns_accuracy():
    scores, relevant = problem(6, several=False)
    chosen = choose(scores, relevant)
    assert correct(chosen, relevant).mean() == pytest.approx(accuracy_score(relevant.argmax(axis=1), chosen))


def test_with_several_labels_any_of_them_is_correct():
    relevant = np.array([[True, True, False], [True, False, False]])
    assert correct(np.array([1, 1]), relevant).tolist() == [1, 0]


def test_a_model_without_an_opinion_is_right_nowhere():
    _, relevant = problem(7, several=False)
    assert not correct(choose(np.zeros(relevant.shape), relevant), relevant).any()


def test_perfect_scores_are_worth_one():
    _, relevant = problem(8, several=False)
    chosen = choose(relevant.astype(float), relevant)
    assert correct(chosen, relevant).all()
    assert (f1(top(chosen, 7), relevant) == 1).all()
    assert micro_f1(top(chosen, 7), relevant) == 1
    assert (average_precision(relevant.astype(float), relevant) == 1).all()


def test_equal_scores_give_each_label_its_share_of_the_clips():
    _, relevant = problem(9)
    np.testing.assert_allclose(average_precision(np.zeros(relevant.shape), relevant), relevant.mean(axis=0))


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2, 4]))
def test_order_and_rising_functions_change_nothing(seed, levels):
    scores, relevant = problem(seed, clips=12, labels=3, levels=levels)
    order = np.random.default_rng(seed).permutation(12)
    expected = average_precision(scores, relevant)
    np.testing.assert_allclose(average_precision(scores[order], relevant[order]), expected)
    np.testing.assert_allclose(average_precision(np.exp(scores), relevant), expected)
    chosen = choose(scores, relevant)
    assert choose(scores[order], relevant[order]).tolist() == chosen[order].tolist()
    assert choose(np.exp(scores), relevant).tolist() == chosen.tolist()


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 3]))
def test_a_weight_is_so_many_copies(seed, levels):
    scores, relevant = problem(seed, clips=12, labels=3, levels=levels)
    weights = np.random.default_rng(seed).integers(1, 4, size=12)
    copies = np.repeat(np.arange(12), weights)
    expected = average_precision(scores[copies], relevant[copies])
    np.testing.assert_allclose(average_precision(scores, relevant, weights), expected)


def test_a_label_that_a_draw_lacks_is_not_a_number():
    relevant = np.array([[True, False], [False, True], [True, False]])
    scores = relevant.astype(float)
    weights = np.array([[1, 0, 2]])
    np.testing.assert_equal(average_precision(scores, relevant, weights), [[1, np.nan]])
    np.testing.assert_equal(f1(top(choose(scores, relevant), 2), relevant, weights), [[1, np.nan]])
    nothing = np.zeros((2, 3), dtype=bool)
    assert np.isnan(micro_f1(nothing, nothing))


def test_what_cannot_be_measured_is_refused():
    scores, relevant = problem(10)
    broken = scores.copy()
    broken[3, 4] = np.nan
    for function in (choose, average_precision):
        with pytest.raises(ValueError, match="clip 3: a score is NaN"):
            function(broken, relevant)
        with pytest.raises(ValueError, match="are not the same"):
            function(scores, relevant.T)
    unheard = relevant.copy()
    unheard[:, 2] = False
    with pytest.raises(ValueError, match="label 2: no clip has it"):
        average_precision(scores, unheard)
