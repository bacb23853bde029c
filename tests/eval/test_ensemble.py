"""Ensembles: together better than alone, each model heard once and let go, members chosen by what they add."""

import dataclasses
import itertools

import numpy as np
import pytest

from hark.core.errors import SettingError
from hark.eval.ensembles.ensemble import Settings, combined, named
from hark.eval.ensembles.greedy import choose
from hark.eval.ensembles.members import Bank, Member, Rewriting, embed
from hark.eval.ensembles.run import Steps, evaluate
from hark.eval.questions import questions
from hark.eval.retrieval import evaluate as evaluate_one
from hark.metrics.combine.mean import combine as mean
from hark.metrics.retrieval import average_precision_at, ranks

N = 60


@pytest.fixture
def world(known, clip):
    """Sixty clips, and models that each see the truth through noise of their own."""
    truth = np.random.default_rng(0).normal(size=(N, 16))
    clips = [clip(f"clip{i}", [f"caption {i}"]) for i in range(N)]

    def model(seed, noise, dim=16):
        rng = np.random.default_rng(seed)
        spread = np.eye(16) if dim == 16 else rng.normal(size=(16, dim)) / 4
        texts = {f"caption {i}": (truth[i] + noise * rng.normal(size=16)) @ spread for i in range(N)}
        texts |= {f"again {i}": (truth[i] + noise * rng.normal(size=16)) @ spread for i in range(N)}
        found = known(texts, {f"clip{i}": (truth[i] + noise * rng.normal(size=16)) @ spread for i in range(N)})
        found.name, found.stamp = f"m{seed}", f"{seed:016x}"
        return found

    return clips, model


def settings():
    return Settings(np.random.default_rng(0), resamples=200)


def run(models, clips, cache=None, weights=None, **steps):
    weights = weights or [1.0] * len(models)
    members = [Member(m.name, lambda m=m: m, w) for m, w in zip(models, weights, strict=True)]
    return evaluate("all", members, clips, steps=Steps(**steps), settings=settings(), cache=cache, command="hark it")


def value(report, way="text_to_audio", name="mAP@10"):
    return getattr(report.retrieval, way).metrics[name].value


def test_one_model_is_an_ensemble_of_itself(world):
    clips, model = world
    report = run([model(1, 0.8)], clips)
    alone = evaluate_one(model(1, 0.8), clips, rng=np.random.default_rng(0), resamples=50)
    for way in ("text_to_audio", "audio_to_text"):
        ours, theirs = getattr(report.retrieval, way), getattr(alone, way)
        assert {n: e.value for n, e in ours.metrics.items()} == {n: e.value for n, e in theirs.metrics.items()}
    assert report.gain["text to audio"]["mAP@10"].value == 0
    assert report.worth == ()


@pytest.mark.parametrize("how", ["mean", "distance", "znorm", "reciprocal_rank", "borda"])
def test_four_with_noise_of_their_own_gain_over_the_best(world, how):
    clips, model = world
    report = run([model(seed, 1.0) for seed in range(1, 5)], clips, combine={"name": how})
    best = max(report.members, key=lambda one: one.metrics["text to audio"]["mAP@10"])
    assert report.best == best.name
    for way in ("text to audio", "audio to text"):
        gain = report.gain[way]["mAP@10"]
        assert 0 < gain.low <= gain.value <= gain.high
        together = value(report, way.replace(" ", "_"))
        assert gain.value == pytest.approx(together - best.metrics[way]["mAP@10"])
    for worth in report.worth:
        assert worth.gain.value == pytest.approx(value(report) - worth.without)


def test_the_gain_is_paired_query_by_query(world):
    """A paired interval is that of the differences, by scipy's bootstrap of one sample."""
    from scipy.stats import bootstrap

    clips, model = world
    models = [model(1, 1.0), model(2, 1.0)]
    report = run(models, clips)
    asked = questions(clips)
    found = embed([Member(m.name, lambda m=m: m) for m in models], clips, asked.texts).members

    def precision(scores):
        return average_precision_at(ranks(scores, asked.relevant), 10, divisor="reachable")

    best = max((precision(one.scores) for one in found), key=np.mean)
    difference = precision(combined(found, mean)[0]) - best
    theirs = bootstrap((difference,), np.mean, method="percentile", n_resamples=5000, rng=1).confidence_interval
    ours = report.gain["text to audio"]["mAP@10"]
    assert ours.value == pytest.approx(difference.mean())
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=0.02)


