"""Exclusion lists: ours, WavCaps' and DCASE's, and which clips they leave out."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from hark.core.errors import DataError
from hark.data import exclude
from hark.data.exclusion_lists import Line
from hark.data.records import Clip

CAPTIONS = Path(os.environ.get("HARK_CAPTIONS", Path(__file__).parents[3] / "shared" / "captions"))


def listed(tmp_path, *lines, name="list.txt"):
    path = tmp_path / name
    path.write_text("\n".join(["# hark exclusions 1", *lines]), encoding="utf-8")
    return exclude.read([path])


def clip(name="x", path="/nowhere/x.wav", **told):
    start_s, duration_s = told.pop("start_s", 0.0), told.pop("duration_s", None)
    return Clip(name, Path(path), start_s=start_s, duration_s=duration_s, extra=told)


def test_a_clip_of_a_corpus(tmp_path):
    found = listed(tmp_path, "", "# a remark", "id:clotho/a%20dog.wav  # heard in the test set", "id:b%2Fc/d/e.wav")
    assert found.excludes(clip("a dog.wav"), corpus="clotho") == "heard in the test set"
    assert found.excludes(clip("a dog.wav"), corpus=["folder", "clotho"]) == "heard in the test set"
    assert found.excludes(clip("a dog.wav"), corpus="audiocaps") is None
    assert found.excludes(clip("a dog.wav")) is None
    assert found.excludes(clip("d/e.wav"), corpus="b/c") == "list.txt:5"


def test_a_recording_and_a_video(tmp_path):
    video = "abc-_fghijk"
    found = listed(tmp_path, "freesound:123 # why", f"youtube:{video}#t=30,40", "youtube:zzzzzzzzzzz")
    assert found.excludes(clip(freesound_id="123")) == "why"
    assert found.excludes(clip(freesound_id="1234")) is None
    starts = {"20": False, "20.04": False, "21": True, "39.9": True, "40": False, "": True}
    for start_s, excluded in starts.items():
        assert bool(found.excludes(clip(youtube_id=video, youtube_start_s=start_s))) is excluded, start_s
    assert not found.excludes(clip(youtube_id=video, youtube_start_s="25", duration_s=5.0))
    assert found.excludes(clip(youtube_id="zzzzzzzzzzz", youtube_start_s="990"))


def test_a_file_by_its_bytes_whatever_it_is_called(tmp_path):
    (tmp_path / "a").write_bytes(b"sound")
    digest = hashlib.sha256(b"sound").hexdigest()
    here = clip(path=tmp_path / "a")
    for token in (f"sha256:{digest}", f"sha256:{digest.upper()}?bytes=5"):
        found = listed(tmp_path, token)
        assert found.excludes(here)
        assert found.excludes(clip(path=tmp_path / "a", start_s=3.0, duration_s=1.0))
        assert not found.excludes(clip(path=tmp_path / "list.txt"))
        assert not found.excludes(clip(path=tmp_path / "missing"))
    assert not listed(tmp_path, f"sha256:{digest}?bytes=6").excludes(here)  # another size: not even read
    part = listed(tmp_path, f"sha256:{digest}?bytes=5#t=2,4")
    assert part.excludes(here)
    assert part.excludes(clip(path=tmp_path / "a", start_s=3.0, duration_s=9.0))
    assert not part.excludes(clip(path=tmp_path / "a", start_s=4.0, duration_s=9.0))


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"sound")
    names = [
        "plain.wav",
        "with # sign? 100%.wav",
        "ümlaut\u2028line.wav",
        "line\nbreak",
        os.fsdecode(b"Ger\xe4usch.wav"),
        "a/b",
    ]
    lines = [Line(exclude.clip_token("set/one two", name), f"why\n{name}") for name in names]
    lines += [Line(exclude.video_token("abcdefghijk", (1.5, 11.5)), ""), Line("freesound:5", "why # so")]
    lines.append(Line(exclude.file_token(clip(path=tmp_path / "a", start_s=1.0)), "bytes"))
    assert exclude.file_token(clip(path=tmp_path / "missing")) is None
    exclude.write(tmp_path / "out.txt", lines)
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# hark exclusions 1"
    assert len(text.splitlines()) == 1 + len(lines)
    found = exclude.read([tmp_path / "out.txt"])
    for name in names:
        assert found.excludes(clip(name), corpus="set/one two").startswith("why")
    assert found.excludes(clip(youtube_id="abcdefghijk", youtube_start_s="11"))
    assert not found.excludes(clip(youtube_id="abcdefghijk", youtube_start_s="12"))
    assert found.excludes(clip(freesound_id="5")) == "why # so"
    assert found.excludes(clip(path=tmp_path / "a")) == "bytes"
    assert not found.excludes(clip(path=tmp_path / "a", duration_s=1.0))


def test_several_lists_are_one(tmp_path):
    (tmp_path / "b.csv").write_text("sound_id\n000123\n456\n", encoding="utf-8")
    own = tmp_path / "a.txt"
    exclude.write(own, [Line("freesound:456", "first")])
    found = exclude.read([own, tmp_path / "b.csv"])
    assert found.excludes(clip(freesound_id="456")) == "first"
    assert found.excludes(clip(freesound_id="000123")) == "listed by b.csv"


DCASE_2025 = ["354184", "265492", "58276", "76219", "Not found", "61077", "344714", "118055"]


@pytest.mark.parametrize("column", ["sound_id", "freesound_id"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dcase_ids(tmp_path, column, end):
    """As published for 2025: the column `sound_id`, a row that says "Not found", no line break after the last."""
    (tmp_path / "ids.csv").write_text(end.join([column, *DCASE_2025]), encoding="utf-8", newline="")
    found = exclude.read([tmp_path / "ids.csv"])
    assert set(found.freesound) == set(DCASE_2025) - {"Not found"}
    assert found.excludes(clip(freesound_id="118055")) == "listed by ids.csv"
    assert not found.excludes(clip(freesound_id="11805"))
    assert not found.excludes(clip(freesound_id="Not found"))  # what has no number is not one recording


def test_wavcaps_blacklists(tmp_path):
    (tmp_path / "blacklist.json").write_text(
        json.dumps({"AudioSet": ["Y-vfY_TJq7n_.wav"], "FreeSound": ["156", "7.wav", "Not found"]})
    )
    found = exclude.read([tmp_path / "blacklist.json"])
    assert found.excludes(clip(youtube_id="-vfY_TJq7n_", youtube_start_s="30")) == "listed by blacklist.json"
    assert found.excludes(clip(freesound_id="156"))
    assert found.excludes(clip(freesound_id="7"))
    assert not found.excludes(clip(freesound_id="8", youtube_id="aaaaaaaaaaa"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "freesound:1\n", "not an exclusion list"),
        ("a.txt", "", "not an exclusion list"),
        ("a.txt", "# hark exclusions 2\nfreesound:1", "not an exclusion list"),
        ("a.txt", "# hark exclusions 1\nfreesound 1", "a.txt:2: 'freesound'"),
        ("a.txt", "# hark exclusions 1\n\nid:one", "a.txt:3: 'id:one'"),
        ("a.csv", "id\n1\n", "a.csv:2: no Freesound id"),
        ("a.csv", "sound_id\ndog.wav\n", "a.csv:2: no Freesound id"),
        ("a.json", '{"YouTube": ["x"]}', "found: YouTube"),
        ("a.json", '{"AudioSet": ["vfY_TJq7n_U"]}', "is no id of AudioSet"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        exclude.read([tmp_path / name])


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt: cannot be read"):
        exclude.read([tmp_path / "none.txt"])


def test_names_by_which_a_recipe_opens_a_checked_corpus():
    assert "wavcaps" in exclude.names_of({"name": "folder", "path": "prepared/wavcaps", "table": "manifest.jsonl"})
    assert "train" in exclude.names_of({"name": "folder", "path": "sets", "table": "train.jsonl"})
    assert exclude.names_of({"name": "clotho"}) == {"clotho"}
    assert exclude.names_of({"name": "folder", "path": "x/y", "table": "train.jsonl"}) == {
        *("folder", "y", "x/y"),
        *("train", "y/train", "x/y/train"),
    }


@pytest.mark.skipif(not CAPTIONS.is_dir(), reason="HARK_CAPTIONS names no folder")
def test_the_published_blacklists():
    """Every entry of both lists is taken: as many different ids as the files have."""
    for path in sorted(CAPTIONS.glob("wavcaps_blacklist_*.json")):
        table = json.loads(path.read_text(encoding="utf-8"))
        found = exclude.read([path])
        assert len(found.youtube) == len(set(table["AudioSet"]))
        assert len(found.freesound) == len(set(table["FreeSound"]) - {"Not found"})
