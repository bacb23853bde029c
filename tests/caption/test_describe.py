"""Describing many sounds, choosing among captions, and `hark caption`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from click.testing import Result
from typer.testing import CliRunner

from hark.caption import file
from hark.caption.captioner import Captioner
from hark.caption.describe import Described, Way, describe
from hark.caption.rerank import ranked, similarities
from hark.caption.written import Written, made
from hark.cli.caption import caption
from hark.core.errors import SettingError
from hark.data import manifest
from hark.data.records import Clip

RATE_HZ = 16000


@pytest.fixture(scope="module")
def captioner(trained: dict[str, Path]) -> Captioner:
    return file.load(str(trained["gru"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four noises of different lengths, and a file that is none."""
    place = tmp_path_factory.mktemp("described")
    draws = np.random.default_rng(0)
    for number, seconds in enumerate((0.4, 3.0, 1.0, 2.5)):
        (place / "sub").mkdir(exist_ok=True)
        path = place / ("sub" if number % 2 else "") / f"{number}.wav"
        soundfile.write(path, draws.normal(0, 0.1 * (number + 1), round(RATE_HZ * seconds)), RATE_HZ)
    (place / "broken.wav").write_text("no sound")
    return place


def worded(captioner: Captioner, *sources: Any, each: int = 2) -> list[list[str]]:
    """What the captioner says by itself, without what says nothing where there is something else."""
    found = []
    for said in captioner.describe(sources, each=each):
        texts = list(dict.fromkeys(one.text for one in said))
        found.append([text for text in texts if text] or texts)
    return found


def clips(folder: Path) -> list[Clip]:
    return [Clip(path.name, path) for path in sorted(folder.rglob("*.wav"))]


