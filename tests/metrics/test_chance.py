"""The worth of chance beside all orders of few items, and beside many random orders."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hark.metrics import chance
from hark.metrics.retrieval import average_precision_at, ranks, recall_at


@pytest.mark.parametrize("k", [1, 3, 9])
@pytest.mark.parametrize("relevant", [1, 2, 4, 5])
def test_chance_is_the_mean_of_all_orders(relevant: int, k: int) -> None:
    orders = np.array(list(itertools.permutations(range(5))), dtype=np.float64)
    ranked = ranks(orders, np.broadcast_to(np.arange(5) < relevant, orders.shape).copy())
    recall = chance.recall_at(k, items=5, relevant=relevant)
    assert recall == pytest.approx(recall_at(ranked, k).mean(), rel=1e-12)
    precision = chance.average_precision_at(k, items=5, relevant=relevant)
    assert precision == pytest.approx(average_precision_at(ranked, k, divisor="reachable").mean(), rel=1e-12)


@pytest.mark.parametrize(("items", "relevant", "k"), [(12, 1, 10), (20, 5, 10), (30, 3, 1), (6, 2, 10), (4, 4, 3)])
def test_chance_is_the_mean_of_many_random_orders(items: int, relevant: int, k: int) -> None:
    draws = 20_000
    scores = np.random.default_rng(2).random((draws, items))
    wanted = np.zeros((draws, items), bool)
    wanted[:, :relevant] = True
    ranked = ranks(scores, wanted)
    for ours, values in (
        (chance.recall_at(k, items=items, relevant=relevant), recall_at(ranked, k)),
        (
            chance.average_precision_at(k, items=items, relevant=relevant),
            average_precision_at(ranked, k, divisor="reachable"),
        ),
    ):
        assert ours == pytest.approx(values.mean(), abs=5 * values.std() / np.sqrt(draws) + 1e-12)


def test_the_mean_over_queries_counts_each_by_its_own_number() -> None:
    relevant = np.array([[True, False, False], [True, True, True]])
    assert chance.mean_average_precision_at(10, relevant) == pytest.approx(((1 + 1 / 2 + 1 / 3) / 3 + 1) / 2)
