"""Jackknife, groups, and differences between two systems, beside scipy's."""

import numpy as np
import pytest
import scipy.stats

from hark.metrics import confidence
from hark.metrics.paired import differences, randomisation


def two_systems(seed, cases):
    rng = np.random.default_rng(seed)
    hardness = rng.normal(size=cases)
    return tuple((hardness + rng.normal(size=cases) * 0.5 > bar).astype(float) for bar in (0.2, 0.0))


def test_several_values_have_the_intervals_of_scipys_bootstrap():
    rng = np.random.default_rng(0)
    values = [rng.random(300), rng.integers(1, 50, 300).astype(float)]
    found = confidence.several(values, ["mean", "median"], rng=np.random.default_rng(1), resamples=5000)
    for one, value, statistic, near in zip(found, values, (np.mean, np.median), (0.003, 1.01), strict=True):
        told = scipy.stats.bootstrap(
            (value,), statistic, method="percentile", n_resamples=5000, rng=np.random.default_rng(2), batch=1000
        ).confidence_interval
        assert one.value == statistic(value)
        assert (one.low, one.high) == pytest.approx(tuple(told), abs=near)


@pytest.mark.parametrize("cases", [7, 8])
def test_weights_are_as_good_as_drawing(cases):
    rng = np.random.default_rng(cases)
    values, draws = rng.integers(0, 4, size=(3, cases)).astype(float), rng.integers(cases, size=(50, cases))
    found = confidence.weighted(values, ["mean", "median", "median"], confidence.times_drawn(draws))
    np.testing.assert_allclose(found[0], values[0][draws].mean(axis=1))
    assert (found[1:] == np.median(values[1:][:, draws], axis=2)).all()


def test_the_jackknife_is_the_standard_error_of_a_mean():
    values = np.random.default_rng(3).exponential(size=50)
    found = confidence.jackknife(values, level=0.9)
    told = scipy.stats.norm.interval(0.9, loc=values.mean(), scale=scipy.stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), *told))
    assert confidence.jackknife(np.array([0.1, 0.1, 0.1])).low == confidence.jackknife(np.array([0.1, 0.1, 0.1])).high
    with pytest.raises(ValueError, match="no cases"):
        confidence.jackknife(np.array([]))


def test_the_jackknife_leaves_medians_to_the_bootstrap():
    values = [np.random.default_rng(4).random(40)] * 2
    both = confidence.several(values, ["mean", "median"], rng=np.random.default_rng(5), interval="jackknife")
    assert both[0] == confidence.jackknife(values[0])
    assert both[1] == confidence.several(values, ["mean", "median"], rng=np.random.default_rng(5))[1]


@pytest.mark.parametrize("interval", ["bootstrap", "jackknife"])
def test_cases_that_are_copies_do_not_narrow_the_interval(interval):
    """Five captions that are all found or all missed are one observation; independent drawing would be √5 narrower."""
    clips = np.random.default_rng(6).random(80)
    groups = np.repeat(np.arange(80), 5)
    settings = {"rng": np.random.default_rng(7), "resamples": 4000, "interval": interval}
    (of_clips,) = confidence.several([clips], ["mean"], **settings)
    (grouped,) = confidence.several([clips[groups]], ["mean"], groups=groups, **settings)
    (alone,) = confidence.several([clips[groups]], ["mean"], **settings)
    assert grouped.value == pytest.approx(of_clips.value)
    assert grouped.high - grouped.low == pytest.approx(of_clips.high - of_clips.low, rel=0.05)
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(5**0.5, rel=0.05)


def test_the_difference_has_scipys_paired_bootstrap():
    one, two = two_systems(8, 400)
    (found,) = differences([one], [two], ["mean"], rng=np.random.default_rng(9), resamples=5000, rounds=100)
    told = scipy.stats.bootstrap(
        (one, two),
        lambda a, b, axis: (b - a).mean(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=5000,
        rng=np.random.default_rng(10),
        batch=1000,
        vectorized=True,
    ).confidence_interval
    assert (found.first, found.second, found.value) == (one.mean(), two.mean(), pytest.approx((two - one).mean()))
    assert (found.low, found.high) == pytest.approx(tuple(told), abs=0.004)


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("cases", [10, 200])
def test_p_is_that_of_scipys_permutation_test(statistic, cases):
    rng = np.random.default_rng(cases)
    one = rng.normal(size=cases)
    two = one + rng.normal(0.08, 0.8, size=cases)
    take = {"mean": np.mean, "median": np.median}[statistic]
    told = scipy.stats.permutation_test(
        (one, two),
        lambda a, b, axis: take(b, axis=axis) - take(a, axis=axis),
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(1),
        vectorized=True,
    ).pvalue
    (found,) = differences([one], [two], [statistic], rng=np.random.default_rng(2), resamples=10)
    exact = cases == 10  # both try all 1,024 swaps
    assert found.p == pytest.approx(told, abs=1e-12 if exact else 0.02)
    assert 0.01 < found.p < 0.99


def test_equal_systems_differ_by_nothing_and_a_better_one_clearly():
    one = np.random.default_rng(3).random(500)
    same, better = (
        differences([one], [two], ["mean"], rng=np.random.default_rng(4))[0] for two in (one.copy(), one + 0.1)
    )
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert better.low == pytest.approx(0.1)
    assert better.p == pytest.approx(1 / 10_001)


def test_p_of_systems_that_differ_by_chance_is_spread_evenly():
    rng = np.random.default_rng(5)
    one, two = rng.random((400, 30)), rng.random((400, 30))
    p = randomisation(one, two, ["mean"] * 400, rng=rng, rounds=2000)
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01


def test_swapping_whole_groups_is_swapping_their_means():
    one, two = two_systems(6, 11)
    groups = np.repeat(np.arange(11), 4)
    settings = {"rounds": 3000}  # 2^11 ways: exact
    alone = randomisation(one[None], two[None], ["mean"], rng=np.random.default_rng(0), **settings)
    grouped = randomisation(
        one[None, groups], two[None, groups], ["mean"], rng=np.random.default_rng(0), groups=groups, **settings
    )
    assert grouped == pytest.approx(alone)


def test_other_cases_are_refused():
    with pytest.raises(ValueError, match="not of the same cases"):
        differences([np.ones(3)], [np.ones(4)], ["mean"], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="no cases"):
        differences([np.ones(0)], [np.ones(0)], ["mean"], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="no cases"):
        confidence.several([np.ones(0)], ["mean"], rng=np.random.default_rng(0))
