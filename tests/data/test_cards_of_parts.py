"""Counts of the version, subset or folds asked for; `build` and `hark data prepare` compare with the same."""

import pytest

from hark.core import component
from hark.core.errors import DataError
from hark.data.corpora import esc50, urbansound8k
from hark.data.prepare.run import Settings, prepare
from hark.data.whole import ALL

CARDS = [
    ("audiocaps", {"version": "2"}, {"val": 495, "test": 975}, {"train": 91256, "val": 2475, "test": 4875}),
    ("clotho", {"version": "1"}, {"development": 2893, "evaluation": 1045}, {"development": 14465, "evaluation": 5225}),
    ("auto_acd", {"parts": ["audioset"]}, {}, {}),
    ("cmu_mosei", {}, {}, {}),
    ("fma", {"subset": "small"}, {"training": 6400, "validation": 800, "test": 800}, {}),
    ("fma", {"subset": "full"}, {"training": 84353, "validation": 10958, "test": 11263}, {}),
    ("gtzan", {"lists": "lists"}, {"train": 443, "valid": 197, "test": 290}, {}),
    ("iemocap", {"folds": [1]}, {}, {}),
    ("kinetics", {"version": "400"}, {"train": 246534, "val": 19906, "test": 39805}, {}),
    ("kinetics", {"version": "700"}, {}, {}),
    ("ravdess", {"channel": "song"}, {ALL: 1012}, {}),
    ("speech_commands", {"version": "1"}, {"training": 51088, "validation": 6798, "testing": 6835}, {}),
    ("tau_scenes", {"year": "2022"}, {ALL: 230400}, {}),
    ("tut_scenes", {"year": "2016"}, {"development": 1170, "evaluation": 390}, {}),
    ("esc50", {"folds": [2, 3]}, {ALL: 800}, {}),
    ("urbansound8k", {"folds": [1, 10]}, {ALL: 873 + 837}, {}),
]


@pytest.mark.parametrize(("name", "settings", "clips", "captions"), CARDS)
def test_the_card_of_a_part(name, settings, clips, captions, tmp_path):
    config = component.config("data.corpora", {"name": name, "path": str(tmp_path), **settings}, where=name)
    assert (config.card.clips, config.card.captions) == (clips, captions)


@pytest.mark.parametrize("name", sorted({name for name, *_ in CARDS}))
def test_the_card_of_all_is_the_modules(name, tmp_path):
    config = component.config("data.corpora", {"name": name, "path": str(tmp_path)}, where=name)
    known = component.module("data.corpora", name).CARD
    if name == "kinetics":  # no counts of 700-2020
        assert config.card.version == known.version
    assert (config.card.clips, config.card.captions) == (known.clips, known.captions)
    assert config.card.title == known.title


def test_mmsas_copy_of_mosei_has_counts(tmp_path):
    (tmp_path / "label.csv").touch()
    config = component.config("data.corpora", {"name": "cmu_mosei", "path": str(tmp_path)}, where="x")
    assert config.card.clips == {"train": 16326, "valid": 1871, "test": 4659}


def urbansound8k_table(folder, folds):
    (folder / "metadata").mkdir()
    lines = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    lines += [f"{fold}-{n}.wav,{n},0,4,1,{fold},3,dog_bark" for fold, count in folds.items() for n in range(count)]
    (folder / "metadata" / "UrbanSound8K.csv").write_text("\n".join(lines) + "\n")


def test_build_counts_the_folds_that_are_asked_for(tmp_path):
    urbansound8k_table(tmp_path, {1: 872, 2: 888})
    with pytest.raises(DataError, match=r"UrbanSound8K\.csv: 872 clips, not 873; set complete = false"):
        urbansound8k.Config(str(tmp_path), folds=(1,)).build()
    with pytest.raises(DataError, match="888 files are listed but not there"):
        urbansound8k.Config(str(tmp_path), folds=(2,)).build()
    with pytest.raises(DataError, match="1760 clips, not 8732"):
        urbansound8k.Config(str(tmp_path)).build()


def test_prepare_compares_with_the_same_counts(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    urbansound8k_table(source, {2: 888})
    report = prepare(Settings("urbansound8k", str(source), str(tmp_path / "out"), options={"folds": [2]}), jobs=0)
    assert report.splits[ALL].published_clips == report.listed == 888
    assert report.wrong == ("0 clips, not 888",)


def test_folds_add_up():
    assert esc50.CARD.clips == {ALL: 2000}
    assert urbansound8k.CARD.clips == {ALL: 8732}
