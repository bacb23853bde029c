"""Training a captioner: its losses in closed form, and runs that stop anywhere and end the same."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import small_captioner
import torch
from torch import Tensor

from hark.caption.beam import greedy
from hark.caption.ears import Ears
from hark.caption.file import load
from hark.caption.stepper import Afresh
from hark.core.errors import WeightsError
from hark.data.records import Clip
from hark.losses.cross_entropy import cross_entropy
from hark.losses.scst import scst
from hark.metrics.cider import CiderD
from hark.models.captioning.decoders import transformer
from hark.models.captioning.encoders import bigru
from hark.models.captioning.network import Network
from hark.recipe.caption_stage import CaptionStage
from hark.recipe.captioner import Decoding
from hark.text.spelling.words import Config
from hark.train.caption_data import Described, Features, Order, rows
from hark.train.caption_run import run
from hark.train.caption_steps import NextWord, Reward, own_words
from hark.train.optim import Rate

SAID = [("a siren wails", "sirens"), ("rain falls on a roof",), ("a siren in the rain", "rain and a siren")]


@dataclass(frozen=True)
class Given(Features):
    """Features that were never heard."""

    made: Mapping[str, np.ndarray]

    def __getitem__(self, key: str) -> np.ndarray:
        return self.made[key]


@pytest.fixture
def described() -> Described:
    draws = np.random.default_rng(0)
    made = {str(n): draws.normal(size=(3 + n, 6)).astype(np.float32) for n in range(3)}
    return Described(Given(made), list(made), SAID)


def network(size: int, *, dropout: float = 0.0) -> Network:
    torch.manual_seed(0)
    encoder = bigru.Config(width=5, layers=1).build(heard=6)
    speller = Config().build(captions=[text for texts in SAID for text in texts])
    assert speller.size == size
    return Network(encoder, transformer.Config(width=16, dropout=dropout).build(memory=10, speller=speller))


def speller():
    return Config().build(captions=[text for texts in SAID for text in texts])


def test_next_word_is_smoothed_cross_entropy(described: Described) -> None:
    """Against the loss over classes that hark has, which is tested against torch's; padding does not count."""
    made = network(speller().size)
    stage = CaptionStage("words", smoothing=0.1, keep="last")
    visits = [(0, 1), (1, 0), (2, 0)]
    found = NextWord(stage, described, speller())(made, visits, 0, torch.Generator())
    logits, targets = [], []
    for clip, sentence in visits:
        wanted = torch.tensor(speller().encode(SAID[clip][sentence]))
        given = torch.cat([torch.tensor([speller().start]), wanted[:-1]])
        frames, lengths = described.frames([clip])
        logits.append(made(frames, lengths, given[None])[0])
        targets.append(torch.nn.functional.one_hot(wanted, speller().size).float())
    alone = cross_entropy(torch.cat(logits), torch.cat(targets), smoothing=0.1)
    torch.testing.assert_close(found, alone)


def test_of_its_own_words_all_are_what_greedy_says(described: Described) -> None:
    made, words = network(speller().size).eval(), speller()
    frames, lengths = described.frames([0, 1, 2])
    given, _ = rows([words.encode(texts[0]) for texts in SAID], start=words.start, pad=words.pad)
    draws = torch.Generator().manual_seed(0)
    assert torch.equal(own_words(made, frames, lengths, given, share=1.0, generator=draws), given)
    own = own_words(made, frames, lengths, given, share=0.0, generator=draws)
    with torch.no_grad():
        said = greedy(made.stepper(made.memory(frames, lengths)), stop=None, steps=given.shape[1] - 1)
    assert torch.equal(own[:, 0], given[:, 0])
    assert torch.equal(own[:, 1:], said.tokens[:, 0])
    some = own_words(made, frames, lengths, given.repeat(1, 1), share=0.5, generator=draws)
    assert 0 < int((some == given).sum()) < given.numel()