def test_the_order_of_the_members_changes_nothing(world):
    clips, model = world
    models = [model(seed, 1.0) for seed in (1, 2, 3)]
    reports = [run(list(order), clips) for order in itertools.permutations(models)]
    assert len({report.made.stamp for report in reports}) == 1
    assert len({value(report) for report in reports}) == 1


def test_the_stamp_is_of_members_weights_and_steps(world):
    clips, model = world
    models = [model(1, 1.0), model(2, 1.0)]
    stamps = {
        run(models, clips).made.stamp,
        run(models[:1], clips).made.stamp,
        run(models, clips, weights=[1.0, 2.0]).made.stamp,
        run(models, clips, combine={"name": "borda"}).made.stamp,
        run(models, clips, combine={"name": "reciprocal_rank", "k": 5.0}).made.stamp,
        run(models, clips, rescore={"name": "csls"}).made.stamp,
        run(models, clips, rescore={"name": "csls"}, bank=Bank(("again 1", "again 2"))).made.stamp,
        run(models, clips, rescore={"name": "csls"}, bank=Bank(("again 1", "again 3"))).made.stamp,
    }
    assert len(stamps) == 8
    made = run(models, clips).made
    assert (made.model, made.command, len(made.stamp)) == ("all", "hark it", 16)


def test_vectors_are_made_once_for_each_model(world, tmp_path):
    clips, model = world
    models = [model(1, 1.0), model(2, 1.0)]
    first = run(models, clips, cache=tmp_path)
    assert [len(m.heard) for m in models] == [N, N]
    for m in models:
        m.sounds, m.texts = {}, {}  # whoever asks for a vector now fails
    again = run(models, clips, cache=tmp_path, combine={"name": "borda"}, rescore={"name": "sinkhorn"})
    assert [len(m.heard) for m in models] == [N, N]
    assert first.members == again.members
    assert dataclasses.asdict(run(models, clips, cache=tmp_path)) == dataclasses.asdict(first)


def test_no_two_models_are_held_at_once(world):
    import gc
    import weakref

    clips, model = world
    alive, held = [], []

    def opener(seed):
        def open_model():
            gc.collect()
            held.append(sum(one() is not None for one in alive))
            made = model(seed, 1.0)
            alive.append(weakref.ref(made))
            return made

        return open_model

    embed([Member(str(seed), opener(seed)) for seed in range(3)], clips, questions(clips).texts)
    assert held == [0, 0, 0]


class Again:
    """A rewriter that knows the other wording."""

    name, stamp = "again", "f" * 64

    def rewrite(self, texts, n, *, progress=None):
        return [(text.replace("caption", "again"),)[:n] for text in texts]


def test_with_other_wordings_a_query_is_the_mean_and_sounds_are_heard_once(world, tmp_path):
    clips, model = world
    m = model(1, 1.0)
    members = [Member("plain", lambda: m), Member("rewritten", lambda: m, rewriting=Rewriting(Again(), 1))]
    found = embed(members, clips, questions(clips).texts)
    assert len(m.heard) == N
    texts = [f"caption {i}" for i in range(N)]
    both = m.embed_text(texts) + m.embed_text([f"again {i}" for i in range(N)])
    expected = both / np.linalg.norm(both, axis=1, keepdims=True) @ m.embed_audio([c.path for c in clips]).T
    np.testing.assert_allclose(found.members[1].scores, expected, atol=1e-6)
    assert found.members[0].stamp != found.members[1].stamp
    kept = embed(members, clips, questions(clips).texts, cache=tmp_path)
    assert np.array_equal(kept.members[1].scores, found.members[1].scores)


