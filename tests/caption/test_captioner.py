"""A captioner in use and on disk: alone as in a batch, loaded as saved, several together, stretch by stretch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_captioner
import torch
from safetensors.torch import load_file

from hark.caption import file
from hark.caption.captioner import Said
from hark.caption.ears import Ears
from hark.caption.spans import Span, merged, spans
from hark.core.errors import SettingError, SilentSound, WeightsError
from hark.models import weights
from hark.models.heard import Heard
from hark.recipe import captioner as captioners
from hark.recipe.captioner import EarsSpec
from hark.runtime.load import load as load_model
from hark.train.caption_run import run


def noises(*seconds: float) -> list[tuple[np.ndarray, int]]:
    draws = np.random.default_rng(0)
    return [(draws.normal(0, 0.1, round(16000 * s)).astype(np.float32), 16000) for s in seconds]


@pytest.mark.parametrize("decoder", ["transformer", "gru"])
def test_alone_as_in_a_batch(trained: dict[str, Path], decoder: str) -> None:
    made = file.load(str(trained[decoder]))
    sounds = noises(0.4, 7.0, 3.0, 1.0)
    together = made.describe(sounds, each=2)
    assert [len(said) for said in together] == [2] * 4
    assert all(said[0].score >= said[1].score for said in together)
    for sound, said in zip(sounds, together, strict=True):
        ((alone, other),) = made.describe([sound], each=2)
        assert (alone.text, other.text) == (said[0].text, said[1].text)
        assert alone.score == pytest.approx(said[0].score, abs=1e-5)


def test_drawn_captions_do_not_depend_on_the_batch(trained: dict[str, Path]) -> None:
    made = file.load(str(trained["gru"]))
    heard = [made.hear(sound) for sound in noises(0.4, 7.0, 3.0)]
    seeds = [torch.Generator().manual_seed(n) for n in range(3)]
    together = made.draw(heard, generator=seeds, each=4).lists()
    alone = made.draw(heard[1:2], generator=torch.Generator().manual_seed(1), each=4).lists()
    assert alone[0] == together[1]


def test_a_captioner_from_a_file_says_what_it_said(trained: dict[str, Path], tmp_path: Path) -> None:
    """Everything is in the file; ears in 16 bits come back as they were."""
    made = file.load(str(trained["transformer"]))
    copy = tmp_path / "alone.safetensors"
    copy.write_bytes((trained["transformer"] / "model.safetensors").read_bytes())
    again = file.load(str(copy))
    assert again.stamp == made.stamp
    assert again.describe(noises(2.0)) == made.describe(noises(2.0))
    for name, tensor in made.ears.tensors.items():
        assert torch.equal(again.ears.tensors[name], tensor), name
    names = load_file(copy).keys()
    assert {name.split(".")[0] for name in names} == {"ears", "voices"}
    assert not any("text" in name for name in names)


def test_an_ensemble_is_one_file_too(trained: dict[str, Path], sounds: Path, tmp_path: Path) -> None:
    """Two decoders together; of each next word the mean of both, seen through the ensemble's own stepper."""
    text = 'about = "Both."\nmembers = [{ recipe = "a" }, { recipe = "b" }]\ndecoding = { beams = 2, steps = 6 }\n'
    recipe = captioners.parse(text, name="both")
    parts = [trained[name] / "model.safetensors" for name in ("transformer", "gru")]
    file.join(recipe, parts, tmp_path / "both.safetensors", made_by={})
    both = file.load(str(tmp_path / "both.safetensors"))
    singles = [file.load(str(part)) for part in parts]
    heard = [both.hear(sound) for sound in noises(0.4, 3.0)]
    with torch.inference_mode():
        each = [single.stepper(heard).first().exp() for single in singles]
        torch.testing.assert_close(both.stepper(heard).first().exp(), (each[0] + each[1]) / 2)
    assert both.stamp not in {single.stamp for single in singles}
    assert len(both.describe(noises(2.0))[0]) == 1