class Judge:
    """Hears nothing, and likes short sentences."""

    name, stamp, rate_hz = "short", "0123", RATE_HZ

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        angles = np.array([min(1.5, len(text) / 100) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    def embed_audio(self, sources: Iterable[Any]) -> np.ndarray:
        return np.array([[1.0, 0.0] for _ in sources], np.float32)


def test_every_clip_in_its_order_and_the_broken_one_told(captioner: Captioner, folder: Path) -> None:
    found = list(describe(captioner, clips(folder), Way(each=2)))
    assert [one.clip.id for one in found] == [clip.id for clip in clips(folder)]
    assert [one.clip.id for one in found if one.fault] == ["broken.wav"]
    assert all(str(folder) not in (one.fault or "") for one in found)
    for one in found:
        if one.fault is None:
            assert [[said.text for said in one.told[0].said]] == worded(captioner, one.clip.path)


def test_drawn_captions_are_the_same_among_others(captioner: Captioner, folder: Path) -> None:
    way = Way(sample=True, each=4, top_p=1.0, seed=3)
    together = {one.clip.id: one.told for one in describe(captioner, clips(folder), way)}
    (alone,) = describe(captioner, [Clip("0.wav", folder / "0.wav")], way)
    assert [said.text for said in alone.told[0].said] == [said.text for said in together["0.wav"][0].said]
    (other,) = describe(captioner, [Clip("0.wav", folder / "0.wav")], Way(sample=True, each=4, top_p=1.0, seed=4))
    assert alone.told != other.told
    assert len({said.text for said in alone.told[0].said}) == len(alone.told[0].said)


def test_a_clip_may_be_a_stretch(captioner: Captioner, folder: Path) -> None:
    clip = Clip("a", folder / "sub" / "1.wav", start_s=1.0, duration_s=0.5)
    (found,) = describe(captioner, [clip], Way())
    wave, _ = soundfile.read(clip.path, dtype="float32")
    ((alone, *_),) = worded(captioner, (wave[RATE_HZ : RATE_HZ + RATE_HZ // 2], RATE_HZ))
    assert found.told[0].said[0].text == alone
    assert (found.told[0].start_s, found.told[0].end_s) == (1.0, 1.5)
    (found,) = describe(captioner, [clip], Way(window_s=0.25))
    assert (found.told[0].start_s, found.told[-1].end_s) == (1.0, 1.5)


def test_the_order_is_that_of_the_sum() -> None:
    close, likely = np.array([0.1, 0.5, 0.3, 0.5]), np.array([-1.0, -9.0, -2.0, -3.0])
    assert ranked(close).tolist() == [1, 3, 2, 0]
    assert ranked(close, likely).tolist() == [1, 3, 2, 0]
    for weight in (0.05, 0.2, 10.0):
        assert ranked(close, likely, weight=weight).tolist() == np.argsort(-(close + weight * likely)).tolist()


def test_a_judge_chooses_among_what_was_searched_and_drawn(captioner: Captioner, folder: Path) -> None:
    judge, clip = Judge(), Clip("0.wav", folder / "0.wav")
    (found,) = describe(captioner, [clip], Way(each=50, beams=2, drawn=8, top_p=1.0, weight=0.0), judge=judge)
    said = found.told[0].said
    lengths = [len(one.text) for one in said]
    assert lengths == sorted(lengths)
    assert [one.score for one in said] == pytest.approx(np.cos(np.array(lengths) / 100))
    np.testing.assert_allclose(similarities(judge, clip.path, [one.text for one in said]), [one.score for one in said])
    (searched,) = describe(captioner, [clip], Way(each=2, beams=2))
    (drawn,) = describe(captioner, [clip], Way(each=8, sample=True, top_p=1.0))
    pool = {one.text for part in (searched, drawn) for one in part.told[0].said}
    assert pool - {""} <= {one.text for one in said}
    (none,) = describe(captioner, [clip], Way(each=50, beams=2, drawn=0, weight=0.0), judge=judge)
    assert {one.text for one in none.told[0].said} == {one.text for one in searched.told[0].said}


@pytest.mark.parametrize(
    ("way", "wrong"),
    [
        ({"each": 0}, "0 captions"),
        ({"beams": 0}, "0 beams"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"window_s": 1.0, "sample": True}, "one caption"),
        ({"window_s": 1.0, "each": 2}, "one caption"),
    ],
)
def test_ways_that_are_none(way: dict[str, Any], wrong: str) -> None:
    with pytest.raises(SettingError, match=wrong):
        Way(**way)


def test_lines_are_a_manifest(captioner: Captioner, folder: Path, tmp_path: Path) -> None:
    way = Way(window_s=1.0)
    written = Written(tmp_path / "out.jsonl", made(captioner, way, None))
    for found in describe(captioner, [Clip("long", folder / "sub" / "1.wav")], way):
        written.add(found)
        told = found.told
    written.close()
    read = manifest.read(tmp_path / "out.jsonl")
    assert [(clip.start_s, clip.start_s + (clip.duration_s or 0)) for clip in read] == [
        (t.start_s, t.end_s) for t in told
    ]
    assert [clip.captions for clip in read] == [(t.said[0].text,) if t.said[0].text else () for t in told]
    assert read[0].extra["stamp"] == captioner.stamp


@pytest.mark.parametrize("window_s", [None, 1.0])
def test_a_file_that_was_cut_short_is_gone_on_with(
    captioner: Captioner, folder: Path, tmp_path: Path, window_s: float | None
) -> None:
    way = Way(window_s=window_s)
    found = [one for one in describe(captioner, clips(folder), way) if one.fault is None]
    whole = tmp_path / "whole.jsonl"
    write(whole, captioner, way, found)
    content = whole.read_bytes()
    for cut in range(0, len(content), 37):
        path = tmp_path / "cut.jsonl"
        path.write_bytes(content[:cut])
        done = write(path, captioner, way, found)
        assert path.read_bytes() == content
        assert done == [one.clip.id for one in found][: len(done)]
    with pytest.raises(SettingError, match="in another way; choose another --out"):
        Written(whole, made(captioner, Way(beams=5, window_s=window_s), None))
    whole.write_text('{"a": 1}\n{"b": 1}\n')
    with pytest.raises(SettingError, match=r"whole.jsonl:1: no caption's line"):
        Written(whole, made(captioner, way, None))


def write(path: Path, captioner: Captioner, way: Way, found: Sequence[Described]) -> list[str]:
    written = Written(path, made(captioner, way, None))
    for one in found:
        if one.clip.id not in written.done:
            written.add(one)
    written.close()
    return sorted(written.done, key=[one.clip.id for one in found].index)


@pytest.fixture
def run(trained: dict[str, Path]) -> Any:
    app = typer.Typer()
    app.command()(caption)

    def call(*words: object, model: object = trained["gru"]) -> Result:
        return CliRunner().invoke(app, [str(word) for word in (*words, *(["--model", model] if model else []))])

    return call


def test_by_command(run: Any, folder: Path, captioner: Captioner, tmp_path: Path) -> None:
    done = run(folder)
    assert done.exit_code == 1
    wanted = [
        f"{one.clip.path}: {one.told[0].said[0].text}"
        for one in describe(captioner, sorted(clips(folder), key=lambda clip: str(clip.path)), Way())
        if one.fault is None
    ]
    assert done.stdout.splitlines() == wanted
    (fault,) = [line for line in done.stderr.splitlines() if line.startswith("hark: ")]
    assert fault.startswith(f"hark: {folder / 'broken.wav'}: ")

    done = run(folder / "sub", "--json", "--each", 2, "--beam", 2)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["path"]).name for line in lines] == ["1.wav", "3.wav"]
    assert all(len(line["captions"]) == len(line["scores"]) for line in lines)
    assert lines[0]["stamp"] == captioner.stamp

    done = run(folder / "sub" / "1.wav", "--spans", "--window", 1.5)
    assert done.stdout.splitlines()[0] == str(folder / "sub" / "1.wav")
    assert done.stdout.splitlines()[1].split()[0] == "0:00.0"

    out = tmp_path / "new" / "out.jsonl"
    done = run(folder / "sub", "--out", out)
    assert done.stdout == f"{out}: 2 sounds captioned\n"
    content = out.read_bytes()
    done = run(folder / "sub", "--out", out)
    assert done.stdout == f"{out}: 1 sounds captioned, 1 were there\n"
    assert out.read_bytes() == content

    done = run(out, "--where", f"of={folder / 'sub' / '1.wav'}", "--json")  # what it wrote is a manifest
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["captions"] == json.loads(content.splitlines()[0])["captions"]


def test_by_command_with_a_judge(run: Any, folder: Path) -> None:
    done = run(folder / "0.wav", "--rerank", "mini", "--each", 3, "--json")
    assert done.exit_code == 0, done.output
    line = json.loads(done.stdout)
    assert all(-1 <= score <= 1 for score in line["scores"])
    assert line["way"]["judge"] == "mini"


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["nowhere.wav"], "no such file or folder"),
        (["SUB", "--out", "x.csv"], "must end in .jsonl"),
        (["SUB", "--spans", "--sample"], "one caption"),
        (["SUB", "--spans", "--rerank", "mini"], "not chosen by another model"),
        (["EMPTY"], "no sounds in it"),
    ],
)
def test_mistakes(run: Any, folder: Path, tmp_path: Path, words: list[str], wrong: str) -> None:
    named = [str(folder / "sub") if word == "SUB" else str(tmp_path) if word == "EMPTY" else word for word in words]
    done = run(*named)
    assert isinstance(done.exception, SettingError), done.output
    assert wrong in str(done.exception)
    assert "\n" not in str(done.exception)


def test_without_a_model_it_says_what_to_do(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hark.recipe.captioner.names", list)
    done = run(folder, model=None)
    assert "no captioner comes with hark; train one" in str(done.exception)
