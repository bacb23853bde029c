"""Batches: every clip once an epoch, the same step the same batch, and what says the same is marked."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hark.core.errors import DataError, SettingError
from hark.data.batches import Batches
from hark.data.pcm import open_pcm
from hark.data.records import Clip
from hark.data.sentences import sentences
from hark.data.texts import read_texts


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Clip]:
    """Ten clips of 0.1 to 1 s; clip i holds the constant (i + 1) / 20."""
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    found = []
    for i in range(10):
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, np.full(800 * (i + 1), (i + 1) / 20), 8000, subtype="FLOAT")
        found.append(Clip(id=str(i), path=path, labels=("abc"[i % 3],)))
    return found


def batches(clips: list[Clip], *, size: int = 4, order: list[int] | None = None) -> Batches:
    return Batches(
        sounds=open_pcm(clips, 8000),
        said=[(f"sound {i}", f"Sound {i}") for i in range(len(clips))],
        groups=[clip.labels[0] for clip in clips],
        order=order or list(range(len(clips))),
        samples=4000,
        size=size,
        seed=3,
    )


def test_decoded_once_is_what_soundfile_reads(clips: list[Clip]) -> None:
    pcm = open_pcm(clips, 8000)
    for i, clip in enumerate(clips):
        wanted, _ = soundfile.read(clip.path, dtype="float32")
        np.testing.assert_allclose(pcm.wave(i), wanted, atol=0.5 / 32768)
    again = open_pcm(clips, 8000)
    assert np.array_equal(again.samples, pcm.samples)


def test_a_changed_file_is_decoded_again(clips: list[Clip]) -> None:
    before = open_pcm(clips, 8000).wave(0)
    soundfile.write(clips[0].path, np.full(1600, 0.9), 8000)
    assert len(open_pcm(clips, 8000).wave(0)) == 2 * len(before)


def test_an_epoch_has_every_clip_once(clips: list[Clip]) -> None:
    made = batches(clips, size=5)
    for epoch in range(3):
        texts = [text.lower() for step in range(2) for text in made[2 * epoch + step].texts]
        assert sorted(texts) == sorted(f"sound {i}" for i in range(10))


def test_a_step_can_be_made_again_by_itself(clips: list[Clip]) -> None:
    made, again = batches(clips), batches(clips)
    for step in (7, 0, 3):
        one, other = made[step], again[step]
        assert one.texts == other.texts
        assert np.array_equal(one.waves, other.waves)
    assert not np.array_equal(made[0].waves, made[1].waves)


def test_waves_are_stretches_or_repeats_with_some_gain(clips: list[Clip]) -> None:
    batch = batches(clips)[0]
    assert batch.waves.shape == (4, 4000)
    for text, wave in zip(batch.texts, batch.waves, strict=True):
        assert np.ptp(wave) < 1e-6  # a constant stays one, wherever it is cut and however often repeated
        gain_db = 20 * np.log10(wave[0] / ((int(text.split()[1]) + 1) / 20))
        assert -6.01 <= gain_db <= 6.01


def test_the_same_label_or_the_same_words_say_the_same(clips: list[Clip]) -> None:
    batch = batches(clips, size=10)[0]
    number = [int(text.split()[1]) for text in batch.texts]
    wanted = [[a % 3 == b % 3 for b in number] for a in number]
    assert np.array_equal(batch.same, np.array(wanted, dtype=np.float32))
    twice = batches(clips, size=4, order=[0, 0, 0, 0])[0]
    assert np.all(twice.same == 1.0)


def test_too_few_clips(clips: list[Clip]) -> None:
    with pytest.raises(DataError, match="10 clips for a batch of 11; add clips or lower"):
        batches(clips, size=11)


def test_a_clip_that_cannot_be_read_is_named(clips: list[Clip]) -> None:
    clips[4].path.write_bytes(b"")
    with pytest.raises(DataError, match=r"clip '4': 4\.wav: "):
        open_pcm(clips, 8000)
    clips[4].path.unlink()
    with pytest.raises(DataError, match=r"clip '4': .*4\.wav cannot be read \(No such file"):
        open_pcm(clips, 8000)


def test_templates_say_what_there_is() -> None:
    clip = Clip(
        "1", Path("a.wav"), captions=("A dog.",), labels=("dog_bark", "rain"), extra={"title": "", "place": "Rome"}
    )
    assert sentences(clip, ["{caption}", "the sound of {label}", "{title}", "in {place}", "{label}"]) == (
        "A dog.",
        "the sound of dog bark",
        "the sound of rain",
        "in Rome",
        "dog bark",
        "rain",
    )
    for wrong in ("nothing", "{a} and {b}"):
        with pytest.raises(SettingError, match="must name exactly one of"):
            sentences(clip, [wrong])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "file,caption_1,caption_2,secs\nx.wav,A dog.,Rain_falls  softly,3\ny.wav,A dog.,,4\n"),
        ("a.json", '[{"id": "7", "caption": "A dog."}, {"data": [{"captions": ["Rain falls softly"], "url": "x"}]}]'),
        ("a.jsonl", '{"caption": "A dog."}\n\n{"title": "Rain falls softly", "size": 3}\n'),
        ("a.txt", "A dog.\n\nRain falls softly\nA dog.\n12.5\n"),
    ],
)
def test_sentences_are_found_in_any_table(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert read_texts(tmp_path / name) == ["A dog.", "Rain falls softly"]


@pytest.mark.parametrize(("name", "content"), [("a.csv", "secs\n3\n"), ("a.json", "{"), ("a.txt", "")])
def test_a_table_without_sentences_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=r"a\.\w+: (no sentence in it; a column called|cannot be read as sentences)"):
        read_texts(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read as sentences"):
        read_texts(tmp_path / "nothing.csv")


def test_a_rank_hears_its_own_rows_alone(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    """And they are those of one process, which draws for one row after the other."""
    whole = batches(clips)
    parts = [dataclasses.replace(whole, rank=rank, ranks=2) for rank in range(2)]
    for step in range(4):
        one, halves = whole[step], [part[step] for part in parts]
        assert np.array_equal(one.waves, np.concatenate([half.waves for half in halves]))
        assert one.texts == halves[0].texts + halves[1].texts
        rng = np.random.default_rng([3, 2, step])
        for text, wave in zip(one.texts, one.waves, strict=True):
            sound = whole.sounds.wave(int(text.split()[1]))
            if len(sound) < 4000:
                sound = np.roll(np.resize(sound, 4000), rng.integers(4000))
            gain = np.float32(10 ** (rng.uniform(-6, 6) / 20))
            start = rng.integers(len(sound) - 3999)
            np.testing.assert_allclose(wave, gain * sound[start : start + 4000], rtol=1e-6)
    heard: list[int] = []
    stretch = type(whole.sounds).stretch
    monkeypatch.setattr(type(whole.sounds), "stretch", lambda *a: heard.append(a[1]) or stretch(*a))
    parts[1][0]
    assert len(heard) == 2