def test_an_ensemble_is_trained_member_by_member(sounds: Path, trained: dict[str, Path], tmp_path: Path) -> None:
    recipe = small_captioner.recipe(sounds, changes=("stages.words.epochs=1", "stages.reward.epochs=1"))
    (tmp_path / "one.toml").write_text(recipe.source)
    one = str(tmp_path / "one.toml")
    text = f"about = 'Two.'\nmembers = [{{ recipe = '{one}' }}, {{ recipe = '{one}', seed = 1 }}]\n"
    system = captioners.parse(text + 'changes = ["stages.words.lr=0.02"]\n', name="two")
    events = list(run(system, data=tmp_path, out=tmp_path / "run"))
    assert list(dict.fromkeys(event.stage for event in events)) == [
        f"member-{n}/{stage}" for n in (1, 2) for stage in ("words", "reward")
    ]
    made = file.load(str(tmp_path / "run"))
    assert [len(made.networks), made.name] == [2, "two"]
    first, second = (network.state_dict()["decoder.embed.weight"] for network in made.networks)
    assert not torch.equal(first, second)
    assert "lr = 0.02" in (tmp_path / "run/member-2/recipe.toml").read_text()


def test_members_must_spell_and_hear_alike(trained: dict[str, Path], tmp_path: Path) -> None:
    recipe = captioners.parse('about = "Both."\nmembers = [{ recipe = "a" }]\n', name="both")
    first = trained["gru"] / "model.safetensors"
    saved = weights.open_file(first)
    for asset, value, wrong in (("words", '["<pad>", "a"]', "other words"), ("ears.stamp", "x", "other ears")):
        other = weights.Saved(saved.tensors, saved.recipe_name, saved.recipe, {**saved.assets, asset: value}, {})
        if asset == "words":  # as many as before, but others
            value = saved.assets["words"].replace("siren", "sirene")
            other = weights.Saved(saved.tensors, saved.recipe_name, saved.recipe, {**saved.assets, asset: value}, {})
        weights.save(tmp_path / "other.safetensors", other)
        with pytest.raises(SettingError, match=wrong):
            file.join(recipe, [first, tmp_path / "other.safetensors"], tmp_path / "no.safetensors", made_by={})


def test_what_is_no_captioner_is_refused() -> None:
    packaged = Path(file.__file__).parent.parent / "recipes/mini.safetensors"
    assert not file.is_captioner(packaged)
    with pytest.raises(WeightsError, match="model for retrieval"):
        file.load(str(packaged))
    with pytest.raises(WeightsError, match="without weights"):
        file.load("sjtu-2022/captioning-gru")
    with pytest.raises(SettingError, match="did you mean 'sjtu-2022/captioning-gru'"):
        file.load("sjtu-2022/captioning-gro")
    with pytest.raises(WeightsError, match="no such file"):
        file.load("nowhere.safetensors")


def test_frames_of_mini_are_what_its_embedding_is_the_mean_of() -> None:
    model = load_model("mini")
    sound = noises(5.0)[0]
    frames = Ears.of(EarsSpec("mini")).hear(sound)
    embedding = Ears.of(EarsSpec("mini", take="embeddings")).hear(sound)
    np.testing.assert_allclose(frames.mean(axis=0), embedding[0], atol=1e-5)
    np.testing.assert_allclose(model.hear(sound).embeddings, embedding, atol=1e-5)
    np.testing.assert_allclose(Ears.of(EarsSpec("mini", take="vector")).hear(sound), model.embed_audio([sound]))


def test_windows_follow_each_other() -> None:
    """Of 12 s three windows of 5 s, the last ending at the end; alone each is heard the same."""
    ears = Ears.of(EarsSpec("mini"))
    wave, rate_hz = noises(12.0)[0]
    frames = ears.hear((wave, rate_hz))
    each = [ears.hear((wave[at * rate_hz : (at + 5) * rate_hz], rate_hz)) for at in (0, 5, 7)]
    np.testing.assert_allclose(frames, np.concatenate(each), atol=1e-5)
    assert frames.shape[1] == ears.dim


