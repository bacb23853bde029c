"""The miniature's own arithmetic: chance, intervals, verdicts, and that every recipe can be narrowed."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

from benchmarks.miniature import claims, parts, table
from benchmarks.miniature.claims import (
    Claim,
    Interval,
    Side,
    ensembles,
    judged,
    outcome,
    over_queries,
    over_seeds,
)
from benchmarks.miniature.claims import (
    claims as all_claims,
)
from benchmarks.miniature.plan import COMPARED, VARIANTS, Run, names, plan
from tokenizers import Tokenizer

from hark import recipe as recipes
from hark.models import weights

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "miniature.json"


def test_interval_over_seeds_is_students() -> None:
    apart = np.random.default_rng(1).normal(0.05, 0.02, size=(4, 30))
    means = apart.mean(axis=1)
    low, high = scipy.stats.t.interval(0.95, 3, loc=means.mean(), scale=scipy.stats.sem(means))
    found = over_seeds(apart)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert over_seeds(apart[:1]) is None


@pytest.mark.parametrize("free", [*claims.T_95, 12, 20, 40])
def test_students_table(free: int) -> None:
    assert claims.student(free) == pytest.approx(scipy.stats.t.ppf(0.975, free), abs=1e-3)


def test_interval_over_queries_is_the_bootstraps() -> None:
    apart = np.random.default_rng(2).normal(0.05, 0.2, size=(3, 50))
    each = apart.mean(axis=0)
    found = over_queries(apart)
    ours = scipy.stats.bootstrap((each,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(3))
    near = 0.2 * (found.high - found.low)
    assert found.low == pytest.approx(ours.confidence_interval.low, abs=near)
    assert found.high == pytest.approx(ours.confidence_interval.high, abs=near)


@pytest.mark.parametrize(
    ("expects", "intervals", "verdict"),
    [
        ("more", [(0.01, 0.1), (0.02, 0.3)], "confirmed"),
        ("more", [(0.01, 0.1), (-0.02, 0.3)], "undecided"),
        ("more", [(-0.1, -0.01), (-0.2, -0.02)], "not confirmed"),
        ("at least", [(0.0, 0.1), (0.015, 0.3)], "confirmed"),
        ("at least", [(-0.1, -0.01), (-0.2, -0.02)], "not confirmed"),
        ("at least", [(-0.1, 0.1), (-0.2, 0.2)], "undecided"),
        ("alike", [(-0.01, 0.01), (-0.015, 0.019)], "confirmed"),
        ("alike", [(-0.01, 0.01), (-0.015, 0.05)], "undecided"),
        ("alike", [(0.03, 0.1), (0.01, 0.05)], "not confirmed"),
    ],
)
def test_verdicts(expects: claims.Expects, intervals: list[tuple[float, float]], verdict: str) -> None:
    assert judged(expects, [Interval(*one) for one in intervals]) == verdict


def test_a_claim_is_judged_by_the_pairs_that_have_run() -> None:
    first, second = (tuple(Run("x", said, seed) for seed in range(3)) for said in ("as the report", "plain loss"))

    def record(ap: list[float]) -> dict[str, object]:
        return {"measured": {"result": {"ap": ap}}}

    runs = {run.key: record([0.5 + 0.01 * run.seed, 0.7]) for run in first}
    runs |= {run.key: record([0.4, 0.6]) for run in second[:2]}
    claim = Claim("x", "", tuple((Side(a), Side(b)) for a, b in zip(first, second, strict=True)))
    found = outcome(claim, {"runs": runs})
    assert found is not None
    assert (found.pairs, found.verdict) == (2, "confirmed")
    assert found.difference == pytest.approx(0.1025)
    assert outcome(claim, {"runs": {}}) is None


def test_an_ensemble_of_systems_stands_beside_the_mean_of_its_members() -> None:
    members = (Run("x"), Run("y"))
    alone = dict(zip(members, ([0.2, 0.4], [0.4, 0.8]), strict=True))
    results = {
        "runs": {run.key: {"measured": {"result": {"ap": ap}}} for run, ap in alone.items()},
        "ensembles": {"both": {"measured": {"result": {"ap": [0.5, 0.9]}}}},
    }
    claim = Claim("x", "", ((Side("both"), Side(members)),))
    found = outcome(claim, results)
    assert found is not None
    assert (found.first, found.second) == pytest.approx((0.7, 0.45))
    assert outcome(Claim("x", "", ((Side("both"), Side((*members, Run("z")))),)), results) is None


def test_every_run_builds_and_reads(tmp_path: Path) -> None:
    table_of_sounds = tmp_path / "sounds" / "metadata.csv"
    table_of_sounds.parent.mkdir()
    rows = [
        f"{n}.wav,a sound of kind {n} {'abcdefgh'[n % 8] * 3}{n * 7919},title number {n * 104729}" for n in range(700)
    ]
    table_of_sounds.write_text("\n".join(["file,label,title", *rows]))
    parts.tokenizers(tmp_path, tmp_path / "towers")
    ends = {"bert": "[SEP]", "roberta": "</s>", "clip_text_model": "<|endoftext|>"}
    for kind, end in ends.items():
        tokenizer = Tokenizer.from_file(str(tmp_path / "towers" / kind / "tokenizer.json"))
        assert tokenizer.get_vocab_size() == parts.VOCABULARY
        assert tokenizer.encode("the sound of dog").tokens[-1] == end
    assert Tokenizer.from_file(str(tmp_path / "towers" / "gpt2" / "tokenizer.json")).token_to_id("<|endoftext|>") == 999

    built = set()
    for run in plan(seeds=1):
        if run.system not in names():
            continue
        changes = [change.replace("$OUT", str(tmp_path)) for change in run.changes()]
        recipe = recipes.load(run.system, changes=changes)
        assert [stage.seed for stage in recipe.stages] == [0] * len(recipe.stages)
        if "minilm" in str(recipe.text):
            continue
        towers = recipe.build().eval()
        assert sum(p.numel() for p in towers.parameters()) < 600_000
        ids, mask = towers.tokens(["the sound of dog", "rain"])
        joined = towers(torch.randn(2, recipe.audio.samples), ids, mask)
        assert joined.audio.shape == joined.text.shape == (2, recipe.dim)
        built.add(run.system)
    assert len(built) > 15


def test_the_plan_holds_every_recipe_of_the_reports_and_three_seeds_of_what_is_compared() -> None:
    runs = plan(seeds=3)
    assert len(names()) == 26
    assert len({run.key for run in runs}) == len(runs)
    assert {run.system for run in runs} >= set(names())
    for name, variants in COMPARED:
        assert all(Run(name, variant, seed) in runs for variant in variants for seed in range(3))
    sides = [side.run for claim in all_claims() for pair in claim.pairs for side in pair]
    assert all(side in runs for side in sides if isinstance(side, Run))
    assert all(set(side) <= set(runs) for side in sides if isinstance(side, tuple))
    assert all(side in ensembles() for side in sides if isinstance(side, str))
    assert all(set(members) <= set(runs) for members in ensembles().values())
    assert all(len(claim.pairs) >= 3 for claim in all_claims())
    assert {run.variant for run in runs} == set(VARIANTS)


def test_mixco_and_masking_are_compared_with_the_same_recipe() -> None:
    """Models B and C without what sets them apart; so one run stands beside both."""
    made = [
        recipes.load(run.system, changes=[*run.changes(), 'stages.pairs.loss={ name = "infonce" }'])
        for run in (Run("ly-2024/b"), Run("ly-2024/c", "without masking"))
    ]
    b, c = (dataclasses.replace(recipe, name="", about="", published={}) for recipe in made)
    assert b == c


def test_a_taggers_two_layers_become_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    own, layer = torch.nn.Linear(6, 3), torch.nn.Linear(3, 3)
    saved = {"audio_encoder.tagger.1.weight": own.weight, "audio_encoder.tagger.1.bias": own.bias}
    weights.save(tmp_path / "model.safetensors", weights.Saved(saved, "x", "", {}, {}))
    from safetensors.torch import save_file

    told = {"tags.weight": layer.weight.detach(), "tags.bias": layer.bias.detach()}
    save_file(told, tmp_path / "tasks-labels.safetensors", metadata={"classes": json.dumps({"tags": ["a", "b", "c"]})})
    (tmp_path / "towers").mkdir()
    parts.tagger(tmp_path, tmp_path / "towers")
    made = weights.open_file(tmp_path / "towers" / "passt.safetensors").tensors
    x = torch.randn(5, 6)
    folded = x @ made["audio_encoder.tagger.1.weight"].T + made["audio_encoder.tagger.1.bias"]
    torch.testing.assert_close(folded, layer(own(x)))
    assert (tmp_path / "towers" / "tags.csv").read_text().splitlines()[1:] == ["0,/m/0,a", "1,/m/1,b", "2,/m/2,c"]


def test_the_page_says_what_the_results_say() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    page = Path(__file__).parents[2] / "docs" / "miniature.md"
    assert page.read_text(encoding="utf-8") == "\n".join(table._page(results)) + "\n"
    for name in names():
        assert re.search(rf"^\| {re.escape(name)} \| [1-9]", page.read_text(encoding="utf-8"), re.MULTILINE), name


def test_every_result_is_of_the_command_that_the_plan_has() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["runs"]
    assert {key: record["command"] for key, record in kept.items()} == {run.key: run.command() for run in plan(seeds=3)}


def test_no_path_of_a_machine_is_in_the_results() -> None:
    said = RESULTS.read_text(encoding="utf-8")
    assert not re.search(r"/(home|tmp|work|root|Users)/", said)
