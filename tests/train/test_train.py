"""Training: interrupted equals uninterrupted, frozen stays, the loss falls, and mistakes are one line."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hark import recipe as recipes
from hark.core.errors import DataError, SettingError, WeightsError
from hark.data import exclude
from hark.data.batches import Batches
from hark.data.exclusion_lists import Line
from hark.models import weights
from hark.recipe import Recipe
from hark.runtime.load import load
from hark.train.optim import Rate
from hark.train.run import Event, run

RECIPE = """
about = "For tests."
dim = 16
[audio]
rate_hz = 16000
window_s = 0.5
features = {{ name = "logmel", n_fft = 256, hop = 256, mels = 16 }}
encoder = {{ name = "mobilenet", width = 0.25 }}
head = {{ name = "mlp", dropout = 0.2 }}
[text]
encoder = {{ name = "static", vocabulary = 120, width = 8, hidden = 16, dim = 16 }}
head = {{ name = "linear" }}
[[stages]]
name = "sounds"
steps = {steps}
batch = 12
warmup = 2
mix = 0.5
mask_frames = 4
mask_mels = 2
average = 0.9
valid_every = 4
{more}
[[stages.corpora]]
corpus = {{ name = "synth", path = "", clips = 24, seed = 1, duration_s = 0.6, kinds = {kinds} }}
[[stages.valid]]
corpus = {{ name = "synth", path = "", clips = 18, seed = 2, duration_s = 0.6, kinds = {kinds} }}
say = ["{{label}}"]
"""


KINDS = '["siren", "rain", "church bell", "crickets", "door knock", "airplane"]'


def small(*, steps: int = 9, more: str = "") -> Recipe:
    return recipes.parse(RECIPE.format(steps=steps, more=more, kinds=KINDS), name="small")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path_factory.getbasetemp() / "train-cache"))


def train(recipe: Recipe, out: Path, *, until: int | None = None, save_every_s: float = 0.0) -> list[Event]:
    events = []
    for event in run(recipe, data=Path(), out=out, save_every_s=save_every_s):
        events.append(event)
        if event.step.step == until:
            break  # the process is stopped here, as far as the folder can tell
    return events


@pytest.mark.parametrize("stop", [0, 3, 6])
def test_interrupted_equals_uninterrupted(tmp_path: Path, stop: int) -> None:
    whole = train(small(), tmp_path / "whole")
    train(small(), tmp_path / "parts", until=stop)
    rest = train(small(), tmp_path / "parts")
    assert [event.step for event in rest] == [event.step for event in whole][-len(rest) :]
    assert len(rest) < len(whole) or stop == 0
    assert (tmp_path / "whole/model.safetensors").read_bytes() == (tmp_path / "parts/model.safetensors").read_bytes()
    histories = [(tmp_path / name / "history.jsonl").read_text() for name in ("whole", "parts")]
    assert histories[0] == histories[1]
    assert train(small(), tmp_path / "whole") == []  # and a finished run has nothing left to do


def test_steps_after_the_last_save_are_taken_again(tmp_path: Path) -> None:
    train(small(), tmp_path, until=6, save_every_s=1e9)  # saved by the validation after step 3 alone
    rest = train(small(), tmp_path)
    assert [event.step.step for event in rest] == [4, 5, 6, 7, 8]
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(9))


def test_the_loss_falls_below_chance(tmp_path: Path) -> None:
    events = train(small(steps=80), tmp_path)
    first, last = (np.mean([event.step.loss for event in part]) for part in (events[:5], events[-5:]))
    assert last < 0.8 * first
    validations = [event.validation for event in events if event.validation is not None]
    assert max(v.map_at_10 for v in validations) > 1.4 * validations[0].chance
    assert len(load(str(tmp_path)).embed_text(["rain"])) == 1
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(80))


def test_what_is_frozen_stays(tmp_path: Path) -> None:
    recipe = small(more='freeze = ["text_encoder"]\nalike = 0.9\nstray = 0.5')
    train(recipe, tmp_path)
    torch.manual_seed(0)
    kept = torch.load(tmp_path / "state.pt", weights_only=True)["towers"]
    average = load(str(tmp_path)).towers.state_dict()
    for name, tensor in kept.items():
        if name.startswith("text_encoder."):  # the average of what never moved, to half precision
            torch.testing.assert_close(tensor, average[name], atol=1e-3, rtol=1e-3)
    assert not torch.equal(kept["text_head.weight"].half().float(), average["text_head.weight"])


def test_the_rate_warms_up_and_follows_the_cosine() -> None:
    stage = small(steps=100, more="lr = 2e-3").stages[0]
    rates = np.array([Rate(stage)(step) for step in range(100)])
    assert rates[:2] == pytest.approx([1e-3, 2e-3])
    np.testing.assert_allclose(rates[2:], 2e-3 * np.cos(np.pi / 2 * np.arange(98) / 98) ** 2, rtol=1e-9)


def test_another_recipes_run_is_not_gone_on_with(tmp_path: Path) -> None:
    train(small(), tmp_path, until=0)
    with pytest.raises(WeightsError, match=r"holds a training of another recipe; choose another folder with --out"):
        train(small(steps=10), tmp_path)


def test_a_damaged_state_is_one_line(tmp_path: Path) -> None:
    train(small(), tmp_path, until=0)
    (tmp_path / "state.pt").write_bytes((tmp_path / "state.pt").read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"state.pt: cannot be read as a training's state .*; delete it to begin"):
        train(small(), tmp_path)


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ("alike = 0.9", SettingError, r"small.toml: stage 'sounds': alike: compares with a frozen text encoder"),
        ('freeze = ["text_encodr"]', SettingError, r"freeze: no part 'text_encodr'; did you mean 'text_encoder'\?"),
        ("seed = 0\nbtch = 3", SettingError, r"small.toml: stages\[0\].btch: unknown setting; did you mean 'batch'\?"),
        ("lr = -1.0", SettingError, r"small.toml: stages\[0\]: lr is -1.0; it must be above 0"),
        ('loss = { name = "infonse" }', SettingError, r"no 'infonse' among losses; did you mean 'infonce'\?"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, more: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(small(more=more), tmp_path)


def test_too_few_clips_for_a_batch(tmp_path: Path) -> None:
    recipe = recipes.parse(
        RECIPE.format(steps=1, more="", kinds=KINDS).replace("batch = 12", "batch = 25"), name="small"
    )
    with pytest.raises(DataError, match="24 clips for a batch of 25; add clips or lower the stage's batch"):
        train(recipe, tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    train(small(), tmp_path, until=4)
    model = tmp_path / "model.safetensors"
    from hark.models import weights

    saved = weights.open_file(model)
    wider = weights.Saved(
        saved.tensors, saved.recipe_name, saved.recipe.replace("dim = 16", "dim = 17", 1), saved.assets, {}
    )
    weights.save(tmp_path / "wider.safetensors", wider)
    with pytest.raises(
        WeightsError, match=r"wider.safetensors: tensor 'audio_head.0.weight' is \(16, .*\), the recipe wants \(17, "
    ):
        load(str(tmp_path / "wider.safetensors"))
    tensors = dict(saved.tensors)
    del tensors["log_scale"]
    weights.save(tmp_path / "less.safetensors", weights.Saved(tensors, "small", saved.recipe, saved.assets, {}))
    with pytest.raises(WeightsError, match=r"less.safetensors: tensor 'log_scale' is missing"):
        load(str(tmp_path / "less.safetensors"))
    weights.save(
        tmp_path / "more.safetensors",
        weights.Saved({**saved.tensors, "x": torch.zeros(1)}, "small", saved.recipe, saved.assets, {}),
    )
    with pytest.raises(WeightsError, match=r"more.safetensors: tensor 'x' has no place in the recipe"):
        load(str(tmp_path / "more.safetensors"))
    shutil.copy(model, tmp_path / "cut.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:500])
    with pytest.raises(WeightsError, match=r"cut.safetensors: cannot be read as a model"):
        load(str(tmp_path / "cut.safetensors"))


def two_stages(more: str) -> Recipe:
    frozen = 'freeze = ["audio_encoder", "audio_head", "text_encoder", "text_head"]'
    first, second = small(steps=28, more=f"seed = 1\n{more}").source, small(steps=1, more=frozen).source
    stage = second[second.index("[[stages]]") :].replace('name = "sounds"', 'name = "more"')
    return recipes.parse(f"{first}\n{stage}", name="two")


@pytest.mark.parametrize("more", ["", 'onward = "best"'])
def test_the_next_stage_begins_with_the_last_or_the_best_weights(tmp_path: Path, more: str) -> None:
    events = train(two_stages(more), tmp_path / "two")
    found = [event.validation.map_at_10 for event in events if event.validation is not None]
    *first, second = found
    assert max(first) > first[-1]
    # The second stage takes one step in which nothing but the temperature learns: it is validated as it began.
    assert second == (max(first) if more else first[-1])


@pytest.mark.parametrize("onward", ["last", "best"])
def test_where_the_best_are_averaged_the_next_stage_begins_as_it_says(tmp_path: Path, onward: str) -> None:
    last: dict[str, torch.Tensor] = {}
    for event in run(two_stages(f'best = 3\nonward = "{onward}"'), data=tmp_path, out=tmp_path / "two"):
        if event.stage == "sounds" and event.step.step + 1 == event.steps:
            last = torch.load(tmp_path / "two" / "state.pt", weights_only=True)["average"]
    files = [load_file(path) for path in (tmp_path / "two" / "best" / "sounds").glob("*.safetensors")]
    assert len(files) == 3
    averaged = {name: torch.stack([one[name].double() for one in files]).mean(dim=0) for name in files[0]}
    wanted, other = (last, averaged) if onward == "last" else (averaged, last)
    # In the second stage nothing but the temperature learns; files hold 16 bits.
    found = weights.open_file(tmp_path / "two" / "model.safetensors").tensors["text_encoder.table.weight"].float()
    torch.testing.assert_close(found, wanted["text_encoder.table.weight"].float(), rtol=1e-3, atol=1e-6)
    assert not torch.allclose(found, other["text_encoder.table.weight"].float(), rtol=1e-3, atol=1e-4)


def test_several_best_weights_may_stay_models_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "members"
    train(small(steps=12, more="best = 2\nmembers = true"), out)
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert sum("map_at_10" in line for line in lines) == 3
    members = [load(str(out / name)) for name in ("member-1", "member-2")]
    assert len({member.stamp for member in members}) == 2
    assert not (out / "member-3").exists()


def test_excluded_clips_are_not_trained_on(tmp_path: Path) -> None:
    from hark.train.data import open_batches, open_corpus

    recipe = small()
    ids = [clip.id for clip in open_corpus(recipe.stages[0].corpora[0], data=tmp_path, where="test")]
    written = tmp_path / "leave_out.txt"
    exclude.write(written, [Line(exclude.clip_token("synth", one), "in a test set") for one in ids[:5]])
    stage = small(more='exclude = ["leave_out.txt"]').stages[0]
    kept = open_batches(recipe, stage, data=tmp_path)
    whole = open_batches(recipe, recipe.stages[0], data=tmp_path)
    assert isinstance(kept, Batches)
    assert isinstance(whole, Batches)
    assert len(whole.order) - len(kept.order) == 5


def test_all_that_is_said_of_a_clip_is_right_for_it(tmp_path: Path) -> None:
    from hark.losses.infonce import infonce
    from hark.train.data import open_batches
    from hark.train.joint import Embed, joint
    from hark.train.needs import Loss

    recipe = small(more='captions = "all"')
    assert len(train(recipe, tmp_path)) == 9
    stage = dataclasses.replace(recipe.stages[0], mix=0.0)
    batch = open_batches(recipe, stage, data=tmp_path)[0]
    assert len(batch.texts) > 2 * len(batch.waves)
    towers = load(str(tmp_path)).towers
    made = joint(Embed(towers, stage), towers, batch, stage, Loss(stage), step=0)
    vectors = made.vectors()
    right = torch.zeros(len(batch.waves), len(batch.texts))
    for row, group in enumerate(batch.groups):
        own = {text.casefold() for owner, text in zip(batch.owners, batch.texts, strict=True) if owner == row}
        for column, (owner, text) in enumerate(zip(batch.owners, batch.texts, strict=True)):
            right[row, column] = float(batch.groups[owner] == group or text.casefold() in own)
    wanted = infonce(vectors["audio"], vectors["text"], right, vectors["scale"])
    torch.testing.assert_close(made.loss(vectors), wanted)


def test_batches_of_clips_alike_in_length_have_less_silence(tmp_path: Path) -> None:
    from hark.recipe import CorpusSpec
    from hark.train.data import open_batches

    synth = {"name": "synth", "clips": 24}
    lengths = [CorpusSpec({**synth, "seed": n, "duration_s": s}) for n, s in enumerate((0.3, 0.45))]
    stage = dataclasses.replace(small().stages[0], short="keep", corpora=tuple(lengths))
    silence = []
    for bucket in (0, 4):
        batches = open_batches(small(), dataclasses.replace(stage, bucket=bucket), data=tmp_path)
        epoch = [batches[step] for step in range(4)]
        assert sorted((c, i) for b in epoch for c, i in zip(b.corpora, b.ids, strict=True)) == sorted(
            (f"{n}:synth", f"{i:05d}") for n in range(2) for i in range(24)
        )
        silence.append(sum(b.waves.size - sum(b.lengths) for b in epoch))
    assert silence[1] == 0 < silence[0]
    with pytest.raises(
        SettingError, match='bucket: every sound fills its window; give short = "keep", or leave bucket'
    ):
        small(more="bucket = 4")


def test_a_loss_of_pairs_takes_one_sentence_of_a_clip(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="loss 'triplet' is of pairs, one sentence a sound; give captions = \"one\""):
        train(small(more='captions = "all"\nloss = { name = "triplet" }'), tmp_path)
