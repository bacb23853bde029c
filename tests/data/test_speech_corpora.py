"""Corpora of speech and emotion, on miniatures of what their publishers pack."""

import re

import pytest
from miniatures import cmu_mosei as cmu_mosei_tree
from miniatures import cmu_mosi as cmu_mosi_tree
from miniatures import crema_d as crema_d_tree
from miniatures import iemocap as iemocap_tree
from miniatures import libricount as libricount_tree
from miniatures import ljspeech as ljspeech_tree
from miniatures import meld as meld_tree
from miniatures import msp_podcast as msp_podcast_tree
from miniatures import ravdess as ravdess_tree
from miniatures import tree

from hark.core.errors import DataError
from hark.data import sentences
from hark.data.corpora import (
    cmu_mosei,
    cmu_mosi,
    crema_d,
    iemocap,
    libricount,
    ljspeech,
    meld,
    msp_podcast,
    ravdess,
)
from hark.data.split import ninety_ten


def by_id(clips):
    return {clip.id: clip for clip in clips}


def config(module, made, folder, **settings):
    return module.Config(**{"complete": False, **made.miniature(folder), **settings})


def test_libricount(tmp_path):
    clips = by_id(config(libricount, libricount_tree, tmp_path).build())
    assert {clip.labels for clip in clips.values()} == {("0",), ("1",), ("10",)}
    assert clips["10_341"].extra["speakers"] == "10"
    tree.sound(tmp_path / "test" / "11_1.wav")
    with pytest.raises(DataError, match=r"11_1\.wav: no count of 0 to 10 speakers"):
        libricount.Config(str(tmp_path), complete=False).build()


def test_ljspeech_has_no_quoting(tmp_path):
    clips = config(ljspeech, ljspeech_tree, tmp_path).build()
    assert [clip.id for clip in clips] == ["LJ001-0001", "LJ001-0002", "LJ010-0001", "LJ002-0001"]
    assert clips[0].extra["transcript"] == 'The type, he said, was "new'
    assert clips[2].extra["transcript"] == 'It was £5, said Müller\'s "friend".'
    assert clips[2].extra["normalized"].startswith("It was five pounds")
    assert [clip.extra["split"] for clip in clips] == ["train", "train", ninety_ten("LJ010"), "train"]
    assert clips[2].extra["split"] == "test"
    said = [sentences.sentences(clip, ['The person is saying "{transcript}"']) for clip in clips]
    assert said[1] == ('The person is saying "so it was cut again."',)
    assert said[3] == ()  # nothing is said of a clip whose transcript is empty


def test_a_broken_line_of_ljspeech_is_named(tmp_path):
    settings = ljspeech_tree.miniature(tmp_path)
    for line in ("LJ001-0003|two cells", "LJ1-3|x|y", "LJ001-0003|a|b|c"):
        tree.text(tmp_path / "metadata.csv", "LJ001-0001|x|y\n\n" + line)
        with pytest.raises(DataError, match=r"metadata\.csv:3: no line 'LJ001-0001\|transcript"):
            ljspeech.Config(**settings, complete=False).build()
    tree.text(tmp_path / "metadata.csv", "LJ001-0001|x|y\nLJ001-0002|\xe9|y\n", encoding="latin-1")
    with pytest.raises(DataError, match=r"metadata\.csv:2: not UTF-8"):
        ljspeech.Config(**settings, complete=False).build()
    tree.text(tmp_path / "metadata.csv", "LJ001-0001|x|y\nLJ001-0001|x|y\n", encoding="utf-8-sig")
    with pytest.raises(DataError, match=r"metadata\.csv: two clips have the id 'LJ001-0001'"):
        ljspeech.Config(**settings, complete=False).build()


def test_msp_podcast(tmp_path):
    clips = by_id(config(msp_podcast, msp_podcast_tree, tmp_path).build())
    assert {name[12:]: clip.labels for name, clip in clips.items()} == {
        "0001_0008": ("neutral",),
        "0001_0009": (),
        "0002_0033": ("happiness",),
        "0003_0145": ("contempt",),
        "0004_0001": ("anger",),
    }
    assert clips["MSP-PODCAST_0001_0008"].extra == {
        "split": "Test1",
        "arousal": "2.2",
        "valence": "4.0",
        "dominance": "2.6",
        "speaker": "30",
        "gender": "Male",
        "transcript": 'So, I said "well"... and left.',
    }
    assert clips["MSP-PODCAST_0002_0033"].extra["transcript"] == "a café"


