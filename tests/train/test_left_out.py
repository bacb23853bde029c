"""What a stage must not learn from is in none of the ways that it learns: held-out recordings, and excluded clips."""

import dataclasses
import resource
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hark import recipe as recipes
from hark.cli.main import app
from hark.core.errors import DataError
from hark.data import exclude, manifest
from hark.data.batches import Batches
from hark.data.exclusion_lists import Line
from hark.data.records import Clip
from hark.recipe import CorpusSpec, Recipe, captioner
from hark.recipe.caption_stage import CaptionStage
from hark.train.caption_data import open_described
from hark.train.caption_dry import caption_dry_run
from hark.train.data import open_batches, open_corpus, open_sentences
from hark.train.dry import dry_run

EXTRA: list[dict[str, str]] = [
    {"youtube_id": "abcdefghijk", "youtube_start_s": "30"},
    {"youtube_id": "abcdefghijk", "youtube_start_s": "200"},  # of the held-out video, at another time
    {"youtube_id": "12345678901"},
    {"freesound_id": "77"},
    {"freesound_id": "12345678901"},  # a number of Freesound's is no video's name
    {},
    {},
]
TRAIN = CorpusSpec({"name": "folder", "path": ".", "table": "train.jsonl"})
HELD = CorpusSpec({"name": "folder", "path": ".", "table": "held.jsonl"})


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clips 0 to 6 to train on, of which 0, 1, 2, 3 and 5 are held out, and 6 is excluded."""
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    clips = []
    for i, extra in enumerate(EXTRA):
        soundfile.write(tmp_path / f"{i}.wav", np.random.default_rng(i).normal(0, 0.1, 4000), 8000)
        clips.append(Clip(f"c{i}", tmp_path / f"{i}.wav", (f"words {i}",), extra=extra))
    manifest.write(tmp_path / "train.jsonl", clips)
    soundfile.write(tmp_path / "held.wav", np.random.default_rng(9).normal(0, 0.1, 4000), 8000)
    held = [
        dataclasses.replace(clip, id=f"h{n}", path=tmp_path / "held.wav")
        for n, clip in enumerate(clips[i] for i in (0, 2, 3))
    ]
    manifest.write(tmp_path / "held.jsonl", [*held, dataclasses.replace(clips[5], extra={})])
    exclude.write(tmp_path / "out.txt", [Line(exclude.clip_token("folder", "c6"), "in a test set")])
    return tmp_path


def tiny(**changes: object) -> Recipe:
    made = recipes.load("tiny")
    stage = dataclasses.replace(made.stages[-1], corpora=(TRAIN,), valid=(), best=1, batch=2, texts=(), **changes)  # type: ignore[arg-type]
    return dataclasses.replace(made, stages=(stage,))


def test_recordings_are_known_by_file_freesound_and_video(data: Path) -> None:
    for apart, left in (({}, "0123456"), ({"hold_out": (HELD,)}, "46"), ({"exclude": ("out.txt",)}, "012345")):
        made = tiny(**apart)
        (planned,) = dry_run(made, data=data).stages
        counted = {found.role: found.clips for found in planned.data}
        assert counted["train"] == len(left)
        batches = open_batches(made, made.stages[0], data=data)
        assert isinstance(batches, Batches)
        assert [text for said in batches.said for text in said] == [f"words {i}" for i in left]


def test_captioners_learn_of_neither(data: Path) -> None:
    heard = SimpleNamespace(hear=lambda clips, progress=None: [clip.id for clip in clips])
    whole = open_described((TRAIN,), heard, data=data, where="here")
    assert whole.ids == [f"c{i}" for i in range(7)]
    part = open_described((TRAIN,), heard, data=data, where="here", apart=(HELD,), excluded=("out.txt",))
    assert part.ids == ["c4"]


def test_a_captioners_recipe_may_exclude(data: Path) -> None:
    stage = CaptionStage("words", corpora=(TRAIN,), exclude=("out.txt",), keep="last")
    made = dataclasses.replace(captioner.load("sjtu-2022/captioning-gru"), stages=(stage,))
    (planned,) = caption_dry_run(made, data=data).stages
    assert [(found.role, found.clips) for found in planned.data] == [("train", 6), ("exclude", None)]


def test_sentences_of_excluded_clips_are_not_distilled(data: Path) -> None:
    made = tiny(exclude=("out.txt",))
    assert open_sentences(made, made.stages[0], data=data) == [f"words {i}" for i in range(6)]
    (data / "out.txt").unlink()
    with pytest.raises(DataError, match=r"out\.txt"):
        open_sentences(made, made.stages[0], data=data)


def test_a_dry_run_tells_how_much_is_decoded(data: Path) -> None:
    made = tiny(exclude=("out.txt",))
    (planned,) = dry_run(made, data=data).stages
    rate_hz = made.audio.rate_hz
    assert planned.decoded == 6 * 2 * rate_hz // 2  # of half a second each
    open_batches(made, made.stages[0], data=data)
    (file,) = (data / "cache").rglob("samples.i16")
    assert file.stat().st_size == planned.decoded
    told = CliRunner().invoke(app, ["train", "tiny", "--dry-run", "--data", str(data)])
    assert "GiB are free; --live decodes them while it trains" in told.stdout


def test_a_full_disk_while_sounds_are_synthesised_is_one_line(data: Path) -> None:
    spec = CorpusSpec({"name": "synth", "clips": 3, "duration_s": 2.0})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, limits[1]))
    try:
        with pytest.raises(
            DataError, match=r"^here: the corpus 'synth': .*\.flac: cannot be written \(.*make room"
        ) as told:
            open_corpus(spec, data=data, where="here")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(told.value)
    assert [path.name for path in (data / "cache").rglob("*") if path.is_file()] == ["synth.json"]
    assert len(open_corpus(spec, data=data, where="here")) == 3