def test_share_of_true_words_falls_in_a_line(described: Described, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("hark.train.caption_steps.own_words", lambda *a, share, **_: seen.append(share) or a[3])
    loss_of = NextWord(CaptionStage("words", true_words=0.7, steps=10, keep="last"), described, speller())
    for step in (0, 5, 9):
        loss_of(network(speller().size), [(0, 0)], step, torch.Generator())
    assert seen == pytest.approx([1 - 0.3 * 5 / 10, 1 - 0.3 * 9 / 10])


def test_expected_gradient_of_the_reward_in_closed_form() -> None:
    """A policy of two words over three: the mean gradient over all captions is that of the expected reward."""
    theta = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    worth = torch.rand(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    everything = torch.tensor([(0, 0), *itertools.product((1, 2), range(3))])  # word 0 ends

    def logs(tokens: Tensor) -> Tensor:
        first = theta[0].log_softmax(0)[tokens[:, 0]]
        return torch.stack([first, theta[1 + tokens[:, 0]].log_softmax(1).gather(1, tokens[:, 1:])[:, 0]], dim=1)

    counted = torch.ones(len(everything), 2, dtype=torch.float64)
    counted[0, 1] = 0.0
    chance = (logs(everything) * counted).sum(dim=1).exp()
    assert chance.sum().item() == pytest.approx(1.0)
    reward = worth[everything[:, 0], everything[:, 1]]
    (wanted,) = torch.autograd.grad(-(chance * reward).sum(), theta)
    for baseline in (0.0, 0.4, reward[3].item()):
        found = torch.zeros_like(theta)
        for row, share in enumerate(chance.tolist()):
            loss = scst(
                logs(everything[row : row + 1]), everything[row : row + 1], reward[row : row + 1] - baseline, end=0
            )
            found += share * torch.autograd.grad(loss, theta)[0]
        torch.testing.assert_close(found, wanted)


def test_reward_is_cider_of_all_references(described: Described) -> None:
    loss_of = Reward(CaptionStage("reward", task="reward", keep="last"), described, speller(), Decoding(steps=4))
    made, words = network(speller().size), speller()
    frames, lengths = described.frames([0, 2])
    with torch.no_grad():
        said = greedy(made.eval().stepper(made.memory(frames, lengths)), stop=words.stop, steps=4)
    found = loss_of.worth(said, [0, 2])
    texts = [words.decode(one[0]) for one in said.lists()]
    alone = CiderD.of(SAID).score(texts, [SAID[0], SAID[2]])
    np.testing.assert_allclose(found[:, 0].numpy(), alone)


def test_reward_makes_worthy_captions_likelier(described: Described) -> None:
    """Steps on one batch raise the chance of captions that are worth more; equal seeds give equal losses."""
    made = network(speller().size)
    stage = CaptionStage("reward", task="reward", samples=8, keep="last")
    loss_of = Reward(stage, described, speller(), Decoding(steps=5))
    optimiser = torch.optim.Adam(made.parameters(), lr=2e-2)

    def mean_worth(seed: int) -> float:
        from hark.caption.sample import sample

        frames, lengths = described.frames([0, 1, 2])
        with torch.no_grad():
            drawn = sample(
                made.eval().stepper(made.memory(frames, lengths)), stop=2, each=48, steps=5, top_p=1.0,
                generator=torch.Generator().manual_seed(seed),
            )  # fmt: skip
        return float(loss_of.worth(drawn, [0, 1, 2]).mean())

    before = mean_worth(0)
    visits = [(0, 0), (1, 0), (2, 0)]
    losses = {loss_of(made, visits, 0, torch.Generator().manual_seed(5)).item() for _ in range(2)}
    assert len(losses) == 1
    for step in range(15):
        optimiser.zero_grad()
        loss_of(made, visits, step, torch.Generator().manual_seed(step)).backward()
        optimiser.step()
    assert mean_worth(0) > 1.5 * before


def test_compared_with_each_other_samples_gain_nothing_together(
    described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gains are x_i - mean of the others = n / (n - 1) * (x_i - mean), whose sum is 0."""
    stage = CaptionStage("reward", task="reward", samples=4, baseline="others", dropout=False, keep="last")
    loss_of = Reward(stage, described, speller(), Decoding(steps=5))
    gains: list[Tensor] = []
    worths: list[Tensor] = []
    worth = loss_of.worth
    monkeypatch.setattr(loss_of, "worth", lambda *a: worths.append(worth(*a)) or worths[-1])
    monkeypatch.setattr("hark.train.caption_steps.scst", lambda _l, _t, gain, end: gains.append(gain) or gain.sum())
    made = network(speller().size, dropout=0.5)
    for _ in range(2):  # the same without dropout, whatever the global generator says
        loss_of(made, [(0, 0), (2, 0)], 0, torch.Generator().manual_seed(0))
    (found,) = worths[:1]
    wanted = 4 / 3 * (found - found.mean(dim=1, keepdim=True))
    torch.testing.assert_close(gains[0].reshape(2, 4), wanted)
    assert torch.equal(gains[0], gains[1])


def test_spider_is_asked_for_and_found(sounds: Path, tmp_path: Path) -> None:
    """With a way to measure SPICE the stage goes by the mean of both; without, by CIDEr-D, and says so."""
    changes = (
        "stages.words.metric=spider",
        "stages.words.epochs=1",
        "stages.words.valid_epochs=1",
        "stages.reward.steps=1",
    )
    small = small_captioner.recipe(sounds, changes=(*changes, "stages.reward.epochs=none"))
    for spice, by in ((None, "cider_d"), (lambda said, references: float(len(said[0]) > 0), "spider")):
        out = tmp_path / by
        found = [event.validation for event in run(small, data=out, out=out, spice=spice) if event.validation]
        told = json.loads((out / "provenance.json").read_text())["stages"]["words"]
        assert told["chosen_by"] == by
        assert ("instead_of" in told) == (spice is None)
        wanted = found[0].cider_d if spice is None else (found[0].cider_d + found[0].spice) / 2
        assert found[0].value("spider") == pytest.approx(wanted)


def test_an_epoch_visits_everything_once(described: Described) -> None:
    visits = described.visits(CaptionStage("words", keep="last"))
    assert visits == [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)]
    assert described.visits(CaptionStage("words", visit="clips", keep="last")) == [(0, 0), (1, 0), (2, 0)]
    order = Order(visits, batch=2, seed=0)
    assert order.steps_per_epoch == 3
    for epoch in range(3):
        seen = [visit for at in range(3) for visit in order[epoch * 3 + at]]
        assert sorted(seen) == visits
    assert [order[at] for at in range(3)] != [order[3 + at] for at in range(3)]


def test_rate_of_the_report() -> None:
    """Up to 5e-4 in 3,000 steps, then down to 5e-7 by the same factor in each (Xu et al. 2022, section 3)."""
    stage = CaptionStage("words", warmup=3000, steps=8600, schedule={"name": "exponential"}, keep="last").learning()
    rate = Rate(stage)
    assert rate(1499) == pytest.approx(2.5e-4)
    assert rate(2999) == rate(3000) == pytest.approx(5e-4)
    assert rate(3000 + 2800) == pytest.approx((5e-4 * 5e-7) ** 0.5)
    assert rate(8600) == pytest.approx(5e-7)


def test_clips_are_heard_once(
    sounds: Path, trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path))
    small = small_captioner.recipe(sounds)
    made = [Clip(p.stem, p) for p in sorted((sounds / "learnt").glob("*.flac"))]
    ears = Ears.of(small.ears)
    first = Features(ears)
    keys = first.hear(made)
    np.testing.assert_allclose(first[keys[1]], ears.hear(made[1].path), atol=1e-6)
    again = Features(Ears.of(small.ears))
    monkeypatch.setattr(Ears, "hear", lambda *_: pytest.fail("heard again"))
    assert again.hear(made) == keys
    np.testing.assert_array_equal(again[keys[0]], first[keys[0]])


@pytest.mark.parametrize("decoder", ["transformer", "gru"])
def test_a_run_learns_and_writes_what_it_is(trained: dict[str, Path], decoder: str) -> None:
    out = trained[decoder]
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    words = [line["loss"] for line in history if line["stage"] == "words"]
    assert np.mean(words[-7:]) < np.mean(words[:7]) - 0.15
    results = json.loads((out / "results.json").read_text())
    assert set(results) == {"words", "reward"}
    assert results["words"]["cider_d"] == max(line["cider_d"] for line in history if "cider_d" in line)
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["stages"]["words"]["corpora"]["clips"] == 6
    assert provenance["stages"]["words"]["chosen_by"] == "cider_d"
    made = load(str(out))
    assert made.ears.stamp == provenance["ears"]["stamp"]


@pytest.mark.parametrize("cuts", [(7, 3), (27, 1, 3)])
def test_a_run_that_was_stopped_ends_the_same(
    cuts: tuple[int, ...], sounds: Path, trained: dict[str, Path], tmp_path: Path
) -> None:
    whole, recipe = trained["transformer"], small_captioner.recipe(sounds)
    for cut in cuts:
        small_captioner.train(recipe, tmp_path, stop_after=cut)
    small_captioner.train(recipe, tmp_path)
    for name in ("history.jsonl", "results.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name
    assert small_captioner.train(recipe, tmp_path) == 0
    assert (tmp_path / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_run_that_was_killed_ends_the_same(sounds: Path, trained: dict[str, Path], tmp_path: Path) -> None:
    small_captioner.recipe(sounds)
    script = (
        "import sys; from pathlib import Path; import small_captioner as s; "
        "s.train(s.recipe(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(sounds), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(small_captioner.__file__).parent), "OMP_NUM_THREADS": "1"}
    history = tmp_path / "history.jsonl"
    for lines in (2, 9, 20, 31):
        process = subprocess.Popen(command, env=environment)
        while process.poll() is None and (not history.is_file() or len(history.read_bytes().splitlines()) < lines):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True)
    for name in ("history.jsonl", "results.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained["transformer"] / name).read_bytes(), name


def test_another_recipe_is_not_gone_on_with(sounds: Path, tmp_path: Path) -> None:
    small_captioner.train(small_captioner.recipe(sounds), tmp_path, stop_after=1)
    other = small_captioner.recipe(sounds, changes=("stages.0.seed=3",))
    with pytest.raises(WeightsError, match="another recipe"):
        small_captioner.train(other, tmp_path)


def test_afresh_is_what_a_stage_asks(described: Described) -> None:
    """The network that trains on whole captions says the same word by word."""
    made = network(speller().size).eval()
    frames, lengths = described.frames([0, 1, 2])

    def ask(clip: Tensor, words: Tensor) -> Tensor:
        given = torch.cat([torch.full((len(clip), 1), speller().start), words], dim=1)
        return made(frames[clip], lengths[clip], given)[:, -1].log_softmax(dim=-1)

    with torch.no_grad():
        cached = greedy(made.stepper(made.memory(frames, lengths)), stop=2, steps=6)
        assert cached.lists() == greedy(Afresh(ask, 3), stop=2, steps=6).lists()