def test_the_labels_of_msp_podcast_as_json(tmp_path):
    table = config(msp_podcast, msp_podcast_tree, tmp_path).build()
    (tmp_path / "Labels" / "labels_consensus.csv").unlink()
    entries = ",\n".join(
        f'"{row[0]}": {{"EmoClass": "{row[1]}", "EmoAct": {row[2]}, "EmoVal": {row[3]}, "EmoDom": {row[4]}, '
        f'"SpkrID": "{row[5]}", "Gender": "{row[6]}", "Split_Set": "{row[7]}"}}'
        for row in msp_podcast_tree.ROWS
    )
    tree.text(tmp_path / "Labels" / "labels_consensus.json", f"{{{entries}}}")
    assert msp_podcast.Config(str(tmp_path), complete=False).build() == table
    tree.text(tmp_path / "Labels" / "labels_consensus.json", f"{{{entries}}}".replace('"C"', '"?"'))
    with pytest.raises(DataError, match=r"labels_consensus\.json: entry 4: 'EmoClass' is '\?'"):
        msp_podcast.Config(str(tmp_path), complete=False).build()


def test_iemocap(tmp_path):
    clips = config(iemocap, iemocap_tree, tmp_path).build()
    assert len(clips) == 20
    assert clips[0].id == "Ses01F_impro01_F000"
    assert clips[0].path == tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    assert clips[0].labels == ("neutral",)
    assert clips[0].extra == {
        "split": ninety_ten("Ses01F_impro01"),
        "fold": "1",
        "dialogue": "Ses01F_impro01",
        "speaker": "Ses01F",
        "valence": "2.5000",
        "activation": "2.5000",
        "dominance": "2.5000",
        "transcript": "Good morning.",
    }
    assert clips[1].labels == ()
    assert clips[1].extra["speaker"] == "Ses01M"
    some = config(
        iemocap, iemocap_tree, tmp_path, folds=(2, 5), complete=True
    ).build()  # no count of a session is known
    assert [clip.extra["fold"] for clip in some] == ["2"] * 4 + ["5"] * 4
    with pytest.raises(ValueError, match=r"folds: \[6\]; IEMOCAP has"):
        iemocap.Config(str(tmp_path), folds=(6,))


def test_a_turn_of_iemocap_that_cannot_be_read(tmp_path):
    settings = iemocap_tree.miniature(tmp_path)
    file = tmp_path / "Session3" / "dialog" / "EmoEvaluation" / "Ses03F_impro01.txt"
    file.write_text(file.read_text().replace("\tneu\t", "\tfine\t"))
    with pytest.raises(DataError, match=r"Ses03F_impro01\.txt:3: '\[6\.2901 - 8\.2357\]"):
        iemocap.Config(**settings, complete=False).build()


def test_meld_in_two_encodings(tmp_path):
    clips = by_id(config(meld, meld_tree, tmp_path).build())
    said = [clip.extra["transcript"] for clip in clips.values()]
    assert said == [
        "That is our company\u2019s dog, isn\u2019t it?",
        "You must\u2019ve seen.",
        "So, \u201cbye\u201d\u2026",
        "He\u2019s gone \u2014 \u201ctotally\u201d, José.",
        'Push it, push "it"!',
    ]
    first = clips["train_dia0_utt0"]
    assert first.path == tmp_path / "train" / "train_splits" / "dia0_utt0.mp4"
    assert clips["test_dia0_utt0"].path == tmp_path / "output_repeated_splits_test" / "dia0_utt0.mp4"
    assert first.extra["emotion"] == "neutral"
    assert first.extra["speaker"] == "Ann"
    assert clips["train_dia125_utt3"].extra["fault"] == "cannot be read"
    moods = [clip.labels for clip in config(meld, meld_tree, tmp_path, task="sentiment").build()]
    assert moods == [("neutral",), ("positive",), ("negative",), ("negative",), ("positive",)]


