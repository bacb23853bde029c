"""Laws of every corpus that has a card, on a miniature of its published tree.

A corpus NAME has `miniatures/NAME.py` with `miniature(folder) -> settings`, which writes the tree and returns the
settings of its Config (at least `path`). There, `LISTED = False` says that the corpus has no table: what lies in its
folders is all that it knows.
"""

import dataclasses
import importlib
import json
import re
from pathlib import Path

import pytest

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.data import manifest

HASHES = {"md5": 32, "sha256": 64}
TABLES = {".csv", ".tsv", ".txt", ".json", ".jsonl", ".yaml", ".annotprocessed", ".py"}
CORPORA = [
    name
    for name in component.names("data.corpora")
    if (component.PACKAGE / "data" / "corpora" / f"{name}.py").is_file()
    and hasattr(component.module("data.corpora", name), "CARD")
]
every_corpus = pytest.mark.parametrize("name", CORPORA)


class Corpus:
    """A corpus' miniature, and its Config with other settings."""

    def __init__(self, name, folder):
        self.module = importlib.import_module(f"miniatures.{name}")  # tests/data is where pytest looks for modules
        self.settings = {"complete": False, **self.module.miniature(folder)}
        self.name = name

    def config(self, **settings):
        asked = {"name": self.name, **self.settings, **settings}
        return component.config("data.corpora", asked, where="corpus")


@pytest.fixture
def corpus(name, tmp_path):
    return Corpus(name, tmp_path / "it's a corpus, published")


@every_corpus
def test_a_card_tells_all_that_is_needed(name):
    card = component.module("data.corpora", name).CARD
    for said in (card.title, card.homepage, card.licence, card.citation, card.use, card.get):
        assert said.strip() == said != ""
        assert "\n" not in said
    assert card.homepage.startswith(("https://", "http://"))
    assert card.get.endswith(".")
    assert all(defect.endswith(".") for defect in card.defects)
    assert all(count > 0 for counts in (card.clips, card.captions) for count in counts.values())
    assert "all" not in card.clips or len(card.clips) == 1
    assert set(card.captions) <= set(card.clips) or not card.clips
    assert len({archive.url for archive in card.archives}) == len(card.archives)
    for archive in card.archives:
        assert archive.url.startswith("https://")
        for kind, length in HASHES.items():
            known = getattr(archive, kind)
            assert known is None or re.fullmatch(rf"[0-9a-f]{{{length}}}", known)


@every_corpus
def test_a_miniature_builds(corpus, tmp_path):
    clips = corpus.config().build()
    assert clips == corpus.config().build() == corpus.config().listed()
    assert len(clips) >= 2
    assert len({clip.id for clip in clips}) == len(clips)
    assert all(clip.id and clip.path.is_file() for clip in clips)
    for clip in clips:
        assert all(said == said.strip() != "" for said in clip.captions + clip.labels)
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in clip.extra.items())
        assert re.fullmatch(r"\d+", clip.extra.get("freesound_id", "0"))
        assert re.fullmatch(r"[\w-]{11}", clip.extra.get("youtube_id", "-" * 11))
    manifest.write(tmp_path / "m.jsonl", clips)
    assert manifest.read(tmp_path / "m.jsonl") == clips


@every_corpus
def test_splits_keep_what_they_name(corpus):
    if not hasattr(corpus.config(), "splits"):
        pytest.skip("it has folds")
    clips = corpus.config().build()
    found = list(dict.fromkeys(clip.extra["split"] for clip in clips))
    for split in found:
        assert corpus.config(splits=[split]).build() == [clip for clip in clips if clip.extra["split"] == split]
    assert corpus.config(splits=found).build() == clips
    with pytest.raises(SettingError, match="no-such-split"):
        corpus.config(splits=["no-such-split"])


@every_corpus
def test_a_part_must_be_asked_for(corpus):
    card = component.module("data.corpora", corpus.name).CARD
    if not card.clips and not card.captions:
        pytest.skip("its publishers give no count")
    with pytest.raises(DataError, match=r"\d+ .*complete = false") as caught:
        corpus.config(complete=True).build()
    assert "\n" not in str(caught.value)


