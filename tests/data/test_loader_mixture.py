"""Mixed batches: who is in them and how often, what is cut and said, and that nothing depends on workers or ranks."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from hark.audio.window import fit
from hark.core.errors import DataError, SettingError
from hark.data.batches import Batch
from hark.data.loader import load
from hark.data.mixture import Mixture
from hark.data.pcm import Pcm, open_pcm
from hark.data.plan import Plan
from hark.data.positives import says_same
from hark.data.records import Clip
from hark.data.shards.pack import pack
from hark.data.shards.read import Shards
from hark.data.sources import Decoded, InFiles, InShards, Source

RATE_HZ = 8000


def recorded(folder: Path, name: str, lengths: list[int]) -> list[Clip]:
    """Clip i counts up from i * 1000 + 1 in steps of one 16-bit value, so that a stretch tells where it is from."""
    clips = []
    for i, length in enumerate(lengths):
        soundfile.write(folder / f"{name}{i}.flac", (np.arange(length) + 1 + 1000 * i).astype(np.int16), RATE_HZ)
        labels = ("abc"[i % 3],) if name == "few" else ()
        clips.append(Clip(f"{name}{i}", folder / f"{name}{i}.flac", (f"{name} {i}", f"{name.title()} No {i}"), labels))
    return clips


@dataclasses.dataclass(frozen=True)
class Corpora:
    few: list[Clip]
    many: list[Clip]
    shards: Shards  # of many


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    folder = tmp_path_factory.mktemp("sounds")
    few = recorded(folder, "few", [100 + 50 * i for i in range(6)])
    many = recorded(folder, "many", [300 + 10 * i for i in range(20)])
    pack(many, folder / "shards", per_shard=6, rate_hz=None)
    return Corpora(few, many, Shards.open(folder / "shards"))


def mixture(corpora: Corpora, **more: object) -> Mixture:
    sources: list[Source] = [InFiles("few", corpora.few), InShards("many", corpora.shards)]
    settings = {"rate_hz": RATE_HZ, "samples": 250, "size": 4, "seed": 7, "short": "zeros"} | more
    return Mixture(sources, **settings)


def alike(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(Batch))


def test_an_epoch_visits_every_clip_once(corpora: Corpora) -> None:
    made = mixture(corpora, size=13)
    assert made.steps_per_epoch == 2
    for epoch in range(3):
        ids = [name for step in range(2) for name in made[2 * epoch + step].ids]
        assert sorted(ids) == sorted(clip.id for clip in corpora.few + corpora.many)
    assert made[0].ids != made[2].ids


def test_workers_make_the_batches_that_are_made_here(corpora: Corpora) -> None:
    made = mixture(corpora, gain_db=6.0)
    here = [made[step] for step in range(9)]
    for workers in (0, 1, 2):
        assert [alike(one, other) for one, other in zip(load(made, stop=9, workers=workers), here, strict=True)] == [
            True
        ] * 9
        rest = list(load(made, start=5, stop=9, workers=workers))  # goes on with the very next batch
        assert len(rest) == 4
        assert all(map(alike, rest, here[5:]))
    endless = load(made, start=8, workers=2)
    assert alike(next(endless), here[8])
    endless.close()


def test_ranks_part_the_batch_of_one(corpora: Corpora) -> None:
    whole = mixture(corpora, size=6, captions="all", gain_db=3.0)
    parts = [mixture(corpora, size=6, captions="all", gain_db=3.0, rank=r, ranks=2) for r in range(2)]
    for step in range(8):
        one = whole[step]
        halves = [part[step] for part in parts]
        assert one.ids == halves[0].ids + halves[1].ids
        assert one.texts == halves[0].texts + halves[1].texts
        assert one.groups == halves[0].groups + halves[1].groups
        assert np.array_equal(one.waves, np.concatenate([half.waves for half in halves]))
    for wrong in ({"rank": 2, "ranks": 2}, {"ranks": 3, "size": 4}):
        with pytest.raises(SettingError, match="the batch must be parted evenly"):
            mixture(corpora, **wrong)


def test_what_is_cut_is_a_stretch_from_anywhere(corpora: Corpora) -> None:
    made = mixture(corpora, size=26)
    starts = []
    for step in range(60):
        batch = made[step]
        assert batch.waves.shape == (26, 250)
        for name, wave in zip(batch.ids, batch.waves, strict=True):
            if name == "many19":  # 490 samples
                values = np.rint(wave * 32768)
                assert np.all(np.diff(values) == 1)
                starts.append(int(values[0]) - 1 - 19000)
            if name == "few0":  # 100 samples
                assert np.array_equal(np.rint(wave * 32768), [*range(1, 101), *[0] * 150])
    assert len(starts) == 60
    assert 0 <= min(starts) < 40
    assert 200 < max(starts) <= 240


@pytest.mark.parametrize("short", ["repeat", "repeat-whole", "zeros"])
def test_what_is_short_is_filled_as_the_window_is(corpora: Corpora, short: str) -> None:
    batch = mixture(corpora, size=26, short=short)[0]
    wave = batch.waves[batch.ids.index("few0")]
    told, _ = soundfile.read(corpora.few[0].path, dtype="float32")
    assert np.array_equal(wave, fit(told, 250, short=short))
    assert batch.lengths == ()


def test_what_is_kept_short_tells_its_length(corpora: Corpora) -> None:
    made = mixture(corpora, size=2, short="keep", samples=400, bucket=6)
    for step in range(made.steps_per_epoch):
        batch = made[step]
        for name, length, wave in zip(batch.ids, batch.lengths, batch.waves, strict=True):
            kind, number = name[:3], int(name.lstrip("fewmany"))
            assert length == min(400, 100 + 50 * number if kind == "few" else 300 + 10 * number)
            assert np.all(wave[:length] > 0)
            assert not wave[length:].any()
        assert batch.waves.shape == (2, max(batch.lengths))


def test_batches_of_one_corpus(corpora: Corpora) -> None:
    made = mixture(corpora, size=3, one_corpus=True)
    assert made.steps_per_epoch == 2 + 6
    seen: Counter[str] = Counter()
    for step in range(made.steps_per_epoch):
        batch = made[step]
        assert len(set(batch.corpora)) == 1
        assert len(set(batch.ids)) == 3
        seen.update(batch.ids)
    assert set(seen.values()) == {1}
    assert len(seen) == 6 + 18
    with pytest.raises(DataError, match="6 clips for a batch of 7; add clips or lower the batch"):
        mixture(corpora, size=7, one_corpus=True)


@given(
    counts=st.lists(st.integers(4, 30), min_size=1, max_size=4),
    data=st.data(),
    one=st.booleans(),
    bucket=st.sampled_from([0, 2]),
    size=st.integers(1, 4),
)
def test_weights_are_kept_and_rounds_are_whole(
    counts: list[int], data: st.DataObject, one: bool, bucket: int, size: int
) -> None:
    weights = data.draw(st.lists(st.floats(0.01, 10), min_size=len(counts), max_size=len(counts)))
    lengths = [np.arange(float(count)) for count in counts]
    plan = Plan(counts, size, 3, weights, one, bucket, lengths)
    epochs = [plan.epoch(number) for number in range(4)]
    drawn: list[Counter[int]] = [Counter() for _ in counts]
    for corpora, clips in epochs:
        assert corpora.shape == clips.shape == (plan.steps_per_epoch, size)
        if one:
            assert np.all(corpora == corpora[:, :1])
        for corpus, clip in zip(corpora.ravel(), clips.ravel(), strict=True):
            drawn[corpus][int(clip)] += 1
        unit = size if one else 1
        for corpus, weight in enumerate(weights):
            wanted = weight / sum(weights) * (plan.steps_per_epoch if one else sum(counts))
            dropped = 0 if one else sum(counts) % size
            got = np.count_nonzero(corpora == corpus) / unit
            most = max(wanted + 1, 1)
            least = min(wanted - 1, plan.steps_per_epoch) - dropped - len(counts)
            assert least <= got <= most
    for corpus, count in enumerate(counts):
        assert all(0 <= clip < count for clip in drawn[corpus])
    again = Plan(counts, size, 3, weights, one, bucket, lengths).epoch(2)
    assert all(np.array_equal(a, b) for a, b in zip(again, epochs[2], strict=True))


def test_a_corpus_with_little_weight_takes_several_epochs(corpora: Corpora) -> None:
    made = mixture(corpora, size=2, weights=(3.0, 1.0))
    epochs = [[made[13 * epoch + step] for step in range(13)] for epoch in range(4)]
    names = [Counter(name for batch in epoch for name in batch.ids) for epoch in epochs]
    few = [sum(times for name, times in seen.items() if name.startswith("few")) for seen in names]
    assert all(count in (19, 20) for count in few)  # 3 / 4 of 26
    rounds = sum(names, Counter())
    assert {rounds[f"few{i}"] for i in range(6)} <= {12, 13, 14}  # 78 of 6 clips, but what fills no batch is left out
    assert max(rounds[f"many{i}"] for i in range(20)) <= 2  # 26 of 20
    for wrong in ((1.0,), (1.0, 0.0), (1.0, float("nan"))):
        with pytest.raises(SettingError, match="give a number above 0 for each of 2"):
            mixture(corpora, weights=wrong)


def test_buckets_put_like_lengths_together() -> None:
    lengths = [np.random.default_rng(0).uniform(1, 30, 400)]
    plain, sorted_in = (Plan([400], 8, 1, bucket=bucket, lengths=lengths).epoch(0)[1] for bucket in (0, 10))
    assert sorted(plain.ravel()) == sorted(sorted_in.ravel())
    for at in range(0, 50, 10):  # the same clips, ten batches at a time
        assert sorted(plain[at : at + 10].ravel()) == sorted(sorted_in[at : at + 10].ravel())
    padding = [np.mean(made.max(axis=1, keepdims=True) - made) for made in (lengths[0][plain], lengths[0][sorted_in])]
    assert padding[1] < padding[0] / 4
    means = lengths[0][sorted_in].mean(axis=1)
    assert np.any(np.diff(means) < 0)  # not from short to long
    assert np.any(np.diff(means) > 0)


def test_one_caption_at_random_or_all_of_them(corpora: Corpora) -> None:
    made = mixture(corpora, size=26)
    said: Counter[str] = Counter()
    for step in range(40):
        batch = made[step]
        assert batch.owners == ()
        for name, text in zip(batch.ids, batch.texts, strict=True):
            assert text.lower().replace("no ", "").replace(" ", "") == name
            said[text] += 1
    assert len(said) == 52
    assert 300 < sum(times for text, times in said.items() if "No" in text) < 740  # of 1040
    batch = mixture(corpora, size=26, captions="all")[0]
    assert len(batch.texts) == 52
    assert batch.owners == tuple(np.repeat(np.arange(26), 2))
    assert batch.same.shape == (26, 52)
    for row, name in enumerate(batch.ids):
        for column, owner in enumerate(batch.owners):
            other = batch.ids[owner]
            same_label = name.startswith("few") and other.startswith("few") and int(name[3:]) % 3 == int(other[3:]) % 3
            assert batch.same[row, column] == (name == other or same_label)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from("xXyz"), min_size=1, max_size=3)), min_size=1)
)
def test_what_says_the_same(rows: list[tuple[str, list[str]]]) -> None:
    same = says_same([group for group, _ in rows], [texts for _, texts in rows])
    wanted = [
        [group == other or text.lower() in [t.lower() for t in own] for other, texts in rows for text in texts]
        for group, own in rows
    ]
    assert np.array_equal(same, np.array(wanted, dtype=np.float32))


def test_shards_files_and_decoded_clips_sound_the_same(
    corpora: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path))
    by_id = {clip.id: clip for clip in corpora.many}
    clips = [by_id[corpora.shards[i].clip.id] for i in range(20)]  # in the shards' order
    say = ("{caption}",)
    sources = [
        InShards("many", corpora.shards),
        InFiles("many", clips, say),
        Decoded("many", open_pcm(clips, RATE_HZ), clips, RATE_HZ, say),
    ]
    for source in sources:
        assert len(source) == 20
        assert np.allclose(source.seconds, sources[0].seconds)
    made = [Mixture([source], RATE_HZ, 310, 5, 1, gain_db=6.0) for source in sources]
    for step in range(8):
        batches = [m[step] for m in made]
        assert alike(batches[0], batches[1])
        assert alike(batches[0], batches[2])


def test_a_stretch_of_a_file_is_never_left(corpora: Corpora) -> None:
    path = corpora.many[0].path  # counts from 1 to 300
    source = InFiles("part", [Clip("p", path, ("a part",), start_s=0.0125, duration_s=0.01)])
    assert source.seconds.tolist() == [0.01]
    for samples, seed in ((50, 0), (50, 1), (100, 2)):
        heard = source.hear(0, rate_hz=RATE_HZ, samples=samples, rng=np.random.default_rng(seed))
        values = np.rint(heard.wave * 32768)
        assert len(values) == min(samples, 80)
        assert values.min() >= 101
        assert values.max() <= 180


def test_a_change_is_made_in_the_workers(corpora: Corpora) -> None:
    plain, changed = mixture(corpora), mixture(corpora, change=negated)
    for one, other in zip(load(plain, stop=3, workers=0), load(changed, stop=3, workers=1), strict=True):
        assert np.array_equal(one.waves, -other.waves)
    louder = mixture(corpora, gain_db=6.0)
    for step in range(5):
        ratio = louder[step].waves[:, 0] / plain[step].waves[:, 0]
        assert np.all(np.abs(20 * np.log10(ratio)) <= 6.001)
        assert len(set(ratio)) == 4


def negated(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return -wave


def test_mistakes_name_the_clip(corpora: Corpora, tmp_path: Path) -> None:
    unsaid = Mixture([InFiles("few", corpora.few, ("{title}",))], RATE_HZ, 250, 2, 0)
    with pytest.raises(DataError, match=r"few: nothing can be said of clip 'few\d'; give a template that fits it"):
        unsaid[0]
    gone = [dataclasses.replace(clip, path=tmp_path / "gone.flac") for clip in corpora.few]
    for workers in (0, 1):
        with pytest.raises(DataError, match=r"^clip 'few\d': gone\.flac: no such file"):
            next(load(Mixture([InFiles("few", gone)], RATE_HZ, 250, 2, 0), workers=workers))
    with pytest.raises(DataError, match="6 clips for a batch of 9"):
        Mixture([InFiles("few", corpora.few)], RATE_HZ, 250, 9, 0)
    with pytest.raises(DataError, match="a corpus of the mixture has no clips"):
        Mixture([InFiles("few", corpora.few), InFiles("none", [])], RATE_HZ, 250, 2, 0)


@pytest.mark.parametrize(
    ("positives", "wanted"),
    [
        ("labels", [[1, 1, 1], [1, 1, 0], [1, 0, 1]]),
        ("sentences", [[1, 0, 1], [0, 1, 0], [1, 0, 1]]),
        ("own", np.eye(3).tolist()),
    ],
)
def test_what_counts_as_true_of_another_clip(positives, wanted):
    """Two barking dogs with words of their own, and a wolf of which the first one's words are said."""
    said = {"a": ("Dog A",), "b": ("dog b",), "c": ("dog a",)}
    clips = [Clip(name, Path(f"{name}.wav"), said[name], labels=() if name == "c" else ("dog",)) for name in said]
    pcm = Pcm(np.zeros(30, np.int16), np.array([0, 10, 20, 30]))
    source = Decoded("dogs", pcm, clips, 10)
    mixture = Mixture([source], rate_hz=10, samples=10, size=3, seed=0, positives=positives)
    batch = mixture[0]
    order = [batch.ids.index(name) for name in said]
    assert batch.same[np.ix_(order, order)].tolist() == wanted
    assert batch.positives == positives