def test_the_utterance_of_meld_that_was_never_published(tmp_path, monkeypatch):
    settings = meld_tree.miniature(tmp_path)
    rows = [*meld_tree.ROWS["dev"], (2, "x", "y", "neutral", "neutral", 110, 7, 1, 1, "0:0:0,0", "0:0:1,0")]
    meld_tree.table(tmp_path, "dev", rows)
    monkeypatch.setattr(meld, "CARD", meld._published.counting(meld.CARD, {"train": 3, "dev": 2, "test": 1}))
    assert len(meld.Config(**settings).listed()) == 6
    assert [clip.id for clip in meld.Config(**settings, splits=("dev",)).build()] == ["dev_dia0_utt0"]
    assert len(meld.Config(**settings).build()) == 5
    assert meld.Config(**settings).listed()[4].extra["fault"] == "never published"
    tree.sound(tmp_path / "dev_splits_complete" / "dia110_utt7.mp4")
    assert len(meld.Config(**settings).build()) == 6
    assert "fault" not in meld.Config(**settings).build()[4].extra


def test_cmu_mosi(tmp_path):
    clips = by_id(config(cmu_mosi, cmu_mosi_tree, tmp_path).build())
    assert {name: (clip.extra["split"], clip.labels) for name, clip in clips.items()} == {
        "03bSnISJMiM_1": ("train", ("positive",)),
        "03bSnISJMiM_2": ("train", ("negative",)),
        "WKA5OygbEKI_1": ("valid", ("neutral",)),
        "WKA5OygbEKI_2": ("valid", ()),
        "tmZoasNr4rU_1": ("test", ("positive",)),
        "tmZoasNr4rU_2": ("test", ("negative",)),
    }
    assert clips["03bSnISJMiM_2"].extra == {
        "split": "train",
        "video": "03bSnISJMiM",
        "transcript": "THE END, HOWEVER, DIDN'T WORK",
        "sentiment": "-0.8",
        "youtube_id": "03bSnISJMiM",
        "youtube_start_s": "9",
    }
    assert cmu_mosi.Config(str(tmp_path / "Raw"), complete=False).build() == list(clips.values())
    (tmp_path / "Raw" / "Labels" / "OpinionLevelSentiment.csv").unlink()
    assert all(clip.labels == () for clip in cmu_mosi.Config(str(tmp_path), complete=False).build())
    with pytest.raises(DataError, match="train: 2 clips, not 1284; valid: 2 clips, not 229; test: 2 clips, not 686"):
        cmu_mosi.Config(str(tmp_path)).build()


def test_the_published_folds_of_cmu_mosi():
    assert (len(set(cmu_mosi.VALID.split())), len(set(cmu_mosi.TEST.split()))) == (10, 31)
    assert len(cmu_mosi._SPLIT) == 41
    assert sum(cmu_mosi.CARD.clips.values()) == 2199


def test_files_of_cmu_mosi_that_cannot_be_used(tmp_path):
    settings = cmu_mosi_tree.miniature(tmp_path)
    scores = tmp_path / "Raw" / "Labels" / "OpinionLevelSentiment.csv"
    text = scores.read_text()
    scores.write_text("start,end,video,number,score\n" + text)
    with pytest.raises(DataError, match=r"OpinionLevelSentiment\.csv:1: 'start' is 'start'; a number"):
        cmu_mosi.Config(**settings, complete=False).build()
    scores.write_text(text)
    said = tmp_path / "Raw" / "Transcript" / "Segmented" / "tmZoasNr4rU.annotprocessed"
    said.write_text(said.read_text() + "THREE\n")
    with pytest.raises(DataError, match=r"tmZoasNr4rU\.annotprocessed:3: 'THREE'; a line like 1_DELIM_"):
        cmu_mosi.Config(**settings, complete=False).build()


