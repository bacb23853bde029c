import numpy as np
import pytest
import scipy.stats

from hark.metrics import confidence


@pytest.mark.parametrize(("ours", "theirs"), [(confidence.mean, np.mean), (confidence.median, np.median)])
def test_the_interval_is_scipys_percentile_bootstrap(ours, theirs):
    values = np.random.default_rng(0).exponential(size=400)
    found = ours(values, rng=np.random.default_rng(1), resamples=10_000)
    expected = scipy.stats.bootstrap(
        (values,), theirs, method="percentile", n_resamples=10_000, rng=np.random.default_rng(2), batch=1000
    ).confidence_interval
    assert found.value == theirs(values)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.01)


def test_the_interval_of_a_mean_is_that_of_the_central_limit():
    values = np.random.default_rng(3).normal(5, 2, size=4000)
    found = confidence.mean(values, rng=np.random.default_rng(4), resamples=4000, level=0.9)
    half = scipy.stats.norm.ppf(0.95) * values.std() / np.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_95_of_100_intervals_hold_the_truth():
    rng = np.random.default_rng(5)
    truth, held = 0.3, 0
    for _ in range(400):
        found = confidence.mean((rng.random(200) < truth).astype(float), rng=rng, resamples=400)
        held += found.low <= truth <= found.high
    assert 0.90 <= held / 400 <= 0.985  # a binomial's own spread is 0.011, and the percentile bootstrap a little narrow


def test_cases_that_agree_leave_no_doubt():
    assert confidence.mean(np.ones(9), rng=np.random.default_rng(0)) == confidence.Estimate(1.0, 1.0, 1.0)


def test_the_same_generator_gives_the_same_interval_in_chunks_or_not(monkeypatch):
    values = np.random.default_rng(6).random(50)
    whole = confidence.mean(values, rng=np.random.default_rng(7))
    monkeypatch.setattr(confidence, "CHUNK", 501)
    assert confidence.mean(values, rng=np.random.default_rng(7)) == whole


def test_times_drawn_weighs_as_the_draw_does():
    draws = np.random.default_rng(8).integers(30, size=(5, 30))
    values = np.random.default_rng(9).random(30)
    weights = confidence.times_drawn(draws)
    assert [np.bincount(row, minlength=30).tolist() for row in draws] == weights.tolist()
    np.testing.assert_allclose(weights @ values / 30, values[draws].mean(axis=1))


def test_centring_moves_the_interval_and_keeps_its_width():
    values = np.random.default_rng(10).random(100)

    def biased(draws):  # the share of distinct cases: always 1 - 1/e in a draw, 1 in the whole
        return np.array([len(set(row)) / len(row) for row in draws]) * values[draws].mean(axis=1)

    plain = confidence.bootstrap(biased, 100, rng=np.random.default_rng(11))
    moved = confidence.bootstrap(biased, 100, rng=np.random.default_rng(11), centre=True)
    assert plain.high < plain.value
    assert moved.low < moved.value < moved.high
    assert moved.high - moved.low == pytest.approx(plain.high - plain.low)


def test_no_cases_are_refused():
    with pytest.raises(ValueError, match="no cases"):
        confidence.mean(np.array([]), rng=np.random.default_rng(0))
