"""Corpora made of others: split anew, and labels said in one sentence."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from hark.core import component
from hark.core.errors import DataError, SettingError


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """ESC-50's tree, of 40 clips in 20 recordings."""
    (tmp_path / "audio").mkdir()
    (tmp_path / "meta").mkdir()
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for n in range(40):
        name = f"1-{n // 2}-{'AB'[n % 2]}-0.wav"
        soundfile.write(tmp_path / "audio" / name, np.zeros(8), 8000)
        lines.append(f"{name},1,0,{'dog' if n % 4 else 'sea_waves'},False,{n // 2},{'AB'[n % 2]}")
    (tmp_path / "meta/esc50.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def made(name: str, path: Path, **settings):
    of = {"name": "esc50", "complete": False}
    return component.config("data.corpora", {"name": name, "path": str(path), "of": of, **settings}, where="corpus")


def test_nine_tenths_and_the_rest_are_all_and_share_no_recording(published: Path) -> None:
    every = component.config("data.corpora", {"name": "esc50", "path": str(published), "complete": False}, where="x")
    train, rest = (made("resplit", published, part=part).build() for part in ("train", "rest"))
    assert sorted(clip.id for clip in train + rest) == sorted(clip.id for clip in every.build())
    recordings = [{clip.extra["freesound_id"] for clip in clips} for clips in (train, rest)]
    assert [len(one) for one in recordings] == [18, 2]
    assert not recordings[0] & recordings[1]
    assert [clip.id for clip in train] == [c.id for c in every.build() if c in train]  # in the corpus' order
    assert made("resplit", published, part="rest").listed() == rest
    assert made("resplit", published, part="rest", seed=1).build() != rest


def test_a_recording_is_what_the_user_says(published: Path) -> None:
    train, rest = (made("resplit", published, part=part, by="take", share=0.5).build() for part in ("train", "rest"))
    assert [{clip.extra["take"] for clip in clips} for clips in (train, rest)] in ([{"A"}, {"B"}], [{"B"}, {"A"}])
    assert len(train) == len(rest) == 20
    with pytest.raises(DataError, match=r"clip '1-0-A-0.wav' has no 'takes'; did you mean 'take'"):
        made("resplit", published, part="train", by="takes").build()


def test_labels_become_one_sentence(published: Path) -> None:
    clips = made("from_labels", published).build()
    assert {clip.captions for clip in clips} == {("Sound of dog",), ("Sound of sea waves",)}
    assert made("from_labels", published).listed() == clips


def test_mistakes_are_named(published: Path) -> None:
    with pytest.raises(SettingError, match=r"share is 1.5; it is a share, between 0 and 1"):
        made("resplit", published, part="train", share=1.5)
    with pytest.raises(SettingError, match=r"of.path: give the path beside 'of'"):
        made("from_labels", published, of={"name": "esc50", "path": "x"})
    with pytest.raises(SettingError, match=r"no 'esc5' among data.corpora; did you mean 'esc50'"):
        made("resplit", published, part="rest", of={"name": "esc5"}).build()
    with pytest.raises(DataError, match=r"20 recordings leave none for part 'rest'; change 'share'"):
        made("resplit", published, part="rest", share=0.99).build()
