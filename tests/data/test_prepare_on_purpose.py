"""What is left out on purpose is told as such, and a copy that is otherwise whole is good; `build` says the same."""

import dataclasses
import importlib
import re
from collections import Counter

import numpy as np
import pytest
import soundfile

from hark.core import component
from hark.core.errors import DataError
from hark.data import manifest
from hark.data.prepare.run import Settings, prepare

OF_VIDEOS = ["audiocaps", "audioset", "auto_acd", "dcase17_task4", "kinetics", "vggsound"]


class Published:
    """A corpus' miniature as if it were all that was published: its card has the miniature's counts."""

    def __init__(self, name, tmp_path, monkeypatch):
        self.name, self.out = name, tmp_path / "out"
        self.settings = importlib.import_module(f"miniatures.{name}").miniature(tmp_path / "corpus")
        self.module = component.module("data.corpora", name)
        clips = self.config(complete=False).listed()
        counts = Counter(clip.extra["split"] for clip in clips)
        if "all" in self.module.CARD.clips:
            counts = {"all": len(clips)}
        monkeypatch.setattr(self.module, "CARD", dataclasses.replace(self.module.CARD, clips=counts, captions={}))

    def config(self, **settings):
        return component.config("data.corpora", {"name": self.name, **self.settings, **settings}, where=self.name)

    def prepare(self, **options):
        given = {key: value for key, value in self.settings.items() if key != "path"}
        asked = Settings(self.name, self.settings["path"], str(self.out), rate_hz=16000, options=given | options)
        return prepare(asked, jobs=0)

    def prepared(self):
        return [clip.id for clip in manifest.read(self.out / "manifest.jsonl")]


@pytest.fixture
def published(request, tmp_path, monkeypatch):
    return Published(request.param, tmp_path, monkeypatch)


def of(*names):
    return pytest.mark.parametrize("published", names, indirect=True)


@of("wavcaps")
def test_what_an_exclusion_list_names_is_no_fault(published):
    exclude = ["blacklist_exclude_test_ac"]
    report = published.prepare(exclude=exclude)
    assert report.good, report.summary()
    assert report.listed == 6
    assert {one.id for one in report.on_purpose} == {"FreeSound/2219", "AudioSet_SL/Yb0RFKhbpFJA"}
    assert {one.reason for one in report.on_purpose} == {"on a list of 'exclude'"}
    built = [clip.id for clip in published.config(exclude=exclude).build()]
    assert published.prepared() == built
    assert len(built) == 4
    lines = report.text().splitlines()
    assert "on purpose  2 left out" in lines
    assert sum(line.startswith("on purpose: ") for line in lines) == 2
    assert "FreeSound: 1 of 2 clips, 1 captions" in lines
    assert published.prepare().on_purpose == ()


@of("wavcaps")
def test_a_table_that_is_not_whole_is_seen_with_an_exclusion_list_too(published, monkeypatch):
    counts = {**published.module.CARD.clips, "SoundBible": 2}
    monkeypatch.setattr(published.module, "CARD", dataclasses.replace(published.module.CARD, clips=counts))
    exclude = ["blacklist_exclude_test_ac"]
    with pytest.raises(DataError, match="SoundBible: 1 clips, not 2"):
        published.config(exclude=exclude).build()
    assert published.prepare(exclude=exclude).wrong == ("SoundBible: 1 clips, not 2",)


@of(*OF_VIDEOS)
def test_videos_that_have_vanished_are_no_fault_where_the_user_says_so(published):
    files = {clip.path for clip in published.config(complete=False).listed()}
    for file in files:  # miniature videos are empty
        if not file.stat().st_size:
            soundfile.write(file, 0.1 * np.random.default_rng(0).standard_normal(800), 16000, format="WAV")
    gone = min(files)
    gone.unlink()
    before = published.prepare(complete=False)
    assert [one.reason for one in before.left_out["missing"]]
    assert not before.good
    report = published.prepare(present=True)
    assert not report.left_out["missing"]
    assert not report.wrong
    assert [one.id for one in report.on_purpose] == [one.id for one in before.left_out["missing"]]
    assert {one.reason for one in report.on_purpose} == {"no such file, and present = true"}
    assert report.listed == before.listed
    unreadable = {one.id for one in report.left_out["unreadable"]}  # a video by its name
    built = [clip.id for clip in published.config(present=True).build()]
    assert published.prepared() == [name for name in built if name not in unreadable]
    for file in files - {gone}:
        file.unlink()
    with pytest.raises(DataError, match=r"no sound of \d+ clips is there, first") as caught:
        published.prepare(present=True)
    with pytest.raises(DataError, match=re.escape(str(caught.value).partition(": ")[2])):
        published.config(present=True).build()


@of("crema_d", "gtzan")
def test_a_known_fault_is_no_fault_of_the_copy(published):
    (faulty,) = [clip for clip in published.config(complete=False).listed() if "fault" in clip.extra]
    assert published.prepare().on_purpose == ()  # here it has a sound
    for content in (b"no sound", None):
        if content is None:
            soundfile.write(faulty.path, np.zeros(160), 16000)
        else:
            faulty.path.write_bytes(content)
        report = published.prepare()
        assert report.good, report.summary()
        assert [(one.id, one.reason) for one in report.on_purpose] == [
            (faulty.id, f"a known fault ({faulty.extra['fault']})")
        ]
        assert faulty.id not in published.prepared()
        assert report.prepared == report.listed - 1
    other = next(clip for clip in published.config(complete=False).listed() if "fault" not in clip.extra)
    other.path.write_bytes(b"no sound")
    assert [one.id for one in published.prepare().left_out["unreadable"]] == [other.id]


def test_the_published_copy_of_meld_is_whole(tmp_path, monkeypatch):
    meld = importlib.import_module("miniatures.meld")
    never = (2, "x", "y", "neutral", "neutral", 110, 7, 1, 1, "0:0:0,0", "0:0:1,0")
    monkeypatch.setitem(meld.ROWS, "dev", [*meld.ROWS["dev"], never])
    published = Published("meld", tmp_path, monkeypatch)
    (tmp_path / "corpus" / "dev_splits_complete" / "dia110_utt7.mp4").unlink()
    assert dict(published.module.CARD.clips) == {"train": 3, "dev": 2, "test": 1}
    published.config().build()
    report = published.prepare()
    assert {one.id: one.reason for one in report.on_purpose} == {
        "train_dia125_utt3": "a known fault (cannot be read)",
        "dev_dia110_utt7": "a known fault (never published)",
    }
    assert not report.left_out["missing"]
    unreadable = {one.id for one in report.left_out["unreadable"]}  # miniature videos are empty
    assert report.listed == len(unreadable) + len(report.on_purpose) == 6
