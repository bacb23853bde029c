"""Training that decodes while it trains: the same batches as with sounds decoded ahead, from files and from shards."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hark import recipe as recipes
from hark.core.errors import SettingError
from hark.data import exclude, manifest
from hark.data.batches import Batch, Batches
from hark.data.exclusion_lists import Line
from hark.data.live import Live
from hark.data.loader import load
from hark.data.mixture import Mixture
from hark.data.records import Clip
from hark.data.shards.pack import pack
from hark.data.shards.read import Shards
from hark.data.sources import InFiles, InShards
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train.data import open_batches
from hark.train.run import run
from hark.train.tag_data import open_tasks

RECIPE = """
about = "For tests."
dim = 8
[audio]
rate_hz = 8000
window_s = 0.25
features = { name = "kaldi_fbank", mels = 16, frames = 24 }
encoder = { name = "ast", frames = 24, frame_stride = 8, width = 16, depth = 1, heads = 2, classes = 0 }
head = { name = "mlp" }
[text]
encoder = { name = "static", vocabulary = 60, width = 8, hidden = 16, dim = 16 }
head = { name = "linear" }
[[stages]]
name = "pairs"
steps = 6
batch = 4
warmup = 1
corpora = [{ corpus = { name = "folder", path = "sounds", table = "manifest.jsonl" } }]
"""
GAIN = 10 ** (6 / 20)  # the most
ROUNDED = GAIN / 32768  # 16 bits, or the last of them where full scale is cut off
RESAMPLED = ROUNDED + GAIN * 1e-4  # what `hark.audio.decode` promises of a stretch


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of 22 clips: at 8 kHz with 16 bits, at 11.025 kHz with 24, too loud ones, and stretches of one file."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    draws = np.random.default_rng(0)
    clips = []
    for i in range(16):
        rate_hz, kind = (8000, "PCM_16") if i % 2 == 0 else (11025, "PCM_24")
        name = folder / f"{i:02d}.wav"
        loud = 2.0 if i in (4, 5) else 0.2
        soundfile.write(name, draws.normal(0, loud, 1200 + 173 * i), rate_hz, subtype="FLOAT" if loud > 1 else kind)
        label = ("dog",) if i % 5 == 0 else ()
        clips.append(Clip(f"clip {i}", name, (f"Sound {i}", f"it is number {i}"), label))
    soundfile.write(folder / "long.wav", draws.normal(0, 0.2, 60000), 11025)
    for i in range(6):
        stretch = {"start_s": 0.3 * i + 0.00005 * i, "duration_s": 0.1 + 0.07 * i}
        clips.append(Clip(f"part {i}", folder / "long.wav", (f"Part {i}",), **stretch))
    clips[-1] = dataclasses.replace(clips[-1], start_s=5.3)  # it ends with the file
    manifest.write(folder / "manifest.jsonl", clips)
    return folder


@pytest.fixture
def shards(sounds: Path) -> Path:
    """The 16 files, packed into two splits of three tars each."""
    clips = [clip for clip in manifest.read(sounds / "manifest.jsonl") if clip.start_s == 0 and clip.duration_s is None]
    for split, part in (("one", clips[:9]), ("two", clips[9:])):
        pack(part, sounds.parent / "shards" / split, per_shard=3, rate_hz=None)
    return sounds.parent / "shards"


def recipe(**changes: object) -> tuple[Recipe, Stage]:
    made = recipes.parse(RECIPE, name="small")
    return made, dataclasses.replace(made.stages[0], **changes)  # type: ignore[arg-type]


def both(data: Path, **changes: object) -> list[Batches | Mixture]:
    made, stage = recipe(**changes)
    found = [open_batches(made, stage, data=data, live=live) for live in (True, False)]
    assert isinstance(found[0], Batches | Mixture)
    return found  # type: ignore[return-value]


def unpacked(data: Path) -> list[Path]:
    return [path for path in (data / "cache").rglob("*") if path.suffix in (".flac", ".wav", ".i16")]


def assert_alike(one: Batch, other: Batch, *, at_most: float) -> None:
    for field in dataclasses.fields(Batch):
        if field.name != "waves":
            mine, theirs = getattr(one, field.name), getattr(other, field.name)
            assert np.array_equal(mine, theirs), field.name
    np.testing.assert_allclose(one.waves, other.waves, atol=at_most, rtol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"positives": "sentences"},
        {"short": "zeros"},
        {"short": "keep", "bucket": 2, "gain_db": 0.0},
        {"gain_db": 3.0, "captions": "all"},
        {"also": True},
    ],
)
def test_files_are_heard_as_if_decoded_ahead(sounds: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    table = {"name": "folder", "path": "sounds", "table": "manifest.jsonl"}
    also = {"also": table, "also_chance": 0.5} if changes.pop("also", False) else {}
    corpora = (CorpusSpec(table, **also),)
    live, ahead = both(tmp_path, corpora=corpora, **changes)
    if isinstance(live, Batches):
        assert isinstance(live.sounds, Live)
        assert live.steps_per_epoch == 5
    else:
        assert isinstance(getattr(live.sources[0], "source", live.sources[0]), InFiles)
    for step in range(11):
        assert_alike(live[step], ahead[step], at_most=RESAMPLED)


def test_at_the_files_own_rate_they_differ_by_rounding_alone(sounds: Path, tmp_path: Path) -> None:
    for path in sounds.glob("*.wav"):
        wave, _ = soundfile.read(path)
        soundfile.write(path, wave, 8000, subtype="FLOAT")
    live, ahead = both(tmp_path)
    for step in range(11):
        assert_alike(live[step], ahead[step], at_most=ROUNDED)


@pytest.mark.parametrize("changes", [{}, {"short": "zeros"}, {"short": "keep", "bucket": 2}])
def test_shards_are_heard_where_they_are(shards: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    corpora = (
        CorpusSpec({"name": "webdataset", "path": "shards"}),
        CorpusSpec({"name": "webdataset", "path": "shards/two"}),
        CorpusSpec({"name": "folder", "path": "sounds", "table": "manifest.jsonl"}),
    )
    made, stage = recipe(corpora=corpora, **changes)
    live = open_batches(made, stage, data=tmp_path, live=True)
    batches = [live[step] for step in range(9)]
    assert unpacked(tmp_path) == []
    if isinstance(live, Mixture):
        assert [type(source) for source in live.sources] == [Live, InShards, InFiles]
    ahead = open_batches(made, stage, data=tmp_path)
    assert unpacked(tmp_path) != []
    assert live.steps_per_epoch == ahead.steps_per_epoch
    for step, batch in enumerate(batches):
        assert_alike(batch, ahead[step], at_most=RESAMPLED)
    for batch, again in zip(batches[:3], load(live, stop=3, workers=2), strict=True):
        assert_alike(batch, again, at_most=0.0)


def test_what_is_held_out_or_excluded_is_left_out_of_shards(shards: Path, sounds: Path, tmp_path: Path) -> None:
    packed = list(sounds.glob("0[0-3].wav"))
    kept = [clip for clip in manifest.read(sounds / "manifest.jsonl") if clip.path in packed]
    alone = tmp_path / "alone"
    pack(kept, alone, per_shard=9, rate_hz=None)
    digest = [hashlib.sha256(one.sound).hexdigest() for one in map(Shards.open(alone).__getitem__, range(4))]
    lines = [Line(exclude.clip_token("webdataset", "one/clip 7"), "named"), Line(f"sha256:{digest[0]}", "its bytes")]
    exclude.write(tmp_path / "out.txt", lines)
    stage = {
        "corpora": (CorpusSpec({"name": "webdataset", "path": "shards"}),),
        "hold_out": (CorpusSpec({"name": "webdataset", "path": "shards", "splits": ("two",)}),),
        "exclude": ("out.txt",),
        "batch": 7,
    }
    made, stage_ = recipe(**stage)
    live = open_batches(made, stage_, data=tmp_path, live=True)
    assert unpacked(tmp_path) == []
    ahead = open_batches(made, stage_, data=tmp_path)
    assert isinstance(live, Batches)
    assert isinstance(ahead, Batches)
    assert live.said == ahead.said
    assert len(live.said) == 9 - 2
    for step in range(4):
        assert_alike(live[step], ahead[step], at_most=RESAMPLED)


def test_a_run_goes_on_as_it_began(sounds: Path, tmp_path: Path) -> None:
    made, _ = recipe()

    def losses(out: str, *, live: bool, until: int | None = None) -> list[float]:
        for event in run(made, data=tmp_path, out=tmp_path / out, save_every_s=0.0, live=live):
            if event.step.step == until:
                break
        lines = (tmp_path / out / "history.jsonl").read_text().splitlines()
        return [json.loads(line)["loss"] for line in lines]

    losses("live", live=True, until=2)
    assert unpacked(tmp_path) == []
    with pytest.raises(SettingError, match=r"live: was begun with --live, .*; go on with it, or choose another folder"):
        losses("live", live=False)
    live = losses("live", live=True)
    losses("ahead", live=False, until=2)
    with pytest.raises(SettingError, match=r"ahead: was begun without --live; go on without it, or choose another"):
        losses("ahead", live=True)
    assert live == pytest.approx(losses("ahead", live=False), abs=1e-2)
    assert len(live) == 6
    assert live == losses("whole", live=True)


def test_labels_are_learnt_live(shards: Path, tmp_path: Path) -> None:
    corpora = (
        CorpusSpec({"name": "webdataset", "path": "shards"}, kind="packed", label="{caption}"),
        CorpusSpec({"name": "folder", "path": "sounds", "table": "manifest.jsonl"}, label="{caption}"),
    )
    made, stage = recipe(corpora=corpora, task="tag", loss={"name": "binary"}, short="zeros")
    live, ahead = (open_tasks(made, stage, data=tmp_path, live=live) for live in (True, False))
    assert [(kind.name, kind.classes) for kind in live.kinds.values()] == [
        (kind.name, kind.classes) for kind in ahead.kinds.values()
    ]
    for step in range(5):
        assert_alike(live.batches[step], ahead.batches[step], at_most=RESAMPLED)


def test_teachers_need_files(shards: Path, tmp_path: Path) -> None:
    made, stage = recipe(corpora=(CorpusSpec({"name": "webdataset", "path": "shards"}),), teachers=("x",))
    with pytest.raises(SettingError, match=r"corpora\[0\]: teachers hear files; train without --live"):
        open_batches(made, stage, data=tmp_path, live=True)


@pytest.mark.parametrize(("words", "wanted"), [((), (0, False)), (("--live",), (2, True))])
def test_the_command_takes_two_workers(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], wanted: tuple[int, bool]
) -> None:
    from typer.testing import CliRunner

    from hark.cli.main import app

    seen = []
    monkeypatch.setattr("hark.train.run.run", lambda *_, workers, live, **__: seen.append((workers, live)) or iter(()))
    assert CliRunner().invoke(app, ["train", "tiny", *words]).exit_code == 0
    assert seen == [wanted]