@pytest.mark.parametrize("module", [cmu_mosi, cmu_mosei])
def test_the_copy_of_mmsa(module, tmp_path):
    path = cmu_mosi_tree.copied(tmp_path)
    clips = module.Config(path, complete=False).build()
    assert [(clip.id, clip.extra["split"], clip.labels, clip.extra["sentiment"]) for clip in clips] == [
        ("03bSnISJMiM_1", "train", ("positive",), "2.4"),
        ("WKA5OygbEKI_2", "valid", ("negative",), "-1.2"),
        ("tmZoasNr4rU_1", "test", ("neutral",), "0"),
    ]
    assert clips[0].path == tmp_path / "Raw" / "03bSnISJMiM" / "1.mp4"
    assert clips[0].extra["transcript"] == 'WELL, IT WAS "GOOD"'
    with pytest.raises(DataError, match=r"train: 1 clips, not \d+; valid: 1 clips, not \d+; test: 1 clips, not \d+"):
        module.Config(path).build()
    table = tmp_path / "label.csv"
    table.write_text(table.read_text().replace(",valid", ",dev"))
    with pytest.raises(DataError, match=r"label\.csv:4: 'mode' is 'dev', none of train, valid, test"):
        module.Config(path, complete=False).build()


def test_cmu_mosei(tmp_path):
    clips = by_id(config(cmu_mosei, cmu_mosei_tree, tmp_path).build())
    assert {name: clip.labels for name, clip in clips.items()} == {
        "-3g5yACwYnA_0": ("positive",),
        "-3g5yACwYnA_1": ("neutral",),
        "188343_0": ("negative",),
        "188343_1": ("negative",),
        "7l3BNtSE0xc_0": ("positive",),
        "hh04W3xXa5s_0": ("positive",),
    }
    second = clips["-3g5yACwYnA_1"]
    assert (second.start_s, second.duration_s) == (7.5, 5.25)
    assert second.path == tmp_path / "Raw" / "Audio" / "Full" / "WAV_16000" / "-3g5yACwYnA.wav"
    assert second.extra["youtube_start_s"] == "7.5"
    assert "youtube_id" not in clips["188343_0"].extra
    assert clips["188343_0"].extra["sentiment"] == "-1.5"
    assert clips["hh04W3xXa5s_0"].extra["transcript"] == 'A "café" is fine'
    assert {clip.extra["split"] for clip in clips.values()} <= {"train", "test"}
    emotions = by_id(config(cmu_mosei, cmu_mosei_tree, tmp_path, task="emotion").build())
    assert emotions["-3g5yACwYnA_0"].labels == ("happiness", "sadness")
    assert emotions["-3g5yACwYnA_0"].extra["happiness"] == "1"
    assert emotions["-3g5yACwYnA_1"].labels == ()
    assert emotions["188343_0"].labels == ("anger", "disgust")  # an answer that is empty is none


def test_the_published_folds_of_cmu_mosei(tmp_path):
    folds = cmu_mosei_tree.folds(tmp_path / "cmu_mosei_std_folds.py")
    clips = config(cmu_mosei, cmu_mosei_tree, tmp_path / "mosei", folds=folds).build()
    assert [(clip.id, clip.extra["split"]) for clip in clips] == [
        ("-3g5yACwYnA_0", "test"),
        ("-3g5yACwYnA_1", "test"),
        ("188343_0", "valid"),
        ("188343_1", "valid"),
        ("hh04W3xXa5s_0", "train"),
    ]
    for text in ("standard_train_fold=['x'", "standard_train_fold=open('x')", "standard_train_fold=['x']"):
        tree.text(tmp_path / "cmu_mosei_std_folds.py", text)
        with pytest.raises(DataError, match=r"cmu_mosei_std_folds\.py: no lists"):
            config(cmu_mosei, cmu_mosei_tree, tmp_path / "mosei", folds=folds).build()
    with pytest.raises(DataError, match="MMSA's copy has no emotions"):
        cmu_mosei.Config(cmu_mosi_tree.copied(tmp_path / "copy"), task="emotion").build()


