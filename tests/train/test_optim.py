"""Learning rates against closed forms and torch's own schedulers; parameter groups; the best weights' average."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from hark.core.errors import SettingError
from hark.recipe import Stage
from hark.recipe.stage import GroupSpec
from hark.train.best import Best
from hark.train.optim import Rate, optimiser
from hark.train.state import State


class Small(nn.Module):
    """Two parts and a number."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
        self.head = nn.Linear(4, 2)
        self.log_scale = nn.Parameter(torch.tensor(0.0))


def test_plateau_is_torchs() -> None:
    stage = Stage(name="s", lr=0.5, warmup=0, schedule={"name": "plateau", "factor": 0.5, "patience": 3})
    values = [0.1, 0.2, 0.2, 0.15, 0.1, 0.3, 0.3, 0.2, 0.1, 0.05, 0.0, 0.01, 0.02, 0.4, 0.1, 0.1, 0.1, 0.1]
    theirs_of = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    # torch waits for one bad validation more than its patience
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        theirs_of, mode="max", factor=0.5, patience=2, threshold=0.0, threshold_mode="abs"
    )
    rate = Rate(stage)
    for n, value in enumerate(values, start=1):
        plateau.step(value)
        assert rate(10 * n, values[:n]) == pytest.approx(theirs_of.param_groups[0]["lr"])


def test_exponential_ends_at_its_share_and_falls_evenly() -> None:
    stage = Stage(name="s", lr=5e-4, steps=110, warmup=10, schedule={"name": "exponential", "last": 1e-3})
    rate = Rate(stage)
    rates = [rate(step) for step in range(9, 111)]
    assert rates[-1] == pytest.approx(5e-7)
    shares = [after / before for before, after in itertools.pairwise(rates[1:])]
    assert shares == pytest.approx([10**-0.03] * len(shares))


def test_a_cosine_may_end_above_zero_and_constant_stays() -> None:
    cosine = Rate(Stage(name="s", lr=1.0, steps=10, warmup=0, schedule={"name": "cosine", "last": 0.1}))
    assert [cosine(0), cosine(5), cosine(10)] == pytest.approx([1.0, 0.55, 0.1])
    constant = Rate(Stage(name="s", lr=0.3, steps=10, warmup=2, schedule={"name": "constant"}))
    assert [constant(step) for step in (0, 1, 2, 9)] == pytest.approx([0.15, 0.3, 0.3, 0.3])


def test_wrong_schedules_are_told() -> None:
    with pytest.raises(SettingError, match="stage 's': schedule: factor is 2"):
        Rate(Stage(name="s", schedule={"name": "plateau", "factor": 2.0}))
    with pytest.raises(SettingError, match="did you mean 'cosine'"):
        Rate(Stage(name="s", schedule={"name": "cosin"}))


def test_groups_learn_at_their_own_rate_and_norms_are_not_decayed() -> None:
    module = Small()
    stage = Stage(name="s", lr=1e-2, weight_decay=0.1, groups=(GroupSpec(("encoder",), 0.5),))
    made = optimiser(module, stage)
    placed = {id(p): group for group in made.param_groups for p in group["params"]}
    told = {name: (placed[id(p)]["share"], placed[id(p)]["weight_decay"]) for name, p in module.named_parameters()}
    assert told == {
        "encoder.0.weight": (0.5, 0.1),
        "encoder.0.bias": (0.5, 0.0),
        "encoder.1.weight": (0.5, 0.0),
        "encoder.1.bias": (0.5, 0.0),
        "head.weight": (1.0, 0.1),
        "head.bias": (1.0, 0.0),
        "log_scale": (1.0, 0.0),
    }
    with pytest.raises(SettingError, match="nothing that learns in encodr; did you mean 'encoder'"):
        optimiser(module, Stage(name="s", groups=(GroupSpec(("encodr",), 0.5),)))


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_optimisers_step_as_torchs(name: str) -> None:
    torch.manual_seed(0)
    ours, theirs = Small(), Small()
    theirs.load_state_dict(ours.state_dict())
    stage = Stage(name="s", lr=1e-2, weight_decay=0.0, optimiser={"name": name, "beta2": 0.9})
    mine = optimiser(ours, stage)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    reference = kind(theirs.parameters(), lr=1e-2, betas=(0.9, 0.9), weight_decay=0.0)
    for module, stepper in ((ours, mine), (theirs, reference)):
        for _ in range(3):
            stepper.zero_grad()
            module.head(module.encoder(torch.ones(2, 3))).square().sum().backward()
            stepper.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_epochs_become_steps() -> None:
    stage = Stage(name="s", epochs=2.5, warmup_epochs=0.5, valid_epochs=0.2).resolved(40)
    assert (stage.steps, stage.warmup, stage.valid_every) == (100, 20, 8)
    assert stage.resolved(7) == stage  # once in steps it stays
    plain = Stage(name="s", steps=9, warmup=3, valid_every=2)
    assert plain.resolved(40) == plain


def test_the_best_are_kept_and_averaged(tmp_path: Path) -> None:
    from hark.recipe import CorpusSpec

    stage = Stage(name="s", best=3, valid=(CorpusSpec(corpus={"name": "synth"}),))
    module = Small()
    state = State(towers=module, optimiser=torch.optim.SGD(module.parameters(), lr=0.1), average=None)  # type: ignore[arg-type]
    best = Best(tmp_path, stage, state)
    offers = [(1, 0.2), (2, 0.5), (3, 0.1), (4, 0.4), (5, 0.5), (6, 0.3)]
    firsts = []
    for step, value in offers:
        state.step = step
        with torch.no_grad():
            module.head.bias.fill_(float(step))
        firsts.append(best.offer(value))
    assert firsts == [True, True, False, False, False, False]
    assert state.kept == [(0.5, 2), (0.5, 5), (0.4, 4)]
    best.forget()
    assert sorted(path.stem for path in (tmp_path / "best" / "s").iterdir()) == ["00000002", "00000004", "00000005"]
    torch.testing.assert_close(best.average(lambda _: 0.0)["head.bias"], torch.full((2,), 11.0 / 3))


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_step_goes_through_memory_once_and_is_torchs(name: str) -> None:
    torch.manual_seed(0)
    ours, theirs = Small(), Small()
    theirs.load_state_dict(ours.state_dict())
    stage = Stage(name="s", optimiser={"name": name, "beta2": 0.98}, lr=1e-2, weight_decay=0.1)
    mine = optimiser(ours, stage)
    plain = optimiser(theirs, stage)
    for group in plain.param_groups:
        group["fused"] = False
    assert all(group["fused"] for group in mine.param_groups)
    for _ in range(5):
        for module, one in ((ours, mine), (theirs, plain)):
            one.zero_grad()
            sum((p**2).sum() for p in module.parameters()).backward()  # type: ignore[union-attr]
            one.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)