def test_ears_with_random_weights_are_those_of_the_seed() -> None:
    ears = [Ears.of(EarsSpec("mini", weights="none", seed=seed)) for seed in (0, 0, 1)]
    heard = [one.hear(noises(1.0)[0]) for one in ears]
    np.testing.assert_array_equal(heard[0], heard[1])
    assert np.abs(heard[0] - heard[2]).max() > 0.1 * np.abs(heard[0]).max()
    assert ears[0].stamp == ears[1].stamp != ears[2].stamp
    theirs = load_model("mini", weights="none").hear(noises(1.0)[0]).embeddings
    np.testing.assert_allclose(heard[0].mean(axis=0), theirs[0], atol=1e-3 * np.abs(theirs).max())


def test_a_tower_without_frames_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ears = Ears.of(EarsSpec("tiny", weights="none"))
    monkeypatch.setattr(ears.model.towers, "hear", lambda wave: Heard(wave))
    with pytest.raises(SettingError, match='take = "embeddings"'):
        ears.hear(noises(1.0)[0])


def test_neighbours_that_say_the_same_are_one_span() -> None:
    rows = [("a dog", -1.0), ("a dog", -2.0), ("rain", -1.0), ("a dog", -3.0), ("a dog", -1.0), ("a dog", -2.0)]
    found = merged([Span(i, i + 1.0, (Said(text, score),)) for i, (text, score) in enumerate(rows)])
    told = [(span.start_s, span.end_s, span.said[0].text, span.said[0].score, span.windows) for span in found]
    assert told == [
        (0, 2.0, "a dog", -1.5, 2),
        (2, 3.0, "rain", -1.0, 1),
        (3, 6.0, "a dog", pytest.approx(-2.0), 3),
    ]


def test_neighbours_of_silence_are_none() -> None:
    same = (Said("a dog", -1.0),)
    apart = [Span(0.0, 1.0, same), Span(2.0, 3.0, same)]
    assert merged(apart) == apart
    others = [Span(0.0, 1.0, same), Span(1.0, 2.0, (*same, Said("rain", -2.0)))]
    assert merged(others) == others


def test_nothing_is_said_of_silence(trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made = file.load(str(trained["gru"]))
    monkeypatch.setattr("hark.caption.spans.merged", lambda found: found)
    ((wave, rate_hz),) = noises(5.5)
    wave[rate_hz : 4 * rate_hz] = 0  # seconds 1 to 4
    found = spans(made, (wave, rate_hz), window_s=1.0)
    assert [(span.start_s, span.end_s) for span in found] == [(0.0, 1.0), (4.0, 5.0), (5.0, 5.5)]
    wave[4 * rate_hz : 5 * rate_hz] = 0
    found = spans(made, (wave, rate_hz), window_s=1.0)  # the last window is heard from 4.5, in the silence
    assert [(span.start_s, span.end_s) for span in found] == [(0.0, 1.0), (5.0, 5.5)]
    with pytest.raises(SilentSound):
        spans(made, (np.zeros_like(wave), rate_hz), window_s=1.0)


def test_spans_cover_a_recording(trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made = file.load(str(trained["gru"]))
    ((wave, rate_hz),) = noises(5.5)
    monkeypatch.setattr("hark.caption.spans.merged", lambda found: found)
    found = spans(made, (wave, rate_hz), window_s=1.0)
    assert [(span.start_s, span.end_s) for span in found] == [(n, n + 1.0) for n in range(5)] + [(5.0, 5.5)]
    for span, start in zip(found, (0.0, 1.0, 2.0, 3.0, 4.0, 4.5), strict=True):
        at = round(start * rate_hz)
        ((alone,),) = made.describe([(wave[at : at + rate_hz], rate_hz)])
        assert span.said[0].text == alone.text