def test_lines_of_cmu_mosei_that_cannot_be_used(tmp_path):
    settings = cmu_mosei_tree.miniature(tmp_path)
    said = tmp_path / "Raw" / "Transcript" / "Segmented" / "Combined" / "188343.txt"
    for line, message in [
        ("188343___0___1.0", r"188343\.txt:1: .*; a line like VIDEO___0___start"),
        ("188343___0___one___2___x", r"188343\.txt:1: 'start' is 'one'; a number"),
        ("188343___0___3.5___3.5___x", r"188343\.txt:1: ends at 3\.5 s, before it starts at 3\.5 s"),
    ]:
        said.write_text(line)
        with pytest.raises(DataError, match=message):
            cmu_mosei.Config(**settings, complete=False).build()


def test_crema_d(tmp_path):
    clips = by_id(config(crema_d, crema_d_tree, tmp_path).build())
    assert list(clips) == crema_d_tree.NAMES
    assert clips["1001_DFA_ANG_XX"].labels == ("anger",)
    assert clips["1001_DFA_ANG_XX"].extra == {
        "split": ninety_ten("1001"),
        "actor": "1001",
        "transcript": "Don't forget a jacket.",
        "level": "unspecified",
        "sex": "male",
        "age": "51",
    }
    assert clips["1076_MTI_SAD_XX"].extra["fault"] == "no sound in it"
    assert "sex" not in clips["1076_MTI_SAD_XX"].extra
    for table in ("SentenceFilenames.csv", "VideoDemographics.csv"):
        (tmp_path / table).unlink()
    alone = crema_d.Config(str(tmp_path), complete=False).build()  # AudioWAV alone
    assert [clip.id for clip in alone] == sorted(crema_d_tree.NAMES)
    tree.sound(tmp_path / "AudioWAV" / "1001_XXX_ANG_XX.wav")
    with pytest.raises(DataError, match="'1001_XXX_ANG_XX'; a name like 1001_DFA_ANG_XX is expected"):
        crema_d.Config(str(tmp_path), complete=False).build()


def test_an_actor_is_on_one_side(tmp_path):
    clips = config(crema_d, crema_d_tree, tmp_path).build()
    sides = {(clip.extra["actor"], clip.extra["split"]) for clip in clips}
    assert len(sides) == len({clip.extra["actor"] for clip in clips})
    # of the 91 actors of CREMA-D and the 24 of RAVDESS some are on either side
    for keys in ([str(actor) for actor in range(1001, 1092)], [f"Actor_{actor:02d}" for actor in range(1, 25)]):
        assert {ninety_ten(key) for key in keys} == {"train", "test"}


def test_ravdess(tmp_path):
    clips = by_id(config(ravdess, ravdess_tree, tmp_path).build())
    assert len(clips) == 8
    assert clips["03-01-06-02-02-01-18"].labels == ("fearful",)
    assert clips["03-01-06-02-02-01-18"].extra == {
        "split": ninety_ten("Actor_18"),
        "channel": "speech",
        "actor": "18",
        "sex": "female",
        "level": "strong",
        "repetition": "1",
        "transcript": "Dogs are sitting by the door.",
    }
    sung = config(ravdess, ravdess_tree, tmp_path, channel="song").build()
    assert [clip.id for clip in sung] == ["03-02-04-01-02-02-01", "03-02-04-01-02-02-02"]
    with pytest.raises(DataError, match="2 clips, not 1012; set complete = false"):
        config(ravdess, ravdess_tree, tmp_path, channel="song", complete=True).build()
    tree.sound(tmp_path / "audio_speech_actors_01-24" / "Actor_18" / "03-01-06-02-02-01-18.wav")
    with pytest.raises(DataError, match="two clips have the id '03-01-06-02-02-01-18'; remove one"):
        ravdess.Config(str(tmp_path), complete=False).build()
    tree.sound(tmp_path / "Actor_01" / "03-01-09-01-01-01-01.wav")
    with pytest.raises(DataError, match=r"03-01-09-01-01-01-01\.wav: no name like"):
        ravdess.Config(str(tmp_path), complete=False).build()


@pytest.mark.parametrize(
    "module", [libricount, ljspeech, msp_podcast, iemocap, meld, cmu_mosi, cmu_mosei, crema_d, ravdess]
)
def test_a_folder_of_something_else(module, tmp_path):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none'}: no such folder; check 'path'")):
        module.Config(str(tmp_path / "none")).build()
    with pytest.raises(DataError):
        module.Config(str(tmp_path)).build()
