"""Describing many sounds, choosing among captions, and `hark caption`."""

from __future__ import annotations

import dataclasses
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
from hark.caption.describe import Described, Way, _generator, describe
from hark.caption.rerank import ranked, similarities
from hark.caption.written import Written, made, records
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
    assert [one.cosine for one in said] == pytest.approx(np.cos(np.array(lengths) / 100))
    assert [one.score for one in said] == [one.cosine for one in said]
    np.testing.assert_allclose(similarities(judge, clip.path, [one.text for one in said]), [one.score for one in said])
    (searched,) = describe(captioner, [clip], Way(each=2, beams=2))
    drawn = captioner.draw([captioner.hear(clip.path)], generator=_generator(Way(), clip), each=8, top_p=1.0)
    pool = {one.text for one in (*searched.told[0].said, *captioner.said(drawn)[0])}
    assert pool - {""} == {one.text for one in said}
    (none,) = describe(captioner, [clip], Way(each=50, beams=2, drawn=0, weight=0.0), judge=judge)
    assert {one.text for one in none.told[0].said} == {one.text for one in searched.told[0].said}


def test_the_score_is_what_orders(captioner: Captioner, folder: Path, tmp_path: Path) -> None:
    way = Way(each=50, beams=2, drawn=16, top_p=1.0, weight=0.3)
    clip = Clip("0.wav", folder / "0.wav")
    (found,) = describe(captioner, [clip], way, judge=Judge())
    said = found.told[0].said
    assert [one.score for one in said] == sorted((one.score for one in said), reverse=True)
    assert [one.cosine for one in said] != sorted((one.cosine or 0 for one in said), reverse=True)
    (record,) = records(found, made(captioner, way, Judge()))
    assert record["scores"] == pytest.approx([one.score for one in said], abs=1e-6)
    assert record["cosines"] == pytest.approx([one.cosine for one in said], abs=1e-6)
    (plain,) = records(next(describe(captioner, [clip], Way())), {})
    assert "cosines" not in plain


def test_captions_are_drawn_again_while_they_are_too_few(captioner: Captioner, folder: Path) -> None:
    clip = Clip("0.wav", folder / "0.wav")
    generator = _generator(Way(), clip)
    once = captioner.said(captioner.draw([captioner.hear(clip.path)], generator=generator, each=12, top_p=0.5))
    (found,) = describe(captioner, [clip], Way(sample=True, each=12, top_p=0.5))
    texts = [said.text for said in found.told[0].said]
    assert len(set(texts)) == len(texts) <= 12
    assert len({said.text for said in once[0]} - {""}) < len(texts)
    (cold,) = describe(captioner, [clip], Way(sample=True, each=12, temperature=1e-3))
    assert len(cold.told[0].said) == 1  # the likeliest, however often


def test_the_power_of_the_length_is_that_of_the_search(captioner: Captioner, folder: Path) -> None:
    clip = Clip("0.wav", folder / "0.wav")
    for power in (0.0, 2.0):
        (found,) = describe(captioner, [clip], Way(each=3, power=power))
        searched = captioner.decode([captioner.hear(clip.path)], beams=3, power=power)
        sums, lengths = searched.log_probabilities[0].sum(dim=1), searched.lengths[0]
        ((*texts,),) = captioner.said(searched)
        wanted = {one.text: score for one, score in zip(texts, (sums / lengths**power).tolist(), strict=True)}
        for one in found.told[0].said:
            assert one.score == pytest.approx(wanted[one.text], rel=1e-5)
    assert made(captioner, Way(), None)["way"]["power"] == captioner.recipe.decoding.power
    assert made(captioner, Way(power=0.0), None)["way"]["power"] == 0.0


def test_silence_inside_a_recording_is_passed_over(captioner: Captioner, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ)
    soundfile.write(tmp_path / "x.wav", np.concatenate([noise, np.zeros(10 * RATE_HZ), noise]), RATE_HZ)
    (found,) = describe(captioner, [Clip("x", tmp_path / "x.wav")], Way(window_s=10.0))
    assert found.fault is None
    assert [(told.start_s, told.end_s) for told in found.told] == [(0.0, 10.0), (20.0, 30.0)]
    soundfile.write(tmp_path / "x.wav", np.zeros(25 * RATE_HZ), RATE_HZ)
    (found,) = describe(captioner, [Clip("x", tmp_path / "x.wav")], Way(window_s=10.0))
    assert found.fault is not None
    assert "every sample is 0" in found.fault


@pytest.mark.parametrize(
    ("way", "judge"),
    [
        ({"each": 2}, None),
        ({"each": 2, "sample": True, "top_p": 1.0}, None),
        ({"each": 2, "top_p": 1.0, "beams": 2}, Judge()),
    ],
)
def test_a_stretch_is_described_as_a_clip_is(
    captioner: Captioner, folder: Path, way: dict[str, Any], judge: Judge | None
) -> None:
    clip = Clip("long", folder / "sub" / "1.wav")
    (found,) = describe(captioner, [clip], Way(**way, window_s=1.5), judge=judge)
    parts = [dataclasses.replace(clip, start_s=told.start_s, duration_s=1.5) for told in found.told]
    alone = [one.told[0].said for one in describe(captioner, parts, Way(**way), judge=judge)]
    assert len(alone) == 2
    for told, said in zip(found.told, alone, strict=True):
        assert [one.text for one in told.said] == [one.text for one in said]
        assert [one.score for one in told.said] == pytest.approx([one.score for one in said], abs=1e-5)


@pytest.mark.parametrize(
    ("way", "wrong"),
    [
        ({"each": 0}, "0 captions"),
        ({"beams": 0}, "0 beams"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"power": -1.0}, "power is -1, which prefers"),
        ({"temperature": 0.0}, "temperature is 0"),
        ({"drawn": -1}, "-1 captions drawn"),
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
    done = run(folder / "sub", "--out", out, "--json")
    told = {"out": str(out), "model": captioner.name, "stamp": captioner.stamp, "captioned": 1, "before": 1}
    assert json.loads(done.stdout) == told | {"unreadable": 0}
    assert out.read_bytes() == content

    done = run(out, "--where", f"of={folder / 'sub' / '1.wav'}", "--json")  # what it wrote is a manifest
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["captions"] == json.loads(content.splitlines()[0])["captions"]


def test_by_command_with_a_judge(run: Any, folder: Path) -> None:
    done = run(folder / "0.wav", "--rerank", "mini", "--each", 3, "--json")
    assert done.exit_code == 0, done.output
    line = json.loads(done.stdout)
    assert all(-1 <= cosine <= 1 for cosine in line["cosines"])
    assert line["scores"] == sorted(line["scores"], reverse=True)
    assert (line["way"]["judge"], line["way"]["drawn"]) == ("mini", 16)
    done = run(folder / "sub" / "1.wav", "--rerank", "mini", "--drawn", 2, "--spans", "--window", 1.5, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[0])["way"]["drawn"] == 2


def test_it_says_where_no_more_captions_are_found(run: Any, folder: Path) -> None:
    done = run(folder / "0.wav", "--sample", "--each", 3, "--temperature", 0.001)
    assert done.exit_code == 0
    assert "hark: 1 sounds have fewer than 3 captions; no more different ones were found" in done.stderr
    assert "fewer" not in run(folder / "0.wav").stderr


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["nowhere.wav"], "no such file or folder"),
        (["SUB", "--out", "x.csv"], "must end in .jsonl"),
        (["SUB", "--drawn", "3"], "give --rerank MODEL as well"),
        (["SUB", "--temperature", "0"], "temperature is 0"),
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