@every_corpus
def test_a_missing_sound_is_named(corpus):
    listed = corpus.config().listed()
    gone = listed[-1].path
    gone.unlink()
    if not getattr(corpus.module, "LISTED", True):
        assert corpus.config().listed() == [clip for clip in listed if clip.path != gone]
        return
    still = corpus.config().listed()  # where it lay is not known any more in corpora whose sounds may lie anywhere
    assert [dataclasses.replace(clip, path=gone) for clip in still] == [
        dataclasses.replace(clip, path=gone) for clip in listed
    ]
    with pytest.raises(DataError, match=re.escape(still[-1].path.name)) as caught:
        corpus.config().build()
    assert "listed but not there" in str(caught.value)


@every_corpus
def test_a_seed_draws_another_split_where_hark_draws_it(corpus):
    draws = hasattr(component.module("data.corpora", corpus.name), "ninety_ten")
    if not draws and not hasattr(corpus.config(), "seed"):
        pytest.skip("its publishers split it")
    drawn = [corpus.config(seed=seed).build() for seed in range(30)]
    assert drawn[0] == corpus.config().build()
    kept = [[dataclasses.replace(clip, extra={**clip.extra, "split": ""}) for clip in clips] for clips in drawn]
    assert all(clips == kept[0] for clips in kept)
    assert len({tuple(clip.extra["split"] for clip in clips) for clips in drawn}) > 1
    assert {clip.extra["split"] for clips in drawn for clip in clips} == {"train", "test"}


def tables(folder):
    """The text files of a published tree."""
    return sorted(file for file in folder.rglob("*") if file.suffix in TABLES and not file.name.startswith("."))


def told(clips):
    """All that is said of clips, with line ends of one kind."""
    return json.loads(json.dumps([dataclasses.astuple(clip) for clip in clips], default=str).replace("\\r\\n", "\\n"))


@every_corpus
def test_a_table_as_windows_writes_it_says_the_same(corpus, tmp_path):
    before = told(corpus.config().listed())
    for table in tables(tmp_path):
        content = table.read_bytes()
        saved = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for way in (saved, b"\xef\xbb\xbf" + saved) if is_utf8(content) else (saved,):
            table.write_bytes(way)
            assert told(corpus.config().listed()) == before, table.name
        table.write_bytes(content)


@every_corpus
def test_a_table_in_another_encoding_is_one_line(corpus, tmp_path):
    for table in tables(tmp_path):
        content = table.read_bytes()
        for way in (b"\xff\xfe" + content.decode("utf-8", "replace").encode("utf-16-le"), content + b"\xe9\xff\n", b""):
            table.write_bytes(way)
            clips = built_or_one_line(corpus)
            assert clips is None or len({clip.id for clip in clips}) == len(clips)
        table.write_bytes(content)


@every_corpus
def test_a_row_that_stands_twice_is_told_or_changes_nothing(corpus, tmp_path):
    before = corpus.config().build()
    for table in tables(tmp_path):
        content = table.read_bytes()
        if table.stem in {clip.id for clip in before}:
            continue  # the transcript of one clip
        table.write_bytes(twice(table))
        clips = built_or_one_line(corpus)
        if clips is not None and component.module("data.corpora", corpus.name).CARD.captions:
            counts = [sum(len(clip.captions) for clip in found) for found in (before, clips)]
            assert (counts[0] == counts[1]) == (clips == before)  # else the counts tell
        else:
            assert clips in (None, before), table.name
        table.write_bytes(content)


def is_utf8(content):
    try:
        return bool(content.decode() or True)
    except UnicodeDecodeError:
        return False


def built_or_one_line(corpus):
    """The clips, or None after an error of one line."""
    try:
        return corpus.config().build()
    except DataError as error:
        said = str(error)
    assert "\n" not in said
    return None


def twice(table):
    """The table with its last row, line or entry once more."""
    if table.suffix != ".json":
        lines = table.read_bytes().rstrip().split(b"\n")
        return b"\n".join([*lines, lines[-1]]) + b"\n"
    found = json.loads(table.read_text(encoding="utf-8-sig"))
    rows = found.get("data") if isinstance(found, dict) else found
    if isinstance(rows, list) and rows:
        rows.append(rows[-1])
    return json.dumps(found).encode()


def test_every_miniature_is_of_a_corpus():
    files = (Path(__file__).parent / "miniatures").glob("*.py")
    assert {file.stem for file in files} <= {*CORPORA, *component.names("data.corpora"), "tree"}
