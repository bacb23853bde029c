"""Overlaps that are planted are found, with their offset, and nothing else is."""

import dataclasses
import io
import json
import os
import sqlite3

import numpy as np
import pytest
import soundfile

from hark.audio.resample import resample
from hark.audio.synth.catalogue import KINDS
from hark.audio.synth.scene import compose
from hark.core import component
from hark.core.errors import DataError
from hark.data import exclude, manifest
from hark.data.overlap import alike as alike_module
from hark.data.overlap import heard as heard_module
from hark.data.overlap import splits
from hark.data.overlap.check import check, check_manifests, names
from hark.data.overlap.pool import in_processes
from hark.data.records import Clip

RATE_HZ = 16000
CODECS = {".opus": ("OGG", "OPUS"), ".ogg": ("OGG", "VORBIS"), ".mp3": ("MP3", "MPEG_LAYER_III")}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))


def scene(seed, seconds=4.0):
    return compose(np.random.default_rng(seed), RATE_HZ, duration_s=seconds, kinds=list(KINDS.values())).wave


def put(path, wave, rate_hz=RATE_HZ, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    form, subtype = CODECS.get(path.suffix, (None, None))
    soundfile.write(path, wave, rate_hz, format=form, subtype=options.pop("subtype", subtype), **options)
    return path


def clip(path, **told):
    return Clip(told.pop("id", path.name), path, **told)


def copy_of(wave, n):
    """Quieter by 3 dB, later or earlier by 0.7 s, through one of three codecs, at one of three rates: its name."""
    quiet, shift = wave * 10 ** (-3 / 20), round(0.7 * RATE_HZ)
    moved = quiet[shift:] if n % 2 else np.concatenate([np.zeros(shift, np.float32), quiet])
    suffix = list(CODECS)[n % 3]
    rate_hz = 48000 if suffix == ".opus" else [16000, 22050, 44100][n // 3 % 3]
    return suffix, resample(moved, RATE_HZ, rate_hz), rate_hz, -0.7 if n % 2 else 0.7


def test_planted_copies_are_found_and_nothing_else(tmp_path):
    originals, copies, offsets = [], [], {}
    for n in range(36):
        wave = scene(n)
        originals.append(clip(put(tmp_path / "a" / f"{n}.flac", wave)))
        if n % 2:
            suffix, moved, rate_hz, offset_s = copy_of(wave, n // 2)
            copies.append(clip(put(tmp_path / "b" / f"{n}{suffix}", moved, rate_hz)))
            offsets[f"{n}.flac", copies[-1].id] = offset_s
    copies += [clip(put(tmp_path / "b" / f"new-{n}.flac", scene(1000 + n))) for n in range(18)]
    found = check({"a": originals, "b": copies}, jobs=0)
    assert {pair.kind for pair in found.pairs} == {"fingerprint"}
    told = {(pair.first.clip.id, pair.second.clip.id): pair.offset_s for pair in found.pairs}
    assert told == pytest.approx(offsets, abs=0.005)
    assert all(pair.scope == "sets" and 0.3 < pair.likeness <= 1 for pair in found.pairs)
    assert found.leaks == found.pairs
    assert not found.unheard


def test_short_sounds_are_found_too(tmp_path):
    a, b = [], []
    for n, (label, kind) in enumerate(KINDS.items()):
        wave = kind.render(np.random.default_rng([5, n]), RATE_HZ, duration_s=1.0)
        a.append(clip(put(tmp_path / "a" / f"{label}.flac", wave)))
        later = np.concatenate([np.zeros(11200, np.float32), wave * 0.7])
        b.append(clip(put(tmp_path / "b" / f"{label}{list(CODECS)[n % 3]}", later)))
    found = check({"a": a, "b": b}, jobs=0)
    right = {
        pair.first.clip.path.stem for pair in found.pairs if pair.first.clip.path.stem == pair.second.clip.path.stem
    }
    # the others (two hoots, a beep, a steady horn) are a handful of peaks or the same at every time, and prove nothing
    assert len(right) >= 0.65 * len(KINDS)
    assert len(found.pairs) == len(right)


def test_noise_and_tones_are_found_as_themselves_only(tmp_path):
    rng = np.random.default_rng(0)
    t = np.arange(3 * RATE_HZ) / RATE_HZ
    a, b = [], []
    for n in range(6):
        noise = 0.1 * rng.standard_normal(len(t)).astype(np.float32)
        tone = (0.2 * np.sin(2 * np.pi * 440 * t) + 0.001 * rng.standard_normal(len(t))).astype(np.float32)
        a += [clip(put(tmp_path / "a" / f"{n}-{kind}.flac", w)) for kind, w in (("noise", noise), ("tone", tone))]
        b.append(clip(put(tmp_path / "b" / f"{n}-noise.ogg", noise[11200:])))
    pairs = [(pair.first.clip.path.stem, pair.second.clip.path.stem) for pair in check({"a": a, "b": b}, jobs=0).pairs]
    assert pairs == [(f"{n}-noise", f"{n}-noise") for n in range(6)]


def test_the_result_does_not_depend_on_processes_or_blocks(tmp_path, monkeypatch):
    waves = [scene(n, 3.0) for n in range(8)]
    clips = [clip(put(tmp_path / f"{n}.flac", wave)) for n, wave in enumerate(waves)]
    clips += [clip(put(tmp_path / f"{n}.ogg", wave)) for n, wave in enumerate(waves[:4])]
    alone = check({"all": clips}, jobs=0)
    assert len(alone.pairs) == 4
    assert {pair.scope for pair in alone.pairs} == {"within"}
    assert not alone.leaks
    assert check({"all": clips}, jobs=2) == alone
    monkeypatch.setattr(alike_module, "_BLOCK_PEAKS", 700)
    monkeypatch.setattr(alike_module, "_QUERY_PEAKS", 400)
    monkeypatch.setattr(alike_module, "_AT_ONCE", 50)
    assert check({"all": clips}, jobs=0) == alone


def test_what_was_heard_is_not_heard_again(tmp_path, monkeypatch):
    clips = [clip(put(tmp_path / f"{n}.flac", scene(n, 2.0))) for n in range(4)]
    steps = []
    first = check({"a": clips}, jobs=0, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (8, 8)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    heard = []
    plain = heard_module._sound
    monkeypatch.setattr(heard_module, "_sound", lambda *all_of_it: heard.append(all_of_it[1].name) or plain(*all_of_it))
    assert check({"a": clips}, jobs=0) == first
    assert heard == []
    put(clips[2].path, scene(9, 2.0))
    os.utime(clips[2].path, ns=(1, 1))
    check({"a": clips}, jobs=0)
    assert heard == ["2.flac"]


def test_a_cache_that_is_none_is_told(tmp_path):
    (tmp_path / "cache" / "overlap").mkdir(parents=True)
    (tmp_path / "cache" / "overlap" / "heard-1.sqlite").write_bytes(b"x" * 4096)
    with pytest.raises(DataError, match="delete it"):
        check({"a": [clip(put(tmp_path / "a.flac", scene(0)))]}, jobs=0)


def test_what_cannot_be_heard_is_told_and_stops_nothing(tmp_path):
    good = [clip(put(tmp_path / f"{n}.flac", scene(0))) for n in range(2)]
    (tmp_path / "broken.flac").write_bytes(b"fLaC and no more")
    bad = [clip(tmp_path / "broken.flac"), clip(tmp_path / "missing.wav")]
    bad.append(clip(put(tmp_path / "silent.wav", np.zeros(4000, np.float32))))
    t = np.linspace(-3, 3, 4000)
    faint = clip(put(tmp_path / "blip.wav", 0.5 * np.exp(-(t**2)) * np.sin(300 * t)))
    found = check({"a": [*good, *bad, faint]}, jobs=0)
    assert [member.clip.id for member, _ in found.unheard] == ["broken.flac", "missing.wav", "silent.wav"]
    assert all(member.clip.id in why for member, why in found.unheard)
    assert [member.clip.id for member in found.faint] == ["blip.wav"]
    assert {pair.kind for pair in found.pairs} == {"file", "samples", "fingerprint"}


def test_equal_bytes_and_equal_samples(tmp_path):
    wave = np.rint(scene(1) * 32767).astype(np.int16)
    a = put(tmp_path / "a.wav", wave)
    (tmp_path / "b.wav").write_bytes(a.read_bytes())
    flac = put(tmp_path / "c.flac", wave)
    stereo = put(tmp_path / "d.flac", np.stack([wave, wave], axis=1))
    found = check({"one": [clip(a)], "two": [clip(tmp_path / "b.wav"), clip(flac), clip(stereo)]}, jobs=0)
    told = {
        kind: {p.second.clip.id for p in found.pairs if p.kind == kind and p.scope == "sets"}
        for kind in ("file", "samples")
    }
    assert told == {"file": {"b.wav"}, "samples": {"b.wav", "c.flac", "d.flac"}}
    assert all(pair.offset_s == pytest.approx(0, abs=1e-9) for pair in found.pairs if pair.kind != "fingerprint")


def test_stretches_of_one_file(tmp_path):
    whole = put(tmp_path / "long.flac", np.concatenate([scene(n) for n in range(3)]))
    one = Clip("one", whole, start_s=0.0, duration_s=4.0)
    two = Clip("two", whole, start_s=2.5, duration_s=4.0)
    three = Clip("three", whole, start_s=8.0, duration_s=4.0)
    found = check({"a": [one], "b": [two, three]}, jobs=0)
    by_kind = {pair.kind: pair for pair in found.pairs}
    assert {pair.second.clip.id for pair in found.pairs} == {"two"}
    assert set(by_kind) == {"file", "fingerprint"}
    for pair in by_kind.values():
        assert pair.offset_s == pytest.approx(-2.5, abs=0.005)


def known(name, split="", **extra):
    from pathlib import Path

    return Clip(name, Path(f"/nowhere/{name}"), extra={"split": split, **extra})


def pairs_of(found, kind):
    return [(str(p.first), str(p.second), p.offset_s) for p in found.pairs if p.kind == kind]


def test_freesound_recordings_in_two_sets_or_splits():
    a = [known("1", "train", freesound_id="7"), known("2", "train", freesound_id="7"), known("3", freesound_id="")]
    b = [known("4", "test", freesound_id="7"), known("5", "train", freesound_id="8"), known("6")]
    found = check({"a": a, "b": b}, jobs=0)
    # the tested clip is kept, though its set was given last
    assert pairs_of(found, "freesound") == [
        ("b (test) '4'", "a (train) '1'", None),
        ("b (test) '4'", "a (train) '2'", None),
    ]


@pytest.mark.parametrize(
    ("corpus", "kept", "left_out"),
    [
        ("msp_podcast", "Test1", "Train"),
        ("msp_podcast", "Test2", "Development"),
        ("msp_podcast", "Development", "Train"),
        ("meld", "dev", "train"),
        ("meld", "test", "dev"),
        ("clotho", "validation", "development"),  # there is no other to train on
        ("clotho", "evaluation", "validation"),
        ("tut_scenes", "evaluation", "development"),
        ("cochlscene", "Val", "Train"),
        ("audioset", "eval", "unbalanced_train"),
        ("tau_scenes", "test", "unused"),
        ("wavcaps", "FreeSound", "SoundBible"),  # neither is tested on: the first given is kept
    ],
)
@pytest.mark.parametrize("set_name", ["here", "published"])
def test_what_a_corpus_tests_on_is_kept(corpus, kept, left_out, set_name):
    """The splits are the corpora's own words; they need not be all there if the set is called like its corpus."""
    there = [left_out, kept] if corpus != "wavcaps" else [kept, left_out]
    clips = [known(split, split, freesound_id="7") for split in there]
    if set_name == "here":
        clips += [known(f"other {split}", split) for split in splits.declared(corpus)]
    name = "mine" if set_name == "here" else f"sets/{corpus}"
    assert pairs_of(check({name: clips}, jobs=0), "freesound") == [
        (f"{name} ({kept}) '{kept}'", f"{name} ({left_out}) '{left_out}'", None)
    ]


def test_every_declared_split_has_the_role_that_its_publishers_give_it():
    tested = {"test", "Test", "Test1", "Test2", "testing", "eval", "evaluation"}
    chosen_by = {"val", "Val", "valid", "validation", ("meld", "dev"), ("msp_podcast", "Development")}
    told = {0: tested, 1: chosen_by}
    for corpus in component.names("data.corpora"):
        among = splits.declared(corpus)
        for split in among:
            role = next((number for number, named in told.items() if named & {split, (corpus, split)}), 2)
            assert splits.role(split, among) == role, (corpus, split)
    assert splits.declared("no corpus") == set()
    assert splits.role("dev-clean", {"dev-clean", "test-clean", "train-clean-100"}) == 1
    assert splits.role("development_test", {"development_training"}) == 0


def test_videos_overlap_only_where_their_seconds_do():
    video = "abcdefghij-"
    a = [known("1", youtube_id=video, youtube_start_s="30"), known("2", youtube_id=video, youtube_start_s="40.0")]
    b = [known("3", youtube_id=video, youtube_start_s="35", duration_s="5"), known("4", youtube_id=video)]
    b.append(known("5", youtube_id=video, youtube_start_s="70"))
    found = check({"a": a, "b": b}, jobs=0)
    assert pairs_of(found, "youtube") == [("a '1'", "b '3'", -5.0), ("a '1'", "b '4'", 30.0)]


def test_captions_near_enough():
    def said(name, *captions, split=""):
        return dataclasses.replace(known(name, split), captions=captions)

    a = said("1", "A dog barks twice, then a man speaks!", "Rain", "The café's door is closing very slowly indeed")
    others = {
        "2": "dog barks twice then the man speaks",  # equal but for articles
        "3": "Rain",  # too short to mean anything
        "4": "a man speaks, then a dog barks twice",  # the same words
        "5": "The cafes door is closing very slowly",  # one word less
    }
    b = [said(name, caption) for name, caption in others.items()]
    found = {p.second.clip.id: p.likeness for p in check({"a": [a], "b": b}, jobs=0).pairs if p.kind == "caption"}
    # 5: 6 words and 5 pairs of the 7 and 6 that the other has
    assert found == {"2": 1.0, "5": pytest.approx(11 / 13)}
    assert not check({"a": [a], "b": b}, jobs=0).leaks


def test_many_copies_are_told_once_each():
    clips = {name: [known(f"{name}{n}", freesound_id="7") for n in range(50)] for name in "abc"}
    found = check(clips, jobs=0)
    assert found.counts()["freesound"]["sets"] == 50 + 2 * 50  # each of b with a's first, each of c with a's and b's


def test_names_of_sets(tmp_path):
    def told(*paths):
        return names([tmp_path / path for path in paths])

    assert told("a.jsonl", "b/manifest.jsonl") == ["a", "b"]
    assert told("x/train.jsonl", "y/train.jsonl", "test.csv") == ["x/train", "y/train", "test"]
    with pytest.raises(DataError, match="twice"):
        told("a.jsonl", "a.jsonl")


def test_manifests_are_checked_and_their_overlaps_excluded(tmp_path):
    wave = scene(3)
    test = [clip(put(tmp_path / "t" / "a.flac", wave), extra={"split": "test"})]
    train = [clip(put(tmp_path / "t" / "b # 1.ogg", wave), extra={"split": "train"}, id="b # 1?")]
    train.append(clip(put(tmp_path / "t" / "c.flac", scene(4)), extra={"split": "train"}))
    manifest.write(tmp_path / "t" / "manifest.jsonl", [*train, *test])
    out = tmp_path / "out" / "excluded.txt"
    found = check_manifests([tmp_path / "t" / "manifest.jsonl"], out=out, jobs=0)
    assert [(str(p.first), str(p.second), p.scope) for p in found.pairs] == [
        ("t (test) 'a.flac'", "t (train) 'b # 1?'", "splits")
    ]
    excluded = exclude.read([out])
    for corpus in ("t", "called otherwise"):  # by its name, or by its bytes
        assert [bool(excluded.excludes(one, corpus=corpus)) for one in (*train, *test)] == [True, False, False]
    assert excluded.excludes(train[0], corpus="t").startswith("fingerprint: t (train) 'b # 1?' is t (test) 'a.flac'")
    text = "\n".join(found.lines())
    assert "t (train): 2 clips" in text
    assert "fingerprint: 0 between sets, 1 between splits, 0 within" in text
    told = json.loads(json.dumps(found.as_json()))
    assert told["pairs"][0]["first"]["id"] == "a.flac"
    assert told["counts"]["fingerprint"] == {"splits": 1}


def test_sets_of_two_folders_are_excluded_by_their_names(tmp_path):
    """Nothing but the name can tell here: the sounds are not where the recipe's are, and have other bytes there."""
    for folder in ("x", "y"):
        put(tmp_path / folder / "a.flac", scene(5))
        manifest.write(tmp_path / folder / "train.jsonl", [clip(tmp_path / folder / "a.flac")])
    found = check_manifests([tmp_path / "x/train.jsonl", tmp_path / "y/train.jsonl"], out=tmp_path / "out.txt", jobs=0)
    assert str(found.pairs[0].second) == "y/train 'a.flac'"
    excluded = exclude.read([tmp_path / "out.txt"])
    elsewhere = clip(tmp_path / "elsewhere.wav", id="a.flac")
    for settings, data, left_out in (
        ({"name": "folder", "path": "y", "table": "train.jsonl"}, None, True),
        ({"name": "folder", "path": str(tmp_path / "y"), "table": "train.jsonl"}, None, True),
        ({"name": "folder", "path": str(tmp_path), "table": "y/train.jsonl"}, None, True),
        ({"name": "folder", "path": ".", "table": "train.jsonl"}, tmp_path / "y", True),
        ({"name": "folder", "path": "x", "table": "train.jsonl"}, None, False),
        ({"name": "folder", "path": ".", "table": "train.jsonl"}, tmp_path / "x", False),
    ):
        names_of = exclude.names_of(settings, data=data)
        assert bool(excluded.excludes(elsewhere, corpus=names_of)) is left_out, settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dcase.csv", "sound_id\n354184\n265492\nNot found\n123\n118055"),
        ("dcase.csv", "freesound_id,why\n354184,\n123,evaluation\n118055,\n"),
        ("wavcaps.json", '{"AudioSet": ["YvfY_TJq7n_U.wav"], "FreeSound": ["354184", "Not found", "123", "118055"]}'),
        ("own.txt", "# hark exclusions 1\nfreesound:354184\nfreesound:123 # listed by own.txt\nid:w/other\n"),
    ],
)
def test_what_published_lists_name_is_told_and_excluded(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    wave = put(tmp_path / "a.flac", scene(0))
    manifest.write(tmp_path / "w.jsonl", [clip(wave, extra={"freesound_id": "123"}), known("x", freesound_id="1234")])
    found = check_manifests([tmp_path / "w.jsonl"], lists=[tmp_path / name], out=tmp_path / "out.txt", jobs=0)
    assert [(member.clip.id, why) for member, why in found.listed] == [("a.flac", f"listed by {name}")]
    assert exclude.read([tmp_path / "out.txt"]).excludes(clip(wave), corpus="w") == f"listed by {name}"


def _work(job):
    if "boom" in job:
        os._exit(1)
    return [piece.upper() for piece in job]


def test_what_brings_a_process_down_costs_itself_alone():
    todo = [["a", "b"], ["c", "boom", "d"], ["e"]]
    done = in_processes(
        _work, todo, jobs=2, alone=lambda job: [[piece] for piece in job], broken=lambda job: [f"no {job[0]}"]
    )
    assert sorted(piece for result in done for piece in result) == ["A", "B", "C", "D", "E", "no boom"]


def test_the_cache_keeps_what_was_heard_before_a_stop(tmp_path):
    clips = [clip(put(tmp_path / f"{n}.flac", scene(n, 2.0))) for n in range(20)]

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check({"a": clips}, jobs=0, progress=stop)
    with sqlite3.connect(tmp_path / "cache" / "overlap" / "heard-1.sqlite") as base:
        assert base.execute("SELECT count(*) FROM heard").fetchone() == (8,)
    assert io.StringIO("\n".join(check({"a": clips}, jobs=0).lines())).readline() == "a: 20 clips\n"