def test_chosen_members_are_never_worse_than_the_best_on_the_clips_they_are_chosen_by(world):
    clips, model = world
    asked = questions(clips)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        models = [model(10 * seed + i, noise) for i, noise in enumerate(rng.uniform(0.5, 4.0, 5))]
        scores = [
            one.scores for one in embed([Member(m.name, lambda m=m: m) for m in models], clips, asked.texts).members
        ]
        choice = choose(scores, asked.relevant, mean)
        assert choice.values[0] == max(choice.singles)
        assert list(choice.values) == sorted(set(choice.values))
        assert sum(choice.counts) == len(choice.taken)
        final = mean(scores, choice.counts)
        reached = average_precision_at(ranks(final, asked.relevant), 10, divisor="reachable").mean()
        assert reached == pytest.approx(choice.values[-1])


def test_one_that_only_harms_is_not_taken(world):
    clips, _ = world
    asked = questions(clips)
    noise = np.random.default_rng(1).uniform(-1, 1, (N, N))
    perfect = np.eye(N)
    choice = choose([noise, perfect, perfect], asked.relevant, mean)
    assert (choice.counts, choice.taken, choice.values) == ((0, 1, 0), (1,), (1.0,))


def test_chosen_by_some_clips_and_measured_on_others(world):
    clips, model = world
    models = [model(1, 0.8), model(2, 0.8), model(3, 30.0)]
    report = run(models, clips[:30], choose_on=clips[30:])
    assert report.chosen.counts[2] == 0
    assert [one.weight for one in report.members] == list(report.chosen.counts)
    assert report.chosen_on.data != report.made.data
    assert [worth.name for worth in report.worth] == ["m1", "m2"]


def test_a_hub_is_found_and_taken_away(world, known):
    clips, model = world
    m = model(1, 0.3)
    m.sounds["clip7"] = np.sum([m.texts[f"caption {i}"] for i in range(N)], axis=0)
    shift = 0.8 * m.sounds["clip7"] / np.linalg.norm(m.sounds["clip7"]) * 4
    m.texts = {text: vector + shift for text, vector in m.texts.items()}
    bank = Bank(tuple(f"again {i}" for i in range(N)))
    for name in ("inverted_softmax", "sinkhorn", "csls", "dual_softmax"):
        report = run([m], clips, rescore={"name": name}, bank=bank)
        done = report.correction["text to audio"]
        assert done.queries == "bank"
        assert done.after.most < done.before.most
        assert report.effect["text to audio"]["R@1"].value > 0
        assert set(report.correction) == {"text to audio"}  # the bank has no clips
        assert report.effect["audio to text"]["R@1"].value == 0
        assert "bank of 60 texts (0 of them asked here) and 0 clips" in report.further[0]
    all_at_once = run([m], clips, rescore={"name": "sinkhorn"})
    assert {one.queries for one in all_at_once.correction.values()} == {"all at once"}
    assert "transductive" in all_at_once.further[0]
    clips_too = run([m], clips[:30], rescore={"name": "csls"}, bank=Bank(bank.texts, tuple(clips[30:])))
    assert {one.queries for one in clips_too.correction.values()} == {"bank"}


def test_a_better_model_takes_a_second_look(world, monkeypatch):
    from hark.eval.rerankers import model as by_model

    clips, model = world
    rough, fine = model(1, 1.2), model(2, 0.1)
    monkeypatch.setattr(by_model, "load", {"fine": fine}.__getitem__)
    report = run([rough], clips, rerank={"name": "model", "model": "fine"}, top=10)
    plain = run([rough], clips)
    assert value(report, name="R@1") > value(plain, name="R@1")
    assert value(report, name="R@10") == value(plain, name="R@10")  # the same ten
    assert report.effect["audio to text"]["R@1"].value == 0
    assert len(fine.heard) <= N
    assert "re-ranked by model:model=fine" in report.further[0]


def test_wrong_steps_are_one_line(world):
    clips, model = world
    with pytest.raises(SettingError, match=r"rescore: no 'sinkhor' among metrics.rescore; did you mean 'sinkhorn'"):
        run([model(1, 1)], clips, rescore={"name": "sinkhor"})
    with pytest.raises(SettingError, match="nothing that uses it"):
        Steps(bank=Bank(("x",)))
    with pytest.raises(SettingError, match="at least one clip"):
        Steps(top=0)


def test_named_hangs_on_no_order():
    assert named("x", [], {"name": "mean", "k": 1}).stamp == named("x", [], {"k": 1, "name": "mean"}).stamp
